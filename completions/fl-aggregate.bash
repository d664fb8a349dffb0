# bash completion for fl-aggregate; made by: fl-aggregate --completion bash
_fl_aggregate()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    case $prev in
    --as) COMPREPLY=(); return ;;
    --sites) COMPREPLY=(); return ;;
    --min-sites) COMPREPLY=(); return ;;
    --rule) COMPREPLY=($(compgen -W 'mean' -- "$cur")); return ;;
    --weights) COMPREPLY=($(compgen -W 'examples uniform loss dynamic' -- "$cur")); return ;;
    --alpha) COMPREPLY=(); return ;;
    --bandwidth) COMPREPLY=(); return ;;
    --stale) COMPREPLY=(); return ;;
    --mem) COMPREPLY=(); return ;;
    -j|--threads) COMPREPLY=(); return ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W ' -p --plan -r --roster -k --key --request --fit --state --check --as --verify -m --model --velocity --next --sites --min-sites --rule --weights --alpha --bandwidth --lineage --stale --partial --explain --mem -o --output -j --threads -z --compress --json --progress -q --quiet -h --help -V --version' -- "$cur"))
    else
        local IFS=$'\n'
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}
complete -o filenames -F _fl_aggregate fl-aggregate
