#!/bin/sh
# fl-aggregate -p: the mean that masks hide; what it refuses, by name; rounds and epochs in a row.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/arrivals.sh"

terms="policy:\n  vary: true" # settings differ from round to round below
federation a b c || exit 1
secagg make . 1
updates() { python "$top/tests/cli/updates.py" "$@"; }
plan() { fl-plan -r roster.yaml -k hub.key -m model.flt "$@"; }
mask() {   # PLAN SUFFIX [FOLDER]: all three
    fl-mask -q -k a.key -p "$1" -o "a$2" "${3-.}/u0.flt" &&
        fl-mask -q -k b.key -p "$1" -o "b$2" "${3-.}/u1.flt" &&
        fl-mask -q -k c.key -p "$1" -o "c$2" "${3-.}/u2.flt"
}

# ---- the mean ----
plan --round 1 -o p1.flt
mask p1.flt 1.up
check "three uploads open" fl-aggregate -p p1.flt -o m1.flt a1.up b1.up c1.up
check "  to the mean of the encoded updates, to the bit" secagg mean p1.flt m1.flt u0.flt u1.flt u2.flt
round=1
for settings in 'bits: 8\nrounding: nearest' 'bits: 19\nclip: 0.25\nweights: loss' 'bits: 64\ncap: 2000'; do
    round=$((round + 1))
    printf '%b\n' "$settings" >round.yaml
    mkdir $round && secagg make $round $round   # a model is used in one way only
    plan -m $round/model.flt --round $round -c round.yaml -o p.flt
    mask p.flt .up $round && fl-aggregate -p p.flt -o m.flt a.up b.up c.up
    check "  with $(printf '%b' "$settings" | tr '\n' ' ')" \
        secagg mean p.flt m.flt $round/u0.flt $round/u1.flt $round/u2.flt
done
meta() { fl-info "$1" | awk -F '\t' -v k="$2" '$1 == "meta" && $2 == k {print $7}'; }
check "it names its sites" [ "$(meta m1.flt sum.sites)" = 'a,b,c' ]
check "  its round and base" [ "$(meta m1.flt sum.round) $(meta m1.flt base)" = "1 $(fl-info --digest model.flt | cut -c 1-64)" ]
check "  and nothing of one of them" [ -z "$(meta m1.flt examples)$(meta m1.flt tokens)$(meta m1.flt loss.first)" ]
check "with the roster it must be of" fl-aggregate -p p1.flt -r roster.yaml -o m.flt a1.up b1.up c1.up
check "  the same mean" cmp m1.flt m.flt
sed 's/^federation: demo/federation: other/' roster.yaml >next.yaml
status 3 "with another roster" fl-aggregate -p p1.flt -r next.yaml -o x.flt a1.up b1.up c1.up
says 'p1.flt: is a plan of another roster than next.yaml'
status 2 "a roster and no plan" fl-aggregate -r roster.yaml u0.flt
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
# Values within the clip, weights that the cap divides: the plain mean within the documented bound.
mkdir 7 && secagg make 7 7
for i in 0 1 2; do
    updates edit 7/u1.flt w$i.flt examples=i:$((100 * (i + 1))) "site=t:$(echo abc | cut -c $((i + 1)))" \
        "embed[$i]=0.$i" "large[$((i * 100))]=-0.75"
done
printf 'cap: 300\n' >round.yaml
plan -m 7/model.flt --round 7 -c round.yaml -o p7.flt
for i in 0 1 2; do
    n=$(echo abc | cut -c $((i + 1)))
    fl-mask -k $n.key -p p7.flt -o $n.up w$i.flt
done
fl-aggregate -p p7.flt -o masked.flt a.up b.up c.up && fl-aggregate -o plain.flt w0.flt w1.flt w2.flt
cat >near.py <<'END'
import struct, sys
sys.path.insert(0, sys.argv[1])
from updates import read
a, b = (read(p)[2] for p in sys.argv[2:4])
worst = 0
for name in a:
    n = len(a[name][2]) // 4
    for x, y in zip(struct.unpack(f"<{n}f", a[name][2]), struct.unpack(f"<{n}f", b[name][2])):
        worst = max(worst, abs(x - y) - abs(y) * 2**-22)
assert 0 < worst < 3 / (2**29 * 2), worst   # n / (scale * sum of q)
END
check "the masked mean is the plain one up to rounding" python near.py "$top/tests/cli" masked.flt plain.flt
check "it can be applied" fl-apply -m 7/model.flt -o next.flt masked.flt
check "  and planned after" fl-plan -r roster.yaml -k hub.key -m next.flt --round 8 --after masked.flt -o p8.flt

