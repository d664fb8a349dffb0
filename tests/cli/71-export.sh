#!/bin/sh
# fl-export: what came from a folder goes out as it came in, to the bit, and comes in as the same stream; what was
# made here becomes a folder that says the same; nothing is left behind or replaced.
# shellcheck disable=SC2016  # shells of their own
. "$(dirname "$0")/lib.sh"
hf() { python "$top/tests/cli/hf.py" "$@"; }
one_line() { grep -q -- "$1" said && [ "$(wc -l < said)" = 1 ] && grep -q '^fl-export: ' said; }
nothing_left() { [ ! -e x ] && [ ! -e .x.part ]; }
export_fails() {   # status "what" "words" operands...: one line with these words, and no folder x
    _status=$1 _about=$2 _words=$3
    shift 3
    status "$_status" "$_about" fl-export -f hf -o x "$@"
    cp err said
    check "  and says why: $_words" one_line "$_words"
    check "  and leaves nothing" nothing_left
    rm -rf x
}
trip() {   # FAMILY "what" WHAT...: in and out and in again
    family=$1 what=$2
    shift 2
    rm -rf in there
    hf new in "$family" tokenizer.json "$@" && fl-import -q -o m.flt in
    check "$family: $what" fl-export -f hf -o there m.flt
    check "  without a word" test ! -s err
    check "  the same tensors, to the bit, and the same files" hf same in there
    cp out said && [ ! -s said ] || cat said
    check "  the same stream, to the byte" sh -c 'fl-import there | cmp - m.flt'
}

fl-init -p nano -o nano.flt && fl-info -t tokenizer.json --raw nano.flt > tokenizer.json || exit 1

# ---- from a folder and back ----
for family in llama mistral qwen2 qwen3 gpt2; do
    for dtype in F32 F16 BF16 MIXED; do
        trip $family $dtype dtype=$dtype
    done
    trip $family "without the prefix" bare dtype=BF16
    trip $family "several files, another order" shards=3 reversed
    trip $family "a head of its own" tie_word_embeddings=false
    trip $family "a tied head" tie_word_embeddings=true
    trip $family "with every file" 'tokenizer_config.json:eos_token="<|endoftext|>"' 'special_tokens_map.json:a={"b": 1.50}' \
        'generation_config.json:eos_token_id=[256, 7]' eos_token_id=9 chat_template.jinja:a=1 new_idea=2.50
    trip $family "its round and parent" note:fl.round=12 note:fl.parent=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
done
for family in llama mistral qwen2 qwen3; do
    trip $family "multi-query, odd sizes" num_attention_heads=3 num_key_value_heads=1 hidden_size=30 intermediate_size=7 dtype=BF16 shards=2
    trip $family "linear positions" 'rope_scaling={"type": "linear", "factor": 4.0}'
    trip $family "Llama 3's positions, as newer files say it" rope_theta= 'rope_parameters={"rope_type": "llama3", "factor": 8,
        "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 16, "rope_theta": 5e5}'
    trip $family "a part of each head turned" partial_rotary_factor=0.67
done
trip llama "biases" attention_bias=true mlp_bias=true
trip qwen3 "biases" attention_bias=true
trip qwen2 "a window" use_sliding_window=true sliding_window=7 max_window_layers=0
trip mistral "no window" sliding_window=null
trip gpt2 "the exact activation" 'activation_function="gelu"' n_inner=21
copies() {   # FAMILY "what" WHAT...: what the folder says twice, or needs not say, does not come out
    family=$1 what=$2
    shift 2
    rm -rf in plain there
    hf new in "$family" tokenizer.json "$@" && fl-import -q -o m.flt in && hf new plain "$family" tokenizer.json
    check "$family: $what" fl-export -f hf -o there m.flt
    check "  goes out once" hf same plain there
}
copies llama "a tensor under both names" twice=model.norm.weight
copies llama "stored frequencies" frequencies=model.layers.0.self_attn.rotary_emb.inv_freq
copies gpt2 "stored causal masks" masks=BOOL
copies gpt2 "a head that is tied and stored" head

