#!/bin/sh
# fl-mask: an upload that says nothing, once, whatever happens to it; what it refuses, and that neither
# that nor anything else that can be seen depends on what is private.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"

updates() { python "$top/tests/cli/updates.py" "$@"; }
rounds model model.flt 1 embed:40x7 norm:301 none:0x3 scale: still:5 large:9001 || exit 1
rounds train model.flt 1 0.1 a=a.all b=b.all c=c.all d=d.all || exit 1
for n in a b c d; do updates edit $n.all $n.upd -still; done
frozen='{match: still, protect: frozen}'
terms="tensors: [$frozen, {match: \"*\", protect: mask, bits: 32, clip: 0.25}]"
federation a b c || exit 1
save() { for _s in a b c; do rm -rf "$1.$_s" "$1.$_s.key" && cp -a $_s.key.state "$1.$_s" && cp $_s.key "$1.$_s.key"; done; }
back() { for _s in a b c; do rm -rf $_s.key.state && cp -a "$1.$_s" $_s.key.state && cp "$1.$_s.key" $_s.key; done; }
m() { fl-mask -k a.key -p "$@"; }
plan 1 model.flt || exit 1
save fresh

# ---- what it writes ----
check "a mask" m 1/plan.flt -o a.flt a.upd
cp err said
check "  warns of values beyond the clip" grep -Eq "^fl-mask: [0-9]+ of 9583 values were beyond the roster's clip" said
check "  is what another program makes of the keys, to the byte" \
    secagg upload roster.yaml 1/plan.flt 0 1 none a.upd a.flt a.old a.key
fl-mask -q -k b.key -p 1/plan.flt -o b.flt b.upd && fl-mask -q -k c.key -p 1/plan.flt -o c.flt c.upd
check "uploads, and sums of some, look like noise" secagg noise 1/plan.flt 0 a.upd a.flt b.flt
check "  and so do two others" secagg noise 1/plan.flt 2 c.upd c.flt a.flt
fl-info a.flt | cut -f 2 | grep -E 'example|token|loss|step|weight|clip' >told
check "an upload says nothing of its update but the name of the weight's lane" [ "$(cat told)" = sum.weight ]
check "it is signed" fl-info --verify roster.yaml a.flt b.flt c.flt
back fresh
m 1/plan.flt -q -j 3 a.upd >j3.flt
check "three threads, to a pipe: the same bytes" cmp a.flt j3.flt
check "  without a word" test ! -s err
back fresh
m 1/plan.flt -q -z <a.upd >z.flt
fl-info --digest a.flt z.flt | cut -c 1-64 | uniq -c >same
check "compressed: the same digest" grep -q '^ *2 ' same
back fresh
updates edit b.upd zeros.upd site=t:a
python - "$top/tests/cli" <<'END'
import sys
sys.path.insert(0, sys.argv[1])
from updates import read, write
kind, meta, tensors = read("zeros.upd")
write("zeros.upd", kind, meta, {t: (d, s, bytes(len(p)), a) for t, (d, s, p, a) in tensors.items()})
END
check "an update of zeros" m 1/plan.flt -o zeros.flt zeros.upd
cp err said
check "  is told" grep -q 'all values are zero' said
check "  looks like noise as well" secagg noise 1/plan.flt 0 zeros.upd zeros.flt c.flt
back fresh
check "zeros for a training that failed" m 1/plan.flt --zero -q -o zero.flt
check "  are what another program makes of nothing" secagg upload roster.yaml 1/plan.flt 0 1 none zero zero.flt a.old a.key
check "  and, under uniform weights, what an update of zeros is" cmp zero.flt zeros.flt
status 3 "  after them no update" m 1/plan.flt a.upd
says 'was masked with another update'
back fresh

