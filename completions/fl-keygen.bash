# bash completion for fl-keygen; made by: fl-keygen --completion bash
_fl_keygen()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    case $prev in
    -n|--name) COMPREPLY=(); return ;;
    --bandwidth) COMPREPLY=(); return ;;
    --epoch) COMPREPLY=(); return ;;
    --he) COMPREPLY=(); return ;;
    --he-key) COMPREPLY=(); return ;;
    --seed) COMPREPLY=(); return ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W ' -n --name -o --output -k --key --accept --words --psk --bandwidth -m --model --tensors --state --renew --public --epoch --show --he --he-key --seed --json --progress -q --quiet -h --help -V --version' -- "$cur"))
    else
        local IFS=$'\n'
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}
complete -o filenames -F _fl_keygen fl-keygen
