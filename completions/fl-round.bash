# bash completion for fl-round
_fl_round()
{
    local cur=${COMP_WORDS[COMP_CWORD]}
    if [[ $COMP_CWORD == 1 ]]; then
        COMPREPLY=($(compgen -W 'site helper hub status --help --version' -- "$cur"))
    elif [[ $cur == -* ]]; then
        case ${COMP_WORDS[1]} in
        status) COMPREPLY=($(compgen -W '--json' -- "$cur")) ;;
        hub) COMPREPLY=($(compgen -W '-n -v --void --yes --from --draft-roster' -- "$cur")) ;;
        *) COMPREPLY=($(compgen -W '-n -v' -- "$cur")) ;;
        esac
    else
        local IFS=$'\n'
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}
complete -o filenames -F _fl_round fl-round
complete -W '--help --version' fl-gate
