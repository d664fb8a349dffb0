#!/bin/sh
# protection: none, and buffered rounds (stale:): a signed update is the upload; which may be summed, by
# whom they are signed, what they count; with none that is late, the mean is that of usual updates.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
updates() { python "$top/tests/cli/updates.py" "$@"; }

rounds model m0.flt 1 embed:40x7 norm:30 || exit 1
model=m0.flt
rule='tensors: [{match: norm, protect: frozen}, {match: "*", protect: plain}]'
terms="protection: none\nmin_sum: 2\nstale: 2\n$rule"
federation a b c || exit 1
fl-keygen --show roster.yaml >shown
check "--show says first what it means" grep -q "^protection	none: the hub reads every site's update$" shown
check "  who could read what" grep -q '^collude	nobody need: the hub reads every update by itself$' shown
check "  and when a round is over" grep -q '^stale	2: a round is over when updates of 2 sites are there, or at its deadline; one that began A models before counts (1 + A)^-0.5 ' shown

train() {   # MODEL SEED K: aK.upd, bK.upd, cK.upd
    rounds train "$1" "$2" 0.01 a=a.t b=b.t c=c.t || return
    for s in a b c; do
        updates edit $s.t "$s$3.upd" -norm site=t:$s steps=i:4 examples=i:"1$2" tokens=i:9 loss.first=f:2.5 loss.last=f:2 || return
    done
}
train m0.flt 1 0 || exit 1
check "a plan" plan 1 m0.flt
secagg self && check "  is what another program writes" secagg plan roster.yaml 1/plan.flt hub.key m0.flt
for s in a b c; do check "$s signs its update" mask 1 $s ${s}0.upd; done
check "which stays as it is, but for the signature" [ "$(digest 1/up/a.flt)" = "$(digest a0.upd)" ]
check "  and is signed by a member" fl-info --verify roster.yaml 1/up/a.flt
mask 1 a a0.upd && cp 1/up/a.flt again.flt && mask 1 a a0.upd
check "  the same bytes each time" cmp again.flt 1/up/a.flt
sum() { fl-aggregate -q -r roster.yaml -p "$@"; }
check "the sum of a round" sum 1/plan.flt -o 1/mean.flt 1/up/a.flt 1/up/b.flt 1/up/c.flt
check "  is the exact mean" updates mean 1/mean.flt uniform a0.upd b0.upd c0.upd
fl-aggregate -q --weights uniform -o usual.flt a0.upd b0.upd c0.upd
payload() { fl-info --json "$1" | grep '"tensor"' | cut -d , -f 2-; }
params() { python - "$top/tests/cli" "$1" <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
from updates import read
print(sorted((k, v[2].hex()) for k, v in read(sys.argv[2])[2].items()))
PY
}
is "  that of the updates without a round, to the byte" "$(params 1/mean.flt)" "$(params usual.flt)"
sum 1/plan.flt -o again.flt 1/up/c.flt 1/up/a.flt 1/up/b.flt
check "another order, the same bytes" cmp 1/mean.flt again.flt
cat 1/up/b.flt 1/up/c.flt 1/up/a.flt | sum 1/plan.flt -j 3 >again.flt
check "a pipe, three threads" cmp 1/mean.flt again.flt
is "it says its round and sites" "$(meta 1/mean.flt sum.round) $(meta 1/mean.flt sum.sites)" "1 a,b,c"

