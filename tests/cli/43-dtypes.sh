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
"""dtypes.py make IN OUT bf16|f16|f64    dtypes.py applied NEXT MODEL UPDATE"""
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
        if old == "f32" and len(dims) == 2:
            if dtype == "f64":
                data = b"".join(struct.pack("<d", v) for v in wide("f32", data))
            else:
                data = narrow(dtype, wide("f32", data))
            t[name] = (dtype, dims, data, attrs)
    write(sys.argv[4], kind, meta, t)
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
done
dtypes make f32.flt f64.flt f64
for line in 'fl-plan -r roster.yaml -k hub.key --round 3 -m f64.flt -o x.flt' 'fl-diff -b f64.flt -o x.flt f64.flt'; do
    # shellcheck disable=SC2086
    status 1 "f64: ${line%% *}" $line
    says 'tensor "embed_tokens.weight" is plain f64.*; a model is made of plain f32, f16 and bf16'
done
status 1 "f64: fl-train" fl-train -m f64.flt --steps 1 -o x.flt s.flt
says 'tensor "embed_tokens.weight" is plain f64.*in its configuration it is plain f32'
finish
