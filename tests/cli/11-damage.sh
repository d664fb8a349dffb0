# shellcheck shell=sh
# Damaged and hostile streams are refused with status 1 and one line that names the file and a place.
# (Every cut and every bit: tests/unit/test_damage.c.)
. "$(dirname "$0")/lib.sh"
vectors=$top/tests/vectors

python -c 'import xxhash' 2>/dev/null || {
    skip "damaged streams" "Python 3 has no xxhash"
    finish
}

# refused FILE WORDS: by name and through a pipe, with one line that has the words, and no output.
refused() {
    fl-info "$1" >out 2>err
    [ $? = 1 ] || return 1
    [ "$(wc -l <err)" = 1 ] && grep -q "^fl-info: $1: " err && grep -q -- "$2" err || return 1
    [ ! -s out ] || return 1
    fl-info --digest <"$1" >out 2>err
    [ $? = 1 ] && [ ! -s out ] || return 1
    # shellcheck disable=SC2002  # a pipe is meant
    cat "$1" | fl-info - >out 2>err
    [ $? = 1 ] && [ ! -s out ] && grep -q "^fl-info: standard input: " err
}

mkdir bad
check "hostile streams are made" python "$vectors/make.py" bad bad
failed=0
for f in bad/*.flt; do
    refused "$f" "$(cat "${f%.flt}.want")" || {
        echo "# $f should say: $(cat "${f%.flt}.want")"
        sed 's/^/# /' err
        failed=1
    }
done
report $failed "$(find bad -name '*.flt' | wc -l) streams with right check values and forbidden content"

# A sample of cuts and flips of a vector, through the program.
size=$(wc -c <"$vectors/everything.flt")
failed=0
for i in $(seq 1 40); do
    at=$(((i * 7919 + 13) * 83 % size))
    head -c "$at" "$vectors/everything.flt" >cut.flt
    refused cut.flt "offset" || { failed=1 && echo "# cut at $at: $(cat err)"; }
done
report $failed "forty cuts"
check "flipped vectors are made" python - "$vectors/everything.flt" <<'P'
import pathlib, sys
good = pathlib.Path(sys.argv[1]).read_bytes()
for i in range(40):
    at = (i * 6007 + 5) % len(good)
    bad = bytearray(good)
    bad[at] ^= 1 << i % 8
    pathlib.Path(f"flip{i}.flt").write_bytes(bad)
P
failed=0
for f in flip*.flt; do
    refused "$f" "offset" || { failed=1 && echo "# $f: $(cat err)"; }
done
report $failed "forty flipped bits"

# The Python reader refuses them too.
failed=0
for f in cut.flt flip*.flt bad/*.flt; do
    python "$top/examples/flt_reader.py" "$f" >out 2>err
    [ $? = 1 ] && grep -q "flt_reader.py: $f" err || { failed=1 && echo "# accepted: $f"; }
done
report $failed "the Python reader refuses them too"

# A hostile header does not make a program take memory (100 bytes that announce exabytes).
head -c 100 bad/payload-far.flt >far.flt
if [ -n "${SAN:-}" ]; then
    skip "in little memory" "sanitizers take terabytes of addresses"
else
    for f in bad/payload-far.flt bad/body-far.flt bad/meta-count.flt bad/packed-far.flt far.flt; do
        # shellcheck disable=SC3045  # where a shell has it
        (ulimit -v 400000 && fl-info "$f") >out 2>err
        code=$?
        { [ $code = 1 ] && ! grep -q memory err; } || echo "# $f: exit $code: $(cat err)"
        report $((code != 1)) "$f in little memory"
    done
fi
finish
