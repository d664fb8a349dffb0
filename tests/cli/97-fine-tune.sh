#!/bin/sh
# examples/fine-tune in small: the adapter of the rounds is better on each site's text than any site's own,
# the report tells the truth, and the result is in folders that others read as we do.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
unset MAKEFLAGS MFLAGS MAKELEVEL

mkdir examples
cp -r "$top/examples/fine-tune" "$top/examples/any-trainer" examples
mkdir man lib lib/x   # what its texts are made of, as in the project
cp "$top"/man/*.[157] man
cat "$top"/lib/*/*.h >lib/x/x.h
model=$shared/data/models/stories260K
[ -e "$model/model.safetensors" ] || model=
small() {   # OUT args...
    _out=$1
    shift
    make --no-print-directory -C examples/fine-tune OUT="../../$_out" MODEL="$model" ROUNDS=3 STEPS=20 BATCH=4 "$@"
}
loss() {   # args of fl-eval
    fl-eval -q -l 128 "$@" | awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i } END { printf "%.4f", $c["loss"] }'
}
below() { awk "BEGIN { exit !($1 < $2) }"; }
near() { awk "BEGIN { d = $1 - $2; exit !(d < $3 && d > -$3) }"; }
numbers() {   # a Python 3 that has numpy
    for _p in python3 /usr/bin/python3; do
        "$_p" -c 'import numpy' 2>/dev/null && { "$_p" "$@"; return; }
    done
    return 9
}
numbers -c '' && numpy=1 || numpy=

check "the example runs from a folder to folders" small run -j2
grep -v -e '^round [0-9]* of ' -e ' alone, for ' -e '^a tiny model' out >report.txt
check "  every line fits a terminal" sh -c "! grep -q '.\{80\}' report.txt"
for s in north south west; do
    together=$(loss -m run/base.flt -a run/together.flt run/$s/valid.flt)
    check "$s: base, alone and together are what fl-eval says" [ "$(awk -v s=$s '$1 == s { print $2, $3, $5 }' report.txt)" = \
        "$(loss -m run/base.flt run/$s/valid.flt) $(loss -m run/base.flt -a run/$s/alone.flt run/$s/valid.flt) $together" ]
    for own in north south west; do
        check "  together is better there than $own's own" below "$together" \
            "$(loss -m run/base.flt -a run/$own/alone.flt run/$s/valid.flt)"
    done
    check "  and than its own at its best moment" below "$together" "$(awk -v s=$s '$1 == s { print $4 }' report.txt)"
    check "  merged: the same" near "$together" "$(loss -m run/merged.flt run/$s/valid.flt)" 2e-4
done
check "it says so" grep -q '^Together is better than alone for 3 of 3 sites' report.txt
check "what was masked is the adapter alone" sh -c "! fl-info run/rounds/1/up/north.flt | grep -v -e lora_ -e 'weight	' | grep -q '^tensor	.*proj'"
check "  less than half of the model" [ "$(($(wc -c <run/rounds/1/up/north.flt) * 2))" -lt "$(wc -c <run/base.flt)" ]

# ---- the folders ----
check "PEFT's folder comes back" fl-import -q -o peft.flt run/peft
check "  as the adapter of the rounds" [ "$(loss -m run/base.flt -a peft.flt run/north/valid.flt)" = \
    "$(loss -m run/base.flt -a run/together.flt run/north/valid.flt)" ]
check "the merged folder comes back" fl-import -q -o merged.flt run/merged
check "  as the merged model" sh -c "fl-diff -b run/merged.flt merged.flt >none.flt && fl-diff -b run/merged.flt run/merged | cmp - none.flt"
folder=${model:-run/made}
if [ -n "$numpy" ]; then
    cat >merge.py <<'PY'
"""Base and adapter, merged in doubles from the files of other tools, are the merged folder to a rounding."""
import json, pathlib, re, sys
import importlib.util, importlib.machinery
import numpy as np
loader = importlib.machinery.SourceFileLoader("trainer", sys.argv[1])
trainer = importlib.util.module_from_spec(importlib.util.spec_from_loader("trainer", loader))
loader.exec_module(trainer)
base, peft, merged = (trainer.read_weights(f) for f in sys.argv[2:5])
c = json.load(open(pathlib.Path(sys.argv[3]) / "adapter_config.json"))
seen = 0
for name, w in merged.items():
    a = peft.get("base_model.model." + re.sub("weight$", "lora_A.weight", name))
    want = base[name].astype(np.float64)
    if a is not None:
        b = peft["base_model.model." + re.sub("weight$", "lora_B.weight", name)]
        want = want + c["lora_alpha"] / c["r"] * (b.astype(np.float64) @ a.astype(np.float64))
        seen += 1
    np.testing.assert_allclose(w, want.astype(np.float32), rtol=3e-7, atol=1e-8, err_msg=name)
assert 2 * seen == len(peft) and set(merged) == set(base), (seen, len(peft))
PY
    check "by another program: base, adapter and merged folder agree" numbers merge.py examples/any-trainer/trainer "$folder" run/peft run/merged
    echo "Once upon a time there was a site. It had a text, and another site had one too; both sent sums." >one.txt
    fl-tokenize -q -t run/base.flt -o ids.json one.txt 2>/dev/null || fl-tokenize -q -t run/base.flt <one.txt >ids.json
    check "  and it has the loss that fl-eval has of it" near "$(numbers examples/any-trainer/trainer --loss run/merged ids.json)" \
        "$(loss -m run/base.flt -a run/together.flt --text one.txt)" 1e-3
else
    skip "by another program: base, adapter and merged folder agree" "no Python with numpy"
fi

# ---- again ----
find run -name '*.flt' -exec ls -l --full-time {} + | sort >before
check "a second make prints the report" small run
find run -name '*.flt' -exec ls -l --full-time {} + | sort >after
check "  and made no file again" cmp before after
cp run/rounds/3/up/west.flt keep.flt
rm run/rounds/3/up/west.flt
check "an upload that was lost" small run run
check "  is sent again, the same bytes" cmp keep.flt run/rounds/3/up/west.flt
status 2 "another rank in the same folder is refused" small run RANK=4
grep -q 'holds a run with RANK=8, not RANK=4' err
report $? "  in words that say what differs"
check "with A frozen, of two maps" small frozen FREEZE=a TARGETS='q_proj,v_proj' ROUNDS=2 STEPS=4 run
check "  no A travels" sh -c "! fl-info frozen/rounds/2/mean.flt | grep -q lora_A"
check "  and it is the first one at the end" [ "$(fl-info --raw -t layers.0.self_attn.q_proj.lora_A.weight frozen/together.flt | cksum)" = \
    "$(fl-info --raw -t layers.0.self_attn.q_proj.lora_A.weight frozen/adapter-0.flt | cksum)" ]
if [ -n "$model" ]; then
    model=
    check "without a model one is made" small made ROUNDS=1 STEPS=4
    check "  whose folder is like others'" fl-import -q -o made.flt made/made
fi
finish
