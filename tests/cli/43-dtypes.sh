#!/bin/sh
# A model whose matrices are bf16 and whose norms are f32, and one in f16: trained, planned, masked,
# opened and applied with one answer to what is trained; the next model has the dtypes of the last.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"

seq 1 300 | tr '\n' ' ' >t.txt
fl-harmonize --train-tokenizer 300 -o tok.flt t.txt
fl-init -p nano -t tok.flt --seed 1 -o f32.flt
fl-harmonize -t f32.flt -o s.flt t.txt
cat >dtypes.py <<'PY'
"""dtypes.py make IN OUT bf16|f16|f64|f32     dtypes.py applied NEXT MODEL UPDATE
dtypes.py same A B: tensors and losses of two updates    dtypes.py spoil IN OUT TENSOR: its second value is infinite"""
import struct
import sys

sys.path.insert(0, sys.argv[1])
from updates import read, write


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def narrow(dtype, values):
    """To nearest, ties to even, by trying both neighbours; exactly representable values stay."""
    if dtype == "f32":
        return b"".join(struct.pack("<f", v) for v in values)
    if dtype == "f16":
        return b"".join(struct.pack("<e", v) for v in values)
    out = b""
    for v in values:
        bits = struct.unpack("<I", struct.pack("<f", v))[0]
        low, high = bits & 0xffff0000, (bits & 0xffff0000) + 0x10000
        d = [abs(struct.unpack("<f", struct.pack("<I", b))[0] - v) for b in (low, high)]
        even = low if low >> 16 & 1 == 0 else high
        out += struct.pack("<H", (low if d[0] < d[1] else high if d[1] < d[0] else even) >> 16)
    return out


