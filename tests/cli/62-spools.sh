#!/bin/sh
# What a thief finds of the temporary files that inputs are spooled to: they keep their names here, since
# the call that would remove them is made to fail.
# shellcheck disable=SC2002 # a pipe, since a file is mapped
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
shards() { python "$top/tests/cli/shards.py" "$@"; }

if ! can_trace; then
    skip "spools" "strace cannot trace here"
    finish
fi
rounds model model.flt 1 embed:700x600 norm:50 || exit 1
federation a b c d && plan 1 model.flt && rounds train model.flt 1 0.01 a=a.upd || exit 1
rounds model trained.flt 2 embed:700x600 norm:50 && fl-diff -q -z -b model.flt -o packed.upd trained.flt || exit 1
printf 'preset: nano\nctx: 16\nchannels: 16\nheads: 2\nhead_dim: 4\nffn: 16\n' >c.yaml
fl-init -c c.yaml --seed 1 -o nano.flt || exit 1
awk 'BEGIN { for (i = 0; i < 5000; i++) printf "%d times %d is %d\n", i, i, i * i }' >a.txt
shards bytes nano.flt a.flt a.txt || exit 1

mkdir "$work/tmp" && export TMPDIR="$work/tmp"
keeping() {   # command...: what it puts into TMPDIR stays there, under its name
    rm -rf "$work"/tmp/*
    inject unlink,unlinkat 1+ error=EPERM "$@"
}
piped() {   # INPUT command...
    _from=$1
    shift
    cat "$_from" | keeping "$@"
}
spools() { find "$work/tmp" -type f -name 'fl-*'; }

# Does a piece of the tensor's payload lie in one of the files? 0 or 3.
holds() {   # FILE TENSOR ELSE...
    fl-info -t "$2" --raw "$1" >payload || return 2
    shift 2
    python - "$@" <<'END'
import sys
payload = open("payload", "rb").read()
pieces = [payload[i:i + 16] for i in range(0, len(payload) - 16, len(payload) // 400 // 4 * 4)]
pieces = [p for p in pieces if len(set(p)) > 4]
assert len(pieces) > 100, "the payload is too dull to be found again"
sys.exit(0 if any(p in open(name, "rb").read() for name in sys.argv[1:] for p in pieces) else 3)
END
}

# thief "what" FILE TENSOR command...: it ends well, and what lies in TMPDIR shows nothing of the tensor
thief() {
    _about=$1 _file=$2 _tensor=$3
    shift 3
    check "$_about" "$@"
    check "  a spool was left to look at, of some size" test -n "$(find "$work/tmp" -type f -name 'fl-*' -size +16k)"
    # shellcheck disable=SC2046 # names without blanks
    status 3 "  and shows nothing" holds "$_file" "$_tensor" $(spools)
}
check "what is looked for is found where it is" holds a.upd embed model.flt a.upd

cp -a a.key.state before.state && cp a.key before.key
thief "fl-mask, from a pipe" a.upd embed piped a.upd fl-mask -q -k a.key -p 1/plan.flt -o piped.up
# shellcheck disable=SC2046 # names
status 3 "  nor does any file that the run made or changed" holds a.upd embed \
    piped.up a.key $(find a.key.state -type f)
rm -rf a.key.state && mv before.state a.key.state && mv before.key a.key
fl-diff -q -b model.flt -o raw.upd trained.flt || exit 1
thief "  of a compressed file" raw.upd embed keeping fl-mask -q -k a.key -p 1/plan.flt -o packed.up packed.upd
thief "fl-diff, of a model from a pipe" trained.flt embed piped trained.flt fl-diff -q -o x.upd -b model.flt -
check "  with the same bytes" cmp x.upd raw.upd
thief "fl-train, of text from a pipe" a.flt tokens/000000 \
    piped a.flt fl-train -q -m nano.flt --steps 2 -b 2 --seed 1 -o piped.upd -
check "  with the same bytes" sh -c 'fl-train -q -m nano.flt --steps 2 -b 2 --seed 1 -o x.upd a.flt && cmp x.upd piped.upd'
thief "fl-eval" a.flt tokens/000000 piped a.flt fl-eval -q -m nano.flt -
thief "fl-apply, of an update from a pipe" raw.upd embed piped raw.upd fl-apply -q -m model.flt -o x.flt -
thief "fl-info, of one tensor from a pipe" raw.upd embed piped raw.upd fl-info -t embed --stats -

# ---- touched while it is in use: the rest of the pipe comes when that was done ----
touched() {   # BYTE command...: the input's first part is given, a bit of its spool flipped, and the rest given
    _byte=$1
    shift
    rm -rf "$work"/tmp/*
    {
        head -c 1500000 raw.upd
        for _i in $(seq 200); do
            _spool=$(find "$work/tmp" -type f -name 'fl-*' -size +"$((_byte / 1024 + 20))"k)
            [ -z "$_spool" ] || break
            sleep 0.05
        done
        python - "$_spool" "$_byte" <<'END'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2]))
    byte = f.read(1)[0]
    f.seek(-1, 1)
    f.write(bytes([byte ^ 4]))
END
        tail -c +1500001 raw.upd
    } | inject unlink,unlinkat 1+ error=EPERM "$@"
}
cp -a b.key.state before.state && cp b.key before.key
for byte in 0 16399 100000 1000000; do
    status 1 "a bit flipped at $byte" touched $byte fl-mask -q -k b.key -p 1/plan.flt -o out.up -
    says 'temporary file: is not what this program wrote into it; '
    check "  and nothing left" [ ! -e out.up ]
    check "  nor was recorded" cmp b.key before.key
done
check "the other file is taken" fl-mask -q -k b.key -p 1/plan.flt -o out.up raw.upd
finish
