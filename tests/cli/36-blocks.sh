#!/bin/sh
# A model in blocks of 8 bits (q8_0): made, looked at, computed with, and an adapter trained beside it; what is refused.
# Numbers are compared with numpy's and, where the shared data is, with a file of llama.cpp's.
# shellcheck source-path=SCRIPTDIR disable=SC2016,SC2034 # text for sh -c; variables of federation.sh
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
tensors() { fl-info "$1" | awk -F '\t' -v dtype="${2-}" '$1 == "tensor" && (dtype == "" || $3 == dtype) { print $2 }'; }
raw() { fl-info --raw -t "$2" "$1"; }
near() { awk "BEGIN { d = $1 - $2; exit !(d < $3 && d > -$3) }"; }
below() { awk "BEGIN { exit !($1 < $2) }"; }
loss() { fl-eval -q "$@" | awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } { print $c["loss"] }'; }
column() { awk -F '\t' -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } { print $c[name] }'; }
for numpy in python3 /usr/bin/python3 ''; do
    [ -z "$numpy" ] || ! $numpy -c 'import numpy' 2>/dev/null || break
done
[ -n "$numpy" ] || skip "numpy's blocks" "no python3-numpy"
blocks() { [ -z "$numpy" ] || $numpy "$top/tests/naive/blocks.py" "$@"; }

# ---- made ----
# Of rows of 40 none are whole blocks, so down_proj stays f32.
printf 'preset: nano\nctx: 64\nchannels: 64\nheads: 4\nhead_dim: 16\nkv_heads: 2\nffn: 40\nlayers: 2\n' >c.yaml
awk 'BEGIN { for (i = 0; i < 200; i++) printf "the %d cats sat on %d mats. ", i % 7, i % 5 }' >a.txt
fl-init -c c.yaml --seed 1 -o f32.flt && fl-harmonize -q -t f32.flt -o a.flt a.txt || exit 1
check "fl-init --dtype q8_0" fl-init -c c.yaml --seed 1 --dtype q8_0 -o m.flt
check "  the same on standard output" sh -c 'fl-init -c c.yaml --seed 1 --dtype q8_0 | cmp - m.flt'
check "  matrices are in blocks where rows are whole ones" [ "$(tensors m.flt q8_0 | wc -l)" = 13 ]
check "  gains and the others are not" [ "$(tensors m.flt f32 | grep -c 'norm.weight\|down_proj')" = 7 ]
check "  and there is nothing else" [ "$(tensors m.flt | wc -l)" = 21 ]
right() {   # M F32: every tensor in blocks is F32's
    for _t in $(tensors "$1" q8_0); do
        raw "$1" "$_t" >q8.raw && raw "$2" "$_t" >f32.raw && blocks quantise q8.raw f32.raw || return 1
    done
}
check "  rounded as numpy rounds" right m.flt f32.flt
check "a block is 34 bytes" [ "$(raw m.flt embed_tokens.weight | wc -c)" = $((257 * 64 / 32 * 34)) ]
fl-info -t embed_tokens.weight --head 70 m.flt | tail -n +2 | cut -f 2 >head.txt
check "values are shown as numbers" [ "$(wc -l <head.txt)" = 70 ]
fl-init -c c.yaml --seed 1 -o x.flt
fl-info -t embed_tokens.weight --head 70 x.flt | tail -n +2 | cut -f 2 >want.txt
check "  near those that were rounded" sh -c \
    'paste head.txt want.txt | awk "{ d = \$1 - \$2; if (d > 2e-3 || d < -2e-3) exit 1; n += d != 0 } END { if (n < 60) exit 1 }"'
check "  and so are statistics" sh -c 'fl-info --stats -t embed_tokens.weight m.flt | grep -q 16448'
check "compressed it is the same object" [ "$(fl-init -c c.yaml --seed 1 --dtype q8_0 -z | fl-info --digest | cut -c 1-64)" = \
    "$(fl-info --digest m.flt | cut -c 1-64)" ]

# ---- its values, in a folder and back ----
check "exported" fl-export -f hf -o hf m.flt
check "  and imported" fl-import -q -o wide.flt hf
check "  there is no block" [ -z "$(tensors wide.flt q8_0)" ]
same_values() {
    for _t in $(tensors m.flt q8_0); do
        raw m.flt "$_t" >q8.raw && raw wide.flt "$_t" >f32.raw && blocks values q8.raw f32.raw || return 1
    done
}
check "  the values are the blocks'" same_values
check "imported in blocks it is the same numbers" fl-import -q --dtype q8_0 -o again.flt hf
for t in $(tensors m.flt); do
    check "  $t" [ "$(raw m.flt "$t" | cksum)" = "$(raw again.flt "$t" | cksum)" ]
