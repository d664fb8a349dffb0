#!/bin/sh
# Documents that are hostile, files that are no text, text in other encodings, YAML of other systems.
# shellcheck disable=SC2016 # commands for sh -c
. "$(dirname "$0")/lib.sh"
documents() { python "$top/tests/bad/documents.py" "$@"; }
card() {   # FILE COLUMN: a cell of card.tsv
    awk -F '\t' -v f="$1" -v c="$2" 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == c) k = i}
        $1 == f {print $k}' card.tsv
}
text() {   # SHARD: its documents, as they were read; of bytes
    for n in $(fl-info "$1" | awk -F '\t' '$1 == "tensor" {print $2}'); do
        fl-info -t "$n" --raw "$1" | od -An -v -tu2 -w2
    done | awk '{if ($1 == 256) print ""; else printf "%c", $1}' | LC_ALL=C sort
}

fl-init -p nano --seed 1 -o m.flt || exit 1
fl-init -p nano --seed 1 -o m.flt && fl-harmonize -q --train-tokenizer 300 -o t.flt "$top/README.md" || exit 1

# ---- no document stops a run ----
documents hostile hostile 300000
fl-info -t tokenizer.json --raw t.flt >gpt2.json
# the expressions of other makers in a vocabulary of our own; and what an expression may not do
expression() {   # REGEX: a tokenizer.json with it
    python - "$1" <<'PY'
import json, sys
t = json.load(open("gpt2.json"))
level = t["pre_tokenizer"]
level["use_regex"] = False
t["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [
    {"type": "Split", "pattern": {"Regex": sys.argv[1]}, "behavior": "Isolated", "invert": False}, level]}
