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

# ---- adapters of other ranks and targets, as PEFT's folder beside the model's ----
printf 'preset: nano\nlayers: 2\nctx: 64\nchannels: 32\nheads: 4\nhead_dim: 8\nkv_heads: 2\nffn: 48\n' >c.yaml
printf 'preset: nano\nlayers: 2\nctx: 64\nchannels: 32\nheads: 4\nhead_dim: 8\nkv_heads: 4\nffn: 48\nnorm: layernorm\nact: gelu_tanh\npositions: learned\nbias: 7\n' >g.yaml
awk 'BEGIN { for (i = 0; i < 60; i++) printf "%d bees have %d legs. ", i, 6 * i }' >bees.txt
for c in c g; do
    rm -rf $c.hf
    fl-init -c $c.yaml --seed 5 -o $c.flt && fl-harmonize -q -t $c.flt -o $c.shard bees.txt && fl-export -f hf -o $c.hf $c.flt || exit 1
done
computes_adapted() {   # MODEL "what" MAPS OPTIONS...
    base=$1 what=$2 maps=$3
    shift 3
    rm -rf peft
    fl-init -m $base.flt "$@" -o ad.flt && fl-train -q -m $base.flt -a ad.flt --steps 12 -b 4 --lr 0.02 $base.shard | fl-apply -m ad.flt -o ad1.flt &&
        fl-export -f peft -o peft ad1.flt && fl-eval -q -m $base.flt -a ad1.flt --text text.txt --per-token --json -j 1 >rows.json
    check "an adapter: $what" reads adapter $base.hf peft rows.json "$maps"
    cat out
}
all=q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj
computes_adapted c "rank 1, all maps" 14 --lora 1 --lora-targets $all
computes_adapted c "rank 16, all maps" 14 --lora 16 --lora-targets $all
computes_adapted c "rank 16, the feed-forward part alone" 6 --lora 16 --lora-targets 'mlp.*'
computes_adapted c "rank 1, queries and values" 4 --lora 1 --lora-targets q_proj,v_proj
computes_adapted c "rank 16, rank-stabilised" 14 --lora 16 --rslora --lora-alpha 4
computes_adapted c "rank 40, above the width, another alpha" 4 --lora 40 --lora-alpha 3 --lora-targets 'k_proj,o_proj'
computes_adapted g "gpt2, rank 1" 8 --lora 1
computes_adapted g "gpt2, rank 16, attention alone, rank-stabilised" 4 --lora 16 --rslora --lora-targets 'attn.*'
trained_from() {   # "what" OPTIONS...: the gradient of the first step, at an adapter that is no longer new
    what=$1
    shift
    rm -rf peft
    fl-init -m c.flt "$@" -o ad.flt && fl-train -q -m c.flt -a ad.flt --steps 3 -b 4 --lr 0.05 c.shard | fl-apply -m ad.flt -o ad1.flt &&
        fl-export -f peft -o peft ad1.flt && fl-train -q -m c.flt -a ad1.flt --steps 1 -b 1 -l 24 --report step.tsv -o step.upd one.shard
    # shellcheck disable=SC2046 # two numbers
    check "the gradient: $what" reads gradient c.hf peft ids.json \
        $(awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } $c["grad_norm"] != "-" { print $c["loss"], $c["grad_norm"]; exit }' step.tsv)
    cat out
}
printf 'one bee, two bees, three' >one.txt   # 24 bytes and the end: one window of 24
fl-harmonize -q -t c.flt -o one.shard one.txt
fl-info -t tokens/000000 --raw one.shard | od -An -v -tu2 -w2 | awk '{ printf "%s%s", NR == 1 ? "[" : ",", $1 } END { print "]" }' >ids.json
trained_from "rank 1, queries and down" --lora 1 --lora-targets q_proj,down_proj
trained_from "rank 2, rank-stabilised, the feed-forward part" --lora 2 --rslora --lora-targets 'mlp.*'

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
