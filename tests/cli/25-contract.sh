#!/bin/sh
# Contracts and site files: many kinds of export become one corpus, every byte is accounted for, and
# shards of another contract are refused.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"

card() {   # FILE COLUMN [CARD]: a cell of the card
    awk -F'\t' -v f="$1" -v c="$2" 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == c) n = i} $1 == f {print $n}' "${3:-card.tsv}"
}

python - <<'PY'
import gzip, json, random
random.seed(4)
words = ("the patient sleeps well and has no fever since monday but takes his tablets in the evening with water "
         "we saw him again after two weeks and changed nothing while the wound heals slowly under dry dressing").split()
def note(n): return " ".join(random.choice(words) for _ in range(n))
notes = [note(random.randrange(30, 90)) for _ in range(400)]
odd = ["mail %d.x@example.org", "caf\u00c3\u00a9 %d", "e\u0301t\u00e9 %d", "a\u200bb %d", "line\r\nline %d", 'says "no" %d',
       "card 4111 1111 1111 1111, %d", "\U0001f600 %d", "tab\there %d"]
def text(i): return notes[i] + " " + odd[i % len(odd)] % i
with gzip.open("visits.csv.gz", "wb") as f:
    f.write("nr;datum;notiz;bz\r\n".encode())
    for i in range(150):
        f.write(('P%d;%d.%d.2021;"%s";%d,%d\r\n' % (i % 20, i % 28 + 1, i % 12 + 1, text(i).replace('"', '""'), 5 + i % 4, i % 10))
                .encode("utf-8"))
    f.write(b"P1;1.1.2021;short\r\n" + b'P1;1.1.2021;a "quote";5,0\r\n' + b"P2;1.1.2021; ;5,0\r\n")
with open("notes.jsonl", "w") as f:
    for i in range(100, 300):
        near = text(i) + (" and more" if i % 5 == 0 else "")
        f.write(json.dumps({"text": near, "id": i, "patient": "P%d" % (i % 20), "seen": "2021-02-0%d" % (i % 9 + 1)},
                           ensure_ascii=i % 2 == 0) + "\n")
    f.write('not json\n{"no": 1}\n{"text": "half \\ud800 of %s"}\n\n' % note(30))
with open("old.txt", "wb") as f:
    for i in range(300, 340):
        f.write((notes[i] + " caf\u00e9\n\n" * (1 + i % 2)).encode("latin-1"))
open("chat.log", "w").write("".join("Tom: hello %d\n  again\nAgent: yes %d\n\n" % (i, i) for i in range(20)))
open("contract.yaml", "w").write("""contract: test-1
rules: 1
passage: 64
fields: {text: required, seen: date, patient: optional, glucose: {unit: mg/dL, analyte: glucose}}
render: ["{seen} ", "{text}", " ({glucose} mg/dL)"]
unicode: {mojibake: repair}
identifiers: {default: placeholder, date: keep, url: keep}
duplicates: {near: {}}
split: {valid: 0.2, by: patient}
""")
open("site.yaml", "w").write("""contract: contract.yaml
inputs:
  - files: "visits*.csv"
    delimiter: ";"
    map: {text: notiz, seen: datum, glucose: bz, patient: nr}
    units: {glucose: mmol/L}
    decimal: ","
  - files: ["*.jsonl", "-"]
    format: jsonl
  - {files: "old*.txt", encoding: ISO-8859-1}
  - {files: "*.log", format: chat, roles: {Agent: assistant, "*": user}}
""")
PY
files="visits.csv.gz notes.jsonl old.txt chat.log"
fl-init -q -p nano -o model.flt
run() { fl-harmonize -q -c site.yaml --max-dropped 1 -t model.flt --valid-output v.flt "$@"; }

