# bash completion for fl-eval; made by: fl-eval --completion bash
_fl_eval()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    case $prev in
    -b|--batch) COMPREPLY=(); return ;;
    -l|--length) COMPREPLY=(); return ;;
    --delimiter) COMPREPLY=(); return ;;
    --stop) COMPREPLY=(); return ;;
    -n|--tokens) COMPREPLY=(); return ;;
    --attack) COMPREPLY=($(compgen -W 'membership canary' -- "$cur")); return ;;
    -j|--threads) COMPREPLY=(); return ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W ' -m --model -a --adapter --text --choices --exact --per-file --per-token --per-example --fairness -b --batch -l --length --delimiter --stop -n --tokens --attack --members --reference -j --threads --json --progress -q --quiet -h --help -V --version' -- "$cur"))
    else
        local IFS=$'\n'
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}
complete -o filenames -F _fl_eval fl-eval