json.dump(t, sys.stdout)
PY
}
s='\s*[\r\n]+|\s+(?!\S)|\s+'
expression "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|$s" >qwen.json
x='[^\r\n\p{L}\p{N}]?'
expression "$x((?=[\\p{L}])([^a-z]))*((?=[\\p{L}])([^A-Z]))+|$x((?=[\\p{L}])([^a-z]))+((?=[\\p{L}])([^A-Z]))*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|$s" >tekken.json
expression '(a+)+[bc]|(?:a|\s)+x|.*\n' >exponential.json
for t in gpt2.json qwen.json tekken.json exponential.json; do
    check "$t: no hostile document stops it" fl-harmonize -q --max-dropped 1 -t $t --card card.tsv -o x.flt hostile/*
    is "  all of them are there" "$(awk -F '\t' '$1 != "file" && $3 < 1' card.tsv)" ""
done
documents hostile hostile 20000
for t in gpt2.json qwen.json tekken.json; do
    for f in one-word.txt spaces.txt turns.txt han.txt; do
        fl-tokenize -t $t hostile/$f >ids && fl-tokenize -t $t --decode ids | cmp -s - hostile/$f ||
            echo "# $t $f" >>bad
    done
done
check "  and their tokens are the text" test ! -e bad
if [ -d "$shared/data/cases" ]; then
    python -c 'print("{\"text\":\"" + "abcdefghij" * 20000 + "\"}")' >long.jsonl
    check "200,000 letters with Mistral's expression" \
        fl-harmonize -t "$shared/data/cases/tok-re-tekken.json" -o x.flt long.jsonl
else
    skip "200,000 letters with Mistral's expression" "no $shared/data/cases"
fi

# ---- a vocabulary with a hole: ids are those of the file ----
python - <<'PY'
import json
t = json.load(open("gpt2.json"))
t["added_tokens"].append({"id": 600, "content": "<far>", "single_word": False, "lstrip": False,
                          "rstrip": False, "normalized": False, "special": True})
json.dump(t, open("hole.json", "w"))
PY
is "a token far above the others" "$(printf 'a<far>b' | fl-tokenize -t hole.json --parse-special)" "[97, 600, 98]"
fl-init -p nano -t hole.json -o hole.flt
is "  and so many ids" "$(fl-info hole.flt | awk -F '\t' '$2 == "arch.vocab" {print $7}')" 601
echo '[550]' >hole.ids
status 1 "  what lies between is none" fl-tokenize -t hole.json --decode hole.ids
says 'id 550 is not in the vocabulary of 601 ids'

# ---- what is not text, with the cure that is advised ----
documents foreign foreign
rm -f x.flt
refused() {   # FILE "words" [args...]: by any of the programs that take text, from a file and a pipe
    _file=foreign/$1 _words=$2
    shift 2
    rm -f x.flt
    status 1 "$_file" fl-harmonize -t m.flt -o x.flt "$@" "$_file"
    says "^fl-harmonize: $_file: .*$_words"
    [ ! -e x.flt ] || echo "# $_file: something is left" >>bad
    fl-harmonize -t m.flt -o x.flt "$@" <"$_file" 2>err && echo "# $_file: taken from a pipe" >>bad
    grep -q -e "$_words" err || echo "# $_file from a pipe: $(cat err)" >>bad
}
gives() {   # "what" 'pipeline, without fl-harmonize' [args...]: two documents, or one, as they should be
    _about=$1 _pipe=$2
    shift 2
    if command -v "${_pipe%% *}" >/dev/null; then
        sh -c "$_pipe" | fl-harmonize -q -t m.flt -o cured.flt "$@" 2>err
        report $? "  so: $_about"
        text cured.flt
    else
        skip "  so: $_about" "no ${_pipe%% *}"
    fi >out
    grep -a '^ok\|^not ok\|^#' out
}
two=$(printf 'one\ntwo\n')
cured() { is "    gives both texts" "$(grep -a -v '^ok' out)" "$two"; }
refused f.bz2 "is compressed; pipe it in with: bzcat FILE |"
gives bzcat "bzcat foreign/f.bz2"
for f in f.gz f.xz f.utf-16 f.utf-32; do
    check "$f is read" fl-harmonize -q -t m.flt -o x.flt foreign/$f
done
refused f.zip 'is a zip archive, not text; .*unzip -p FILE |'
gives "unzip -p" "unzip -p foreign/f.zip"
refused f.docx 'is a Word document.*pandoc -f docx -t plain FILE |'
refused f.xlsx 'read_excel'
refused f.tar 'is a tar archive, not text; take its files out'
refused f.pickle 'is a pickle of Python'
refused f.sqlite "is an SQLite database, not text; pipe it in with: sqlite3 -json FILE 'SELECT text FROM table'"
gives "sqlite3" "sqlite3 -json foreign/f.sqlite 'SELECT text FROM notes' | jq -c '.[]'" --format jsonl
refused f.pdf 'is a PDF file, not text; pipe it in with: pdftotext FILE - |'
refused f.png 'is an image, not text; leave it out'
refused f.jpg 'is an image, not text; leave it out'
refused f.elf 'is a compiled program, not text; leave it out'
refused f.hdf5 'is an HDF5 file'
refused f.parquet 'is a Parquet table.*read_parquet'
refused f.feather 'is an Arrow table.*read_feather'
refused f.npy 'is a NumPy array'
refused f.safetensors 'is a file of the weights of a model'
refused f.gguf 'is a file of the weights of a model'
for e in utf-16-le:UTF-16LE utf-16-be:UTF-16BE utf-32-le:UTF-32LE utf-32-be:UTF-32BE ru-utf-16-le:UTF-16LE; do
    refused "f.${e%:*}" "is ${e#*:}, not UTF-8; pipe it in with: iconv -f ${e#*:} -t UTF-8 FILE |"
    refused "f.${e%:*}" "is ${e#*:}, not UTF-8" --format text
    gives "iconv -f ${e#*:}" "iconv -f ${e#*:} -t UTF-8 foreign/f.${e%:*}"
done
refused f.zeros "is binary data, not text: 4096 of its first 4096 bytes are NUL"
refused array.json "is one JSON array, not text; make lines of it with: jq -c '.\[\]' FILE"
gives "jq -c .[]" "jq -c '.[]' foreign/array.json" --format jsonl && cured
refused array.json "is one JSON array, not JSON Lines" --format jsonl
refused array.txt "is one JSON array"
refused values.json "is JSON over several lines, not text; .*jq -c . FILE"
gives "jq -c ." "jq -c . foreign/values.json" --format jsonl && cured
refused values.json "is JSON over several lines, not JSON Lines" --format jsonl
refused lines.txt "looks like JSON Lines; --format jsonl reads them"
gives "--format jsonl" "cat foreign/lines.txt" --format jsonl && cured
refused table.txt "looks like a table divided by commas (CSV), not text; --format csv --field COLUMN reads it"
gives "--format csv" "cat foreign/table.txt" --format csv
gives "  by its name" "cat foreign/table.csv" --format csv && cured
gives "--format tsv" "cat foreign/table.tsv" --format tsv && cured
refused semicolons.txt 'looks like a table divided by semicolons (CSV), not text; -c SITE with delimiter: ";" reads it'
for f in table.txt semicolons.txt; do
    fl-harmonize -q --format text -t m.flt -o x.flt foreign/$f || echo "# $f is not taken as text" >>bad
done
for f in array.json array.txt values.json lines.txt; do
    fl-harmonize -q --format text -t m.flt -o x.flt foreign/$f || echo "# $f is not taken as text" >>bad
done
check "--format text takes what only looks so; nothing is left; pipes are the same" sh -c '[ ! -e bad ] || { cat bad >&2; false; }'
status 1 "of many files the first that is none is named, before any work" \
    fl-harmonize -t m.flt -o x.flt foreign/lines.txt hostile/one-word.txt foreign/f.bz2
status 1 "fl-tokenize" fl-tokenize -t m.flt foreign/f.gz
says 'foreign/f.gz: is compressed'
check "  takes JSON as it is" fl-tokenize -t m.flt foreign/array.json
status 1 "fl-eval" fl-eval -m m.flt --text foreign/f.utf-16-le
says 'foreign/f.utf-16-le: is UTF-16LE'
for f in README.md Makefile lib/data/looks.c man/fl-harmonize.1 tests/lint tests/unit/test_looks.c \
    examples/flt_reader.py tests/bad/documents.py tests/cli/24-foreign.sh; do
    fl-harmonize -q -t m.flt -o x.flt "$top/$f" 2>err || echo "# $f: $(cat err)"
done >bad
check "code and pages are text" test ! -s bad

# ---- how much may be lost ----
status 1 "bytes without meaning" fl-harmonize -t m.flt -o x.flt foreign/random
says "foreign/random: [0-9]* of its 20000 bytes would be dropped or replaced, more than --max-dropped 0.1 allows: "
check "  unless it is allowed" fl-harmonize -q --max-dropped 1 -t m.flt -o x.flt foreign/random
status 1 "another encoding" fl-harmonize -t m.flt -o x.flt foreign/koi8.txt
says "places are not UTF-8, the first is byte 0; pipe it in with: iconv -f ENCODING -t UTF-8 FILE |"
gives "iconv -f KOI8-R" "iconv -f KOI8-R -t UTF-8 foreign/koi8.txt"
{ printf 'a\377'; head -c 18 /dev/zero | tr '\0' b; } >tenth # 1 of 20 bytes
check "a twentieth is replaced" fl-harmonize -q --max-dropped 0.05 --card card.tsv -t m.flt -o x.flt tenth
is "  and counted" "$(card tenth replaced_bytes) $(card tenth dropped_bytes)" "1 0"
status 1 "  which is more than 0.049" fl-harmonize -q --max-dropped 0.049 -t m.flt -o x.flt tenth
printf '{"text":"0123456789"}\n{"no":"0123456789"}\nno JSON\n{"text":"\\ud800"}\n' >lost.jsonl
check "lines are lost" fl-harmonize -q --max-dropped 1 --card card.tsv -t m.flt -o x.flt lost.jsonl
is "  of so many bytes" "$(card lost.jsonl dropped_bytes) $(card lost.jsonl replaced_bytes)" "26 6"
status 1 "  32 of 68, which is more than 0.47" fl-harmonize --max-dropped 0.47 -t m.flt -o x.flt lost.jsonl
says 'lost.jsonl: 32 of its 68 bytes .*1 lines have no text in a field "text", the first is line 2; --field NAME'
check "  and less than 0.471" fl-harmonize -q --max-dropped 0.471 -t m.flt -o x.flt lost.jsonl
{ seq 1 5000 | sed 's/.*/{"text":"line &"}/'; printf '%s\n' '{"no":1}'; } >some.jsonl
status 1 "of the smallest of three files" fl-harmonize -q -t m.flt -o x.flt some.jsonl lost.jsonl some.jsonl
says 'lost.jsonl: '
status 1 "none at all may be lost" fl-harmonize -q --max-dropped 0 -t m.flt -o x.flt some.jsonl
status 2 "a share above 1" fl-harmonize --max-dropped 1.5 -t m.flt -o x.flt some.jsonl
check "nothing is left of them" sh -c '[ ! -e x.flt.part ] && ! ls -A | grep -q "\.part"'