# ---- who is missing, who is there twice, whose is not ----
refused() {   # STATUS "what" "words" args...: and nothing is written
    _status=$1 _about=$2 _words=$3
    shift 3
    rm -f x.flt
    status "$_status" "$_about" fl-aggregate -p p1.flt -o x.flt "$@"
    says "$_words"
    check "  and leaves nothing" sh -c '[ ! -e x.flt ] && [ ! -e .x.flt.part ]'
}
forge() { secagg forge "$@"; }
refused 4 "one missing" '1 of 3 uploads missing: c;' a1.up b1.up
refused 4 "two missing" '2 of 3 uploads missing: a, c;' b1.up
refused 3 "a site twice" 'upload of "b" is there already' a1.up b1.up b1.up c1.up
refused 3 "an upload of another round" 'b.up: was masked for another plan' a1.up b.up c1.up
refused 1 "a plain update" 'u2.flt: is of kind' a1.up b1.up u2.flt
refused 1 "no upload at all" 'empty' /dev/null
head -c 30000 b1.up >cut.up
refused 1 "a cut upload" 'cut.up' a1.up cut.up c1.up
cp b1.up flip.up
printf 'x' | dd of=flip.up bs=1 seek=20000 conv=notrunc 2>/dev/null
refused 1 "a flipped upload" 'flip.up' a1.up flip.up c1.up
size=$(stat -c %s b1.up)
head -c $((size - 256)) b1.up >bare.up
refused 3 "an upload without its signature" 'not signed by "b"' a1.up bare.up c1.up
forge b1.up same.up b.key 1
check "  (what follows is forged as well as this)" fl-aggregate -p p1.flt -o x.flt a1.up same.up c1.up
forge b1.up forged.up a.key 1
refused 3 "another key's signature" 'not its own' a1.up forged.up c1.up
forge b1.up forged.up b.key 1 signer=2
refused 3 "a signature for another place" 'not its own' a1.up forged.up c1.up
forge b1.up forged.up b.key 1 kind=update
refused 1 "a signature of another kind" 'update' a1.up forged.up c1.up
forge b1.up forged.up b.key 1 tag=2
refused 1 "a tag that differs names the pair" 'the tags of "c" and "b" differ' a1.up forged.up c1.up
forge a1.up forged.up a.key 0 tag=1
refused 1 "  whichever of them lies" 'the tags of "b" and "a" differ' forged.up b1.up c1.up
forge b1.up forged.up b.key 1 word=large:100:0x80000000
refused 1 "an upload that was not made by the plan" 'out of the plan.s range' a1.up forged.up c1.up
forge b1.up forged.up b.key 1 word=sum.weight:0:0x8000000000000000
refused 1 "a weight that was not made by the plan" 'summed weight' a1.up forged.up c1.up
forge b1.up forged.up b.key 1 "roster=b$(printf '00%.0s' $(seq 32))"
refused 3 "an upload of another roster or epoch" 'another roster or epoch' a1.up forged.up c1.up
forge b1.up forged.up b.key 1 "sid=b$(printf '00%.0s' $(seq 32))"
refused 3 "an upload of another session" 'another plan' a1.up forged.up c1.up

forge b1.up forged.up b.key 1 round=i2
refused 3 "a round that is not its session's" 'says round 2' a1.up forged.up c1.up
forge b1.up forged.up b.key 1 base.round=i5
refused 3 "a base round that is not the plan's" 'from base round 5' a1.up forged.up c1.up
forge b1.up forged.up b.key 1 ctr=i0
refused 1 "an upload that does not count" 'ctr' a1.up forged.up c1.up

# ---- two plans of one round, half of the sites each (adversarial test 8) ----
cp hub.key evil.key && cp -a hub.key.state evil.state
plan --round 9 -o p9.flt
fl-plan -r roster.yaml -k evil.key --state evil.state -m model.flt --round 9 --deadline 2031-01-01T00:00:00Z -o p9b.flt
fl-mask -q -k a.key -p p9.flt -o a.up u0.flt
fl-mask -q -k b.key -p p9.flt -o b.up u1.flt
fl-mask -q -k c.key -p p9b.flt -o c.up u2.flt
status 3 "a mixed sum does not open" fl-aggregate -p p9.flt -o x.flt a.up b.up c.up
says 'c.up: was masked for another plan'
status 3 "  under the other plan neither" fl-aggregate -p p9b.flt -o x.flt c.up a.up b.up
forge c.up forged.up c.key 2 "sid=b$(meta a.up sid)"
status 1 "  and if the session is a lie, tags name the pair" fl-aggregate -p p9.flt -o x.flt a.up b.up forged.up
says 'the tags of "c" and "a" differ'

# ---- options ----
status 2 "the plan says the weights" fl-aggregate -p p1.flt --weights uniform a1.up b1.up c1.up
status 2 "a masked sum has no parts" fl-aggregate -p p1.flt --partial a1.up b1.up
status 1 "masked uploads without a plan" fl-aggregate a1.up b1.up c1.up
status 1 "an upload as the plan" fl-aggregate -p a1.up a1.up b1.up c1.up
status 2 "binary to a terminal" on_terminal fl-aggregate -p p1.flt a1.up b1.up c1.up

