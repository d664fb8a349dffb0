# bash completion for fl-unmask; made by: fl-unmask --completion bash
_fl_unmask()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    case $prev in
    --close) COMPREPLY=(); return ;;
    --mem) COMPREPLY=(); return ;;
    --budget) COMPREPLY=(); return ;;
    --delta) COMPREPLY=(); return ;;
    -j|--threads) COMPREPLY=(); return ;;
    --seed) COMPREPLY=(); return ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W ' -k --key -p --plan --ready --advance -m --model --velocity --close --show --mem --ledger --budget --delta --state -o --output -j --threads -z --compress --seed --json --progress -q --quiet -h --help -V --version' -- "$cur"))
    else
        local IFS=$'\n'
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}
complete -o filenames -F _fl_unmask fl-unmask