# ---- a round between ----
seq 1 200 | sed 's/.*/line & of a small text about nothing/' > text.txt
for family in llama mistral qwen2 qwen3 gpt2; do
    rm -rf in there
    hf new in $family tokenizer.json eos_token_id=256 && fl-import -o m0.flt in &&
        fl-harmonize -q -t m0.flt -o shard.flt text.txt &&
        fl-train -q -m m0.flt --steps 3 -b 2 -l 16 --site a -o u.flt shard.flt &&
        fl-aggregate -q --min-sites 1 -o mean.flt u.flt && fl-apply -q -m m0.flt -o m1.flt mean.flt
    check "$family: the model of a round" fl-export -f hf -o there m1.flt
    check "  comes back to the byte" sh -c 'fl-import there | cmp - m1.flt'
    fl-info m1.flt > info
    check "  with its round and parent" [ "$(grep -c '^meta	\(round	.*	1	\|parent	bytes	\)' info)" = 2 ]
    hf want there want.flt
    check "  and is the one that Python makes" cmp want.flt m1.flt
    fl-import -o back0.flt there && check "  whose update is that of the round" sh -c \
        'fl-diff -q -b m0.flt -o d1.flt m1.flt && fl-diff -q -b m0.flt -o d2.flt back0.flt && cmp d1.flt d2.flt'
done

# ---- made here ----
made() {   # "what": m.flt, which carries no config.json
    rm -rf there again
    check "$1" fl-export -f hf -o there m.flt
    fl-import -o back.flt there 2> said
    check "  comes back" hf model m.flt back.flt
    check "  without a word" test ! -s said
    hf want there want.flt
    check "  as Python reads it" cmp want.flt back.flt
    fl-export -f hf -o again back.flt
    check "  and the same folder again" diff -r there again
}
for preset in nano micro small; do
    fl-init -p $preset -o m.flt
    made "preset $preset"
done
fl-init --list-presets | cut -f 1 | sed 1d > presets
check "all presets are seen" [ "$(wc -l < presets)" -ge 11 ]
while read -r preset; do
    printf 'preset: %s\nlayers: 1\nchannels: 64\nffn: 20\nctx: 64\n' "$preset" > c.yaml
    [ "$preset" != gpt2-124m ] || printf 'head_dim: 16\nheads: 4\nkv_heads: 4\n' >> c.yaml
    fl-init -c c.yaml --seed 3 -o m.flt || report 1 "$preset: cannot be made"
    made "preset $preset, made small"
done < presets
family_of() { python -c 'import json; print(json.load(open("there/config.json"))["model_type"])'; }
config() { printf "$1" > c.yaml && echo "$2" | sed 's/; /\n/g' >> c.yaml && fl-init -c c.yaml -o m.flt || report 1 "$2: cannot be made"; }
base='layers: 2\nchannels: 12\nheads: 2\nkv_heads: 1\nhead_dim: 44\nffn: 20\nctx: 32\n'
learned='layers: 2\nchannels: 12\nheads: 2\nffn: 20\nctx: 32\npositions: learned\n'
for case in 'llama ' 'llama rope_dim: 30' 'llama bias: 7' 'llama bias: 3' 'llama bias: 4' 'qwen2 bias: 1' 'qwen3 qk_norm: true' \
    'qwen3 qk_norm: true; bias: 3' 'mistral window: 5' 'qwen2 bias: 1; window: 5' 'qwen3 qk_norm: true; window: 5' \
    'llama rope_scaling: linear; rope_factor: 3.3' 'llama norm_eps: 1e-7; rope_base: 123456.789; tied: false' \
    'llama rope_scaling: llama3; rope_factor: 8; rope_low: 1; rope_high: 4; rope_ctx: 16'; do
    config "$base" "${case#* }"
    made "$case"
    check "  in the family ${case%% *}" [ "$(family_of)" = "${case%% *}" ]
