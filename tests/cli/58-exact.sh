#!/bin/sh
# The opened sum is the sum of the encoded updates, exactly: every set down to min_sum, every lane width,
# masked, plain and frozen tensors mixed, every rule of weights; and a tree of partial sums is no other.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"

# A tensor for each width, with more values than fill its words; one that is longer than a chunk.
widths='8 9 10 12 16 21 32 64'
shapes='' rules=''
for bits in $widths; do
    # Lanes of 8 and 9 bits have few steps: their clips are those with which all sites together just fit.
    case $bits in 8) clip=25 ;; 9) clip=51 ;; 10) clip=0.2 ;; *) clip=0.3 ;; esac
    shapes="$shapes m$bits:37 p$bits:11"
    rules="$rules  - {match: \"m$bits\", protect: mask, bits: $bits, clip: $clip}\n"
    rules="$rules  - {match: \"p$bits\", protect: plain, bits: $bits, clip: $clip}\n"
done
rules="${rules}  - {match: \"still*\", protect: frozen}\n  - {match: \"*\", protect: mask, bits: 32, clip: 0.25}\n"
# shellcheck disable=SC2086 # many words
rounds model model.flt 1 still.one:30 $shapes scale: none:0x3 half:19:bf16 long:16500 || exit 1
sites='a b c d e'
rounds train model.flt 1 0.1 a=a.1 c=c.1 d=d.1 e=e.1 && rounds train model.flt 1 extreme b=b.1 || exit 1
for s in $sites; do python "$top/tests/cli/updates.py" edit $s.1 $s.upd -still.one; done

everyone() {   # FOLDER RULE: five sites, of whom at least three must be in; two helpers
    mkdir "$1" && cp model.flt ./*.upd "$1" && cd "$1" || return 1
    helpers='b +aux' min_sum=3 terms="steps: 16\nweights: $2\ntensors:\n$rules"
    # shellcheck disable=SC2086
    federation $sites 2>err || { cat err; return 1; }
    cd ..
}

sets() {   # the sets of at least three of five, one a line
    for n in 31 15 23 27 29 30 7 11 13 14 19 21 22 25 26 28; do
        set=
        i=1
        for s in $sites; do
            [ $((n & i)) = 0 ] || set="$set $s"
            i=$((2 * i))
        done
        echo "$set"
    done
}

# Helpers keep the rule of sets, so each set begins with the keys and states of before.
kept() { for _s in hub b aux; do rm -rf "$2$_s.key.state" && cp -a "$1$_s.key" "$1$_s.key.state" "./$2" || return; done; }
keep() { mkdir -p kept && kept "" kept/; }
back() { kept kept/ ""; }

for rule in uniform examples loss dynamic; do
    case $rule in
    uniform) weights='{rule: uniform}' ;;
    examples) weights='{rule: examples, floor: 0.8, cap: 1.2, unit: 1000}' ;;
    loss) weights='{rule: loss, floor: 0.8, cap: 1.2}' ;;
    dynamic) weights='{rule: dynamic, floor: 0.7, cap: 1.05, alpha: 0.5, tokens: 1e6, mbit: 80}' ;;
    esac
    everyone $rule "$weights" || { report 1 "$rule: a federation"; continue; }
    cd $rule || exit 1
    if [ $rule = dynamic ]; then   # each has its own bandwidth, which is its own setting for the epoch
        rm -rf a.key.state b.key.state && cp a.old a.key && cp b.old b.key
        fl-keygen --accept roster.yaml -k a.key --words roster.yaml.words --bandwidth 300 >shown &&
            fl-keygen --accept roster.yaml -k b.key --words roster.yaml.words --bandwidth 41.5 >shown
    fi
    plan 1 model.flt
    for s in $sites; do mask 1 $s $s.upd; done
    keep
    sets | while read -r set; do
        back
        # shellcheck disable=SC2086
        ask 1 $set && answer 1 aux b && open_sum 1 || echo "# $rule: $set"
        name=$(echo "$set" | tr -d ' ')
        mv 1/sum.flt $name.sum && mv 1/mean.flt $name.mean && mv 1/answer $name.answer && mkdir 1/answer
        updates=
        for s in $set; do
            case $rule$s in dynamica) own=@300 ;; dynamicb) own=@41.5 ;; *) own= ;; esac
            updates="$updates,$s=$s.upd$own"
        done
        echo "1/plan.flt $name.mean $name.sum $name.answer/aux.flt,$name.answer/b.flt ${updates#,}" >>table
    done 2>err
    [ ! -s err ] || sed 's/^/# /' err
    check "weights by $rule: sums of all sets of 3 to 5 of 5 sites are those of the integers" rounds exact table
    check "  (there are 16)" [ "$(cat "$work/out")" = 16 ]
    # the same sum by any tree, from files in any order, by all threads or one
    back
    ask 1 a b c d e
    bad=
    p="fl-aggregate -q -p 1/plan.flt"
    $p --partial -o one.sum 1/up/c.flt 1/up/a.flt && $p --partial -o two.sum 1/up/e.flt &&
        $p --partial -o three.sum two.sum 1/up/b.flt 1/up/d.flt && $p --partial -o tree.sum three.sum one.sum || bad=tree
    cmp 1/sum.flt tree.sum || bad="$bad sum"
    cat one.sum three.sum | $p -j 1 --mem 1 --partial >piped.sum || bad="$bad pipe"
    cmp 1/sum.flt piped.sum || bad="$bad piped"
    $p -o tree.mean abcde.answer/aux.flt three.sum abcde.answer/b.flt one.sum && cmp abcde.mean tree.mean || bad="$bad mean"
    $p -o flat.mean 1/up/*.flt abcde.answer/*.flt && cmp abcde.mean flat.mean || bad="$bad flat"
    check "  a tree of partial sums gives the same bytes$bad" [ -z "$bad" ]
    cd .. || exit 1
done

# The same integers whatever was a site's turn: the same update in two rounds.
cd uniform && back && plan 2 model.flt && for s in $sites; do mask 2 $s $s.upd; done
ask 2 a b c d e && answer 2 b aux && open_sum 2
{ cmp 1/up/a.flt 2/up/a.flt | head -n 1; } >differ
check "another round masks otherwise" test -s differ
# shellcheck disable=SC2016
check "  and opens to the same numbers" sh -c 'for t in m8 m21 p64 long; do
    fl-info --raw --tensor $t abcde.mean >one; fl-info --raw --tensor $t 2/mean.flt | cmp - one || exit 1; done'
cd .. || exit 1

# Pairwise: three sites, nobody missing.
mkdir three && cp model.flt a.upd b.upd c.upd three && cd three || exit 1
helpers='' terms="steps: 16\nweights: {rule: examples, floor: 0.8, cap: 1.2}\ntensors:\n$(echo "$rules" | sed 's/clip: 25}/clip: 42}/; s/clip: 51}/clip: 85}/')"
federation a b c 2>err || cat err
plan 1 model.flt && for s in a b c; do mask 1 $s $s.upd; done
check "pairwise" fl-aggregate -q -p 1/plan.flt -o 1/mean.flt 1/up/b.flt 1/up/c.flt 1/up/a.flt
echo "1/plan.flt 1/mean.flt - - a=a.upd,b=b.upd,c=c.upd" >table
check "  the mean is that of the integers" rounds exact table
cat 1/up/c.flt 1/up/a.flt | fl-aggregate -q -p 1/plan.flt --partial -o ca.sum
check "  by a partial sum" fl-aggregate -q -p 1/plan.flt -o tree.mean 1/up/b.flt ca.sum
check "  the same bytes" cmp tree.mean 1/mean.flt
finish
