#!/bin/sh
# fl-diff with folders of other trainers, as the base and as what was trained: the same update as with
# the streams that fl-import makes of them, whatever such trainers write anew; what is refused.
# shellcheck source-path=SCRIPTDIR disable=SC2016,SC2034 # text for sh -c; variables of federation.sh
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
hf() { python "$top/tests/cli/folder.py" "$@"; }
refused() {   # status "what" "words" args...: one line with these words, and no output
    _code=$1 _about=$2 _words=$3
    shift 3
    status "$_code" "$_about" fl-diff -o x.flt "$@"
    says "$_words"
    check "  and leaves nothing" sh -c '[ ! -e x.flt ] && [ ! -e .x.flt.part ]'
}

seq 1 400 | tr '\n' ' ' >t.txt
fl-harmonize -q --train-tokenizer 300 -o tok.flt t.txt
printf 'preset: nano\nctx: 32\nchannels: 24\nheads: 4\nkv_heads: 2\nhead_dim: 6\nffn: 40\ntied: false\n' >c.yaml
fl-init -c c.yaml -t tok.flt --seed 5 -o base.flt || exit 1
fl-harmonize -q -t base.flt -o s.flt t.txt
fl-train -q -m base.flt --steps 5 -b 2 s.flt | fl-apply -m base.flt -o trained.flt || exit 1
hf make base.flt base && hf make trained.flt trained || exit 1
fl-import -o imported.flt base
fl-diff -b base.flt -o want.flt trained.flt
fl-diff -b imported.flt -o wanted.flt trained.flt   # it carries config.json, so its digest is another

# ---- the same, from folders ----
check "a trained folder" fl-diff -b base.flt -o got.flt trained
check "  is the update of its stream" cmp want.flt got.flt
check "  on standard output" sh -c 'fl-diff -b base.flt trained | cmp - want.flt'
check "  on one thread" sh -c 'fl-diff -j 1 -b base.flt trained/ | cmp - want.flt'
check "a base folder" fl-diff -b base -o got.flt trained.flt
check "  is the update from its stream" cmp wanted.flt got.flt
check "  of the model that fl-import makes of it" [ "$(meta got.flt base)" = "$(digest imported.flt)" ]
check "both" sh -c 'fl-diff -b base trained | cmp - wanted.flt'
check "a trained model on standard input" sh -c 'fl-diff -b base <trained.flt | cmp - wanted.flt'
check "it is applied" fl-apply -m imported.flt -o next.flt got.flt
check "  to what was trained, but for a rounding" sh -c "awk 'BEGIN { exit !($(rounds distance next.flt trained.flt) < 1e-6) }'"
check "leaves nothing in TMPDIR" sh -c 'mkdir tmp && TMPDIR=$PWD/tmp fl-diff -b base -o got.flt trained && [ -z "$(ls -A tmp)" ]'
status 1 "a TMPDIR that is not there" env TMPDIR=none fl-diff -b base -o x.flt trained

# ---- what trainers write anew ----
same() {   # "what": the folder "made" gives the same update
    check "$1" fl-diff -b base.flt -o got.flt made
    check "  is the same update" cmp want.flt got.flt
}
make_() {
    rm -rf made
    hf make trained.flt made "$@"
}
make_ && rm made/tokenizer.json
same "without a tokenizer"
make_ 'transformers_version="9.9"' 'torch_dtype="float32"' use_cache=false '_name_or_path="/tmp/x"'
same "with another config.json"
make_ reversed
same "tensors in another order"
make_ bare
same "names without a prefix"
make_ twice=model.norm.weight frequencies=model.rotary_emb.inv_freq
same "copies and frequencies"
fl-export -f hf --shard-size 8k -o sharded trained.flt
check "many files of weights" [ "$(find sharded -name 'model-*.safetensors' | wc -l)" -gt 3 ]
rm -rf made && mv sharded made
same "  read together"
mkdir -p made/checkpoint-5 && echo '{}' >made/trainer_state.json && echo x >made/optimizer.pt
same "other files of a trainer beside them"
for dtype in BF16 F16; do
    make_ dtype=$dtype
    hf round trained.flt narrow.flt $dtype
    fl-diff -b base.flt -o narrow.upd narrow.flt
    check "trained in $dtype" fl-diff -b base.flt -o got.flt made
    check "  the difference of the rounded values" cmp narrow.upd got.flt
done
hf make base.flt half dtype=BF16
fl-import -o half.flt half
fl-diff -b half.flt -o half.upd trained.flt
check "a base in BF16" fl-diff -b half -o got.flt trained
check "  to what was trained in f32" cmp half.upd got.flt

again() {   # PYTHON: the tokenizer.json of the folder "made", written anew after these statements on "t"
    make_
    python - "$1" <<'PY'
import json, sys
t = json.load(open("made/tokenizer.json"))
exec(sys.argv[1])
json.dump(t, open("made/tokenizer.json", "w"), indent=2, ensure_ascii=False)
PY
}
again 'pass'
same "a tokenizer in other bytes"
again 't["model"]["merges"] = [m.split(" ") for m in t["model"]["merges"]]; t["model"]["ignore_merges"] = False'
same "  with merges as pairs, and a member that says no"
again 't["truncation"] = dict(direction="Right", max_length=64, strategy="LongestFirst", stride=0)
t["padding"] = dict(strategy="BatchLongest", pad_id=0, pad_token="x", direction="Right", pad_type_id=0)'
same "  that cuts and fills for the trainer"
again 't = dict(reversed(t.items()))'
same "  whose members have another order"