# --- one run over four kinds ---------------------------------------------------------------------
# shellcheck disable=SC2086
check "four kinds of files become a shard" run --card card.tsv -o t.flt $files
is "  each by its encoding and packing" "$(card visits.csv.gz compression) $(card old.txt encoding) $(card notes.jsonl encoding)" "gzip ISO-8859-1 UTF-8"
is "  dates are proved by the file" "$(card visits.csv.gz date_order) $(card notes.jsonl date_order)" "dmy -"
is "  rows that are none" "$(card visits.csv.gz dropped_fields) $(card visits.csv.gz dropped_malformed) $(card visits.csv.gz dropped_empty)" "1 1 1"
is "  lines that are none" "$(card notes.jsonl dropped_malformed) $(card notes.jsonl dropped_no_field) $(card notes.jsonl replaced)" "1 1 1"
is "  units" "$(card visits.csv.gz units) $(card visits.csv.gz units_kept)" "150 0"
# 50 notes are those of visits with another date and no value. By sets of five words counted one by
# one, 42 pairs are alike by 0.8 or more, the nearest to it by 0.800 and 0.791; lanes see 41 of them.
# Which of a pair goes is no matter of the order of files, so either may.
is "  near copies, of these two files only" \
    "$(($(card visits.csv.gz dropped_near) + $(card notes.jsonl dropped_near))) $(card total dropped_near) $(card total dropped_same)" "41 41 0"
is "  the contract's digest" "$(card total contract)" "$(fl-harmonize -c site.yaml --digest)"
check "  stands in both shards" sh -c 'd=$(fl-harmonize -c site.yaml --digest); for f in t.flt v.flt; do fl-info $f | grep -q "$d" || exit 1; done'

# --- the account ---------------------------------------------------------------------------------
python - card.tsv <<'PY' || touch unbalanced
import sys
rows = [l.rstrip("\n").split("\t") for l in open(sys.argv[1])]
head = rows[0]
first, last = head.index("kept_bytes"), head.index("near_bytes")
for r in rows[1:]:
    total = sum(int(c) for c in r[first:last + 1]) + int(r[head.index("replaced_bytes")])
    assert total == int(r[head.index("bytes_in")]), (r[0], total)
PY
check "every byte has one fate, in each file" test ! -e unbalanced
# shellcheck disable=SC2086
fl-harmonize -c site.yaml --explain 100000 $files >explained
sed '/^duplicates/d' contract.yaml >plain.yaml; echo 'duplicates: {exact: keep}' >>plain.yaml
sed 's/contract.yaml/plain.yaml/' site.yaml >plain-site.yaml
# shellcheck disable=SC2086
fl-harmonize -q -c plain-site.yaml --max-dropped 1 --text --card plain.tsv -o clean.jsonl $files
python - <<'PY' || touch unexplained
import collections, json
rows = [l.rstrip("\n").split("\t") for l in open("plain.tsv")]
head = rows[0]
columns = {"nfc": "mapped_bytes", "escape": "mapped_bytes", "unit": "mapped_bytes", "date": "mapped_bytes", "code": "mapped_bytes",
           "role": "mapped_bytes", "mojibake": "mapped_bytes", "invalid": "replaced_bytes", "fields": "fields_bytes"}
sums = collections.defaultdict(lambda: collections.Counter())
texts = []
for line in open("explained"):
    o = json.loads(line)
    c, n = sums[o["file"]], o["to"] - o["from"]
    if o["fate"] != "kept":
        c[columns.get(o["fate"], o["fate"] + "_bytes")] += n
        continue
    texts.append(o["after"])
    at = o["from"]
    for ch in o["changes"]:
        assert at <= ch["from"] < ch["to"] <= o["to"], o
        at = ch["to"]
        c[columns.get(ch["rule"], ch["rule"] + "_bytes")] += ch["to"] - ch["from"]
        n -= ch["to"] - ch["from"]
    c["kept_bytes"] += n
for r in rows[1:-1]:
    for k, v in sums[r[0]].items():
        want = int(r[head.index(k)])
        # the names of columns, and what divides records, are in no record
        assert v == want or (k in ("space_bytes", "unused_bytes") and v <= want), (r[0], k, v, want)
    assert sums[r[0]]["kept_bytes"] and sums[r[0]]["mapped_bytes"] + sums[r[0]]["space_bytes"]