# ---- once ----
check "a mask" m 1/plan.flt -q -o a.flt a.upd
check "again" m 1/plan.flt -q -o again.flt a.upd
check "  is the same bytes" cmp a.flt again.flt
status 3 "another update for the round" m 1/plan.flt -q -o other.flt zeros.upd
says 'was masked with another update'
check "  nothing is written" [ ! -e other.flt ]
status 3 "no update for the round" m 1/plan.flt -q --zero -o other.flt
updates edit a.upd one.flt 'large[8999]=0.125'
status 3 "one value is another update" m 1/plan.flt -q one.flt
cp a.key.state/state kept
m 1/plan.flt -q a.upd | head -c 100 >head.flt
check "a reader that goes away: the start of the same upload" sh -c 'head -c 100 a.flt | cmp - head.flt'
check "  and the state is what it was" cmp kept a.key.state/state
check "  quiet" sh -c 'fl-mask -q -k a.key -p 1/plan.flt a.upd 2>err | true; [ ! -s err ]'
printf damaged | dd of=a.key.state/upload-1-1.flt bs=1 seek=20000 conv=notrunc 2>/dev/null
status 1 "a kept upload that was changed" m 1/plan.flt -q a.upd
says 'must miss the round'
rm a.key.state/upload-1-1.flt
status 1 "  or removed" m 1/plan.flt -q a.upd
says 'must miss the round'
back fresh
if can_trace; then
    m 1/plan.flt -q -o a.flt a.upd
    # A killed run may have renamed its state and not flushed that. What is sent again must not rest on
    # a name that a power cut takes back: then another update could be masked.
    strace -f -o trace -e trace=fsync,write fl-mask -q -j 1 -k a.key -p 1/plan.flt a.upd >again.flt
    check "sent again: the folder is flushed before the first byte" \
        awk '/fsync\(.* = 0/ {flushed = 1} /write\(1,/ {exit !flushed}' trace
    check "  (it was sent)" cmp again.flt a.flt
else
    skip "sent again: the folder is flushed before the first byte" "strace cannot trace here"
fi
back fresh

# ---- rounds ----
check "a mask" m 1/plan.flt -q -o a.flt a.upd
for r in 0 3 4 5 999; do plan $r model.flt || exit 1; done
status 3 "a round before" m 0/plan.flt -q a.upd
says 'round 0 is over'
check "a round far away" m 999/plan.flt -q -o far.up a.upd
check "  is what another program makes" \
    secagg upload roster.yaml 999/plan.flt 0 2 a.flt a.upd far.up a.old a.key
status 3 "one between is over then" m 3/plan.flt -q a.upd
check "the round before it can be sent again" sh -c 'fl-mask -q -k a.key -p 1/plan.flt a.upd | cmp - a.flt'
back fresh
# How often one model is masked over: max_open, by its numbers, whatever else the object says.
for r in 1 3 4; do m $r/plan.flt -q -o x.flt a.upd || echo "# round $r"; done
rounds edit model.flt named.flt note=tother
rounds forge 5/plan.flt p5.flt hub.key hub "base=b$(digest named.flt)" "after=b$(printf 'ab%.0s' $(seq 32))"
rounds train named.flt 1 0.1 a=named.all && updates edit named.all named.upd -still
check "  (the numbers are the same)" [ "$(meta named.upd base.params)" = "$(meta a.upd base.params)" ]
check "a fourth round, over the same numbers in another object" m p5.flt -q -o x.flt named.upd
check "uploads of max_open rounds are kept" [ "$(find a.key.state -name 'upload-*' | wc -l)" = 4 ]
plan 6 model.flt
status 3 "a fifth" m 6/plan.flt -q a.upd
says "updates of this model were masked in 4 rounds already, and the roster's max_open is 4; agree on a roster of the next epoch"
status 3 "  as --check says before training" m 6/plan.flt --check -m model.flt
says "masked in 4 rounds already"
rounds forge 6/plan.flt p6.flt hub.key hub "base=b$(digest named.flt)" "after=b$(printf 'ab%.0s' $(seq 32))"
status 3 "  nor over the other object" m p6.flt -q named.upd
check "  what was masked is sent again" m 1/plan.flt -q -o x.flt a.upd
back fresh
# max_skip and max_age are the roster's.
mkdir few && cd few && cp ../model.flt ../?.upd . || exit 1
terms="max_skip: 5
max_age: 7
$terms"
federation a b c || exit 1
for r in 0 4 5 6; do plan $r model.flt; done
status 3 "a round too far" fl-mask -q -k a.key -p 5/plan.flt a.upd
says 'round 5 is too far: this key is at round 0 and may skip fewer than 5; accept a roster of a new epoch'
check "one that is not" fl-mask -q -k a.key -p 4/plan.flt -o x.flt a.upd
check "the next ones" fl-mask -q -k a.key -p 6/plan.flt -o x.flt a.upd
rounds forge 6/plan.flt p7.flt hub.key hub round=i7
status 3 "the epoch is over, whatever the hub signs" fl-mask -q -k a.key -p p7.flt a.upd
says 'round 7 is over the 7 that an epoch may have'
status 3 "  for all" fl-aggregate -q -p p7.flt -o mean.flt x.flt
cd .. || exit 1
rounds forge 6/plan.flt far.flt hub.key hub round=i9200000000000000000
start=$(date +%s)
status 3 "a round out of reach" m far.flt -q a.upd
check "  at once" [ $(($(date +%s) - start)) -le 2 ]

