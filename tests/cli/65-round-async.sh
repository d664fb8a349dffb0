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
rounds=4
new overlap 'delay: 1'
turn hub a b c hub >said 2>&1
is "the first mean makes two models" "$(cut -f 1 srv/pub/chain.tsv | paste -sd ' ' -)" "0 0"
check "  and the second round opens" [ -e srv/pub/round/1/plan.flt ]
check "  at once the third, while the second travels" [ "$(open_rounds)" = 2 ]
most=0
for i in 1 2 3 4 5 6 7 8; do
    turn a hub b c hub >>said 2>&1
    [ "$(open_rounds)" -le "$most" ] || most=$(open_rounds)
done
turn a b c
is "never more than two are open" "$most" 2
is "four rounds are closed" "$(closed)" 5
check "  and nobody complained" [ ! -s said ]

models=$({ digest model.flt; cut -f 4 srv/pub/chain.tsv; } | paste -sd ' ' -)
want=$(echo "$models" | tr ' ' '\n' | head -n 4 | paste -sd ' ' -)
is "round R is over model R" "$(for r in 0 1 2 3; do fl-info --get base srv/pub/round/$r/plan.flt; done | paste -sd ' ' -)" "$want"
for s in a b c; do check "$s has come to the last model itself" [ -e "work.$s/model/$(last_model).flt" ]; done
cut -f 4 srv/pub/chain.tsv >../overlap.models
new other 'delay: 1'
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do turn hub c hub b hub a >>said 2>&1; [ "$(closed)" -lt 5 ] || break; done
cut -f 4 srv/pub/chain.tsv >../other.models
check "another order of turns: the same models" cmp ../overlap.models ../other.models
new void 'delay: 1'
turn hub a b c hub a b >said 2>&1
round hub --void 1 "c is on holiday" hub.yaml >>said 2>&1
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do turn hub a b c hub >>said 2>&1; [ "$(closed)" -lt 5 ] || break; done
cut -f 4 srv/pub/chain.tsv | sort >../void.models
sort ../overlap.models >../models
check "a round that is given up is repeated over its model: the same models" cmp ../models ../void.models
cd ..

# ---- the hub reads updates ----
rounds=2
new plain "protection: none\n$plain"
turn hub a b hub
check "a plain round waits for all" [ ! -e srv/pub/round/0/mean.flt ]
check "  no update lies where parties look" [ -z "$(find srv/pub -type d -name up)" ]
check "    but where the hub has it" [ -s srv/plain/0/up/a.flt ]
until_closed 2 hub a b c
is "two rounds are closed" "$(closed)" 2
last_model >../plain.last
check "  and all sites followed" [ -e "work.b/model/$(last_model).flt" ]
new buffered "protection: none\nstale: 2\nmin_sum: 3\n$plain"
until_closed 2 hub c b a
is "buffered, and nobody late: the synchronous models to the byte" "$(last_model)" "$(cat ../plain.last)"
cd ..

# ---- who comes late ----
rounds=4
new late "protection: none\nstale: 2\nmin_sum: 2\n$plain"
turn hub a b c hub
sites() { meta "srv/pub/round/$1/mean.flt" sum.sites; }
rm -rf "$work/twice" && cp -a . "$work/twice"
is "all were in time: all are in" "$(sites 0)" a,b,c
turn c && mv work.c/round/1/up.flt kept && rm -rf srv/in/c/* && rm -f work.c/round/1/have.up   # lost on its way
turn a b hub
is "two are enough" "$(sites 1)" a,b
turn c
check "the third does not train again" [ "$(event c train)" = 2 ]
turn a hub
is "  its update joins the next round" "$(sites 2)" a,c
is "    and is one model old" "$(meta srv/pub/round/2/mean.flt sum.stale)" 1
check "    to the byte what it was" cmp kept work.c/round/2/up.flt
turn c b hub
is "then it trains from the newest model again" "$(sites 3) $(meta srv/pub/round/3/mean.flt sum.stale)" "b,c "
check "nothing was said" [ ! -s "$work/err" ]
cd ..
finish
