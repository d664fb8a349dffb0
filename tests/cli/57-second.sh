#!/bin/sh
# Rounds computed a second time: every byte of plan, uploads, request, answers, sum and mean is what
# tests/naive/secagg.py makes of the keys and the protocol's text alone.
. "$(dirname "$0")/lib.sh"
secagg() { python "$top/tests/naive/secagg.py" "$@"; }

keys() {   # NAME...: NAME.key, its public line, its copy NAME.old
    for _n in "$@"; do
        fl-keygen -n "$_n" -o "$_n.key" >"$_n.pub" 2>>err && cp "$_n.key" "$_n.old" || exit 1
    done
}

accept() {   # NAME...
    fl-keygen --show roster.yaml >words 2>>err
    for _n in "$@"; do fl-keygen --accept roster.yaml -k "$_n.key" --words words >/dev/null 2>>err || exit 1; done
}

check "the second implementation agrees with the published vectors" secagg self
secagg make . 1
model=$(fl-info --digest model.flt | awk '{print $1}')
check "a model's digest" test "$model" = "$(secagg digest model.flt)"

# Helpers: b is a site, aux is none; d never comes. One tensor is plain, one frozen, three widths.
mkdir helpers && cd helpers || exit 1
keys a b c d e aux hub
{ printf 'federation: demo\nepoch: 1\nfirst_round: 3\nmodel: %s\n' "$model"
  printf 'apply: {rule: nesterov, lr: 0.7, momentum: 0.9}\nsites:\n'
  for n in a b c d e; do echo "  - $(cat $n.pub)"; done
  printf 'hub: %s\nprotection: helpers\nhelpers:\n  - b\n  - %s\n' "$(cat hub.pub)" "$(cat aux.pub)"
  printf 'replay: [aux, c]\nmin_sum: 4\n'
  printf 'weights: {rule: dynamic, floor: 0.5, cap: 1.5, tokens: 1500, alpha: 0.5, mbit: 80}\n'
  printf 'tensors:\n  - {match: "la?er*", protect: mask, bits: 13, clip: 0.05}\n'
  printf '  - {match: embed, protect: plain, bits: 64, clip: 1}\n  - {match: scale, protect: frozen}\n'
  printf '  - {match: "*", protect: mask, bits: 20, clip: 0.25}\n'; } >roster.yaml
accept a b c d e aux hub
sed -n 's/^words	//p' words >words.only
check "a roster's words" secagg roster roster.yaml words.only
fl-plan -r roster.yaml -k hub.key --round 5 -m ../model.flt -o plan.flt 2>>err
check "a plan" secagg plan roster.yaml plan.flt hub.key ../model.flt round=5
cp b.key.state/state b.before
for i in 0 1 2 4; do
    n=$(echo abcde | cut -c $((i + 1)))
    python "$top/tests/cli/updates.py" edit ../u$i.flt u$i.flt -scale   # it is frozen
    [ $n = e ] && update=--zero || update=u$i.flt
    fl-mask -k $n.key -p plan.flt -o $n.up $update 2>>err
    [ $n = e ] && update=zero
    [ $n = b ] && state=b.before || state=
    check "the upload of $n" \
        secagg upload roster.yaml plan.flt $i 1 none "$update" $n.up $n.old $state $n.key
done
fl-aggregate -p plan.flt -k hub.key --request request.flt -o sum.flt c.up a.up e.up b.up 2>>err
check "the request" secagg request plan.flt request.flt hub.key a.up b.up c.up e.up
check "the sum that is still masked" secagg sum plan.flt sum.flt a.up b.up c.up e.up
for n in b aux; do
    cp $n.key.state/state $n.before
    fl-unmask --ready -k $n.key -p plan.flt request.flt >$n.ready 2>>err
    check "what $n says of it" secagg ready plan.flt request.flt $n.ready $n.key
    fl-unmask -k $n.key -p plan.flt -o $n.answer request.flt 2>>err
done
check "the answer of a helper that is a site" \
    secagg answer plan.flt request.flt 1 none b.answer b.old b.before b.key
check "the answer of one that is none" secagg answer plan.flt request.flt 1 none aux.answer aux.old aux.key
fl-aggregate -p plan.flt -o mean.flt sum.flt aux.answer b.answer 2>>err
check "the mean, from the files" secagg opened plan.flt mean.flt sum.flt b.answer aux.answer
fl-aggregate -p plan.flt -o abc.flt --partial a.up b.up c.up 2>>err
check "a sum of some" secagg sum plan.flt abc.flt a.up b.up c.up

# Pairwise; every site is needed. The next round counts on.
mkdir ../pairwise && cd ../pairwise || exit 1
keys a b c hub
{ printf 'federation: demo\nepoch: 1\nmodel: %s\nsites:\n' "$model"
  for n in a b c; do echo "  - $(cat $n.pub)"; done
  printf 'hub: %s\nweights: {rule: examples, floor: 0.4, cap: 0.8, unit: 1000}\ntensors:\n' "$(cat hub.pub)"
  printf '  - {match: "*", protect: mask, bits: 32, clip: 0.2}\n'; } >roster.yaml
accept a b c hub
for r in 1 2; do
    if [ $r = 1 ]; then
        fl-plan -r roster.yaml -k hub.key --round 1 -m ../model.flt -o plan.flt 2>>err
        check "the plan of a pairwise round" secagg plan roster.yaml plan.flt hub.key ../model.flt
        before=none
    else
        mv plan.flt first.flt
        fl-plan -r roster.yaml -k hub.key --round 4 -m ../model.flt -o plan.flt 2>>err
        check "that of a round over the same model" \
            secagg plan roster.yaml plan.flt hub.key ../model.flt round=4
    fi
    for i in 0 1 2; do
        n=$(echo abc | cut -c $((i + 1)))
        [ $r = 1 ] || { mv $n.up $n.first && before=$n.first; }
        fl-mask -k $n.key -p plan.flt -o $n.up ../u$i.flt 2>>err
        check "the upload of $n" secagg upload roster.yaml plan.flt $i $r $before ../u$i.flt $n.up $n.old $n.key
    done
    check "uploads look like noise" secagg noise plan.flt 0 ../u0.flt a.up b.up
    fl-aggregate -p plan.flt -o mean.flt c.up a.up b.up 2>>err
    check "the mean of the encoded updates" secagg mean plan.flt mean.flt ../u0.flt ../u1.flt ../u2.flt
done
finish
