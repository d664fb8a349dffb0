#!/bin/sh
# fl-import: folders of every family become the models that they are, to the byte; what it refuses.
# shellcheck disable=SC2016  # shells of their own
. "$(dirname "$0")/lib.sh"
hf() { python "$top/tests/cli/hf.py" "$@"; }
one_line() { grep -q -- "$1" said && [ "$(wc -l < said)" = 1 ] && grep -q '^fl-import: ' said; }
nothing_left() { [ ! -e x.flt ] && [ ! -e .x.flt.part ]; }
import_fails() {   # status "what" "words" operands...: one line with these words, and no model
    _status=$1 _about=$2 _words=$3
    shift 3
    status "$_status" "$_about" timeout 60 fl-import -o x.flt "$@"
    cp err said
    check "  and says why: $_words" one_line "$_words"
    check "  and leaves nothing" nothing_left
    rm -f x.flt
}
refused() {   # FAMILY "what" "words" WHAT...: a folder made so
    _family=$1 _what=$2 _why=$3
    shift 3
    rm -rf bad
    hf new bad "$_family" tokenizer.json "$@" || report 1 "$_what: cannot be made"
    import_fails 1 "$_family: $_what" "$_why" bad
}
imported() {   # "what" DIR: a folder that was made, is the model that Python makes of it, and without a word
    hf want "$2" want.flt || report 1 "$1: cannot be made"
    check "$1" fl-import -o x.flt "$2"
    cp err said
    check "  is the model, to the byte" cmp want.flt x.flt
    check "  without a word" test ! -s said
    rm -f x.flt
}
good() {   # FAMILY "what" WHAT...
    _family=$1 _what="$1: $2"
    shift 2
    rm -rf other
    hf new other "$_family" tokenizer.json "$@"
    imported "$_what" other
}
noted() {   # "what" "words" WHAT...: imported as it is, with one line that says these words
    _what=$1 _words=$2
    shift 2
    rm -rf other
    hf new other llama tokenizer.json "$@"
    hf want other want.flt
    check "$_what" fl-import -o x.flt other
    cp err said
    check "  is noted: $_words" one_line "$_words"
    check "  and changes nothing" cmp x.flt want.flt
    check "  -q is silent" sh -c 'fl-import -q -o x.flt other 2>quiet && [ ! -s quiet ]'
    rm -f x.flt
}

fl-init -p nano -o nano.flt && fl-info -t tokenizer.json --raw nano.flt > tokenizer.json || exit 1

# ---- what is right ----
hf new good llama tokenizer.json
imported "a folder" good
fl-import good > stdout.flt
check "  on standard output too" cmp want.flt stdout.flt
check "  with a slash after its name" sh -c 'fl-import good/ | cmp - want.flt'
check "  compressed, the same model" sh -c 'fl-import -z good > z.flt &&
    [ "$(fl-info --digest z.flt | cut -c 1-64)" = "$(fl-info --digest want.flt | cut -c 1-64)" ]'
for family in llama mistral qwen2 qwen3 gpt2; do
    for what in dtype=F32 dtype=F16 dtype=BF16 dtype=MIXED bare reversed; do
        good $family $what $what
    done
    good $family "three files and an index" shards=3 dtype=BF16
    good $family "as many files as tensors" shards=15
    good $family "the head tied" tie_word_embeddings=true
    good $family "  and in the file as well" tie_word_embeddings=true head
    good $family "a head of its own" tie_word_embeddings=false
    good $family "the files that are carried" 'tokenizer_config.json:eos_token="<|endoftext|>"' \
        'special_tokens_map.json:eos_token={"content": "<|endoftext|>"}' 'generation_config.json:eos_token_id=[256, 7]' \
        'generation_config.json:bos_token_id=256' eos_token_id=9 chat_template.jinja:a=1
    good $family "where it was noted" note:fl.round=12 note:fl.parent=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
