#!/bin/sh
# Old copies of keys and states, keys that are lost for good, and what can be told from a hub's messages.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"

updates() { python "$top/tests/cli/updates.py" "$@"; }
rounds model model.flt 1 embed:60x9 norm:50 large:9001 || exit 1
rounds train model.flt 1 0.01 a=a.1 b=b.1 c=c.1 d=d.1 || exit 1
rules='tensors: [{match: "norm", protect: plain, bits: 16, clip: 0.04}, {match: "*", protect: mask, bits: 32, clip: 0.04}]'
as_was() {   # TO NAME...: the party as it is now
    mkdir -p "$1" && _to=$1 && shift || return
    for _n in "$@"; do cp -a "$_n.key" "$_n.key.state" "$_to" || return; done
}
unchanged() {   # FOLDER NAME: nothing was written
    cmp -s "$1/$2.key" "$2.key" && cmp -s "$1/$2.key.state/state" "$2.key.state/state"
}
helpers='b +aux' min_sum=3 terms=$rules
federation a b c d && as_was before hub && plan 1 model.flt || exit 1
as_was before a aux b
for s in a b c d; do mask 1 $s $s.1 || exit 1; done
ask 1 a b c d && answer 1 aux b && open_sum 1 && fl-apply -q -m model.flt -p 1/plan.flt -o next.flt 1/mean.flt || exit 1
for h in b aux; do fl-unmask -q --advance -k $h.key -p 1/plan.flt -m model.flt -o $h.next 1 || exit 1; done
rounds train next.flt 1 0.01 a=a.2 b=b.2 c=c.2 d=d.2 || exit 1
as_was after a aux

# ---- a state of before: the key counts more ----
state_of() { rm -rf "$1.key.state" && cp -a "before/$1.key.state" .; }
state_of a
status 3 "a site's state of before" fl-mask -q -k a.key -p 1/plan.flt -o x a.2
says 'a.key.state: is an old copy of the state, which has forgotten uploads; name that of "a" with --state DIR, or if it is lost, make a new key for the next epoch: without it a round might be masked twice'
status 3 "  in --check" fl-mask -k a.key -p 1/plan.flt --check -m model.flt
status 3 "  it accepts no roster" fl-keygen --accept roster.yaml -k a.key --words roster.yaml.words
check "  so: --state DIR" fl-mask -q -k a.key --state after/a.key.state -p 1/plan.flt -o x a.1
check "    the same upload" cmp x 1/up/a.flt
rm -rf a.key.state && cp -a after/a.key.state .
state_of aux
status 3 "a helper's state of before" fl-unmask -q -k aux.key -p 1/plan.flt -o x 1/request.flt
says 'aux.key.state: is an old copy of the state, which has forgotten answers'
status 3 "  --show" fl-unmask -k aux.key --show
status 3 "  --close" fl-unmask -k aux.key --close 2
rm -rf aux.key.state && cp -a after/aux.key.state .
state_of b
status 3 "of who is both" fl-unmask -q -k b.key -p 1/plan.flt -o x 1/request.flt
says 'which has forgotten uploads'