# ---- --check: everything of it that needs no update, before training, and it writes nothing ----
find a.key a.key.state -type f -exec cksum {} + | sort >before
check "a plan that can be masked" m 1/plan.flt --check -m model.flt
find a.key a.key.state -type f -exec cksum {} + | sort >after
check "  nothing is written" cmp before after
status 3 "another model" m 1/plan.flt --check -m named.flt
says 'is not the model of the plan'
rounds model twin.flt 1 embed:40x7 norm:301 none:0x3 scale: still:5 large:9001x1
for lie in 'params' 'tensors.trained' 'tensors.dtypes' 'tensors.names'; do
    case $lie in
    params) set -- "params=b$(printf '00%.0s' $(seq 32))" ;;
    tensors.trained) set -- tensors.trained=l1,1,1,1,0,1 ;;
    tensors.dtypes) set -- tensors.dtypes=l2,2,2,2,2,3 ;;
    tensors.names) set -- tensors.shapes=l2,7,40,1,301,2,0,3,0,1,5,1,9001 ;;
    esac
    rounds forge 1/plan.flt lie.flt hub.key hub "$@"
    # shellcheck disable=SC2154 # of lib.sh
    fl-mask -k a.key -p lie.flt --check -m model.flt 2>err
    report $(($? != 3)) "a plan that lies about its model's $lie"
    [ "$lie" != tensors.trained ] || says '"still".*which is trained unless the roster freezes it'
done
status 2 "--check without a model" m 1/plan.flt --check
status 2 "--check with an output" m 1/plan.flt --check -m model.flt -o x.flt
status 2 "a model without --check" m 1/plan.flt -m model.flt a.upd
status 2 "zeros of an update" m 1/plan.flt --zero a.upd