done
for family in llama mistral qwen2 qwen3; do
    good $family "an odd number of heads, multi-query" num_attention_heads=3 num_key_value_heads=1 hidden_size=30
    good $family "heads wider than the model" num_attention_heads=2 num_key_value_heads=2 head_dim=22
    good $family "one base of positions" rope_theta=1e6 'rope_scaling={"type": "default"}'
    good $family "positions as newer files say them" rope_theta= rope_scaling= \
        'rope_parameters={"rope_type": "default", "rope_theta": 500000.0}'
    good $family "  and only the base" rope_theta=null rope_scaling= 'rope_parameters={"rope_theta": 70000.0}'
    good $family "linear positions" 'rope_scaling={"type": "linear", "factor": 4.0}'
    good $family "  as newer files say it" rope_theta= rope_scaling= \
        'rope_parameters={"rope_type": "linear", "factor": 4.0, "rope_theta": 5000}'
    good $family "Llama 3's positions" 'rope_scaling={"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 16}' \
        frequencies=model.layers.1.self_attn.rotary_emb.inv_freq
    good $family "  as newer files say it" rope_theta= rope_scaling= 'rope_parameters={"rope_type": "llama3", "factor": 32,
        "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 8192, "rope_theta": 5e5}'
    good $family "  and as both" rope_theta=5e5 'rope_scaling={"type": "linear", "rope_type": "linear", "factor": 2}' \
        'rope_parameters={"rope_type": "linear", "factor": 2.0, "rope_theta": 500000}'
done
good llama "biases of attention" attention_bias=true
good llama "biases of the feed-forward part" mlp_bias=true
good llama "biases of all" attention_bias=true mlp_bias=true dtype=F16
good qwen3 "biases of attention" attention_bias=true
good llama "sizes that are the usual ones" head_dim= num_key_value_heads= rms_norm_eps= tie_word_embeddings= rope_theta=
good llama "  and null" head_dim=null num_key_value_heads=null rope_theta=null
good mistral "sizes that are the usual ones" head_dim= num_attention_heads=16 hidden_size=32 num_key_value_heads= \
    sliding_window= max_position_embeddings=
good qwen2 "sizes that are the usual ones" num_attention_heads=32 hidden_size=64 num_key_value_heads= max_position_embeddings=
good qwen3 "sizes that are the usual ones" num_attention_heads=32 num_key_value_heads= head_dim= max_position_embeddings=
good gpt2 "sizes that are the usual ones" n_positions= activation_function= layer_norm_epsilon= tie_word_embeddings=
good gpt2 "a feed-forward part of its own size" n_inner=21
good gpt2 "the exact activation" 'activation_function="gelu"'
good gpt2 "the other name of the usual one" 'activation_function="gelu_pytorch_tanh"'
good llama "the other name of the activation" 'hidden_act="swish"'
good llama "half of each head turned" partial_rotary_factor=0.34
good llama "  as newer files say it" rope_theta= 'rope_parameters={"rope_type": "default", "rope_theta": 1e4, "partial_rotary_factor": 0.67}'
good llama "  and its frequencies" partial_rotary_factor=0.67 frequencies=model.rotary_emb.inv_freq
good mistral "no window" sliding_window=null
good mistral "a window, as its layers say" 'layer_types=["sliding_attention", "sliding_attention"]'
for family in qwen2 qwen3; do
    good $family "a window" use_sliding_window=true sliding_window=7 max_window_layers=0
    good $family "  from a layer on that is not there" use_sliding_window=true sliding_window=7 max_window_layers=2
    good $family "  as its layers say" use_sliding_window=true sliding_window=7 'layer_types=["sliding_attention", "sliding_attention"]'
    good $family "no window, as its layers say" use_sliding_window=true sliding_window=7 'layer_types=["full_attention", "full_attention"]'
done
for name in lm_head.weight model.norm.weight model.layers.1.mlp.up_proj.weight; do
    good llama "both spellings of $name, and equal" twice=$name
done
good gpt2 "both spellings of a turned map" twice=transformer.h.1.attn.c_attn.weight dtype=F16
for name in model.rotary_emb.inv_freq rotary_emb.inv_freq layers.0.self_attn.rotary_emb.inv_freq; do
    good llama "frequencies called $name" frequencies=$name
    good llama "  as half floats, with copies" frequencies=$name dtype=F16 twice=model.norm.weight
done
for dtype in F32 BF16 U8 BOOL; do
    good gpt2 "causal masks in $dtype" masks=$dtype
    good gpt2 "  without the prefix" masks=$dtype bare
