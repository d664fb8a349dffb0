#!/bin/sh
# examples/any-trainer in small: a program that knows nothing of fl takes part in masked rounds.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
unset MAKEFLAGS MFLAGS MAKELEVEL

for python in python3 /usr/bin/python3 none; do
    "$python" -c 'import numpy' 2>/dev/null && break
done
[ $python != none ] || { skip "a trainer of another make" "no Python with numpy"; finish; }
mkdir examples man lib lib/x
cp -r "$top/examples/fine-tune" "$top/examples/any-trainer" examples
cp "$top"/man/*.[157] man
cat "$top"/lib/*/*.h >lib/x/x.h
model=$shared/data/models/stories260K
[ -e "$model/model.safetensors" ] || model=
small() { make --no-print-directory -C examples/any-trainer OUT=../../run MODEL="$model" PYTHON="$python" ROUNDS=2 STEPS=6 "$@"; }
loss() {
    fl-eval -q -l 128 "$@" | awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i } END { printf "%.4f", $c["loss"] }'
}
below() { awk "BEGIN { exit !($1 < $2) }"; }
meta() { fl-info "$1" | awk -F '\t' -v k="$2" '$1 == "meta" && $2 == k { print $7 }'; }

check "the example runs" small
cp out report.txt
for s in north south west; do
    base=$(loss -m run/model-0.flt run/$s/valid.flt) together=$(loss -m run/rounds/model-2.flt run/$s/valid.flt)
    check "$s: the table says what fl-eval says" [ "$(awk -v s=$s '$1 == s { print $2, $3 }' report.txt)" = "$base $together" ]
    check "  and together is better than before" below "$together" "$base"
done
for r in 1 2; do
    check "round $r is of all three" [ "$(meta run/rounds/$r/mean.flt sum.sites)" = north,south,west ]
done
check "what north trained" fl-diff -q -b run/rounds/model-1.flt -o own.upd run/north/after
check "  is better than what it got" sh -c 'fl-apply -m run/rounds/model-1.flt -o own.flt own.upd'
check "    on its own text" below "$(loss -m own.flt run/north/train.flt)" "$(loss -m run/rounds/model-1.flt run/north/train.flt)"
check "its ids are those of its shard" [ "$(tr -d '[]' <run/north/ids.json | tr ',' '\n' | wc -l)" = \
    "$(fl-info run/north/train.flt | awk -F '\t' '$1 == "tensor" { n += $4 } END { print n }')" ]
cp run/rounds/2/up/north.flt keep.flt
rm run/rounds/2/up/north.flt
check "an upload that was lost" small run
check "  is sent again, the same bytes" cmp keep.flt run/rounds/2/up/north.flt
rm run/rounds/2/up/north.flt
printf 'import sys\nsys.exit("mine: no")\n' >examples/any-trainer/mine
status 2 "another trainer in the same folder is refused" small TRAINER="python3 ./mine"
mv examples/any-trainer/mine examples/any-trainer/trainer
status 2 "a trainer that fails ends the turn" small
check "  and no upload is there" [ ! -e run/rounds/2/up/north.flt ]
finish