# ---- what is another model ----
other() {   # "what" PYTHON
    again "$2"
    refused 1 "another tokenizer: $1" 'made/tokenizer.json: is another tokenizer than that of base.flt' -b base.flt made
}
other "a merge less" 't["model"]["merges"].pop()'
other "merges turned" 't["model"]["merges"].reverse()'
other "two ids changed" 'v = t["model"]["vocab"]; v["a"], v["b"] = v["b"], v["a"]'
other "a normalizer" 't["normalizer"] = dict(type="NFC")'
other "an added token" 't["added_tokens"].append(dict(t["added_tokens"][0], id=299, content="<x>"))'
other "no decoder" 't["decoder"] = None'
make_ && echo '{' >made/tokenizer.json
refused 1 "a tokenizer that is cut" 'made/tokenizer.json: is no JSON object' -b base.flt made
make_ && echo '[]' >made/tokenizer.json
refused 1 "a tokenizer that is none" 'made/tokenizer.json: is no JSON object' -b base.flt made
make_ rms_norm_eps=1e-3
refused 1 "another norm" 'arch.norm_eps" differs' -b base.flt made
make_ rope_theta=77
refused 1 "other positions" 'arch.rope_base" differs' -b base.flt made
make_ attention_bias=true
refused 1 "biases" 'q_proj.bias' -b base.flt made
make_ drop=layers.1.mlp.up_proj.weight
refused 1 "a tensor missing" 'layers.1.mlp.up_proj.weight' -b base.flt made
make_ add=model.layers.9.mlp.up_proj.weight
refused 1 "a tensor too many" 'layers.9.mlp.up_proj.weight' -b base.flt made
make_ nan=layers.1.mlp.up_proj.weight
refused 1 "a value that is not finite" 'layers.1.mlp.up_proj.weight' -b base.flt made
make_ && rm made/config.json
refused 1 "no config.json" 'config.json' -b base.flt made
make_ && rm made/model.safetensors
refused 1 "no weights" 'made' -b base.flt made
rm -rf made && mkdir made
refused 1 "an empty folder" 'made/config.json' -b base.flt made
make_ && head -c 3000 made/model.safetensors >short && mv short made/model.safetensors
refused 1 "weights that are cut" 'made/model.safetensors' -b base.flt made
rm -rf bare && cp -r base bare && rm bare/tokenizer.json
refused 1 "a base without a tokenizer" 'bare/tokenizer.json' -b bare trained
refused 1 "a folder that is not there" 'none' -b base.flt none
sed 's/tied: false/tied: true/' c.yaml >tied.yaml
fl-init -c tied.yaml -t tok.flt --seed 5 -o tied.flt
hf make tied.flt tied
check "a tied model from its folder" sh -c 'fl-diff -b tied.flt tied >none.flt'
hf make tied.flt untied tie_word_embeddings=false head=3
refused 1 "a head that was trained apart" 'arch.tied" differs' -b tied.flt untied

# ---- a plan ----
keys hub a b c
terms='tensors: [{match: "*norm*", protect: frozen}, {match: "*", protect: mask, bits: 32, clip: 1}]'
printf '%s\n' "$terms" | model=imported.flt roster 1 a b c >roster.yaml
accept roster.yaml hub a b c
check "a plan over what fl-import made" plan 1 imported.flt
refused 1 "what the roster freezes has moved" 'norm.weight" differs' -p 1/plan.flt -b base trained
python - "$top/tests/cli" <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
from updates import read, write
kind, meta, t = read("trained.flt")
b = read("base.flt")[2]
write("still.flt", kind, meta, {n: b[n] if "norm" in n else t[n] for n in t})
PY
hf make still.flt still
check "what it freezes is as it was" fl-diff -p 1/plan.flt -b base --site a -o a.upd still
check "  and does not travel" sh -c '! fl-info a.upd | grep -q norm'
check "  the update is masked" mask 1 a a.upd
fl-init -c c.yaml -t tok.flt --seed 6 -o other.flt && hf make other.flt other
refused 3 "a base that the plan is not over" 'is not the model of the plan' -p 1/plan.flt -b other still

# ---- GPT-2: one tensor for q, k and v, maps that lie turned ----
printf 'layers: 2\nchannels: 12\nheads: 3\nhead_dim: 4\nffn: 20\nctx: 32\ntied: true\nnorm: layernorm\nact: gelu_tanh\npositions: learned\nbias: 7\n' >g.yaml
fl-init -c g.yaml -t tok.flt --seed 5 -o g.flt
fl-train -q -m g.flt --steps 5 -b 2 s.flt | fl-apply -m g.flt -o g1.flt
fl-diff -b g.flt -o g.upd g1.flt
fl-export -f hf -o gpt2 g1.flt
check "GPT-2 from its folder" fl-diff -b g.flt -o got.flt gpt2
check "  the same update" cmp g.upd got.flt

# ---- PEFT's folders bring files of the tokenizer along ----
fl-init -m base.flt --lora 2 -o ad.flt
fl-train -q -m base.flt -a ad.flt --steps 3 -b 2 s.flt | fl-apply -m ad.flt -o ad1.flt
fl-export -f peft -o peft ad1.flt
fl-diff -b ad.flt -o ad.upd peft
cp trained/tokenizer.json peft && echo '# x' >peft/README.md && touch peft/training_args.bin
check "a PEFT folder with more files" fl-diff -b ad.flt -o got.flt peft
check "  is the same update" cmp ad.upd got.flt
fl-import -o ad-in.flt peft
check "a PEFT folder as the base" sh -c 'fl-diff -b peft ad.flt >got.flt'
check "  is what fl-import makes of it" [ "$(meta got.flt base)" = "$(digest ad-in.flt)" ]
finish
