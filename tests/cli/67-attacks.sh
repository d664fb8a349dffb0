#!/bin/sh
# fl-eval --attack: a model that learned its text by heart tells it from text of the same kind, one that
# saw neither does not; areas and exposures agree with another program's.
# shellcheck source-path=SCRIPTDIR disable=SC2016
. "$(dirname "$0")/lib.sh"
shards() { python "$top/tests/cli/shards.py" "$@"; }
cell() { awk -F'\t' -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR == 2 { print $at[name] }' "$1"; }
above() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > b) }'; }
near() { awk "BEGIN { d = ($1) - ($2); exit !(d < $3 && -d < $3) }"; }

printf 'preset: nano\nctx: 48\nchannels: 32\nheads: 2\nffn: 64\n' > c.yaml
fl-init -c c.yaml --seed 1 -o m.flt || exit 1
python - <<'PY'
import random
random.seed(5)
for name, n in (("in", 16), ("out", 24)):
    for i in range(n):
        open(f"{name}{i}.txt", "w").write("code " + "".join(random.choice("0123456789") for _ in range(12)))
PY
# shellcheck disable=SC2046
shards bytes m.flt in.flt $(ls in?.txt in??.txt) && shards bytes m.flt out.flt $(ls out?.txt out??.txt) || exit 1
fl-train -q -m m.flt --steps 300 -b 4 --lr 0.01 --seed 3 -o in.upd in.flt && fl-apply -q -m m.flt -o t.flt in.upd || exit 1

check "membership by loss" fl-eval -m t.flt --attack membership --members in.flt out.flt
cp out trained.tsv
check "  documents are counted" [ "$(cell trained.tsv members) $(cell trained.tsv nonmembers)" = "16 24" ]
check "  a text that was learned by heart is known: $(cell trained.tsv auc)" above "$(cell trained.tsv auc)" 0.95
check "  at few false alarms too: $(cell trained.tsv tpr_at_fpr_0_001)" above "$(cell trained.tsv tpr_at_fpr_0_001)" 0.5
fl-eval -m m.flt --attack membership --members in.flt out.flt > before.tsv
check "a model that saw neither does not know: $(cell before.tsv auc)" above 0.8 "$(cell before.tsv auc)"
fl-eval -m t.flt --attack membership --members in.flt --reference m.flt out.flt > ref.tsv
check "with a reference: $(cell ref.tsv auc)" above "$(cell ref.tsv auc)" 0.95
check "  it says so" [ "$(cell ref.tsv score)" = reference ]
fl-eval -m t.flt --attack membership --members in.flt --reference t.flt out.flt > self.tsv
check "a model and itself: nothing is told, all are ties" [ "$(cell self.tsv auc) $(cell self.tsv advantage)" = "0.5 0" ]
fl-eval -j 1 -m t.flt --attack membership --members in.flt out.flt > one.tsv
check "the same on one thread" cmp trained.tsv one.tsv

fl-eval -m t.flt --attack membership --members in.flt --per-example out.flt > rows.tsv
check "a row for each document" [ "$(wc -l < rows.tsv)" = 41 ]
check "  whose pairs make the area" python - "$(cell trained.tsv auc)" <<'PY'
import sys
rows = [l.split("\t") for l in open("rows.tsv").read().splitlines()[1:]]
yes = [float(s) for m, s in rows if m == "true"]
no = [float(s) for m, s in rows if m == "false"]
auc = sum((a > b) + (a == b) / 2 for a in yes for b in no) / (len(yes) * len(no))
assert len(yes) == 16 and abs(auc - float(sys.argv[1])) < 1e-12, auc
PY
shards bytes m.flt first.flt "$(find . -name 'in?.txt' -o -name 'in??.txt' | sort | head -n 1)"
fl-eval -m t.flt --per-token first.flt | awk -F'\t' 'NR > 1 && $4 != "-" { s += $4; n++ } END { print s / n }' > loss
check "  and whose score is the mean log probability" near "$(cat loss)" \
    "$(fl-eval -m t.flt --attack membership --members first.flt --per-example out.flt | awk 'NR == 2 { print $2 }')" 1e-5
check "as JSON" sh -c 'fl-eval --json -m t.flt --attack membership --members in.flt out.flt > x.json'
check "  of numbers" python -c 'import json
r = json.load(open("x.json"))
assert r["attack"] == "membership" and r["members"] == 16 and r["auc"] > 0.95'

# ---- canaries: one of in*.txt was planted among 64 rivals of its form ----
python - <<'PY'
import json, random
random.seed(6)
with open("canaries.jsonl", "w") as f:
    for i in range(8):
        planted = open(f"in{i}.txt").read()[5:]
        rivals = ["".join(random.choice("0123456789") for _ in range(12)) for _ in range(63)]
        at = random.randrange(64)
        print(json.dumps({"context": "code", "choices": rivals[:at] + [planted] + rivals[at:], "answer": at}), file=f)
PY
check "canaries" fl-eval -m t.flt --attack canary --choices canaries.jsonl
cp out exposed.tsv
check "  all are found first: exposure $(cell exposed.tsv mean_exposure)" [ "$(cell exposed.tsv extracted) $(cell exposed.tsv mean_exposure)" = "8 6" ]
fl-eval -m m.flt --attack canary --choices canaries.jsonl > unseen.tsv
check "  of a model that did not see them: $(cell unseen.tsv mean_exposure)" above 4 "$(cell unseen.tsv mean_exposure)"
fl-eval -m t.flt --attack canary --per-example --choices canaries.jsonl > each.tsv
fl-eval -m t.flt --per-example --json --choices canaries.jsonl > questions.json
check "  ranks are those of the log probabilities" python - <<'PY'
import json, math
rows = [l.split("\t") for l in open("each.tsv").read().splitlines()[1:]]
for row, q in zip(rows, map(json.loads, open("questions.json"))):
    mine = q["logprobs"][q["answer"]]
    rank = 1 + sum(p > mine for p in q["logprobs"])
    assert int(row[3]) == rank and abs(float(row[4]) - 6 + math.log2(rank)) < 1e-6
assert len(rows) == 8
PY

status 2 "no members" fl-eval -m t.flt --attack membership out.flt
says 'needs --members'
status 2 "no others" fl-eval -m t.flt --attack membership --members in.flt
says 'needs --members'
status 2 "canaries without a file" fl-eval -m t.flt --attack canary
says 'needs --choices'
status 2 "members without an attack" fl-eval -m t.flt --members in.flt out.flt
says 'are for --attack'
status 2 "an unknown attack" fl-eval -m t.flt --attack member --members in.flt out.flt
says 'did you mean'
finish
