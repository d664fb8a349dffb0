#!/bin/sh
# fl-aggregate -p where every site must be in: the mean that masks hide; what it refuses, by name; what has
# arrived; rounds and epochs in a row.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/arrivals.sh"

updates() { python "$top/tests/cli/updates.py" "$@"; }
hex() { fl-info --json "$1" | python -c 'import json, sys
for line in sys.stdin:
    row = json.loads(line)
    if row["row"] == "meta" and row["name"] == sys.argv[1]: print(row["value"])' "$2"; }
zeros=$(printf '00%.0s' $(seq 32))
rounds model model.flt 1 embed:40x7 norm:301 none:0x3 scale: large:9001 || exit 1
rounds train model.flt 1 0.01 a=a.upd b=b.upd c=c.upd d=d.upd || exit 1
terms='max_open: 8
tensors: [{match: "n*m", protect: plain, bits: 21, clip: 0.05}, {match: "*", protect: mask, bits: 32, clip: 0.05}]'
federation a b c || exit 1
everyone() {   # ROUND: all three mask
    for s in a b c; do mask "$1" $s $s.upd || return; done
}

# ---- the mean ----
plan 1 model.flt && everyone 1 && cp 1/plan.flt p1.flt || exit 1
for s in a b c; do cp 1/up/$s.flt ${s}1.up; done
check "three uploads open" fl-aggregate -p p1.flt -o m1.flt a1.up b1.up c1.up
echo "p1.flt m1.flt - - a=a.upd,b=b.upd,c=c.upd" >table
check "  to the mean of the integers, to the bit" rounds exact table
check "it names its sites" [ "$(meta m1.flt sum.sites)" = 'a,b,c' ]
check "  its round and base" [ "$(meta m1.flt sum.round) $(meta m1.flt base)" = "1 $(digest model.flt)" ]
check "  and nothing of one of them" [ -z "$(meta m1.flt examples)$(meta m1.flt tokens)$(meta m1.flt loss.first)" ]
check "with the roster it must be of" fl-aggregate -p p1.flt -r roster.yaml -o m.flt a1.up b1.up c1.up
check "  the same mean" cmp m1.flt m.flt
sed 's/^federation: demo/federation: other/' roster.yaml >next.yaml
status 3 "with another roster" fl-aggregate -p p1.flt -r next.yaml -o x.flt a1.up b1.up c1.up
says 'p1.flt: is a plan of another roster than next.yaml'
status 2 "a roster and no plan" fl-aggregate -r roster.yaml a.upd
fl-aggregate -p p1.flt c1.up a1.up b1.up >m.flt
check "another order, standard output" cmp m1.flt m.flt
cat b1.up c1.up a1.up | fl-aggregate -p p1.flt -j 3 >m.flt
check "all in one pipe" cmp m1.flt m.flt
cat b1.up | fl-aggregate -p p1.flt --mem 1 c1.up - a1.up >m.flt
check "a pipe between files, all sums in \$TMPDIR" cmp m1.flt m.flt
fl-aggregate -p p1.flt -z a1.up b1.up c1.up >m.flt
fl-info --digest m1.flt m.flt | cut -c 1-64 | uniq -c >same
check "compressed: the same digest" grep -q '^ *2 ' same
fl-aggregate -p p1.flt a1.up b1.up c1.up | head -c 10 >head.flt
check "a reader that goes away" sh -c 'head -c 10 m1.flt | cmp - head.flt'
fl-aggregate --weights uniform -o plain.flt a.upd b.upd c.upd
cat >near.py <<'PY'
import math, struct, sys
sys.path.insert(0, sys.argv[1])
from updates import read
a, b = (read(p)[2] for p in sys.argv[2:4])
worst = 0
for name in a:
    n = len(a[name][2]) // 4
    scale = 2.0**math.floor(math.log2((2**((21 if name == "norm" else 32) - 1) - 1) / 3 / 0.05))
    for x, y in zip(struct.unpack(f"<{n}f", a[name][2]), struct.unpack(f"<{n}f", b[name][2])):
        worst = max(worst, (abs(x - y) - abs(y) * 2**-22) * scale)
assert 0 < worst < 0.51, worst   # of a step: each of the three was rounded to the nearest
PY
check "the masked mean is the plain one up to half a step" python near.py "$top/tests/cli" m1.flt plain.flt
check "it can be applied" fl-apply -q -m model.flt -p p1.flt -o next.flt m1.flt
check "  and planned after" fl-plan -q -r roster.yaml -k hub.key -m next.flt --round 2 --after m1.flt -o p2.flt

# ---- who is missing, who is there twice, whose is not ----
refused() {   # STATUS "what" "words" args...: and nothing is written
    _status=$1 _about=$2 _words=$3
    shift 3
    rm -f x.flt
    status "$_status" "$_about" fl-aggregate -p p1.flt -o x.flt "$@"
    says "$_words"
    check "  and leaves nothing" sh -c '[ ! -e x.flt ] && [ ! -e .x.flt.part ]'
}
plan 3 model.flt && everyone 3 && cp 3/up/b.flt b.up || exit 1
refused 4 "one missing" '1 of 3 uploads missing: c; with protection pairwise the sum opens when all are there' a1.up b1.up
refused 4 "two missing" '2 of 3 uploads missing: a, c;' b1.up
refused 3 "a site twice" 'upload of "b" is there already; a site counts once' a1.up b1.up b1.up c1.up
refused 3 "an upload of another round" 'b.up: was made for another plan than this' a1.up b.up c1.up
refused 1 "a plain update" 'c.upd: is of kind' a1.up b1.up c.upd
refused 1 "no upload at all" 'empty' /dev/null
head -c 30000 b1.up >cut.up
refused 1 "a cut upload" 'cut.up' a1.up cut.up c1.up
cp b1.up flip.up
printf damaged | dd of=flip.up bs=1 seek=20000 conv=notrunc 2>/dev/null
refused 1 "a flipped upload" 'flip.up' a1.up flip.up c1.up
head -c $(($(stat -c %s b1.up) - 256)) b1.up >bare.up
refused 3 "an upload without its signature" 'bare.up: is not signed by "b"' a1.up bare.up c1.up
forge() { rounds forge "$@"; }
forge b1.up same.up b.key 1
check "  (what follows is forged as well as this)" fl-aggregate -p p1.flt -o x.flt a1.up same.up c1.up
forge b1.up forged.up a.key 1
refused 3 "another key's signature" 'not its own' a1.up forged.up c1.up
forge b1.up forged.up b.key 2
refused 3 "a signature for another place" 'not its own' a1.up forged.up c1.up
forge b1.up forged.up b.key 1 tag=1
refused 1 "a tag that differs names the pair" 'the tags of "b" and "c" differ: they share no key' a1.up forged.up c1.up
forge a1.up forged.up a.key 0 tag=0
refused 1 "  whichever of them lies" 'the tags of "a" and "b" differ' forged.up b1.up c1.up
forge b1.up forged.up b.key 1 large:100:0x80000000
refused 1 "an upload that was not made by the plan" "\"large\": the opened sum is out of the plan's range: an upload or an answer was not made by the plan, and masks do not show which" a1.up forged.up c1.up
forge b1.up forged.up b.key 1 sum.weight:0:0x8000000000000000
refused 1 "a weight that was not made by the plan" 'summed weight' a1.up forged.up c1.up
forge b1.up forged.up b.key 1 sum.weight:0:1
refused 1 "  by its last bit" 'summed weight is .* of 3 sites, which these cannot have' a1.up forged.up c1.up
forge b1.up forged.up b.key 1 "sid=b$zeros"
refused 3 "an upload of another session" 'another plan' a1.up forged.up c1.up
forge b1.up forged.up b.key 1 "params=b$zeros"
refused 3 "an upload over other numbers" 'forged.up: was made for another model' a1.up forged.up c1.up
forge b1.up forged.up b.key 1 "roster=b$zeros"
refused 3 "an upload of another roster or epoch" 'another roster' a1.up forged.up c1.up
forge b1.up forged.up b.key 1 round=i2
refused 3 "a round that is not its session's" 'says round 2 where its plan has 1' a1.up forged.up c1.up
forge b1.up forged.up b.key 1 site.index=i2
refused 3 "another's name" 'says that party 2 is "b"; in the roster it is "c"' a1.up forged.up c1.up
forge b1.up forged.up b.key 1 ctr=i0
refused 1 "an upload that does not count" 'ctr' a1.up forged.up c1.up
forge b1.up forged.up b.key 1 "nonce=b$zeros"
refused 3 "a nonce, which two sites could not agree on" 'nonce' a1.up forged.up c1.up
forge b1.up forged.up b.key 1 colour=tred
refused 3 "a key that is not known" 'its "colour" is not known to this version' a1.up forged.up c1.up
# A copy of b's key sent the first upload, and b itself another: the next plan has counted the copy's.
plan 4 next.flt --after m1.flt
rounds train next.flt 1 0.01 a=a.2 b=b.2 c=c.2
for s in a b c; do mask 4 $s $s.2; done
check "what follows on the uploads that were counted (one more was lost on its way)" \
    fl-aggregate -q -p 4/plan.flt -o 4/mean.flt 4/up/a.flt 4/up/b.flt 4/up/c.flt
for lie in 'ctr=i1' 'ctr=i2'; do
    forge 4/up/b.flt forged.up b.key 1 "$lie"
    fl-aggregate -p 4/plan.flt -o x.flt 4/up/a.flt forged.up 4/up/c.flt 2>"$work/err"
    report $(($? != 3)) "a copy of b's key, $lie"
    says 'forged.up: .*: two copies of the key of "b" are in use, or an old one was restored; ask its people'
done

# ---- two plans of one round, half of the sites each ----
cp hub.key evil.key && cp -a hub.key.state evil.state && rm -f evil.state/lock
plan 9 model.flt && mask 9 a a.upd && mask 9 b b.upd
fl-plan -q -r roster.yaml -k evil.key --state evil.state -m model.flt --round 9 --deadline 2131-01-01T00:00:00Z -o p9b.flt
fl-mask -q -k c.key -p p9b.flt -o c.up c.upd
status 3 "a mixed sum does not open" fl-aggregate -p 9/plan.flt -o x.flt 9/up/a.flt 9/up/b.flt c.up
says 'c.up: was made for another plan than this'
status 3 "  under the other plan neither" fl-aggregate -p p9b.flt -o x.flt c.up 9/up/a.flt 9/up/b.flt
forge c.up forged.up c.key 2 "sid=b$(hex 9/up/a.flt sid)"
status 1 "  and if the session is a lie, tags name the pair" fl-aggregate -p 9/plan.flt -o x.flt 9/up/a.flt 9/up/b.flt forged.up
says 'the tags of "a" and "c" differ'

# ---- options ----
status 2 "nobody's weight is told" fl-aggregate -p p1.flt --explain a1.up b1.up c1.up
says 'a masked round shows nobody.s weight'
status 2 "the roster says the weights" fl-aggregate -p p1.flt --weights uniform a1.up b1.up c1.up
says "leave out --sites, --min-sites, --weights, --alpha, --bandwidth and --lineage"
status 1 "masked uploads without a plan" fl-aggregate a1.up b1.up c1.up
status 1 "an upload as the plan" fl-aggregate -p a1.up a1.up b1.up c1.up
status 2 "binary to a terminal" on_terminal fl-aggregate -p p1.flt a1.up b1.up c1.up
status 2 "nobody is asked in a pairwise round" fl-aggregate -p p1.flt -k hub.key --request x.flt -o y.flt a1.up b1.up c1.up
says 'with protection pairwise there are none'
check "  and nothing is written" [ ! -e x.flt -a ! -e y.flt ]

# ---- sites that were away, each for another number of rounds ----
plan 20 model.flt && plan 27 model.flt && plan 990 model.flt || exit 1
mask 20 a a.upd && mask 20 b b.upd && mask 27 c c.upd || exit 1
rounds model other.flt 9 embed:40x7 norm:301 none:0x3 scale: large:9001
everyone 990
check "rounds that some missed: the next of all opens" fl-aggregate -q -p 990/plan.flt -o 990/mean.flt 990/up/a.flt 990/up/b.flt 990/up/c.flt
echo "990/plan.flt 990/mean.flt - - a=a.upd,b=b.upd,c=c.upd" >table
check "  to the bit" rounds exact table

# ---- what has arrived ----
status 4 "a glob that found nothing" fl-aggregate -p p1.flt -o x.flt 'nothing/*.up'
grep -v 'is not there yet' err >said
mv said err
says '3 of 3 uploads missing: a, b, c;'
status 2 "the plan says who must be in" fl-aggregate -p p1.flt --sites a,b -o x.flt a1.up b1.up c1.up
says 'leave out --sites'
table 0 "all good" 'a1.up|a|good|-
b1.up|b|good|-
c1.up|c|good|-' -p p1.flt -r roster.yaml a1.up b1.up c1.up
check "  without a word" test ! -s err
cat c1.up a1.up >pair.up
table 4 "one missing" 'pair.up|c|good|-
pair.up|a|good|-
-|b|missing|-' -p p1.flt pair.up
says '1 missing: b; run it again when they are here'
table 4 "none has come" 'nothing/x.up|-|missing|-
-|a|missing|-
-|b|missing|-
-|c|missing|-' -p p1.flt nothing/x.up
says '3 missing: a, b, c; run it'
forge b1.up tag.up b.key 1 tag=1
forge b1.up sid.up b.key 1 "sid=b$zeros"
table 3 "bad ones do not hide the others, and one that is refused says so" 'cut.up|b|bad|is cut
a1.up|a|good|-
flip.up|b|bad|
bare.up|b|bad|is not signed by "b"
sid.up|b|bad|was made for another plan
b.up|b|bad|was made for another plan
c.upd|c|bad|is of kind "update"
a1.up|a|bad|the upload of "a" is there already
c1.up|c|good|-' -p p1.flt cut.up a1.up flip.up bare.up sid.up b.up c.upd a1.up c1.up
says '7 bad: cut.up, flip.up, bare.up, sid.up, b.up, c.upd, a1.up; the report says why'
table 1 "a damaged one after which the good one comes" 'cut.up|b|bad|is cut
a1.up|a|good|-
b1.up|b|good|-
c1.up|c|good|-' -p p1.flt cut.up a1.up b1.up c1.up
table 1 "tags of a pair that differ: which lies is not known" 'a1.up|a|good|-
tag.up|b|bad|its tags differ from those of 1 other:
c1.up|c|bad|its tags differ from those of 1 other:' -p p1.flt a1.up tag.up c1.up

# ---- a pre-shared secret that is not shared ----
mkdir psk && cp model.flt ?.upd psk && cp hub.old psk/hub.key && cp hub.old hub.pub psk && cd psk || exit 1
keys a b c && printf 'psk: true\n%s\n' "$terms" | roster 1 a b c >roster.yaml && words roster.yaml >words
head -c 32 /dev/urandom >one && head -c 32 /dev/urandom >two && chmod 600 one two
fl-keygen --accept roster.yaml -k hub.key --words words >shown
for s in a b c; do
    case $s in c) psk=two ;; *) psk=one ;; esac
    fl-keygen --accept roster.yaml -k $s.key --words words --psk $psk >shown || exit 1