assert sorted(texts) == sorted(json.loads(l)["text"] for l in open("clean.jsonl"))
PY
check "  and --explain's ranges add up to the card, its texts to --text" test ! -e unexplained
is "  which others cannot read" "$(stat -c %a clean.jsonl)" 600
check "identifiers, mojibake and zero width are gone" sh -c '! grep -q "example.org\|4111\|Ã" clean.jsonl && grep -q "\[EMAIL_1\]" clean.jsonl && grep -q "\[CARD_1\]" clean.jsonl'
check "  values have the contract's form" grep -q '"2021-04-04 .* (150 mg/dL)"' clean.jsonl
check "  turns have their roles" grep -q '<|user|>.nhello 3.n  again.n<|assistant|>.nyes 3' clean.jsonl

# --- nothing depends on threads, order, packing --------------------------------------------------
for j in 1 2 7; do
    # shellcheck disable=SC2086
    run -j $j -o j$j.flt $files && cmp -s t.flt j$j.flt || echo "-j $j differs" >>differs
done
gunzip -c visits.csv.gz >visits.csv
zstd -q -f notes.jsonl -o notes.jsonl.zst
xz -k -f old.txt
run -o p.flt visits.csv notes.jsonl.zst old.txt.xz chat.log && cmp -s t.flt p.flt || echo "packed ones differ" >>differs
run -o n.flt notes.jsonl && run -o m.flt <notes.jsonl && cmp -s n.flt m.flt || echo "a pipe differs" >>differs
check "the same shard for any -j, from plain and packed files, from a pipe" sh -c '[ ! -e differs ] || { cat differs >&2; false; }'
fl-harmonize -q -c site.yaml --max-dropped 1 --text -o a.jsonl visits.csv.gz notes.jsonl
fl-harmonize -q -c site.yaml --max-dropped 1 --text -o b.jsonl notes.jsonl visits.csv.gz
sort a.jsonl >a; sort b.jsonl >b
check "what stays does not depend on the order of files" cmp a b
check "  and is less than all" test "$(wc -l <a)" -lt "$(fl-harmonize -q -c plain-site.yaml --max-dropped 1 --text visits.csv.gz notes.jsonl | wc -l)"

# --- the split -----------------------------------------------------------------------------------
documents() { fl-info --raw --tensor tokens/000000 "$1" 2>/dev/null | wc -c; }
check "both sides have something" test "$(documents t.flt)" -gt 1000 -a "$(documents v.flt)" -gt 100
for p in $(seq 0 19); do
    grep "\"patient\": \"P$p\"" notes.jsonl >one.jsonl
    fl-harmonize -q -c site.yaml -t model.flt --valid-output ov.flt --card one.tsv -o ot.flt one.jsonl
    [ "$(card total train one.tsv)" = 0 ] || [ "$(card total valid one.tsv)" = 0 ] || echo "P$p straddles" >>straddles
done
check "a patient is on one side" test ! -e straddles

# --- canaries ------------------------------------------------------------------------------------
sed 's/contract.yaml/canary.yaml/' site.yaml >canary-site.yaml
{ cat contract.yaml; echo 'recall: {canaries: 100}'; } >canary.yaml
check "canaries are measured" fl-harmonize -q -c canary-site.yaml --max-dropped 1 --text --card card.tsv -o with.jsonl notes.jsonl
is "  all of them placed" "$(card total recall_email | cut -d , -f 2) $(card total recall_iban | cut -d , -f 2)" "100 100"
fl-harmonize -q -c site.yaml --max-dropped 1 --text --card none.tsv -o without.jsonl notes.jsonl
check "  and the documents are the same without them" cmp with.jsonl without.jsonl
{ cat contract.yaml; echo 'recall: {canaries: 100, floor: 0.9}'; echo 'identifiers: {default: placeholder}'; } |
    sed '/^identifiers: {default: placeholder, date/d; s/default: placeholder}/default: placeholder, phone: keep, date: keep, age: keep}/' >canary.yaml
