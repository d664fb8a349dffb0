#!/bin/sh
# fl-mask: the upload byte for byte, once, whatever happens to it; what it refuses.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"

terms="policy:\n  vary: true" # settings differ from round to round below
federation a b c || exit 1
secagg make . 1
updates() { python "$top/tests/cli/updates.py" "$@"; }
plan() { fl-plan -r roster.yaml -k hub.key -m model.flt "$@"; }
mask() { fl-mask -k a.key -p "$@"; }
save() { for _s in a b c; do rm -rf "$1.$_s" && cp -a $_s.key.state "$1.$_s"; done; }
back() { for _s in a b c; do rm -rf $_s.key.state && cp -a "$1.$_s" $_s.key.state; done; }
plan --round 1 -o p1.flt
save fresh

# ---- what it writes ----
check "a mask" mask p1.flt -o a.flt u0.flt
cp err said
check "  warns of values beyond the clip" grep -q "^fl-mask: 301 values were beyond the plan's clip of 1" said
check "  is what another program makes of the keys, to the byte" \
    secagg upload roster.yaml p1.flt 0 1 none u0.flt a.flt a.old b.old c.old a.key
check "of the second site" fl-mask -k b.key -p p1.flt -o b.flt u1.flt
cp err said
check "  warns that its weight is small under the cap" grep -q 'a smaller cap would be better' said
check "  is what another program makes of it" \
    secagg upload roster.yaml p1.flt 1 1 none u1.flt b.flt a.old b.old c.old b.key
check "of the third site, quiet" fl-mask -q -k c.key -p p1.flt -o c.flt u2.flt
cp err said
check "  without a word" [ ! -s said ]
check "uploads, and sums of some, look like noise" secagg noise p1.flt 0 u0.flt a.flt b.flt
check "  and so do two others" secagg noise p1.flt 2 u2.flt c.flt a.flt
check "an upload says nothing of its update" sh -c '! fl-info a.flt | grep -qE "examples|tokens|loss|steps"'
check "it is signed" fl-info --verify roster.yaml a.flt b.flt c.flt
round=1
for settings in 'bits: 8\nrounding: nearest' 'bits: 13\nclip: 0.5' 'bits: 64\nweights: uniform'; do
    round=$((round + 5))   # rounds that nobody masked lie between
    printf '%b\n' "$settings" >round.yaml
    mkdir $round && secagg make $round $round   # a model is used in one way only
    plan -m $round/model.flt --round $round -c round.yaml -o p.flt
    fl-mask -q -k b.key -p p.flt -o b2.flt $round/u1.flt
    check "lanes of $(printf '%b' "$settings" | tr '\n' ' '), after five rounds" \
        secagg upload roster.yaml p.flt 1 $((round / 5 + 1)) b.flt $round/u1.flt b2.flt a.old b.old c.old b.key
    mv b2.flt b.flt
done
back fresh
mask p1.flt -q -j 3 u0.flt >j3.flt
check "three threads, to a pipe: the same bytes" cmp a.flt j3.flt
back fresh
fl-mask -q -k a.key -p p1.flt -z <u0.flt >z.flt
fl-info --digest a.flt z.flt | cut -c 1-64 | uniq -c >same
check "compressed: the same digest" grep -q '^ *2 ' same
back fresh

# ---- once ----
check "a mask" mask p1.flt -q -o a.flt u0.flt
check "again" mask p1.flt -q -o again.flt u0.flt
check "  is the same bytes" cmp a.flt again.flt
status 3 "another update for the round" mask p1.flt -q -o other.flt u1.flt
says 'was masked with another update'
check "  nothing is written" [ ! -e other.flt ]
updates edit u0.flt one.flt steps=i:21
status 3 "one number of the metadata is another update" mask p1.flt -q one.flt
cp a.key.state/state kept
mask p1.flt -q u0.flt | head -c 100 >head.flt
check "a reader that goes away: the start of the same upload" sh -c 'head -c 100 a.flt | cmp - head.flt'
check "  and the state is what it was" cmp kept a.key.state/state
check "  quiet" sh -c 'fl-mask -q -k a.key -p p1.flt u0.flt 2>err | true; [ ! -s err ]'
rm a.key.state/upload-1-1.flt
status 1 "a kept upload that was removed" mask p1.flt -q u0.flt
says 'must miss the round'
back fresh

