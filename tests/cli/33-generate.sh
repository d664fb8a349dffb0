#!/bin/sh
# fl-generate: prompts, seeds, ends; the text that other programs give; what it refuses.
# shellcheck disable=SC2016  # awk programs and shells of their own
. "$(dirname "$0")/lib.sh"
shards() { python "$top/tests/cli/shards.py" "$@"; }
says() { grep -q -- "$1" said; }
one_line() { [ "$(wc -l < said)" = 1 ] && says '^fl-generate: '; }
same() { cmp -s "$1" "$2"; }
utf8() { python3 -c 'import sys; open(sys.argv[1], encoding="utf-8").read()' "$1"; }
refused() {   # status "what" "words" args...
    _status=$1 _about=$2 _words=$3
    shift 3
    status "$_status" "$_about" fl-generate "$@"
    cp err said
    check "  and says why: $_words" says "$_words"
    check "  in one line" one_line
}

# A small model that has learned one sentence, in a context shorter than what it writes.
printf 'preset: nano\nctx: 32\nchannels: 32\nheads: 2\nffn: 64\n' > c.yaml
fl-init -c c.yaml --seed 1 -o m.flt || exit 1
awk 'BEGIN { for (i = 0; i < 200; i++) printf "the cat sat on the mat. " }' > a.txt
printf 'Hello' > b.txt
shards bytes m.flt a.flt a.txt
"$BUILD/bin/fl-train" -m m.flt --steps 150 -b 8 --lr 0.01 -o u.flt a.flt && fl-apply -m m.flt -o t.flt u.flt
greedy() { fl-generate -m t.flt --temperature 0 "$@"; }

check "greedy" greedy -n 43 the cat
cp out g.txt
check "  goes on, beyond the context" [ "$(cat g.txt)" = \
    "the cat sat on the mat. the cat sat on the mat. th" ]
printf 'the cat' | greedy -n 43 > in.txt
check "prompt on standard input" same g.txt in.txt
printf 'the cat' | greedy -n 43 - > dash.txt
check "  by its name" same g.txt dash.txt
printf 'the cat\n' | greedy -n 43 > nl.txt
check "  with a line feed" same g.txt nl.txt
greedy -n 43 "the cat" > op.txt
check "prompt as one operand" same g.txt op.txt
greedy -n 43 -j 1 the cat > j1.txt
check "one thread" same g.txt j1.txt
greedy -n 43 --seed 9 the cat > s9.txt
check "greedy has no use for a seed" same g.txt s9.txt
fl-generate -m t.flt --top-k 1 -n 43 the cat > k1.txt
check "top-k 1 is greedy" same g.txt k1.txt
fl-generate -m t.flt --top-p 0 -n 43 the cat > p0.txt
check "top-p 0 is greedy" same g.txt p0.txt
check "only what is new" greedy -n 4 --only-new the cat
check "  without the prompt" [ "$(cat out)" = " sat" ]
check "nothing new" greedy -n 0 the cat
check "  is the prompt and a line feed" [ "$(wc -c < out)" = 8 ]
check "a prompt longer than the context" greedy -n 10 "$(head -c 100 a.txt)"
cp err said
check "  goes on" [ "$(cat out)" = "$(head -c 110 a.txt)" ]
check "  with a warning" says "the prompt has 100 tokens and the model's context 32; its last 16 are used"
check "  -q: none" sh -c 'fl-generate -q -m t.flt -n 1 "$(head -c 100 a.txt)" 2>&1 >/dev/null | cmp -s - /dev/null'
check "an empty prompt begins a text" sh -c 'fl-generate -m t.flt -n 20 < /dev/null > e.txt && [ -s e.txt ]'

# ---- drawing, from a model that knows nothing: all bytes ----
draw() { fl-generate -m m.flt -n 300 --temperature 1 --top-p 1 "$@" x; }
draw --seed 1 > d1
draw --seed 1 -j 1 > d2
draw --seed 2 > d3
check "the same seed, the same text" same d1 d2
check "another seed, another text" sh -c '! cmp -s d1 d3'
check "what it prints is UTF-8" utf8 d1
draw > d4
draw --seed 0 > d0
check "the default seed is 0" same d4 d0

