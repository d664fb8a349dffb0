# shellcheck shell=sh
# fl-round(1), pairwise, by a folder: rounds by turns alone; turns that are killed, repeated, started twice;
# uploads that come damaged; a hub that lies; what people hear. The right value is the calm run's digest.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/turns.sh"

mkdir set && cd set || exit 1
small_model || exit 1
federation a b c || exit 1
parties a b c || exit 1
cd ..

# ---- the party's file ----
cp -a set one && cd one || exit 1
check "fl-info --conf" fl-info --conf a.yaml
tells '^sites	a,b,c$'
sed -i 's/^name: a/name: bb/' a.yaml
status 2 "a name that the roster has not" round site a.yaml
says 'a.yaml: "bb" is none of the roster.s sites; did you mean "b"'
sed -i 's/^name: bb/name: a/' a.yaml
status 2 "a site's file for the hub" round hub a.yaml
status 2 "the hub's for a site" round site hub.yaml
mv roster.yaml later
status 4 "a roster that is not there yet" round site a.yaml
mv later roster.yaml
echo 'steps: 3' >>a.yaml
status 2 "a key that is not known" round site a.yaml
says 'line 8: there is no key "steps"'
for line in '' 'site' 'site -x a.yaml' 'tree a.yaml' 'hub --void' 'site a.yaml b.yaml' '--nothing'; do
    # shellcheck disable=SC2086  # words
    status 2 "fl-round $line" round $line
done
for line in 'fl-report --status' 'fl-report --step --status a.yaml' 'fl-report --tried x a.yaml' 'fl-report --json a.yaml' 'fl-report --step --list hub.yaml hub.yaml' \
    'fl-report --step a.yaml' 'fl-plan --void 3' 'fl-plan --void 3 a.yaml' 'fl-plan --yes' 'fl-plan --from 3 a.yaml' 'fl-plan --draft-roster a.yaml' \
    'fl-plan --draft-roster -- -nobody hub.yaml' 'fl-plan --draft-roster nobody hub.yaml' 'fl-plan --void 0 why hub.yaml' 'fl-plan x' \
    'fl-aggregate --check --as a/up a.yaml'; do
    # shellcheck disable=SC2086  # words
    status 2 "$line" $line
done
check "fl-round --help" sh -c 'fl-round --help | grep -q "^Usage: fl-round"'
check "fl-round --version" sh -c 'fl-round -V | grep -qE "^fl-round [0-9.]+$"'
cd .. && rm -rf one

one_round() { fresh && sed -i 's/^rounds: .*/rounds: 1/' hub.yaml; }   # where a second shows nothing more

# ---- the calm run ----
files() { find srv work.* -type f ! -path '*/.part/*' ! -name '.slot*' ! -name '.move' ! -name '.work' ! -name '.turn' -exec cksum {} + | sort -k 3; }
cp -a set calm && cd calm || exit 1
files >before
for p in a b c; do check "$p before any round: nothing, without a word" turn $p; check "  says nothing" [ ! -s ../out ] && [ ! -s ../err ]; done
files | grep -v journal >after
check "  and nothing was made" cmp before after
check "hub -n" round hub -n hub.yaml
tells '^fl-plan --explain -q -r /.*/roster.yaml'
files | grep -v -e journal -e "work.hub/model" >after
check "  and runs nothing" cmp before after
check "two rounds, by turns alone" until_closed 2 hub a b c
calm
for p in a b c; do check "  which $p made itself" [ "$(digest "work.$p/model/$want.flt")" = "$want" ]; done
check "  not one fetched it" sh -c '! grep -q "model/$0" work.[abc]/journal/*' "$want"
files >before
for p in hub a b c; do
    check "$p again" turn $p
    check "  without a word" [ ! -s ../out ] && [ ! -s ../err ]
done
files >after
check "a turn that can do nothing changes nothing" cmp before after
check "no key, no update, no state below the hub's root" sh -c '
    for f in $(find srv -name "*.flt"); do fl-info --get kind $f; done | sort -u | tr "\n" " " | grep -qx "masked model plan update " &&
    [ -z "$(find srv -name "*.key*" -o -name state)" ] && [ "$(for f in $(find srv -name "*.flt"); do fl-info --get kind $f | sed "s|\$| $f|"; done | grep "^update" | grep -v -c mean.flt)" = 0 ]'
check "the journal has each step once" [ "$(event a train).$(event a mask).$(event hub sum).$(event hub open)" = 2.2.2.2 ]
check "fl-round status" round status hub.yaml
tells '^1	-	closed	20'
tells '^1	c	taken	20.*	0	'
check "  as JSON" sh -c 'fl-round status --json hub.yaml >rows.json'
check "    that is some" python -c 'import json; r = [json.loads(l) for l in open("rows.json")]; assert r[0]["state"] == "closed" and r[2]["missed"] == 0'
check "site -n of one who is done" round site -n a.yaml
cd ..