done
good llama "what changes nothing" attention_dropout=0.0 'torch_dtype="float32"' bos_token_id=256 use_cache=true initializer_range=0.02 \
    'generation_config.json:bos_token_id=256' 'tokenizer_config.json:add_bos_token=false' pretraining_tp=1 \
    'layer_types=["full_attention", "full_attention"]' 'unused_idea=false' 'unused_too=[]' 'nor_this=null' 'nor_that=0.0'
noted "a key that nobody knows" 'config.json: not known here and not applied: new_idea, other_idea$' \
    'new_idea={"a": 1}' other_idea=0.5
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

# ---- what is not supported ----
refused llama "another family" '"model_type" is "bert"; only "llama", "mistral", "qwen2", "qwen3" and "gpt2" can' 'model_type="bert"'
refused llama "no family" '"model_type" is missing; only' model_type=
refused llama "a family of another type" '"model_type" is no text; only' 'model_type=["llama"]'
for type in yarn dynamic longrope mrope; do
    refused qwen2 "positions scaled by $type" '"rope_scaling" is not of type "default", "linear" or "llama3"' \
        'rope_scaling={"rope_type": "'$type'", "factor": 4.0, "original_max_position_embeddings": 32}'
    refused qwen3 "  as newer files say it" '"rope_parameters" is not of type' \
        'rope_parameters={"rope_type": "'$type'", "factor": 4.0, "rope_theta": 1e4}'
done
refused llama "positions by two names that differ" '"rope_scaling" is not of type' 'rope_scaling={"rope_type": "default", "type": "linear"}'
refused llama "positions of no name" '"rope_scaling" is not of type' 'rope_scaling={"factor": 2.0}'
refused llama "positions that are a text" '"rope_scaling" is not of type' 'rope_scaling="linear"'
refused llama "positions for each kind of layer" '"rope_parameters" is not of type' 'rope_parameters={"full_attention":
    {"rope_type": "default", "rope_theta": 1e6}, "sliding_attention": {"rope_type": "default", "rope_theta": 1e4}}'
refused llama "two kinds of positions" '"rope_parameters" says another thing than "rope_scaling"' \
    'rope_scaling={"rope_type": "linear", "factor": 2.0}' 'rope_parameters={"rope_type": "default", "rope_theta": 500000.0}'
refused llama "two factors" '"rope_parameters" says another thing than "rope_scaling"' \
    'rope_scaling={"rope_type": "linear", "factor": 2.0}' 'rope_parameters={"rope_type": "linear", "factor": 4.0}'
refused llama "two bases" '"rope_theta" is another number within' 'rope_parameters={"rope_type": "default", "rope_theta": 10000.0}'
refused llama "two shares of a head" '"partial_rotary_factor" is another number within' partial_rotary_factor=0.34 \
    'rope_parameters={"rope_type": "default", "rope_theta": 500000.0, "partial_rotary_factor": 0.67}'
refused llama "a share above a head" '"partial_rotary_factor" is above 1' partial_rotary_factor=1.5
refused llama "a share of nothing" '"partial_rotary_factor" leaves no channel' partial_rotary_factor=0.1
refused llama "a share of one channel" 'rope_dim: 1 is odd' partial_rotary_factor=0.17
refused llama "no factor" '"factor" is not a number above 0' 'rope_scaling={"rope_type": "linear"}'
refused llama "no context of before" '"original_max_position_embeddings" is not a number above 0' \
    'rope_scaling={"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}'
refused llama "frequency factors the other way" 'rope_high: 1 is out of range' \
    'rope_scaling={"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 4.0, "high_freq_factor": 1.0, "original_max_position_embeddings": 16}'
