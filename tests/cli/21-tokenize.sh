#!/bin/sh
# fl-tokenize: ids and back, with every kind of tokenizer, against references; what is refused.
# shellcheck source-path=SCRIPTDIR disable=SC2016 # text for sh -c
. "$(dirname "$0")/lib.sh"

fl-init -p nano -o bytes.flt || exit 1
fl-info -t tokenizer.json --raw bytes.flt >bytes.json
python - <<'PY'
import random
random.seed(2)
with open("text", "wb") as f:
    for _ in range(4000):
        f.write(random.choice(["the ", "cat", "\n", " sat", "s", " on", "\r\n", "  ", "\u00e9", "\u4e2d\u6587",
                               "\U0001f600", "<|endoftext|>", "\0", "12", "'ve ", "e\u0301"]).encode())
PY
fl-harmonize --train-tokenizer 320 -o tok.flt text

# --- ids ------------------------------------------------------------------------------------------
printf 'h\303\251<|endoftext|>' >short
is "bytes; the name of a special token stays text" "$(fl-tokenize -t bytes.flt short)" \
    "[104, 195, 169, 60, 124, 101, 110, 100, 111, 102, 116, 101, 120, 116, 124, 62]"
is "--parse-special takes it from the text" "$(fl-tokenize --parse-special -t bytes.flt short)" "[104, 195, 169, 256]"
is "the same from a tokenizer.json and a pipe" "$(fl-tokenize --parse-special -t bytes.json <short)" "[104, 195, 169, 256]"
is "two files, two lines" "$(fl-tokenize -t bytes.flt short short | wc -l)" 2
is "nothing gives an empty array" "$(fl-tokenize -t bytes.flt /dev/null)" "[]"
printf '{"a":{"b":"x"},"c":1}\n\n{"a":{"b":"y\\n"}}' >lines.jsonl
is "a field of JSON lines" "$(fl-tokenize -t bytes.flt --jsonl a.b lines.jsonl | tr '\n' ';')" "[120];[121, 10];"

# --- and back -------------------------------------------------------------------------------------
for t in bytes.flt tok.flt; do
    for parse in "" --parse-special; do
        # shellcheck disable=SC2086 # one word or none
        fl-tokenize $parse -t "$t" text | fl-tokenize -t "$t" --decode --keep-special >back
        check "there and back: $t $parse" cmp text back
    done
done
is "special tokens are left out" "$(fl-tokenize --parse-special -t bytes.flt short | fl-tokenize -t bytes.flt --decode)" "$(printf 'h\303\251')"
is "bytes that are no character come back" "$(echo '[195]' | fl-tokenize -t bytes.flt --decode | od -An -tx1)" " c3"
is "  in JSON they are U+FFFD" "$(echo '[195]' | fl-tokenize -t bytes.flt --decode --jsonl t)" "$(printf '{"t": "\357\277\275"}')"
is "documents stay apart in JSON" "$(printf '[104]\n[]\n[105, 10]\n' | fl-tokenize -t bytes.flt --decode --jsonl t | tr '\n' ';')" \
    '{"t": "h"};{"t": ""};{"t": "i\n"};'
check "-o FILE" fl-tokenize -t tok.flt -o ids.json text
fl-tokenize -t tok.flt text >ids
check "  has the same" cmp ids ids.json

# --- what others say ------------------------------------------------------------------------------
# one JSON line for each row: text, ids without and with what the template adds, decoded text;
# of all rows, or of those that name no special token
rows='import sys
names = [t["content"] for t in __import__("json").load(open(sys.argv[3]))["added_tokens"]] if len(sys.argv) > 3 else []
for line in open(sys.argv[1]):
    f = line.rstrip("\n").split("\t")
    if line[0] != "#" and not any(n.encode() in bytes.fromhex(f[0]) for n in names):
        print(["{\"text\": " + __import__("json").dumps(bytes.fromhex(f[0]).decode()) + "}",
               "[" + f[1].replace(" ", ", ") + "]", "[" + f[2].replace(" ", ", ") + "]",
               "{\"text\": " + __import__("json").dumps(bytes.fromhex(f[3]).decode()) + "}"][int(sys.argv[2])])'