# ---- key and state of before, from one backup: the plan has counted more ----
fl-plan -q -r roster.yaml -k hub.key --round 2 -m next.flt --after 1/mean.flt -o p2.flt || exit 1
plan 2 next.flt --after 1/mean.flt
cp before/a.key . && state_of a
status 3 "a site's backup: before training" fl-mask -k a.key -p 2/plan.flt --check -m next.flt
says 'the hub has counted upload 1 of this key, and its state knows of 0: it is an old copy, or another copy is in use; make a new key for the next epoch'
status 3 "  and after it" fl-mask -q -k a.key -p 2/plan.flt -o x a.2
check "  nothing is written" unchanged before a
# It made another upload of the round before.
fl-mask -q -k a.key -p 1/plan.flt -o a1.up a.1
as_was twice a
status 3 "  it masked the round again, which no plan could tell it" fl-mask -k a.key -p 2/plan.flt --check -m next.flt
says 'the hub has counted another upload 1 of this key than its state knows: a copy of the key is in use; make a new key for the next epoch'
check "  nothing is written" unchanged twice a
status 3 "  the hub sees it beside the other" fl-aggregate -q -p 1/plan.flt --partial -o x 1/up/a.flt a1.up
says 'a1.up: the upload of "a" is there already; a site counts once'
cp after/a.key . && rm -rf a.key.state && cp -a after/a.key.state .
check "the true key goes on" fl-mask -k a.key -p 2/plan.flt --check -m next.flt
cp before/aux.key . && state_of aux
status 3 "a helper's backup" fl-unmask -q -k aux.key -p 2/plan.flt -o x 1/request.flt
cp after/aux.key . && rm -rf aux.key.state && cp -a after/aux.key.state .
cp before/b.key . && state_of b
for s in a c d; do mask 2 $s $s.2 || exit 1; done
status 3 "the backup of who is site and helper: as a site" fl-mask -k b.key -p 2/plan.flt --check -m next.flt
ask 2 a c d
status 3 "  and as a helper" fl-unmask -q -k b.key -p 2/plan.flt -o x 2/request.flt
says 'the hub has counted answer 1 of this key, and its state knows of 0'
status 3 "  --ready too" fl-unmask -q --ready -k b.key -p 2/plan.flt -o x 2/request.flt
check "  nothing is written" unchanged before b
check "the helper that is whole answers" answer 2 aux

# ---- the hub's backup ----
cp before/hub.key . && state_of hub
status 3 "a hub of before plans a round again: whoever masked it refuses" sh -c '
    fl-plan -q -r roster.yaml -k hub.key --round 1 -m model.flt --deadline 2131-01-01T00:00:00Z -o again.flt &&
    fl-mask -q -k c.key -p again.flt -o x c.1'
says 'round 1 was masked for another plan of it; two plans of one round are the hub.s mistake or its lie'
check "  and whoever answered it" sh -c 'cp 1/request.flt r; fl-unmask -q -k aux.key -p again.flt -o x r; [ $? = 3 ]'

# ---- lost for good: the way out, to its end ----
mkdir lost && cp model.flt ./?.1 lost && cd lost || exit 1
federation a b c d && plan 1 model.flt || exit 1
for s in a b c d; do mask 1 $s $s.1 || exit 1; done
ask 1 a b c d && answer 1 b || exit 1
rm -rf aux.key.state   # the disk is gone, and with it whatever would open the round
status 3 "a helper without its state" answer 1 aux
says 'name that of "aux" with --state DIR, or if it is lost, make a new key for the next epoch'
status 4 "the round stays closed" fl-aggregate -q -p 1/plan.flt -o x 1/sum.flt 1/answer/b.flt
says 'the answer of helper "aux" is missing'
cp roster.yaml first.yaml && cp roster.yaml.words first.words
rm -f aux.key && fl-keygen -n aux -o aux.key --epoch 2 >aux.pub && cp aux.key aux.old || exit 1
for s in a b c d; do fl-keygen --public -k $s.key >$s.pub; done
rounds model fresh.flt 2 embed:60x9 norm:50 large:9001
rounds train fresh.flt 1 0.01 a=a.2 b=b.2 c=c.2 d=d.2
printf '%s\n' "$terms" | model=fresh.flt roster 2 a b c d >roster.yaml && words roster.yaml >words
status 2 "a helper that never saw the model that it answered over would hold it near to every other" \
    fl-keygen --accept roster.yaml -k b.key --words words