done
plan 1 model.flt && everyone 1
cd 1/up || exit 1
status 1 "one site with another secret" fl-aggregate -p ../plan.flt -o x.flt a.flt b.flt c.flt
says 'the tags of "a" and "c" differ'
table 1 "  who is alone with it is named" 'a.flt|a|good|-
b.flt|b|good|-
c.flt|c|bad|its tags differ from those of 2 others' -p ../plan.flt a.flt b.flt c.flt
status 4 "  which is not one of the first two" fl-aggregate -p ../plan.flt -o x.flt a.flt b.flt
says 'missing: c'
cd ../../.. || exit 1

# ---- the next epoch: lines out of the last uploads, and a site that joins ----
for n in a b c; do meta 990/up/$n.flt next >$n.pub; done
fl-keygen -n d -o d.key --epoch 2 >d.pub && cp d.key d.old
rounds train other.flt 1 0.01 a=a.3 b=b.3 c=c.3 d=d.3
printf '%s\n' "$terms" | model=other.flt roster 2 a b c d >roster2.yaml
accept roster2.yaml hub a b c d || exit 1
cp roster2.yaml roster.yaml
plan 5 other.flt
for n in a b c d; do mask 5 $n $n.3 || echo "# $n cannot mask"; done
check "four sites in the next epoch" fl-aggregate -q -p 5/plan.flt -o m.flt 5/up/a.flt 5/up/b.flt 5/up/c.flt 5/up/d.flt
check "  all of them" [ "$(meta m.flt sum.sites)" = 'a,b,c,d' ]
echo "5/plan.flt m.flt - - a=a.3,b=b.3,c=c.3,d=d.3" >table
check "  to the bit" rounds exact table
status 3 "an upload of the epoch before" fl-aggregate -p 5/plan.flt -o x.flt a1.up 5/up/b.flt 5/up/c.flt 5/up/d.flt
says 'a1.up: was made for another roster or epoch than this plan'
status 3 "a round of the epoch before is over for its sites" fl-mask -q -k a.key -p 990/plan.flt -o again.up a.upd
says 'that this key has not accepted'

# ---- a full disk ----
if small_disk 20; then
    status 1 "no room for the mean" fl-aggregate -p p1.flt -o small/m.flt a1.up b1.up c1.up
    check "  leaves nothing" [ -z "$(ls -A small)" ]
else
    skip "a full disk" "no tmpfs can be mounted here"
fi
finish