# ---- stop strings ----
nl='
'
stop() {   # "what" "text that is left" options...
    _what=$1 _left=$2
    shift 2
    check "$_what" greedy -n 60 --only-new "$@" "the cat"
    cp out text
    [ -z "$_left" ] || _left=$_left$nl
    check "  leaves $_left" [ "$(cat text; echo .)" = "$_left." ]
}
stop "a stop string" " sat on the mat" --stop .
stop "  over many tokens" " sat on" --stop " the mat"
stop "  the first that comes" " sat" --stop mat --stop " on" --stop .
stop "  at once" "" --stop " sat"
stop "  not in the prompt" " sat on the mat. " --stop "the cat"
stop "  begun and not completed" " sat on the mat. the cat sat on the mat. the cat sat on the " --stop "mat, " --stop "cat off"
check "min-p 1 is greedy" fl-generate -m t.flt --temperature 2 --top-p 1 --min-p 1 -n 43 the cat
cp out mp1.txt
check "  that is" same mp1.txt g.txt
greedy -n 43 --repetition-penalty 1 the cat > r1.txt
check "a penalty of 1 is none" same g.txt r1.txt
greedy -n 43 --repetition-penalty 20 the cat > r20.txt
check "a higher one changes the text" sh -c '! cmp -s g.txt r20.txt'

# ---- batches ----
cat > batch.jsonl <<'LINES'
{"prompt": "the cat", "id": "a", "tokens": 10, "temperature": 0}
{"prompt": "x", "id": 2, "seed": 7, "temperature": 9, "top_p": 1, "tokens": 40}

