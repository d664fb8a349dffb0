# bash completion for fl-diff; made by: fl-diff --completion bash
_fl_diff()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    case $prev in
    --site) COMPREPLY=(); return ;;
    --examples) COMPREPLY=(); return ;;
    --tokens) COMPREPLY=(); return ;;
    --loss-first) COMPREPLY=(); return ;;
    --loss-last) COMPREPLY=(); return ;;
    --contract) COMPREPLY=(); return ;;
    -j|--threads) COMPREPLY=(); return ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W ' -b --base -p --plan --site --examples --tokens --loss-first --loss-last --contract -o --output -j --threads -z --compress --progress -q --quiet -h --help -V --version' -- "$cur"))
    else
        local IFS=$'\n'
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}
complete -o filenames -F _fl_diff fl-diff