# ---- models, and who may come late ----
next() { fl-apply -q -p "$1/plan.flt" -m "$2" -o "$3" "$1/mean.flt"; }
check "its mean steps the model" next 1 m0.flt m1.flt
check "the next plan" plan 2 m1.flt --after 1/mean.flt
is "  says whose updates count" "$(meta 2/plan.flt lineage)" "$(digest m0.flt)"
train m1.flt 2 1
mask 2 a a1.upd
check "an update of the model before is signed for this round too" mask 2 b b0.upd
check "  and the round is over with two" sum 2/plan.flt --explain -o 2/mean.flt 2/up/a.flt 2/up/b.flt
cp out told
is "  which tells ages and weights" "$(cut -f 1,2,8 told | sed 1d | tr '\t\n' ' ;')" "a 1 0;b 0.7071067811866669 1;"
check "  the late one counts (1 + 1)^-0.5" updates mean 2/mean.flt uniform:0,1 a1.upd b0.upd
next 2 m1.flt m2.flt && plan 3 m2.flt --after 2/mean.flt && train m2.flt 3 2
mask 3 a a2.upd && mask 3 b b1.upd && mask 3 c c0.upd
sum 3/plan.flt -o 3/mean.flt 3/up/a.flt 3/up/b.flt 3/up/c.flt
check "three of three ages" updates mean 3/mean.flt uniform:0,1,2 a2.upd b1.upd c0.upd
next 3 m2.flt m3.flt && plan 4 m3.flt --after 3/mean.flt
is "the plan lists two models, the oldest first" "$(fl-info --json 4/plan.flt | grep -o "\"$(digest m1.flt)$(digest m2.flt)\"" | wc -l)" 1
plan 5 m3.flt --after 3/mean.flt
is "  a round that is opened again over its model lists the same" "$(meta 5/plan.flt lineage)" "$(meta 4/plan.flt lineage)"
status 3 "an update that is older is not signed" mask 4 c c0.upd
says "c0.upd: belongs to the model .*, which is none of the lineage"
cp 1/up/c.flt old.flt
train m3.flt 4 3 && mask 4 a a3.upd && mask 4 b b3.upd
status 3 "  nor summed" sum 4/plan.flt -o x.flt 4/up/a.flt 4/up/b.flt old.flt
says "old.flt: belongs to the model .*, which is none of the lineage"

# ---- who is in ----
status 4 "fewer than the roster's least" sum 4/plan.flt -o x.flt 4/up/a.flt
says '1 of at least 2 sites are in'
status 4 "--check of one: it is good, others are missing" sum 4/plan.flt --check 4/up/a.flt
check "--check of two" sum 4/plan.flt --check 4/up/a.flt 4/up/b.flt
mask 4 a a2.upd && cp 4/up/a.flt a-late.flt && mask 4 a a3.upd
status 3 "a site twice" sum 4/plan.flt -o x.flt 4/up/a.flt a-late.flt
says 'site "a" is in the sum already'
status 3 "  --check says so" sum 4/plan.flt --check 4/up/a.flt a-late.flt 4/up/b.flt
refused() {   # "what" "words" FILE: beside b's
    status 3 "$1" sum 4/plan.flt -o x.flt 4/up/b.flt "$3"
    says "$2"
    status 3 "  --check says so" sum 4/plan.flt --check "$3"
}
refused "an update that nobody signed" 'a3.upd: is not signed by "a"' a3.upd
cp 4/up/a.flt bent.flt && printf '\1' | dd of=bent.flt bs=1 seek=400 conv=notrunc 2>/dev/null
status 1 "one that was damaged" sum 4/plan.flt -o x.flt 4/up/b.flt bent.flt
updates edit a3.upd forged.upd site=t:c
status 3 "a key does not sign another site's update" fl-mask -q -k a.key -p 4/plan.flt -o x.flt forged.upd
says 'forged.upd: is of site "c", and the key is of "a"'
updates edit a3.upd fewer.upd -embed
status 1 "an update with other tensors is not signed" fl-mask -q -k a.key -p 4/plan.flt -o x.flt fewer.upd
status 3 "a partial sum" sh -c "fl-aggregate -q --partial --weights uniform -o p.flt a3.upd b3.upd && fl-aggregate -q -p 4/plan.flt -o x.flt p.flt"
says 'p.flt: is a sum, which hides whose updates are in it'
status 2 "--partial with the plan" sum 4/plan.flt --partial -o x.flt 4/up/a.flt
status 2 "--request" fl-aggregate -q -p 4/plan.flt -k hub.key --request r.flt -o x.flt 4/up/a.flt
says 'with protection none there are none'
status 2 "--verify" fl-aggregate -q --verify -r roster.yaml 4
says 'is of a plain round'
status 2 "--zero" fl-mask -q -k a.key -p 4/plan.flt --zero -o x.flt
check "--check before training" fl-mask --check -k a.key -p 4/plan.flt -m m3.flt
status 3 "  of the hub's own key" fl-mask --check -k hub.key -p 4/plan.flt -m m3.flt
check "nothing was written" test ! -e x.flt
check "a plan says how much an upload has at most" sh -c 'fl-plan -q -r roster.yaml -k hub.key --round 4 -m m3.flt --after 3/mean.flt --explain -o again.flt >told && cmp again.flt 4/plan.flt && grep -q "^protection	none$" told'
limit() { sed -n 's/^upload_bytes	//p' told; }
check "  which it keeps to" [ "$(wc -c <4/up/a.flt)" -le "$(limit)" ]
check "  and is no more than 64 KiB too much" [ "$(($(wc -c <4/up/a.flt) + 65536))" -ge "$(limit)" ]