# ---- who and what ----
cp hub.key evil.key && cp -a hub.key.state evil.state && rm -rf evil.state/lock
fl-plan -q -r roster.yaml -k hub.key -m model.flt --round 20 -o p20.flt
fl-plan -q -r roster.yaml -k evil.key --state evil.state -m model.flt --round 20 --deadline 2131-01-01T00:00:00Z -o p20b.flt
check "of two plans of one round, one" m p20.flt -q -o x.flt a.upd
status 3 "  and not the other" m p20b.flt -q a.upd
says 'another plan of it'
status 3 "  as --check says" m p20b.flt --check -m model.flt
status 3 "the hub's key masks nothing" fl-mask -q -k hub.key -p 1/plan.flt a.upd
says 'is no site of the plan'
keys d
status 3 "a key without a roster" fl-mask -k d.key -p 1/plan.flt a.upd
says 'accepted no roster'
status 3 "a plan of another roster" m few/4/plan.flt -q a.upd
says 'that this key has not accepted'
updates edit a.upd base.flt "base=b:$(printf '00%.0s' $(seq 32))"
status 3 "an update of another model" fl-mask -q -k c.key -p 1/plan.flt base.flt
updates edit a.upd params.flt "base.params=b:$(printf '00%.0s' $(seq 32))"
status 3 "an update of other numbers than the plan says" fl-mask -q -k c.key -p 1/plan.flt params.flt
says 'was trained from other numbers than the plan says'
status 1 "an update that has what the roster freezes" fl-mask -q -k c.key -p 1/plan.flt c.all
updates edit a.upd less.flt -scale
status 1 "a tensor too few" fl-mask -q -k c.key -p 1/plan.flt less.flt
updates edit a.upd swapped.flt swap
status 1 "another order" fl-mask -q -k c.key -p 1/plan.flt swapped.flt
status 1 "a model" fl-mask -q -k c.key -p 1/plan.flt model.flt
status 1 "an upload" fl-mask -q -k c.key -p 1/plan.flt a.flt
status 1 "an update as the plan" fl-mask -q -k c.key -p a.upd a.upd
: >empty.flt
status 1 "an empty update" fl-mask -q -k c.key -p 1/plan.flt empty.flt
status 1 "an empty plan" fl-mask -q -k c.key -p empty.flt a.upd
head -c 20000 a.upd >cut.flt
status 1 "a cut update" fl-mask -q -k c.key -p 1/plan.flt cut.flt
head -c 1000 1/plan.flt >cut.flt
status 1 "a cut plan" fl-mask -q -k c.key -p cut.flt a.upd
size=$(stat -c %s 1/plan.flt)
head -c $((size - 256)) 1/plan.flt >bare.flt
status 3 "a plan without its signature" fl-mask -q -k c.key -p bare.flt a.upd
says 'not signed by the hub'
rounds forge 1/plan.flt forged.flt b.key hub
status 3 "a plan that somebody else signed" fl-mask -q -k c.key -p forged.flt a.upd
rounds forge 1/plan.flt forged.flt hub.key hub colour=tred
status 3 "a plan with a key that is not known" fl-mask -q -k c.key -p forged.flt a.upd
says 'its "colour" is not known to this version, which could not keep to it'
status 2 "no key" fl-mask -p 1/plan.flt a.upd
status 2 "no plan" fl-mask -k a.key a.upd
status 2 "no seed" fl-mask -q -k c.key -p 1/plan.flt --seed 1 a.upd
status 2 "binary to a terminal" on_terminal fl-mask -q -k c.key -p 1/plan.flt c.upd
mv c.key.state gone
status 3 "a lost state" fl-mask -q -k c.key -p 1/plan.flt c.upd
says 'state folder is missing'
mv gone c.key.state
chmod 750 c.key.state
status 3 "a state that others can read" fl-mask -q -k c.key -p 1/plan.flt c.upd
chmod 700 c.key.state
check "after all these the round is still c's to mask" fl-mask -q -k c.key -p 1/plan.flt -o c2.flt c.upd
check "  to the same bytes" cmp c.flt c2.flt
updates edit b.upd named.flt site=t:z
check "another site's name is a warning" fl-mask -k b.key -p 1/plan.flt -o x.flt named.flt
cp err said
check "  and says so" grep -q 'was made by site "z"; it is masked as "b"' said
deadline=$(date -u -d "+${VALGRIND:+1}2 seconds" +%Y-%m-%dT%H:%M:%SZ)
check "a deadline in a moment" fl-plan -r roster.yaml -k hub.key -m model.flt --round 30 --deadline "$deadline" -o late.flt
until [ "$(date -u +%Y-%m-%dT%H:%M:%SZ | tr -d :TZ-)" -gt "$(echo "$deadline" | tr -d :TZ-)" ]; do
    sleep 0.2
done
check "a deadline that is over is a warning" fl-mask -k c.key -p late.flt -o x.flt c.upd
cp err said
check "  and says so" grep -q "its deadline $deadline is over" said
check "nothing is left over" sh -c '[ -z "$(find . -name ".*.part")" ]'

# ---- the next epoch begins with another model ----
for n in a b; do fl-keygen --public -k $n.key >$n.pub; done
fl-keygen -n d --epoch 2 -o d2.key >d.pub
terms="tensors: [$frozen, {match: \"*\", protect: mask, bits: 32, clip: 0.25}]"
echo "$terms" | roster 2 a b d >again.yaml
rounds model fresh.flt 2 embed:40x7 norm:301 none:0x3 scale: still:5 large:9001 && rounds train fresh.flt 1 0.1 a=a.all && updates edit a.all fresh.upd -still
mkdir again && cp -a a.key a.key.state again/ && cp -a hub.key hub.key.state again/
words again.yaml >words2
for n in a hub; do fl-keygen --accept again.yaml -k again/$n.key --words words2 >shown || exit 1; done
fl-plan -q -r again.yaml -k again/hub.key -m model.flt --round 0 -o e2.flt
status 3 "a model that was masked over in an older epoch" fl-mask -q -k again/a.key -p e2.flt a.upd
says 'updates of this model were masked in epoch 1; the sums of two rosters over one model could be subtracted: begin the epoch with another model'
status 3 "  as --check says" fl-mask -k again/a.key -p e2.flt --check -m model.flt
echo "$terms" | model=fresh.flt roster 2 a b d >other.yaml && words other.yaml >words2
for n in a hub; do fl-keygen --accept other.yaml -k $n.key --words words2 >shown || exit 1; done
fl-plan -q -r other.yaml -k hub.key -m fresh.flt --round 0 -o e2.flt
check "  so: another model" fl-mask -q -k a.key -p e2.flt -o x.flt fresh.upd
check "an upload of the epoch before is still kept" [ -e a.key.state/upload-1-20.flt ]
status 3 "  and its plan is none for this key any more" m p20.flt -q a.upd