done
for case in 'act: gelu' 'act: gelu_tanh' 'act: gelu_tanh; tied: false'; do
    config "$learned" "norm: layernorm; bias: 7; $case"
    made "learned positions, $case"
    check "  in the family gpt2" [ "$(family_of)" = gpt2 ]
done
while read -r case; do
    case $case in
    learned*) config "$learned" "${case#*; }" ;;
    *) config "$base" "$case" ;;
    esac
    export_fails 1 "no family: $case" 'm.flt: no family of models that other tools know has such a configuration' m.flt
done <<'X'
norm: layernorm
act: gelu
act: gelu_tanh; bias: 7
bias: 2
bias: 5
bias: 1; qk_norm: true
bias: 3; window: 5
learned; act: silu
learned; bias: 7; act: gelu_tanh
learned; norm: layernorm; bias: 7
learned; norm: layernorm; act: gelu_tanh; bias: 3
learned; norm: layernorm; act: gelu_tanh; bias: 7; kv_heads: 1
learned; norm: layernorm; act: gelu_tanh; bias: 7; head_dim: 8
learned; norm: layernorm; act: gelu_tanh; bias: 7; window: 4
learned; norm: layernorm; act: gelu_tanh; bias: 7; qk_norm: true
X

# ---- models that are not in order ----
hf new in gpt2 tokenizer.json && fl-import -q -o g.flt in && hf new in2 llama tokenizer.json && fl-import -q -o m.flt in2
hf halves g.flt x.flt layers.0.self_attn.k_proj.weight
export_fails 1 "a fused map of two dtypes" \
    'x.flt: tensor "layers.0.self_attn.k_proj.weight" is f16, and "transformer.h.0.attn.c_attn.weight", of which it is a part in gpt2 models, f32' x.flt
python "$top/tests/cli/updates.py" edit m.flt x.flt arch.norm_eps=f:0.25
export_fails 1 "a configuration of another model" 'x.flt: its config.json says another model than its arch' x.flt
python "$top/tests/cli/updates.py" edit m.flt x.flt 'config.json[0]=65'
export_fails 1 "a configuration that is none" 'x.flt: its config.json is no JSON object; import the model again' x.flt
python "$top/tests/cli/updates.py" edit m.flt x.flt -norm.weight
export_fails 1 "a missing tensor" 'x.flt: .*norm.weight' x.flt
head -c 5000 m.flt > x.flt
export_fails 1 "a cut model" 'x.flt: ' x.flt
fl-harmonize -q -t m.flt -o shard.flt text.txt
export_fails 1 "no model" 'shard.flt: is an FLT stream of kind "tokens"\|shard.flt: .*kind' shard.flt
export_fails 1 "no file" 'absent.flt: ' absent.flt

# ---- what is in config.json of the dtype ----
for key in dtype torch_dtype; do
    rm -rf in there
    hf new in llama tokenizer.json dtype=F32 "$key=\"float32\"" && fl-import -q -o m.flt in
    for n in $(fl-info m.flt | awk -F '\t' '$1 == "tensor" && $3 == "f32" { print $2 }'); do
        hf halves m.flt y.flt "$n" && mv y.flt m.flt
    done
    fl-export -f hf -o there m.flt
    check "the dtype of the weights is said anew ($key)" python -c 'import json, sys
a, b = (json.load(open(d + "/config.json")) for d in ("in", "there"))
sys.exit(b.pop(sys.argv[1]) != "float16" or a.pop(sys.argv[1]) != "float32" or a != b)' $key
done

# ---- several files ----
rm -rf in there
hf new in qwen2 tokenizer.json dtype=BF16 && fl-import -q -o m.flt in && fl-export -f hf -o whole m.flt
for size in 1 700 2k 3000; do
    rm -rf there
    check "files of $size" fl-export -f hf --shard-size $size -o there m.flt
    check "  hold the same" hf same whole there
    check "  are no larger, or of one tensor" python - $size <<'X'
