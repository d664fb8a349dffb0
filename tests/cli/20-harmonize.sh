#!/bin/sh
# fl-harmonize: what becomes of every kind of record, for any -j; what is refused; bounded memory.
# shellcheck source-path=SCRIPTDIR disable=SC2016,SC2119 # text for sh -c; a function without arguments
. "$(dirname "$0")/lib.sh"

ids() {   # SHARD: its ids, which are u16, one a line
    for n in $(fl-info "$1" | awk -F '\t' '$1 == "tensor" {print $2}'); do
        fl-info -t "$n" --raw "$1" | od -An -v -tu2 -w2 | tr -d ' '
    done
}
documents() {   # TOKENIZER SHARD: its documents, one JSON object a line
    ids "$2" | awk 'BEGIN {ORS = ""; print "["} $1 == 256 {print "]\n["; n = 0; next}
        {print (n++ ? "," : "") $1}' | sed '$d' | fl-tokenize -t "$1" --decode --jsonl text
}
card() {   # FILE COLUMN: a cell of card.tsv
    awk -F '\t' -v f="$1" -v c="$2" 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == c) k = i}
        $1 == f {print $k}' card.tsv
}

fl-init -p nano --seed 1 -o bytes.flt 2>/dev/null || fl-init -p nano -o bytes.flt || exit 1

# --- a vocabulary ---------------------------------------------------------------------------------
python - <<'PY'
import random
random.seed(4)
stem = ["".join(random.choice("etaoinshrdlu") for _ in range(random.randint(1, 9))) for _ in range(400)]
with open("words.txt", "w") as f:
    for _ in range(30000):
        f.write(random.choice(stem) + random.choice([" ", " ", " ", "s ", "'ve ", ", ", "1 ", ".\n", "\n\n"]))
    f.write("end\n")
PY
check "a vocabulary" fl-harmonize --train-tokenizer 500 --passage 0 -j 1 -o v1.flt words.txt
check "  on three threads" fl-harmonize --train-tokenizer 500 --passage 0 -j 3 -o v3.flt words.txt
check "  has the same bytes" cmp v1.flt v3.flt
fl-harmonize --train-tokenizer 500 --passage 0 -z -o v2.flt <words.txt
is "  compressed, from a pipe, the same digest" "$(fl-info --digest v2.flt | cut -c 1-64)" \
    "$(fl-info --digest v1.flt | cut -c 1-64)"
cat >twin.py <<'PY'
import re, collections, json
# byte pair encoding again from its definition; the text is ASCII, so re's classes do
text = open("words.txt").read().strip()
words = collections.Counter(re.findall(r"'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+|"
                                       r" ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+", text))
words = [(list(w.encode()), n) for w, n in words.items()]
names = [bytes([b]) for b in range(256)] + [None]
merges = []
while len(names) < 500:
    pairs = collections.Counter()
    for w, n in words:
        for pair in zip(w, w[1:]):
            pairs[pair] += n
    (a, b), n = min(pairs.items(), key=lambda p: (-p[1], p[0]))
    if n < 2:
        break
    merges.append((names[a], names[b]))
    names.append(names[a] + names[b])
    for w, n in words:
        i = 0
        while i + 1 < len(w):
            if w[i] == a and w[i + 1] == b:
                w[i:i + 2] = [len(names) - 1]
            i += 1
t = json.load(open("tok.json"))
show = lambda s: s.decode().replace(" ", "\u0120").replace("\n", "\u010a")
assert t["model"]["merges"] == [show(a) + " " + show(b) for a, b in merges]
assert t["model"]["vocab"]["<|endoftext|>"] == 256 and len(t["model"]["vocab"]) == len(names) == 500
assert all(t["model"]["vocab"][show(n)] == i for i, n in enumerate(names) if i > 256)
PY
fl-info -t tokenizer.json --raw v1.flt >tok.json
check "  and the merges of another program" python twin.py
check "the validation side is not learnt from" sh -c \
    'fl-harmonize --train-tokenizer 600 --valid 0.5 --passage 200 -o half.flt words.txt && ! cmp -s half.flt v1.flt'
check "too little text gives a smaller vocabulary" sh -c \
    'echo ababab | fl-harmonize --train-tokenizer 5000 -o tiny.flt'
says 'the text gives 25[0-9] tokens only, not 5000'

