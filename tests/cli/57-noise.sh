#!/bin/sh
# Noise of helpers, by the programs: what a roster with it says before anybody accepts it, a round without
# one site, what it costs, that it is replayed and followed; and rosters that would not hide anything.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
rounds model model.flt 1 embed:40x9 norm:30 large:5001 || exit 1
sites='a b c d' helpers='b +aux' min_sum=3
noise='noise: {site: {clip: 0.5, multiplier: 2.0}}'
budget='budget: {epsilon: 4, delta: 1e-6}'
rules='tensors: [{match: "norm", protect: mask, bits: 24, clip: 0.05}, {match: "*", protect: mask, bits: 20, clip: 0.04}]'
terms="$noise\n$budget\nmax_age: 9\nsteps: 16\n$rules"
# shellcheck disable=SC2086
federation $sites || exit 1

# ---- before anybody accepts ----
shown() { grep -E -q "$1" "$work/out"; report $? "  it says: $1"; }
check "--show says what noise means" fl-keygen --show roster.yaml
shown '^noise	site: updates are cut to the length 0.5, and each helper adds noise of 2 times that .*one honest helper is enough'
shown '^noise_length	.* 70\.7 times as long as the longest update of one for 10,000 values, 707 times for 1,000,000'
shown '^epsilon	of a site, added or removed: 2\.419 for one round, 8\.317 for all 9 that the epoch may have, at delta 1e-06 by rdp$'
shown '^budget	epsilon 4 at delta 1e-06 by rdp: pays for 2 of 9 rounds; after these a site sends nothing more$'
check "  and with -m of the model" fl-keygen --show roster.yaml -m model.flt
shown '^noise_length	.* it is 51\.9 times as long as the longest update of one \(5391 values\): such a mean is noise'
shown '^noise_rounding	to whole numbers makes the longest update 1(\.0[0-9]*)? times as long'
check "  --accept shows the same" sh -c 'fl-keygen --accept roster.yaml -k a.key --words roster.yaml.words | grep -q "^noise_length"'
rounds model another.flt 2 embed:40x9
status 3 "  another model is not the roster's" fl-keygen --show roster.yaml -m another.flt
roster_with() { printf '%b\n' "$2" | roster 1 a b c d >other.yaml; status "$1" "$3" fl-keygen --show other.yaml; }
roster_with 2 "$noise\n$rules" "noise without a budget"
says 'noise: lacks a budget, at which rounds end; write budget: {epsilon: 8, delta: 1e-6}'
roster_with 2 "$budget\n$rules" "a budget without noise"
roster_with 2 "$noise\n$budget\ntensors: [{match: norm, protect: plain, bits: 16, clip: 1}, {match: \"*\", protect: mask, bits: 20, clip: 0.04}]" "a plain tensor"
says 'tensors: "norm": protect plain, where noise: {site} adds none; write mask or frozen'
roster_with 2 "$noise\n$budget\nweights: {rule: examples, floor: 1, cap: 2}\n$rules" "weights that differ"
says 'noise: {site} hides what a site sends, and its weight travels beside it; write weights: {rule: uniform}'
roster_with 2 "noise: {site: {clip: 0.5, multiplier: 0.1}}\n$budget\n$rules" "a budget that pays for no round"
says 'no site could send anything; write a larger multiplier or epsilon'
helpers='' roster_with 2 "$noise\n$budget\n$rules" "no helpers"
says 'noise: {site} is what helpers add; write protection: helpers'
printf '%b\n' "$noise\n$budget\ntensors: [{match: \"*\", protect: mask, bits: 10, clip: 0.04}]\nsteps: 16" | roster 1 a b c d >narrow.yaml
fl-keygen --show narrow.yaml >/dev/null || echo "# narrow.yaml is refused without a model"
status 2 "lanes without room for it, over the model" fl-keygen --show narrow.yaml -m model.flt
says 'bits'

# ---- a round without d ----
fl-plan -q -r roster.yaml -k hub.key --round 0 -m model.flt --explain -o explained.flt >explained || echo "# no plan"
check "--explain: the noise of the mean" grep -qx 'noise_length	51\.9.' explained
check "  and what the round costs" grep -qx 'noise_epsilon	2\.4..*' explained
plan 1 model.flt && rounds train model.flt 1 0.03 a=a.1 b=b.1 c=c.1 d=d.1
for s in $sites; do fl-account --new-ledger $s.ledger; done
status 2 "nothing is masked without a ledger" fl-mask -q -k a.key -p 1/plan.flt -o 1/up/a.flt a.1
paying() { fl-mask -k "$2.key" -p "$1/plan.flt" --ledger "$2.ledger" -o "$1/up/$2.flt" "$2.$1"; }
for s in $sites; do
    check "$s masks and pays" paying 1 "$s"
