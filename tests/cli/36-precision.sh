#!/bin/sh
# fl-train --precision bf16: near to f32 over 500 steps of the example's model, the same bytes for any number
# of threads and from a checkpoint, the default of an adapter's frozen bf16 base; refused where it cannot be.
# shellcheck source-path=SCRIPTDIR disable=SC2016 # text for sh -c
. "$(dirname "$0")/lib.sh"
same() { cmp -s "$1" "$2"; }
told() { awk -F '\t' -v k="$1" '$1 == k { print $2 }'; }

cat "$top"/man/*.[157] >text.txt
cat "$top/README.md" "$top/lib/README.md" >other.txt
fl-harmonize -q --train-tokenizer 2000 -o tokens.flt text.txt &&
    fl-init -p nano -t tokens.flt --seed 1 -o m.flt &&
    fl-harmonize -q -t m.flt -o a.flt text.txt && fl-harmonize -q -t m.flt -o v.flt other.txt
report $? "a model of the example's size, and a text"
few() { fl-train -q -m m.flt --steps 4 -b 2 -l 64 --seed 3 "$@" a.flt; }

status 2 "bf16 where OpenBLAS multiplies" env FL_GEMM=openblas fl-train -q -m m.flt --precision bf16 --steps 1 -o x.flt a.flt
says "precision bf16 wants a processor that multiplies bf16 (AVX512-BF16) and oneDNN, and products are openblas's here"
check "  leaves nothing" [ ! -e x.flt ]
check "  and the cure is one" env FL_GEMM=openblas fl-train -q -m m.flt --steps 1 -b 1 -l 32 -o x.flt a.flt
status 2 "a precision that nobody knows" few --precision fp8 -o x.flt
says 'precision: "fp8" is not one of f32|bf16'
printf 'precision: fp8\n' >bad.yaml
status 2 "  nor in a recipe" few -c bad.yaml -o x.flt
few -o plain.flt && few --precision f32 -o f32.flt
check "f32 is the default" same plain.flt f32.flt

if ! fl-info --build | told precisions | grep -q bf16; then
    skip "--precision bf16" "this machine multiplies no bf16"
    exit 0
fi

few --precision bf16 -o one.flt -j 1 && few --precision bf16 -o two.flt -j 3 && few --precision bf16 --recompute -o three.flt
check "bf16 gives the same bytes for any number of threads" same one.flt two.flt
check "  and recomputed" same one.flt three.flt
check "  which are others than those of f32" sh -c '! cmp -s one.flt f32.flt'
printf 'precision: bf16\n' >half.yaml
few -c half.yaml -o x.flt
check "  in a recipe too" same one.flt x.flt
few -c half.yaml --precision f32 -o x.flt
check "  which an option overrules" same f32.flt x.flt
few --precision bf16 --accumulate 2 -o x.flt
few --precision bf16 --accumulate 2 -o y.flt -j 1
check "  with batches that are added" same x.flt y.flt
few --precision bf16 --checkpoint k.flt -o x.flt
status 3 "its checkpoint is not one of f32" few --precision f32 --checkpoint k.flt -o x.flt
says "settings: precision was bf16 and is f32 now; give the same ones, or"
check "  and the cure is one" few --precision bf16 --checkpoint k.flt -o x.flt
check "  the same bytes" same one.flt x.flt
check "--dry-run tells it" [ "$(few --precision bf16 --dry-run | told precision)" = bf16 ]

# The stated tolerance: fl-train(1).
for p in f32 bf16; do
    fl-train -q -m m.flt --precision $p --steps 500 -b 8 -l 128 --lr 7e-3 --weight-decay 1 --valid v.flt \
        --report $p.tsv -o $p.500 a.flt
done
paste f32.tsv bf16.tsv >both.tsv
head -n 1 f32.tsv | tr '\t' '\n' | grep -n '' | sed 's/^/# /' | head -n 3
worst() {   # COLUMN: the largest relative difference of all rows
    awk -F '\t' -v c="$1" 'NR == 1 { w = NF / 2; next } $c + 0 > 0 { d = $(c + w) / $c - 1; if (d < 0) d = -d; if (d > most) most = d }
        END { print most + 0 }' both.tsv
}
echo "# loss differs by at most $(worst 2), validation by $(worst 3)"
check "500 steps: the loss within 1%" awk "BEGIN { exit !($(worst 2) < 0.01 && $(worst 2) > 0) }"
check "  of validation, which they learn too much for, within 3%" awk "BEGIN { exit !($(worst 3) < 0.03 && $(worst 3) > 0) }"

# An adapter beside a frozen base.
fl-init -p nano -t tokens.flt --seed 1 --dtype bf16 -o b.flt
low() { fl-train -q -m b.flt --lora 4 --steps 6 -b 2 -l 64 --seed 3 "$@" a.flt; }
check "a frozen base in bf16 makes it the default" [ "$(low --dry-run | told precision)" = bf16 ]
check "  beside one in f32 it is not" [ "$(fl-train -q -m m.flt --lora 4 --steps 6 --dry-run a.flt | told precision)" = f32 ]
low -o l1.flt -j 1 --report half.tsv && low -o l2.flt -j 2 && low -o l3.flt --precision f32 --report wide.tsv
check "  the same bytes for any number of threads" same l1.flt l2.flt
check "  which are others than those of f32" sh -c '! cmp -s l1.flt l3.flt'
paste wide.tsv half.tsv >both.tsv
check "  and the loss is near" awk "BEGIN { exit !($(worst 2) < 0.005) }"