# --- shards ---------------------------------------------------------------------------------------
fl-harmonize -t v1.flt -j 1 -o a.flt --valid 0.2 --valid-output av.flt --card ca.tsv words.txt
fl-harmonize -t v1.flt -j 3 -o b.flt --valid 0.2 --valid-output bv.flt --card cb.tsv words.txt
check "shards do not depend on -j" sh -c 'cmp a.flt b.flt && cmp av.flt bv.flt && cmp ca.tsv cb.tsv'
fl-harmonize -t tok.json -z -o z.flt words.txt
fl-harmonize -t v1.flt -o c.flt - <words.txt
is "nor on what carries the tokenizer, compression, or a pipe" \
    "$(fl-info --digest z.flt | cut -c 1-64)" "$(fl-info --digest c.flt | cut -c 1-64)"
fl-harmonize -t bytes.flt --passage 0 -o whole.flt words.txt
is "bytes and an end of text" "$(ids whole.flt | awk '$1 == 256' | wc -l)" 1
ids whole.flt | awk '$1 < 256 {printf "%c", $1}' >back.txt
printf %s "$(cat words.txt)" >text.txt # the line feed at the end goes
check "  are the text" cmp back.txt text.txt
fl-harmonize -t v1.flt --passage 0 -o whole.flt words.txt
documents v1.flt whole.flt | python -c \
    'import json, sys; sys.stdout.write(json.loads(sys.stdin.readline())["text"])' >back.txt
check "tokens decode to the text" cmp back.txt text.txt

# --- one file with everything, and its card -----------------------------------------------------
printf '{"text":"one"}\r\n{"text":" \\n"}\n{"no":1}\n{"text":5}\nnot json\n\n{"text":"a\377b"}\n' >mix.jsonl
printf '{"text":"c\\r\\nd \\ud800"}\n{"m":{"t":"x"},"text":"cafe\\u0301"}' >>mix.jsonl
check "a file with everything" fl-harmonize --max-dropped 1 -t bytes.flt --card card.tsv -o mix.flt mix.jsonl
cp err said
check "  is warned of" sh -c 'grep -q "mix.jsonl: not UTF-8: 2 times.*first at byte 71" said &&
    grep -q "1 lines dropped that are not JSON, the first is line 5" said &&
    grep -q "2 lines dropped without a text \"text\", the first is line 3" said'
check "  which -q silences" sh -c 'fl-harmonize -q --max-dropped 1 -t bytes.flt -o mix.flt mix.jsonl 2>quiet && [ ! -s quiet ]'
is "  four documents" "$(card mix.jsonl documents)" 4
is "  bytes in and out" "$(card mix.jsonl bytes_in) $(card mix.jsonl bytes_out)" "$(wc -c <mix.jsonl) 20"
is "  tokens" "$(card mix.jsonl tokens)" 24
is "  what was dropped" "$(card total dropped_empty) $(card total dropped_malformed) $(card total dropped_no_field)" "1 1 2"
is "  what was replaced, and where" "$(card mix.jsonl replaced) $(card mix.jsonl first_invalid) $(card mix.jsonl crlf)" "2 71 1"
documents v1.flt mix.flt >got
printf '{"text": "one"}\n{"text": "a\357\277\275b"}\n{"text": "c\\nd \357\277\275"}\n{"text": "caf\303\251"}\n' >want
check "  the documents" cmp got want
fl-harmonize -q --max-dropped 1 -t bytes.flt --json --card card.json -o mix.flt mix.jsonl
check "  the card in JSON" python -c 'import json
rows = [json.loads(l) for l in open("card.json")]
assert len(rows) == 2 and rows[1]["file"] == "total" and rows[0]["documents"] == 4
assert rows[0]["first_invalid"] == 71 and rows[1]["first_invalid"] is None'
check "a field within a field" fl-harmonize -q --max-dropped 1 -t bytes.flt --field m.t -o f.flt mix.jsonl
is "  is x" "$(ids f.flt | tr '\n' ' ')" "120 256 "
status 1 "invalid bytes refused" fl-harmonize -t bytes.flt --invalid refuse -o no.flt mix.jsonl
says 'mix.jsonl: byte 71 is not UTF-8'
check "  nothing is left" sh -c '! ls -A | grep -q "no\.flt"'

printf 'a <|endoftext|> b\n' | fl-harmonize -t v1.flt -o inject.flt
is "text that spells a special token does not become it" "$(ids inject.flt | grep -c '^256$')" 1
is "  and decodes to itself" "$(documents v1.flt inject.flt)" '{"text": "a <|endoftext|> b"}'
printf '\357\273\277A\r\n\r\nB\fC\000D\n' >plain.txt
fl-harmonize -t bytes.flt --passage 1 -o p.flt plain.txt
is "byte order mark, blank line, form feed, NUL" "$(ids p.flt | tr '\n' ' ')" "65 256 66 256 67 0 68 256 "
check "JSON Lines from a pipe" sh -c 'echo "{\"text\": \"x\"}" | fl-harmonize -t bytes.flt --format jsonl -o l.flt'
is "  then it is read" "$(ids l.flt | tr '\n' ' ')" "120 256 "

