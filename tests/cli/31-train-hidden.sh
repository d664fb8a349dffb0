#!/bin/sh
# fl-train --dp-*: a training that hides documents; what it says, refuses, goes on from and leaves.
# shellcheck disable=SC2016  # awk programs of their own
. "$(dirname "$0")/lib.sh"
shards() { python "$top/tests/cli/shards.py" "$@"; }
updates() { python "$top/tests/cli/updates.py" "$@"; }
meta() { updates meta "$1" "$2"; }
same() { cmp -s "$1" "$2"; }
refused() {   # status "what" "words" args...
    _status=$1 _about=$2 _words=$3
    shift 3
    status "$_status" "$_about" fl-train -q -o x.flt "$@"
    check "  and says why: $_words" grep -q -- "$_words" "$work/err.said"
    check "  and leaves nothing" [ ! -e x.flt ]
}
status() {
    _want=$1 _what=$2
    shift 2
    "$@" > "$work/out" 2> "$work/err.said"
    _got=$?
    [ $_got = "$_want" ] || sed 's/^/# /' "$work/err.said" | head -n 3
    report $((_got != _want)) "$_what"
}

printf 'preset: nano\nctx: 16\nchannels: 16\nheads: 2\nhead_dim: 4\nffn: 32\n' > c.yaml
fl-init -c c.yaml --seed 1 -o m.flt || exit 1
ids=$(awk 'BEGIN { for (i = 0; i < 90; i++) { for (j = 0; j < i % 30; j++) printf "%d ", 97 + (i + j) % 9
                                              printf "256 " } }')
shards ids m.flt a.flt unit=record $ids
shards ids m.flt b.flt unit=record $ids 98 99 256
shards ids m.flt passages.flt unit=passage $ids
shards ids m.flt silent.flt $ids
fl-account --new-ledger text.ledger || exit 1
dp="--dp-clip 0.5 --dp-noise 1 --dp-rate 0.2 --ledger text.ledger"
go() { fl-train -q -m m.flt --steps 30 $dp "$@"; }

check "a training that hides documents" go --site north --report r.tsv -o u.flt a.flt
check "  is an update of its base" fl-apply -m m.flt -o new.flt u.flt
check "  says how" [ "$(meta u.flt dp.unit) $(meta u.flt dp.clip) $(meta u.flt dp.noise)" = "record 0.5 1.0" ]
check "  with which chance" [ "$(meta u.flt dp.rate) $(meta u.flt dp.steps)" = "0.2 30" ]
check "  of how many documents" [ "$(meta u.flt examples)" = 90 ]
fl-info u.flt > info
check "  and no figure of the data" sh -c '! grep -q "^meta.*\(loss\|tokens\|seen\)" info'
check "  the report has no loss of the base" [ "$(sed -n 2p r.tsv | cut -f 2)" = - ]
check "it is another one each time" sh -c "fl-train -q -m m.flt --steps 30 $dp -o v.flt a.flt && ! cmp -s u.flt v.flt"
check "few documents are warned of" sh -c "fl-train -m m.flt --steps 1 $dp a.flt 2>&1 >/dev/null | grep -q 'only 90 documents'"

# ---- before it begins ----
check "a dry run" go --dry-run a.flt
cp "$work/out" dry
value() { awk -v key="$1" '$1 == key { print $2 }' dry; }
event=$(value dp_event)
check "  names its event" sh -c "echo '$event' | grep -q '^pdgauss:q=0.2,sigma=.*\*30$'"
fl-account --delta 1e-6 -e "$event" > account
check "  of which fl-account says the same" grep -q "$(value dp_epsilon)" account
check "  epsilon and delta" [ -n "$(value dp_epsilon)" ] && [ "$(value dp_delta)" = 1e-06 ]
check "  memory and time" sh -c "[ $(value memory_bytes) -gt 100000 ] && [ -n '$(value step_seconds)' ]"
go --dry-run --delta 1e-3 a.flt > dry3
check "  less at a larger delta" awk -v a="$(value dp_epsilon)" '$1 == "dp_epsilon" { exit !($2 < a) }' dry3

