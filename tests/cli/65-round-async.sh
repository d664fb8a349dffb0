#!/bin/sh
# fl-round where rounds overlap (delay: 1), where the hub reads updates (protection: none), and where a round
# does not wait for everybody (stale:): the chain of models, the order of turns, who comes late.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/turns.sh"
small_model || exit 1
plain='tensors: [{match: "*", protect: plain}]'
new() {   # DIR TERMS: a federation of a, b, c with the keys of the first one
    mkdir "$work/$1" && cd "$work/$1" && cp ../model.flt . || exit 1
    if [ -e ../a.old ]; then
        for k in hub a b c; do cp "../$k.old" $k.key && cp "../$k.pub" . || exit 1; done
        printf '%b\n' "$2" | roster 1 a b c >roster.yaml && accept roster.yaml hub a b c
    else
        terms=$2 && federation a b c && cp ./*.old ./*.pub ..
    fi
    parties a b c
}
open_rounds() { for r in srv/pub/round/*/plan.flt; do [ -e "${r%/*}/closed" ] || echo "${r%/*}"; done | wc -l; }

# ---- delay: 1 ----
rounds=3
new overlap 'delay: 1'
turn hub a b c hub >said 2>&1
is "the first mean makes two models" "$(cut -f 1 srv/pub/chain.tsv | paste -sd ' ' -)" "0 0"
check "  and the second round opens" [ -e srv/pub/round/1/plan.flt ]
is "  at once the third, while the second travels" "$(open_rounds)" 2
turn a hub >>said 2>&1
check "a site trains the older first" [ -e srv/pub/round/1/have/a/up ] 
check "  and then the newer, which waits for nobody" sh -c '[ ! -e srv/pub/round/2/have/a/up ]'
turn a hub >>said 2>&1
is "  while the older waits for the others" "$(ls srv/pub/round/1/up srv/pub/round/2/up | tr '\n' ' ')" \
    "srv/pub/round/1/up: a.flt  srv/pub/round/2/up: a.flt "
for i in 1 2 3; do turn b c hub a >>said 2>&1; done
is "three rounds are closed, and no more is opened" "$(closed) $(open_rounds)" "4 0"
check "  and nobody complained" [ ! -s said ]
models=$({ digest model.flt; cut -f 4 srv/pub/chain.tsv; } | head -n 3 | paste -sd ' ' -)
is "round R is over model R" "$(for r in 0 1 2; do fl-info --get base srv/pub/round/$r/plan.flt; done | paste -sd ' ' -)" "$models"
turn b c
for s in a b c; do check "$s has come to the last model itself" [ -e "work.$s/model/$(last_model).flt" ]; done
cut -f 4 srv/pub/chain.tsv | sort >../models
verify() { fl-aggregate --verify -q -r roster.yaml -m model.flt "$@" srv/pub/round; }
check "anybody repeats them from the hub's folder, to the last model" verify --next "srv/pub/model/$(last_model).flt"
status 1 "  and to no other" verify --next model.flt
new again 'delay: 1'
turn hub c hub b hub a hub c >said 2>&1
round hub --void 1 "b is on holiday" hub.yaml >>said 2>&1
for i in 1 2 3 4 5 6; do turn hub b c hub a >>said 2>&1; [ "$(closed)" -lt 4 ] || break; done
cut -f 4 srv/pub/chain.tsv | sort >../again.models
check "other turns, and a round that is given up and repeated over its model: the same models" cmp ../models ../again.models
end=$(awk '{ from[$2] = 1; to[$4] = 1 } END { for (m in to) if (!(m in from)) print m }' srv/pub/chain.tsv)
status 4 "  verified in the order of models, which is not that of their numbers" verify --next "srv/pub/model/$end.flt"
is "  nothing is found, but that the one given up has no uploads" "$(sed 1d "$work/out" | cut -f 1,2 | tr '\t\n' '  ')" \
    "missing srv/pub/round/1/up/a.flt missing srv/pub/round/1/up/b.flt missing srv/pub/round/1/up/c.flt "
cd ..

# ---- a turn looks at the signatures of a roster's lines once ----
cd again || exit 1
seen=$(fl-info --conf a.yaml | sed -n 's/^roster_digest	//p')
is "its digest is told" "$seen" "$(fl-keygen --show roster.yaml | sed -n 's/^digest	//p')"
line=$(cat b.pub)
case $line in *0) bent=${line%?}1 ;; *) bent=${line%?}0 ;; esac
sed "s/$line/$bent/" roster.yaml >bent.yaml
status 3 "a line that its key did not sign" env FL_ROSTER_SEEN="$seen" fl-keygen --show bent.yaml
says 'the public line of "b" is not signed by its own key'
seen=$(python -c "import sys; sys.path.insert(0, sys.argv[1]); import secagg as s; print(s.roster(sys.argv[2]).rd.hex())" "$top/tests/naive" bent.yaml)
check "who says that it was seen is believed" env FL_ROSTER_SEEN="$seen" fl-keygen --show bent.yaml
cp ../b.old bent.key
env FL_ROSTER_SEEN="$seen" fl-keygen --show bent.yaml | sed -n "s/^words	//p" >bent.words
status 3 "  but it is not accepted" env FL_ROSTER_SEEN="$seen" fl-keygen --accept bent.yaml -k bent.key --words bent.words
says 'is not signed by its own key'
cd ..

# ---- the hub reads updates ----
rounds=1
new plain "protection: none\n$plain"
turn hub a b hub
check "a plain round waits for all" [ ! -e srv/pub/round/0/mean.flt ]
check "  no update lies where parties look" [ -z "$(find srv/pub -type d -name up)" ]
check "    but where the hub has it" [ -s srv/plain/0/up/a.flt ]
status 3 "    and no party gets it" env SSH_ORIGINAL_COMMAND='get plain/0/up/a.flt 0' fl-gate b srv
until_closed 1 hub a b c
last_model >../plain.last
check "  then all sites follow" [ -e "work.b/model/$(last_model).flt" ]
new buffered "protection: none\nstale: 2\nmin_sum: 3\n$plain"
until_closed 1 hub c b a
is "buffered, and nobody late: the synchronous model to the byte" "$(last_model)" "$(cat ../plain.last)"
cd ..

# ---- who comes late ----
rounds=3
new late "protection: none\nstale: 2\nmin_sum: 2\n$plain"
sites() { meta "srv/pub/round/$1/mean.flt" sum.sites; }
turn hub c && mv srv/in/c/0.up.flt kept   # lost on its way
turn a b hub
is "two are enough" "$(sites 0)" a,b
turn c
check "the third does not train again" [ "$(event c train)" = 1 ]
turn a hub
is "  its update joins the next round" "$(sites 1)" a,c
is "    and is one model old" "$(meta srv/pub/round/1/mean.flt sum.stale)" 1
check "    to the byte what it was" cmp kept work.c/round/1/up.flt
turn c b hub
is "then it trains from the newest model again" "$(sites 2) $(meta srv/pub/round/2/mean.flt sum.stale)" "b,c "
check "  a model that is followed by all" sh -c 'for s in a b c; do fl-round site $s.yaml && [ -e work.$s/model/$0.flt ] || exit 1; done' "$(last_model)"
cd ..
finish
