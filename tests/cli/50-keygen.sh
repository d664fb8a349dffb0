#!/bin/sh
# fl-keygen: keys, lines, rosters, words; what it refuses; accepting through crashes.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"

check "a key" fl-keygen -n a -o a.key
cp out a.pub
check "  its file is for its owner only" [ "$(stat -c %a a.key)" = 600 ]
check "  one line for others" [ "$(wc -l <a.pub)" = 1 ]
check "  in a form that mail and YAML keep" grep -Eqx 'fl1 a 1( [0-9a-f]{64}){3} [0-9a-f]{128}' a.pub
cut -d ' ' -f 2 a.key | grep -Ex '[0-9a-f]{64}' >secrets
check "  no secret of the file is in it" sh -c '! grep -qFf secrets a.pub'
check "  (there are four, and the check)" [ "$(wc -l <secrets)" = 5 ]
check "the line again is the same" sh -c 'fl-keygen --public -k a.key | cmp - a.pub'
fl-keygen -n a -o a2.key >a2.pub
check "another key of that name is another" sh -c '! cmp -s a.pub a2.pub'
status 3 "a key is not written over" fl-keygen -n a -o a.key
says 'is there already'
cp a.key old
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
check "nothing is left of these" [ ! -e x.key ]
status 1 "a key that is not there" fl-keygen --public -k nothing
chmod 640 a.key
status 3 "a key that others can read" fl-keygen --public -k a.key
says 'others can read'
chmod 600 a.key
head -c 200 a.key >cut.key
chmod 600 cut.key
status 1 "a cut key" fl-keygen --public -k cut.key
mv old a.key

# ---- rosters ----
keys b c hub
roster 1 a b c </dev/null >roster.yaml
check "show" fl-keygen --show roster.yaml
cp out shown
check "  sites in the roster's order" [ "$(sed -n 's/^sites	//p' shown)" = 'a,b,c' ]
check "  twelve words" [ "$(sed -n 's/^words	//p' shown | wc -w)" = 12 ]
sed -n 's/^words	//p' shown >words
check "  which another program finds too" secagg roster roster.yaml words
roster 1 a b c >policy.yaml <<'END'
first_round: 4
min_sum: 3
policy:
  bits: [16, 32]
  weights: {"examples": 5000, "loss": 10}
  plain: ["norm.weight"]
  max_skip: 20
END
words policy.yaml >policy.words
check "  of a roster with a policy as well" secagg roster policy.yaml policy.words
status 3 "words of another roster" fl-keygen --accept roster.yaml -k a.key --words policy.words
says 'not those of this roster'
status 2 "no words and no terminal" fl-keygen --accept roster.yaml -k a.key
says '--words FILE'
check "nothing was accepted" [ ! -e a.key.state ]
tr 'a-z ' 'A-Z\n' <words >shouted
check "accept" fl-keygen --accept roster.yaml -k a.key --words shouted
check "  makes a folder for its owner only" [ "$(stat -c %a a.key.state)" = 700 ]
check "  and uses the agreement key up" sh -c '! fl-keygen --public -k a.key | cmp -s - a.pub'
check "  the next line is for the next epoch" [ "$(fl-keygen --public -k a.key | cut -d ' ' -f 3)" = 2 ]
fl-keygen --show roster.yaml --json >words.json
check "accept again, the words in what --show prints, changes nothing" sh -c 'cp a.key one
    fl-keygen --accept roster.yaml -k a.key --words words.json && cmp a.key one'
status 3 "a roster that does not hold the key's line" fl-keygen --accept policy.yaml -k a.key --words policy.words
says 'not the one that its key has now'
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
assert not any(w.encode() in shown for w in words), "the words are shown before they are typed"
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
    status 3 "a wrong word typed on a terminal" python type.py babab
    check "the right words typed on a terminal" python type.py "$(cut -d ' ' -f 7 words)"
fi

# ---- rosters that nobody should accept ----
bad() {   # "what" STATUS "words": of bad.yaml
    status "$2" "$1" fl-keygen --show bad.yaml
    says "$3"
}
sed 's/^hub: .*//' roster.yaml >bad.yaml
bad "no hub" 2 'lacks "hub"'
grep -v ' fl1 c ' roster.yaml >bad.yaml
bad "two sites" 2 'at least 3'
sed "s/- fl1 c .*/- $(cat b.pub)/" roster.yaml >bad.yaml
bad "a site twice" 3 '"b" is there twice'
sed "s/- fl1 c .*/- $(cat a2.pub)/" roster.yaml >bad.yaml
bad "a name twice" 3 '"a" is there twice'
sed "s/^\(  - fl1 b 1 [0-9a-f]*\) [0-9a-f]*/\1 $(printf '0%.0s' $(seq 64))/" roster.yaml >bad.yaml
bad "a zero key" 3 'not signed by its own key'
sed 's/epoch: 1/epoch: 2/' roster.yaml >bad.yaml
bad "lines of another epoch" 2 'for epoch 1, the roster is of epoch 2'
sed 's/federation: demo/federation: two words/' roster.yaml >bad.yaml
bad "a federation without a name" 2 'federation'
printf 'policy:\n  bits: [1, 2]\n' | cat roster.yaml - >bad.yaml
bad "a policy out of range" 2 'bits'
printf 'colour: red\n' | cat roster.yaml - >bad.yaml
bad "an unknown key" 2 'line 8'
: >bad.yaml
bad "an empty file" 2 'empty'
head -c 300 /dev/urandom >bad.yaml
bad "noise" 2 'bad.yaml'
keys d
roster 1 a2 b d </dev/null >other.yaml
words other.yaml >other.words
status 3 "a roster without one's key" fl-keygen --accept other.yaml -k c.key --words other.words
says 'does not hold the key'
flipped=0
for i in 40 400 700 1000; do   # one character of a line
    awk -v at=$i '{print}' roster.yaml | python -c 'import sys
