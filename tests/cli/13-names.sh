# shellcheck shell=sh
# Names of outputs and keys: as long as a name may be, and of any characters. Nothing else is left.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"

seq 1 400 | tr '\n' ' ' >t.txt
fl-init -p nano --seed 1 -o m.flt
fl-init -p nano --seed 2 -o n.flt
fl-harmonize -t m.flt -o s.flt t.txt
fl-diff -b m.flt --site a --examples 3 --tokens 99 -o u.flt n.flt
model=m.flt federation a b c || exit 1
fl-plan -r roster.yaml -k hub.key --round 1 -m m.flt -o plan.flt
long() { head -c "$1" /dev/zero | tr '\0' "${2-x}"; }   # N [LETTER]

cat >commands <<'X'
fl-init -p nano --seed 1 -o
fl-harmonize -t m.flt t.txt -o
fl-tokenize -t m.flt t.txt -o
fl-train -q -m m.flt --steps 1 -b 1 -l 32 s.flt -o
fl-diff -b m.flt n.flt -o
fl-aggregate u.flt -o
fl-apply -m m.flt u.flt -o
fl-info m.flt -o
fl-plan -r roster.yaml -k hub.key --round 1 -m m.flt -o
fl-mask -q -k a.key -p plan.flt u.flt -o
X
mkdir d

