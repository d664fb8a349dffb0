#!/bin/sh
# fl-keygen: keys, lines, rosters and their words; what no roster may say, with numbers that would do.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"

check "a key" fl-keygen -n a -o a.key
cp out a.pub
check "  its file is for its owner only" [ "$(stat -c %a a.key)" = 600 ]
check "  one line for others" [ "$(wc -l <a.pub)" = 1 ]
check "  in a form that mail and YAML keep" grep -Eqx 'fl1 a 1( [0-9a-f]{64}){2} [0-9a-f]{128}' a.pub
cut -d ' ' -f 2 a.key | grep -Ex '[0-9a-f]{64}' >secrets
check "  no secret of the file is in it" sh -c '! grep -qFf secrets a.pub'
check "  (there are three, and the check)" [ "$(wc -l <secrets)" = 4 ]
check "the line again is the same" sh -c 'fl-keygen --public -k a.key | cmp - a.pub'
fl-keygen -n a -o a2.key >a2.pub
check "another key of that name is another" sh -c '! cmp -s a.pub a2.pub'
status 3 "a key is not written over" fl-keygen -n a -o a.key
says 'is there already'
cp a.key a.old
check "renew" fl-keygen --renew -k a.key
cp out new.pub
check "  changes the agreement key" [ "$(cut -d ' ' -f 5 a.pub)" != "$(cut -d ' ' -f 5 new.pub)" ]
check "  and not the signing key" [ "$(cut -d ' ' -f 4 a.pub)" = "$(cut -d ' ' -f 4 new.pub)" ]
check "renew for an epoch to come" fl-keygen --renew -k a.key --epoch 5
check "  says so in the line" [ "$(cut -d ' ' -f 3 out)" = 5 ]

status 2 "no seed" fl-keygen -n x -o x.key --seed 1
says 'refused'
status 2 "no file for the key" fl-keygen -n x
says '-o KEY is missing'
status 2 "a key is not printed" fl-keygen -n x -o -
status 2 "a name that is none" fl-keygen -n 'x y' -o x.key
status 2 "two things at once" fl-keygen -n x -o x.key --public
status 2 "nothing to do" fl-keygen
status 2 "accept without a key" fl-keygen --accept roster.yaml
status 2 "a bandwidth without a roster" fl-keygen --public -k a.key --bandwidth 10
check "nothing is left of these" [ ! -e x.key ]
status 1 "a key that is not there" fl-keygen --public -k nothing
chmod 640 a.key
status 3 "a key that others can read" fl-keygen --public -k a.key
says 'others can read'
chmod 600 a.key
head -c 200 a.key >cut.key
chmod 600 cut.key
status 1 "a cut key" fl-keygen --public -k cut.key
mv a.old a.key

# ---- a roster says everything, in rows and in words ----
rounds model model.flt 1 w:30 norm.weight:8 || exit 1
keys b c d e hub aux
cp a.key a.old
roster 1 a b c </dev/null >roster.yaml
check "show" fl-keygen --show roster.yaml
cp out shown
row() { sed -n "s/^$1	//p" "$work/shown"; }
check "  sites in the roster's order" [ "$(row site | tr '\n' ' ')" = 'a b c ' ]
check "  the model that it begins with" [ "$(row model)" = "$(digest model.flt)" ]
check "  nobody may be absent" [ "$(row absent)" = 'none: a sum opens when all 3 sites are in it' ]
check "  nothing differs from the defaults" [ -z "$(row not_default)" ]
check "  twelve words" [ "$(row words | wc -w)" = 12 ]
row words >words
check "  which another program finds too" secagg roster roster.yaml words
fl-keygen --show roster.yaml --json >words.json
helpers='b +aux' min_sum=4 roster 1 a b c d e >full.yaml <<'END'
first_round: 4
psk: true
apply: {rule: nesterov, lr: 0.7, momentum: 0.9}
replay: [aux, c]
weights: {rule: dynamic, floor: 0.5, cap: 1.5, alpha: 0.25, tokens: 1500, mbit: 80, unit: 10}
tensors:
  - {match: "*norm*", protect: plain, bits: 64, clip: 4}
  - {match: still, protect: frozen}
  - {match: "*", protect: mask, bits: 16, clip: 0.25}