# ---- sites that were away, each for another number of rounds ----
plan --round 20 -o p20.flt
plan --round 27 -o p27.flt
plan --round 1027 -o p1027.flt
fl-mask -q -k a.key -p p20.flt -o x.up u0.flt
fl-mask -q -k b.key -p p20.flt -o x.up u1.flt
fl-mask -q -k a.key -p p27.flt -o x.up u0.flt
mask p1027.flt .up
check "rounds that some missed: the next of all opens" fl-aggregate -p p1027.flt -o m.flt a.up b.up c.up
check "  to the bit" secagg mean p1027.flt m.flt u0.flt u1.flt u2.flt

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
forge b1.up tag.up b.key 1 tag=2
forge b1.up sid.up b.key 1 "sid=b$(printf '00%.0s' $(seq 32))"
table 1 "bad ones do not hide the others" 'cut.up|b|bad|is cut
a1.up|a|good|-
flip.up|b|bad|
bare.up|b|bad|is not signed by "b"
sid.up|b|bad|was masked for another plan
b.up|b|bad|was masked for another plan
u2.flt|c|bad|is of kind "update"
a1.up|a|bad|the upload of "a" is there already
c1.up|c|good|-' -p p1.flt cut.up a1.up flip.up bare.up sid.up b.up u2.flt a1.up c1.up
says '7 bad: cut.up, flip.up, bare.up, sid.up, b.up, u2.flt, a1.up; the report says why'
table 1 "a bad one after which the good one comes" 'cut.up|b|bad|is cut
a1.up|a|good|-
b1.up|b|good|-
c1.up|c|good|-' -p p1.flt cut.up a1.up b1.up c1.up
table 1 "tags of a pair that differ: which lies is not known" 'a1.up|a|good|-
tag.up|b|bad|its tags differ from those of 1 other:
c1.up|c|bad|its tags differ from those of 1 other:' -p p1.flt a1.up tag.up c1.up

# ---- a pre-shared secret that is not shared ----
mkdir psk && cp ./hub.old psk/hub.key && cp hub.pub model.flt u?.flt psk && cd psk || exit 1
keys a b c && echo 'psk: true' | roster 1 a b c >roster.yaml && words roster.yaml >words
head -c 40 /dev/urandom >one && head -c 40 /dev/urandom >two && chmod 600 one two
fl-keygen --accept roster.yaml -k a.key --words words --psk one
fl-keygen --accept roster.yaml -k b.key --words words --psk one
fl-keygen --accept roster.yaml -k c.key --words words --psk two
plan --round 1 -o p.flt && mask p.flt .up
status 1 "one site with another secret" fl-aggregate -p p.flt -o x.flt a.up b.up c.up
says 'the tags of "c" and "a" differ'
table 1 "  who is alone with it is named" 'a.up|a|good|-
b.up|b|good|-
c.up|c|bad|its tags differ from those of 2 others' -p p.flt a.up b.up c.up
status 4 "  which is not one of the first two" fl-aggregate -p p.flt -o x.flt a.up b.up
says 'missing: c'
cd .. || exit 1

# ---- the next epoch: lines out of the last uploads, and a site that joins ----
for n in a b c; do meta $n.up next >$n.pub; done
fl-keygen -n d -o d.key --epoch 2 >d.pub
roster 2 a b c d </dev/null >roster2.yaml
accept roster2.yaml a b c d
cp roster2.yaml roster.yaml
status 3 "the base of a round without the new site" sh -c 'fl-plan -r roster.yaml -k hub.key -m model.flt \
    --round 1 -o p.flt && fl-mask -q -k a.key -p p.flt -o x.up u0.flt'
says 'used in a round of other sites'
# another model, and updates of it
python - "$top/tests/cli" <<'END'
import sys
sys.path.insert(0, sys.argv[1])
from updates import read, write
kind, meta, tensors = read("model.flt")
meta["round"] = 5
write("model5.flt", kind, meta, tensors)
END
base=$(fl-info --digest model5.flt | cut -c 1-64)
for i in 0 1 2; do updates edit u$i.flt v$i.flt "base=b:$base" base.round=i:5; done
updates edit u1.flt v3.flt "base=b:$base" base.round=i:5 site=t:d
fl-plan -r roster.yaml -k hub.key -m model5.flt --round 2 -o p.flt
i=0
for n in a b c d; do
    fl-mask -q -k $n.key -p p.flt -o $n.up v$i.flt || echo "# $n cannot mask"
    i=$((i + 1))
done
check "four sites in the next epoch" fl-aggregate -p p.flt -o m.flt a.up b.up c.up d.up
check "  all of them" [ "$(meta m.flt sum.sites)" = 'a,b,c,d' ]
status 3 "an upload of the epoch before" fl-aggregate -p p.flt -o x.flt a1.up b.up c.up d.up
says 'another roster or epoch'
check "an upload of the epoch before can be sent again" fl-mask -q -k a.key -p p1027.flt -o again.up u0.flt
status 3 "  but no new one be made" fl-mask -q -k b.key -p p20.flt -o x.up u0.flt

# ---- a full disk ----
if small_disk 20; then
    status 1 "no room for the mean" fl-aggregate -p p1.flt -o small/m.flt a1.up b1.up c1.up
    check "  leaves nothing" [ -z "$(ls -A small)" ]
else
    skip "a full disk" "no tmpfs can be mounted here"
fi
finish
