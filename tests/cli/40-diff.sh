#!/bin/sh
# fl-diff: the difference of two models, to the bit; what it refuses; what it leaves.
# shellcheck source-path=SCRIPTDIR disable=SC2016,SC2086 # text for sh -c; $opts is many words
. "$(dirname "$0")/lib.sh"
updates() { python "$top/tests/cli/updates.py" "$@"; }
says() { grep -q -- "$1" said; }
one_line() { [ "$(wc -l < said)" = 1 ] && says '^fl-diff: '; }
refused() {   # status "what" "words" args...: one line with these words, and no output
    _status=$1 _about=$2 _words=$3
    shift 3
    status "$_status" "$_about" fl-diff -o x.flt "$@"
    cp err said
    check "  and says why: $_words" says "$_words"
    check "  in one line" one_line
    check "  and leaves nothing" sh -c '[ ! -e x.flt ] && [ ! -e .x.flt.part ]'
}

updates make . 1 1 || exit 1
updates nudge model.flt trained.flt 5
check "difference of two models" fl-diff -b model.flt -o d.flt trained.flt
check "  is right, by another program" updates diff d.flt model.flt trained.flt
fl-diff -j 1 -b model.flt < trained.flt > d1.flt
check "from a pipe to a pipe, on one thread, the same" cmp d.flt d1.flt
fl-diff -j 3 -b model.flt trained.flt > d3.flt
check "on three threads, the same" cmp d.flt d3.flt
fl-diff -z -b model.flt -o z.flt trained.flt
check "compressed" fl-apply -m model.flt -o z1.flt z.flt
fl-apply -m model.flt -o z2.flt d.flt
check "  gives the same model" cmp z1.flt z2.flt
check "a model and itself" fl-diff -b model.flt -o zero.flt model.flt
check "  differ by nothing" updates diff zero.flt model.flt model.flt
python - "$top/tests/cli" <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
from updates import read, write
kind, meta, t = read("trained.flt")
write("turned.flt", kind, meta, dict(reversed(t.items())))
write("more.flt", kind, meta, dict(t, extra=("f32", [1], bytes(4), {})))
write("dims.flt", kind, meta, dict(t, **{"layer.weight": ("f32", [3, 100], t["layer.weight"][2], {})}))
write("token.flt", kind, meta, dict(t, **{"tokenizer.json": ("u8", [2], b"[]", {})}))
write("double.flt", kind, meta, dict(t, **{"layer.weight": ("f64", [150], t["layer.weight"][2], {})}))
PY
fl-diff -b model.flt -o t.flt turned.flt
check "another order of tensors does not matter" cmp d.flt t.flt

check "what the site says of it" fl-diff -b model.flt --site aws --examples 12 --tokens 3400 \
    --loss-first 4.5 --loss-last 3.25 -o m.flt trained.flt
for pair in site=aws examples=12 tokens=3400 loss.first=4.5 loss.last=3.25 base.round=4; do
    check "  $pair" [ "$(updates meta m.flt "${pair%%=*}")" = "${pair#*=}" ]
done

refused 1 "an update for a trained model" 'of kind "update"' -b model.flt u0.flt
refused 1 "an update for a base" 'of kind "update"' -b u0.flt trained.flt
updates edit trained.flt bad.flt -layer.weight
refused 1 "a tensor missing" 'bad.flt: has no tensor "layer.weight"' -b model.flt bad.flt
refused 1 "a tensor too many" 'has a tensor "extra"' -b model.flt more.flt
refused 1 "another shape" 'f32\[3,100\]' -b model.flt dims.flt
refused 1 "another tokenizer" '"tokenizer.json" differs' -b model.flt token.flt
refused 1 "double precision" 'is plain f64.150.; a model is made of plain f32, f16 and bf16' -b double.flt double.flt
updates edit trained.flt bad.flt arch.family=t:gpt
refused 1 "another architecture" '"arch.family" differs' -b model.flt bad.flt
updates edit trained.flt bad.flt arch.rope_base=f:1
refused 1 "an architecture with more to it" '"arch.rope_base" differs' -b model.flt bad.flt
for value in nan inf -inf; do
    updates edit trained.flt bad.flt "large[262150]=$value"
    refused 1 "a trained value $value" 'bad.flt: tensor "large": value 262150 is ' -b model.flt bad.flt
    refused 1 "a base value $value" 'bad.flt: tensor "large": value 262150 is ' -b bad.flt trained.flt
done
updates edit trained.flt bad.flt "scale[0]=3e38"
updates edit model.flt base.flt "scale[0]=-3e38"
refused 1 "a difference that is too large" 'more than an f32 holds' -b base.flt bad.flt
: > empty
refused 1 "an empty file" 'is empty' -b model.flt empty
refused 1 "an empty base" 'is empty' -b empty trained.flt
cat trained.flt trained.flt > two.flt
refused 1 "two models in a file" 'two.flt' -b model.flt two.flt
length=$(wc -c < trained.flt)
accepted=0
for i in $(seq 1 15); do
    at=$(((i * 7919 + 1000003) * (length / 16) % length))
    head -c $at trained.flt > cut.flt
    python -c 'import sys
data = bytearray(open("trained.flt", "rb").read())
data[int(sys.argv[1])] ^= 1 << int(sys.argv[1]) % 8
open("flip.flt", "wb").write(data)' $at
    for f in cut.flt flip.flt; do
        fl-diff -b model.flt -o x.flt $f 2>said; [ $? = 1 ] && one_line || accepted=$((accepted + 1))
        fl-diff -b $f -o x.flt trained.flt 2>said; [ $? = 1 ] && one_line || accepted=$((accepted + 1))
        fl-diff -b model.flt -o x.flt < $f 2>said; [ $? = 1 ] && one_line || accepted=$((accepted + 1))
        [ ! -e x.flt ] && [ ! -e .x.flt.part ] || accepted=$((accepted + 1))
    done
done
check "90 damaged inputs refused" [ $accepted = 0 ]
refused 2 "no base" '-b MODEL is missing' trained.flt
for name in '' 'a b' a/b .. "$(printf 'a\033[2J')" "$(printf '%064d' 0)"; do
    refused 2 "a site's name that keys cannot have" '--site: .*; use 1 to 63 of A-Z a-z 0-9' \
        -b model.flt --site "$name" trained.flt
done
refused 2 "no examples" 'examples' -b model.flt --examples 0 trained.flt
refused 2 "two trained models" 'too many' -b model.flt trained.flt trained.flt
status 2 "no stream to a terminal" on_terminal fl-diff -b model.flt trained.flt
{ fl-diff -b model.flt trained.flt 2>pipe.err; echo $? > pipe.status; } | head -c 100 > /dev/null
check "a closed pipe is quiet" sh -c '[ ! -s pipe.err ] && [ "$(cat pipe.status)" = 141 ]'
if small_disk 600; then
    fl-diff -b model.flt -o small/x.flt trained.flt 2>said
    check "a full disk is an error" sh -c '[ $1 = 1 ] && [ "$(ls -A small)" = "" ]' - $?
    check "  in one line" says 'No space left'
else
    skip "a full disk" "needs root to mount a small one"
fi
finish
