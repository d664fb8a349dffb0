#!/bin/sh
# delay: 1 in the roster: a round is trained while the one before it travels. Which models come of it, by
# hand; which model a mean may step, and a plan may name; that delay: 0 is today's roster to the byte.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
updates() { python "$top/tests/cli/updates.py" "$@"; }

rounds model m0.flt 1 embed:40x7 norm:30 || exit 1
model=m0.flt
terms='delay: 1
apply: {rule: nesterov, lr: 0.5, momentum: 0.7}
tensors: [{match: "*", protect: mask, bits: 32, clip: 0.05}]'
federation a b c || exit 1
shows() { fl-keygen --show roster.yaml | grep -q "^$1	1: a round is trained while the one before it travels; "; }
check "--show says it in words" shows delay
check "  and that it is not the usual way" sh -c 'fl-keygen --show roster.yaml | grep -q "^not_default	delay: 1: "'
sed 's/^delay: 1/delay: 0/' roster.yaml >zero.yaml
grep -v '^delay' roster.yaml >none.yaml
is "delay: 0 is a roster without the key" "$(words zero.yaml)" "$(words none.yaml)"
differs() { [ "$(words roster.yaml)" != "$(words none.yaml)" ]; }
check "  and delay: 1 is another one" differs

train() { rounds train "$1" "$2" 0.01 a=a.upd b=b.upd c=c.upd; }
send() {   # ROUND MODEL: all train and mask
    train "$2" "$1" && for s in a b c; do mask "$1" $s $s.upd && cp $s.upd "$1/$s.upd" || return; done
}
sum() { fl-aggregate -q -p "$1/plan.flt" -o "$1/mean.flt" "$1"/up/*.flt; }
step() {   # ROUND MODEL NEXT: by the round's mean; velocities lie beside models
    [ ! -e "$2.v" ] || cp "$2.v" "$3.v"
    fl-apply -q -p "$1/plan.flt" -m "$2" --state "$3.v" -o "$3" "$1/mean.flt"
}

# ---- the chain: round 2 waits for 1; from then on a round opens when the last but one is summed ----
check "round 1, over the roster's model" plan 1 m0.flt
secagg self || exit 1
check "  is what another program writes" secagg plan roster.yaml 1/plan.flt hub.key m0.flt
check "  is trained and sent" send 1 m0.flt
check "  its mean" sum 1
check "  steps the roster's model" step 1 m0.flt m1.flt
check "round 2, over what came of it" plan 2 m1.flt --after 1/mean.flt --velocity m1.flt.v
check "  is trained, and travels" send 2 m1.flt
check "the first mean steps the second model too" step 1 m1.flt m2.flt
check "round 3 opens while 2 travels" plan 3 m2.flt --after 1/mean.flt --velocity m2.flt.v
check "  and is trained before 2 is summed" send 3 m2.flt
check "then comes the sum of 2" sum 2
check "  which steps the model of 3" step 2 m2.flt m3.flt
mkdir lie && for f in *; do [ "$f" = lie ] || cp -r "$f" lie; done   # what there was before round 4
check "round 4" plan 4 m3.flt --after 2/mean.flt --velocity m3.flt.v
check "  is trained" send 4 m3.flt
sum 3 && step 3 m3.flt m4.flt && sum 4
check "the last mean leads on: nothing that was sent is lost" step 4 m4.flt m5.flt
for k in 1 2 3 4 5; do
    m=$((k > 1 ? k - 1 : 1))
    v=m$((k - 1)).flt.v
    [ $k != 1 ] || v=
    check "model $k is model $((k - 1)) stepped by mean $m, by another program" \
        updates step m$k.flt m$((k - 1)).flt $m/mean.flt nesterov 0.5 0.7 "$v" m$k.flt.v m$((m - 1)).flt
done
chain=$(for k in 1 2 3 4 5; do updates meta m$k.flt step.base; done | cut -c 1-64)
want=$(for k in 0 0 1 2 3; do digest m$k.flt; done)
is "each says which model its mean was trained from" "$chain" "$want"
for k in 0 1 2 3; do digest m$k.flt; done >bases
for r in 1 2 3 4; do meta $r/plan.flt base; done >planned
check "no two rounds are over one model" cmp bases planned

# ---- other steps and plans ----
refused() {   # STATUS "what" "words" command args...
    _status=$1 _about=$2 _words=$3
    shift 3
    status "$_status" "$_about" "$@"
    says "$_words"
    check "  and nothing is written" test ! -e x.flt
}
apply() { cp "$2.v" v 2>/dev/null || rm -f v; fl-apply -q -p "$1/plan.flt" -m "$2" --state v -o x.flt "$1/mean.flt"; }
not_next='is not the model that came after the plan.s; with delay: 1 a mean steps that one'
refused 3 "a mean does not step the model that it was trained from" "m1.flt: $not_next" apply 2 m1.flt
refused 3 "  nor one two after it" "m3.flt: $not_next" apply 2 m3.flt
refused 3 "  the first one steps two models, and no third" "m2.flt: $not_next" apply 1 m2.flt
refused 3 "  nor does another's mean step the roster's model" "m0.flt: $not_next" apply 2 m0.flt
refused 3 "the mean of another round than the plan's" 'belongs to the model .*, and the plan.s model is' \
    fl-apply -q -p 2/plan.flt -m m2.flt --state v -o x.flt 3/mean.flt
p() { fl-plan -q -r roster.yaml -k hub.key --round 9 -o x.flt "$@"; }
refused 3 "a plan over a model, and a mean that it did not come of" 'm3.flt: does not follow from 3/mean.flt' \
    p -m m3.flt --after 3/mean.flt --velocity m3.flt.v
refused 3 "  nor the mean before" 'm3.flt: does not follow from 1/mean.flt' p -m m3.flt --after 1/mean.flt --velocity m3.flt.v
cp m2.flt.v v
fl-apply -q --optimizer nesterov --lr 0.5 --momentum 0.7 -m m1.flt --state m1.flt.v -o early.flt 2/mean.flt || exit 1
refused 3 "  nor a model that was stepped too early" 'early.flt: does not follow from 2/mean.flt' \
    p -m early.flt --after 2/mean.flt --velocity m1.flt.v
cp m2.flt.v v
fl-apply -q --optimizer nesterov --lr 0.5 --momentum 0.7 -m m2.flt --state v -o other.flt 3/a.upd || exit 1
refused 3 "  nor a model of the right round that was stepped by something else" 'other.flt: does not follow from 2/mean.flt' \
    p -m other.flt --after 2/mean.flt --velocity v
check "the hub signs the true one" p -m m3.flt --after 2/mean.flt --velocity m3.flt.v
rm x.flt

# ---- anybody repeats a round ----
cp m2.flt.v v
check "--verify, from the model that the mean steps" fl-aggregate -q --verify -r roster.yaml -m m2.flt --velocity v --next m3.flt 2
status 3 "  from the plan's own" fl-aggregate -q --verify -r roster.yaml -m m1.flt --velocity m1.flt.v 2
status 1 "  another next model" fl-aggregate -q --verify -r roster.yaml -m m2.flt --velocity v --next m4.flt 2
mkdir all && cp -r 1 2 3 4 all
check "  all rounds, their sums and means" fl-aggregate -q --verify -r roster.yaml all
check "  and from the first model on, each model" fl-aggregate -q --verify -r roster.yaml -m m0.flt --next m5.flt all
check "  from one in the middle" sh -c 'mkdir some && cp -r 2 3 4 some && fl-aggregate -q --verify -r roster.yaml -m m2.flt --velocity m2.flt.v --next m5.flt some'
status 1 "  another last model" fl-aggregate -q --verify -r roster.yaml -m m0.flt --next m4.flt all
says 'm4.flt (altered)'
tab=$(printf '\t')
found() { grep -Eq "^$2" "$work/out"; report $? "$1"; }   # "what" ROW: of the table
verify() { fl-aggregate -q --verify -r roster.yaml -m m0.flt "$@"; }
forged() { rm -rf all/2 && cp -r 2 all && cp 1/mean.flt all/2/mean.flt; }
forged && status 1 "the mean of another round" verify all
found "  is named" "altered${tab}all/2/mean.flt${tab}"
is "  and nothing else: the true one leads on" "$(cut -f 2 out | sed 1d | sort -u)" all/2/mean.flt
rm -r all/2 && status 3 "a round that is left out" verify all
found "  is told where its model is missing" "refused${tab}all/4/plan.flt${tab}hub${tab}-${tab}.*${tab}$(digest m3.flt)${tab}is over a model to which the rounds before it do not lead"
cp -r 2 all
mv all/2/up/c.flt kept.c && status 4 "an upload that is not there yet is no lie" verify all
found "  but later steps cannot be told" "skipped${tab}all/4/plan.flt${tab}.*for want of the model that it begins at"
mv kept.c all/2/up/c.flt
after_other() {   # the plan of round 4 says that mean 1 made its model
    python "$top/tests/cli/lie.py" 4/plan.flt all/4/plan.flt "meta=after:x$(fl-info --get sum.set 1/mean.flt)" hub.key hub
}
after_other && status 3 "a plan that was signed after the mean of another round" verify all
found "  is named, with both sets" "refused${tab}all/4/plan.flt${tab}hub${tab}-${tab}$(fl-info --get sum.set 2/mean.flt)${tab}$(fl-info --get sum.set 1/mean.flt)${tab}says that its model came of another set"
cp 4/plan.flt all/4/
over_other() {   # round 4 over a model of the right round that was stepped by something else
    plan 4 m3.flt --after 2/mean.flt --velocity m3.flt.v && cp m2.flt.v v &&
        fl-apply -q --optimizer nesterov --lr 0.5 --momentum 0.7 -m m2.flt --state v -o other.flt 3/a.upd &&
        train other.flt 4 && params=$(fl-info --get base.params a.upd) &&
        python "$top/tests/cli/lie.py" 4/plan.flt lied "meta=base:x$(digest other.flt)" "meta=params:x$params" hub.key hub &&
        mv lied 4/plan.flt && send 4 other.flt && sum 2 && sum 3 && sum 4 && mkdir all && cp -r 1 2 3 4 all
}
cd lie || exit 1
check "a hub that signs a plan over another model" over_other
check "  which no round alone shows" fl-aggregate -q --verify -r roster.yaml 4
check "  nor all of them without a model" fl-aggregate -q --verify -r roster.yaml all
status 3 "  but with the first one" verify all
found "  is named, with both models" "refused${tab}all/4/plan.flt${tab}hub${tab}-${tab}$(digest ../m3.flt)${tab}$(digest other.flt)${tab}is over a model to which"
cd ..

# ---- a site may be late by a round, and its masks stay its own ----
fl-mask -q -k a.key -p 3/plan.flt -o again.flt 3/a.upd
check "an upload is made again, the same bytes" cmp again.flt 3/up/a.flt
status 3 "an update over the model of before is not masked for this round" \
    fl-mask -q -k a.key -p 4/plan.flt -o x.flt 3/a.upd

# ---- what a roster may say ----
bad() {   # "what" "words" LINES
    printf '%b\n' "$3" | roster 1 a b c >bad.yaml
    status 2 "$1" fl-keygen --show bad.yaml
    says "$2"
}
min_sum=3
bad "delay: 2" 'delay' 'delay: 2'
bad "delay: yes" 'delay' 'delay: yes'
helpers='a b'
bad "delay with helpers" 'with protection helpers rounds do not overlap' 'delay: 1'
helpers=
bad "stale under masks" 'stale: belongs to protection none; with pairwise an update is masked in a plan of its own' 'stale: 3'
finish
