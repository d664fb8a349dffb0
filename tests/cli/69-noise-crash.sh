#!/bin/sh
# fl-unmask of a helper that adds noise and keeps a ledger, killed or failing at any of its calls that write:
# one answer leaves for a round, for one set, with the same noise each time, and not before its line.
# shellcheck disable=SC2154,SC2034 # variables of lib.sh and crash.sh
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/crash.sh"

if ! can_trace; then
    skip "crashes of a helper that adds noise" "strace cannot trace here"
    finish
fi
lines() { tail -n +2 "$1" | wc -l; }
printf 'preset: nano\nctx: 16\nchannels: 8\nheads: 2\nhead_dim: 4\nffn: 16\n' >c.yaml
fl-init -c c.yaml --seed 1 -o model.flt || exit 1
# shellcheck disable=SC2046
python "$top/tests/cli/shards.py" ids model.flt a.shard unit=record $(awk 'BEGIN { for (i = 0; i < 40; i++) printf "97 98 99 256 " }') || exit 1
terms='noise: {site: {clip: 0.5, multiplier: 2}}\nbudget: {epsilon: 100, delta: 1e-6}\nsteps: 16\ntensors: [{match: "*", protect: mask, bits: 24, clip: 0.05}]'
helpers='b +aux' min_sum=3
federation a b c d && plan 1 model.flt || exit 1
for s in a b c d; do
    fl-train -q -m model.flt --steps 1 -l 15 --site $s -o $s.upd a.shard && fl-account --new-ledger $s.ledger &&
        fl-mask -q -k $s.key -p 1/plan.flt --ledger $s.ledger -o 1/up/$s.flt $s.upd || exit 1
done
keep hub.before hub
ask 1 a b c d && cp 1/request.flt four.flt && restore hub.before && ask 1 a b c && fl-account --new-ledger none.ledger || exit 1
keep fresh aux
keep second aux
cp none.ledger aux.ledger
answer_aux() { fl-unmask -q -j 1 -k aux.key -p 1/plan.flt --ledger aux.ledger "$@"; }
answer_aux 1/request.flt >want.answer || exit 1
(cd second && cp ../none.ledger . && fl-unmask -q -j 1 -k aux.key -p ../1/plan.flt --ledger none.ledger ../four.flt >../second.answer) || exit 1
check "another set has another answer" sh -c '! cmp -s want.answer second.answer'

put_back() { rm -rf aux.key aux.key.state && cp fresh/aux.key . && cp -a fresh/aux.key.state . && cp none.ledger aux.ledger && rm -f .aux.ledger.part; }
restore() { put_back; }
again() { answer_aux 1/request.flt >again.answer && cmp again.answer want.answer >&2 && [ "$(lines aux.ledger)" = 1 ] && cat again.answer; }
judge() {   # what left has its line; then no other set is answered
    fl-account --delta 1e-6 aux.ledger >account 2>&1 || return
    [ ! -s left ] || { [ "$(lines aux.ledger)" = 1 ] && ! answer_aux four.flt >other 2>said.other; }
}
least=12
for effect in $kill error=ENOSPC; do
    crash "fl-unmask under noise" $effect fresh fl-unmask -q -j 1 -k aux.key -p 1/plan.flt --ledger aux.ledger 1/request.flt
done
finish
