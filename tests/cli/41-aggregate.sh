#!/bin/sh
# fl-aggregate: the exact mean, in every order and tree; what it refuses; what it leaves.
# shellcheck source-path=SCRIPTDIR disable=SC2016,SC2086 # text for sh -c; $opts is many words
. "$(dirname "$0")/lib.sh"
updates() { python "$top/tests/cli/updates.py" "$@"; }
says() { grep -q -- "$1" said; }   # words of the error that was kept
one_line() { [ "$(wc -l < said)" = 1 ] && says '^fl-aggregate: '; }
same() { cmp -s "$1" "$2"; }
refused() {   # status "what" "words" args...: one line with these words, and no output
    _status=$1 _about=$2 _words=$3
    shift 3
    status "$_status" "$_about" fl-aggregate -o x.flt "$@"
    cp err said
    check "  and says why: $_words" says "$_words"
    check "  in one line" one_line
    check "  and leaves nothing" sh -c '[ ! -e x.flt ] && [ ! -e .x.flt.part ]'
}

updates make . 6 1 || exit 1

# ---- the mean ----
check "mean of six by examples" fl-aggregate -o m.flt u?.flt
check "  is the exact one, by another program" updates mean m.flt examples u?.flt
check "mean by one weight for all" fl-aggregate --weights uniform -o m1.flt u0.flt u1.flt
check "  is the exact one" updates mean m1.flt uniform u0.flt u1.flt
check "mean by loss" fl-aggregate --weights loss -o m2.flt u?.flt
check "  is the exact one" updates mean m2.flt loss u?.flt
check "dynamic without bandwidth" fl-aggregate --weights dynamic --alpha 0 -o m3.flt u?.flt
check "  is the exact one" updates mean m3.flt alpha0 u?.flt
check "one update" fl-aggregate -o m4.flt u0.flt
check "  is its own mean" updates mean m4.flt examples u0.flt

# ---- any order, any grouping, any way in, any number of threads ----
cat u2.flt u0.flt > pair.flt
fl-aggregate -o o1.flt u5.flt u1.flt u3.flt pair.flt u4.flt
check "another order, and a file of two" same m.flt o1.flt
cat u3.flt u1.flt | fl-aggregate u0.flt - u5.flt u4.flt u2.flt > o2.flt
check "a pipe of two between files" same m.flt o2.flt
cat u?.flt | fl-aggregate > o3.flt
check "all from one pipe" same m.flt o3.flt
fl-aggregate -j 1 u?.flt > o4.flt
fl-aggregate -j 3 u?.flt > o5.flt
check "one thread" same m.flt o4.flt
check "three threads" same m.flt o5.flt
fl-aggregate --mem 1 u?.flt > o6.flt
check "all sums in \$TMPDIR" same m.flt o6.flt

trees=0
for seed in 1 2 3 4 5 6; do
    # shellcheck disable=SC2046 # six words
    set -- $(seq 0 5 | awk -v s=$seed 'BEGIN{srand(s)} {print rand() "\t" $0}' | sort | cut -f 2)
    fl-aggregate --partial -o a.flt "u$1.flt" "u$2.flt"
    fl-aggregate --partial -o b.flt "u$3.flt"
    fl-aggregate --partial -o c.flt b.flt "u$4.flt" a.flt
    cat "u$5.flt" c.flt "u$6.flt" | fl-aggregate > tree.flt
    same m.flt tree.flt && trees=$((trees + 1))
done
check "six random trees of partial sums give the flat mean" [ $trees = 6 ]
fl-aggregate --partial -o s1.flt u?.flt
fl-aggregate --partial a.flt c.flt 2>said >s2.flt
check "a sum that contains another twice is refused" says 'is in the sum already'
fl-aggregate --partial -o s3.flt u5.flt u3.flt u1.flt
fl-aggregate --partial u4.flt s3.flt u2.flt u0.flt > s4.flt
check "partial sums of the same are the same bytes" same s1.flt s4.flt
check "compressed in" fl-aggregate --partial -z -o z.flt u0.flt u1.flt
fl-aggregate -o o7.flt u4.flt z.flt u5.flt u3.flt u2.flt
check "  and out again" same m.flt o7.flt
fl-aggregate --weights loss --partial -o l.flt u0.flt u2.flt
fl-aggregate --weights loss -o o8.flt l.flt u1.flt u3.flt u4.flt u5.flt
check "a tree by loss" same m2.flt o8.flt

# ---- the report ----
explain() { fl-aggregate --weights dynamic --bandwidth site-0=100,site-1=25 --bandwidth site-2=4 "$@"; }
check "explain on standard output, beside a file" explain --explain -o d.flt u2.flt u0.flt u1.flt
cp out table
check "  with a header and a line a site, sorted" sh -c \
    'cut -f 1,7 table | tr "\t\n" "  " | grep -qx "sites bandwidth_mbit site-0 100 site-1 25 site-2 4 "'