refused llama "biases that are not there" 'has no tensor "layers.0.self_attn.q_proj.bias"' attention_bias=true as=1
refused llama "  of the feed-forward part" 'has no tensor "layers.0.mlp.gate_proj.bias"' mlp_bias=true as=1
refused mistral "biases" '"attention_bias" is not supported' attention_bias=true
refused qwen2 "no bias" 'has no tensor "layers.0.self_attn.v_proj.bias"' drop=model.layers.0.self_attn.v_proj.bias
refused qwen3 "no norm of keys" 'has no tensor "layers.1.self_attn.k_norm.weight"' drop=model.layers.1.self_attn.k_norm.weight
refused llama "a norm of keys" 'k_norm.weight", f32.*, that is not in' add=model.layers.0.self_attn.k_norm.weight
refused llama "quantised weights" quantization_config 'quantization_config={"bits": 4}'
refused llama "another activation" '"hidden_act" is not "silu", or another' 'hidden_act="gelu"'
refused llama "an activation of another type" '"hidden_act" is not "silu"' 'hidden_act=["gelu"]'
refused gpt2 "another activation" '"activation_function" is not "gelu_new", or another' 'activation_function="relu"'
refused gpt2 "a gate" '"activation_function" is not "gelu_new"' 'activation_function="silu"'
refused llama "a tied head of another type" tie_word_embeddings tie_word_embeddings=1
refused llama "a window" '"sliding_window" is not supported in models of this family' sliding_window=128
refused llama "a window that is switched on" '"use_sliding_window" is not supported' use_sliding_window=true
refused mistral "a window of nothing" '"sliding_window" is not a positive' sliding_window=0
refused mistral "a window of a half" '"sliding_window" is not a positive' sliding_window=1.5
refused mistral "a window that its layers do not have" '"layer_types".*"sliding_window"' 'layer_types=["full_attention", "full_attention"]'
refused mistral "layers with a window that is none" '"sliding_window" is null, and used' sliding_window=null \
    'layer_types=["sliding_attention", "sliding_attention"]'
for family in mistral qwen2 qwen3; do
    refused $family "layers of two kinds" '"layer_types" is not the same for all layers' use_sliding_window=true sliding_window=7 \
        'layer_types=["full_attention", "sliding_attention"]'
done
refused llama "layers of two kinds" '"layer_types" is not the same for all layers' 'layer_types=["full_attention", "sliding_attention"]'
refused llama "layers with a window" '"sliding_window" is not a positive' 'layer_types=["sliding_attention", "sliding_attention"]'
refused llama "layers of an unknown kind" '"layer_types" has another word' 'layer_types=["full_attention", "linear_attention"]'
refused llama "kinds of too few layers" '"layer_types" is not a list with one word for each layer' 'layer_types=["full_attention"]'
for family in qwen2 qwen3; do
    refused $family "a window from the middle on" '"max_window_layers" gives a window to some layers' \
        use_sliding_window=true sliding_window=7 max_window_layers=1
    refused $family "a window and none" '"sliding_window" is null, and used' use_sliding_window=true sliding_window=null max_window_layers=0
    refused $family "a window that is switched off" '"layer_types".*"use_sliding_window"' \
        'layer_types=["sliding_attention", "sliding_attention"]'
    refused $family "a first layer of another type" '"max_window_layers" is not a whole number' 'max_window_layers="0"'
done
refused gpt2 "scores that are not scaled" '"scale_attn_weights" is false, which is not supported' scale_attn_weights=false
refused gpt2 "scores scaled by layers" '"scale_attn_by_inverse_layer_idx" is not supported' scale_attn_by_inverse_layer_idx=true
refused gpt2 "another attention" '"add_cross_attention" is not supported' add_cross_attention=true
refused gpt2 "heads that divide nothing" '12 channels are no multiple of the 5' n_head=5
refused llama "capped logits" final_logit_softcapping final_logit_softcapping=30.0
refused llama "experts" num_local_experts num_local_experts=8
refused llama "norms of queries" qk_norm qk_norm=true
refused llama "an adapter beside the weights" 'adapter_config.json: adapters are not read' 'adapter_config.json:r=8'

# ---- what is there twice, or is not the model's ----
refused llama "two spellings of one tensor" \
    '"norm.weight" differs from "model.norm.weight" at value 15; they are two spellings' twin=model.norm.weight
refused llama "  of the head" '"model.lm_head.weight" differs from "lm_head.weight"\|"lm_head.weight" differs from "model.lm_head.weight"' twin=lm_head.weight
refused llama "frequencies of another base" '"model.rotary_emb.inv_freq" has other frequencies.*: value 0 is not 1' \
    frequencies=model.rotary_emb.inv_freq,0.5
refused llama "frequencies that are not scaled" 'has other frequencies' frequencies=model.rotary_emb.inv_freq,2 \
    'rope_scaling={"rope_type": "linear", "factor": 2.0}'