import json, pathlib, struct, sys
limit = int(sys.argv[1].replace("2k", "2048"))
index = json.load(open("there/model.safetensors.index.json"))
files = sorted(pathlib.Path("there").glob("*.safetensors"))
total = 0
assert len(files) > 3 and not pathlib.Path("there/model.safetensors").exists()
for i, f in enumerate(files):
    assert f.name == f"model-{i + 1:05}-of-{len(files):05}.safetensors"
    data = f.read_bytes()
    n = struct.unpack("<Q", data[:8])[0]
    names = set(json.loads(data[8:8 + n])) - {"__metadata__"}
    size = len(data) - 8 - n
    assert size <= limit or len(names) == 1, (f, size)
    assert n % 8 == 0 and {k for k, v in index["weight_map"].items() if v == f.name} == names
    total += size
assert index["metadata"]["total_size"] == total
X
    check "  and come back as one" sh -c 'fl-import there | cmp - m.flt'
done
rm -rf there
fl-export -f hf --shard-size 1G -o there m.flt
check "a size that is large enough is one file" diff -r whole there

# ---- where the model comes from ----
fl-import -q -z -o z.flt in
for from in '< m.flt' '- < m.flt' 'z.flt' '< z.flt'; do
    rm -rf there
    check "fl-export $from" sh -c "cat /dev/null; fl-export -f hf -o there $from"
    check "  is the same folder" diff -r whole there
done
rm -rf there
check "a pipe" sh -c 'cat z.flt | fl-export -f hf -o there && diff -r whole there'

# ---- the folder ----
rm -rf there && mkdir there
check "an empty folder is taken" fl-export -f hf -o there m.flt
check "  and filled" diff -r whole there
rm -rf there
check "a slash after its name" sh -c 'fl-export -f hf -o there/// m.flt && diff -r whole there'
rm -rf there deep && mkdir deep
check "in another folder" sh -c 'fl-export -f hf -o deep/there m.flt && diff -r whole deep/there && fl-export -f hf -o "$PWD/there" m.flt'
mkdir x && echo mine > x/file
status 1 "a folder that is not empty" fl-export -f hf -o x m.flt
says 'fl-export: x: is there and not empty; name a new folder, or remove it'
check "  stays" sh -c '[ "$(cat x/file)" = mine ] && [ "$(ls -A x)" = file ] && [ ! -e .x.part ]'
rm -rf x && echo mine > x
for what in "a file" "a link to an empty folder" "a link to nothing"; do
    status 1 "$what" fl-export -f hf -o x m.flt
    says 'fl-export: x: is there and no folder; name a new folder, or remove it'
    check "  leaves it alone" sh -c '[ -f x ] || [ -L x ] && [ ! -e .x.part ]'
    rm -f x
    if [ "$what" = "a file" ]; then mkdir -p empty && ln -s empty x; else ln -s nothing x; fi
done
rm -f x
cp m.flt input.flt
status 2 "the input" fl-export -f hf -o input.flt input.flt
says 'input.flt: is an input as well as the output'
check "  stays" cmp m.flt input.flt
export_fails 1 "a folder in one that is not there" 'cannot write beside it' -o absent/x m.flt
status 2 "a name of nothing" fl-export -f hf -o '' m.flt
status 2 "no -o" fl-export -f hf m.flt
says '-o DIR is missing'
status 2 "no -f" fl-export -o x m.flt
says '-f FORMAT is missing; -f hf'
status 2 "another format" fl-export -f onnx -o x m.flt
status 2 "two models" fl-export -f hf -o x m.flt m.flt
status 2 "a size of nothing" fl-export -f hf -o x --shard-size 0 m.flt
check "  leave nothing" nothing_left

