# bash completion for fl-init; made by: fl-init --completion bash
_fl_init()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    case $prev in
    -p|--preset) COMPREPLY=($(compgen -W 'nano micro small medium gpt2-124m smollm2-135m base large qwen2.5-0.5b llama3.2-1b xl' -- "$cur")); return ;;
    --dtype) COMPREPLY=($(compgen -W 'f32 f16 bf16 q8_0' -- "$cur")); return ;;
    --lora) COMPREPLY=(); return ;;
    --lora-alpha) COMPREPLY=(); return ;;
    --lora-targets) COMPREPLY=(); return ;;
    --seed) COMPREPLY=(); return ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W ' -p --preset -c --config -t --tokenizer --dtype -m --model --lora --lora-alpha --lora-targets --rslora --list-presets -o --output -z --compress --seed --json --progress -q --quiet -h --help -V --version' -- "$cur"))
    else
        local IFS=$'\n'
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}
complete -o filenames -F _fl_init fl-init