# ---- what is warned of ----
printf 'one\0two\0\n' >nul.txt
check "NUL characters" fl-harmonize --card card.tsv -t m.flt -o x.flt nul.txt
says "nul.txt: has 2 NUL characters, which are kept; tr -d '.000' takes them out"
is "  in the card" "$(card nul.txt nul) $(card total nul)" "2 2"
printf '{"text":"a\\u0000b"}\n' >nul.jsonl
fl-harmonize -q --card card.tsv -t m.flt -o x.flt nul.jsonl
is "  also of JSON" "$(card nul.jsonl nul)" 1
echo "a text" >a.txt
cp a.txt same.txt
ln a.txt link.txt
echo "other text" >b.txt
: >empty1.txt
: >empty2.txt
check "a file twice" fl-harmonize --card card.tsv -t m.flt -o x.flt a.txt b.txt link.txt
says "link.txt: is the same file as a.txt, and counts twice$"
is "  in the card" "$(card link.txt same_as)$(card a.txt same_as)$(card total same_as)" "a.txt--"
check "equal content" fl-harmonize --card card.tsv -t m.flt -o x.flt b.txt a.txt same.txt empty1.txt empty2.txt
says "same.txt: has the same content as a.txt, and counts twice"
is "  in the card" "$(card same.txt same_as)$(card empty2.txt same_as)" "a.txt-"
check "the same twice over" fl-harmonize -t m.flt -o x.flt a.txt a.txt ./a.txt
says "a.txt: is the same file as a.txt, and counts twice; so do others"

