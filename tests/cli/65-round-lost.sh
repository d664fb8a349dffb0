# shellcheck shell=sh
# What fl-round(1) tells to type when something is lost: its own lines, taken out of the page, after those
# of its EXAMPLES that make a federation and three rounds.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/turns.sh"

page=$top/man/fl-round.1
typed() {   # BEGIN END: the lines to type between these headings of the page, by blocks
    awk -v b="$1" -v e="$2" 'index($0, b) == 1 { on = 1 } on && index($0, e) == 1 { exit }
        /^\.Ed/ { code = 0 } on && code { print } on && /^\.Bd/ { code = 1 }' "$page" |
        sed 's/\\-/-/g; s/\\(aq/'"'"'/g; s/\\e/\\/g'
}
helpers=""
mkdir stand && compare_words "$work/stand" && PATH=$work/stand:$PATH
mkdir set && cd set || exit 1
small_model || exit 1
seq 1 60 | fl-harmonize -q -t model.flt -o site-a.flt && seq 700 900 | fl-harmonize -q -t model.flt -o public.flt || exit 1
typed '.Sh EXAMPLES' '.Ss By ssh' >lines
check "a federation and three rounds, as the page has them" sh -eu lines
check "  three are closed" [ "$(closed)" = 3 ]
check "  and one is open" [ -e srv/pub/round/3/plan.flt ]
cd ..
every() { fl-round hub hub.yaml; for _n in "$@"; do fl-round site $_n.yaml; done; fl-round hub hub.yaml; }   # a turn of each
rounds_to() {   # N SITE...: until N are closed
    _want=$1 _i=0
    shift
    while [ "$(closed)" -lt "$_want" ] && [ $_i -lt 6 ]; do _i=$((_i + 1)) && every "$@"; done >>said 2>&1
    [ "$(closed)" -ge "$_want" ]
}
procedure() {   # TITLE: its lines
    awk -v b=".It $1" '$0 == b { on = 1; next } on && /^\.It / { exit } /^\.Ed/ { code = 0 } on && code { print }
        on && /^\.Bd/ { code = 1 }' "$page" | sed 's/\\-/-/g; s/\\(aq/'"'"'/g; s/\\e/\\/g' >"$work/lines"
    [ -s "$work/lines" ]
}

fresh
fl-round site north.yaml
procedure "A round cannot be finished"
check "a round is given up" sh -eu "$work/lines"
check "  the next is over the same model" rounds_to 4 north south coast
check "  and has another number" [ "$(tail -n 1 srv/pub/chain.tsv | cut -f 1)" = 4 ]
cd ..

fresh
cp -a srv srv.old && cp -a work/hub hub.old && cp -a hub.key hub.key.old && cp -a hub.key.state state.old
rounds_to 4 north south coast
check "a hub goes on to round 4" [ -e srv/pub/round/4/plan.flt ]
rm -rf srv work/hub hub.key hub.key.state && mv srv.old srv && mv hub.old work/hub && mv hub.key.old hub.key && mv state.old hub.key.state
procedure "A disk of the hub was restored"
check "  and is restored to round 3" sh -eu "$work/lines"
check "  goes on after what the sites have seen" rounds_to 4 north south coast
check "    in a round that none of them had" [ "$(tail -n 1 srv/pub/chain.tsv | cut -f 1)" = 5 ]
cd ..

fresh
procedure "A site joins, another leaves"
sed -n 1p "$work/lines" >pause
sed 1d "$work/lines" >rest
check "a site joins, another leaves: the open round is finished" sh -eu pause
check "  by all who were in it" rounds_to 4 north south coast
every north south coast >>said 2>&1
check "  and no other is opened" [ ! -e srv/pub/round/4 ]
check "  draft, accept, go on" sh -eu rest
rounds_to 6 north coast west
check "  two more rounds" [ "$(closed)" = 6 ]
check "    of those who are in the roster" [ "$(fl-info --get sum.sites "srv/pub/round/$(tail -n 1 srv/pub/chain.tsv | cut -f 1)/mean.flt" | tr , '\n' | sort | tr '\n' ' ')" = "coast north west " ]
check "    from where the last epoch ended" [ "$(sed -n 5p srv/pub/chain.tsv | cut -f 2)" = "$(sed -n 4p srv/pub/chain.tsv | cut -f 4)" ]
cd ..

accept_2() {   # NAME...: what the page says "as above"; a helper that has answered with the model
    for _n in "$@"; do fl-keygen --accept 2.yaml ${helpers:+-m first.flt} -k $_n.key >>said 2>&1 || return; done
    sed -i "s/^roster:.*/roster: 2.yaml/" ./*.yaml && rm work/hub/pause
}
fresh
fl-round site north.yaml && fl-round site coast.yaml && fl-round hub hub.yaml
procedure "A site is gone for good in a pairwise round"
check "a site is gone for good: another model, another roster" sh -eu "$work/lines"
check "  whose model anybody makes again" sh -c 'last=$(tail -n 1 srv/pub/chain.tsv | cut -f 4)
    fl-train -q -m work/coast/model/$last.flt --steps 1 --seed 1 -b 1 -l 32 public.flt | fl-apply -q -m work/coast/model/$last.flt -o again.flt && cmp again.flt first.flt'
sed "s/coast/west/" coast.yaml >west.yaml && cp -r shards/coast shards/west
check "  it is accepted" accept_2 hub north coast west
check "  and rounds go on over it" rounds_to 4 north coast west
check "    (over it)" [ "$(tail -n 1 srv/pub/chain.tsv | cut -f 2)" = "$(digest first.flt)" ]
cd ..

# ---- the same of a helper, in a federation that has some ----
rm -rf set && mkdir set && cd set || exit 1
small_model || exit 1
seq 700 900 | fl-harmonize -q -t model.flt -o public.flt
helpers="b +aux" min_sum=3 terms='tensors: [{match: "*", protect: mask, bits: 32, clip: 0.01}]'
federation a b c d && rounds=0 parties a b c d || exit 1
sed -i 's/work: work.hub/work: work\/hub/' hub.yaml
cd .. && fresh
fl-round hub --from 2 hub.yaml >said   # the page's round 3 is the second here
for i in 1 2 3 4 5 6; do
    [ "$(closed)" -ge 1 ] || turn hub a b c d aux
done
check "a round with helpers" [ "$(closed)" = 1 ]
turn hub a b c d hub b hub >>said 2>&1
check "  the next waits for a helper who is gone" [ ! -e srv/pub/round/3/mean.flt ]
procedure "A helper is gone for good"
check "a helper is gone for good: another model, another helper" sh -eu "$work/lines"
sed "s/aux/spare/" aux.yaml >spare.yaml && rm aux.yaml
check "  the roster is accepted" accept_2 hub a b c d spare
for i in 1 2 3 4 5 6 7 8; do
    [ "$(closed)" -ge 2 ] || { turn hub a b c d && fl-round helper spare.yaml; }
done
check "  and rounds go on over it" [ "$(closed)" = 2 ]
check "    (over it)" [ "$(tail -n 1 srv/pub/chain.tsv | cut -f 2)" = "$(digest first.flt)" ]
cd ..
finish
