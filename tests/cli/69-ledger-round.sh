#!/bin/sh
# fl-round of sites that hide their documents: each pays in its own ledger, twice for two rounds, and stops
# when the roster's budget is spent.
# shellcheck disable=SC2154,SC2034 # variables of lib.sh and turns.sh
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/turns.sh"
lines() { tail -n +2 "$1" | wc -l; }

mkdir set && cd set || exit 1
small_model || exit 1
# two trainings fit into the budget, and three do not
dp='dp_clip: 0.5, dp_noise: 1, dp_rate: 0.5'
budget=$(fl-account --delta 1e-6 -e pdgauss:q=0.5,sigma=16777300,sens=16777300*5 | awk -F '\t' 'NR == 2 { print $6 }')
terms="noise: {local: {clip: 0.5, multiplier: 1, rate: 0.5, steps: 2}}
budget: {epsilon: $(echo "$budget" | cut -c 1-7), delta: 1e-6}
recipe: {steps: 2, batch: 2, length: 16, $dp}"
helpers='b +aux' min_sum=3
federation a b c && rounds=3 parties a b c || exit 1
cd ..
fresh
for p in a b c; do
    awk -v p=$p 'BEGIN { for (i = 0; i < 60; i++) printf "{\"text\": \"%s letter %d\"}\n", p, i * 7919 % 1000 }' >text.jsonl

    fl-harmonize -q -t model.flt -o shards.$p/0.flt text.jsonl >card || exit 1
    fl-account --new-ledger $p.ledger
    sed -i '/^recipe:/d' $p.yaml
    printf 'ledger: %s.ledger\n' $p >>$p.yaml
done

# The moment in which a training ends is not told: the upload leaves an hour before the deadline.
turn hub 2>/dev/null
cp a.yaml a.early && echo 'send: 23h' >>a.yaml   # of 24
check "a trains" turn a
check "  and keeps its upload for now" sh -c 'ls work.a/round/*/up.flt && ! ls srv/in/a/*.up.flt'
check "  in the next turn too" turn a
check "  (still)" sh -c '! ls srv/in/a/*.up.flt'
cp a.early a.yaml
for p in a b c; do echo 'send: 2d' >>$p.yaml; done   # at once
check "it leaves when it is time" turn a
check "  (it is there)" sh -c 'ls srv/in/a/*.up.flt'

until_closed 2 hub a b c aux 2>said
check "a third round is opened, for which there is no budget" grep -q "the roster.s budget is" said
check "two rounds are closed" [ -e srv/pub/round/1/mean.flt ]
for p in a b c; do
    check "  $p paid for two trainings, and masked each" [ "$(lines $p.ledger | tr -d ' ')$(grep -c ' train ' $p.ledger)" = 42 ]
done
check "  one ledger each" sh -c '! cmp -s a.ledger b.ledger'
cp a.ledger kept.ledger
status 3 "a third training is not begun" turn a
says "the roster.s budget is"
check "  and not paid for" cmp a.ledger kept.ledger
finish
