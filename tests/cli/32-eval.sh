#!/bin/sh
# fl-eval: numbers that are known, rows that add up, the same for any -j, what it refuses.
# shellcheck disable=SC2016  # awk programs and shells of their own
. "$(dirname "$0")/lib.sh"
shards() { python "$top/tests/cli/shards.py" "$@"; }
says() { grep -q -- "$1" said; }
one_line() { [ "$(wc -l < said)" = 1 ] && says '^fl-eval: '; }
same() { cmp -s "$1" "$2"; }
near() { awk "BEGIN { d = ($1) - ($2); exit !(d < $3 && -d < $3) }"; }
cell() { awk -F'\t' -v row="$2" -v name="$3" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
    $1 == row { print $at[name] }' "$1"; }
refused() {   # status "what" "words" args...
    _status=$1 _about=$2 _words=$3
    shift 3
    status "$_status" "$_about" fl-eval "$@"
    cp err said
    check "  and says why: $_words" says "$_words"
    check "  in one line" one_line
}

printf 'preset: nano\nctx: 32\nchannels: 32\nheads: 2\nffn: 64\n' > c.yaml
fl-init -c c.yaml --seed 1 -o m.flt || exit 1
awk 'BEGIN { for (i = 0; i < 60; i++) printf "line %d of %d\n", i, i * i }' > a.txt
printf 'short' > b.txt
shards bytes m.flt a.flt a.txt b.txt
shards bytes m.flt b.flt b.txt
na=$(shards tokens a.flt)

# ---- a model that knows nothing: ln 257 each ----
shards fill m.flt zero.flt 0
check "uniform model" fl-eval -m zero.flt a.flt
cp out z.tsv
check "  columns" [ "$(head -n 1 z.tsv | tr '\t' ' ')" = \
    "file tokens bytes loss perplexity bits_per_byte accuracy" ]
check "  one row" [ "$(wc -l < z.tsv)" = 2 ]
check "  tokens: all but the first" [ "$(cell z.tsv total tokens)" = $((na - 1)) ]
check "  bytes: without two ends of text" [ "$(cell z.tsv total bytes)" = $((na - 3)) ]
check "  loss" near "$(cell z.tsv total loss)" "log(257)" 1e-6
check "  perplexity" near "$(cell z.tsv total perplexity)" 257 1e-3
check "  bits per byte" near "$(cell z.tsv total bits_per_byte)" \
    "log(257) / log(2) * ($na - 1) / ($na - 3)" 1e-6
check "  accuracy: the lowest id is not there" [ "$(cell z.tsv total accuracy)" = 0 ]

# ---- rows add up ----
check "per file" fl-eval -m m.flt --per-file --text a.txt --text b.txt a.flt b.flt
cp out p.tsv
check "  files in order, then the total" [ "$(cut -f 1 p.tsv | tr '\n' ' ')" = \
    "file a.txt b.txt a.flt b.flt total " ]
check "  the total of tokens" awk -F'\t' \
    'NR > 1 && $1 != "total" { n += $2 } $1 == "total" { exit $2 != n }' p.tsv
check "  the total of losses" awk -F'\t' 'NR > 1 && $1 != "total" { n += $2; s += $2 * $4 }
    $1 == "total" { d = $4 - s / n; exit !(d < 1e-6 && -d < 1e-6) }' p.tsv
check "  of a text all bytes but the first" [ "$(cell p.tsv b.txt bytes)" = 4 ]
fl-eval -m m.flt b.flt > b.tsv
check "  a row is what the file has alone" [ "$(cell p.tsv b.flt loss)" = "$(cell b.tsv total loss)" ]
check "per token" fl-eval -m m.flt --per-token a.flt
cp out t.tsv
check "  columns" [ "$(head -n 1 t.tsv | tr '\t' ' ')" = "position id bytes logprob" ]
check "  a line a token" [ "$(wc -l < t.tsv)" = $((na + 1)) ]
check "  the first has none" [ "$(sed -n 2p t.tsv | tr '\t' ' ')" = "0 108 1 -" ]
check "  an end of text has no bytes" awk '$2 == 256 { n++; bad += $3 != 0 } END { exit !(n == 2 && !bad) }' t.tsv
check "  their mean is the loss" near \
    "$(awk 'NR > 2 { s -= $4; n++ } END { printf "%.9f", s / n }' t.tsv)" "$(cell p.tsv a.flt loss)" 1e-6
fl-eval -m m.flt --per-token --text a.txt > tt.tsv
check "  a text as the same text in a shard" sh -c 'paste tt.tsv t.tsv | head -n "$(wc -l < tt.tsv)" |
    awk "NR > 2 { d = \$4 - \$8; bad += \$2 != \$6 || d > 1e-5 || d < -1e-5 } END { exit bad || NR < 500 }"'
check "  as JSON" sh -c 'fl-eval -m m.flt --per-token --text b.txt --json | python3 -c "
import json, sys
rows = [json.loads(line) for line in sys.stdin]
assert len(rows) == 5 and rows[0][\"logprob\"] is None and rows[1][\"logprob\"] < 0
assert [r[\"id\"] for r in rows] == list(b\"short\")"'

# ---- the same however it is run ----
fl-eval -m m.flt a.flt b.flt > e0
fl-eval -m m.flt -j 1 a.flt b.flt > e1
check "one thread" same e0 e1
fl-eval -m m.flt -j 3 a.flt b.flt > e3
check "three threads" same e0 e3
cat a.flt b.flt | fl-eval -m m.flt > ep
check "both in a pipe" same e0 ep
fl-eval -m m.flt --text - < a.txt > x1
fl-eval -m m.flt --text a.txt > x2
check "a text on standard input" same x1 x2
fl-eval -m m.flt -b 1 a.flt > b1
fl-eval -m m.flt -b 7 a.flt > b7
check "batches: up to rounding" near "$(cell b1 total loss)" "$(cell b7 total loss)" 1e-6
fl-eval -m m.flt -l 8 a.flt > l8
check "shorter windows: all tokens again" [ "$(cell l8 total tokens)" = "$(cell b1 total tokens)" ]
check "  and another loss" sh -c '! cmp -s l8 b1'
check "as JSON" sh -c 'fl-eval -m m.flt --json a.flt | python3 -c "
import json, sys
rows = [json.loads(line) for line in sys.stdin]
assert len(rows) == 1 and rows[0][\"file\"] == \"total\" and 5 < rows[0][\"loss\"] < 6"'
check "progress" fl-eval -m m.flt --progress a.flt
cp err said
check "  shows" says "eval: [0-9]* tokens"

# ---- memory follows the text, not the longest one that the model can read ----
printf 'layers: 1\nchannels: 16\nheads: 2\nctx: 1048576\n' > long.yaml
fl-init -c long.yaml -o long.flt
check "a short text, and a model of a long context" python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
sys.exit(most > 400000 and f"{most} KiB")' fl-eval -j 1 -m long.flt --text b.txt

# ---- reference losses of other programs ----
n=0
for m in stories260K tiny-llama-untied; do
    oracle=$shared/data/oracles/$m/oracle.json
    [ -e "$oracle" ] || continue
    n=$((n + 1))
    fl-import -o o.flt "$shared/data/models/$m"
    python3 -c 'import json, sys
e = json.load(open(sys.argv[1]))["eval_text"]
open("o.txt", "w").write(e["text"]); print(e["mean_ce"], e["n_pred"])' "$oracle" > want
    fl-eval -m o.flt --text o.txt > got
    check "$m: loss of a text" near "$(cell got total loss)" "$(cut -d ' ' -f 1 want)" 1e-5
    check "  of as many tokens" [ "$(cell got total tokens)" = "$(cut -d ' ' -f 2 want)" ]
    check "  and bytes" [ "$(cell got total bytes)" = "$(($(wc -c < o.txt)))" ]
done
[ $n -gt 0 ] || skip "reference losses" "no reference data beside the project"

# ---- fairness: of the rows of files, counted again here ----
check "fairness" fl-eval -m m.flt --per-file --fairness --text a.txt --text b.txt a.flt b.flt
cp out f.tsv
cat > fair.py <<'PY'
import math, sys
head, *rows = [line.rstrip("\n").split("\t") for line in open("f.tsv")]
assert head == ["row", *open("p.tsv").readline().rstrip("\n").split("\t")], head
plain = [line.rstrip("\n").split("\t") for line in open("p.tsv")][1:]
assert [r[1:] for r in rows[:4]] == plain[:4] and [r[0] for r in rows[:4]] == ["file"] * 4
assert rows[4] == ["total", "-", *plain[4][1:]]
assert [r[0] for r in rows[5:]] == ["mean", "worst", "spread", "deviation"]
assert all(r[1:4] == ["-"] * 3 for r in rows[5:])
for column, worst in (("loss", max), ("perplexity", max), ("bits_per_byte", max), ("accuracy", min)):
    i = head.index(column)
    x = [float(r[i]) for r in rows[:4]]
    mean = sum(x) / 4
    want = [mean, worst(x), max(x) - min(x), math.sqrt(sum((v - mean) ** 2 for v in x) / 4)]
    for row, w in zip(rows[5:], want):
        assert abs(float(row[i]) - w) <= 2e-8 * max(1, abs(w)), (column, row, w)
PY
check "  mean, worst, spread and deviation" python3 fair.py
fl-eval -m m.flt --fairness --text a.txt --text b.txt a.flt b.flt > f2.tsv
check "  without --per-file: no rows of files" sh -c 'grep -v "^file" f.tsv | cmp -s - f2.tsv'
check "  as JSON" sh -c 'fl-eval -m m.flt --fairness --json a.flt b.flt | python3 -c "
import json, sys
rows = [json.loads(line) for line in sys.stdin]
assert [r[\"row\"] for r in rows] == [\"total\", \"mean\", \"worst\", \"spread\", \"deviation\"]
assert rows[2][\"file\"] is None and rows[2][\"loss\"] > rows[1][\"loss\"] and rows[1][\"tokens\"] is None"'

# ---- multiple choice: against sums over rows of --per-token, of each text alone ----
cat > choices.py <<'PY'
# choices.py MODEL FILE.jsonl ROWS.tsv TOTAL.tsv: what fl-eval said, from nothing but --per-token
import json, subprocess, sys
model, questions, rows, total = sys.argv[1:]
def tokens(text):
    open("piece.txt", "w", encoding="utf-8").write(text)
    out = subprocess.run(["fl-eval", "-m", model, "--text", "piece.txt", "--per-token"], check=True, capture_output=True,
                         text=True).stdout
    return [line.split("\t") for line in out.splitlines()[1:]]
def ids(text):
    out = subprocess.run(["fl-tokenize", "-t", model], input=text, check=True, capture_output=True, text=True).stdout
    return json.loads(out)
asked = [json.loads(line) for line in open(questions, encoding="utf-8") if line.strip()]
told = [line.rstrip("\n").split("\t") for line in open(rows, encoding="utf-8")][1:]
hits, different = [0, 0, 0], set()
assert len(asked) == len(told)
for q, row in zip(asked, told):
    context, sums = q["context"], []
    whole = [context + ("" if context[-1:].isspace() or c[:1].isspace() else " ") + c for c in q["choices"]]
    own = len(ids(context.rstrip()))
    for text, n in zip(whole, row[6].split(",")):
        scored = tokens(text)[own:]
        assert len(scored) == int(n), (text, scored, n)
        sums.append(sum(float(t[3]) for t in scored))
    assert all(abs(a - float(b)) < 2e-4 for a, b in zip(sums, row[7].split(","))), (sums, row)
    by = [sums, [s / len(c) for s, c in zip(sums, q["choices"])],
          [s / len(c.encode()) for s, c in zip(sums, q["choices"])]]
    best = [max(range(len(x)), key=lambda i: x[i]) for x in by]
    assert [int(v) for v in row[2:6]] == [q["answer"], *best], (row, best)
    hits = [h + (b == q["answer"]) for h, b in zip(hits, best)]
    different.add(tuple(b == best[0] for b in best))
last = open(total).read().splitlines()[-1].split("\t")
assert last[:2] == ["total", str(len(asked))], last
assert all(abs(float(a) - h / len(asked)) < 1e-8 for a, h in zip(last[2:], hits)), (last, hits)
sys.exit(len(different) < 2 and "length never mattered")
PY
cat > q.jsonl <<'LINES'
{"context": "line 3 of", "choices": ["9", "seven", "a longer thing", "no"], "answer": 0}
{"context": "line 4 of ", "choices": ["16", "x"], "answer": 1}
{"context": "one", "choices": [" two", " and a half", "!"], "answer": 2}
{"context": "\u00e9t\u00e9", "choices": ["\u65e5\u672c", "abcde", "b"], "answer": 0}
{"context": "what?", "choices": ["only this"], "answer": 0}

{"context": "again", "choices": ["aaaaaaaaaaaa", "bb", "cccc"], "answer": 2, "other": 1}
LINES
"$BUILD/bin/fl-train" -q -m m.flt --steps 30 -b 8 --lr 0.01 -o u.flt a.flt && fl-apply -m m.flt -o t.flt u.flt
choices() {   # "what" model
    check "$1: questions" fl-eval -m "$2" --choices q.jsonl --per-example
    cp out qr.tsv
    check "  columns" [ "$(head -n 1 qr.tsv | tr '\t' ' ')" = "file line answer acc acc_norm acc_bytes tokens logprobs" ]
    fl-eval -m "$2" --choices q.jsonl > qt.tsv
    check "  as --per-token says of each choice" python3 choices.py "$2" q.jsonl qr.tsv qt.tsv
}
choices "bytes" t.flt
check "  the line is named" [ "$(sed -n 7p qr.tsv | cut -f 2)" = 7 ]
fl-eval -m t.flt --choices q.jsonl --per-example -j 1 > qr1.tsv
check "  one thread" same qr.tsv qr1.tsv
fl-eval -m t.flt --choices - --per-example < q.jsonl | sed 's/standard input/q.jsonl/' > qr2.tsv
check "  standard input" same qr.tsv qr2.tsv
check "  as JSON" sh -c 'fl-eval -m t.flt --choices q.jsonl --per-example --json | python3 -c "
import json, sys
rows = [json.loads(line) for line in sys.stdin]
assert len(rows) == 6 and len(rows[0][\"logprobs\"]) == 4 and rows[0][\"answer\"] == 0"'
printf '{"context": "line 3 of", "choices": ["9", "seven"], "answer": %s}\n' 0 1 > q2.jsonl
check "two files of questions" fl-eval -m t.flt --choices q2.jsonl --choices q.jsonl --per-file --fairness
cp out qf.tsv
check "  rows" [ "$(cut -f 1-3 qf.tsv | tr '\t\n' '  ')" = \
    "row file questions file q2.jsonl 2 file q.jsonl 6 total - 8 mean - - worst - - spread - - deviation - - " ]
check "  one of two opposite answers is right" [ "$(sed -n 2p qf.tsv | cut -f 4-)" = "0.5	0.5	0.5" ]
printf '{"context": "%s and now", "choices": ["9", "seven"], "answer": 0}\n' "$(head -c 300 a.txt | tr '\n' ' ')" > long.jsonl
printf '{"context": "%s and now", "choices": ["9", "seven"], "answer": 0}\n' "$(head -c 300 a.txt | tail -c 60 | tr '\n' ' ')" > tail.jsonl
fl-eval -m t.flt --choices long.jsonl --per-example | cut -f 2- > long.tsv
fl-eval -m t.flt --choices tail.jsonl --per-example | cut -f 2- > tail.tsv
check "a long context is cut at its begin" same long.tsv tail.tsv
fl-eval -m t.flt --choices q2.jsonl --per-example --delimiter "" > d1
check "another delimiter" sh -c '! fl-eval -m t.flt --choices q2.jsonl --per-example | cmp -s - d1'
check "  counts as tokens of the choice" [ "$(sed -n 2p d1 | cut -f 7)" = 1,5 ]

# ---- greedy answers: against what fl-generate writes ----
cat > e.jsonl <<'LINES'
{"prompt": "line 3", "answer": "RIGHT", "stop": "\n"}
{"prompt": "line 3", "answer": " RIGHT\n", "stop": ["\n"]}
{"prompt": "line 3", "answer": "RIGHT and more", "stop": "\n"}
{"prompt": "line 3", "answer": "LONG", "tokens": 9}
LINES
fl-generate -m t.flt --temperature 0 --only-new --stop "
" "line 3" > answer.txt
right=$(sed 's/^ //' answer.txt)
long=$(fl-generate -m t.flt --temperature 0 --only-new -n 9 "line 3" | python3 -c 'import json, sys; print(json.dumps(sys.stdin.read().strip())[1:-1])')
python3 - "$right" "$long" <<'PY'
import sys
text = open("e.jsonl").read().replace("RIGHT", sys.argv[1]).replace("LONG", sys.argv[2])
open("e.jsonl", "w").write(text)
PY
check "exact answers" fl-eval -m t.flt --exact e.jsonl
check "  three of four" [ "$(tail -n 1 "$work/out" | tr '\t' ' ')" = "total 4 0.75" ]
check "  each" fl-eval -m t.flt --exact e.jsonl --per-example
cp out ee.tsv
check "  why it ended" [ "$(cut -f 2-4 ee.tsv | tr '\t\n' '  ')" = \
    "line exact_match finish_reason 1 true stop_sequence 2 true stop_sequence 3 false stop_sequence 4 true length " ]
printf '{"prompt": "line 3", "answer": "%s"}\n' "$right" > e2.jsonl
check "stop and tokens for all" fl-eval -m t.flt --exact e2.jsonl --stop "
" -n 200 --exact e.jsonl --per-file --fairness
cp out e3.tsv
check "  rows" [ "$(cut -f 1-4 e3.tsv | tr '\t\n' '  ')" = \
    "row file prompts exact_match file e2.jsonl 1 1 file e.jsonl 4 0.75 total - 5 0.8 mean - - 0.875 worst - - 0.75 spread - - 0.25 deviation - - 0.125 " ]

# ---- an adapter, in every mode: as the model that it was merged into ----
fl-init -m m.flt --lora 4 -o ad0.flt && "$BUILD/bin/fl-train" -q -m m.flt -a ad0.flt --steps 60 -b 8 --lr 0.02 -o au.flt a.flt &&
    fl-apply -m ad0.flt -o ad.flt au.flt
for mode in "a.flt" "--text a.txt --per-token" "--choices q.jsonl --per-example" "--exact e.jsonl --per-example"; do
    # shellcheck disable=SC2086
    fl-eval -m m.flt $mode > plain
    # shellcheck disable=SC2086
    fl-eval -m m.flt -a ad0.flt $mode > fresh
    check "a new adapter changes nothing: $mode" same plain fresh
    # shellcheck disable=SC2086
    fl-eval -m m.flt -a ad.flt $mode > adapted
    check "  a trained one does" sh -c '[ -s adapted ] && ! cmp -s plain adapted'
done
refused 3 "an adapter of another model" "ad.flt: " -m t.flt -a ad.flt --choices q.jsonl

# ---- every family that is imported: rows of tokens, and questions ----
n=0
for m in tiny-gpt2 tiny-qwen2 tiny-llama-untied stories260K; do
    oracle=$shared/data/oracles/$m/oracle.json
    [ -e "$oracle" ] || continue
    n=$((n + 1))
    fl-import -o o.flt "$shared/data/models/$m"
    python3 -c 'import json, sys
e = json.load(open(sys.argv[1]))["eval_text"]
open("o.txt", "w").write(e["text"]); print(e["mean_ce"], e["n_pred"])' "$oracle" > want
    fl-eval -m o.flt --text o.txt --per-token > got
    check "$m: rows of tokens have the reference loss" near \
        "$(awk -F'\t' -v most="$(cut -d ' ' -f 2 want)" 'NR > 1 && $4 != "-" && n < most { s -= $4; n++ }
            END { printf "%.9f", s / n }' got)" "$(cut -d ' ' -f 1 want)" 1e-5
    choices "$m" o.flt
done
[ $n -gt 0 ] || skip "families" "no reference data beside the project"

# ---- refused ----
refused 2 "texts and questions" "give one of them" -m m.flt --choices q.jsonl a.flt
refused 2 "questions and answers" "give one of them" -m m.flt --choices q.jsonl --exact e.jsonl
refused 2 "rows of tokens of questions" "per-example for questions" -m m.flt --choices q.jsonl --per-token
refused 2 "rows of examples of texts" "per-token is for texts" -m m.flt --per-example a.flt
refused 2 "rows of examples and of files" "per-example and --fairness exclude" -m m.flt --choices q.jsonl --per-example --fairness
refused 2 "fairness of one" "compares inputs" -m m.flt --fairness a.flt
refused 2 "a delimiter without choices" "delimiter is for --choices" -m m.flt --delimiter x a.flt
refused 2 "a stop string without answers" "are for --exact" -m m.flt --stop x a.flt
refused 2 "an empty stop string" "a stop string is empty" -m none.flt --exact e.jsonl --stop ""
printf '{"context": "a", "choices": ["b"], "answer": 0}\n{"context": "a", "choices": ["b"], "answer": 1}\n' > qb.jsonl
refused 1 "an answer that is none" 'qb.jsonl: line 2: its field "answer"' -m m.flt --choices qb.jsonl
printf '{"prompt": "a"}\n' > eb.jsonl
refused 1 "a prompt without answer" 'eb.jsonl: line 1: has no field "answer"' -m m.flt --exact eb.jsonl
refused 1 "no questions" "standard input: has no line" -m m.flt --choices - < /dev/null
refused 2 "no model" "-m MODEL is missing" a.flt
refused 2 "both on standard input" "standard input" -m - < a.flt
refused 2 "tokens of two files" "takes one input, and there are 2" -m m.flt --per-token a.flt b.flt
refused 2 "a table of tokens and one of files" "exclude each other" -m m.flt --per-token --per-file a.flt
cat a.flt b.flt > ab.flt
refused 1 "tokens of two shards" "takes one" -m m.flt --per-token ab.flt
refused 2 "windows longer than the context" "use -l 32 or less" -m m.flt -l 33 a.flt
refused 1 "a shard as model" "a.flt: " -m a.flt b.flt
refused 1 "no file" "none.flt: cannot open" -m m.flt none.flt
refused 1 "nothing on standard input" "standard input: " -m m.flt - < /dev/null
shards ids m.flt one.flt 7
refused 1 "one token" "one.flt: has less than two tokens" -m m.flt one.flt
: > empty.txt
refused 1 "an empty text" "empty.txt: has less than two tokens" -m m.flt --text empty.txt
printf 'abc\377def' > bad.txt
refused 1 "a text that is no UTF-8" "bad.txt: .*3" -m m.flt --text bad.txt
shards ids m.flt other.flt "tokenizer=$(printf '%064d' 7)" 1 2 3
refused 1 "another tokenizer" "another tokenizer" -m m.flt other.flt
shards fill m.flt nan.flt nan
refused 1 "a model of NaN" "nan.flt: .*finite" -m nan.flt a.flt
head -c 1000 a.flt > cut.flt
refused 1 "a cut shard" "cut.flt: " -m m.flt cut.flt
head -c 30000 m.flt > mcut.flt
refused 1 "a cut model" "mcut.flt: " -m mcut.flt a.flt
{ fl-eval -m m.flt --per-token a.flt 2>pipe; echo $? > ended; } | :
check "a reader that goes away: quiet" [ ! -s pipe ]
check "  and the end is SIGPIPE's" [ "$(cat ended)" = 141 ]
status 1 "a full disk" sh -c 'fl-eval -m m.flt a.flt > /dev/full'
cp err said
check "  is said" says "^fl-eval: standard output: "
finish