# ---- runs that do not come to their end ----
mkdir .x.part && echo old > .x.part/config.json && echo old > .x.part/model-00001-of-00009.safetensors
check "the part of a dead run" fl-export -f hf -o x m.flt
check "  is taken over, and nothing in it" diff -r whole x
check "  and gone" [ ! -e .x.part ]
rm -rf x && mkdir -p .x.part/folder
status 1 "a part that has a folder" fl-export -f hf -o x m.flt
says 'fl-export: .x.part: cannot be emptied for x; remove it'
check "  makes nothing" [ ! -e x ]
rm -rf .x.part
echo mine > .x.part
status 1 "a part that is a file" fl-export -f hf -o x m.flt
says 'fl-export: .x.part: '
check "  leaves it alone" [ "$(cat .x.part)" = mine ]
rm .x.part && mkdir .x.part
flock .x.part sleep 3 & sleep 0.5
status 1 "a part of a run that lives" fl-export -f hf -o x m.flt
says 'x: another program is writing it; wait for its end'
wait
rm -rf .x.part x
for size in 1 8; do
    status 1 "no file above $size blocks" sh -c "ulimit -f $size; trap '' XFSZ; fl-export -f hf -o x m.flt"
    says 'fl-export: x.*: '
    check "  leaves nothing" nothing_left
done
if small_disk 24; then
    status 1 "a full disk" fl-export -f hf -o small/x m.flt
    says 'fl-export: small/x[/:].*No space left'
    check "  leaves nothing" [ -z "$(ls -A small)" ]
else
    skip "a full disk" "no file system can be mounted here"
fi
if command -v strace > /dev/null && [ -z "${SAN:-}${VALGRIND:-}" ] && strace -qq -o /dev/null true 2> /dev/null; then
    calls=write,fsync,openat,mkdir,rename
    strace -f -qq -o trace -e trace=$calls fl-export -f hf --shard-size 3000 -o x m.flt
    writes=$(grep -c 'fsync(\|write(' trace)
    check "there are calls to fail at" [ "$writes" -gt 10 ]
    rm -rf x
    for what in INT TERM KILL; do
        bad=0 hits=0
        for call in fsync write; do
            n=$(grep -c "$call(" trace) at=1
            while [ $at -le "$n" ]; do
                strace -f -qq -o traced -e trace=$call -e inject=$call:signal=$what:when=$at fl-export -q -f hf --shard-size 3000 -o x m.flt > said 2>&1
                _code=$?
                if [ -e x ]; then   # it came too late
                    rm -rf x now && cp -R whole now
                elif [ -e .x.part ] && [ $what != KILL ]; then
                    bad=$((bad + 1)) && echo "# $what at $call $at: left $(ls -A .x.part | tr '\n' ' '), exit $_code"
                else
                    hits=$((hits + 1))
                fi
                fl-export -f hf -o x m.flt && diff -r whole x > differs && [ ! -e .x.part ] ||
                    { bad=$((bad + 1)) && echo "# after $what at $call $at: $(head -c 200 differs)"; }
                rm -rf x .x.part
                at=$((at + 1))
            done
        done
        check "$what at each call leaves nothing, or what the next run takes over" [ $bad = 0 ]
        check "  (enough of them)" [ $hits -ge 10 ]
    done
    bad=0
    for call in fsync write mkdir rename flock; do
        strace -f -qq -o traced -e trace=$call -e inject=$call:error=EIO:when=1 fl-export -q -f hf -o x m.flt > said 2>&1
        { [ $? = 1 ] && one_line ': ' && nothing_left; } || { bad=1; echo "# $call: $(head -c 300 said) $(ls -A .x.part 2>&1)"; }
        rm -rf x .x.part
    done
    check "a call that fails leaves nothing, and one line" [ $bad = 0 ]
else
    skip "signals" "needs strace, and no sanitizers"
fi

# ---- real ones ----
for name in stories260K tiny-llama-untied tiny-gpt2 tiny-qwen2; do
    from=$shared/data/models/$name
    if [ -d "$from" ]; then
        rm -rf there
        fl-import -q -o m.flt "$from"
        check "$name" fl-export -f hf -o there m.flt
        check "  goes out as it came in" hf same "$from" there
        check "  and comes back" sh -c 'fl-import there | cmp - m.flt'
    else
        skip "$name" "no shared data here"
    fi
done
finish