{"prompt": "x", "seed": 8, "temperature": 9, "top_p": 1, "tokens": 40}
{"prompt": "the cat", "stop": ["mat", "."], "temperature": 0, "other": true}
{"prompt": "the cat", "stop": "mat", "temperature": 0, "tokens": 0}
{"prompt": "", "tokens": 5}
{"prompt": "LONG", "temperature": 0, "tokens": 10}
LINES
sed -i "s/LONG/$(head -c 100 a.txt)/" batch.jsonl
check "a batch" fl-generate -m t.flt --batch batch.jsonl --seed 3 -n 20
cp out b.jsonl
check "  lines in order, and why they end" python3 -c 'import json
rows = [json.loads(line) for line in open("b.jsonl", encoding="utf-8")]
assert [r["id"] for r in rows] == ["a", 2, None, None, None, None, None]
assert [r["finish_reason"] for r in rows] == ["length"] * 3 + ["stop_sequence"] + ["length"] * 3
assert [r["stop"] for r in rows] == [None] * 3 + ["mat"] + [None] * 3
assert rows[0]["text"] == " sat on th" and rows[3]["text"] == " sat on the " and rows[4]["text"] == ""
assert rows[6]["text"] == open("a.txt").read()[100:110]
assert [r["new_tokens"] for r in rows] == [10, 40, 40, 15, 0, 5, 10], rows
assert [r["prompt_tokens"] for r in rows] == [7, 1, 1, 7, 7, 1, 100]
assert [r["dropped_tokens"] for r in rows] == [0] * 6 + [84]
assert rows[1]["text"] != rows[2]["text"]'
fl-generate -m t.flt --batch - --seed 3 -n 20 -j 1 < batch.jsonl > b1.jsonl
check "  from standard input, one thread" same b.jsonl b1.jsonl
grep -v '^$' batch.jsonl | sed -n '1!G;h;$p' > back.jsonl
fl-generate -m t.flt --batch back.jsonl --seed 3 -n 20 | sed -n '1!G;h;$p' > b2.jsonl
check "  in another order" same b.jsonl b2.jsonl
fl-generate -m t.flt --seed 7 --temperature 9 --top-p 1 -n 40 --only-new x > alone
check "  a line is what its prompt gives alone" python3 -c 'import json
rows = [json.loads(line) for line in open("b.jsonl", encoding="utf-8")]
assert open("alone", encoding="utf-8", newline="").read().removesuffix("\n") == rows[1]["text"].removesuffix("\n")'
printf '{"prompt": "x", "seed": %s, "temperature": 1, "top_p": 1}\n' 1 2 3 4 5 6 7 8 > raw.jsonl
check "  text is UTF-8 in JSON, whatever bytes come" sh -c 'fl-generate -m m.flt -n 100 --batch raw.jsonl | python3 -c "
import json, sys
rows = [json.loads(line) for line in sys.stdin.buffer]
assert len({r[\"text\"] for r in rows}) == 8"'
check "progress" fl-generate -m t.flt --progress -n 2 --batch batch.jsonl
cp err said
check "  shows" says "generate: .*7"

# ---- an adapter ----
fl-init -m m.flt --lora 4 -o ad0.flt && "$BUILD/bin/fl-train" -q -m m.flt -a ad0.flt --steps 100 -b 8 \
    --lr 0.02 -o adu.flt a.flt && fl-apply -m ad0.flt -o ad.flt adu.flt
printf '{"prompt": "the cat"}\n' > one.jsonl
for way in "the cat" "--batch=one.jsonl"; do
    fl-generate -m m.flt --temperature 0 -n 30 "$way" > plain
    check "an adapter: $way" fl-generate -m m.flt -a ad.flt --temperature 0 -n 30 "$way"
    cp out adapted
    check "  changes the text" sh -c '! cmp -s adapted plain && grep -q "sat on the mat" adapted'
done

# ---- reference texts of other programs ----
n=0
for m in stories260K tiny-llama-untied; do
    oracle=$shared/data/oracles/$m/oracle.json
    [ -e "$oracle" ] || continue
    n=$((n + 1))
    fl-import -o o.flt "$shared/data/models/$m"
    python3 - "$oracle" <<'PY'
import json, sys
prompts = [p for p in json.load(open(sys.argv[1]))["prompts"] if p["greedy_min_margin"] > 1e-4]
with open("list", "w") as f:
    for i, p in enumerate(prompts):
        open(f"p{i}", "w").write(p["text"])
        open(f"w{i}", "w").write(p["greedy_full_text"])
        print(i, len(p["greedy_new_ids"]), file=f)
PY
    bad=0
    while read -r i tokens; do
        fl-generate -m o.flt --temperature 0 -n "$tokens" < "p$i" > got
        python3 -c 'import sys
got, want = (open(f, encoding="utf-8", newline="").read() for f in sys.argv[1:])
sys.exit(got.rstrip("\n") != want.rstrip("\n"))' got "w$i" && continue
        bad=$((bad + 1))
        diff got "w$i" | head -n 4 | sed 's/^/# /'
    done < list
    check "$m: greedy texts" [ $bad = 0 ]
done
[ $n -gt 0 ] || skip "reference texts" "no reference data beside the project"

# ---- refused ----
refused 2 "no model" "-m MODEL is missing" x
refused 2 "model and prompt on standard input" "standard input" -m -
refused 1 "a shard as model" "a.flt: " -m a.flt x
refused 1 "no file" "none.flt: cannot open" -m none.flt x
refused 2 "a temperature below 0" "temperature" -m m.flt --temperature=-1 x
refused 2 "top-p above 1" "top-p" -m m.flt --top-p 2 x
refused 1 "a prompt that is no UTF-8" "prompt: " -m m.flt "$(printf 'a\377')"
refused 2 "min-p above 1" "min-p" -m m.flt --min-p 1.5 x
refused 2 "a penalty of 0" "repetition-penalty" -m m.flt --repetition-penalty 0 x
refused 2 "an empty stop string" "^fl-generate: --stop: a stop string is empty" -m none.flt --stop "" x
refused 2 "a stop string that is no UTF-8" "not UTF-8" -m m.flt --stop "$(printf 'a\377')" x
refused 2 "a batch and a prompt" "none may be an operand" -m m.flt --batch batch.jsonl x
refused 2 "model and batch on standard input" "must be a file" -m - --batch -
refused 1 "no batch" "none.jsonl: cannot open" -m m.flt --batch none.jsonl
: > empty.jsonl
refused 1 "an empty batch" "empty.jsonl: has no line" -m m.flt --batch empty.jsonl
{ cat one.jsonl; printf '{"prompt": "y", "top_k": -1}\n'; } > bad.jsonl
refused 1 "a line that is wrong" 'bad.jsonl: line 2: its field "top_k" is not a whole number' -m m.flt --batch bad.jsonl
check "  before anything was written" [ ! -s out ]
head -c 30000 m.flt > cut.flt
refused 1 "a cut model" "cut.flt: " -m cut.flt x
shards fill m.flt nan.flt nan
refused 1 "a model of NaN" "nan.flt: .*finite" -m nan.flt x
# The reader is gone before the first byte: a text that ends early cannot all fit into the pipe.
{ sleep 1; fl-generate -m m.flt -n 100 x 2>pipe; echo $? > ended; } | :
check "a reader that goes away: quiet" [ ! -s pipe ]
check "  and the end is SIGPIPE's" [ "$(cat ended)" = 141 ]
status 1 "a full disk" sh -c 'fl-generate -m m.flt -n 5 x > /dev/full'
cp err said
check "  is said" says "^fl-generate: standard output: "
finish