# ---- the roster's recipe: all train by it; a site's own wins there, and the journal says so ----
mkdir agreed && cd agreed && cp ../set/model.flt . || exit 1
terms='recipe: {steps: 2, batch: 1, length: 32}' && federation a b c && rounds=1 parties a b c || exit 1
sed -i '/^recipe:/d' a.yaml b.yaml
check "a site without a recipe of its own" fl-info --conf a.yaml
tells '^agreed_recipe	steps 2, batch 1, length 32$'
check "a round by the roster's recipe" until_closed 1 hub a b c
check "  c, which has its own, says so" [ "$(event c own-recipe).$(event a own-recipe)" = 1.0 ]
cd .. && rm -rf agreed
terms=''

# ---- turns that are killed anywhere, with all that they started ----
fresh
watcher &
watching=$!
killed_turns 3 2 hub a b c >killed
report $? "turns killed at random: both rounds close"
cat killed
touch stop
wait $watching
[ ! -s partial ] || sed 's/^/# partial: /' partial | head -n 5
check "  no file under its final name was partial" [ ! -s partial ]
check "  nobody was told to act" [ ! -s said ]
same "  turns killed at random"
for p in a b c; do turn $p; check "  $p has it" [ -e "work.$p/model/$want.flt" ]; done
cd ..

# ---- the shell alone is killed: its fl-train still counts as a turn; five turns at once ----
one_round
cat >slow <<'X'
#!/bin/sh
cd ..
echo $$ >>trainers
while [ ! -e go-on ]; do sleep 0.1; done
exec fl-train -q -m "$1" -c recipe.yaml --site a -o "$2" shards.a/0.flt
X
chmod +x slow && echo "trainer: slow" >>a.yaml
turn hub
round site a.yaml &
id=$!
for i in $(seq 100); do [ -s trainers ] && break; sleep 0.1; done
kill -9 $id && wait $id 2>/dev/null
five=''
for i in 1 2 3 4 5; do round site a.yaml >>said 2>&1 & five="$five $!"; done
# shellcheck disable=SC2086  # processes
wait $five
check "the shell is killed, five turns start: one trainer" [ "$(wc -l <trainers)" = 1 ]
[ ! -s said ] || sed 's/^/# /' said
check "  and no word" [ ! -s said ]
echo "$(($(date +%s) - 50000)) 4711" >work.a/.work
rm -f work.a/fault
status 1 "a turn that takes longer than patience is told of" round site a.yaml
says 'work.a/.work: another turn has been at work for long; process 4711 began it'
check "  once a day" turn a
touch go-on
wait
for i in $(seq 100); do flock -n work.a/.work true && break; sleep 0.1; done
check "later it goes on" until_closed 1 hub a b c
same "  it"
cd ..

# ---- a trainer that says: not yet ----
one_round
printf '#!/bin/sh\ncd ..\n[ -e ready ] || exit 75\nexec fl-train -q -m "$1" -c recipe.yaml --site a -o "$2" shards.a/0.flt\n' >later
chmod +x later && echo "trainer: later" >>a.yaml
turn hub
check "a trainer that says 75: come again" turn a
check "  it is no fault" [ ! -e work.a/fault ]
touch ready
check "  it is asked again" until_closed 1 hub a b c
same "  it"
cd ..

# ---- what arrives damaged, or is another's ----
one_round
turn hub a b c
cp srv/in/a/0.up.flt good.a && cp srv/in/b/0.up.flt good.b
printf damaged | dd of=srv/in/a/0.up.flt bs=1 seek=3000 conv=notrunc 2>/dev/null
truncate -s 300000 srv/in/b/0.up.flt
check "two of three uploads are damaged on their way: the hub's turn goes on" turn hub
check "  the third is taken" grep -q ' taken' srv/pub/round/0/have/c/up
check "  they are not" sh -c 'grep -q " bad " srv/pub/round/0/have/a/up && grep -q " bad " srv/pub/round/0/have/b/up'
check "  and journalled with the reason" [ "$(event hub bad)" = 2 ]
check "  they are sent again" until_closed 1 hub a b c
same "  they"
cd ..
one_round
turn hub a b c
cp srv/in/b/0.up.flt srv/in/a/0.up.flt
ln -f srv/in/c/0.up.flt srv/in/c/second
mkdir srv/in/b/7.up.flt.d && cp good.none srv/in/b/99.up.flt 2>/dev/null || cp srv/in/b/0.up.flt srv/in/b/99.up.flt
cp srv/in/b/0.up.flt srv/in/b/0.answer.flt
check "another site's upload, a hard link, another round's, an answer nobody asked for" turn hub
check "  the first is bad" grep -q 'bad is of another party' srv/pub/round/0/have/a/up
check "  the link is not taken" sh -c '[ ! -e srv/pub/round/0/up/c.flt ] && [ ! -e srv/in/c/0.up.flt ]'
check "  nor the others" sh -c '[ ! -e srv/in/b/99.up.flt ] && [ ! -e srv/in/b/0.answer.flt ] && [ ! -e srv/pub/round/0/answer/b.flt ]'
check "  and all goes on" until_closed 1 hub a b c
same "  all of it"
cd ..
# Our own bytes, called bad: not sent again and again.
fresh
turn hub a
mkdir -p srv/pub/round/0/have/a && rm srv/in/a/0.up.flt
echo "$(b2sum -l 256 <work.a/round/0/up.flt | cut -c 1-64) bad because" >srv/pub/round/0/have/a/up
sed -i 's/^work: /patience: 0s\nwork: /' a.yaml
status 1 "what the hub calls bad though it is whole" turn a
says 'round 0: the hub says of this up: because'
check "  is not sent again" [ ! -e srv/in/a/0.up.flt ]
cd ..

