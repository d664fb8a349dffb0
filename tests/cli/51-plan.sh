#!/bin/sh
# fl-plan: the plan byte for byte, its settings, what it refuses, one plan a round.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"

secagg self || exit 1
federation a b c || exit 1
secagg make . 1
plan() { fl-plan -r roster.yaml -k hub.key -m model.flt "$@"; }

# ---- what is in it ----
check "a plan" plan --round 1 -o p1.flt
check "  is what another program writes, to the byte" secagg plan roster.yaml p1.flt hub.key model.flt
check "  and signed by the hub" fl-info --verify roster.yaml p1.flt
check "the same plan again" plan --round 1 -o again.flt
check "  is the same bytes" cmp p1.flt again.flt
plan --round 1 -j 3 >again.flt
check "  for any number of threads, on standard output" cmp p1.flt again.flt
cat >round.yaml <<'END'
bits: 20
clip: 0.125
rounding: nearest
weights: loss
cap: 8
END
check "a plan with settings" plan --round 2 -c round.yaml --deadline 2030-01-02T03:04:05Z -o p2.flt
check "  is what another program writes" secagg plan roster.yaml p2.flt hub.key model.flt round=2 \
    encoding.bits=20 encoding.clip=0.125 encoding.rounding=nearest 'encoding.scale=1048576.0' \
    weight.rule=loss weight.cap=8.0 deadline=2030-01-02T03:04:05Z
check "explained" plan --round 2 -c round.yaml --deadline 2030-01-02T03:04:05Z --explain -o p2.flt
value() { sed -n "s/^$1	//p" "$work/shown"; }
cp out shown
check "  in columns" [ "$(head -n 1 shown)" = "$(printf 'key\tvalue')" ]
check "  with the settings" [ "$(value bits) $(value clip) $(value weights) $(value cap)" = '20 0.125 loss 8' ]
check "  and the session" [ "$(value session | tr -d '[:xdigit:]' | wc -c)" = 1 ]
plan --round 2 -c round.yaml --deadline 2030-01-02T03:04:05Z --explain >x.flt 2>said
check "explained beside the plan, which is the same" cmp x.flt p2.flt
check "  and is whole" grep -q '^bits	20$' said
check "explained in JSON" sh -c 'fl-plan -r roster.yaml -k hub.key -m model.flt --round 1 --explain --json -o x.flt |
    grep -q "^{.*\"bits\": 32, .*}\$"'
check "compressed" plan --round 1 -z9 -o pz.flt
fl-info --digest p1.flt pz.flt | cut -c 1-64 | uniq -c >same
check "  it has the same digest" grep -q '^ *2 ' same

# ---- one plan a round ----
status 3 "another plan of a round" plan --round 1 -c round.yaml -o other.flt
says 'another plan was signed for round 1'
check "  is not written" [ ! -e other.flt ]
mv hub.key.state gone
status 3 "a hub that lost its state" plan --round 3
says 'missing'
mv gone hub.key.state
# the state is flushed before a byte leaves
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
    early=0
    for n in 1 2 3 4 5 6; do
        strace -f -o /dev/null -e trace=fsync -e inject=fsync:signal=KILL:when=$n \
            fl-plan -r roster.yaml -k hub.key -m model.flt --round $((10 + n)) >cut.flt 2>/dev/null
        [ $? = 137 ] || break
        [ -s cut.flt ] && early=1
        plan --round $((10 + n)) -o whole.flt || early=1
    done
    check "killed at each of $((n - 1)) flushes: no byte had left" [ "$early" = 0 ]
    check "  (flushes enough)" [ "$n" -gt 2 ]
    strace -f -o trace -e trace=fsync,write fl-plan -r roster.yaml -k hub.key -m model.flt --round 11 >again.flt
    check "the same plan again: the state is flushed before a byte leaves" \
        awk '/fsync\(.* = 0/ {flushed = 1} /write\(1,/ {exit !flushed}' trace
else
    skip "killed while planning" "strace cannot trace here"
fi

# ---- what the policy does not allow, and what could wrap ----
refused() {   # STATUS "words" < settings
    cat >bad.yaml
    fl-plan -r strict.yaml -k strict.key -m model.flt --round 9 -c bad.yaml -o bad.flt 2>err
    got=$?
    [ $got = "$1" ] && grep -q -e "$2" err && [ ! -e bad.flt ] && return 0
    echo "# exit $got, not $1, or not \"$2\":"
    sed 's/^/# /' bad.yaml err
    return 1
}
cp roster.yaml strict.yaml
cat >>strict.yaml <<'END'
policy:
  bits: [16, 32]
  clip: [0.1, 2]
  weights: {examples: 100, dynamic: 50}
  spread: 4
  plain: [scale]