# ---- going on ----
go --steps 3000 --checkpoint k.flt --checkpoint-every 0 -o w.flt a.flt 2>/dev/null &
pid=$!
tries=0
while [ ! -e k.flt ] && [ $tries -lt 200 ]; do sleep 0.05; tries=$((tries + 1)); done
kill -9 $pid
wait $pid 2>/dev/null
check "killed: a checkpoint is left" [ -e k.flt ]
check "  for its owner alone" [ "$(stat -c %a k.flt)" = 600 ]
check "  with the key" sh -c "fl-info k.flt | grep -q 'dp\.key'"
cp -p k.flt k2.flt
cp -p k.flt k3.flt
again() { go --steps 3000 "$@"; }
check "two go on from it" again -j 1 --checkpoint k2.flt -o w2.flt a.flt
check "  (the other)" again -j 2 --checkpoint k3.flt --checkpoint-every 0 -o w3.flt a.flt
check "  to the same bytes" same w2.flt w3.flt
check "  and no key is left" sh -c "! fl-info k2.flt | grep -q 'dp\.key'"
check "  but a hash of it" sh -c "fl-info k2.flt | grep -q 'dp\.run'"
refused 3 "one more document" "other shards" -m m.flt --steps 3000 $dp --checkpoint k.flt b.flt
refused 3 "half the clip" "dp_clip was 0.5" -m m.flt --steps 3000 $dp --dp-clip 0.25 --checkpoint k.flt a.flt
for o in '--dp-noise 0.5' '--dp-noise 1.0000000000000002' '--dp-rate 0.1' '--lr 0.5' '--weight-decay 0.5' '-l 8'; do
    refused 3 "going on with $o" "was\|other settings" -m m.flt --steps 3000 $dp --checkpoint k.flt $o a.flt
done
refused 3 "one step less" "was\|other settings" -m m.flt --steps 2999 $dp --checkpoint k.flt a.flt
fl-init -c c.yaml --seed 2 -o m2.flt
refused 3 "another model" "model" -m m2.flt --steps 3000 $dp --checkpoint k.flt a.flt
refused 3 "no noise" "other settings" -m m.flt --steps 3000 --checkpoint k.flt a.flt

# ---- refusals ----
refused 3 "passages" "passages" -m m.flt --steps 3 $dp passages.flt
refused 3 "a shard that does not say" "does not say" -m m.flt --steps 3 $dp silent.flt
python - <<'END'
import json
short = [{"text": "a letter of its own, number %d\n\nwith two paragraphs" % i} for i in range(30)]
open("short.jsonl", "w").write("".join(json.dumps(r) + "\n" for r in short))
open("long.jsonl", "w").write("".join(json.dumps(r) + "\n" for r in short + [{"text": "word " * 300}]))
open("whole.txt", "w").write("one file, one letter\n\nof two paragraphs\n" * 3)
END
harmonize() { fl-harmonize -q -t m.flt --max-document 1k -o "$@" >/dev/null 2>&1; }
trained() { fl-train -q -m m.flt --steps 1 $dp --dry-run "$@" >/dev/null 2>"$work/err.said"; }
check "fl-harmonize: lines of JSON are records" sh -c "$(command -v fl-harmonize) -q -t m.flt --max-document 1k -o rec.flt short.jsonl"
check "  which are hidden" trained rec.flt
harmonize cut.flt long.jsonl
status 3 "  but not if one of them was cut" fl-train -q -m m.flt --steps 1 $dp -o x.flt cut.flt
harmonize text.flt --passage 10 whole.txt
status 3 "  nor passages of a text" fl-train -q -m m.flt --steps 1 $dp -o x.flt text.flt
harmonize file.flt --passage 0 whole.txt
check "  a file as a whole is a record" trained file.flt
check "passages, where they are meant" go --dp-unit passage -o p.flt passages.flt
check "  and the update says so" [ "$(meta p.flt dp.unit)" = passage ]
for option in "--seed 1" "--accumulate 2" "--clip 1" "--precision bf16"; do
    refused 2 "$option" "exclude each other" -m m.flt --steps 3 $dp $option a.flt
done
refused 2 "--epochs" "exclude each other" -m m.flt $dp --epochs 1 a.flt
refused 2 "no steps" "--steps is missing" -m m.flt $dp a.flt
refused 2 "no ledger" "ledger FILE is missing" -m m.flt --steps 3 --dp-clip 0.5 --dp-noise 1 --dp-rate 0.2 a.flt
refused 2 "no rate" "give all three" -m m.flt --steps 3 --dp-clip 1 --dp-noise 1 a.flt
refused 2 "a chance above 1" "dp-rate" -m m.flt --steps 3 --dp-clip 1 --dp-noise 1 --dp-rate 1.5 a.flt
printf 'steps: 4\ndp_clip: 0.5\ndp_noise: 1\ndp_rate: 0.2\ndp_unit: record\n' > r.yaml
check "from a recipe" fl-train -q -m m.flt -c r.yaml --ledger text.ledger -o c.flt a.flt
check "  the same" [ "$(meta c.flt dp.rate) $(meta c.flt dp.steps)" = "0.2 4" ]
finish