t = sys.stdin.read(); i = int(sys.argv[1])
while t[i] not in "0123456789": i += 1
sys.stdout.write(t[:i] + str((int(t[i]) + 1) % 10) + t[i + 1:])' $i >flip.yaml
    fl-keygen --accept flip.yaml -k c.key --words words 2>/dev/null || flipped=$((flipped + 1))
done
check "a digit of a roster changed: never accepted with the right words" [ $flipped = 4 ]

# ---- a lost state, an old key ----
mv b.key.state gone
status 3 "a key that lost its state" fl-keygen --accept roster.yaml -k b.key --words words
says 'missing'
check "  and none is made" [ ! -e b.key.state ]
mv gone b.key.state

# ---- a pre-shared secret ----
roster 1 b c d >psk.yaml <<'END'
psk: true
END
keys x y z
roster 1 x y z >psk.yaml <<'END'
psk: true
END
words psk.yaml >psk.words
head -c 32 /dev/urandom >psk
chmod 600 psk
status 2 "a roster that wants a secret" fl-keygen --accept psk.yaml -k x.key --words psk.words
says '--psk'
check "accept with it" fl-keygen --accept psk.yaml -k x.key --words psk.words --psk psk
chmod 644 psk
status 3 "a secret that others can read" fl-keygen --accept psk.yaml -k y.key --words psk.words --psk psk
chmod 600 psk
head -c 31 psk >short
chmod 600 short
status 1 "a short secret" fl-keygen --accept psk.yaml -k y.key --words psk.words --psk short
status 2 "a secret for a roster without one" fl-keygen --accept roster.yaml -k c.key --words words --psk psk

# ---- accepting is cut off at every flush and every rename ----
# Each time either the old key is whole and accepts again, or the new one is in force; and the chains
# are those that the other sites have: the round at the end opens.
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
    keys p q r
    roster 1 p q r </dev/null >crash.yaml
    accept crash.yaml q r
    words crash.yaml >p.words
    cp p.key p.first
    wrong=0 kills=0
    for call in fsync rename unlink mkdir flock; do
        for n in 1 2 3 4 5 6 7 8; do
            rm -rf p.key.state p.key .p.key.part
            cp p.first p.key
            strace -f -o /dev/null -e trace=$call -e inject=$call:signal=KILL:when=$n \
                fl-keygen --accept crash.yaml -k p.key --words p.words 2>/dev/null
            [ $? = 137 ] || break
            kills=$((kills + 1))
            fl-keygen --accept crash.yaml -k p.key --words p.words 2>err || wrong=$((wrong + 1))
            [ -e .p.key.part ] && wrong=$((wrong + 1))
            chains=$(grep -c ^chain p.key.state/state)
            [ "$chains" = 2 ] && [ "$(grep -c ^roster p.key.state/state)" = 1 ] || wrong=$((wrong + 1))
            grep ^chain p.key.state/state >"chains.$kills"
            cmp -s chains.1 "chains.$kills" || wrong=$((wrong + 1))
        done
    done
    check "killed at $kills places of accepting and run again: the same chains" [ "$wrong" = 0 ]
    check "  (places enough)" [ "$kills" -ge 8 ]
else
    skip "killed while accepting" "strace cannot trace here"
fi
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
    # A state that cannot be looked at is not one that is missing: an old key would begin anew.
    # (Leaks cannot be looked for under strace.)
    cp q.old old.key && cp -a q.key.state old.key.state
    cp old.key.state/state kept
    ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 strace -f -o /dev/null -P old.key.state/state -e inject=access,faccessat,faccessat2:error=EIO \
        fl-keygen --accept crash.yaml -k old.key --words p.words 2>err
    code=$?
    check "a state that cannot be looked at: exit 1" [ $code = 1 ]
    check "  it is as it was" cmp kept old.key.state/state
else
    skip "a state that cannot be looked at" "strace cannot trace here"
fi
if small_disk 4; then
    cp p.first small/p.key 2>/dev/null || cp c.old small/p.key
    dd if=/dev/zero of=small/fill 2>/dev/null
    status 1 "a full disk" fl-keygen -n full -o small/full.key
    check "  leaves nothing" [ ! -e small/full.key ]
else
    skip "a full disk" "no tmpfs can be mounted here"
fi
finish