check "  a floor that is kept" fl-harmonize -q -c canary-site.yaml --max-dropped 1 -t model.flt --valid-output v2.flt --card c2.tsv -o t2.flt notes.jsonl
# An own type whose matches begin at the word before an age is the longer one: 12 of 100 ages, those in
# English after "aged" or "age:", are not found as ages, whatever the digits. That is what a broken
# scanner looks like; kept, the same type takes nothing.
ages() {   # POLICY: of the own type
    sed '/^identifiers/d' contract.yaml
    echo 'recall: {canaries: 100, floor: 0.95}'
    echo "identifiers: {default: keep, age: placeholder, years: {policy: $1, pattern: ['aged 9*3', 'age: 9*3']}}"
}
recalled() {
    fl-harmonize -q -c canary-site.yaml --max-dropped 1 -t model.flt --valid-output v3.flt --card c3.tsv -o t3.flt notes.jsonl
}
ages placeholder >canary.yaml
status 3 "a floor that is missed" recalled
says 'recall of "age": 88 of 100 canaries were found (at most 0.930 .* asks for 0.950'
is "  the card says it" "$(card total recall_age c3.tsv)" "88,100,0.8019,0.93"
check "  and the shards are not there" sh -c '[ ! -e t3.flt ] && [ ! -e v3.flt ] && ! ls -A | grep -q "\.part"'
ages keep >canary.yaml
check "  without the own type it is not missed" recalled
is "  every age is found" "$(card total recall_age c3.tsv)" "100,100,0.963,1"

# --- the card for others -------------------------------------------------------------------------
# shellcheck disable=SC2086
run --public --card public.tsv -o x.flt $files
is "the public card is one row without names" "$(wc -l <public.tsv) $(grep -c 'visits\|notes.jsonl' public.tsv)" "2 0"
is "  and small numbers are hidden" "$(card total dropped_fields public.tsv) $(card total nul public.tsv)" "<5 <5"

# --- options that say something else -------------------------------------------------------------
for option in '--passage 2k' '--max-document 2M' '--valid 0.1' '--invalid refuse' '--field body' '--format text'; do
    # shellcheck disable=SC2086
    status 2 "$option differs" fl-harmonize -c site.yaml -t model.flt --valid-output v.flt $option -o x.flt notes.jsonl
    says "differs from the \(contract\|site file\)"
done
check "the same value is no error" run --passage 64 --valid 0.2 -o x.flt notes.jsonl
status 2 "a file without a pattern" run -o x.flt model.flt
says 'no input of the site file has a pattern for it'

# --- encodings are proved ------------------------------------------------------------------------
mkdir enc
printf 'caf\351 one two three\n' >enc/a.jsonl
sed 's/"\*.jsonl", "-"/"*.txt"/; s/format: jsonl/format: text/; /old/d' site.yaml >text-site.yaml
printf 'caf\351 one\n' >enc/latin.txt
printf 'caf\303\251 one\n' >enc/utf8.txt
printf 'a \033$B$"\033(B\n' >enc/jis.txt
status 1 "Latin-1 that nobody named" fl-harmonize -q -c text-site.yaml --max-dropped 1 --text enc/latin.txt
says 'latin.txt: is not UTF-8: 1 of 1 characters beyond ASCII are wrong, the first at byte 3; the site file names its encoding'
check "UTF-8" fl-harmonize -q -c text-site.yaml --text enc/utf8.txt
status 1 "ISO-2022-JP that nobody named" fl-harmonize -q -c text-site.yaml --text enc/jis.txt
says 'has NUL or ESC'

