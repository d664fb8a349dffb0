#!/bin/sh
# A program of a masked round that is killed, or fails, at any of its calls that write: the same command
# then ends well, and nothing that left is ever said a second time in another way.
# shellcheck disable=SC2154 # variables of lib.sh
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/crash.sh"

if ! can_trace; then
    skip "crashes" "strace cannot trace here"
    finish
fi
updates() { python "$top/tests/cli/updates.py" "$@"; }
rounds model model.flt 1 embed:600x9 norm:50 || exit 1   # more than a piece of a spool
rounds train model.flt 1 0.01 a=a.upd b=b.upd c=c.upd d=d.upd || exit 1
updates edit a.upd other.upd 'norm[3]=0.015625' || exit 1
fl-apply -q -m model.flt -o trained.flt a.upd && fl-diff -q -b model.flt -o raw.upd trained.flt &&
    fl-diff -q -z -b model.flt -o packed.upd trained.flt || exit 1
terms='apply: {rule: momentum, lr: 0.5, momentum: 0.9}
tensors: [{match: "*", protect: mask, bits: 32, clip: 0.04}]'

# ---- fl-mask: nothing leaves that a second update could be held against ----
for kind in pairwise helpers; do
    mkdir $kind && cp model.flt ./*.upd $kind && cd $kind || exit 1
    case $kind in helpers) helpers='b +aux' min_sum=3 ;; *) helpers='' min_sum='' ;; esac
    federation a b c d && plan 1 model.flt || exit 1
    keep fresh a
    mask_a() { fl-mask -q -j 1 -k a.key -p 1/plan.flt "$1"; }
    again() { mask_a a.upd; }
    judge() {   # another update after it: refused, or nothing of the first one had left
        rm -rf second && mkdir second && cp -a a.key a.key.state second/
        fl-mask -q -j 1 -k second/a.key -p 1/plan.flt other.upd >second.up 2>second.said
        _second=$?
        [ $_second = 3 ] || { [ $_second = 0 ] && [ ! -s left ]; }
    }
    for effect in $kill $fails; do
        crash "fl-mask, $kind" "$effect" fresh fl-mask -q -j 1 -k a.key -p 1/plan.flt a.upd
    done
    again() { mask_a raw.upd; }
    for effect in $kill $fails; do
        crash "  of an update that is spooled" "$effect" fresh fl-mask -q -j 1 -k a.key -p 1/plan.flt packed.upd
    done
    again() { mask_a a.upd; }
    # and a key that counts less than its state knows, or more, is noticed: the latter
    restore fresh && again >now
    cp a.key counted.key && restore fresh && cp counted.key a.key
    status 3 "  a state of before under a key that counts" mask_a other.upd
    says 'is an old copy of the state, which has forgotten uploads'
    cd ..
done

# ---- the hub: plans and requests are signed once, and can be had again ----
cd helpers || exit 1
restore fresh
for s in a b c d; do mask 1 $s $s.upd || exit 1; done
keep fresh hub
again() { fl-plan -q -r roster.yaml -k hub.key --round 2 -m model.flt; }
judge() {   # another plan of that round: refused, or this one has not left
    rm -rf second && mkdir second && cp -a hub.key hub.key.state second/
    fl-plan -q -r roster.yaml -k second/hub.key --round 2 -m model.flt --deadline 2131-01-01T00:00:00Z >second.flt 2>second.said
    _second=$?
    [ $_second = 3 ] || { [ $_second = 0 ] && [ ! -s left ]; }
}
least=4
for effect in $kill $fails; do
    crash "fl-plan" "$effect" fresh fl-plan -q -r roster.yaml -k hub.key --round 2 -m model.flt
done
restore fresh
ask 1 a b c && cp 1/request.flt want.request && cp 1/sum.flt want.sum
abc="1/up/a.flt 1/up/b.flt 1/up/c.flt"
# shellcheck disable=SC2086
again() {
    fl-aggregate -q -j 1 -k hub.key -p 1/plan.flt --request out.request -o out.sum $abc &&
        cmp out.request want.request >&2 && cmp out.sum want.sum >&2
}
judge() {   # what has appeared is whole
    { [ ! -e out.request ] || cmp -s out.request want.request; } && { [ ! -e out.sum ] || cmp -s out.sum want.sum; }
}
least=8
for effect in $kill $fails; do
    # shellcheck disable=SC2086
    crash "fl-aggregate --request" "$effect" fresh \
        fl-aggregate -q -j 1 -k hub.key -p 1/plan.flt --request out.request -o out.sum $abc
done

# ---- a helper: one answer ----
restore fresh
ask 1 a b d && cp 1/request.flt other.request && ask 1 a b c && keep fresh hub || exit 1
for h in aux b; do
    keep fresh $h
    answer 1 $h && cp 1/answer/$h.flt want.answer
    again() { fl-unmask -q -j 1 -k $h.key -p 1/plan.flt 1/request.flt >again.answer && cmp again.answer want.answer >&2 && cat again.answer; }
    judge() {   # another set after it: refused, or nothing of the first one had left
        rm -rf second && mkdir second && cp -a $h.key $h.key.state second/
        fl-unmask -q -j 1 -k second/$h.key -p 1/plan.flt other.request >second.answer 2>second.said
        _second=$?
        [ $_second = 3 ] || { [ $_second = 0 ] && [ ! -s left ]; }
    }
    least=12
    for effect in $kill $fails; do
        crash "fl-unmask of $h" "$effect" fresh fl-unmask -q -j 1 -k $h.key -p 1/plan.flt 1/request.flt
    done
    restore fresh
    again() { fl-unmask -q --ready -k $h.key -p 1/plan.flt 1/request.flt; }
    judge() { cmp -s $h.key.state/state fresh/$h.key.state/state; }
    least=1
    crash "fl-unmask --ready of $h" $kill fresh fl-unmask -q --ready -k $h.key -p 1/plan.flt 1/request.flt
    restore fresh && answer 1 $h || exit 1
done

# ---- it follows the chain, with a velocity ----
open_sum 1 && fl-apply -q -m model.flt -p 1/plan.flt --state want.v -o want.next 1/mean.flt || exit 1
keep fresh aux
again() {
    fl-unmask -q --advance -j 1 -k aux.key -p 1/plan.flt -m model.flt --velocity out.v -o out.next 1 &&
        cmp out.next want.next >&2 && cmp out.v want.v >&2 &&
        [ "$(fl-unmask -k aux.key --show | sed -n 's/^model	//p')" = "$(digest want.next)" ]
}
judge() { { [ ! -e out.next ] || cmp -s out.next want.next; } && { [ ! -e out.v ] || cmp -s out.v want.v; }; }
least=8
for effect in $kill $fails; do
    crash "fl-unmask --advance" "$effect" fresh \
        fl-unmask -q --advance -j 1 -k aux.key -p 1/plan.flt -m model.flt --velocity out.v -o out.next 1
done
restore fresh
again() { fl-unmask -k aux.key --close 3 || [ $? = 1 ]; }
judge() { true; }
least=4
crash "fl-unmask --close" $kill fresh fl-unmask -k aux.key --close 3
again || exit 1
status 1 "  it is closed" fl-unmask -k aux.key --close 3
cd .. || exit 1

# ---- accepting a roster: the old one or the new one is in force, and the chains are everybody's ----
mkdir accept && cp model.flt ./*.upd accept && cd accept || exit 1
helpers='a +aux' min_sum=3
keys hub a b c d aux && echo "$terms" | roster 1 a b c d >roster.yaml && words roster.yaml >words
accept roster.yaml hub b c d && plan 1 model.flt || exit 1
keep others hub b c d
for p in a aux; do
    cp $p.old $p.key && rm -rf $p.key.state && keep fresh $p
    again() { fl-keygen --accept roster.yaml -k $p.key --words words; }
    judge() { true; }
    least=8
    for effect in $kill $fails; do
        crash "fl-keygen --accept of $p, who helps" "$effect" fresh fl-keygen --accept roster.yaml -k $p.key --words words
    done
done
# killed at each call, accepted again, and a whole round opens
accept_killed() {   # CALL N NAME: 0 as long as it died
    inject "$1" "$2" $kill fl-keygen --accept roster.yaml -k "$3.key" --words words >shown 2>said
    hit && fl-keygen --accept roster.yaml -k "$3.key" --words words >shown 2>said
}
tried=0 opened=0
for call in $calls; do
    at=0
    while at=$((at + 1)); do
        rm -rf a.key.state aux.key.state 1/up/* 1/answer/* && restore others && cp a.old a.key && cp aux.old aux.key
        accept_killed $call $at a && accept_killed $call $at aux || break
        tried=$((tried + 1))
        for s in a b c; do mask 1 $s $s.upd || echo "# $call $at: $s"; done
        echo "1/plan.flt 1/mean.flt 1/sum.flt 1/answer/a.flt,1/answer/aux.flt a=a.upd,b=b.upd,c=c.upd" >table
        ask 1 a b c && answer 1 a aux && open_sum 1 && rounds exact table >shown && opened=$((opened + 1)) ||
            echo "# $call $at: the round does not open"
    done
done
check "accepted after a crash: a round opens with these chains, $opened times" [ $opened = $tried -a $tried -ge 8 ]
# The next epoch, over a round of the first.
rm -rf a.key.state aux.key.state && cp a.old a.key && cp aux.old aux.key && restore others
accept roster.yaml a aux && for s in a b c d; do mask 1 $s $s.upd || exit 1; done
for s in a b c d aux; do fl-keygen --public -k $s.key >$s.pub; done
rounds model second.flt 2 embed:60x9 norm:50
echo "$terms" | model=second.flt roster 2 a b c d >roster2.yaml && words roster2.yaml >words2
keep fresh a
again() { fl-keygen --accept roster2.yaml -k a.key --words words2 -m second.flt; }
judge() {   # whichever is in force, the round of before is as it was, or over; what is shown differs then
    : >left
    rm -rf second && mkdir second && cp -a a.key a.key.state second/
    fl-mask -q -k second/a.key -p 1/plan.flt a.upd >second.up 2>second.said
    _second=$?
    { [ $_second = 0 ] && cmp -s second.up 1/up/a.flt; } || { [ $_second = 3 ] && grep -q 'has not accepted' second.said; }
}
least=8
for effect in $kill $fails; do
    crash "fl-keygen --accept of the next epoch" "$effect" fresh \
        fl-keygen --accept roster2.yaml -k a.key --words words2 -m second.flt
done
cd .. || exit 1

# ---- keys ----
mkdir keys && cd keys || exit 1
fl-keygen -n y -o y.key >y.pub
keep fresh y
again() { fl-keygen --renew -k y.key >line && fl-keygen --public -k y.key | cmp - line >&2; }
judge() { fl-keygen --public -k y.key >line && { [ ! -s left ] || cmp -s left line; }; }
least=4
for effect in $kill $fails; do crash "fl-keygen --renew" $effect fresh fl-keygen --renew -k y.key; done
mkdir none
again() {   # the key is whole and stays, or it is made now
    if [ -e x.key ]; then fl-keygen --public -k x.key; else fl-keygen -n x -o x.key; fi
}
judge() { [ ! -e x.key ] || { [ "$(stat -c %a x.key)" = 600 ] && fl-keygen --public -k x.key >line; }; }
for effect in $kill $fails; do crash "fl-keygen -n" $effect none fl-keygen -n x -o x.key; done
cd .. || exit 1
finish
