# shellcheck shell=sh
# fl-info: rows, digests, one tensor, JSON, several files, its options.
# memcheck
. "$(dirname "$0")/lib.sh"
vectors=$top/tests/vectors
v=$vectors/everything.flt

row() {   # FILE ROW NAME: type shape role bytes value
    fl-info "$1" | awk -F '\t' -v r="$2" -v n="$3" '$1 == r && $2 == n {
        print $3 "|" $4 "|" $5 "|" $6 "|" $7}'
}

same() {   # want got
    [ "$1" = "$2" ] || { echo "want: $1" >&2 && echo "got:  $2" >&2 && return 1; }
}

check "the header line" same "$(printf 'row name type shape role bytes value object file' | tr ' ' '\t')" \
    "$(fl-info "$v" | head -n 1)"
check "a whole number" same "i64|-|-|-|-7" "$(row "$v" meta i)"
check "a number" same "f64|-|-|-|0.1" "$(row "$v" meta f)"
check "text with a line feed" same 'text|-|-|-|h\303\251llo\n' \
    "$(row "$v" meta text | sed 's/\xc3\xa9/\\303\\251/')"
check "bytes" same "bytes|-|-|-|00ff" "$(row "$v" meta bytes)"
check "a list" same "i64 list|-|-|-|1,-2,4611686018427387904" "$(row "$v" meta ii)"
check "a tensor" same "i16|3|plain|6|-" "$(row "$v" tensor t.i16)"
check "a tensor without dims" same "f64||plain|8|-" "$(row "$v" tensor scalar)"
check "a masked tensor" same "u8|1,2,1,2,1,2,1,2|masked|16|-" "$(row "$v" tensor rank8)"
check "the total" same "-|-|-|163|16" "$(row "$v" total tensors)"
check "a site's signature" same \
    "ed25519|-|site 0|-|03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8" \
    "$(row "$vectors/signed.flt" sign aws)"
check "the hub's signature" same "hub" "$(row "$vectors/signed.flt" sign hub | cut -d '|' -f 3)"
check "the second object of a file" same "tokens 1" \
    "$(fl-info "$vectors/two.flt" | awk -F '\t' '$1 == "object" {n++; s = $2 " " $8} END {print s}')"
check "two files" same 2 "$(fl-info "$v" "$vectors/empty.flt" | grep -c '^object')"
check "one header line for both" same 1 "$(fl-info "$v" "$vectors/empty.flt" | grep -c '^row')"

# One tensor.
values() { fl-info -t "$1" "$v" | tail -n +2 | cut -f 2 | tr '\n' ' '; }
check "f64 values" same "1 0 0 " "$(values t.f64)"
check "i64 values, to the least" same "1 0 -9223372036854775808 " "$(values t.i64)"
check "i8 values" same "1 0 -128 " "$(values t.i8)"
check "indices" same "0,0,0,1,0,0,0,1" \
    "$(fl-info --tensor=rank8 "$v" | sed -n 7p | cut -f 1)"
check "the first values" same 3 "$(fl-info -t rank8 --head 2 "$v" | wc -l)"
check "an empty tensor" same 1 "$(fl-info -t none "$v" | wc -l)"
check "statistics" same "count 16 odd 0 min 0 max 15 mean 7.5 rms 8.80340843 " \
    "$(fl-info -t rank8 --stats "$v" | tail -n +2 | tr '\t\n' '  ')"
check "raw bytes" same "$(printf '\001\002' | od -An -tx1)" \
    "$(fl-info -t rank8 --raw "$v" | head -c 3 | tail -c 2 | od -An -tx1)"
check "a tensor of a compressed stream" same "-2.875" \
    "$(fl-info -t wave --head 2 "$vectors/packed.flt" | tail -n 1 | cut -f 2)"
# shellcheck disable=SC2002
check "a tensor from a pipe" same "65504" \
    "$(cat "$vectors/signed.flt" | fl-info -t w | tail -n 1 | cut -f 2)"
status 1 "a tensor that is not there" fl-info -t nothing "$v"
says 'everything.flt: has no tensor "nothing"'
status 1 "--tensor wants one object" fl-info -t w "$vectors/two.flt"

# JSON.
if python -c '' 2>/dev/null; then
    fl-info --json "$v" "$vectors/two.flt" >rows.json
    fl-info --json -t t.f16 "$v" >values.json
    fl-info --json --digest "$v" >digest.json
    check "every line is a JSON object" python -c '
import json
rows = [json.loads(line) for line in open("rows.json", encoding="utf-8")]
assert len({tuple(r) for r in rows}) == 1 and len(rows) > 20
assert next(r for r in rows if r["name"] == "text")["value"] == "h\u00e9llo\n"
assert next(r for r in rows if r["name"] == "t.u16")["bytes"] == 6
assert rows[0]["role"] is None
meta = {r["name"]: r["value"] for r in rows if r["row"] == "meta"}
assert meta["i"] == -7 and meta["ii"] == [1, -2, 2**62] and meta["f"] == 0.1 and meta["bytes"] == "00ff"
assert next(r for r in rows if r["name"] == "rank8")["shape"] == [1, 2, 1, 2, 1, 2, 1, 2]
assert [json.loads(line)["value"] for line in open("values.json")] == [1, 0, 0]
assert len(json.loads(open("digest.json").read())["digest"]) == 64'
else
    skip "JSON" "there is no Python 3"
fi

# One value alone.
check "--get of an integer" same "$(fl-info --get i "$v")" -7
check "  of bytes" same "$(fl-info --get bytes "$v")" 00ff
check "  of a list" same "$(fl-info --get ii "$v")" 1,-2,4611686018427387904
check "  the kind, of each object" same "$(fl-info --get kind "$v" "$vectors/two.flt" | wc -l)" 3
check "  as JSON" same "$(fl-info --json --get ii "$v")" '{"value": [1, -2, 4611686018427387904]}'
status 1 "  one that is not there" fl-info --get nothing "$v"
says 'everything.flt: this .* has no "nothing" in its metadata'
head -c 2000 "$v" >cut.flt
status 1 "  of an object that is cut" fl-info --get i cut.flt
check "    tells nothing" [ ! -s out ]
status 4 "  of a file that has not arrived" fl-info --get i later.flt
status 2 "  with --digest" fl-info --digest --get i "$v"
status 2 "  with -t" fl-info --get i -t w "$v"

check "-o FILE" fl-info --digest -o here "$v"
check "has what standard output would" same "$(fl-info --digest "$v")" "$(cat here)"
cp here before
status 1 "a missing input" fl-info --digest -o here no-such-file
check "leaves the old output" cmp here before
check "and nothing else" test ! -e .here.part
status 2 "--raw without --tensor" fl-info --raw "$v"
status 2 "--raw with --stats" fl-info -t w --raw --stats "$v"
status 2 "an input without a name" fl-info ""
says 'name of an input is empty'
status 2 "--digest with --tensor" fl-info --digest -t w "$v"
status 2 "--tensor of two files" fl-info -t w "$v" "$v"
status 2 "--head -1" fl-info -t w --head -1 "$v"
finish