# --- training and rounds -------------------------------------------------------------------------
fl-harmonize -q -c plain-site.yaml --max-dropped 1 -t model.flt --valid-output pv.flt -o pt.flt notes.jsonl
check "shards of one contract" fl-train -q -m model.flt --steps 2 -b 1 -l 32 --valid v.flt -o update.flt t.flt
check "  whose digest stands in the update" sh -c 'd=$(fl-harmonize -c site.yaml --digest); fl-info update.flt | grep -q "$d"'
status 3 "of two" fl-train -q -m model.flt --steps 2 -b 1 -l 32 -o x.flt t.flt pt.flt
says 'was harmonized by another contract than'
status 3 "of two, to measure on" fl-train -q -m model.flt --steps 2 -b 1 -l 32 --valid pv.flt -o x.flt t.flt
fl-harmonize -q -t model.flt -o free.flt old.txt --max-dropped 1
status 3 "of one and of none" fl-train -q -m model.flt --steps 2 -b 1 -l 32 -o x.flt t.flt free.flt
sed 's/glucose: {unit: mg\/dL/glucose: {unit: g\/L/' contract.yaml >changed.yaml
is "a unit of the contract changes its digest" "$(sed 's/contract.yaml/changed.yaml/' site.yaml >c-site.yaml; fl-harmonize -c c-site.yaml --digest | grep -c "$(fl-harmonize -c site.yaml --digest)")" 0
{ sed 's/^rules/# as agreed\nrules/' contract.yaml | grep -v '^split'; echo 'max_document: 1M'; grep '^split' contract.yaml; } >same.yaml
is "  comments and defaults do not" "$(sed 's/contract.yaml/same.yaml/' site.yaml >c-site.yaml; fl-harmonize -c c-site.yaml --digest)" "$(fl-harmonize -c site.yaml --digest)"
fl-train -q -m model.flt --steps 2 -b 1 -l 32 --site aws -o other.flt pt.flt
fl-train -q -m model.flt --steps 2 -b 1 -l 32 --site aws -o none.flt free.flt

# An update keeps its contract on its way into a mean, whatever trained it.
contract=$(fl-harmonize -c site.yaml --digest)
fl-train -q -m model.flt --steps 2 -b 1 -l 32 --site aws -o aws.flt t.flt
fl-train -q -m model.flt --steps 2 -b 1 -l 32 --site azure -o azure.flt t.flt
fl-train -q -m model.flt --steps 2 -b 1 -l 32 --site gcp -o gcp.flt pt.flt
fl-apply -q -m model.flt -o tuned.flt aws.flt
fl-diff -q -b model.flt --site gcp --examples 20 -o bare.flt tuned.flt
check "an update of another trainer names a contract" \
    fl-diff -q -b model.flt --site gcp --examples 20 --contract "$contract" -o named.flt tuned.flt
status 2 "  which is a digest" fl-diff -q -b model.flt --contract clinic-notes-1 -o x.flt tuned.flt
says '"clinic-notes-1" is no digest; give the 64 digits that fl-harmonize --digest -c SITE prints'
check "updates of one contract are added" fl-aggregate -q -o mean.flt aws.flt azure.flt named.flt
check "  and the mean names it" sh -c "fl-info mean.flt | grep -q $contract"
fl-aggregate -q --partial -o half.flt aws.flt azure.flt
check "  by halves too" fl-aggregate -q -o mean2.flt half.flt named.flt
check "  to the byte" cmp mean.flt mean2.flt
for other in gcp bare; do
    status 3 "not so one of another, or of none ($other)" fl-aggregate -q -o none-of-it.flt aws.flt azure.flt $other.flt
    status 3 "  in any order" fl-aggregate -q -o none-of-it.flt $other.flt aws.flt
    status 3 "  nor to a sum" fl-aggregate -q -o none-of-it.flt half.flt $other.flt
done
says 'names no contract by which its text was harmonized, and the first input names one'
check "  and nothing is left" test ! -e none-of-it.flt

keys hub aws azure gcp
{ echo 'tensors: [{match: "*", protect: mask, bits: 16, clip: 0.05}]'; echo "protection: pairwise"
    echo "contract: $(fl-harmonize -c site.yaml --digest)"; } | roster 1 aws azure gcp >roster.yaml
