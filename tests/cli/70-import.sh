#!/bin/sh
# fl-import: folders of the Llama family become the models that they are; what it refuses.
# shellcheck disable=SC2016  # shells of their own
. "$(dirname "$0")/lib.sh"
hf() { python "$top/tests/cli/hf.py" "$@"; }
says() { grep -q -- "$1" said && [ "$(wc -l < said)" = 1 ] && grep -q '^fl-import: ' said; }
nothing_left() { [ ! -e x.flt ] && [ ! -e .x.flt.part ]; }
import_fails() {   # status "what" "words" operands...: one line with these words, and no model
    _status=$1 _about=$2 _words=$3
    shift 3
    status "$_status" "$_about" fl-import -o x.flt "$@"
    cp err said
    check "  and says why: $_words" says "$_words"
    check "  and leaves nothing" nothing_left
}
refused() {   # "what" "words" WHAT...: a folder made so
    _what=$1 _why=$2
    shift 2
    rm -rf bad
    hf make m.flt bad "$@"
    import_fails 1 "$_what" "$_why" bad
}

printf 'layers: 2\nchannels: 16\nheads: 4\nkv_heads: 2\nhead_dim: 6\nffn: 20\nctx: 32\ntied: false\nnorm_eps: 1e-6\nrope_base: 5e5\n' > c.yaml
fl-init -c c.yaml --seed 5 -o m.flt || exit 1
fl-init -p nano -o tied.flt || exit 1

# ---- what is right ----
hf make m.flt good
check "a folder" fl-import -o got.flt good
check "  is the model that it was made of, to the byte" cmp m.flt got.flt
fl-import good > stdout.flt
check "  on standard output too" cmp m.flt stdout.flt
check "  with a slash behind its name" sh -c 'fl-import good/ | cmp - m.flt'
hf make tied.flt good-tied
check "a tied model" sh -c 'fl-import good-tied | cmp - tied.flt'
hf make tied.flt good-tied head
check "  whose file holds the head as well" sh -c 'fl-import good-tied | cmp - tied.flt'
hf make m.flt other reversed
check "tensors in another order" sh -c 'fl-import other | cmp - m.flt'
hf make m.flt other bare add=layers.0.self_attn.rotary_emb.inv_freq
check "names without a prefix, stored frequencies" sh -c 'fl-import other | cmp - m.flt'
for dtype in F16 BF16; do
    hf make m.flt half dtype=$dtype
    hf round m.flt want.flt $dtype
    check "$dtype" sh -c 'fl-import half | cmp - want.flt'
done
hf make m.flt other 'rope_theta=' 'rope_parameters={"rope_type": "default", "rope_theta": 500000.0}'
check "positions as newer files say them" sh -c 'fl-import other | cmp - m.flt'
check "compressed, the same model" sh -c 'fl-import -z good > z.flt &&
    [ "$(fl-info --digest z.flt | cut -c 1-64)" = "$(fl-info --digest m.flt | cut -c 1-64)" ]'

# ---- what is not supported ----
refused "another family" '"gpt2"; only "llama"' 'model_type="gpt2"'
refused "no family" model_type model_type=
refused "scaled positions" rope_scaling 'rope_scaling={"rope_type": "llama3", "factor": 8.0}'
refused "  as older files say it" rope_scaling 'rope_scaling={"type": "linear", "factor": 2.0}'
refused "  as newer files say it" rope_parameters 'rope_parameters={"rope_type": "yarn"}'
refused "partly turned heads" partial_rotary_factor partial_rotary_factor=0.5
refused "  as newer files say it" partial_rotary_factor \
    'rope_parameters={"rope_type": "default", "partial_rotary_factor": 0.5}'
refused "biases" attention_bias attention_bias=true
refused "biases of the feed-forward part" mlp_bias mlp_bias=true
refused "quantised weights" quantization_config 'quantization_config={"bits": 4}'
refused "another activation" hidden_act 'hidden_act="gelu"'
refused "an activation of another type" hidden_act 'hidden_act=["gelu"]'
refused "a tied head of another type" tie_word_embeddings tie_word_embeddings=1
refused "a window" sliding_window sliding_window=128

