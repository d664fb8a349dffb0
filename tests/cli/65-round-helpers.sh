# shellcheck shell=sh
# fl-round(1) with helpers: rounds go on without those who miss the deadline; who is late, which helper is
# away; turns that are killed, where tensors are masked, encrypted and plain; a party under replay.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/turns.sh"

mkdir set && cd set || exit 1
small_model || exit 1
helpers='b +aux' min_sum=3 terms='tensors: [{match: "*norm*", protect: plain, bits: 32, clip: 0.01}, {match: "*embed*", protect: he, bits: 24, clip: 0.01}, {match: "*", protect: mask, bits: 32, clip: 0.01}]\nreplay: [aux]\napply: {rule: nesterov, lr: 0.7, momentum: 0.9}'
federation a b c d || exit 1
parties a b c d || exit 1
cd ..

# ---- the calm run: with velocity, and what a party under replay signs ----
cp -a set calm && cd calm || exit 1
check "two rounds, by turns alone" until_closed 2 hub a b c d aux
calm
turn b aux a
for p in a b aux; do check "  $p made the last model itself" [ "$(digest "work.$p/model/$want.flt")" = "$want" ]; done
check "  and its velocity" cmp "work.a/model/$want.velocity.flt" "work.aux/model/$want.velocity.flt"
check "  both helpers were ready, and answered, once a round" [ "$(event b ready).$(event aux ready).$(event b answer).$(event aux answer)" = 2.2.2.2 ]
listed() { SSH_ORIGINAL_COMMAND="ls 0 $(fl-info --conf "$1.yaml" | sed -n 's/^lists\t-*//p')" fl-gate "$1" srv | grep -c -e /up/ -e /answer/; }
for p in a.0 d.0 b.12 aux.12; do check "  the list of ${p%.*} has ${p#*.} uploads and answers" [ "$(listed "${p%.*}")" = "${p#*.}" ]; done
check "  as had its last turn" sh -c '! grep -e /up/ -e /answer/ work.a/.part/list && grep -q /up/ work.aux/.part/list'
check "  aux signed for each" [ "$(event aux verify)" = 2 ]
for r in 0 1; do
    check "  anybody repeats round $r from the hub's folder" fl-aggregate --verify -q -r roster.yaml "srv/pub/round/$r"
    check "    with aux's signature" fl-info --verify roster.yaml srv/pub/round/$r/opened/aux.flt
done
cd ..

# ---- turns that are killed ----
fresh
watcher &
watching=$!
killed_turns 5 "${KILLED:-1}" hub a b c d aux >killed
report $? "turns killed at random: the round closes"
cat killed
touch stop
wait $watching
check "  no file under its final name was partial" [ ! -s partial ]
[ ! -s said ] || sed 's/^/# /' said | head -n 5
check "  nobody was told to act" [ ! -s said ]
same "  it"
cd ..

# ---- two sites miss the deadline; one comes after the request; a helper is away for three turns ----
rm -rf set && mkdir set && cp calm/model.flt set && cd set || exit 1
terms='tensors: [{match: "*", protect: mask, bits: 32, clip: 0.01}]'
federation a b c d e || exit 1
parties a b c d e || exit 1
echo 'due: 4s' >>hub.yaml
cd .. && fresh
turn hub a b c
sleep 4
check "two of five miss the deadline" turn hub
check "  the others are asked for" [ -e srv/pub/round/0/request.1.flt ]
turn b hub
turn b hub
turn b hub
check "a helper is away for three turns: it waits" sh -c '[ ! -e srv/pub/round/0/go ] && [ ! -e srv/pub/round/1 ]'
turn d
check "an upload that comes before all are ready" turn hub
check "  is taken" grep -q ' taken' srv/pub/round/0/have/d/up
turn aux hub
check "all are ready: go" [ "$(cat srv/pub/round/0/go)" = 1 ]
# e trained for the round before it saw the go
sed 's/^hub: .*/hub: dir:old/' e.yaml >e.old.yaml
mkdir -p old/in/e && cp -a srv/pub old/ && rm old/pub/round/0/go
round site e.old.yaml
cp work.e/round/0/up.flt srv/in/e/0.up.flt
check "one that comes after it" turn hub
check "  is late" grep -q ' late' srv/pub/round/0/have/e/up
check "  and told so" turn e
check "    without a fault" [ ! -e work.e/fault ]
turn b hub
sleep 1
check "an answer is missing: the hub opens no other round" sh -c '[ ! -e srv/pub/round/1 ] && [ ! -e srv/pub/round/0/mean.flt ]'
sed -i 's/^due: .*/due: 1d/' hub.yaml
turn aux hub
check "the late answer comes: the mean is of those who were asked for" [ "$(fl-info --get sum.sites srv/pub/round/0/mean.flt)" = a,b,c ]
check "  and the next round is open" [ -e srv/pub/round/1/plan.flt ]
# A hub whose list is made to be counted with, and to lead out of the folder: in bash, which runs $( ) in
# the index of an array when it counts.
mkdir "$work/lies" && cp "$top"/cmd/fl-round "$work/lies"
cp "srv/pub/round/0/plan.flt" "$work/evil.flt"
cat >"$work/lies/fl-gate" <<X
#!/bin/sh
case \$SSH_ORIGINAL_COMMAND in
ls*)
    $(command -v fl-gate) "\$@" | sed '1s%.*%time a[\$(touch $work/owned)]%'
    echo "$(stat -c %s "$work/evil.flt") pub/round/0/up/../../../../evil.flt"
    printf '5 pub/round/%s/plan.flt\n' 08 99999999999999999999 'a[\$(touch $work/owned)]'
    echo 'a[\$(touch $work/owned)] pub/round/0/have/aux/answer'
    echo '9 pub/roster/08.yaml' ;;
get*evil*) cat "$work/evil.flt" ;;
*) exec $(command -v fl-gate) "\$@" ;;
esac
X
chmod +x "$work/lies/fl-gate"
! command -v bash >/dev/null || sed -i '1s/.*/#!\/bin\/bash/' "$work/lies/fl-round"
check "a list that lies in its numbers and names" env "$work/lies/fl-round" helper -v aux.yaml
check "  is not counted with" [ ! -e "$work/owned" ]
check "  leads nowhere" [ -z "$(find . "$work" -name evil.flt ! -path "$work/evil.flt")" ]
check "  and what is true of it is done" [ -e "work.aux/model/$(last_model).flt" ]
check "  in which all are in" until_closed 2 hub a b c d e aux
check "    (all of them)" [ "$(fl-info --get sum.sites srv/pub/round/1/mean.flt)" = a,b,c,d,e ]
check "  e followed without having been in" [ -e "work.e/model/$(last_model).flt" ]
check "  no device was taken for a file of ours" [ -c /dev/null ]
round status hub.yaml >status
check "  status says what e missed last" grep -q '^1	e	taken	.*	0	' status
cd ..
finish