refused llama "frequencies of a layer that is not there" 'has a tensor "model.layers.2.self_attn.rotary_emb.inv_freq", f32.*, that is not in the model of its config.json' \
    frequencies=model.layers.2.self_attn.rotary_emb.inv_freq
refused llama "frequencies under another name" 'x.rotary_emb.inv_freq", .*, that is not in' frequencies=x.rotary_emb.inv_freq
refused llama "too many frequencies" 'inv_freq" is plain f32\[2\]; in the model of its config.json it is plain f32' add=model.rotary_emb.inv_freq
refused gpt2 "frequencies" 'rotary_emb.inv_freq", .*, that is not in' add=transformer.rotary_emb.inv_freq
for flip in 0,1 3,2 31,31 31,0; do
    refused gpt2 "a causal mask that is wrong at $flip" 'h.0.attn.bias" is not the causal mask of the 32 positions' masks=F32,$flip
done
refused gpt2 "a causal mask of bytes that is wrong" 'h.0.attn.bias" is not the causal mask' masks=U8,3,4
refused gpt2 "a causal mask of other positions" 'h.0.attn.bias" is not the causal mask' masks=U8,big
refused gpt2 "a causal mask of a layer that is not there" 'h.2.attn.bias", .*, that is not in' add=transformer.h.2.attn.bias
refused gpt2 "a masked value that is none" 'h.1.attn.masked_bias" is not the causal mask' add=transformer.h.1.attn.masked_bias
for dtype in F8_E4M3 F8_E5M2 C64 F4; do
    refused llama "values in $dtype" "tensor \"model.norm.weight\" is $dtype, a dtype that is not read" says=model.norm.weight,$dtype
done
refused llama "a tied model with another head" '"lm_head.weight" differs from "model.embed_tokens.weight" at value 7; "tie_word_embeddings"' \
    tie_word_embeddings=true head=7
refused gpt2 "a tied model with another head" '"lm_head.weight" differs from "transformer.wte.weight" at value 7; "tie_word_embeddings"' head=7

# ---- what does not fit ----
refused llama "a missing size" '"num_hidden_layers" is not a positive whole number' num_hidden_layers=
refused llama "a size of another type" hidden_size 'hidden_size="16"'
refused llama "a size of nothing" hidden_size hidden_size=0
refused gpt2 "a missing size" '"n_layer" is not a positive whole number' n_layer=
refused gpt2 "a size of another type" '"n_inner" is not a positive whole number' 'n_inner="48"'
refused llama "a size that is too large" 'channels' hidden_size=1000000000
refused llama "key heads that divide nothing" 'kv_heads: 3' num_key_value_heads=3
refused llama "a model larger than any file" 'embed_tokens.weight" is' \
    hidden_size=131072 intermediate_size=524288 vocab_size=1048576
refused llama "fewer layers than there are" 'layers.1.*, that is not in the model of its config.json' num_hidden_layers=1 as=1
refused llama "more layers than there are" 'layers.2' num_hidden_layers=3 as=1
refused llama "other ids than embeddings" 'embed_tokens' vocab_size=300 as=1
refused llama "a vocabulary smaller than the tokenizer's" '257' vocab_size=200
refused llama "a missing tensor" 'has no tensor "layers.1.mlp.up_proj.weight", which in the model of its config.json is f32' drop=model.layers.1.mlp.up_proj.weight
refused llama "a tensor too many" 'bias", f32.*, that is not in' add=model.layers.0.self_attn.q_proj.bias
refused llama "a wrong shape" 'k_proj.weight" is plain f32\[[0-9]*\]; in the model of its config.json it is plain f32\[[0-9]*,[0-9]*\]' flat=model.layers.0.self_attn.k_proj.weight
refused gpt2 "a map that is not turned" 'mlp.c_fc.weight" is plain f32\[12,48\]; .* it is plain f32\[12,21\]' n_inner=21 as=1
refused llama "a value that is not finite" 'norm.weight.*not finite' nan=model.norm.weight
refused gpt2 "a value of a turned map that is not finite" 'q_proj.weight.*not finite' nan=transformer.h.0.attn.c_attn.weight
refused llama "64-bit floats" 'is plain f64.*; in the model of its config.json it is plain f32' dtype=F64
refused llama "a round that is none" 'model.safetensors: .*fl.round\|model.safetensors: .*"-1"' note:fl.round=-1
refused llama "a parent that is none" 'model.safetensors: .*' note:fl.parent=0011