# ---- killed at every flush, write and rename, into a pipe (adversarial test 20) ----
# What left is the start of the one upload that is kept, or nothing if another update may be masked.
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
    mkdir big && updates make big 2 1   # more than leaves in one write
    fl-plan -r roster.yaml -k hub.key -m big/model.flt --round 50 -o big/p.flt
    fl-mask -q -k a.key -p big/p.flt -o big/a.flt big/u0.flt
    for call in fsync write rename; do
        wrong=0 kills=0 left=0
        for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do
            back fresh
            { strace -f -o /dev/null -e trace=$call -e inject=$call:signal=KILL:when=$n \
                fl-mask -q -j 1 -k a.key -p big/p.flt big/u0.flt 2>/dev/null; echo $? >code; } | cat >part.flt
            [ "$(cat code)" = 137 ] || break
            kills=$((kills + 1))
            if fl-mask -q -k a.key -p big/p.flt -o whole.flt big/u1.flt 2>/dev/null; then
                [ -s part.flt ] && wrong=1   # two updates under one mask
            else
                fl-mask -q -k a.key -p big/p.flt -o whole.flt big/u0.flt || wrong=1
                head -c "$(stat -c %s part.flt)" whole.flt | cmp -s - part.flt || wrong=1
                cmp -s whole.flt big/a.flt || wrong=1
                [ ! -s part.flt ] || left=1
            fi
        done
        check "killed at $kills places of $call: one upload, or nothing" [ $wrong = 0 ]
        check "  (places enough)" [ $kills -ge 2 ]
        [ $call != write ] || check "  (some bytes had left)" [ $left = 1 ]
    done
    # What is left of an upload that no state records, half or whole, goes with the next one.
    back fresh
    for n in 1 2; do
        plan -q --round $((50 + n)) -o left.flt
        strace -f -o /dev/null -e trace=rename -e inject=rename:signal=KILL:when=$n \
            fl-mask -q -k a.key -p left.flt u0.flt >part.flt 2>/dev/null
    done
    check "two runs are killed with an upload in the state folder" \
        [ "$(find a.key.state -name '*upload-*' | wc -l)" = 2 ]
    plan -q --round 53 -o left.flt
    check "  the next round" mask left.flt -q -o x.flt u0.flt
    check "  removes them" [ "$(find a.key.state -name '*upload-*')" = a.key.state/upload-1-53.flt ]
    check "  and keeps its own" sh -c 'fl-mask -q -k a.key -p left.flt u0.flt | cmp - x.flt'
    back fresh
    fl-mask -q -k a.key -p big/p.flt -o big/a.flt big/u0.flt
    # A killed run may have renamed its state and not flushed that. What is sent again must not rest on
    # a name that a power cut takes back: then another update could be masked.
    strace -f -o trace -e trace=fsync,write fl-mask -q -j 1 -k a.key -p big/p.flt big/u0.flt >again.flt
    check "sent again: the folder is flushed before the first byte" \
        awk '/fsync\(.* = 0/ {flushed = 1} /write\(1,/ {exit !flushed}' trace
    check "  (it was sent)" cmp again.flt big/a.flt
    back fresh
    # a state that cannot be written: nothing leaves (leaks cannot be looked for under strace)
    ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 strace -f -o /dev/null -e trace=fsync -e inject=fsync:error=EIO:when=4+ \
        fl-mask -q -k a.key -p p1.flt u0.flt >part.flt 2>err
    code=$?
    check "a disk that cannot flush the state: exit 1" [ $code = 1 ]
    check "  nothing left" [ ! -s part.flt ]
else
    skip "killed while masking" "strace cannot trace here"
fi
back fresh

# ---- rounds (adversarial test 9) ----
check "a mask" mask p1.flt -q -o a.flt u0.flt
plan --round 0 -o p0.flt
status 3 "a round before" mask p0.flt -q u0.flt
says 'round 0 is over'
plan --round 4098 -o far.flt
cp a.key.state/state kept
status 3 "a round too far" mask far.flt -q u0.flt
says 'too far'
plan --round 9200000000000000000 -o last.flt
start=$(date +%s)
status 3 "a round out of reach" mask last.flt -q u0.flt
check "  at once" [ $(($(date +%s) - start)) -le 1 ]
check "  and the state is what it was" cmp kept a.key.state/state
plan --round 4097 -o far.flt
check "the farthest round" mask far.flt -q -o far.up u0.flt
check "  is what another program makes" \
    secagg upload roster.yaml far.flt 0 2 a.flt u0.flt far.up a.old b.old c.old a.key