python - "$top/tests/cli" > want <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
from updates import read
m = read("u0.flt")[1]
print(repr(round(m["loss.first"] / (m["tokens"] / 1e6 * 10) * 2**40) / 2**40))
PY
check "  and the weight L / (D B^0.5) in it" sh -c 'awk "\$1 == \"site-0\" {print \$2}" table | cmp - want'
explain --explain u2.flt u0.flt u1.flt >d2.flt 2>err2
check "explain on standard error, beside a stream" same table err2
check "  which stays whole" same d.flt d2.flt
check "explain as JSON" fl-aggregate --json --explain -o d3.flt u0.flt s3.flt
cp out table
check "  is JSON" python -c 'import json; rows = [json.loads(x) for x in open("table")]
assert [r["sites"] for r in rows] == [["site-0"], ["site-1", "site-3", "site-5"]] and rows[0]["bandwidth_mbit"] is None
assert abs(sum(r["share"] for r in rows) - 1) < 1e-5'

# ---- refused ----
updates edit u1.flt base.flt base=b:"$(printf '%064d' 7)"
refused 3 "another base" 'belongs to the model 00000000' u0.flt base.flt
refused 3 "a site twice" '"site-0" is in the sum already' u0.flt u1.flt u0.flt
refused 3 "a site twice, once in a partial sum" '"site-3" is in the sum already' u3.flt s3.flt
refused 3 "a site twice, in two partial sums" 'in the sum already' s3.flt a.flt c.flt
updates edit u1.flt nosite.flt site=
refused 1 "several inputs, one without a site" 'must name its site' u0.flt nosite.flt
refused 1 "the same, the other way round" 'must name its site' nosite.flt u0.flt
refused 1 "a partial sum without a site" 'has no site' --partial nosite.flt
check "a single update needs no site" fl-aggregate -o n.flt nosite.flt
for name in '' 'a b' ../a "$(printf 'a\033[2J')" "$(printf '%064d' 0)"; do
    updates edit u1.flt foreign.flt "site=t:$name"
    refused 1 "a site's name that keys cannot have" \
        'foreign.flt: its site is ".*", which is no name (1 to 63 .*); make it again with another --site' foreign.flt
done
updates edit u1.flt shape.flt -layer.weight
refused 1 "a tensor missing" '"layer.weight"' u0.flt shape.flt
refused 1 "a tensor too many" '"layer.weight"' shape.flt u0.flt
updates edit u1.flt last.flt -large
refused 1 "the last tensor missing" 'has no tensor "large"' u0.flt last.flt
refused 1 "one more at the end" 'has a tensor "large"' last.flt u0.flt
updates edit u1.flt order.flt swap
refused 1 "another order of tensors" 'same order' u0.flt order.flt
python - "$top/tests/cli" <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
import updates
kind, meta, t = updates.read("u1.flt")
t["layer.weight"] = ("f32", [3, 100], t["layer.weight"][2], {})
updates.write("dims.flt", kind, meta, t)
t["layer.weight"] = ("f64", [150], t["layer.weight"][2], {})
updates.write("f64.flt", kind, meta, t)
updates.write("none.flt", kind, meta, {})
PY
refused 1 "another shape" 'f32\[3,100\].*f32\[300\]' u0.flt dims.flt
refused 1 "another type" 'f64\[150\]' u0.flt f64.flt
refused 1 "no tensors" 'no tensors' none.flt
for bad in nan inf -inf 3e38; do
    updates edit u1.flt bad.flt "large[262150]=$bad"
    refused 1 "a value $bad" 'bad.flt: tensor "large": value 262150 is ' u0.flt bad.flt
done
cat bad.flt | fl-aggregate -o x.flt 2>said
check "  and from a pipe" says 'standard input: tensor "large": value 262150'
for change in examples= examples=i:0 examples=i:-4 examples=f:3 base= base=b:00; do
    updates edit u1.flt bad.flt "$change"
    refused 1 "metadata $change" "bad.flt: .*\"${change%%=*}" u0.flt bad.flt
done
for change in loss.first= loss.first=f:0 loss.first=f:-1 loss.first=f:nan loss.first=f:1e13; do
    updates edit u1.flt bad.flt "$change"
    refused 1 "weight of $change" 'bad.flt: ' --weights loss u0.flt bad.flt
done
refused 1 "dynamic without the site's bandwidth" 'site "site-1" has no bandwidth' \
    --weights dynamic --bandwidth site-0=5 u0.flt u1.flt
refused 1 "a model" 'of kind "model"' model.flt
updates edit u1.flt bad.flt kind=masked
refused 1 "a masked update without its plan" 'with -p PLAN' bad.flt
refused 1 "a mean again" 'is a mean already' m.flt
refused 1 "sums of two rules" 'weighted by loss' u1.flt l.flt
refused 1 "another rule than asked for" 'weighted by examples' --weights loss s3.flt
refused 1 "no such file" 'nothere.flt' nothere.flt
: > empty
refused 1 "an empty file" 'is empty' empty
refused 1 "a text" 'LICENSE: is text, not an FLT stream; "update" or "sum" or "masked" is expected' "$top/LICENSE"
status 1 "an empty pipe" fl-aggregate
for line in '--rule median u0.flt' '--weights best u0.flt' '--alpha 5 --weights dynamic u0.flt' \
    '--alpha 1 u0.flt' '--bandwidth a=1 u0.flt' '--weights dynamic --bandwidth a u0.flt' '--mem 0 u0.flt'; do
    refused 2 "command line: $line" '.' $line