says '"b" has answered over the model of epoch 1 and never seen it, .*; accept the roster of that epoch once more with -m MODEL, its model, and then this one'
status 3 "  it is shown another" fl-keygen --accept first.yaml -k b.key --words first.words -m fresh.flt
check "  so: it is shown that one" fl-keygen --accept first.yaml -k b.key --words first.words -m model.flt
status 2 "  and the new one" fl-keygen --accept roster.yaml -k b.key --words words
says 'm MODEL'
check "  so" fl-keygen --accept roster.yaml -k b.key --words words -m fresh.flt
for s in hub a c d aux; do fl-keygen --accept roster.yaml -k $s.key --words words >shown || exit 1; done
check "the next epoch is planned over another model" plan 2 fresh.flt
for s in a b d; do check "  $s masks" mask 2 $s $s.2; done
check "  asked" ask 2 a b d
check "  answered" answer 2 b aux
check "  open" open_sum 2
echo "2/plan.flt 2/mean.flt 2/sum.flt 2/answer/aux.flt,2/answer/b.flt a=a.2,b=b.2,d=d.2" >table
check "  to the integers" rounds exact table
cd .. || exit 1
# A site of a pairwise round that is gone: nobody can open it, and the others go on with whoever is left.
mkdir pair && cp model.flt ./?.1 lost/fresh.flt lost/?.2 pair && cd pair || exit 1
helpers='' min_sum=''
federation a b c d && plan 1 model.flt || exit 1
for s in a b c; do mask 1 $s $s.1 || exit 1; done
rm -rf d.key d.key.state
status 4 "a pairwise round without one site" fl-aggregate -q -p 1/plan.flt -o x 1/up/a.flt 1/up/b.flt 1/up/c.flt
for s in a b c; do fl-keygen --public -k $s.key >$s.pub; done
printf '%s\n' "$terms" | roster 2 a b c >same.yaml && words same.yaml >same.words
cp -a hub.key h.key && cp -a hub.key.state h.key.state && cp -a a.key.state x.key.state && cp a.key x.key
fl-keygen --accept same.yaml -k h.key --words same.words >shown && fl-keygen --accept same.yaml -k x.key --words same.words >shown
fl-plan -q -r same.yaml -k h.key --round 0 -m model.flt -o p.flt
status 3 "three of four over the model of before: the sums could be subtracted" fl-mask -q -k x.key -p p.flt -o x a.1
says 'updates of this model were masked in epoch 1; the sums of two rosters over one model could be subtracted: begin the epoch with another model'
printf '%s\n' "$terms" | model=fresh.flt roster 2 a b c >roster.yaml && accept roster.yaml hub a b c || exit 1
check "  so: over another" plan 2 fresh.flt
for s in a b c; do mask 2 $s $s.2 || exit 1; done
check "  it opens" fl-aggregate -q -p 2/plan.flt -o 2/mean.flt 2/up/a.flt 2/up/b.flt 2/up/c.flt
echo "2/plan.flt 2/mean.flt - - a=a.2,b=b.2,c=c.2" >table
check "  to the integers" rounds exact table
cd .. || exit 1

# ---- nothing of one site's update can be told from what the hub's programs and helpers say ----
mkdir odd few && rounds model few/model.flt 1 embed:30x9 norm:50 large:99 && rounds odd few/model.flt odd &&
    rounds train few/model.flt 1 0.01 a=few/a.1 b=few/b.1 c=few/c.1 || exit 1
