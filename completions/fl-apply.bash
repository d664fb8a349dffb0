# bash completion for fl-apply; made by: fl-apply --completion bash
_fl_apply()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    case $prev in
    --optimizer) COMPREPLY=($(compgen -W 'sgd momentum nesterov' -- "$cur")); return ;;
    --lr) COMPREPLY=(); return ;;
    --momentum) COMPREPLY=(); return ;;
    --max-norm) COMPREPLY=(); return ;;
    -j|--threads) COMPREPLY=(); return ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W ' -m --model -p --plan --optimizer --lr --momentum --state --max-norm --if-better --beside --merge -o --output -j --threads -z --compress --progress -q --quiet -h --help -V --version' -- "$cur"))
    else
        local IFS=$'\n'
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}
complete -o filenames -F _fl_apply fl-apply
