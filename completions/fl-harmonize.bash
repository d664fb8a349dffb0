# bash completion for fl-harmonize; made by: fl-harmonize --completion bash
_fl_harmonize()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    case $prev in
    --train-tokenizer) COMPREPLY=(); return ;;
    --explain) COMPREPLY=(); return ;;
    --format) COMPREPLY=($(compgen -W 'auto text jsonl csv tsv' -- "$cur")); return ;;
    --field) COMPREPLY=(); return ;;
    --passage) COMPREPLY=(); return ;;
    --max-document) COMPREPLY=(); return ;;
    --invalid) COMPREPLY=($(compgen -W 'replace refuse' -- "$cur")); return ;;
    --max-dropped) COMPREPLY=(); return ;;
    --valid) COMPREPLY=(); return ;;
    --mem) COMPREPLY=(); return ;;
    -j|--threads) COMPREPLY=(); return ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W ' -t --tokenizer --train-tokenizer --text --explain --digest -c --conf --format --field --passage --max-document --invalid --max-dropped --valid --valid-output --card --public --mem -o --output -j --threads -z --compress --json --progress -q --quiet -h --help -V --version' -- "$cur"))
    else
        local IFS=$'\n'
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}
complete -o filenames -F _fl_harmonize fl-harmonize