def wide(dtype, data):
    if dtype == "bf16":
        return [struct.unpack("<f", b"\0\0" + data[i:i + 2])[0] for i in range(0, len(data), 2)]
    return list(struct.unpack("<%d%s" % (len(data) // {"f32": 4, "f16": 2}[dtype], {"f32": "f", "f16": "e"}[dtype]), data))


what = sys.argv[2]
if what == "make":
    kind, meta, t = read(sys.argv[3])
    dtype = sys.argv[5]
    for name, (old, dims, data, attrs) in t.items():
        if dtype == "f32" and old != "u8":
            t[name] = ("f32", dims, narrow("f32", wide(old, data)), attrs)
        elif old == "f32" and len(dims) == 2:
            if dtype == "f64":
                data = b"".join(struct.pack("<d", v) for v in wide("f32", data))
            else:
                data = narrow(dtype, wide("f32", data))
            t[name] = (dtype, dims, data, attrs)
    write(sys.argv[4], kind, meta, t)
elif what == "spoil":
    kind, meta, t = read(sys.argv[3])
    dtype, dims, data, attrs = t[sys.argv[5]]
    t[sys.argv[5]] = (dtype, dims, data[:2] + narrow(dtype, [float("inf")]) + data[4:], attrs)
    write(sys.argv[4], kind, meta, t)
elif what == "same":
    (_, a_meta, a), (_, b_meta, b) = read(sys.argv[3]), read(sys.argv[4])
    assert list(a) == list(b)
    for name in a:
        assert a[name] == b[name], name
    for key in "loss.first", "loss.last":
        assert a_meta[key] == b_meta[key], key
else:
    _, _, new = read(sys.argv[3])
    _, _, old = read(sys.argv[4])
    _, _, mean = read(sys.argv[5])
    changed = 0
    for name, (dtype, dims, data, _) in old.items():
        assert new[name][:2] == (dtype, dims), name
        if dtype == "u8":
            assert new[name][2] == data, name
            continue
        assert mean[name][0] == "f32" and mean[name][1] == dims, name
        want = narrow(dtype, [f32(a + b) for a, b in zip(wide(dtype, data), wide("f32", mean[name][2]))])
        assert new[name][2] == want, name
        changed += new[name][2] != data
    assert changed > 10, changed
PY
dtypes() { python dtypes.py "$top/tests/cli" "$@"; }

for d in bf16 f16; do
    rm -rf ./*.key ./*.key.state
    dtypes make f32.flt $d.flt $d && model=$d.flt federation a b c || exit 1
    for s in a b c; do
        check "$d: $s trains" fl-train -m $d.flt --steps 2 -b 2 -l 32 --lr 0.02 --site $s --seed 11 -o $s.upd s.flt
    done
    check "  every float tensor has its update, in f32" sh -c "
        fl-info --json $d.flt | grep '\"row\": \"tensor\"' | grep -v tokenizer.json | grep -o '\"name\": \"[^\"]*\"' >want
        fl-info --json a.upd | grep '\"row\": \"tensor\"' | grep '\"f32\"' | grep -o '\"name\": \"[^\"]*\"' | cmp - want"
    check "  the plan" fl-plan -r roster.yaml -k hub.key --round 1 -m $d.flt -o plan.flt
    for s in a b c; do
        check "  $s masks" fl-mask -q -k $s.key -p plan.flt -o $s.up $s.upd
    done
    check "  the sum opens" fl-aggregate -p plan.flt -o mean.flt a.up b.up c.up
    check "  and is applied" fl-apply -m $d.flt -p plan.flt -o next.flt mean.flt
    check "  in the model's own dtypes, rounded once" dtypes applied next.flt $d.flt mean.flt
    check "  the plain way too" sh -c "fl-aggregate a.upd b.upd c.upd | fl-apply -m $d.flt -o plain.flt"
    fl-aggregate -o plain.upd a.upd b.upd c.upd
    check "    with the same rounding" dtypes applied plain.flt $d.flt plain.upd
    check "  with momentum" fl-apply -m $d.flt --optimizer momentum --state v.flt -o m2.flt plain.upd
    check "    whose state is f32" sh -c "fl-info --json v.flt | grep '\"row\": \"tensor\"' | grep -vq '\"f32\"' && exit 1; exit 0"
    rm v.flt
    check "  the difference of both models" fl-diff -b $d.flt -o d.upd next.flt
    check "    leads from one to the other" fl-apply -m $d.flt -o again.flt d.upd
    check "    exactly" dtypes applied again.flt $d.flt d.upd
    check "  is measured" fl-eval -m next.flt s.flt

    # a model as it is stored, and the same numbers in f32
    dtypes make $d.flt wide.flt f32 || exit 1
    check "  fl-info tells the dtype" sh -c "fl-info $d.flt | grep 'embed_tokens.weight' | grep -qw $d"
    for options in '-j 1' '-j 3 --recompute'; do
        # shellcheck disable=SC2086 # several words
        check "  trained as its f32: $options" fl-train $options -m wide.flt --steps 3 -b 2 -l 32 --lr 0.02 -o wide.upd s.flt
        check "    which" fl-train -m $d.flt --steps 3 -b 2 -l 32 --lr 0.02 -o own.upd s.flt
        check "    is the same to the bit" dtypes same own.upd wide.upd
    done
    eval_loss() { fl-eval -m "$1" s.flt | awk -F '\t' 'NR == 2 { print $4 }'; }
    check "  measured as its f32" awk -v a="$(eval_loss $d.flt)" -v b="$(eval_loss wide.flt)" \
        'BEGIN { exit !(a > 1 && a - b < 1e-6 && b - a < 1e-6) }'
    for m in $d wide; do fl-generate -m $m.flt -n 40 --temperature 0 '7 8 9' >$m.out; done
    check "  writes as its f32" sh -c "[ \$(wc -c <$d.out) -gt 10 ] && cmp $d.out wide.out"

    # masters in a checkpoint: a run that is killed goes on to the same bytes
    many() { fl-train -m $d.flt --steps 60 -b 2 -l 32 --seed 2 "$@" s.flt; }
    many -o whole.upd
    fl-train -m $d.flt --steps 60 -b 2 -l 32 --seed 2 --checkpoint k.flt --checkpoint-every 0 -o k.upd s.flt 2>/dev/null & pid=$!
    i=0
    while [ ! -e k.flt ] && [ $i -lt 500 ]; do sleep 0.01 && i=$((i + 1)); done
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    check "  a checkpoint of it holds f32" sh -c "! fl-info k.flt | grep '/embed_tokens' | grep -vqw f32"
    check "  and goes on" many --checkpoint k.flt -o k.upd
    check "    to the same bytes" cmp whole.upd k.upd
    rm k.flt

    dtypes spoil $d.flt bad.flt layers.1.mlp.up_proj.weight
    for line in 'fl-train --steps 1 -o x.flt s.flt' 'fl-eval s.flt' 'fl-generate hello'; do
        # shellcheck disable=SC2086
        status 1 "  not finite: ${line%% *}" $line -m bad.flt
        says 'bad.flt: tensor "layers.1.mlp.up_proj.weight": value 1 is inf; only finite values are usable'
    done
    check "  no update is there" [ ! -e x.flt ]
done

# ---- frozen: what is not trained stays as it is stored, in memory too ----
rm -rf ./*.key ./*.key.state
terms='tensors: [{match: "*proj*", protect: frozen}, {match: "embed*", protect: frozen}, {match: "*", protect: mask, bits: 32, clip: 1}]'
model=bf16.flt federation a b c || exit 1
fl-plan -r roster.yaml -k hub.key --round 1 -m bf16.flt -o plan.flt
check "frozen matrices in bf16: trained" fl-train -m bf16.flt -p plan.flt --steps 3 -b 2 -l 32 --lr 0.02 -o own.upd s.flt
check "  the gains alone" sh -c "fl-info own.upd | grep '^tensor' | grep -qv norm; [ \$? = 1 ]"
check "  and they learn" sh -c 'fl-info own.upd | awk -F "\t" '"'"'$2 == "loss.first" {a = $7} $2 == "loss.last" {b = $7} END {exit !(b < a - 1e-4)}'"'"
check "  for any -j, recomputed or not" sh -c '
    for o in "-j 1" "-j 3" "-j 2 --recompute"; do
        fl-train $o -m bf16.flt -p plan.flt --steps 3 -b 2 -l 32 --lr 0.02 -o other.upd s.flt && cmp own.upd other.upd || exit 1
    done'
fl-train -m bf16.flt -p plan.flt --dry-run -b 2 -l 32 s.flt >few && fl-train -m bf16.flt --dry-run -b 2 -l 32 s.flt >all
told() { sed -n "s/^memory_$1_bytes	//p" "$2"; }
check "  their memory is theirs" [ $(($(told gradients few) * 20)) -lt "$(told gradients all)" ]
check "  and that of the rest halves" [ $(($(told weights few) * 19 / 10)) -lt "$(told weights all)" ]
status 3 "  a checkpoint of this plan" sh -c 'fl-train -m bf16.flt -p plan.flt --steps 1 -b 2 --checkpoint k.flt -o x.flt s.flt &&
    fl-train -m bf16.flt --steps 1 -b 2 --checkpoint k.flt -o x.flt s.flt'
says 'frozen tensors, and 0 are frozen now: "embed_tokens.weight" was and is not; give the plan to -p'
dtypes make f32.flt f64.flt f64
for line in 'fl-plan -r roster.yaml -k hub.key --round 3 -m f64.flt -o x.flt' 'fl-diff -b f64.flt -o x.flt f64.flt'; do
    # shellcheck disable=SC2086
    status 1 "f64: ${line%% *}" $line
    says 'tensor "embed_tokens.weight" is plain f64.*; a model is made of plain f32, f16 and bf16'
done
status 1 "f64: fl-train" fl-train -m f64.flt --steps 1 -o x.flt s.flt
says 'tensor "embed_tokens.weight" is plain f64.*in its configuration it is plain f32'
finish