done

# ---- forged partial sums ----
forge() { updates edit s3.flt forged.flt "$@" || exit 1; }
for change in sum.total= sum.total=b:00 sum.sites= sum.sites=t:a sum.weights= sum.weights=t:best \
    sum.loss.first=b:00 sum.total=b:$(printf '%032d' 0) sum.total=b:$(printf 'f%.0s' $(seq 32)) \
    sum.loss.first=b:$(printf '7f%.0s' $(seq 32)); do
    forge "$change"
    refused 1 "a partial sum with ${change%:*}" 'forged.flt: ' forged.flt
done
forge "sum.sites=l:site-1,../a,site-5"
refused 1 "a partial sum of a site with a foreign name" 'forged.flt: its site is "../a", which is no name' forged.flt
forge "layer.weight[3]=9223372036854775807"
refused 1 "a partial sum that cannot be" '"layer.weight" has a sum that 3 updates cannot have' forged.flt
updates edit u1.flt forged.flt kind=sum
refused 1 "an update that says it is a sum" 'forged.flt: ' forged.flt
updates edit s3.flt forged.flt kind=update
refused 1 "a sum that says it is an update" 'forged.flt: ' forged.flt

# ---- damaged ----
flip() {   # file offset
    python -c 'import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[int(sys.argv[2])] ^= 1 << int(sys.argv[2]) % 8
open("bad.flt", "wb").write(data)' "$1" "$2"
}
length=$(wc -c < u1.flt)
accepted=0 wrote=0 tried=0
for i in $(seq 1 30); do
    at=$(((i * 7919 + 1000003) * (length / 31) % length))
    head -c $at u1.flt > cut.flt
    flip u1.flt $at
    for f in cut.flt bad.flt; do
        tried=$((tried + 2))
        fl-aggregate -o x.flt u0.flt $f 2>said; [ $? = 1 ] && one_line || accepted=$((accepted + 1))
        cat u0.flt $f | fl-aggregate -o x.flt 2>said; [ $? = 1 ] && one_line || accepted=$((accepted + 1))
        [ ! -e x.flt ] && [ ! -e .x.flt.part ] || wrote=$((wrote + 1))
    done
done
check "$tried damaged inputs refused" [ $accepted = 0 ]
check "  with nothing written" [ $wrote = 0 ]
cp m.flt keep.flt
fl-aggregate -o keep.flt u0.flt bad.flt 2>err
check "an old result stays when the new one fails" same keep.flt m.flt

# ---- the other end ----
on_terminal fl-aggregate u0.flt > said
check "no stream to a terminal" says 'is a terminal'
status 2 "  exit 2" on_terminal fl-aggregate u0.flt
status 2 "nor from one" on_terminal fl-aggregate -o x.flt
{ fl-aggregate u?.flt 2>pipe.err; echo $? > pipe.status; } | head -c 100 > /dev/null
status 2 "a terminal is refused before the inputs are read" on_terminal fl-aggregate not.there
check "a closed pipe is quiet" sh -c '[ ! -s pipe.err ] && [ "$(cat pipe.status)" = 141 ]'
if small_disk 600; then
    fl-aggregate -o small/x.flt u?.flt 2>said
    check "a full disk is an error" sh -c '[ $1 = 1 ] && [ "$(ls -A small)" = "" ]' - $?
    check "  in one line" says 'No space left'
    TMPDIR=$work/small fl-aggregate --mem 1 -o x.flt u?.flt 2>said
    check "a full \$TMPDIR too" sh -c '[ $1 = 1 ] && grep -q TMPDIR said && [ ! -e x.flt ]' - $?
else
    skip "a full disk" "needs root to mount a small one"
fi
check "a device takes it" fl-aggregate -o /dev/null u0.flt

# ---- memory ----
if command -v prlimit >/dev/null && [ -z "${SAN:-}" ]; then
    updates big 1000000 50 > big.flt
    prlimit --as=120000000 fl-aggregate -j 2 < big.flt > mean.flt
    check "50 updates of 4 MB in 120 MB of address space" [ $? = 0 ]
    updates big 5000000 1 > one.flt
    check "sums beyond --mem lie in files" prlimit --data=50000000 fl-aggregate -j 2 --mem 8M -o big2.flt one.flt
    prlimit --data=50000000 fl-aggregate -j 2 --mem 1G -o big3.flt one.flt 2>err
    check "  which was needed" [ ! -e big3.flt ]
else
    skip "memory stays bounded" "needs prlimit, and no sanitizer"
fi
finish
