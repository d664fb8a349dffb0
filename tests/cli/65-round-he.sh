# shellcheck shell=sh source-path=SCRIPTDIR
# fl-round(1) with encrypted tensors beside masked and plain ones: helpers send their keys of their own
# accord, read no more of an upload than its ciphertexts before they answer, and the models are those of
# masked rounds. Turns that are killed: 65-round-helpers.sh, whose first roster has such tensors too.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/turns.sh"

mkdir set && cd set || exit 1
small_model || exit 1
typed() {   # the lines of the page between these headings, for our names
    awk -v b=".Ss Encrypted tensors" -v e=".Ss When" 'index($0, b) == 1 { on = 1 } on && index($0, e) == 1 { exit }
        /^\.Ed/ { code = 0 } on && code { print } on && /^\.Bd/ { code = 1 }' "$top/man/fl-round.1" |
        sed 's/\\-/-/g; s/\\(aq/'"'"'/g; s/\\e/\\/g; s/north/b/; s/--he three/--he demo/; s/^} >>.*/}/'
}
keys hub a b c aux || exit 1
helpers=''
typed | sed '/^}/q' | sh -eu | roster 1 a b c >roster.yaml
# shellcheck disable=SC2034 # of whom parties makes files
helpers='b +aux'
check "a roster as the page has it" accept roster.yaml hub a b c aux
cp -a . ../masked && parties a b c || exit 1
cd ..

# ---- two rounds by turns, and the same two with masks alone ----
cp -a set calm && cd calm || exit 1
check "two rounds, by turns alone" until_closed 2 hub a b c aux
calm
r=srv/pub/round
# shellcheck disable=SC2046 # numbers
one=$(set -- $(tail -n 1 $r/1/go | tr ',:' '  ') && echo "$2")
check "go tells what of an upload is ciphertexts" [ "$(cat $r/1/go)" = "$(printf '1\na:%s,b:%s,c:%s' "$one" "$one" "$one")" ]
check "  its first object" sh -c 'head -c "$1" "$2" | fl-info --get kind - | cmp - "$3"' - "$one" $r/1/up/a.flt "$(echo cipher >kind && echo kind)"
moved() { awk -F '\t' -v n="$2" '$4 == "fetch" && $6 == n' "work.$1"/journal/*.tsv | wc -l; }   # PARTY BYTES: how often
whole=$(wc -c <$r/1/up/a.flt)
for p in b aux; do
    check "$p fetched these alone of each upload, and later what was left" [ "$(moved $p "$one").$(moved $p $((whole - one))).$(moved $p "$whole")" = 6.6.0 ]
    check "  having told what they take of its disk" [ "$(awk -F '\t' '$8 ~ /^ciphertexts/ {print $6}' work.$p/journal/*.tsv | tr '\n' ' ')" = "$((3 * one)) $((3 * one)) " ]
    check "  and made its keys once for both rounds" [ "$(event $p keys)" = 1 ]
    check "  nothing of them is kept twice" [ -z "$(find work.$p -path '*/c1/*')" ]
done
check "a helper that is a site, too, and one that is none made the last model" [ -e "work.b/model/$want.flt" -a -e "work.aux/model/$want.flt" ]
check "anybody verifies both rounds" fl-aggregate --verify -q -r roster.yaml $r
mkdir $r/7 && echo 'keys 1' >$r/7/limit
check "a round that waits for keys has had its number: the next epoch begins after it" sh -c 'fl-round hub --draft-roster hub.yaml | grep -qx "first_round: 8"'
cd ../masked || exit 1
sed -i '/^he:/d; /^  - fl1-he/d; s/protect: he/protect: mask/' roster.yaml
for p in hub a b c aux; do rm -rf $p.key.state && cp $p.old $p.key; done
check "the same federation, all masked" accept roster.yaml hub a b c aux
parties a b c || exit 1
check "  two rounds" until_closed 2 hub a b c aux
same "  they lead to"
for n in 0 1; do
    check "  by means of the same numbers" sh -c 'fl-info --digest --params "$1" >a 2>/dev/null || fl-info --stats "$1" >a; fl-info --digest --params "$2" >b 2>/dev/null || fl-info --stats "$2" >b; cmp a b' - $r/$n/mean.flt ../calm/$r/$n/mean.flt
done
cd ..

# ---- keys that are late, twice, another's; a disk that is too small ----
fresh
turn a b c aux
check "the hub needs keys" round hub -v hub.yaml
check "  -n of a helper shows what it would do" round helper -n aux.yaml
tells '^fl-keygen --he-key 0..15 '
turn b hub
round status hub.yaml >status
check "one helper is late: the hub waits, and says for whom" grep -q "^0	-	keys	.*	waits for keys of aux$" status
check "  it opens no round" [ ! -e $r/0/plan.flt ]
check "  --step does" sh -c 'fl-report --step hub.yaml | grep -q "^wait	0	-	-	aux$"'
cp work.b/round/0/keys.flt srv/in/aux/0.keys.flt && cp work.b/round/0/keys.flt srv/in/c/0.keys.flt
check "another's keys" turn hub
check "  of a site that helps nobody" grep -q ' bad nobody asked "c" for keys of round 0' $r/0/have/c/keys
check "  are called bad" grep -q ' bad is of "b", not of "aux"' $r/0/have/aux/keys
touch -d '-2 days' $r/0/limit
check "after a day people are told" round hub -v hub.yaml
grep -q 'round 0 waits for word from aux' "$work/err"
report $? "  of whom"
turn aux hub
check "they come: the round is open" [ -e $r/0/plan.flt ]
check "  status says so" sh -c 'fl-round status hub.yaml | grep -q "^0	-	open	"'
fl-keygen --he-key 0..3 -k b.key -o other.flt
put() { SSH_ORIGINAL_COMMAND="put keys 0 $(wc -c <other.flt) 0" fl-gate b srv <other.flt; }
status 3 "keys that are sent a second time" put
cp other.flt srv/in/b/0.keys.flt && cp other.flt work.b/round/0/keys.flt
turn hub
check "  or came by another way: the first stay" grep -q "^$(b2sum -l 256 <$r/0/keys/b.flt | cut -c 1-64) taken" $r/0/have/b/keys
status 3 "  who has a copy of the key is told" turn b
says 'round 0: the hub took another keys of this party: a copy of its key is in use'
cp $r/0/keys/b.flt work.b/round/0/keys.flt
turn a b c hub b aux hub
check "go" [ -e $r/0/go ]
mkdir fails && cp "$top/cmd/fl-round" fails
printf '#!/bin/sh\ncase $SSH_ORIGINAL_COMMAND in get*have*) exit 1 ;; esac\nexec %s "$@"\n' "$(command -v fl-gate)" >fails/fl-gate
chmod +x fails/fl-gate
check "a receipt that cannot be fetched now: what was taken is not sent again" fails/fl-round helper aux.yaml
at_once aux
cp $r/0/up/a.flt a.flt && cp $r/0/go go && truncate -s 10T $r/0/up/a.flt && sed -i 's/a:[0-9]*/a:10000000000000/' $r/0/go
check "a helper whose disk has no room for the ciphertexts" round helper -v aux.yaml
grep -q "has no room for $((10000000000000 + 2 * one)) bytes" "$work/err"
report $? "  says for how many bytes"
check "  fetches none of them" [ ! -e work.aux/round/0/c1 -a -z "$(find work.aux/.part -name "*_up_*")" ]
mv a.flt $r/0/up/a.flt && mv go $r/0/go && rm work.aux/round/0/go && at_once aux
until_closed 1 b aux hub a c
same "  with room it goes on, to"
finish
