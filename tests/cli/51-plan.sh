#!/bin/sh
# fl-plan: the plan byte for byte, what it follows from, what it refuses, one plan a round.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"

secagg self || exit 1
rounds model model.flt 1 embed:9x5 norm:7 half:4x3:bf16 last:40 || exit 1
helpers='b +aux' min_sum=3 terms='first_round: 1
max_age: 50
tensors: [{match: "norm*", protect: plain, bits: 64, clip: 4}, {match: half, protect: frozen}, {match: "*", protect: mask, bits: 32, clip: 0.25}]'
federation a b c d || exit 1
p() { fl-plan -r roster.yaml -k hub.key -m model.flt "$@"; }

# ---- what is in it ----
check "a plan" p --round 1 -o p1.flt
check "  is what another program writes, to the byte" secagg plan roster.yaml p1.flt hub.key model.flt
check "  and signed by the hub" fl-info --verify roster.yaml p1.flt
check "  it names the program that made it" [ "$(meta p1.flt software)" = "fl $(fl-plan -V | cut -d ' ' -f 2)" ]
check "the same plan again" p --round 1 -o again.flt
check "  is the same bytes" cmp p1.flt again.flt
p --round 1 -j 3 >again.flt
check "  for any number of threads, on standard output" cmp p1.flt again.flt
check "a plan with a deadline" p --round 2 --deadline 2130-01-02T03:04:05Z -o p2.flt
check "  is what another program writes" \
    secagg plan roster.yaml p2.flt hub.key model.flt round=2 deadline=2130-01-02T03:04:05Z
check "explained" p --round 2 --deadline 2130-01-02T03:04:05Z --explain -o p2.flt
cp out shown
value() { sed -n "s/^$1	//p" "$work/shown"; }
check "  in columns" [ "$(head -n 1 shown)" = "$(printf 'key\tvalue')" ]
check "  which round of what" [ "$(value federation) $(value epoch) $(value round)" = 'demo 1 2' ]
check "  over which model" [ "$(value base) $(value base_round) $(value after)" = "$(digest model.flt) 0 -" ]
check "  until when" [ "$(value deadline)" = 2130-01-02T03:04:05Z ]
check "  who takes part" [ "$(value protection) $(value sites) $(value helpers)" = 'helpers a,b,c,d b,aux' ]
check "  how many must come, and what the largest of them is" [ "$(value min_sum) $(value largest_share)" = '3 0.3333' ]
check "  nobody by name yet" [ "$(value must_come)$(value distance)" = "-" ]
check "  how far is near: 1/64 of the clips' norm" [ "$(value edge)" = "$(awk 'BEGIN {printf "%.4g", sqrt(7 * 16 + 85 / 16) / 64}')" ]
check "  and the session" [ "$(value session | tr -d '[:xdigit:]' | wc -c)" = 1 ]
p --round 2 --deadline 2130-01-02T03:04:05Z --explain >x.flt 2>said
check "explained beside the plan, which is the same" cmp x.flt p2.flt
check "  and is whole" grep -q '^min_sum	3$' said
check "explained in JSON" sh -c 'fl-plan -r roster.yaml -k hub.key -m model.flt --round 1 --explain --json -o x.flt |
    grep -q "^{.*\"min_sum\": 3, .*\"must_come\": \[\], .*}\$"'
check "compressed" p --round 1 -z9 -o pz.flt
fl-info --digest p1.flt pz.flt | cut -c 1-64 | uniq -c >same
check "  it has the same digest" grep -q '^ *2 ' same

# ---- one plan a round ----
status 3 "another plan of a round" p --round 1 --deadline 2130-01-02T03:04:05Z -o other.flt
says 'another plan was signed for round 1'
check "  is not written" [ ! -e other.flt ]
mv hub.key.state gone
status 3 "a hub that lost its state" p --round 3
says 'missing'
mv gone hub.key.state
if can_trace; then
    strace -f -o trace -e trace=fsync,write fl-plan -r roster.yaml -k hub.key -m model.flt --round 1 >again.flt
    check "the same plan again: the state is flushed before a byte leaves" \
        awk '/fsync\(.* = 0/ {flushed = 1} /write\(1,/ {exit !flushed}' trace
else
    skip "the state is flushed before a byte leaves" "strace cannot trace here"