# ---- YAML of other systems ----
dos() { printf '\357\273\277'; sed 's/$/\r/'; }
old() { printf '\357\273\277'; tr '\n' '\r'; }
wide() { iconv -f UTF-8 -t UTF-16; }
. "$top/tests/cli/federation.sh"
printf '# a model\npreset: nano\nctx: 32\n' >config.yaml
printf '# a recipe\nsteps: 2\nbatch: 1\n' >recipe.yaml
model=m.flt federation a b c 2>/dev/null
fl-harmonize -q -t m.flt -o shard.flt a.txt
yaml() {   # FILE command...: with it as it is, and as other systems write it; @ is the file
    _file=$1
    shift
    for _system in cat dos old; do
        $_system <"$_file" >"$_system-$_file"
        with "$_system-$_file" "$@" >got 2>err || { echo "# $(cat err)"; echo failed >got; }
        [ $_system != cat ] || cp got want
        report "$([ -s got ] && cmp -s got want; echo $?)" "$1: $_file, $_system"
    done
    wide <"$_file" >"wide-$_file"
    with "wide-$_file" "$@" >got 2>err
    report $(($? != 2)) "$1: $_file in UTF-16"
    report "$([ "$(wc -l <err)" = 1 ] && grep -q "wide-$_file: is UTF-16, not UTF-8; make it so with: iconv" err; echo $?)" "  is named"
    { cat "$_file"; echo 'nosuchkey: 1'; } | dos >"wrong-$_file"
    with "wrong-$_file" "$@" >got 2>err
    report "$(grep -q "wrong-$_file: line $(($(wc -l <"$_file") + 1)): there is no key" err; echo $?)" "  lines keep their numbers"
}
with() {   # FILE command...: with FILE for @
    _with=$1
    shift
    for _a in "$@"; do
        shift
        [ "$_a" = @ ] && _a=$_with
        set -- "$@" "$_a"
    done
    "$@"
}
yaml config.yaml fl-init -c @ --seed 1
yaml recipe.yaml fl-train -q -m m.flt -l 32 -c @ shard.flt
yaml roster.yaml fl-keygen --show @
finish
