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
check "  with a slash after its name" sh -c 'fl-import good/ | cmp - m.flt'
hf make tied.flt good-tied
check "a tied model" sh -c 'fl-import good-tied | cmp - tied.flt'
hf make tied.flt good-tied head
check "  whose file holds the head as well" sh -c 'fl-import good-tied | cmp - tied.flt'
hf make m.flt other reversed
check "tensors in another order" sh -c 'fl-import other | cmp - m.flt'
hf make m.flt other bare frequencies=layers.0.self_attn.rotary_emb.inv_freq
check "names without a prefix, stored frequencies" sh -c 'fl-import other | cmp - m.flt'
hf make m.flt other frequencies=model.rotary_emb.inv_freq
check "frequencies of the whole model" sh -c 'fl-import other | cmp - m.flt'
for name in lm_head.weight model.norm.weight model.layers.1.mlp.up_proj.weight; do
    hf make m.flt other twice=$name
    check "both spellings of $name, and equal" sh -c 'fl-import other | cmp - m.flt'
done
for dtype in F16 BF16; do
    hf make m.flt half dtype=$dtype
    hf round m.flt want.flt $dtype
    check "$dtype" sh -c 'fl-import half | cmp - want.flt'
    hf make m.flt half dtype=$dtype twice=model.norm.weight frequencies=model.layers.1.self_attn.rotary_emb.inv_freq
    check "  with copies and frequencies" sh -c 'fl-import half | cmp - want.flt'
done
hf make m.flt other 'rope_theta=' 'rope_parameters={"rope_type": "default", "rope_theta": 500000.0}'
check "positions as newer files say them" sh -c 'fl-import other | cmp - m.flt'
noted() {   # "what" "words" WHAT...: imported as it is, with one line that says these words
    _what=$1 _words=$2
    shift 2
    rm -rf other
    hf make m.flt other "$@"
    check "$_what" fl-import -o x.flt other
    cp err said
    check "  is noted: $_words" says "$_words"
    check "  and changes nothing" cmp x.flt m.flt
    check "  -q is silent" sh -c 'fl-import -q -o x.flt other 2>quiet && [ ! -s quiet ]'
    rm -f x.flt
}
noted "a key that nobody knows" 'config.json: not known here and not applied: new_idea, other_idea$' \
    'new_idea={"a": 1}' other_idea=0.5 'unused_idea=false' 'unused_too=[]' 'nor_this=null' 'nor_that=0.0'
noted "dropout" 'not applied: attention_dropout$' attention_dropout=0.1
noted "sampling" 'generation_config.json: not taken over, .*fl-generate.*: temperature$' \
    'generation_config.json:temperature=0.6'
noted "a begin that the template does not have" 'tokenizer_config.json: "add_bos_token" is true, and the template' \
    'tokenizer_config.json:add_bos_token=true'
noted "an end that it does not have" '"add_eos_token" is true' 'tokenizer_config.json:add_eos_token=true'
noted "a token that tokenizer.json does not have" '"<more>", which tokenizer.json does not have' \
    'tokenizer_config.json:added_tokens_decoder={"256": {"content": "<|endoftext|>", "special": true}, "257": {"content": "<more>"}}'
noted "a token that is special there" '"<|endoftext|>", which is special in one of the two only' \
    'tokenizer_config.json:added_tokens_decoder={"256": {"content": "<|endoftext|>", "special": false}}'
hf make m.flt other attention_dropout=0.0 'torch_dtype="float32"' bos_token_id=256 use_cache=true initializer_range=0.02 \
    'generation_config.json:bos_token_id=256' 'tokenizer_config.json:add_bos_token=false' pretraining_tp=1 'layer_types=["full_attention", "full_attention"]'
check "what changes nothing is not noted" sh -c 'fl-import -o x.flt other 2>quiet && [ ! -s quiet ] && cmp x.flt m.flt && rm x.flt'
hf make m.flt other 'rope_scaling={"type": "default"}'
check "plain positions, as older files say it" sh -c 'fl-import other | cmp - m.flt'
check "compressed, the same model" sh -c 'fl-import -z good > z.flt &&
    [ "$(fl-info --digest z.flt | cut -c 1-64)" = "$(fl-info --digest m.flt | cut -c 1-64)" ]'