# --- NFC, against another implementation ---------------------------------------------------------
cat >nfc.py <<'PY'
import json, random, sys, unicodedata
random.seed(8)
old = [c for c in range(0x20, 0x30000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co", "Zl", "Zp")]
hard = [c for c in old if unicodedata.combining(chr(c)) or unicodedata.decomposition(chr(c))] + \
    list(range(0x1100, 0x1200)) + list(range(0x41, 0x7b))
docs = ["x" + "".join(chr(random.choice(hard if k % 4 else old)) for _ in range(60)) + "x" for k in range(1500)]
if sys.argv[1] == "make":
    for d in docs:
        print(json.dumps({"text": d}, ensure_ascii=random.random() < .5))
else:
    got = [json.loads(l)["text"] for l in sys.stdin]
    assert len(got) == len(docs)
    for g, d in zip(got, docs):
        assert g == unicodedata.normalize("NFC", d), d
PY
PYTHONIOENCODING=utf-8 python nfc.py make >nfc.jsonl
fl-harmonize -t v1.flt -o nfc.flt nfc.jsonl
documents v1.flt nfc.flt >nfc.out
check "normal form C is that of Python" sh -c "PYTHONIOENCODING=utf-8 $python3 nfc.py check <nfc.out"

# --- the two sides -------------------------------------------------------------------------------
python - <<'PY'
import json, random
random.seed(1)
docs = ["document %d of %d" % (k, k * k) for k in range(2000)]
for name in "one.jsonl", "two.jsonl":
    random.shuffle(docs)
    with open(name, "w") as f:
        for d in docs + docs[:500]:
            f.write(json.dumps({"text": random.choice(["", "\n", " \n"]) + d + random.choice(["", " ", "\r\n"])}) + "\n")
PY
fl-harmonize -t v1.flt --valid 0.25 --valid-output valid.flt --card card.tsv -o train.flt one.jsonl two.jsonl
documents v1.flt train.flt | sort >train; documents v1.flt valid.flt | sort >valid
is "every document is on one side" "$(wc -l <train) $(wc -l <valid)" "$(card total train) $(card total valid)"
is "  5000 in all" $(($(wc -l <train) + $(wc -l <valid))) 5000
sort -u train >train.u; sort -u valid >valid.u
is "duplicates never straddle" "$(comm -12 train.u valid.u | wc -l)" 0
check "  the fraction is about right" test "$(wc -l <valid.u)" -gt 430 -a "$(wc -l <valid.u)" -lt 570
fl-harmonize -t v1.flt --valid 0.25 --valid-output v.flt -o t.flt two.jsonl
documents v1.flt v.flt | sort -u >again
check "  another site's documents fall on the same sides" cmp again valid.u
check "no document on the validation side" sh -c 'echo x | fl-harmonize -t v1.flt --valid 0.000001 --valid-output e.flt -o t.flt'
says 'no document fell on the validation side'

# --- refusals ------------------------------------------------------------------------------------
refused() {   # STATUS "what" "words" args...
    _want_status=$1 _what_about=$2 _words=$3
    shift 3
    status "$_want_status" "$_what_about" fl-harmonize -o no.flt "$@"
    says "$_words"
}
: >empty.txt
printf ' \n\n' >blank.txt
gzip -c words.txt >words.gz
printf 'x' >cut.flt; head -c 5000 v1.flt >>cut.flt
head -c 5000 v1.flt >cut2.flt
mkdir folder
refused 2 "no tokenizer" '-t MODEL|TOKENIZER is missing' words.txt
refused 2 "both" 'exclude each other' -t v1.flt --train-tokenizer 500 words.txt
refused 2 "a vocabulary below the bytes" '--train-tokenizer' --train-tokenizer 256 words.txt
refused 2 "--valid without a file" 'needs --valid-output' -t v1.flt --valid 0.1 words.txt
refused 2 "a file without --valid" 'needs --valid FRACTION' -t v1.flt --valid-output x words.txt
refused 2 "a fraction of 1" '--valid' -t v1.flt --valid 1 --valid-output x words.txt
refused 2 "one name for two outputs" 'is the output of both' -t v1.flt --card no.flt words.txt
refused 2 "two outputs on standard output" 'standard output' -o - -t v1.flt --card - words.txt
refused 2 "another format" 'not one of' -t v1.flt --format cvs words.txt
refused 1 "an empty file" 'empty.txt: there is no text' -t v1.flt empty.txt
refused 1 "only blank lines" 'there is no text in this or any' -t v1.flt blank.txt empty.txt
printf '{"body": "x"}\n{"body": "y"}\n' >body.jsonl
refused 1 "another field than --field" '2 lines have no text in a field "text", the first is line 1; --field' -t v1.flt body.jsonl
refused 1 "lines that are not JSON" 'lines are not JSON, the first is line 1; --format text' -t v1.flt --format jsonl words.txt
refused 1 "a missing file, before anything is read" 'gone.txt: cannot open' -t v1.flt words.txt gone.txt
refused 1 "a folder" 'folder: is a folder' -t v1.flt folder
refused 1 "a stream" 'is an FLT stream of kind "tokenizer", not text' -t v1.flt words.txt v1.flt
refused 1 "a tokenizer that is none" 'words.txt: ' -t words.txt words.txt
refused 1 "a damaged tokenizer" 'cut2.flt: ' -t cut2.flt words.txt
refused 1 "a shard for a tokenizer" 'of kind "tokens"' -t a.flt words.txt
sed 's/<|endoftext|>/<|other|>/g' tok.json >noeot.json
refused 1 "a tokenizer without an end of text" 'no end of text' -t noeot.json words.txt
sed 's/"ByteLevel"/"CharLevel"/' tok.json >other.json
refused 1 "a part that is not supported" '"CharLevel" is not supported' -t other.json words.txt
check "nothing is left of them" sh -c '! ls -A | grep -qE "no\.flt|\.part"'
fl-harmonize -t v1.flt -o plain.flt words.txt
gzip -c words.txt | fl-harmonize -t v1.flt -o packed.flt
check "gzip from a pipe" cmp plain.flt packed.flt
status 2 "a terminal" on_terminal fl-harmonize -t v1.flt words.txt
check "a closed pipe is quiet" sh -c 'fl-harmonize -t v1.flt words.txt 2>err | head -c 100 >/dev/null; [ ! -s err ]'

# --- outputs that would go over the text ----------------------------------------------------------
cp words.txt text.kept
ln -s words.txt text.link
for option in '-o words.txt' '--card ./words.txt' '--card text.link' '--valid 0.5 --valid-output words.txt'; do
    # shellcheck disable=SC2086
    status 2 "$option over the text" fl-harmonize -t bytes.flt $option words.txt
    says 'is an input'
done
check "  and the text is as it was" cmp words.txt text.kept

# --- a full disk, and two outputs ----------------------------------------------------------------
if small_disk 64; then
    echo old >old.flt
    status 1 "a full disk" fl-harmonize -t bytes.flt -o small/s.flt words.txt
    says 'small/s.flt: cannot write'
    check "  nothing is left" sh -c '[ -z "$(ls -A small)" ]'
    status 1 "the second output's disk is full" fl-harmonize -t bytes.flt --valid 0.9 \
        --valid-output small/v.flt -o old.flt words.txt
    check "  neither has come" sh -c '[ "$(cat old.flt)" = old ] && [ -z "$(ls -A small .*.part 2>/dev/null | grep -v small:)" ]'
    umount small
else
    skip "a full disk" "no file system can be mounted here"
fi

# --- bounded memory ------------------------------------------------------------------------------
if command -v prlimit >/dev/null && [ -z "${SAN:-}" ]; then
    bounded() { prlimit --as=400000000 fl-harmonize -j 2 "$@"; }
    head -c 200000000 /dev/zero | tr '\0' x >one-line.txt
    check "one line of 200 MB" bounded -t bytes.flt --card card.tsv -o big.flt one-line.txt
    is "  in documents of 1 MiB" "$(card total documents) $(card total cuts) $(card total bytes_out)" "191 190 200000000"
    { printf '{"text": "'; cat one-line.txt; printf '"}\n{"text": "kept"}\n'; } |
        bounded -q --max-dropped 1 -t bytes.flt --format jsonl --card card.tsv -o big.flt
    is "a line of JSON of 200 MB is dropped" "$(card total documents) $(card total dropped_overlong)" "1 1"
    rm -f one-line.txt big.flt
    # numbers are as many words; the table of words drops the rare ones
    awk 'BEGIN {for (i = 0; i < 3000000; i++) print "common w" i}' | tr 0-9 a-j |
        bounded --train-tokenizer 400 -o many.flt
    check "three million words" test -s many.flt
    rm -f many.flt
else
    skip "bounded memory" "needs prlimit, and no sanitizer"
fi
finish