check "the round before it can be sent again" sh -c 'fl-mask -q -k a.key -p p1.flt u0.flt | cmp - a.flt'
plan --round 4100 -o p3.flt
mask p3.flt -q -o x.flt u0.flt
check "two uploads are kept" [ "$(find a.key.state -name 'upload-*' | wc -l)" = 2 ]
status 3 "the one before them is over" mask p1.flt -q u0.flt
back fresh

# ---- who and what (adversarial tests 7, 8, 21) ----
cp -a hub.key evil.key
cp -a hub.key.state evil.state
echo 'clip: 2' >round.yaml
plan --round 2 -o p2.flt
fl-plan -r roster.yaml -k evil.key --state evil.state -m model.flt --round 2 -c round.yaml -o p2b.flt
check "of two plans of one round, one" mask p2.flt -q -o a2.flt u0.flt
status 3 "  and not the other" mask p2b.flt -q u0.flt
says 'another plan of it'
echo 'weights: uniform' >round.yaml
plan --round 13 -c round.yaml -o p13.flt
status 3 "another weighting of updates of that model" mask p13.flt -q u0.flt
says 'other sites, weights or encoding'
printf 'clip: 0.5\nscale: 536870912\n' >round.yaml
plan --round 14 -c round.yaml -o p14.flt
status 3 "another clip" mask p14.flt -q u0.flt
plan --round 15 --deadline 2031-01-01T00:00:00Z -o p15.flt
check "another round of it, in the same way" mask p15.flt -q -o x.flt u0.flt

# ---- the terms of an epoch: what a hub could vary to get equations for single updates ----
mkdir still && (cd still && terms='policy: {clip: [0.1, 2], weights: {dynamic: 1000}}' && federation a b c) || exit 1
still() {   # ROUND SETTINGS [SITE]: mask a round from a model of its own
    mkdir -p "still/$1" && secagg make "still/$1" "$1" && printf '%b\n' "$2" >still/round.yaml &&
        fl-plan -r still/roster.yaml -k still/hub.key -m "still/$1/model.flt" --round "$1" \
            -c still/round.yaml -o still/p.flt &&
        fl-mask -q -k "still/${3-a}.key" -p still/p.flt -o still/x.flt "still/$1/u0.flt"
}
usual='clip: 1\nbandwidth: {a: 1, b: 2, c: 4}'
check "the first round of an epoch sets its terms" still 1 "$usual"
cp still/a.key.state/state kept
round=1
for settings in 'clip: 0.9\nbandwidth: {a: 1, b: 2, c: 4}' 'alpha: 0' 'bandwidth: {a: 2, b: 1, c: 4}' \
    "bits: 16\n$usual" "rounding: nearest\n$usual" "alpha: 1\n$usual"; do
    round=$((round + 1))
    status 3 "other terms: $(printf '%b' "$settings" | tr '\n' ' ')" still $round "$settings"
    says "of this epoch's earlier rounds"
done
check "  and the state is what it was" cmp kept still/a.key.state/state
status 3 "a cap that would cut this site's weight, if it is not the roster's" still 8 "cap: 0.001\n$usual"
says 'only the roster.s own of 1000 may'
check "one that does not is no other term" still 9 "cap: 900\n$usual"
check "a site that has not masked takes the terms of its first round" still 10 'alpha: 0' b
status 3 "  and keeps them" still 11 "$usual" b

