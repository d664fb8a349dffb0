# shellcheck shell=sh
# The stream's bytes: golden vectors, and readers and writers in two languages that know only flt(5).
. "$(dirname "$0")/lib.sh"
vectors=$top/tests/vectors
reader=$top/examples/flt_reader.py

python -c 'import xxhash' 2>/dev/null || {
    skip "golden vectors" "Python 3 has no xxhash"
    finish
}

# Written again by the Python writer they have the same bytes (but zstd's, which depend on its version).
mkdir again
check "the Python writer runs" python "$vectors/make.py" good again
for v in empty signed everything two; do
    check "$v.flt has the bytes of the Python writer" cmp "$vectors/$v.flt" again/$v.flt
done

digests() { sed -n 's/^digest\t//p'; }
for v in "$vectors"/*.flt again/packed.flt; do
    if command -v zstd >/dev/null || ! expr "$v" : '.*packed' >/dev/null; then
        check "the Python reader accepts $(basename "$v")" python "$reader" "$v"
        digests <out >want
    fi
    check "fl-info accepts $(basename "$v")" fl-info --digest "$v"
    cut -d ' ' -f 1 <out >got
    check "its digest is that of the Python reader" cmp want got
done
check "the digest does not depend on the zstd that wrote it" \
    test "$(fl-info --digest "$vectors/packed.flt" | cut -c 1-64)" = \
    "$(fl-info --digest again/packed.flt | cut -c 1-64)"

# What the readers say of the tensors agrees.
python "$reader" "$vectors/everything.flt" | sed -n 's/^tensor\t//p' | cut -f 1-3 | tr -d ' []' >want
fl-info "$vectors/everything.flt" | awk -F '\t' '$1 == "tensor" {print $2 "\t" $3 "\t" $4}' >got
check "names, dtypes and shapes agree" cmp want got
check "they are sixteen" test "$(wc -l <got)" = 16

# flt(5) shows a vector's bytes, and its digest.
xxd=$(command -v xxd || command -v od)
if expr "$xxd" : '.*xxd' >/dev/null; then
    grep -E '^[0-9a-f]{4}: ' "$top/man/flt.5" | sed 's/\\e/\\/g' | cut -d ' ' -f 2-9 >want
    xxd -l 288 "$vectors/signed.flt" | cut -d ' ' -f 2-9 >got
    check "the bytes in flt(5) are those of signed.flt" cmp want got
else
    skip "the bytes in flt(5)" "xxd is not installed"
fi
check "the digest in flt(5) is that of signed.flt" grep -q \
    "$(fl-info --digest "$vectors/signed.flt" | cut -c 1-64)" "$top/man/flt.5"

# Concatenation, and a pipe.
cat "$vectors/everything.flt" "$vectors/two.flt" "$vectors/packed.flt" >cat.flt
check "a concatenation is a stream" fl-info --digest cat.flt
check "of all objects" test "$(wc -l <out)" = 4
fl-info --digest cat.flt | cut -c 1-64 >want
cat cat.flt | fl-info --digest | cut -c 1-64 >got
check "a pipe gives the same digests" cmp want got
fl-info --digest -j 1 cat.flt | cut -c 1-64 >got
check "one thread gives the same digests" cmp want got
finish
