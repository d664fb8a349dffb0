# bash completion for fl-train; made by: fl-train --completion bash
_fl_train()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    case $prev in
    --lora) COMPREPLY=(); return ;;
    --lora-alpha) COMPREPLY=(); return ;;
    --lora-targets) COMPREPLY=(); return ;;
    --lora-freeze) COMPREPLY=($(compgen -W 'a' -- "$cur")); return ;;
    --steps) COMPREPLY=(); return ;;
    --epochs) COMPREPLY=(); return ;;
    -b|--batch) COMPREPLY=(); return ;;
    --accumulate) COMPREPLY=(); return ;;
    -l|--length) COMPREPLY=(); return ;;
    --lr) COMPREPLY=(); return ;;
    --min-lr) COMPREPLY=(); return ;;
    --warmup) COMPREPLY=(); return ;;
    --schedule) COMPREPLY=($(compgen -W 'cosine wsd' -- "$cur")); return ;;
    --decay) COMPREPLY=(); return ;;
    --precision) COMPREPLY=($(compgen -W 'f32 bf16' -- "$cur")); return ;;
    --weight-decay) COMPREPLY=(); return ;;
    --beta1) COMPREPLY=(); return ;;
    --beta2) COMPREPLY=(); return ;;
    --clip) COMPREPLY=(); return ;;
    --dp-clip) COMPREPLY=(); return ;;
    --dp-noise) COMPREPLY=(); return ;;
    --dp-rate) COMPREPLY=(); return ;;
    --dp-unit) COMPREPLY=($(compgen -W 'record passage' -- "$cur")); return ;;
    --valid-every) COMPREPLY=(); return ;;
    --checkpoint-every) COMPREPLY=(); return ;;
    --seed) COMPREPLY=(); return ;;
    --site) COMPREPLY=(); return ;;
    --report-every) COMPREPLY=(); return ;;
    --budget) COMPREPLY=(); return ;;
    --delta) COMPREPLY=(); return ;;
    -j|--threads) COMPREPLY=(); return ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W ' -m --model --lora --lora-alpha --lora-targets --rslora -a --adapter --lora-freeze -p --plan -c --config --steps --epochs -b --batch --accumulate -l --length --document-mask --lr --min-lr --warmup --schedule --decay --precision --weight-decay --beta1 --beta2 --clip --dp-clip --dp-noise --dp-rate --dp-unit --valid --valid-every --checkpoint --checkpoint-every --seed --recompute --site --report --report-every --dry-run --ledger --budget --delta -o --output -j --threads -z --compress --json --progress -q --quiet -h --help -V --version' -- "$cur"))
    else
        local IFS=$'\n'
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}
complete -o filenames -F _fl_train fl-train