# ---- what is good alone is good among others: no site's words stop a sum ----
for s in a b c; do updates edit ${s}3.upd $s.odd examples=i:4611686018427387904 contract=b:"$(printf "%064d" "$(printf '%d' "'$s")")"; done
for s in a b c; do mask 5 $s $s.odd; status 4 "an odd update of $s is good" sum 4/plan.flt --check 5/up/$s.flt; done
check "three odd ones are summed" sum 4/plan.flt -o odd.flt 5/up/a.flt 5/up/b.flt 5/up/c.flt
is "  their examples are beyond counting, their contracts not shared" "$(meta odd.flt examples)$(meta odd.flt contract)" ""
sum 4/plan.flt -o again.flt 5/up/b.flt 5/up/c.flt 5/up/a.flt
check "  in any order" cmp odd.flt again.flt

# ---- the deadline ----
soon=$(date -u -d '+2 seconds' +%FT%TZ)
check "a plan with a deadline" plan 6 m3.flt --after 3/mean.flt --deadline "$soon"
status 4 "before it, one is too few" sum 6/plan.flt -o x.flt 4/up/a.flt
sleep 3
check "after it the round is closed with what is there" sum 6/plan.flt -o late.flt 4/up/a.flt
is "  which is the update" "$(params late.flt)" "$(params a3.upd)"

# ---- weights ----
weighted() {   # "what" WEIGHTS RULE UPDATE...
    printf "protection: none\nmin_sum: 1\n%s\nweights: %s\n" "$rule" "$2" | roster 1 a b c >"w.yaml"
    rm -rf w && mkdir w && for k in hub a b c; do cp $k.old w/$k.key; done
    fl-keygen --show w.yaml | sed -n 's/^words	//p' >w/words
    for k in hub a b c; do fl-keygen --accept w.yaml -k w/$k.key --words w/words >/dev/null || return; done
    fl-plan -q -r w.yaml -k w/hub.key --round 1 -m m0.flt -o w/plan.flt || return
    for k in a b c; do fl-mask -q -k w/$k.key -p w/plan.flt -o w/$k.up ${k}w.upd || return; done
    fl-aggregate -q -p w/plan.flt --explain -o w/mean.flt w/?.up >w/told || return
    is "$1" "$(cut -f 2 w/told | sed 1d | paste -sd ' ' -)" "$3"
}
n=1
for s in a b c; do updates edit ${s}0.upd ${s}w.upd examples=i:$((n * 1000)) && n=$((n * 4)); done
weighted "weights between floor and cap, as shares of the cap" '{rule: examples, unit: 1000, floor: 2, cap: 8}' '0.25 0.5 1'
weighted "uniform" '{rule: uniform}' '1 1 1'
check "  it is a roster without stale: the plan has no lineage" [ -z "$(meta w/plan.flt lineage)" ]

# ---- what a roster may say ----
bad() {   # "what" "words" LINES
    printf '%b\n' "$3" | roster 1 a b c >bad.yaml
    status 2 "$1" fl-keygen --show bad.yaml
    says "$2"
}
bad "both ways at once" 'stale: a buffered round waits for nobody' "protection: none\nstale: 1\ndelay: 1\n$rule"
bad "a mask that is none" 'with protection none an update travels as it is' \
    'protection: none\ntensors: [{match: "*", protect: mask, bits: 16, clip: 1}]'
bad "  nor without bits" 'updates travel as they are; a rule is {match: "\*", protect: plain}' 'protection: none\ntensors: [{match: "*", protect: mask}]'
bad "helpers" 'protection none has neither helpers nor replay' "protection: none\nhelpers: [a, b]\n$rule"
bad "more than there are" 'min_sum: 4 is not from 1 to the number of sites, 3' "protection: none\nmin_sum: 4\n$rule"
finish