hub_says() {   # FILE: all of a round but the numbers, with a's upload in UP
    {
        fl-aggregate --check -p 1/plan.flt up.flt 1/up/b.flt 1/up/c.flt
        echo "check: $?, $(wc -c <up.flt) bytes"
        case $kind in
        helpers)
            fl-aggregate -k hub.key -p 1/plan.flt --request r.flt -o s.flt up.flt 1/up/b.flt 1/up/c.flt
            echo "request: $?, $(wc -c <r.flt) and $(wc -c <s.flt) bytes"
            for h in aux b; do
                fl-unmask --ready -k $h.key -p 1/plan.flt -o $h.ready r.flt
                echo "ready: $?, $(wc -c <$h.ready) bytes"
                fl-unmask -k $h.key -p 1/plan.flt -o $h.ans r.flt
                echo "answer: $?, $(wc -c <$h.ans) bytes"
            done
            fl-aggregate -p 1/plan.flt -o m.flt s.flt aux.ans b.ans
            ;;
        *) fl-aggregate -p 1/plan.flt -o m.flt up.flt 1/up/b.flt 1/up/c.flt ;;
        esac
        echo "mean: $?, $(wc -c <m.flt) bytes"
    } >"$1" 2>&1
}
for kind in pairwise helpers; do
    case $kind in pairwise) rules_of='uniform loss' ;; *) rules_of='examples dynamic' ;; esac
    for rule in $rules_of; do
        mkdir -p $kind/$rule && cp few/* $kind/$rule && cd $kind/$rule || exit 1
        case $rule in uniform) weights= ;; *) weights=', floor: 0.5, cap: 1' ;; esac
        case $kind in helpers) helpers='b +aux' min_sum=3 ;; *) helpers='' min_sum='' ;; esac
        terms="weights: {rule: $rule$weights}
$rules" federation a b c || exit 1
        plan 1 model.flt && mask 1 b b.1 && mask 1 c c.1 || exit 1
        parties="hub a b"
        [ $kind = pairwise ] || parties="$parties aux"
        # shellcheck disable=SC2086
        as_was start $parties
        tried=0 wrong=0
        for u in ../../odd/*.upd; do
            for n in $parties; do rm -rf $n.key.state && cp start/$n.key . && cp -a start/$n.key.state . || exit 1; done
            fl-mask -q -k a.key -p 1/plan.flt -o up.flt "$u" || echo "# $u"
            hub_says said
            [ -e usual ] || cp said usual
            cmp -s said usual || { wrong=$((wrong + 1)) && echo "# $u: $(diff usual said | head -n 2 | tr '\n' ' ')"; }
            tried=$((tried + 1))
        done
        check "$kind, weights by $rule: all programs say the same of $tried updates" [ $wrong = 0 ]
        check "  (a mean)" grep -q '^mean: 0, [1-9]' usual
        check "  (updates enough)" [ $tried -ge 35 ]
        # Nonsense spoils the sum, and nothing tells whose it is, what it was, or by how much.
        for n in $parties; do rm -rf $n.key.state && cp start/$n.key . && cp -a start/$n.key.state . || exit 1; done
        mask 1 a a.1 && rm -f usual.bad
        wrong=0
        for lie in a:0:0x80000000 c:2:0x80000000 a:0:0x8000000000000000 c:2:0x8000000080000000; do
            site=${lie%%:*} index=${lie#*:}
            index=${index%%:*}
            # shellcheck disable=SC2046 # many words: of some of them the sum leaves the range for sure
            rounds forge 1/up/$site.flt bad.flt $site.key "$index" $(seq -f "large:%.0f:${lie##*:}" 0 40)
            set --
            for s in a b c; do
                case $s in "$site") set -- "$@" bad.flt ;; *) set -- "$@" 1/up/$s.flt ;; esac
            done
            if [ $kind = helpers ]; then
                for n in hub b aux; do rm -rf $n.key.state && cp start/$n.key . && cp -a start/$n.key.state . || exit 1; done
                mkdir -p 1/answer && fl-aggregate -q -k hub.key -p 1/plan.flt --request 1/request.flt -o s.flt "$@" &&
                    answer 1 aux b || echo "# $lie: not answered"
                set -- s.flt 1/answer/aux.flt 1/answer/b.flt
            fi
            fl-aggregate -p 1/plan.flt -o x.flt "$@" >bad.said 2>&1
            echo "exit $?" >>bad.said
            [ -e usual.bad ] || cp bad.said usual.bad
            cmp -s bad.said usual.bad || { wrong=$((wrong + 1)) && echo "# $lie: $(cat bad.said)"; }
        done
        check "  nonsense is not told apart" [ $wrong = 0 ]
        check "    it is found" grep -q '^fl-aggregate: tensor "large": the opened sum is out of the plan.s range: an upload or an answer was not made by the plan, and masks do not show which$' usual.bad
        cd ../.. || exit 1
    done
done
finish