# ---- what does not fit ----
refused "a missing size" num_hidden_layers num_hidden_layers=
refused "a size of another type" hidden_size 'hidden_size="16"'
refused "a size that is too large" 'channels' hidden_size=1000000000
refused "key heads that divide nothing" 'kv_heads: 3' num_key_value_heads=3
refused "a model larger than any file" 'embed_tokens.weight" is' \
    hidden_size=131072 intermediate_size=524288 vocab_size=1048576
refused "fewer layers than there are" 'layers.1.* has no place' num_hidden_layers=1
refused "more layers than there are" 'layers.2' num_hidden_layers=3
refused "tied, and yet other ids" 'embed_tokens' vocab_size=300
refused "a vocabulary smaller than the tokenizer's" '257' vocab_size=200
refused "a missing tensor" 'layers.1.mlp.up_proj.weight" is missing' drop=layers.1.mlp.up_proj.weight
refused "a tensor too many" 'bias.* has no place' add=model.layers.0.self_attn.q_proj.bias
refused "a wrong shape" 'config.json asks for' flat=layers.0.self_attn.k_proj.weight
refused "a value that is not finite" 'norm.weight.*not finite' nan=norm.weight
refused "64-bit floats" 'f64; F32, F16 and BF16' dtype=F64

# ---- damaged files ----
bytes=$(wc -c < good/model.safetensors)
for at in 0 7 8 100 $((bytes - 1)); do
    rm -rf bad && cp -R good bad
    head -c "$at" good/model.safetensors > bad/model.safetensors
    import_fails 1 "weights cut at $at" 'model.safetensors' bad
done
rm -rf bad && cp -R good bad
printf '\377\377\377\377\377\377\377\177' | dd of=bad/model.safetensors conv=notrunc 2>/dev/null
import_fails 1 "a header without end" 'is not a safetensors file' bad
cp good/model.safetensors bad
printf '{"model_type": "llama",' > bad/config.json
import_fails 1 "a cut configuration" 'config.json: line 1' bad
echo '{}' > bad/tokenizer.json
cp good/config.json bad
import_fails 1 "a tokenizer without a model" 'tokenizer.json' bad
for file in config.json model.safetensors tokenizer.json; do
    rm -rf bad && cp -R good bad && rm bad/$file
    import_fails 1 "without $file" "bad/$file" bad
done

# ---- the command line ----
status 2 "no folder named" fl-import
status 2 "two folders" fl-import good good
import_fails 1 "a file" 'is no folder' good/model.safetensors
import_fails 1 "a folder that is not there" 'absent/' absent
status 2 "no folder to write to" fl-import -o good good
cp m.flt kept.flt
status 1 "a failure" fl-import -o kept.flt bad
check "  leaves the old file" cmp kept.flt m.flt
if command -v script >/dev/null; then
    script -qec 'fl-import good' /dev/null > term 2>&1
    check "a terminal is refused" grep -q 'is a terminal' term
else
    skip "a terminal is refused" "no script(1)"
fi
fl-import good 2>pipe | :
check "a reader that goes away is no error line" [ ! -s pipe ]

# ---- real ones ----
for name in stories260K tiny-llama-untied; do
    from=$shared/data/models/$name
    if [ -d "$from" ]; then
        check "$name" fl-import -o real.flt "$from"
        check "  carries its tokenizer as it is" sh -c \
            'fl-info --tensor tokenizer.json --raw real.flt | cmp - "$1"' sh "$from/tokenizer.json"
    else
        skip "$name" "no shared data here"
    fi
done
for name in tiny-gpt2 tiny-qwen2; do
    from=$shared/data/models/$name
    if [ -d "$from" ]; then
        import_fails 1 "$name" 'only "llama"' "$from"
    else
        skip "$name" "no shared data here"
    fi
done
finish