# made NAME "what": every program makes a file of this name, and no other
made() {
    failed=0
    while read -r line; do
        $line - </dev/null >want 2>/dev/null
        rm -rf d/* d/.[!.]*
        $line "d/$1" </dev/null >stdout 2>said
        code=$?
        [ $code = 0 ] && cmp -s want "d/$1" && [ "$(ls -A d | wc -c)" = $((${#1} + 1)) ] ||
            { failed=1 && echo "# $line: exit $code, $(ls -A d | wc -l) files: $(head -c 300 said)"; }
    done <commands
    report $failed "$2"
}
for n in 200 243 249 250 254 255; do
    made "$(long $n)" "a name of $n bytes"
done
# 255 bytes that end within a character of two, of three, of four bytes when they are cut
for lead in a ab abc abcd; do
    name=$lead$(python -c 'print("\U0001F600" * 62)')
    made "$name" "a name of $(printf %s "$name" | wc -c) bytes of UTF-8" 2>/dev/null
done
made 'per%cent %s %n' "a name with %"
made '-dash' "a name that begins with -"
made '.hidden' "a name that begins with a dot"
made 'a b	c' "a name with a space and a tab"
printf 'bytes \377\376' >bytes
made "$(cat bytes)" "a name that is no UTF-8"
rm -rf d/* d/.[!.]*
newline='two
lines'
check "a name with a line end" fl-init -p nano --seed 1 -o "d/$newline"
check "  is that file" cmp m.flt "d/$newline"
status 1 "  an error about one is one line" fl-info "d/$newline.no"
says 'two\\nlines.no: cannot open'
cd d || exit 1
check "a name that begins with -, without a folder" fl-init -p nano --seed 1 -o -dash
check "  is that file" cmp ../m.flt ./-dash
cd .. || exit 1
rm -rf d/* d/.[!.]*

status 1 "256 bytes are too many" fl-train -q -m m.flt --steps 1000000 -b 1 -l 32 -o "d/$(long 256)" s.flt
says 'cannot write: File name too long'
check "  which is found before hours of work, and leaves nothing" [ -z "$(ls -A d)" ]

# Two long names that differ in their ends have two parts; a leftover is taken over.
one=$(long 254)1 two=$(long 254)2
fl-train -q -m m.flt --steps 100000 -b 1 -l 32 -o "d/$one" s.flt &
id=$!
until [ -n "$(ls -A d)" ] || ! kill -0 $id; do sleep 0.02; done
check "another long name can be written meanwhile" fl-init -p nano -o "d/$two"
status 1 "the same cannot" fl-init -p nano -o "d/$one"
says 'another program is writing it'
kill -9 $id
wait $id 2>/dev/null
check "a run that was killed leaves its part" [ "$(ls -A d | wc -l)" = 2 ]
check "the next one takes it over" fl-init -p nano -o "d/$one"
check "  and leaves none" [ "$(ls -A d | wc -l)" = 2 ]
rm -rf d/*

# ---- checkpoints, side outputs ----
name=$(long 255)
check "a checkpoint of a long name" fl-train -q -m m.flt --steps 1 -b 1 -l 32 --checkpoint "d/$name" -o u2.flt s.flt
check "  is read again" fl-train -q -m m.flt --steps 1 -b 1 -l 32 --checkpoint "d/$name" -o u3.flt s.flt
check "  with the same result" cmp u2.flt u3.flt
check "a state of a long name" fl-apply -m m.flt --optimizer momentum --state "d/$(long 255 s)" -o "d/$(long 255 m)" u.flt
check "side outputs of long names" fl-harmonize -t m.flt --valid 0.5 --valid-output "d/$(long 255 v)" \
    --card "d/$(long 255 c)" -o "d/$(long 255 o)" t.txt
check "nothing else is left" [ "$(ls -A d | wc -l)" = 6 ]

# ---- keys ----
rm -rf d/* d/.[!.]*
for n in 240 249 250 255; do
    key=$(long $n k)
    fl-keygen -n "k$n" -o "d/$key" >"k$n.pub" || { report 1 "a key of $n bytes"; continue; }
    check "a key whose name has $n bytes" fl-keygen --public -k "d/$key"
done
model=m.flt roster 1 k240 k249 k250 k255 </dev/null >long.yaml
words long.yaml >long.words
cp hub.old hub2.key
fl-keygen --accept long.yaml -k hub2.key --words long.words >shown
fl-plan -r long.yaml -k hub2.key --round 1 -m m.flt -o long-plan.flt
for n in 240 249 250 255; do
    key=$(long $n k)
    check "accepts a roster" fl-keygen --accept long.yaml -k "d/$key" --words long.words
    check "  and again" fl-keygen --accept long.yaml -k "d/$key" --words long.words
    check "  and masks" fl-mask -q -k "d/$key" -p long-plan.flt -o up.flt u.flt
    ln -s "d/$key" "link$n"
    check "  and again, by a link in another folder" fl-mask -q -k "link$n" -p long-plan.flt -o up2.flt u.flt
    check "  the same" cmp up.flt up2.flt
    check "a new key for an epoch to come, by the link" fl-keygen --renew -k "link$n" --epoch 2
    check "  which stays a link" test -L "link$n"
done
check "four keys, and their states" [ "$(ls -A d | wc -l)" = 8 ]
check "the short ones are called KEY.state" test -d "d/$(long 240 k).state" -a -d "d/$(long 249 k).state"
check "nothing is beside the links" sh -c '! ls -d link*.state .link* 2>/dev/null'

# ---- a key that is a link: each program that uses it finds the state beside the key, or names it ----
mkdir keys elsewhere
for n in p q r; do fl-keygen -n $n -o keys/$n.key >$n.pub && ln -s ../keys/$n.key elsewhere/$n.key; done
model=m.flt roster 1 p q r </dev/null >pqr.yaml
words pqr.yaml >pqr.words
check "fl-keygen --accept" fl-keygen --accept pqr.yaml -k elsewhere/p.key --words pqr.words
check "  makes the state beside the key" test -d keys/p.key.state -a ! -e elsewhere/p.key.state
check "  once" fl-keygen --accept pqr.yaml -k keys/p.key --words pqr.words
cp hub.old keys/hub.key && ln -s ../keys/hub.key elsewhere/hub.key
check "the hub accepts" fl-keygen --accept pqr.yaml -k elsewhere/hub.key --words pqr.words
check "fl-plan" fl-plan -r pqr.yaml -k elsewhere/hub.key --round 1 -m m.flt -o pqr-plan.flt
check "  has its state beside the key" test -d keys/hub.key.state -a ! -e elsewhere/hub.key.state
status 3 "  and knows of the round by the key's own name" fl-plan -r pqr.yaml -k keys/hub.key --round 1 -m m.flt --deadline 2131-01-01T00:00:00Z -o other.flt
check "fl-mask" fl-mask -q -k elsewhere/p.key -p pqr-plan.flt -o up.flt u.flt
mv keys/p.key.state kept.state
status 3 "fl-mask without the state" fl-mask -q -k elsewhere/p.key -p pqr-plan.flt -o up.flt u.flt
says ': elsewhere/../keys/p.key.state: the state folder is missing'
status 3 "fl-keygen without the state" fl-keygen --accept pqr.yaml -k elsewhere/p.key --words pqr.words
says ': elsewhere/../keys/p.key.state: the state folder is missing'
check "--state names it" fl-mask -q -k elsewhere/p.key -p pqr-plan.flt --state kept.state -o up.flt u.flt
mv keys/hub.key.state kept.hub
status 3 "fl-plan without the state" fl-plan -r pqr.yaml -k elsewhere/hub.key --round 2 -m m.flt -o other.flt
says ': elsewhere/../keys/hub.key.state: the state folder is missing'
finish