END
cp hub.old strict.key
ok=0
echo 'plain: [embed]' >s; refused 3 'embed' <s || ok=1
echo 'plain: [nothing]' >s; refused 2 'plain: "nothing" is none of the model.s trained tensors' <s || ok=1
echo 'clip: 3' >s; refused 3 'clip of 3' <s || ok=1
echo 'clip: 0.05' >s; refused 3 'clip of 0.05' <s || ok=1
echo 'bits: 8' >s; refused 3 'lanes of 8' <s || ok=1
echo 'bits: 64' >s; refused 3 'lanes of 64' <s || ok=1
echo 'cap: 101' >s; refused 3 'cap of 101' <s || ok=1
echo 'weights: uniform' >s; refused 3 'uniform' <s || ok=1
printf 'weights: dynamic\nalpha: 1\nbandwidth: {a: 1, b: 5, c: 1}\n' >s; refused 3 'spread' <s || ok=1
printf 'weights: dynamic\nalpha: 1\nbandwidth: {a: 1, b: 5}\n' >s; refused 2 '"c" has none' <s || ok=1
echo 'protection: double' >s; refused 3 'not there yet' <s || ok=1
echo 'scale: 1073741824' >s; refused 3 'could wrap' <s || ok=1
echo 'scale: 3' >s; refused 3 'power of two' <s || ok=1
echo 'colour: red' >s; refused 2 'no key "colour"' <s || ok=1
echo 'noise: gauss' >s; refused 2 'noise' <s || ok=1
report $ok "settings that the policy does not allow"

# ---- the wrong inputs ----
status 3 "a key that is not the hub's" fl-plan -r roster.yaml -k a.key -m model.flt --round 9
says 'is the key of "a", not of the roster.s hub; give the key of "hub"'
check "  which is left as it was" [ "$(fl-keygen --public -k a.key | cut -d ' ' -f 3)" = 2 ]
status 2 "no round" fl-plan -r roster.yaml -k hub.key -m model.flt
says '--round N is missing'
status 2 "a negative round" plan --round -1
status 2 "a round of 2^63" plan --round 9223372036854775808
status 2 "a deadline that is no time" plan --round 9 --deadline tomorrow
says 'is no time like'
for deadline in 2020-01-01T00:00:00Z "$(date -u +%Y-%m-%dT%H:%M:%SZ)"; do
    status 2 "a deadline that is over: $deadline" plan --round 9 --deadline "$deadline" -o past.flt
    says "$deadline is over, now is .*; give a later time in UTC"
    check "  and no plan" test ! -e past.flt
done
later=$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)
check "a later one" plan --round 2000 --deadline "$later" -o later.flt
status 1 "an update as the model" fl-plan -r roster.yaml -k hub.key -m u0.flt --round 9
status 1 "no model" fl-plan -r roster.yaml -k hub.key -m nothing.flt --round 9
head -c 5000 model.flt >cut.flt
status 1 "a cut model" fl-plan -r roster.yaml -k hub.key -m cut.flt --round 9
status 2 "no seed" plan --round 9 --seed 1
status 2 "binary to a terminal" on_terminal fl-plan -r roster.yaml -k hub.key -m model.flt --round 9
check "  and the round is not taken" plan --round 9 -c round.yaml -o p9.flt

# ---- how the base follows from the last sum ----
digest() { fl-info --digest "$1" | cut -c 1-64; }
python "$top/tests/cli/updates.py" edit u0.flt mean.flt "sum.sites=t:x" site= sum.weight=f:300
python "$top/tests/cli/updates.py" edit model.flt next.flt "parent=b:$(digest model.flt)" round=i:5
check "a plan after a mean" fl-plan -r roster.yaml -k hub.key -m next.flt --round 20 --after mean.flt -o p20.flt
after() { fl-info p20.flt | awk -F '\t' -v k="$1" '$1 == "meta" && $2 == k {print $7}'; }
check "  names it" [ "$(after after)" = "$(digest mean.flt)" ]
check "  and has a cap that fits it" [ "$(after weight.cap)" = 1024 ]
status 3 "a model that does not follow" plan --round 21 --after mean.flt
says 'does not follow'
python "$top/tests/cli/updates.py" edit model.flt wrong.flt "parent=b:$(digest u0.flt)" round=i:5
status 3 "a model of another parent" fl-plan -r roster.yaml -k hub.key -m wrong.flt --round 21 --after mean.flt
status 1 "an update that is no mean" fl-plan -r roster.yaml -k hub.key -m next.flt --round 21 --after u0.flt

# ---- a roster of the next epoch ----
for n in a b c; do fl-keygen --public -k $n.key >$n.pub; done
roster 2 a b c </dev/null >roster2.yaml
check "the hub follows to the next epoch" fl-plan -r roster2.yaml -k hub.key -m model.flt --round 1 -o e2.flt
status 3 "and not back" plan --round 30
if small_disk 8; then
    dd if=/dev/zero of=small/fill 2>/dev/null
    status 1 "a full disk" fl-plan -r roster2.yaml -k hub.key -m model.flt --round 2 -o small/p.flt
    check "  leaves nothing" [ ! -e small/p.flt ]
else
    skip "a full disk" "no tmpfs can be mounted here"
fi
finish