status 3 "the hub's key masks nothing" fl-mask -q -k hub.key -p p1.flt u0.flt
says 'no site of the plan'
keys d
status 3 "a key without a roster" fl-mask -k d.key -p p1.flt u0.flt
says 'accepted no roster'
mkdir there && cp hub.old there/hub.key && cp ./*.pub there
(cd there && keys x y && roster 1 d x y </dev/null >roster.yaml && cp ../model.flt . &&
    fl-plan -r roster.yaml -k hub.key -m model.flt --round 1 -o ../foreign.flt)
status 3 "a plan of another roster" mask foreign.flt -q u0.flt
says 'is no site of the plan'
updates edit u0.flt base.flt "base=b:$(printf '00%.0s' $(seq 32))"
status 3 "another base model" fl-mask -q -k c.key -p p1.flt base.flt
updates edit u0.flt nan.flt 'large[4000]=nan'
status 1 "a value that is not finite" fl-mask -q -k c.key -p p1.flt nan.flt
says '"large" holds a value that is not finite'
updates edit u0.flt less.flt -scale
status 1 "a tensor too few" fl-mask -q -k c.key -p p1.flt less.flt
updates edit u0.flt swapped.flt swap
status 1 "another order" fl-mask -q -k c.key -p p1.flt swapped.flt
updates edit u0.flt bare.flt examples=
status 1 "no number of examples" fl-mask -q -k c.key -p p1.flt bare.flt
says 'examples'
status 1 "a model" fl-mask -q -k c.key -p p1.flt model.flt
status 1 "an upload" fl-mask -q -k c.key -p p1.flt a2.flt
status 1 "an update as the plan" fl-mask -q -k c.key -p u0.flt u0.flt
: >empty.flt
status 1 "an empty update" fl-mask -q -k c.key -p p1.flt empty.flt
status 1 "an empty plan" fl-mask -q -k c.key -p empty.flt u0.flt
head -c 20000 u0.flt >cut.flt
status 1 "a cut update" fl-mask -q -k c.key -p p1.flt cut.flt
head -c 1000 p1.flt >cut.flt
status 1 "a cut plan" fl-mask -q -k c.key -p cut.flt u0.flt
size=$(stat -c %s p1.flt)
head -c $((size - 256)) p1.flt >bare.flt
status 3 "a plan without its signature" fl-mask -q -k c.key -p bare.flt u0.flt
says 'not signed by the hub'
status 2 "no key" fl-mask -p p1.flt u0.flt
status 2 "no plan" fl-mask -k a.key u0.flt
status 2 "no seed" fl-mask -q -k c.key -p p1.flt --seed 1 u0.flt
status 2 "binary to a terminal" on_terminal fl-mask -q -k c.key -p p1.flt u2.flt
mv c.key.state gone
status 3 "a lost state" fl-mask -q -k c.key -p p1.flt u2.flt
says 'state folder is missing'
mv gone c.key.state
chmod 750 c.key.state
status 3 "a state that others can read" fl-mask -q -k c.key -p p1.flt u2.flt
chmod 700 c.key.state
check "after all these the round is still c's to mask" fl-mask -k c.key -p p1.flt -o c2.flt u2.flt
check "  to the same bytes" cmp c.flt c2.flt
updates edit u1.flt named.flt site=t:z
check "another site's name is a warning" fl-mask -k b.key -p p1.flt -o x.flt named.flt
cp err said
check "  and says so" grep -q "was made by site \"z\"; it is masked as \"b\"'s" said
deadline=$(date -u -d "+${VALGRIND:+1}3 seconds" +%Y-%m-%dT%H:%M:%SZ)
check "a deadline in a moment" plan --round 3 --deadline "$deadline" -o late.flt
until [ "$(date -u +%Y-%m-%dT%H:%M:%SZ | tr -d :TZ-)" -gt "$(echo "$deadline" | tr -d :TZ-)" ]; do
    sleep 0.2
done
check "a deadline that is over is a warning" fl-mask -k c.key -p late.flt -o x.flt u2.flt
cp err said
check "  and says so" grep -q "its deadline $deadline is over" said
check "nothing is left over" sh -c '[ -z "$(find . -name ".*.part")" ]'

# ---- a full disk ----
if small_disk 64; then
    mv a.key.state small/
    dd if=/dev/zero of=small/fill 2>/dev/null
    plan --round 25 -o p25.flt
    status 1 "no room to keep the upload" fl-mask -q -k a.key --state small/a.key.state -p p25.flt -o x5.flt u0.flt
    check "  nothing left" [ ! -e x5.flt ]
    rm small/fill
    mv small/a.key.state .
    check "with room it is made" fl-mask -q -k a.key -p p25.flt -o x5.flt u0.flt
else
    skip "a full disk" "no tmpfs can be mounted here"
fi
finish
