# shellcheck shell=sh
# An independent reader (tests/naive/hf_forward.py, numpy in doubles) loads folders that fl-export wrote: its
# logits are the oracles' of ../shared/data, and for every family and switch those of the engine on the model
# that fl-import made.
. "$(dirname "$0")/lib.sh"
hf() { python "$top/tests/cli/hf.py" "$@"; }
for numpy in python3 /usr/bin/python3 ''; do
    [ -z "$numpy" ] || ! $numpy -c 'import numpy' 2>/dev/null || break
done
if [ -z "$numpy" ]; then
    skip "an independent reader" "no python3-numpy"
    finish
fi
export OPENBLAS_NUM_THREADS=1
reads() { $numpy "$top/tests/naive/hf_forward.py" "$@"; }
differs() { ! reads tokens "$@" >said 2>&1 && grep -q '^# log-prob' said; }   # by numbers, and not for another reason

fl-init -p nano -o nano.flt && fl-info -t tokenizer.json --raw nano.flt >tokenizer.json || exit 1
printf 'A bee has six legs; 8 > 6 << 1.' >text.txt

computes() {   # FAMILY "what" 'KEY=JSON of another model, or ""' WHAT...
    family=$1 what="$1: $2" other=$3
    shift 3
    rm -rf in there
    hf new in "$family" tokenizer.json dtype=BF16 "$@" && fl-import -q -o m.flt in && fl-export -f hf -o there m.flt &&
        fl-eval -q -m m.flt --text text.txt --per-token --json -j 1 >rows.json
    check "$what" reads tokens there rows.json
    cat out
    [ -z "$other" ] || check "  and $other is another model" differs there rows.json "$other"
}
three='{"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}'
for family in llama mistral qwen2 qwen3; do
    computes $family "as it is usual" rope_theta=20000.0 rope_theta=10000.0
    computes $family "multi-query, single precision" rms_norm_eps=0.01 num_attention_heads=3 num_key_value_heads=1 hidden_size=30 dtype=F32
    computes $family "linear positions" 'rope_scaling={"type": "linear", "factor": 3.9}' 'rope_scaling={"type": "linear", "factor": 4.0}'
    computes $family "Llama 3's positions" 'rope_scaling={"type": "linear", "factor": 8.0}' rope_theta=100.0 "rope_scaling=$three"
    computes $family "  as newer files say them" 'rope_parameters={"rope_theta": 100.0}' \
        rope_theta=null 'rope_parameters={"rope_theta": 100.0, '"${three#?}" rope_scaling=null
    computes $family "a part of each head turned" 'partial_rotary_factor=1.0' partial_rotary_factor=0.67
done
computes llama "biases" '' attention_bias=true mlp_bias=true
computes llama "tied, half precision, in parts" '' dtype=F16 shards=4 tie_word_embeddings=true head
computes mistral "a window" sliding_window=6 sliding_window=7
computes mistral "no window" sliding_window=7 sliding_window=null
for family in qwen2 qwen3; do
    computes $family "a window" sliding_window=6 use_sliding_window=true sliding_window=7 max_window_layers=0
done
computes qwen3 "biases" '' attention_bias=true
computes gpt2 "as it is usual" layer_norm_epsilon=0.01 n_inner=21
computes gpt2 "the exact activation" 'activation_function="gelu_new"' 'activation_function="gelu"' seed=5
computes gpt2 "a head of its own, no prefix, single precision" '' tie_word_embeddings=false bare dtype=F32

for name in stories260K tiny-llama-untied tiny-gpt2 tiny-qwen2; do
    from=$shared/data/models/$name
    if [ ! -d "$from" ]; then
        skip "$name gives its oracle's logits" "no shared data here"
        continue
    fi
    rm -rf there
    fl-import -q -o m.flt "$from" && fl-export -f hf -o there m.flt
    check "$name gives its oracle's logits" reads oracle there "$shared/data/oracles/$name"
    rm -rf there
    fl-export -f hf -o there --shard-size 50k m.flt
    check "  and in parts" reads oracle there "$shared/data/oracles/$name"
done
finish
