#!/bin/sh
# Helpers' rounds: they open without those who drop out; a helper answers one set of a round, to the same
# bytes each time; every refusal of hub and helper.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/arrivals.sh"

updates() { python "$top/tests/cli/updates.py" "$@"; }
advance() {   # ROUND HELPER MODEL NEXT
    fl-unmask -q --advance -k "$2.key" -p "$1/plan.flt" -m "$3" -o "$4" "$1"
}
zeros=$(printf '00%.0s' $(seq 32))
rounds model model.flt 1 embed:60x9 norm:50 large:9001 || exit 1
rules='tensors: [{match: "norm", protect: plain, bits: 16, clip: 0.04}, {match: "*", protect: mask, bits: 21, clip: 0.04}]'
sites='a b c d e'
helpers='b +aux' min_sum=4

# ---- rounds in a row, another site missing in each (b, who helps, among them) ----
mkdir row && cp model.flt row/0.flt && cd row || exit 1
# shellcheck disable=SC2086
terms=$rules model=0.flt federation $sites || exit 1
before=0.flt
set --
round=0
for missing in e b a d c; do
    round=$((round + 1)) here=''
    for s in $sites; do [ $s = $missing ] || here="$here $s"; done
    plan $round $before "$@" || echo "# no plan"
    rounds train $before 1 0.01 a=a.$round b=b.$round c=c.$round d=d.$round e=e.$round
    uploads='' counted=''
    for s in $here; do
        check "round $round: $s may mask" fl-mask -k $s.key -p $round/plan.flt --check -m $before
        mask $round $s $s.$round
        uploads="$uploads $round/up/$s.flt" counted="$counted,$s=$s.$round"
    done
    # shellcheck disable=SC2086
    status 4 "  $missing is missing" fl-aggregate --check -p $round/plan.flt $uploads
    says "1 missing: $missing; run it again when they are here"
    # shellcheck disable=SC2086
    check "  the hub asks for the others" ask $round $here
    for h in b aux; do
        check "  $h is ready" fl-unmask --ready -k $h.key -p $round/plan.flt -o $h.ready $round/request.flt
        check "    without a word" test ! -s "$work/err"
        check "    and says so to anyone" fl-info --verify roster.yaml $h.ready
    done
    check "  both answer" answer $round aux b
    check "  the sum opens" open_sum $round
    echo "$round/plan.flt $round/mean.flt $round/sum.flt $round/answer/aux.flt,$round/answer/b.flt ${counted#,}" >table
    check "  to the sum of the integers" rounds exact table
    fl-apply -q -m $before -p $round/plan.flt -o $round.flt $round/mean.flt
    for h in b aux; do
        check "  $h follows" advance $round $h $before $h.flt
        check "    to the same model" cmp $h.flt $round.flt
    done
    before=$round.flt
    set -- --after $round/mean.flt
done
check "five rounds, another site missing in each" [ "$(fl-unmask -k aux.key --show | sed -n 's/^answers	//p')" = 5 ]
cd .. || exit 1

# The same with clips far beyond the updates: models are near, and who was in must stay.
mkdir near && cp model.flt near && cd near || exit 1
# shellcheck disable=SC2086
terms=$(echo "$rules" | sed 's/clip: 0.04/clip: 2/g') federation $sites || exit 1
plan 1 model.flt && rounds train model.flt 1 0.01 a=a.1 b=b.1 c=c.1 d=d.1 e=e.1 && for s in a b c d; do mask 1 $s $s.1; done
ask 1 a b c d && answer 1 aux b && open_sum 1 && fl-apply -q -m model.flt -p 1/plan.flt -o next.flt 1/mean.flt || exit 1
for h in b aux; do advance 1 $h model.flt $h.flt || exit 1; done
plan 2 next.flt --after 1/mean.flt && rounds train next.flt 1 0.01 a=a.2 b=b.2 c=c.2 d=d.2 e=e.2 && for s in a b c d e; do mask 2 $s $s.2; done
check "clips far beyond the updates: --explain says who must come" \
    sh -c 'fl-plan -r roster.yaml -k hub.key --round 2 -m next.flt --after 1/mean.flt --explain -o p2.flt | grep -qx "must_come	a,b,c,d"'