# ---- nothing that can be seen depends on what is private ----
mkdir oracle && cd oracle && cp ../model.flt . && mkdir odd && rounds odd model.flt odd || exit 1
for u in odd/*.upd; do updates edit "$u" "$u.x" -still && mv "$u.x" "$u"; done
calls() {   # TRACE: the calls that write, with what they return but descriptors, without data, and not on standard error
    sed -E 's/^[0-9]+ +//; /^(write|pwrite64)\(2,/d; s/, "[^"]*"(\.\.\.)?,/, .../; s/^([a-z0-9]+)\([0-9]+/\1(/; /^openat/s/= [0-9]+$/=/; /^(\+\+\+|---)/d' "$1"
}
for rule in uniform examples loss dynamic; do
    mkdir $rule && cd $rule && cp ../model.flt . || exit 1
    case $rule in uniform) weights= ;; *) weights=', floor: 0.5, cap: 1' ;; esac
    helpers='b +aux' min_sum=3
    terms="weights: {rule: $rule$weights}
tensors: [$frozen, {match: \"n*\", protect: plain, bits: 16, clip: 0.25}, {match: \"*\", protect: mask, bits: 16, clip: 0.25}]"
    federation a b c d || exit 1
    plan 1 model.flt
    tried=0 wrong=0
    cp -a a.key.state fresh.state && cp a.key fresh.key
    for u in ../odd/*.upd zero; do
        rm -rf a.key.state up.flt && cp -a fresh.state a.key.state && cp fresh.key a.key
        case $u in zero) u=--zero ;; esac
        if can_trace; then
            ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 strace -f -s 0 -o trace -e trace=$writing,sendto,sendmsg,openat,creat,link,linkat \
                fl-mask -j 1 -k a.key -p 1/plan.flt -o up.flt "$u" 2>said
            code=$?
            grep -v 'openat.*O_RDONLY' trace >t && calls t | sed 's/openat(AT_FDCWD, //' >seen
        else
            fl-mask -j 1 -k a.key -p 1/plan.flt -o up.flt "$u" 2>said
            code=$?
            : >seen
        fi
        echo "exit $code, $(wc -c <up.flt) bytes, $(wc -c <a.key.state/state) of state, $(wc -c <a.key) of key" >>seen
        [ -e usual ] || cp seen usual
        cmp -s seen usual || { wrong=$((wrong + 1)) && echo "# $rule: $u: $(diff usual seen | head -n 2 | tr '\n' ' ')"; }
        tried=$((tried + 1))
    done
    check "weights by $rule: $tried updates are written in one way" [ $wrong = 0 ]
    check "  which is a success" grep -q 'exit 0, [1-9]' usual
    if can_trace; then check "  (calls enough)" [ "$(wc -l <usual)" -ge 12 ]; else skip "  the calls" "strace cannot trace here"; fi
    cd ..
done
# The site itself is told, and nobody else.
cd loss || exit 1
told() {   # NAME "words"
    rm -rf a.key.state && cp -a fresh.state a.key.state && cp fresh.key a.key
    fl-mask -k a.key -p 1/plan.flt -o up.flt "../odd/$1.upd" 2>"$work/err"
    says "$2"
}
told loss-huge 'the weight 1e+300 counts as 1, the roster.s cap'
told loss-negative 'the weight -3 counts as 0.5, the roster.s floor'
told loss-missing 'the weight nan counts as 0.5, the roster.s floor'
told all-huge '9583 of 9583 values were beyond the roster.s clip'
told all-zero 'all values are zero'
told one-nan 'values are not numbers and count as 0'
cd ../.. || exit 1

# ---- a full disk ----
if small_disk 64; then
    mv a.key.state small/
    dd if=/dev/zero of=small/fill 2>/dev/null
    fl-plan -q -r other.yaml -k hub.key -m fresh.flt --round 5 -o p5.flt
    status 1 "no room to keep the upload" fl-mask -q -k a.key --state small/a.key.state -p p5.flt -o x5.flt fresh.upd
    check "  nothing left" [ ! -e x5.flt ]
    rm small/fill
    mv small/a.key.state .
    check "with room it is made" fl-mask -q -k a.key -p p5.flt -o x5.flt fresh.upd
else
    skip "a full disk" "no tmpfs can be mounted here"
fi
finish