fi

# ---- the roster is the one that the hub accepted ----
cp hub.key.state/state kept
sed 's/^max_age: 50/max_age: 51/' roster.yaml >draft.yaml
status 3 "a draft that nobody has agreed on" fl-plan -r draft.yaml -k hub.key -m model.flt --round 3
says 'another roster than the one that this hub has accepted'
for n in a b c d aux; do fl-keygen -n $n --epoch 2 -o e2-$n.key >e2-$n.pub; done
sed 's/^epoch: 1/epoch: 2/' roster.yaml >draft.yaml
for n in a b c d aux; do sed "s/- fl1 $n .*/- $(cat e2-$n.pub)/" draft.yaml >x && mv x draft.yaml; done
check "  (one of the next epoch can be read)" fl-keygen --show draft.yaml
status 3 "  nor one of the next epoch" fl-plan -r draft.yaml -k hub.key -m model.flt --round 3
check "  the state is as it was: no draft ends an epoch" cmp kept hub.key.state/state
check "  and plans go on" p --round 3 -o p3.flt
status 3 "a key that is not the hub's" fl-plan -r roster.yaml -k a.key -m model.flt --round 9
says 'is the key of "a", not of the roster.s hub; give the key of "hub"'
check "  which is left as it was" [ "$(fl-keygen --public -k a.key | cut -d ' ' -f 3)" = 2 ]
status 3 "a hub that accepted nothing" fl-plan -r roster.yaml -k hub.old -m model.flt --round 9
says 'has accepted no roster'

# ---- the rounds of an epoch ----
status 3 "a round before the first" p --round 0 -o x.flt
says 'round 0 is before the first of this epoch, 1'
check "the last one" p --round 50 -o x.flt
status 3 "a round after the last" p --round 51 -o x.flt
says 'round 51 is over the 50 that an epoch may have; agree on a roster of the next one'
status 2 "no round" fl-plan -r roster.yaml -k hub.key -m model.flt
says '--round N is missing'
status 2 "a negative round" p --round -1
status 2 "a round of 2^63" p --round 9223372036854775808
status 2 "a deadline that is no time" p --round 9 --deadline tomorrow
says 'is no time like'
for deadline in 2020-01-01T00:00:00Z "$(date -u +%Y-%m-%dT%H:%M:%SZ)"; do
    status 2 "a deadline that is over: $deadline" p --round 9 --deadline "$deadline" -o past.flt
    says "$deadline is over, now is .*; give a later time in UTC"
    check "  and no plan" test ! -e past.flt
done
later=$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)
check "a later one" p --round 8 --deadline "$later" -o later.flt

