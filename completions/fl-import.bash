# bash completion for fl-import; made by: fl-import --completion bash
_fl_import()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    case $prev in
    --dtype) COMPREPLY=($(compgen -W 'f32 f16 bf16 q8_0' -- "$cur")); return ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W ' -m --model --dtype -o --output -z --compress --progress -q --quiet -h --help -V --version' -- "$cur"))
    else
        local IFS=$'\n'
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}
complete -o filenames -F _fl_import fl-import
