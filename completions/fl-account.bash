# bash completion for fl-account; made by: fl-account --completion bash
_fl_account()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    case $prev in
    --delta) COMPREPLY=(); return ;;
    -e|--event) COMPREPLY=(); return ;;
    --target) COMPREPLY=(); return ;;
    --solve) COMPREPLY=($(compgen -W 'noise steps rate' -- "$cur")); return ;;
    --accountant) COMPREPLY=($(compgen -W 'rdp pld' -- "$cur")); return ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W ' --delta -c --config -e --event --target --solve --accountant --new-ledger --json --progress -q --quiet -h --help -V --version' -- "$cur"))
    else
        local IFS=$'\n'
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}
complete -o filenames -F _fl_account fl-account