done
for dtype in f32 f16 bf16; do
    check "imported as $dtype" fl-import -q --dtype $dtype -o $dtype.imp hf
    check "  it is" [ "$(tensors $dtype.imp $dtype | wc -l)" = 20 ]
    check "  exactly as fl-init has it" sh -c "fl-init -c c.yaml --seed 1 --dtype $dtype -o x.flt && fl-export -f hf -o $dtype.hf x.flt &&
        fl-import -q --dtype f32 -o y.flt $dtype.hf && fl-export -f hf -o $dtype.wide y.flt && fl-import -q --dtype $dtype -o z.flt $dtype.wide &&
        fl-info --raw -t embed_tokens.weight x.flt >1 && fl-info --raw -t embed_tokens.weight z.flt >2 && cmp 1 2"
done

# ---- computed with ----
fl-eval -q -m wide.flt --text a.txt --per-token >want.tsv
check "fl-eval" sh -c 'fl-eval -q -m m.flt --text a.txt --per-token >got.tsv'
column logprob <want.tsv >want.col
column logprob <got.tsv >got.col
check "  log-probabilities of every token are those of the values in f32, within 1e-5" sh -c \
    'paste want.col got.col | awk "{ d = \$1 - \$2; n++; if (d > 1e-5 || d < -1e-5) exit 1 } END { if (n < 1000) exit 1 }"'
check "  and not those of the f32 model" sh -c "fl-eval -q -m f32.flt --text a.txt --per-token >other.tsv && ! cmp -s other.tsv got.tsv"
check "the loss" near "$(loss -m m.flt a.flt)" "$(loss -m wide.flt a.flt)" 1e-5
check "fl-generate, greedy" sh -c 'fl-generate -m m.flt -n 60 --temperature 0 "the cats" >1 && fl-generate -m wide.flt -n 60 --temperature 0 "the cats" >2 && cmp 1 2'

# ---- an adapter beside it ----
go() { fl-train -q --steps 30 -b 4 --lr 0.01 --seed 3 "$@" a.flt; }
check "an adapter is trained beside it" go -m m.flt --lora 4 -o u.flt
check "  and learned" below "$(meta u.flt loss.last)" "$(meta u.flt loss.first) - 1"
go -m wide.flt --lora 4 -o w.flt
check "  beside the values in f32 the losses are the same: the first" near "$(meta u.flt loss.first)" "$(meta w.flt loss.first)" 2e-5
check "    the last" near "$(meta u.flt loss.last)" "$(meta w.flt loss.last)" 2e-3
for j in 1 3; do
    check "  -j $j gives the same bytes" sh -c "fl-train -q --steps 30 -b 4 --lr 0.01 --seed 3 -j $j -m m.flt --lora 4 a.flt | cmp - u.flt"
done
check "  --recompute gives the same bytes" sh -c 'fl-train -q --steps 30 -b 4 --lr 0.01 --seed 3 --recompute -m m.flt --lora 4 a.flt | cmp - u.flt'
fl-init -m m.flt --lora 4 -o ad.flt
check "  applied" fl-apply -m ad.flt -o ad1.flt u.flt
status 3 "  it belongs to the blocks, not to the f32 model" fl-eval -q -m f32.flt -a ad1.flt a.flt
check "its matrices are frozen, and so is all else" [ "$(tensors u.flt | grep -vc lora_)" = 0 ]

# ---- merged ----
check "merged" fl-apply --merge -m m.flt -o merged.flt ad1.flt
check "  nothing is in blocks: a model like any other" [ "$(tensors merged.flt f32 | wc -l) $(tensors merged.flt | wc -l)" = "20 21" ]
check "  its loss is that of the two" near "$(loss -m merged.flt a.flt)" "$(loss -m m.flt -a ad1.flt a.flt)" 1e-5
check "  what no map is beside has the values of the blocks" sh -c "fl-info --raw -t embed_tokens.weight merged.flt >1 &&
    fl-info --raw -t embed_tokens.weight wide.flt >2 && cmp 1 2"
