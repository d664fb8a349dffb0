#!/bin/sh
# One version, printed by every program and told in fl(7); and what a party sees whose version differs:
# what only another version writes is refused, by its name and with the version that refuses it.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"

version=$(sed -n 's/^#define FL_VERSION "\(.*\)"$/\1/p' "$top/lib/base/version.h")
check "lib/base/version.h has one" [ "${version:-none}" != none ]
for p in "$top"/cmd/fl-*.c; do
    p=$(basename "$p" .c)
    check "$p -V is $version" [ "$($p -V)" = "$p $version" ]
done
check "fl(7) tells what it changed, first" \
    [ "$(sed -n '/^.Sh CHANGES/,$s/^.Ss \([0-9].*\)/\1/p' "$top/man/fl.7" | head -n 1)" = "$version" ]
check "no other file says a version" [ "$(grep -rlE '"[0-9]+\.[0-9]+\.[0-9]+"' "$top/lib" "$top/cmd")" = "$top/lib/base/version.h" ]

refuses() {   # STATUS 'what it says' command...
    _status=$1 _says=$2
    shift 2
    status "$_status" "$*" "$@"
    says "$_says"
}
newer="the file is whole: read it with a newer fl than $version, or ask who wrote it"

# ---- streams: whole, and of a form that this version does not know ----
export top
fl-init -p nano -o model.flt && seq 1 400 | fl-harmonize -q -t model.flt -o shard.flt || exit 1
python - <<'END'
import os, sys
sys.path.insert(0, os.environ["top"] + "/tests/vectors")
import struct
from make import Object, head_body, record, tensor_body

def write(name, data):
    open(name, "wb").write(data)

body = head_body("model", {})
write("format.flt", record(b"FLT1", 0, struct.pack("<H", 2) + body[2:]))
write("flags.flt", record(b"FLT1", 0, body[:2] + b"\1\0" + body[4:]))
head = Object("model", {}).data
write("tag.flt", head + record(b"MORE", 1, b""))
write("flag.flt", head + record(b"TENS", 1, tensor_body("t", "u8", [4]), 4, b"abcd", bytes(8), flags=2))
code = tensor_body("t", "u8", [4])
write("dtype.flt", head + record(b"TENS", 1, struct.pack("<H", 14) + code[2:], 4, b"abcd", bytes(8)))
write("needs.flt", Object("model", {}).tensor("t", "u8", [4], b"abcd", attributes={"!scale": 1}).done().data)
END
refuses 1 "format.flt: is of format 2; this fl reads format 1 (record 0, offset 0); $newer" fl-info format.flt
refuses 1 "flags.flt: the head has unknown flags .*; $newer" fl-info flags.flt
refuses 1 "tag.flt: the record has an unknown tag .*; $newer" fl-info tag.flt
refuses 1 "flag.flt: the record has unknown flags .*; $newer" fl-info flag.flt
refuses 1 "dtype.flt: a tensor has an unknown type, role or rank .*; $newer" fl-info dtype.flt
refuses 1 "needs.flt: tensor \"t\" needs \"!scale\", which this program lacks .*; $newer" fl-info needs.flt
refuses 1 "format.flt: is of format 2; .*; $newer" fl-train -m format.flt shard.flt
refuses 1 "standard input: is of format 2; .*; $newer" sh -c 'cat format.flt | fl-generate -m - hi'

# ---- a model with a feature, a checkpoint with a setting ----
edit() { python "$top/tests/cli/updates.py" edit "$@"; }
edit model.flt experts.flt arch.experts=i:8
edit model.flt family.flt arch.family=t:gemma
refuses 1 "experts.flt: arch.experts is a feature that this fl does not compute; use a newer fl than $version, or another model" \
    fl-eval -m experts.flt shard.flt
refuses 1 "family.flt: arch.family is \"gemma\", and this fl computes \"llama\" only; use a newer fl than $version, or another model" \
    fl-train -m family.flt shard.flt
fl-train -q -m model.flt --steps 1 -l 32 -b 1 --checkpoint ck.flt -o u.flt shard.flt
edit ck.flt ck2.flt set.window=i:4096
refuses 3 'ck2.flt: is of a training with other settings: window was 4096 and is none now; give the same ones, or another name' \
    fl-train -q -m model.flt --steps 1 -l 32 -b 1 --checkpoint ck2.flt -o u.flt shard.flt

# ---- YAML of another version: the key is named, and what this version has ----
federation a b c 2>/dev/null || exit 1
{ cat roster.yaml; echo "ring: 7"; } >newer.yaml
refuses 2 "newer.yaml: line [0-9]*: there is no key \"ring\"; known are federation, .*; another version of fl than $version may have it" \
    fl-keygen --show newer.yaml
check "  so: without the key" fl-keygen --show roster.yaml
{ cat roster.yaml; echo "epoc: 7"; } >typo.yaml
refuses 2 'typo.yaml: line [0-9]*: there is no key "epoc"; known are .*; did you mean "epoch"?' fl-keygen --show typo.yaml
echo 'rank: 8' >recipe.yaml
refuses 2 "recipe.yaml: line 1: there is no key \"rank\"; known are steps, .*; another version of fl than $version may have it" \
    fl-train -m model.flt -c recipe.yaml shard.flt

# ---- a key, and its state, of another version ----
sed '1s/v[0-9]*$/v99/' a.key >new.key && chmod 600 new.key
refuses 1 'new.key: is a secret key of format 99; ' fl-keygen --public -k new.key
sed -i '1s/v[0-9]*$/v99/' b.key.state/state
refuses 1 'b.key.state/state: is the state of a key of format 99; ' fl-keygen --accept roster.yaml -k b.key --words roster.yaml.words
refuses 1 'new.key: is a secret key of format 99, not text' fl-harmonize -t model.flt -o x.flt new.key
finish