# ---- several files ----
shards() {   # "what" "words" 'command that spoils the folder bad of three files': refused
    rm -rf bad && cp -R three bad
    (cd bad && eval "$3") || report 1 "$1: cannot be made"
    import_fails 1 "$1" "$2" bad
}
hf new three llama tokenizer.json shards=3
second=$(hf files three | sed -n '2s/ .*//p')
inner=$(hf files three | sed -n '2s/^[^ ]* \([^ ]*\) .*/\1/p')
index=model.safetensors.index.json
for path in ../x ../good/model.safetensors /etc/passwd ./$second . .. '' .hidden; do
    shards "a file called \"$path\"" "$index: \"weight_map\" names \"$path\", which is no file beside it" \
        'sed -i "s|\"'$second'\"|\"'"$path"'\"|g" '$index
done
shards "a file that is not there" "bad/$second: " 'rm '$second
shards "a file that is empty" "bad/$second: is not a safetensors file" ': > '$second
shards "a file that is cut" "bad/$second: " 'truncate -s -1 '$second
shards "a file that is a folder" "bad/$second: " 'rm '$second' && mkdir '$second
shards "a file that is a pipe" "bad/$second: is no regular file" 'rm '$second' && mkfifo '$second
shards "a file under two names" "tensor \".*\" is also in " 'cp '$second' again.safetensors && hf index . '$inner'=again.safetensors'
shards "a tensor in two files" 'tensor ".*" is also in bad/' 'cp '$second' model-00003-of-00003.safetensors'
shards "a tensor in the other file" "tensor \"$inner\" is in $second, and not in model-00001-of-00003.safetensors" \
    'hf index . '$inner'=model-00001-of-00003.safetensors'
shards "a tensor that no file has" "$index: tensor \"model.more.weight\" is in none of its files" 'hf index . model.more.weight='$second
shards "a tensor that the index does not name" "$index: says nothing of tensor \"$inner\" in bad/$second" 'hf index . '$inner'='
shards "an index without a map" "$index: \"weight_map\" is no object" 'echo "{}" > '$index
shards "an index that is a list" "$index: is not a JSON object" 'echo "[]" > '$index
shards "an index that is cut" "$index: line 1: is not JSON" 'truncate -s -3 '$index
shards "a name that is a number" '"weight_map" names "", which is no file' 'sed -i "s|\"'$second'\"|2|g" '$index
rm -rf other && cp -R three other && hf want other want.flt && echo '{}' > other/$index && cp good/model.safetensors other
check "one file is read before an index" sh -c 'fl-import other | cmp - want.flt'
rm -rf other && cp -R three other && mkdir blobs && mv other/*.safetensors blobs
for f in blobs/*; do ln -s ../$f other; done
imported "links, as a cache of folders has them" other

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
for file in config.json tokenizer.json generation_config.json chat_template.jinja model.safetensors; do
    rm -rf bad && cp -R good bad && rm -f bad/$file && mkfifo bad/$file
    import_fails 1 "a pipe for $file" "bad/$file: is no regular file" bad
done

# ---- the command line ----
status 2 "no folder named" fl-import
status 2 "two folders" fl-import good good
import_fails 1 "a file" 'is no folder' good/model.safetensors
import_fails 1 "a folder that is not there" 'absent/' absent
status 2 "no folder to write to" fl-import -o good good
cp nano.flt kept.flt
status 1 "a failure" fl-import -o kept.flt bad
check "  leaves the old file" cmp kept.flt nano.flt
if command -v script >/dev/null; then
    script -qec 'fl-import good' /dev/null > term 2>&1
    check "a terminal is refused" grep -q 'is a terminal' term
else
    skip "a terminal is refused" "no script(1)"
fi
fl-import good 2>pipe | :
check "a reader that goes away is no error line" [ ! -s pipe ]

# ---- real ones ----
for name in stories260K tiny-llama-untied tiny-gpt2 tiny-qwen2; do
    from=$shared/data/models/$name
    if [ -d "$from" ]; then
        imported "$name" "$from"
    else
        skip "$name" "no shared data here"
    fi
done
finish
