# shellcheck shell=sh
# Every fuzzer for some seconds: those of messages of a round and of what people export five, the others one.
. "$(dirname "$0")/lib.sh"

if ! command -v clang >/dev/null || [ -n "${SAN:-}${VALGRIND:-}" ]; then
    skip "fuzzers" "clang is needed, and no other sanitizers"
    finish
    exit 0
fi
b=$BUILD/fuzz
check "they build" env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C "$top" BUILD="${b#"$top"/}" CC=clang \
    SAN=fuzzer-no-link,address,undefined PORTABLE=1 fuzz-programs
for source in "$top"/tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    case $name in
    fuzz_roster | fuzz_plan | fuzz_request | fuzz_arrival | fuzz_answer | fuzz_source | fuzz_fields | fuzz_contract | \
        fuzz_identifiers | fuzz_records) seconds=5 ;;
    *) seconds=1 ;;
    esac
    check "$name finds nothing in $seconds s" env BUILD="$b" SECONDS_EACH=$seconds sh "$top/tests/fuzz/run" "$name"
    sed 's/^/# /' out
done
finish
