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

# ---- refused ----
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
