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