done
cp "$work/err" told
check "  and is told how much longer its update was" grep -q 'is 1.[0-9]* long, and was shortened to the 0.5 of' told
check "  once" [ "$(wc -l <a.ledger)" = 2 ]
check "  with the cost of one helper's noise" grep -q 'dgauss:sigma2=[0-9.e+]*,sens2=[0-9.e+]* ' a.ledger
check "the hub asks without d" ask 1 a b c
answer_b() { fl-unmask -q -k b.key -p 1/plan.flt --ledger b.ledger -o "$1" 1/request.flt; }
cp aux.key.state/state aux.before
check "b answers" answer_b 1/answer/b.flt
check "  which costs its own text nothing more" [ "$(wc -l <b.ledger)" = 2 ]
check "  and nothing asks for its ledger" answer 1 b
fl-account --new-ledger aux.ledger
answer_aux() { fl-unmask -q -k aux.key -p 1/plan.flt --ledger aux.ledger -o 1/answer/aux.flt 1/request.flt; }
status 2 "an upload where none is encrypted is refused" fl-unmask -q -k aux.key -p 1/plan.flt \
    --ledger aux.ledger -o 1/answer/aux.flt 1/request.flt 1/up/a.flt
check "  before it is paid for" [ "$(wc -l <aux.ledger)" = 1 ]
check "  and aux, with a record of what it lets out" answer_aux
check "  a line of this set" [ "$(tail -n 1 aux.ledger | cut -d ' ' -f 1-3,5)" = "1 answer $(meta 1/up/a.flt sid) site" ]
check "  once" sh -c "cp 1/answer/aux.flt aux.first && fl-unmask -q -k aux.key -p 1/plan.flt --ledger aux.ledger 1/request.flt |
    cmp - aux.first && [ \$(wc -l <aux.ledger) = 2 ]"
cp 1/answer/b.flt first.flt
check "  asked again: the same bytes" answer_b 1/answer/b.flt
check "    as before" cmp first.flt 1/answer/b.flt
check "the sum opens" open_sum 1
noise_is() { fl-info 1/mean.flt | awk -F '\t' '$2 == "sum.noise" { print ($7 > 34 && $7 < 35.5) ? "yes" : $7 }'; }
check "  and says how long its noise is" [ "$(noise_is)" = yes ]
check "fl-apply" fl-apply -q -m model.flt -p 1/plan.flt -o next.flt 1/mean.flt
check "--verify replays it" fl-aggregate --verify 1 -r roster.yaml -m model.flt --next next.flt
for h in b aux; do
    check "  $h follows" fl-unmask -q --advance -k $h.key -p 1/plan.flt -m model.flt -o $h.next 1
    check "    to the same model" cmp $h.next next.flt
done

# ---- the same a second time, by the page alone ----
secagg() { python "$top/tests/naive/secagg.py" "$@"; }
for n in a:0 c:2 d:3; do
    s=${n%:*}
    check "the upload of $s, byte for byte" secagg upload roster.yaml 1/plan.flt "${n#*:}" 1 none $s.1 1/up/$s.flt $s.old $s.key.state/state $s.key
done
check "the answer of aux, with its noise" secagg answer 1/plan.flt 1/request.flt 1 none 1/answer/aux.flt aux.old aux.before aux.key
check "the mean, and how long its noise is" secagg opened 1/plan.flt 1/mean.flt 1/sum.flt 1/answer/b.flt 1/answer/aux.flt

# ---- the next round costs as much, and the third is not paid for ----
plan 2 next.flt --after 1/mean.flt && rounds train next.flt 1 0.03 a=a.2 b=b.2 c=c.2 d=d.2
check "a second round is paid for" paying 2 a
fl-account --delta 1e-6 a.ledger | tail -n 1 | cut -f 6 >spent
check "  and costs what --show said of two" awk '{ exit !($1 > 3.5 && $1 < 3.543) }' spent
plan 3 next.flt --after 1/mean.flt && cp a.2 a.3
cp a.ledger kept.ledger
status 3 "a third is refused" paying 3 a
says "the roster's budget is 4"
check "  and nothing is written" cmp a.ledger kept.ledger
finish