status 3 "  another set is refused by the hub" ask 2 b c d e
says 'with the sums over this or nearly this model that were made before, the sum of 1 site could be computed, "[ae]" among them; at least 4 must always be together: sum the same sites as before, or continue from a model that is further away'
rounds request 2/plan.flt 2/request.flt hub.key 2/up/b.flt 2/up/c.flt 2/up/d.flt 2/up/e.flt
for h in b aux; do
    cp $h.key.state/state kept
    status 3 "  and, if the hub lies, by $h" answer 2 $h
    says 'the sum of 1 site could be computed'
    check "    nothing is recorded" cmp kept $h.key.state/state
    status 3 "    --ready says so before" fl-unmask --ready -k $h.key -p 2/plan.flt 2/request.flt
done
rm -f 2/answer/*
check "  so: --fit takes the sites of before" fl-aggregate -k hub.key -p 2/plan.flt --fit \
    --request 2/request.flt -o 2/sum.flt 2/up/a.flt 2/up/b.flt 2/up/c.flt 2/up/d.flt 2/up/e.flt
says "fl-aggregate: left out, since the rule of sets does not allow them now: e"
check "  and it opens" answer 2 b aux
check "    to a mean" open_sum 2
check "    of these" [ "$(meta 2/mean.flt sum.sites)" = a,b,c,d ]
status 4 "--fit without one of them waits" fl-aggregate -q -k hub.key -p 2/plan.flt --fit \
    --request x.flt -o y.flt 2/up/a.flt 2/up/b.flt 2/up/c.flt 2/up/e.flt
says 'no set can be summed yet.*still missing: d'
check "  and writes nothing" [ ! -e x.flt -a ! -e y.flt ]
cd .. || exit 1

# ---- a round that was given up: one helper has answered, and answers no other set over this model ----
mkdir dead && cp model.flt dead && cd dead || exit 1
# shellcheck disable=SC2086
terms=$rules federation $sites || exit 1
rounds train model.flt 1 0.01 a=a.upd b=b.upd c=c.upd d=d.upd e=e.upd && plan 1 model.flt || exit 1
for s in a b c d e; do mask 1 $s $s.upd || exit 1; done
ask 1 a b c d && answer 1 aux || exit 1   # and b never does
check "a round that was given up, and another over its model" plan 2 model.flt
for s in a b c d e; do mask 2 $s $s.upd || exit 1; done
check "  --explain says who must come" \
    sh -c 'fl-plan -r roster.yaml -k hub.key --round 3 -m model.flt --explain -o p3.flt | grep -qx "must_come	a,b,c,d"'
fit() { fl-aggregate -k hub.key -p 2/plan.flt --fit --request 2/request.flt -o 2/sum.flt "$@"; }
status 4 "  --fit without one of them waits" fit 2/up/b.flt 2/up/c.flt 2/up/d.flt 2/up/e.flt
says 'summed or asked for over this.*still missing: a; if no helper answered what was asked for, give the files of a set without --fit$'
cp -a hub.key hub.before && cp -a hub.key.state hub.before.state
check "  who names the files may ask for others" ask 2 b c d e
status 3 "    and a helper that has answered refuses" answer 2 aux
rm -rf hub.key hub.key.state 2/answer/* && mv hub.before hub.key && mv hub.before.state hub.key.state
check "  --fit takes those that were asked for" fit 2/up/a.flt 2/up/b.flt 2/up/c.flt 2/up/d.flt 2/up/e.flt
says "left out, since the rule of sets does not allow them now: e"
check "  and both helpers answer" answer 2 b aux
check "  so that it opens" open_sum 2
cd .. || exit 1

# ---- one round, looked at closely ----
mkdir one && cp model.flt one && cd one || exit 1
# shellcheck disable=SC2086
terms=$rules federation $sites || exit 1
rounds train model.flt 1 0.01 a=a.upd b=b.upd c=c.upd d=d.upd e=e.upd
save() { for _s in b aux hub; do rm -rf "$1.$_s" && cp -a $_s.key.state "$1.$_s" && cp $_s.key "$1.$_s.key"; done; }
back() { for _s in b aux hub; do rm -rf $_s.key.state && cp -a "$1.$_s" $_s.key.state && cp "$1.$_s.key" $_s.key; done; }
plan 1 model.flt && mkdir copy && cp -a e.key e.key.state c.key c.key.state copy/
for s in $sites; do mask 1 $s $s.upd || exit 1; done
# e's key was copied: the copy masks the same update under another nonce
fl-mask -q -k copy/e.key -p 1/plan.flt -o e2.up e.upd
check "two copies of a state do not make the same upload" sh -c '! cmp -s e2.up 1/up/e.flt'
p() { fl-aggregate -p 1/plan.flt "$@"; }
request() { fl-aggregate -q -k hub.key -p 1/plan.flt "$@"; }
u=1/up
save fresh

# The hub asks.
status 2 "no key" p --request r.flt -o s.flt $u/a.flt
says '\--request needs -k KEY, the hub.s, and -o SUM, a file'
status 2 "no sum" p --request r.flt -k hub.key $u/a.flt
status 2 "a key and no request" p -k hub.key -o s.flt $u/a.flt
status 2 "--fit without a request" p --fit -o s.flt $u/a.flt
status 2 "a partial request" request --partial --request r.flt -o s.flt $u/a.flt
status 2 "--check of a request" request --check --request r.flt -o s.flt $u/a.flt
status 2 "a request without a plan" fl-aggregate -k hub.key --request r.flt -o s.flt $u/a.flt
says 'belong to -p PLAN'
status 4 "too few" request --request r.flt -o s.flt $u/a.flt $u/b.flt $u/c.flt
says "2 of 5 uploads missing: d, e; the roster's min_sum is not reached yet"
status 4 "  with --fit too" request --fit --request r.flt -o s.flt $u/a.flt $u/b.flt $u/c.flt
says 'of the 3 sites that are here no set can be summed yet.*still missing: d, e'
status 2 "--fit reads twice" request --fit --request r.flt -o s.flt <$u/a.flt
says '\--fit reads its files twice'
status 3 "a site's key asks nobody" fl-aggregate -q -k c.key -p 1/plan.flt --request r.flt -o s.flt $u/a.flt $u/b.flt $u/c.flt $u/d.flt
says "c.key: is not the key of the roster's hub"
request --partial -o part.flt $u/a.flt $u/b.flt 2>err
p -q --partial -o part.flt $u/a.flt $u/b.flt
status 2 "a sum shows no uploads" request --request r.flt -o s.flt part.flt $u/c.flt $u/d.flt
says 'part.flt: is a sum; a request shows each upload, so give the uploads themselves'
status 3 "two uploads of one site" request --request r.flt -o s.flt $u/a.flt $u/b.flt $u/c.flt $u/e.flt e2.up
says 'e2.up: the upload of "e" is there already; a site counts once'
check "nothing is written by these" [ ! -e r.flt -a ! -e s.flt ]
check "  nor recorded" cmp hub.key.state/state fresh.hub/state
check "the hub asks" ask 1 a b c e
cp 1/request.flt abce.flt && cp 1/sum.flt abce.sum
check "again" ask 1 e c b a
check "  is the same request" cmp abce.flt 1/request.flt
check "  and the same sum" cmp abce.sum 1/sum.flt
check "a missing file is only not in" request --request r.flt -o s.flt $u/nobody.flt $u/a.flt $u/b.flt $u/c.flt $u/e.flt
check "  the request is the same" cmp r.flt abce.flt
table 4 "what has come, and who is missing" "$u/a.flt|a|good|-
$u/e.flt|e|good|-
-|b|missing|-
-|c|missing|-
-|d|missing|-" -p 1/plan.flt $u/a.flt $u/e.flt
says '3 missing: b, c, d; run it again'
rounds forge $u/d.flt d.bad d.key 3 "sid=b$zeros"
table 3 "  a refused one before a missing one" "d.bad|d|bad|was made for another plan
$u/a.flt|a|good|-
-|b|missing|-
-|c|missing|-
-|e|missing|-" -p 1/plan.flt d.bad $u/a.flt

# A helper answers one set.
unmask() { fl-unmask -q -k aux.key -p 1/plan.flt "$@"; }
ask 1 a b c d && mv 1/request.flt abcd.flt && mv 1/sum.flt abcd.sum
rounds request 1/plan.flt abce2.flt hub.key $u/a.flt $u/b.flt $u/c.flt e2.up
check "--ready to one set" unmask --ready -o r1 abcd.flt
check "  and to another: it records nothing" unmask --ready -o r2 abce.flt
check "    (the state is what it was)" cmp aux.key.state/state fresh.aux/state
check "the answer" unmask -o ans abce.flt
cp aux.key.state/state kept
check "again" unmask -o ans2 abce.flt
check "  the same bytes" cmp ans ans2
unmask -j 1 - <abce.flt >ans2
check "  from a pipe, to a pipe" cmp ans ans2
check "  the state stays" cmp kept aux.key.state/state
check "ready for it still" unmask --ready -o r3 abce.flt
for other in abcd abce2; do
    status 3 "another set: $other" unmask -o x $other.flt
    says 'round 1 was answered for another set of sites; a second answer would show the difference of two sums'
    check "  nothing is written" [ ! -e x ]
    check "  nor recorded" cmp kept aux.key.state/state
    status 3 "  --ready says so too" unmask --ready -o x $other.flt
done
ask 1 a b c d e && mv 1/request.flt all.flt
status 3 "a larger set as little" unmask -o x all.flt
check "  the keys of the round are gone" sh -c '! grep -q "^open 1 " aux.key.state/state'
printf damaged | dd of="$(find aux.key.state -name 'answer-*')" bs=1 seek=9000 conv=notrunc 2>/dev/null
status 1 "a kept answer that was changed" unmask -o x abce.flt
says 'it cannot be made again: the round is dead; the hub plans another over the same model'
rm aux.key.state/answer-*
status 1 "  or removed" unmask -o x abce.flt
says 'the round is dead'
back fresh

# What a helper refuses, and records nothing of.
refuses() {   # STATUS "what" "words" REQUEST: aux
    status "$1" "$2" unmask -o x "$4"
    says "$3"
    check "  nothing is written or recorded" sh -c '[ ! -e x ] && cmp -s aux.key.state/state fresh.aux/state'
}
hub() { _out=$1; shift; rounds request 1/plan.flt "$_out" hub.key "$@"; }
hub same.flt $u/a.flt $u/b.flt $u/c.flt $u/e.flt
check "  (what follows is made as well as this)" cmp same.flt abce.flt
hub few.flt $u/a.flt $u/b.flt $u/c.flt
refuses 3 "fewer than min_sum" "is for 3 sites; the roster's min_sum is 4" few.flt
hub twice.flt $u/a.flt $u/b.flt $u/c.flt $u/e.flt e2.up
refuses 1 "a site twice" 'its sites do not ascend' twice.flt
hub unsorted.flt $u/b.flt $u/a.flt $u/c.flt $u/e.flt
refuses 1 "sites that do not ascend" 'its sites do not ascend' unsorted.flt
rounds request 1/plan.flt a.req a.key $u/a.flt $u/b.flt $u/c.flt $u/e.flt
refuses 3 "a request that the hub did not sign" 'a.req: .*not its own' a.req
rounds request 1/plan.flt a.req a.key $u/a.flt $u/b.flt $u/c.flt $u/e.flt signer=0
refuses 3 "  but a site" 'a.req: is not signed by the hub; ask for a copy that is' a.req
head -c $(($(stat -c %s abce.flt) - 256)) abce.flt >bare.req
refuses 3 "one without a signature" 'bare.req: is not signed by the hub' bare.req
for lie in "sid=b$zeros|is for another plan" "roster=b$zeros|is for another roster" "params=b$zeros|is for another model" \
    'round=i2|is for another round' "set=b$zeros|set" 'colour=tred|says more or less than a request'; do
    hub lie.req $u/a.flt $u/b.flt $u/c.flt $u/e.flt "${lie%%|*}"
    refuses 3 "a request whose ${lie%%=*} is another's" "lie.req: .*${lie#*|}" lie.req
done
rounds forge $u/e.flt e3.up e.key 4 "sid=b$zeros"
hub lie.req $u/a.flt $u/b.flt $u/c.flt e3.up
refuses 3 "an upload of another session" 'another plan' lie.req
rounds forge $u/e.flt e3.up d.key 4
hub lie.req $u/a.flt $u/b.flt $u/c.flt e3.up
refuses 3 "an upload that its site did not sign" 'shows an upload that "e" did not sign' lie.req
rounds forge $u/e.flt e3.up e.key 4 site.index=i3 site=td
hub lie.req $u/a.flt $u/b.flt $u/c.flt e3.up
refuses 3 "an upload in another's place" 'did not sign' lie.req
rounds forge $u/e.flt e3.up e.key 4 tag=1
hub tag.req $u/a.flt $u/b.flt $u/c.flt e3.up
refuses 1 "a tag that is not its own" "the tag of 1 site, \"e\" among them, is not this helper's own; fl-unmask --ready tells the hub, which asks again without" tag.req
check "  --ready names it and exits 0" fl-unmask --ready -k aux.key -p 1/plan.flt -o x tag.req
says "the tag of \"e\" is not this helper's own"
check "    in the signed object" secagg ready 1/plan.flt tag.req x aux.key e
check "  the other helper is ready" fl-unmask -q --ready -k b.key -p 1/plan.flt -o y tag.req
check "  so: the hub asks without it" ask 1 a b c d
check "    both answer" answer 1 b aux
check "    and it opens" open_sum 1
back fresh && rm -f 1/answer/* x y
rounds forge 1/plan.flt forged.flt hub.key hub "params=b$zeros"
status 3 "a plan whose hub lies about the model" fl-unmask -q -k aux.key -p forged.flt -o x abce.flt
rounds forge 1/plan.flt forged.flt a.key hub
status 3 "a plan that somebody else signed" fl-unmask -q -k aux.key -p forged.flt -o x abce.flt
status 3 "a site that is no helper" fl-unmask -q -k a.key -p 1/plan.flt -o x abce.flt
says 'a.key: "a" is no helper in the roster that it accepted'
status 3 "the hub" fl-unmask -q -k hub.key -p 1/plan.flt -o x abce.flt
says 'no helper'
status 3 "a key without a roster" fl-unmask -q -k a.old -p 1/plan.flt -o x abce.flt
status 1 "an upload as the request" fl-unmask -q -k aux.key -p 1/plan.flt -o x $u/a.flt
head -c 500 abce.flt >cut.req
status 1 "a cut request" fl-unmask -q -k aux.key -p 1/plan.flt -o x cut.req
status 2 "no request" fl-unmask -q -k aux.key -p 1/plan.flt
says 'the request is missing; the hub made it'
status 2 "no plan" fl-unmask -q -k aux.key abce.flt
status 2 "no key" fl-unmask -q -p 1/plan.flt abce.flt
status 2 "two things at once" fl-unmask -q -k aux.key --ready --show
status 2 "binary to a terminal" on_terminal fl-unmask -q -k aux.key -p 1/plan.flt abce.flt
status 2 "no seed" fl-unmask -q -k aux.key -p 1/plan.flt --seed 1 abce.flt
check "after all these it answers" unmask -o ans2 abce.flt
check "  to the same bytes" cmp ans ans2
back fresh
# The helper that is a site knows which upload is its own.
cp -a b.key.state gone && cp b.key gone.key
rounds forge $u/b.flt b3.up b.key 1 ctr=i1 "nonce=b$zeros"
hub lie.req $u/a.flt b3.up $u/c.flt $u/e.flt
status 3 "a helper is shown another upload of its own" fl-unmask -q -k b.key -p 1/plan.flt -o x lie.req
says 'shows an upload of "b" that its state does not know; a copy of the key is in use: make a new key for the next epoch'
ask 1 a c d e && check "  and may be shown none" fl-unmask -q -k b.key -p 1/plan.flt -o x 1/request.flt
back fresh

# The hub opens.
ask 1 a b c e && answer 1 aux b || exit 1
opens() {   # STATUS "what" "words" args...
    _status=$1 _about=$2 _words=$3
    shift 3
    rm -f x.flt
    status "$_status" "$_about" p -q -o x.flt "$@"
    says "$_words"
    check "  nothing is written" [ ! -e x.flt ]
}
s=1/sum.flt ra=1/answer/aux.flt rb=1/answer/b.flt
opens 4 "no answer" 'the answer of helper "b" is missing; the sum opens when all 2 helpers have answered' $s
opens 4 "one answer" 'the answer of helper "aux" is missing' $s $rb
opens 3 "an answer twice" 'the answer of "b" is there already' $s $rb $rb
opens 3 "a sum of another set" 'the answer of "b" is for another set of uploads than these 4; give the sum that was made with its request' abcd.sum $ra $rb
opens 3 "  or of more" 'is for another set of uploads than these 5' $s $u/d.flt $ra $rb
opens 4 "answers alone" '5 of 5 uploads missing' $ra $rb
rounds forge $ra wrong aux.key 5 "set=b$zeros"
opens 3 "an answer for another set" 'the answer of "aux" is for another set' $s wrong $rb
rounds forge $ra wrong b.key 1
opens 3 "an answer that another signed" 'not its own\|not signed by "aux"' $s wrong $rb
rounds forge $ra wrong b.key 1 party=i1 helper=tb
opens 3 "an answer in another's place" 'the answer of "b" is there already' $s wrong $rb
rounds forge $ra wrong aux.key 5 "sid=b$zeros"
opens 3 "an answer of another session" 'another plan' $s wrong $rb
rounds forge $ra wrong aux.key 5 large:7:0x100000
opens 1 "a wrong answer" "\"large\": the opened sum is out of the plan's range: an upload or an answer was not made by the plan, and masks do not show which" $s wrong $rb
rounds forge $ra wrong aux.key 5 sum.weight:0:1
opens 1 "  in its weight" 'summed weight' $s wrong $rb
opens 1 "a ready" 'r1: is of kind "ready"' $s r1 $rb
check "anybody opens, without a key" p -q -o m1.flt $s $rb $ra
check "  from uploads" p -q -o m2.flt $ra $u/c.flt $u/a.flt $rb $u/e.flt $u/b.flt
check "    the same" cmp m1.flt m2.flt
check "  from answers in one pipe" sh -c 'cat 1/answer/*.flt 1/sum.flt | fl-aggregate -q -p 1/plan.flt >m2.flt && cmp m1.flt m2.flt'
opens 3 "a late upload opens with nothing" 'for another set of uploads than these 5' $s $ra $rb $u/d.flt

# ---- a helper follows the chain ----
check "(the mean)" open_sum 1
fl-apply -q -m model.flt -p 1/plan.flt -o next.flt 1/mean.flt
plan 2 next.flt --after 1/mean.flt && rounds train next.flt 1 0.01 a=a.2 b=b.2 c=c.2 d=d.2 e=e.2 || exit 1
for w in a b c d e; do mask 2 $w $w.2 || exit 1; done
ask 2 a b c d || exit 1
status 3 "a model that it has not come to" fl-unmask -q -k aux.key -p 2/plan.flt -o x 2/request.flt
says 'the plan is over another model than the one that this helper has come to; follow the rounds with fl-unmask --advance'
adv() { fl-unmask -q --advance -k aux.key -p 1/plan.flt "$@"; }
status 2 "no model" adv -o n.flt 1
says '\--advance needs -m MODEL and -o NEXT, a file'
status 2 "no output" adv -m model.flt 1
status 2 "no folder" adv -m model.flt -o n.flt
says 'the folder of the round is missing'
status 2 "a velocity that the roster has not" adv -m model.flt --velocity v.flt -o n.flt 1
says "the roster's step has no velocity; leave out --velocity"
status 3 "another model" adv -m next.flt -o n.flt 1
status 1 "a folder that is not there" adv -m model.flt -o n.flt nowhere
for f in request.flt up/c.flt answer/b.flt; do
    mv 1/$f away
    status 4 "$f has not come" adv -m model.flt -o n.flt 1
    mv away 1/$f
done
mv $u/c.flt away && rounds forge away $u/c.flt c.key 2 "next=t$(cat c.pub)"
status 3 "an upload that is not the one that it answered for" adv -m model.flt -o n.flt 1
says 'up/c.flt: is not the upload that the request shows'
mv away $u/c.flt
mv $rb away && rounds forge away $rb b.key 1 large:7:0x100000
status 1 "another helper's wrong answer" adv -m model.flt -o n.flt 1
mv away $rb
check "nothing is written by these" [ ! -e n.flt ]
status 3 "a round that it did not answer" fl-unmask -q --advance -k aux.key -p 2/plan.flt -m next.flt -o n.flt 2
says 'round 2 was not answered by "aux"; it follows only the sums that it helped to open'
check "it follows" adv -m model.flt -o n.flt 1
check "  to the model that fl-apply made" cmp n.flt next.flt
check "  again: it has" adv -m model.flt -o n.flt 1
check "  and answers over it" fl-unmask -q -k aux.key -p 2/plan.flt -o 2/answer/aux.flt 2/request.flt
check "an answer over the model of before can be sent again" sh -c 'fl-unmask -q -k aux.key -p 1/plan.flt abce.flt | cmp - 1/answer/aux.flt'
show() { fl-unmask -k aux.key --show | sed -n "s/^$1	//p"; }
check "--show" [ "$(show federation) $(show epoch) $(show next_round) $(show answers) $(show open_rounds)" = "demo 1 3 2 " ]
check "  the model that it has come to" [ "$(show model)" = "$(digest next.flt)" ]

# ---- a round that is given up ----
plan 3 next.flt --after 1/mean.flt && plan 4 next.flt --after 1/mean.flt || exit 1
for w in a b c d; do mask 3 $w $w.2 && mask 4 $w $w.2 || exit 1; done
check "(a round that is asked for)" ask 3 a b c d
check "closing it" fl-unmask -k aux.key --close 3
status 3 "  it is not answered" answer 3 aux
says 'round 3 is over for this helper: its keys were wiped'
status 1 "  nor closed again" fl-unmask -k aux.key --close 3
says 'round 3 is not open at this helper: it was answered, closed, or is too old; nothing is wiped'
status 1 "a round that was answered" fl-unmask -k aux.key --close 2
status 3 "a round far away" fl-unmask -k aux.key --close 9000
says 'is too far'
check "another over the same model goes on" ask 4 a b c d
check "  and is answered" answer 4 aux
cd .. || exit 1

# ---- replay: a helper takes what all of these have signed for ----
mkdir replay && cp model.flt replay && cd replay || exit 1
# shellcheck disable=SC2086
terms="replay: [c, aux]
apply: {rule: nesterov, lr: 0.7, momentum: 0.9}
$rules" federation $sites || exit 1
rounds train model.flt 1 0.01 a=a.upd b=b.upd c=c.upd d=d.upd e=e.upd
plan 1 model.flt && for w in a b c d e; do mask 1 $w $w.upd || exit 1; done
ask 1 a b c e && answer 1 aux b && open_sum 1 || exit 1
fl-apply -q -m model.flt -p 1/plan.flt --state v.flt -o next.flt 1/mean.flt || exit 1
mkdir 1/opened light && cp 1/request.flt 1/mean.flt light && mkdir light/opened
what=$(fl-info --json 1/mean.flt | python -c 'import json, sys
print([r["value"] for r in map(json.loads, sys.stdin) if r.get("name") == "sum.set"][0])')
opened() { rounds opened 1/plan.flt "$1" "$2" model.flt "$3" v.flt "$what" "light/opened/$1.flt"; }
follow() { fl-unmask -q --advance -k b.key -p 1/plan.flt -m model.flt --velocity b.v -o b.flt light; }
status 2 "a step with a velocity wants its file" fl-unmask -q --advance -k b.key -p 1/plan.flt -m model.flt -o b.flt light
says "the roster's step has a velocity; name its file with --velocity"
opened c c.key next.flt
status 4 "one of two has signed: the files themselves are needed" follow
opened aux c.key next.flt
status 3 "the other's signature by the first one's key" follow
rounds model wrong.flt 7 embed:60x9 norm:50 large:9001 && opened aux aux.key wrong.flt
status 3 "both signed, for different results" follow
says '"aux" signed for another result than "c"; somebody computed or copied wrongly'
opened c c.key wrong.flt
status 3 "both signed for what the mean does not lead to" follow
says 'mean.flt: does not lead to the model that was signed for; fetch the mean again'
check "  the helper stays where it was" [ "$(fl-unmask -k b.key --show | sed -n 's/^model	//p')" = "$(digest model.flt)" ]
check "  and leaves nothing" [ ! -e b.v -a ! -e b.flt ]
opened c c.key next.flt && opened aux aux.key next.flt
updates edit light/mean.flt other.flt 'large[1]=0.01' && mv light/mean.flt true.flt && mv other.flt light/mean.flt
status 3 "a mean that was changed on its way" follow
says 'mean.flt: does not lead to the model that was signed for; fetch the mean again'
check "  so: it is fetched again; no velocity was replaced" mv true.flt light/mean.flt
check "both signed for one result: the mean is enough" follow
check "  the same model" cmp b.flt next.flt
check "  the same velocity" cmp b.v v.flt
cd .. || exit 1
finish