reference() {   # NAME TOKENIZER
    for k in 0 1 2 3; do
        python -c "$rows" "$shared/data/tokenizers/$1/ref.tsv" $k >"row$k"
    done
    fl-tokenize -t "$2" --parse-special --jsonl text row0 >got
    check "$1: ids" cmp got row2
    fl-tokenize -t "$2" --parse-special --jsonl text --no-special row0 >got
    check "$1: ids without the template" cmp got row1
    for k in 0 2; do
        python -c "$rows" "$shared/data/tokenizers/$1/ref.tsv" $k "$2" >"plain$k"
    done
    fl-tokenize -t "$2" --jsonl text plain0 >got
    check "$1: ids of what names no special token" cmp got plain2
    check "  hundreds" [ "$(wc -l <plain0)" -gt 300 ]
    fl-tokenize -t "$2" --decode --jsonl text row1 | python -c 'import json, sys
for l in sys.stdin: print(json.dumps(json.loads(l)))' >got
    check "$1: text" cmp got row3
}
if [ -d "$shared/data/tokenizers" ]; then
    for t in gpt2 qwen2.5 smollm-style-on-gpt2-vocab tok512-spm tok512-metaspace-first; do
        reference $t "$shared/data/tokenizers/$t/tokenizer.json"
    done
    reference model-tiny-llama-untied "$shared/data/models/tiny-llama-untied/tokenizer.json"
else
    skip "references" "no ../shared/data here"
fi

# --- refusals -------------------------------------------------------------------------------------
status 2 "no tokenizer" fl-tokenize short
says '-t FILE is missing'
status 2 "--keep-special without --decode" fl-tokenize -t bytes.flt --keep-special short
status 2 "--parse-special with --decode" fl-tokenize -t bytes.flt --parse-special --decode short
says '--parse-special belongs to making ids'
status 2 "--no-special with --decode" fl-tokenize -t bytes.flt --no-special --decode short
says '--no-special belongs to making ids'
status 1 "a missing text" fl-tokenize -t bytes.flt gone
says 'gone: cannot open'
printf 'ab\377' >bad
status 1 "text that is not UTF-8" fl-tokenize -t bytes.flt bad
says 'bad: byte 2 of the text is not UTF-8'
status 1 "a line without the field" fl-tokenize -t bytes.flt --jsonl a.b -o no lines.jsonl short
says 'short: line 1: is not JSON'
status 1 "a field that is no string" fl-tokenize -t bytes.flt --jsonl c lines.jsonl
says 'lines.jsonl: line 1: its field "c" is not a string'
echo '[1, 257]' >ids
status 1 "an id beyond the vocabulary" fl-tokenize -t bytes.flt --decode ids
says 'ids: line 1: id 257 is not in the vocabulary of 257 ids'
echo '[1, 2' >ids
status 1 "a cut array" fl-tokenize -t bytes.flt --decode -o no ids
says 'ids: line 1: is not a JSON array of token ids'
for bad in '{' '{}' '{"model":{"type":"WordLevel"}}' '{"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}'; do
    printf %s "$bad" >bad.json
    status 1 "a tokenizer.json of $bad" fl-tokenize -t bad.json short
    says 'bad.json: '
done
head -c 3000 tok.flt >cut.flt
status 1 "a cut tokenizer" fl-tokenize -t cut.flt short
says 'cut.flt: '
check "nothing is left" sh -c '! ls -A | grep -qE "^no$|\.part"'
status 1 "a full device" sh -c 'fl-tokenize -t bytes.flt text >/dev/full'
says '^fl-tokenize: standard output: cannot write'
status 1 "  and lines" sh -c 'echo "[1, 2]" | fl-tokenize -t bytes.flt --decode >/dev/full'
says '^fl-tokenize: standard output: cannot write'
check "a closed pipe is quiet" sh -c 'fl-tokenize -t bytes.flt text text text text 2>err | head -c 5 >/dev/null; [ ! -s err ]'
if small_disk 16; then
    status 1 "a full disk" fl-tokenize -t bytes.flt -o small/ids text
    says 'small/ids: cannot write'
    check "  nothing is left" sh -c '[ -z "$(ls -A small)" ]'
    umount small
else
    skip "a full disk" "no file system can be mounted here"
fi
finish