# ---- a hub that lies ----
fresh
turn hub a
rm srv/in/a/0.up.flt && mkdir -p srv/pub/round/0/have/a
echo "$(printf %064d 7) taken" >srv/pub/round/0/have/a/up
status 3 "a receipt for other bytes" turn a
says 'the hub took another up of this party: a copy of its key is in use'
cd ..
fresh
until_closed 1 hub a b
turn a b c hub
cp -a srv srv.true
printf damaged | dd of=srv/pub/round/0/mean.flt bs=1 seek=5000 conv=notrunc 2>/dev/null
sed -i 's/^work: /patience: 0s\nwork: /' a.yaml
status 1 "a mean with a bit off" turn a
says 'round/0/mean.flt: came damaged'
fl-init -q -p nano --seed 2 -o other.flt && fl-diff -b model.flt --site hub -o other.upd other.flt
cp other.upd srv/pub/round/0/mean.flt
rm -f work.a/fault
status 3 "another mean, whole" turn a
check "  nothing of it is a model here" [ "$(ls work.a/model | wc -l)" = 1 ]
cp srv.true/pub/round/0/mean.flt srv/pub/round/0/mean.flt
rm -rf work.a/round/0/mean.flt
sed -i "s/^0\(.*\)	[0-9a-f]*\$/0\1	$(printf %064d 1)/" srv/pub/chain.tsv
rm -f work.a/fault
status 1 "a chain of nonsense" turn a
says 'the hub.s chain.tsv has no round that leads to model'
rm -rf srv && cp -a srv.true srv && rm -f work.a/fault
cp srv/pub/round/0/plan.flt srv/pub/round/1/plan.flt && rm -r work.a/round/1
status 3 "an old plan under a new number" turn a
says "round 1: the hub's plan is of another round"
check "  nothing was masked for it" [ ! -e work.a/round/1/up.flt ]
rm -rf srv && cp -a srv.true srv && rm -f work.a/fault
check "the truth again" until_closed 2 hub a b c
same "  all lies later"
cd ..

# ---- who is late, who is away ----
fresh
echo "due: 0s" >>hub.yaml
sed -i 's/due: 0s/due: 2s/' hub.yaml
turn hub a b && sleep 2
status 1 "a round that is late" turn hub
says 'round 0 is late: nothing came from c'
check "  is told once" turn hub
check "    without a word" [ ! -s ../err ]
until_closed 1 c hub
check "  and goes on when they come" [ "$(closed)" = 1 ]
cd ..
fresh
check "a stick that is not there" sh -c 'mv srv away && fl-round site a.yaml'
check "  is no mail" [ ! -s ../err ]
at_once a
read -r since told count next <work.a/fault
echo "$((since - 30000)) $told $count 0" >work.a/fault
status 1 "  until patience is over" turn a
says 'srv: is not there'
at_once a
check "  and then none until the next day" turn a
at_once a
read -r since told count next <work.a/fault
echo "$since $((told - 90000)) $count 0" >work.a/fault
status 1 "  when there is one more" turn a
check "  a turn waits after a fault" [ "$(cut -d ' ' -f 4 work.a/fault)" -gt "$(date +%s)" ]
sed -i 's/ [0-9]*$/ 99999999999/' work.a/fault
mv away srv && turn hub
check "  a clock that was set back does not make it wait for ever" turn a
check "  and all is forgotten" [ ! -e work.a/fault ]
check "    (it went on)" [ -e work.a/round/0/up.flt ]
cd ..

# ---- a round that is given up; a pause ----
one_round
turn hub a b
status 2 "giving up without a reason" round hub --void 0 hub.yaml
check "a round is given up" round hub --void 0 "b has restored a disk" hub.yaml
tells 'over this model 1 of 4 rounds were opened; 3 may still be'
check "  once" [ "$(cat srv/pub/round/0/void)" = "b has restored a disk" ]
check "the next is over the same model" until_closed 1 hub a b c
check "  costs no training" [ "$(event a train).$(event a mask)" = 1.2 ]
same "  it"
cd ..
fresh
turn hub && mkdir work.a && touch work.a/pause work.hub/pause
check "a site that pauses" turn a
check "  does not train" [ ! -e work.a/round/0/up.flt ]
rm work.a/pause
check "a hub that pauses finishes the open round" until_closed 1 a b c hub
check "  and opens none" [ ! -e srv/pub/round/1 ]
rm work.hub/pause
check "  until it goes on" until_closed 2 hub a b c
same "  it"
cd ..
finish
