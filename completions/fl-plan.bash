# bash completion for fl-plan; made by: fl-plan --completion bash
_fl_plan()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    case $prev in
    --round) COMPREPLY=(); return ;;
    --deadline) COMPREPLY=(); return ;;
    --void) COMPREPLY=(); return ;;
    --from) COMPREPLY=(); return ;;
    -j|--threads) COMPREPLY=(); return ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W ' -r --roster -k --key --round -m --model --after --velocity --he-keys --deadline --state --explain --tensors --void --yes --from --draft-roster -o --output -j --threads -z --compress --json --progress -q --quiet -h --help -V --version' -- "$cur"))
    else
        local IFS=$'\n'
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}
complete -o filenames -F _fl_plan fl-plan
