# shellcheck shell=sh
# fl-round(1) under noise of helpers: a round by turns alone, paid for in each site's ledger; the next one,
# which the budget does not pay for, is not trained for.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/turns.sh"

mkdir set && cd set || exit 1
small_model || exit 1
# shellcheck disable=SC2034  # of federation.sh
helpers='b +aux' min_sum=3 terms='noise: {site: {clip: 0.5, multiplier: 2}}\nbudget: {epsilon: 3, delta: 1e-6}\nsteps: 16\ntensors: [{match: "*", protect: mask, bits: 24, clip: 0.05}]'
federation a b c || exit 1
parties a b c || exit 1
status 2 "a site without a ledger" turn a
says 'a.yaml: lacks ledger: FILE, in which the roster.s noise is counted; fl-account --new-ledger FILE makes one'
for s in a b c; do
    fl-account --new-ledger $s.ledger && echo "ledger: $s.ledger" >>$s.yaml || exit 1
done
check "fl-info --conf" fl-info --conf a.yaml
tells '^noise	site$'
_left=12
while [ "$(closed)" -lt 1 ] && [ $_left -gt 0 ] && turn hub a b c aux >/dev/null; do _left=$((_left - 1)); done
check "a round, by turns alone" [ "$(closed)" = 1 ]
check "  with noise in its mean" [ -n "$(fl-info --get sum.noise srv/pub/round/*/mean.flt)" ]
for s in a b c; do check "  which $s paid for, once" [ "$(wc -l <$s.ledger)" = 2 ]; done
cp a.ledger paid
turn hub
status 3 "the next is not paid for" turn a
says "the roster's budget is 3"
check "  nor counted" cmp a.ledger paid
check "  nor trained for" [ ! -e work.a/update/"$(last_model)".flt ]
status 3 "  by any site" turn c
check "  which came to the model of the first" cmp work.a/model/"$(last_model)".flt work.c/model/"$(last_model)".flt
finish