if accept roster.yaml hub aws azure gcp >/dev/null 2>&1 && fl-plan -r roster.yaml -k hub.key --round 1 -m model.flt -o plan.flt; then
    status 3 "an update of another contract is not masked" fl-mask -k aws.key -p plan.flt -o up.flt other.flt
    says "another contract than the roster's"
    status 3 "  nor one of none" fl-mask -k aws.key -p plan.flt -o up.flt none.flt
    says 'names no contract, and the roster asks for one'
    check "  that of the roster's is" fl-mask -q -k aws.key -p plan.flt -o up.flt update.flt
else
    report 1 "a roster that names a contract"
fi

# --- damage and hostile files --------------------------------------------------------------------
for f in visits.csv.gz notes.jsonl.zst old.txt.xz; do
    size=$(wc -c <$f)
    at=$((size / 2))
    while [ $at -lt "$size" ]; do
        head -c $at $f >"cut-$f"
        cp "cut-$f" "$(echo $f | sed 's/^/x/; s/^xvisits/visitsx/; s/^xold/oldx/')"
        run -o x.flt "$(echo $f | sed 's/^/x/; s/^xvisits/visitsx/; s/^xold/oldx/')" 2>err
        code=$?
        [ $code = 1 ] && grep -q 'ends early' err && [ ! -e .x.flt.part ] || echo "$f at $at: $code" >>uncut
        at=$((at + 997))
    done
done
check "a packed file that is cut ends the run" sh -c '[ ! -e uncut ] || { head -n 3 uncut >&2; false; }'
gzip -c visits.csv.gz >visits2.csv.gz
status 1 "a packed file in a packed file" run -o x.flt visits2.csv.gz
{ printf 'nr;datum;notiz;bz\nP1;;"open\n'; seq 100; } >visits-open.csv
status 1 "a quote that stays open" run -o x.flt visits-open.csv
says 'line 2 begins a row with a quote that is still open at the end of the file'
python -c 'print("nr;datum;notiz;bz\nP1;;" + "x;" * 1000000 + "\nP1;;whole;")' >visits-wide.csv
check "a row of a million fields" run --card card.tsv -o x.flt visits-wide.csv
is "  is dropped, the next one is read" "$(card total dropped_fields) $(card total documents)" "1 1"
printf 'sep=;\nnr;notiz\n' >visits-sep.csv
status 2 "a line of a spreadsheet program" run -o x.flt visits-sep.csv
says 'visits-sep.csv: line 1: "sep=" is a spreadsheet'
printf 'nr;notiz;notiz\n1;a;b\n' >visits-twice.csv
status 2 "two columns of one name" run -o x.flt visits-twice.csv
says 'two columns are called "notiz"'

# What cannot be read is called what it is in its format.
row='a field with a quote in it stands in quotes, and that quote is doubled'
printf 'nr;datum;notiz;bz\nP1;;she said "no" to us;\n' >visits-quote.csv
status 1 "a table whose only row is malformed" run -o x.flt visits-quote.csv
says "there is no text: 1 rows are no rows of a table; $row\$"
status 1 "  more than may be lost" run --max-dropped 0.1 -o x.flt visits-quote.csv
says "1 rows are no rows of a table, the first is line 2; $row; --max-dropped"
printf 'nr;datum;notiz;bz\nP1;;"she said ""no"" to us";\n' >visits-quoted.csv
check "  the cure is one" run --max-dropped 0.1 -o x.flt visits-quoted.csv
cat visits-quoted.csv >>visits-quote.csv
check "  a row beside others" fl-harmonize -c site.yaml --max-dropped 1 -t model.flt --valid-output v2.flt -o x.flt visits-quote.csv
says '1 rows dropped that are no rows of a table, the first is line 2$'
printf 'no speaker at all\n' >odd.log
status 1 "a chat without a speaker" run -o x.flt odd.log
says 'there is no text: 1 chats begin without a speaker; format: text in the site file'
printf 'not json\n' >odd.jsonl
status 1 "a line that is not JSON" run -o x.flt odd.jsonl
says 'there is no text: 1 lines are not JSON; --format text reads plain text$'
if command -v prlimit >/dev/null && [ -z "${SAN:-}${VALGRIND:-}" ]; then
    python - <<'PY' | zstd -q -o bomb.jsonl.zst