steps: 100
move: 0
max_open: 2
max_skip: 20
max_age: 30
recipe: {steps: 300, length: 256, lr: 1e-3, schedule: wsd, document_mask: true}
END
words full.yaml >full.words
check "  of a roster that says everything" secagg roster full.yaml full.words
check "show that one" fl-keygen --show full.yaml
cp out shown
shows() {   # "ROW: VALUE", one a line: are they in what --show prints?
    while IFS= read -r line; do
        grep -qxF -e "$(printf '%s\t%s' "${line%%: *}" "${line#*: }")" shown || { echo "# not shown: $line"; return 1; }
    done
}
cat >want <<'END'
first_round: 4
apply: nesterov, lr 0.7, momentum 0.9
protection: helpers
helper: b
helper: aux (no site)
replay: aux
replay: c
min_sum: 4
absent: 1 of 5 sites may be missing in a round; none of the 2 helpers, without whom no sum opens
collude: the hub together with all 2 helpers can read every update; with all helpers but one and 2 sites it cannot
mean: one of those named under replay must be honest, or the hub may publish a false mean
weights: dynamic: loss / ((tokens / 1500) * (Mbit/s / 80)^0.25), from 0.5 to 1.5
weights_hide: no: a changed set of sites shows the weight (count, loss) of who is missing
largest_share: 0.5 of a sum of 4 sites, 0.75 of two sites
tensors: *norm*: plain (the hub reads each site's values), 64 bits (8 bytes a value), values to +-4 in steps of 3.47e-18 to 1.04e-17 by weight
tensors: still: frozen (not trained)
tensors: *: mask, 16 bits (2 bytes a value), values to +-0.25 in steps of 6.1e-05 to 0.000183 by weight
steps: 100
move: 0: only rounds over the same model are near; a hub that publishes nearly the same model twice can compare two sums
noise: none
max_open: 2
max_skip: 20
max_age: 30
recipe: steps 300, length 256, lr 0.001, schedule wsd, document_mask
psk: yes: a secret that all parties shared before
not_default: first_round: 4
not_default: apply: nesterov, lr 0.7, momentum 0.9
not_default: protection: helpers
not_default: helper: b
not_default: weights_hide: no: a changed set of sites shows the weight (count, loss) of who is missing
not_default: tensors: *norm*: plain (the hub reads each site's values), 64 bits (8 bytes a value), values to +-4 in steps of 3.47e-18 to 1.04e-17 by weight
not_default: move: 0: only rounds over the same model are near; a hub that publishes nearly the same model twice can compare two sums
not_default: max_age: 30
END
check "  all of it, what is weak as such, and what differs from the defaults" shows <want
# The steps are those of a scale that another program finds.
for bits in 8 9 10 12 16 21 32 64; do
    printf 'steps: 16\ntensors: [{match: "*", protect: mask, bits: %s, clip: 0.2}]\n' $bits |
        roster 1 a b c d e | fl-keygen --show - >shown
    # shellcheck disable=SC2016
    python - $bits >want 2>err <<'END'
import sys
from fractions import Fraction
bits, n, clip = int(sys.argv[1]), 5, Fraction(0.2)
e = 80
while n * -(-clip.numerator * Fraction(2)**e // clip.denominator) > 2**(bits - 1) - 1:
    e -= 1
print("tensors: *: mask, %d bits (%.3g bytes a value), values to +-0.2 in steps of %.3g to %.3g by weight"
      % (bits, 8 / (64 // bits), 2.0**-e, 2.0**-e))
END
    cat err
    if [ $bits = 8 ]; then
        check "  lanes of 8 bits hold 12.8 steps for 5 sites, too few" [ ! -s shown ]
    else
        check "  steps in lanes of $bits bits" shows <want
    fi
done

# ---- accepting ----
status 3 "words of another roster" fl-keygen --accept roster.yaml -k a.key --words full.words
says 'not those of this roster'
status 2 "no words and no terminal" fl-keygen --accept roster.yaml -k a.key
says '--words FILE'
cp a.key renewed.key
fl-keygen --renew -k renewed.key >shown
status 3 "a key that was renewed since" fl-keygen --accept roster.yaml -k renewed.key --words words
says 'not the one that its key has now'
check "nothing was accepted" [ ! -e a.key.state -a ! -e renewed.key.state ]
tr 'a-z ' 'A-Z\n' <words >shouted
check "accept" fl-keygen --accept roster.yaml -k a.key --words shouted
cp out accepted
fl-keygen --show roster.yaml | grep -v '^digest	\|^words	' >shown
check "  prints all that show prints but the words" cmp accepted shown
check "  makes a folder for its owner only" [ "$(stat -c %a a.key.state)" = 700 ]
check "  and uses the agreement key up" sh -c '! fl-keygen --public -k a.key | cmp -s - a.pub'
check "  the next line is for the next epoch" [ "$(fl-keygen --public -k a.key | cut -d ' ' -f 3)" = 2 ]
check "accept again, the words in what --show prints, changes nothing" sh -c 'cp a.key one
    fl-keygen --accept roster.yaml -k a.key --words words.json && cmp a.key one'
check "the hub accepts too" fl-keygen --accept roster.yaml -k hub.key --words words
check "  and keeps its line" sh -c 'fl-keygen --public -k hub.key | cmp - hub.pub'
status 3 "a roster that does not hold the key's line" fl-keygen --accept full.yaml -k a.key --words full.words
says 'of epoch 1, and the key of "a" has accepted epoch 1; a new roster needs a later epoch'
if [ -t 0 ] || python -c 'import pty' 2>/dev/null; then
    # the words typed on a terminal, on two lines
    cat >type.py <<'END'
import os, pty, sys
words = open("words").read().split()
pid, fd = pty.fork()
if pid == 0:
    os.execvp("fl-keygen", ["fl-keygen", "--accept", "roster.yaml", "-k", "b.key"])
text = b""
while b"type them" not in text:
    text += os.read(fd, 1000)
shown = text
os.write(fd, (" ".join(words[:6]) + "\n" + sys.argv[1] + " " + " ".join(words[7:]) + "\n").encode())
try:
    while True:
        os.read(fd, 1000)
except OSError:
    pass
assert b"min_sum\t3" in shown.replace(b"\r", b""), "the roster is not shown before its words are asked for"
assert not any(w.encode() in shown for w in words), "the words are shown before they are typed"
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
    status 3 "a wrong word typed on a terminal" python type.py babab
    check "the right words typed on a terminal" python type.py "$(cut -d ' ' -f 7 words)"
fi

# The next epoch: what is new and what is gone, in the words of both.
for n in a b; do fl-keygen --public -k $n.key >$n.pub2; done
keys x
fl-keygen --renew --epoch 2 -k x.key >x.pub
cp a.pub2 a.pub && cp b.pub2 b.pub
printf 'max_open: 2\n' | roster 2 a b x >next.yaml
check "the next roster beside the last" fl-keygen --show next.yaml -k a.key
cp out shown
cat >want <<'END'
new: epoch: 2
new: site: x
new: max_open: 2
gone: epoch: 1
gone: site: c
gone: max_open: 4
END
check "  says what differs" shows <want
check "  and nothing else" [ "$(grep -c '^new	\|^gone	' shown)" = 6 ]
words next.yaml >next.words
check "accepting it" fl-keygen --accept next.yaml -k a.key --words next.words
cp out shown
check "  says so too" shows <want
status 3 "an older one" fl-keygen --accept roster.yaml -k a.key --words words
says 'needs a later epoch'
sed 's/federation: demo/federation: other/' next.yaml >foreign.yaml
words foreign.yaml >foreign.words
status 3 "one of another federation" fl-keygen --accept foreign.yaml -k b.key --words foreign.words
says 'belongs to the federation "demo", not to "other"'

# A bandwidth is a site's own setting of the epoch.
keys y z w
printf 'weights: {rule: dynamic, floor: 0.5, cap: 1}\n' | roster 1 y z w >own.yaml
words own.yaml >own.words
check "a bandwidth" fl-keygen --accept own.yaml -k y.key --words own.words --bandwidth 41.5
check "  is in the state" grep -qx 'mbit 41.5' y.key.state/state
check "none" fl-keygen --accept own.yaml -k z.key --words own.words
check "  is not" sh -c '! grep -q ^mbit z.key.state/state'
for b in 0 -1 nan 1e10; do
    status 2 "  of $b" fl-keygen --accept own.yaml -k w.key --words own.words --bandwidth $b
done
check "  nothing was accepted by these" [ ! -e w.key.state ]

# ---- rosters that nobody should accept ----
cp a.old a.key && rm -rf a.key.state
fl-keygen --public -k a.key >a.pub
cp b.old b.key && rm -rf b.key.state
fl-keygen --public -k b.key >b.pub
roster 1 a b c </dev/null >roster.yaml
bad() {   # "what" STATUS "words": of bad.yaml
    status "$2" "$1" fl-keygen --show bad.yaml
    says "$3"
}
edit() {   # SED "what" STATUS "words"
    sed "$1" roster.yaml >bad.yaml
    bad "$2" "$3" "$4"
}
edit 's/^hub: .*//' "no hub" 2 'lacks "hub"'
edit '/^model:/d' "no model" 2 'lacks "model"'
edit '/^tensors:/d' "no tensors" 2 'lacks "tensors"'
edit 's/^model: ../model: /' "a model that is no digest" 2 'is no digest; give the 64 digits that fl-info --digest'
grep -v ' fl1 c ' roster.yaml >bad.yaml
bad "two sites" 2 'at least 3'
edit "s/- fl1 c .*/- $(cat b.pub)/" "a site twice" 3 '"b" is there twice'
edit "s/- fl1 c .*/- $(cat a2.pub)/" "a name twice" 3 '"a" is there twice'
edit "s/^\(  - fl1 b 1 [0-9a-f]*\) [0-9a-f]*/\1 $(printf '0%.0s' $(seq 64))/" "a zero key" 3 'not signed by its own key'
edit 's/epoch: 1/epoch: 2/' "lines of another epoch" 2 'for epoch 1, the roster is of epoch 2'
edit 's/federation: demo/federation: two words/' "a federation without a name" 2 'federation'
echo 'colour: red' | cat roster.yaml - >bad.yaml
bad "an unknown key" 2 'there is no key "colour"'
: >bad.yaml
bad "an empty file" 2 'empty'
head -c 300 /dev/urandom >bad.yaml
bad "noise" 2 'bad.yaml'

# What later versions bring, and what earlier ones had.
later() {   # LINE "words"
    echo "$1" | cat roster.yaml - >bad.yaml
    bad "$1" 2 "$2"
}
later 'noise: gauss' 'noise'
later 'protection: none' 'protection'
later 'recipe: {lr: 1}' 'lacks "steps"'
later 'recipe: {steps: 1, optimizer: x}' 'no key "optimizer"'
later 'robust: median' 'no key "robust"'
later 'contract: x' 'contract: "x" is no digest'
later 'budget: {epsilon: 1, delta: 1e-6}' 'no noise to pay for'
later 'policy: {vary: true}' 'no key "policy"'
later 'committee: [a]' 'no key "committee"'
later 'threshold: 2' 'no key "threshold"'
edit 's/protect: mask/protect: he/' "protect: he" 2 'protect'

# ---- what the numbers mean together: each refusal says what would do, and that does ----
keys s1 s2 s3 s4 s5 s6 s7 s8 s9 s10
many='s1 s2 s3 s4 s5 s6 s7 s8 s9 s10'
weak() {   # LINES "what" "words" "SED that does what was said": LINES (%b) of a roster of the sites $of
    # shellcheck disable=SC2086
    printf '%b\n' "$1" | roster 1 $of >bad.yaml
    bad "$2" 2 "$3"
    if [ -n "$4" ]; then
        sed "$4" bad.yaml >good.yaml
        check "  so: $4" fl-keygen --show good.yaml
    fi
}
of='a b c d e' min_sum=
weak 'protection: helpers' "no helpers" 'lacks "min_sum"\|has 0 helpers; protection helpers needs 2 to 16' ''
helpers='b' min_sum=4
weak '' "one helper" 'has 1 helpers; protection helpers needs 2 to 16' 's/^  - b$/  - b\n  - c/'
helpers='b b'
weak '' "a helper twice" 'helpers: "b" is named twice' 's/^  - b$/  - c/;0,/^  - c$/s//  - b/'
helpers='b hub'
weak '' "the hub as a helper" '"hub" is none of the roster.s sites' 's/^  - hub$/  - c/'
helpers='b +b'
# shellcheck disable=SC2086
roster 1 $of </dev/null >bad.yaml
bad "a site as a helper under its line too" 3 '"b" is there twice'
helpers='b nobody'
weak '' "a helper that nobody knows" '"nobody" is none of the roster.s sites' 's/^  - nobody$/  - c/'
helpers='b c' min_sum=2
weak '' "a least sum of two" 'min_sum: 2 is not from 3' 's/^min_sum: .*/min_sum: 3/'
min_sum=6
weak '' "a least sum of more than all" 'min_sum: 6 is not from 3 to the number of sites, 5' 's/^min_sum: .*/min_sum: 5/'
min_sum=4
weak 'replay: [hub]' "the hub replays" 'none of the roster.s sites' 's/hub\]/a]/'
weak 'replay: [a, a]' "one replays twice" '"a" is named twice' 's/a, a/a, b/'
helpers=
weak 'replay: [a]' "replay without helpers" 'protection pairwise has neither helpers nor replay' '/^replay:/d'
weak 'min_sum: 4' "a least sum that pairwise masks cannot open" 'only when all 5 sites are in it' '/^min_sum:/d'
helpers='b c'
weak 'weights: {rule: dynamic, floor: 0.5}' "weights without a cap" 'needs floor and cap' 's/floor: 0.5/floor: 0.5, cap: 1/'
weak 'weights: {rule: uniform, floor: 0.5, cap: 1}' "uniform weights with a floor" 'leave out floor and cap' 's/, floor: 0.5, cap: 1//'
weak 'weights: {rule: loss, floor: 2, cap: 1}' "a floor above the cap" 'floor must be at most cap' 's/floor: 2/floor: 1/'
weak 'weights: {rule: loss, floor: 1, cap: 3.001}' "a share of more than half" 'at most 3 times (min_sum - 1) would do' 's/cap: 3.001/cap: 3/'
weak 'weights: {rule: loss, floor: 1, cap: 2, alpha: 5}' "alpha of 5" 'alpha' 's/, alpha: 5//'
weak 'apply: {rule: sgd, momentum: 0.5}' "sgd with momentum" 'momentum belongs to rules momentum and nesterov' 's/rule: sgd/rule: momentum/'
weak 'apply: {rule: adam}' "a step that is not known" 'adam' 's/adam/sgd/'
weak 'apply: {rule: momentum, momentum: 1}' "momentum of 1" 'momentum' 's/momentum: 1/momentum: 0.9/'
weak 'steps: 15' "fewer than 16 steps" 'must be at least 16' 's/steps: 15/steps: 16/'
weak 'tensors: [{match: "*", protect: plain, bits: 32, clip: 1}]' "nothing is masked" 'no rule masks anything' 's/plain/mask/'
weak 'tensors: [{match: "*", protect: frozen, bits: 32}]' "frozen with bits" 'no bits and clip' 's/frozen, bits: 32/mask, bits: 32, clip: 1/'
weak 'tensors: [{match: "*", protect: mask, bits: 32}]' "no clip" 'lacks bits and clip' 's/bits: 32/bits: 32, clip: 1/'
weak 'tensors: [{match: "*", protect: mask, clip: 1}]' "no bits" 'lacks bits and clip' 's/clip: 1/bits: 32, clip: 1/'
weak 'tensors: [{protect: mask, bits: 32, clip: 1}]' "no pattern" 'lacks "match"' 's/{protect/{match: "*", protect/'
for bits in 7 33 63 65; do
    weak "tensors: [{match: \"*\", protect: mask, bits: $bits, clip: 1}]" "lanes of $bits bits" 'bits' "s/bits: $bits/bits: 32/"
done
for clip in 0 -1 1e10 .nan; do
    weak "tensors: [{match: \"*\", protect: mask, bits: 32, clip: $clip}]" "a clip of $clip" 'clip' "s/clip: $clip/clip: 1/"
done
# The table of the design: the largest cap / floor with 64 steps and clip .2.
helpers='s1 s2'
few() {   # SITES BITS CAP BITS-THAT-DO CAP-THAT-DOES: floor 1
    of=$(echo "$many" | cut -d ' ' -f 1-"$1") min_sum=$1
    weak "weights: {rule: loss, floor: 1, cap: $3}\ntensors: [{match: \"*\", protect: mask, bits: $2, clip: 0.2}]" \
        "$1 sites, $2 bits, cap $3" "steps up to the clip, and 64 are asked for; bits: $4 would do, or a cap of at most $5 times" \
        "s/bits: $2/bits: $4/"
    sed "s/cap: $3/cap: $5/" bad.yaml >good.yaml
    check "  so: a cap of $5" fl-keygen --show good.yaml
}
few 10 12 1.7 13 1.6
few 10 14 7 15 6.4
of='s1 s2 s3 s4 s5 s6 s7 s8 s9' min_sum=9   # 409.6 / 72 is 5.689: what is advised is not above it
weak 'steps: 72\nweights: {rule: loss, floor: 1, cap: 6}\ntensors: [{match: "*", protect: mask, bits: 13, clip: 0.2}]' \
    "a ratio that would be rounded up" 'bits: 14 would do, or a cap of at most 5.68 times floor' 's/cap: 6/cap: 5.68/'
of='s1 s2 s3 s4 s5' min_sum=5
weak 'tensors: [{match: "*", protect: mask, bits: 10, clip: 0.2}]' "5 sites, 10 bits: no cap would do" \
    'has 51.2 steps up to the clip, and 64 are asked for; bits: 11 would do$' 's/bits: 10/bits: 11/'
# One site more than lanes of 8 bits hold: 7 times 18 is 126, 8 times 15 steps are too few.
helpers='s1 s2' min_sum=7
# shellcheck disable=SC2046
printf 'steps: 16\ntensors: [{match: "*", protect: mask, bits: 8, clip: 18}]\n' |
    roster 1 $(echo "$many" | cut -d ' ' -f 1-7) >good.yaml
check "7 sites fill lanes of 8 bits" fl-keygen --show good.yaml
of='s1 s2 s3 s4 s5 s6 s7 s8'
weak 'steps: 16\ntensors: [{match: "*", protect: mask, bits: 8, clip: 16}]' \
    "8 are too many" '8 sites one of the least weight has 8 steps up to the clip, and 16 are asked for; bits: 9 would do' 's/bits: 8/bits: 9/'
of='s1 s2 s3'
helpers=
weak 'steps: 9e8\nweights: {rule: loss, floor: 1, cap: 2}\ntensors: [{match: "*", protect: mask, bits: 32, clip: 1}]' \
    "more steps than lanes of 32 bits have" 'bits: 64 would do' 's/bits: 32/bits: 64/'
helpers=

roster 1 a b d </dev/null >other.yaml
words other.yaml >other.words
status 3 "a roster without one's key" fl-keygen --accept other.yaml -k c.key --words other.words
says 'does not hold the key'
words roster.yaml >words
flipped=0
for i in 40 400 700 900 1000; do   # one character: of the model, of a line, of the hub's
    python -c 'import sys
t = open("roster.yaml").read(); i = int(sys.argv[1])
while t[i] not in "0123456789": i += 1
sys.stdout.write(t[:i] + str((int(t[i]) + 1) % 10) + t[i + 1:])' $i >flip.yaml
    fl-keygen --accept flip.yaml -k c.key --words words >shown 2>&1 || flipped=$((flipped + 1))
done
check "a digit of a roster changed: never accepted with the right words" [ $flipped = 5 ]
check "  nor is anything made" [ ! -e c.key.state ]

# ---- a lost state, an old key ----
accept roster.yaml b
mv b.key.state gone
status 3 "a key that lost its state" fl-keygen --accept roster.yaml -k b.key --words words
says 'missing'
check "  and none is made" [ ! -e b.key.state ]
mv gone b.key.state
check "accept again with it" fl-keygen --accept roster.yaml -k b.key --words words

# ---- a pre-shared secret ----
keys p q r
echo 'psk: true' | roster 1 p q r >psk.yaml
words psk.yaml >psk.words
head -c 32 /dev/urandom >psk
chmod 600 psk
status 2 "a roster that wants a secret" fl-keygen --accept psk.yaml -k p.key --words psk.words
says '--psk'
check "accept with it" fl-keygen --accept psk.yaml -k p.key --words psk.words --psk psk
check "the hub needs none" sh -c 'cp hub.old h.key && fl-keygen --accept psk.yaml -k h.key --words psk.words'
chmod 644 psk
status 3 "a secret that others can read" fl-keygen --accept psk.yaml -k q.key --words psk.words --psk psk
chmod 600 psk
head -c 31 psk >short
chmod 600 short
status 1 "a short secret" fl-keygen --accept psk.yaml -k q.key --words psk.words --psk short
status 2 "a secret for a roster without one" fl-keygen --accept roster.yaml -k c.key --words words --psk psk
check "nothing was accepted by these" [ ! -e q.key.state -a ! -e c.key.state ]

if can_trace; then
    # A state that cannot be looked at is not one that is missing: an old key would begin anew.
    cp b.old old.key && cp -a b.key.state old.key.state
    cp old.key.state/state kept
    ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 strace -f -o /dev/null -P old.key.state/state -e inject=access,faccessat,faccessat2:error=EIO \
        fl-keygen --accept roster.yaml -k old.key --words words >shown 2>err
    code=$?
    check "a state that cannot be looked at: exit 1" [ $code = 1 ]
    check "  it is as it was" cmp kept old.key.state/state
else
    skip "a state that cannot be looked at" "strace cannot trace here"
fi
if small_disk 4; then
    dd if=/dev/zero of=small/fill 2>/dev/null
    status 1 "a full disk" fl-keygen -n full -o small/full.key
    check "  leaves nothing" [ ! -e small/full.key ]
else
    skip "a full disk" "no tmpfs can be mounted here"
fi
finish