# ---- what is not supported ----
refused "another family" '"gpt2"; only "llama"' 'model_type="gpt2"'
refused "no family" model_type model_type=
refused "scaled positions" rope_scaling 'rope_scaling={"rope_type": "llama3", "factor": 8.0}'
refused "  as older files say it" rope_scaling 'rope_scaling={"type": "linear", "factor": 2.0}'
refused "  as both say it" rope_scaling 'rope_scaling={"rope_type": "default", "type": "linear"}'
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

refused "layers of another kind" layer_types 'layer_types=["full_attention", "sliding_attention"]'
refused "capped logits" final_logit_softcapping final_logit_softcapping=30.0
refused "experts" num_local_experts num_local_experts=8
refused "norms of queries" qk_norm qk_norm=true
refused "two bases of positions" '"rope_theta" is another number within' 'rope_parameters={"rope_type": "default", "rope_theta": 10000.0}'
refused "an adapter beside the weights" 'adapter_config.json: adapters are not read' 'adapter_config.json:r=8'

# ---- what is there twice, or is not the model's ----
refused "two spellings of one tensor" \
    '"norm.weight" differs from "model.norm.weight" at value 15; they are two spellings' twin=model.norm.weight
refused "  of the head" '"model.lm_head.weight" differs from "lm_head.weight"\|"lm_head.weight" differs from "model.lm_head.weight"' twin=lm_head.weight
refused "frequencies of another base" '"model.rotary_emb.inv_freq" has other frequencies.*: value 0 is not 1' \
    frequencies=model.rotary_emb.inv_freq,0.5
refused "frequencies of a layer that is not there" 'has a tensor "model.layers.2.self_attn.rotary_emb.inv_freq", f32.*, that is not in the model of its config.json' \
    frequencies=model.layers.2.self_attn.rotary_emb.inv_freq
refused "frequencies under another name" 'x.rotary_emb.inv_freq", .*, that is not in' frequencies=x.rotary_emb.inv_freq
refused "too many frequencies" 'inv_freq" is plain f32\[2\]; in the model of its config.json it is plain f32' add=model.rotary_emb.inv_freq
for dtype in F8_E4M3 F8_E5M2 BOOL C64 F4; do
    refused "values in $dtype" "tensor \"model.norm.weight\" is $dtype, a dtype that is not read" says=model.norm.weight,$dtype
done
rm -rf bad
hf make tied.flt bad head=7
import_fails 1 "a tied model with another head" \
    '"lm_head.weight" differs from "model.embed_tokens.weight" at value 7; "tie_word_embeddings"' bad

# ---- what does not fit ----
refused "a missing size" num_hidden_layers num_hidden_layers=
refused "a size of another type" hidden_size 'hidden_size="16"'
refused "a size that is too large" 'channels' hidden_size=1000000000
refused "key heads that divide nothing" 'kv_heads: 3' num_key_value_heads=3
refused "a model larger than any file" 'embed_tokens.weight" is' \
    hidden_size=131072 intermediate_size=524288 vocab_size=1048576
refused "fewer layers than there are" 'layers.1.*, that is not in the model of its config.json' num_hidden_layers=1
refused "more layers than there are" 'layers.2' num_hidden_layers=3
refused "tied, and yet other ids" 'embed_tokens' vocab_size=300
refused "a vocabulary smaller than the tokenizer's" '257' vocab_size=200
refused "a missing tensor" 'has no tensor "layers.1.mlp.up_proj.weight", which in the model of its config.json is f32' drop=layers.1.mlp.up_proj.weight
refused "a tensor too many" 'bias", f32.*, that is not in' add=model.layers.0.self_attn.q_proj.bias
refused "a wrong shape" 'k_proj.weight" is plain f32\[[0-9]*\]; in the model of its config.json it is plain f32\[[0-9]*,[0-9]*\]' flat=layers.0.self_attn.k_proj.weight
refused "a value that is not finite" 'norm.weight.*not finite' nan=norm.weight
refused "64-bit floats" 'is plain f64.*; in the model of its config.json it is plain f32' dtype=F64

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