import sys
sys.stdout.write('{"text": "kept before it all, so that there is one"}\n{"text": "')
block = "x" * (1 << 20)
for _ in range(1024):
    sys.stdout.write(block)
sys.stdout.write('"}\n')
PY
    check "a bomb: 1 GiB in one line" prlimit --as=500000000 fl-harmonize -q -j 2 -c site.yaml --max-dropped 1 \
        -t model.flt --valid-output v.flt --card card.tsv -o x.flt bomb.jsonl.zst
    is "  is dropped, to the byte" "$(card total overlong_bytes) $(card total documents)" "1073741836 1"
    # BOMB: MiB of each; 10240 takes minutes. Resident memory is what is promised without near copies and tokens.
    cat >peak.py <<'PY'
import resource, subprocess, sys
limit, command = int(sys.argv[1]), sys.argv[2:]
code = subprocess.call(command)
most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
print("# %d MiB" % most)
sys.exit(code or most > limit)
PY
    for pack in 'gzip -1' 'xz -0' 'zstd -q -1'; do
        kind=${pack%% *}
        { printf '{"text": "before"}\n{"text": "'; head -c "${BOMB:-128}M" /dev/zero | tr '\0' x; printf '"}\n'; } |
            $pack >bomb.$kind.jsonl
        check "a bomb of $kind ($(wc -c <bomb.$kind.jsonl) bytes) within 64 MiB" python peak.py 64 fl-harmonize -q \
            -c plain-site.yaml --max-dropped 1 --text --card card.tsv -o x.jsonl bomb.$kind.jsonl
        is "  is dropped, to the byte" "$(card total overlong_bytes) $(card total documents)" "$((${BOMB:-128} * 1048576 + 12)) 1"
    done
    rm -f bomb.*
else
    skip "a bomb" "needs prlimit, and no sanitizer"
fi

# --- crashes and full disks at every write -------------------------------------------------------
if command -v strace >/dev/null && [ -z "${VALGRIND:-}" ] && strace -o /dev/null true 2>/dev/null; then
    head -n 40 notes.jsonl >few.jsonl
    run -o whole.flt few.jsonl
    mkdir -p spill
    n=0
    for call in write pwrite64 ftruncate fsync rename; do
        i=1
        # shellcheck disable=SC2010  # names that begin with a dot
        while [ $i -lt 60 ]; do
            rm -f f.flt fv.flt
            TMPDIR=$PWD/spill strace -f -o /dev/null -e trace=$call -e inject=$call:error=ENOSPC:when=$i \
                fl-harmonize -q -j 1 -c site.yaml -t model.flt --valid-output fv.flt --card fc.tsv -o f.flt few.jsonl 2>err
            code=$?
            [ $code = 0 ] && break
            { [ $code = 1 ] && { [ ! -e f.flt ] || { [ $call != write ] && cmp -s f.flt whole.flt; }; } &&
                [ -z "$(ls -A spill)" ] && ! ls -A | grep -q '\.part'; } || echo "$call $i: $code" >>full
            TMPDIR=$PWD/spill strace -f -o /dev/null -e trace=$call -e inject=$call:signal=KILL:when=$i \
                fl-harmonize -q -j 1 -c site.yaml -t model.flt --valid-output fv.flt --card fc.tsv -o f.flt few.jsonl 2>err
            { [ ! -e f.flt ] || cmp -s f.flt whole.flt; } && [ -z "$(ls -A spill)" ] || echo "$call $i: killed" >>full
            n=$((n + 1))
            i=$((i + 1))
        done
    done
    check "a full disk and a kill at each of $n writes" sh -c '[ ! -e full ] || { head -n 3 full >&2; false; }'
    check "  which are several" test "$n" -gt 15
    check "  and the rerun is whole" sh -c 'fl-harmonize -q -c site.yaml -t model.flt --valid-output fv.flt -o f.flt few.jsonl && cmp f.flt whole.flt'
else
    skip "crashes at every write" "needs strace"
fi
finish
