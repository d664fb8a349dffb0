# shellcheck shell=sh
# A round with an update of a gigabyte, of which no program holds more than 64 MiB (tests/big/run). It
# takes minutes and nine gigabytes in TMPDIR: make check BIG=1 T=63-big, BIG=4 for four gigabytes.
. "$(dirname "$0")/lib.sh"

if [ -z "${BIG:-}" ] || [ -n "${SAN:-}${VALGRIND:-}" ]; then
    skip "a gigabyte" "it is run by BIG=1 alone, without sanitizers"
else
    check "many tensors" env GIB="$BIG" MIB=16 sh "$top/tests/big/run"
    sed 's/^/# /' out
    check "few large ones" env GIB="$BIG" MIB=512 sh "$top/tests/big/run"
    sed 's/^/# /' out
fi
finish
