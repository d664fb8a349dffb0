# bash completion for fl-generate; made by: fl-generate --completion bash
_fl_generate()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    case $prev in
    -n|--tokens) COMPREPLY=(); return ;;
    --stop) COMPREPLY=(); return ;;
    --temperature) COMPREPLY=(); return ;;
    --top-k) COMPREPLY=(); return ;;
    --top-p) COMPREPLY=(); return ;;
    --min-p) COMPREPLY=(); return ;;
    --repetition-penalty) COMPREPLY=(); return ;;
    -j|--threads) COMPREPLY=(); return ;;
    --seed) COMPREPLY=(); return ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W ' -m --model -a --adapter --batch -n --tokens --stop --temperature --top-k --top-p --min-p --repetition-penalty --only-new -j --threads --seed --progress -q --quiet -h --help -V --version' -- "$cur"))
    else
        local IFS=$'\n'
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}
complete -o filenames -F _fl_generate fl-generate