# ---- the first model is the roster's, and its rules are of use ----
rounds model other.flt 2 embed:9x5 norm:7 half:4x3:bf16 last:40
status 3 "another model than the roster's, without a mean" fl-plan -r roster.yaml -k hub.key -m other.flt --round 9
says 'is not the model that the roster begins with; give the mean that led to it with --after'
updates() { python "$top/tests/cli/updates.py" "$@"; }
updates edit model.flt named.flt 'note=t:the same numbers'
status 3 "  the same numbers with another note are another" fl-plan -r roster.yaml -k hub.key -m named.flt --round 9
updates edit model.flt nan.flt 'last[3]=nan'
status 1 "a model with a value that is not finite" fl-plan -r roster.yaml -k hub.key -m nan.flt --round 9
mkdir rules
in_rules() {   # "what" STATUS "words" TENSORS: a federation of its own, whose plan says
    (cd rules && rm -rf ./* && cp ../model.flt . && helpers='' && terms="tensors: $4" && federation a b c >shown 2>&1) || echo "# no federation"
    cd rules || return
    status "$2" "$1" fl-plan -r roster.yaml -k hub.key -m model.flt --round 0 -o p.flt
    [ -z "$3" ] || says "$3"
    cd ..
}
in_rules "a tensor without a rule" 2 'tensor "norm" of the model has no rule in the roster; end its tensors: with one for "\*"' \
    '[{match: "??????", protect: frozen}, {match: "[a-z]*d", protect: mask, bits: 32, clip: 1}, {match: "*bed", protect: mask, bits: 32, clip: 1}]'
in_rules "a rule that masks nothing" 2 'the roster.s rule for "nrom" is the first to match none of the model.s trained tensors' \
    '[{match: nrom, protect: mask, bits: 32, clip: 1}, {match: "*", protect: mask, bits: 32, clip: 1}]'
in_rules "  since an earlier one takes all" 2 'the roster.s rule for "norm"' \
    '[{match: "no?m", protect: plain, bits: 32, clip: 1}, {match: norm, protect: mask, bits: 32, clip: 1}, {match: "*", protect: mask, bits: 32, clip: 1}]'
in_rules "a rule that only shows or freezes may match none" 0 '' \
    '[{match: nrom, protect: plain, bits: 32, clip: 1}, {match: none, protect: frozen}, {match: "*", protect: mask, bits: 32, clip: 1}]'

# ---- the wrong inputs ----
rounds train model.flt 1 0.01 a=a.all b=b.all c=c.all d=d.all
for n in a b c d; do updates edit $n.all $n.upd -half; done
status 1 "an update as the model" fl-plan -r roster.yaml -k hub.key -m a.upd --round 9
status 1 "no model" fl-plan -r roster.yaml -k hub.key -m nothing.flt --round 9
head -c $(($(wc -c <model.flt) / 2)) model.flt >cut.flt
status 1 "a cut model" fl-plan -r roster.yaml -k hub.key -m cut.flt --round 9
status 2 "no seed" p --round 9 --seed 1
status 2 "binary to a terminal" on_terminal fl-plan -r roster.yaml -k hub.key -m model.flt --round 9
check "  and the round is not taken" p --round 9 --deadline "$later" -o p9.flt
if small_disk 8; then
    dd if=/dev/zero of=small/fill 2>/dev/null
    status 1 "a full disk" p --round 10 -o small/p.flt
    check "  leaves nothing" [ -z "$(find small -name '*p.flt*')" ]
else
    skip "a full disk" "no tmpfs can be mounted here"
fi

# ---- how the base follows from the last sum, and what was counted of it ----
plan 20 model.flt && for n in a b c d; do mask 20 $n $n.upd; done
ask 20 a b c && answer 20 aux b && open_sum 20 && fl-apply -q -m model.flt -p 20/plan.flt -o next.flt 20/mean.flt || exit 1
after() { fl-plan -r roster.yaml -k hub.key "$@"; }
# Another set than the one that was asked for last: its helpers never answered it.
check "the hub may ask for another set as long as it likes" ask 20 a b c d
status 3 "a mean of another set than the one asked for last" after -m next.flt --round 21 --after 20/mean.flt
says 'another set of uploads than the one that this hub asked for last in round 20; ask for that set again'
check "  so: it is asked for again" ask 20 a b c
check "a plan after a mean" after --round 21 -m next.flt --after 20/mean.flt -o p21.flt
hex() { fl-info --json "$1" | python -c 'import json, sys
for line in sys.stdin:
    row = json.loads(line)
    if row["row"] == "meta" and row["name"] == sys.argv[1]: print(row["value"])' "$2"; }
uploads=$(hex 20/mean.flt sum.uploads)
answers=$(hex 20/mean.flt sum.answers)
check "  the mean shows what it counts" [ ${#uploads},${#answers} = 192,128 ]
check "  the digests of its uploads" [ "$uploads" = "$(digest 20/up/a.flt)$(digest 20/up/b.flt)$(digest 20/up/c.flt)" ]
check "  and of its answers" [ "$answers" = "$(digest 20/answer/b.flt)$(digest 20/answer/aux.flt)" ]
check "  the plan is what another program writes: it counts what was summed, and what was asked for (d's)" \
    secagg plan roster.yaml p21.flt hub.key next.flt round=21 "after=b$(hex 20/mean.flt sum.set)" \
    'last.ctr=[1, 1, 1, 1, 1, 1]' "last=$uploads$(digest 20/up/d.flt)$answers"
status 3 "the sites of that sum and another one over the same model" ask 20 a b c d
says 'with the sums over this or nearly this model that were made before, the sum of 1 site could be computed, "d" among them'
check "  explained" after --round 21 -m next.flt --after 20/mean.flt --explain -o p21.flt
cp out shown
check "  the set that led here" [ "$(value after)" = "$(hex 20/mean.flt sum.set)" ]
far=$(rounds distance model.flt next.flt)
check "  the distance is that of both models, to about a sixteenth ($(value distance), $far)" \
    awk -v d="$(value distance)" -v e="$far" 'BEGIN {exit !(d > 0.75 * e && d < 1.25 * e)}'
check "  the models are near, so who took part must come again" [ "$(value must_come)" = a,b,c ]
status 3 "a model that does not follow" p --round 22 --after 20/mean.flt
says 'does not follow from 20/mean.flt; give the model that fl-apply made of it'
updates edit next.flt wrong.flt "parent=b:$(digest a.upd)"
status 3 "a model of another parent" after -m wrong.flt --round 22 --after 20/mean.flt
fl-aggregate -q -o plain.flt a.upd b.upd c.upd
status 1 "a plain mean" after -m next.flt --round 22 --after plain.flt
says 'plain.flt: is not the mean of a masked round; give what fl-aggregate -p wrote'
status 1 "an update that is no mean" after -m next.flt --round 22 --after a.upd
for round in 4 9999; do
    rounds edit 20/mean.flt wrong.flt sum.round=i$round
    status 3 "a mean of a round that this hub did not plan: $round" after -m next.flt --round 23 --after wrong.flt
done
rounds edit 20/mean.flt wrong.flt sum.parties=l0,2,1
status 1 "a mean whose sites do not ascend" after -m next.flt --round 23 --after wrong.flt
rounds edit 20/mean.flt wrong.flt sum.uploads.ctr=l1,1
status 1 "a mean with a count too few" after -m next.flt --round 23 --after wrong.flt

# ---- the velocity ----
mkdir step && cd step && cp ../model.flt ../?.upd . || exit 1
terms="apply: {rule: nesterov, lr: 0.7, momentum: 0.9}
tensors: [{match: half, protect: frozen}, {match: \"*\", protect: mask, bits: 32, clip: 0.25}]"
helpers=
federation a b c || exit 1
check "the first round has no velocity" plan 1 model.flt
for n in a b c; do mask 1 $n $n.upd; done
fl-aggregate -q -p 1/plan.flt -o 1/mean.flt 1/up/a.flt 1/up/b.flt 1/up/c.flt || exit 1
fl-apply -q -m model.flt -p 1/plan.flt --state v.flt -o next.flt 1/mean.flt || exit 1
status 2 "  and is given none" fl-plan -r roster.yaml -k hub.key -m model.flt --round 2 --velocity v.flt -o x.flt
says 'begins without a velocity; leave out --velocity'
status 2 "a later one needs it" after --round 2 -m next.flt --after 1/mean.flt -o x.flt
says 'the roster.s step has a velocity; name the file that fl-apply wrote beside the model with --velocity'
check "  so: it is given" after --round 2 -m next.flt --after 1/mean.flt --velocity v.flt -o p2.flt
check "  and named in the plan" [ "$(meta p2.flt velocity)" = "$(digest v.flt)" ]
updates edit v.flt v2.flt "model=b:$(digest model.flt)"
status 3 "one of another model" after --round 3 -m next.flt --after 1/mean.flt --velocity v2.flt -o x.flt
says 'is the velocity of another model than next.flt'
cd .. || exit 1

# ---- the next epoch: the hub follows when it accepts, and not back ----
for n in a b c d aux; do fl-keygen --public -k $n.key >$n.pub; done
terms='tensors: [{match: half, protect: frozen}, {match: "*", protect: mask, bits: 32, clip: 0.25}]'
helpers='b +aux'
printf '%b\n' "$terms" | model=next.flt roster 2 a b c d >roster2.yaml && accept roster2.yaml hub || exit 1
check "the first plan of the next epoch" fl-plan -r roster2.yaml -k hub.key -m next.flt --round 0 -o e2.flt
check "  has all that was counted before" \
    secagg plan roster2.yaml e2.flt hub.key next.flt round=0 'last.ctr=[1, 1, 1, 1, 1, 1]' \
    "last=$uploads$(digest 20/up/d.flt)$answers"
status 3 "a mean of the epoch before does not lead into it" \
    fl-plan -r roster2.yaml -k hub.key -m next.flt --round 1 --after 20/mean.flt -o x.flt
says 'the first plan of an epoch has no --after'
status 3 "a plan of the epoch before" p --round 30
finish