check "  the same from a pipe on one thread" sh -c 'fl-apply --merge -j 1 -m m.flt <ad1.flt | cmp - merged.flt'
check "  it is trained in full" go -m merged.flt --steps 2 -o x.upd
check "  and exported" fl-export -f hf -o merged.hf merged.flt
check "    in one dtype" [ "$(sed -n 's/.*"torch_dtype": "\([^"]*\)".*/\1/p' merged.hf/config.json)" = float32 ]

# ---- tensors of more bytes than a block of the stream, which is no whole number of these ----
printf 'preset: nano\nctx: 64\nchannels: 256\nheads: 4\nhead_dim: 64\nkv_heads: 4\nffn: 8192\nlayers: 1\n' >big.yaml
fl-init -c big.yaml -o big32.flt && fl-init -c big.yaml --dtype q8_0 -z -o big.flt && fl-export -f hf -o big.hf big.flt || exit 1
check "a large one has the same blocks" right big.flt big32.flt
check "  it is exported and imported" fl-import -q --dtype q8_0 -o bigger.flt big.hf
check "  the same" [ "$(raw big.flt layers.0.mlp.up_proj.weight | cksum)" = "$(raw bigger.flt layers.0.mlp.up_proj.weight | cksum)" ]
check "  statistics are of all values" sh -c 'fl-info --stats -t layers.0.mlp.up_proj.weight big.flt | grep -q 2097152'
check "  the last value is in its place" [ "$(fl-info -t layers.0.mlp.up_proj.weight --head 2097152 big.flt | tail -n 1 | cut -f 1)" = "8191,255" ]
fl-init -m big.flt --lora 1 -o big.ad
check "  merged, it is all of it" fl-apply --merge -m big.flt -o bigm.flt big.ad
check "    the values" sh -c 'fl-import -q -o wide.flt big.hf && fl-info --raw -t layers.0.mlp.up_proj.weight bigm.flt >1 &&
    fl-info --raw -t layers.0.mlp.up_proj.weight wide.flt >2 && cmp 1 2'

# ---- gpt2, whose maps are stored turned and in one ----
fl-init -c /dev/stdin --dtype q8_0 -o g.flt <<'END'
layers: 2
channels: 64
heads: 4
head_dim: 16
kv_heads: 4
ffn: 64
ctx: 64
norm: layernorm
act: gelu_tanh
positions: learned
bias: 7
END
check "a gpt2 model in blocks" [ "$(tensors g.flt q8_0 | wc -l)" = 13 ]
check "  its learned positions are f32" [ "$(tensors g.flt f32 | grep -c embed_positions)" = 1 ]
check "  exported" fl-export -f hf -o ghf g.flt
check "  and imported in blocks" fl-import -q --dtype q8_0 -o g2.flt ghf
for t in $(tensors g.flt); do
    check "    $t" [ "$(raw g.flt "$t" | cksum)" = "$(raw g2.flt "$t" | cksum)" ]
done
check "  trains an adapter" sh -c 'fl-harmonize -q -t g.flt -o ga.flt a.txt && fl-train -q -m g.flt --lora 2 --steps 20 -b 4 --lr 0.01 -o gu.flt ga.flt'
check "    that learned" below "$(meta gu.flt loss.last)" "$(meta gu.flt loss.first) - 0.5"

# ---- what is refused ----
rm -f x.flt
status 1 "training all of it is refused" fl-train -q -m m.flt --steps 1 -o x.flt a.flt
says "m.flt: the model's matrices are in blocks of 8 bits, q8_0, which are not trained; train an adapter"
check "  nothing is left" [ ! -e x.flt ]
status 1 "  so is asking what it would take" fl-train -q -m m.flt --dry-run a.flt
model=ad.flt federation a b c || exit 1
status 1 "a round over it is refused" fl-plan -r roster.yaml -k hub.key --round 1 -m m.flt -o plan.flt
says 'm.flt: tensor "embed_tokens.weight" is in blocks of 8 bits, q8_0, which are not trained; plan rounds over an adapter'
check "  and one over its adapter planned" fl-plan -r roster.yaml -k hub.key --round 1 -m ad.flt -o plan.flt
check "    which a site trains for" fl-train -q -m m.flt -a ad.flt -p plan.flt --site a --steps 2 -b 4 -o a.upd a.flt
check "a folder with a value that is too large" python -c '
import json, struct, sys
with open("hf/model.safetensors", "rb") as f:
    data = bytearray(f.read())
n = int.from_bytes(data[:8], "little")
at = json.loads(data[8:8 + n])["model.embed_tokens.weight"]["data_offsets"][0] + 8 + n
data[at + 12:at + 16] = struct.pack("<f", 1e9)
open("hf/model.safetensors", "wb").write(data)'
rm -f x.flt
for dtype in f16 q8_0; do
    status 1 "  is refused as $dtype" fl-import -q --dtype $dtype -o x.flt hf
    says "too large for $dtype"
    check "    nothing is left" [ ! -e x.flt ]
done
check "  and taken as f32" fl-import -q --dtype f32 -o x.flt hf
status 2 "a dtype that does not exist" fl-import -q --dtype q4_0 -o y.flt hf
fl-export -f peft -o peft ad1.flt
status 2 "an adapter is not stored in blocks" fl-import -q --dtype q8_0 -o y.flt peft

# ---- llama.cpp's ----
if [ -z "$numpy" ] || [ ! -d "$shared/data/gguf" ]; then
    skip "blocks that llama.cpp made" "no shared data here, or no numpy"
    finish
fi
fl-import -q --dtype q8_0 -o s.flt "$shared/data/models/stories260K"
pairs=
for t in $(tensors s.flt q8_0); do
    raw s.flt "$t" >"raw.$t"
    pairs="$pairs $(echo "$t" | sed 's/^embed_tokens/token_embd/; s/layers\.\([0-9]*\)\./blk.\1./; s/self_attn\.\(.\)_proj/attn_\1/
        s/attn_o\./attn_output./; s/mlp\.\(.*\)_proj/ffn_\1/')=raw.$t"
done
check "stories260K has the blocks of llama.cpp's file, to the bit" blocks gguf "$shared/data/gguf/stories260K.Q8_0.gguf" 8 4 $pairs
finish
