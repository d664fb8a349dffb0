#!/bin/sh
# The ledger of a text: what fl-train and fl-mask put into it before anything leaves, and what they refuse.
# shellcheck disable=SC2154 # variables of lib.sh
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
shards() { python "$top/tests/cli/shards.py" "$@"; }
lines() { tail -n +2 "$1" | wc -l; }
epsilon() { fl-account --delta 1e-6 "$@" | awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "rdp_epsilon") k = i } NR == 2 { print $k }'; }
refused() {   # "what" "words" COMMAND...: 3, it says why, and neither ledger nor output is touched
    _about=$1 _words=$2
    shift 2
    cp l.ledger before.ledger
    rm -f x.flt
    status 3 "$_about" "$@"
    says "$_words"
    check "  and nothing is written" sh -c '[ ! -e x.flt ] && cmp -s l.ledger before.ledger'
}

printf 'preset: nano\nctx: 16\nchannels: 16\nheads: 2\nhead_dim: 4\nffn: 32\n' >c.yaml
fl-init -c c.yaml --seed 1 -o model.flt || exit 1
ids=$(awk 'BEGIN { for (i = 0; i < 60; i++) { for (j = 0; j < i % 30; j++) printf "%d ", 97 + (i + j) % 9
                                              printf "256 " } }')
# shellcheck disable=SC2086
shards ids model.flt a.shard unit=record $ids
# shellcheck disable=SC2086
shards ids model.flt p.shard unit=passage $ids
dp='--dp-clip 0.5 --dp-noise 1 --dp-rate 0.25'
# shellcheck disable=SC2086
train() { fl-train -q -m model.flt --steps 3 $dp --ledger l.ledger "$@"; }
fl-account --new-ledger l.ledger || exit 1

# ---- fl-train ----
one=$(fl-train -q -m model.flt --steps 3 $dp --dry-run a.shard | awk '$1 == "dp_epsilon" { print $2 }')
check "a training is paid for" train --checkpoint k.flt -o a.upd a.shard
check "  by one line" [ "$(lines l.ledger)" = 1 ]
check "  of this kind and unit" [ "$(sed -n 2p l.ledger | cut -d ' ' -f 1,2,5)" = "1 train record" ]
check "  which costs what the dry run said" [ "$(epsilon l.ledger | cut -c 1-6)" = "$(echo "$one" | cut -c 1-6)" ]
check "  by its name in the checkpoint" [ "$(sed -n 2p l.ledger | cut -d ' ' -f 3)" = "$(meta k.flt dp.run)" ]
check "  whose hash the update has" [ "$(meta a.upd dp.entry)" = "$(sed -n 2p l.ledger | sed 's/.* //')" ]
cp l.ledger one.ledger
check "the same again" train --checkpoint k.flt -o again.upd a.shard
check "  is the same" cmp a.upd again.upd
check "  and costs nothing" cmp l.ledger one.ledger
rm again.upd
train --dry-run a.shard >dry
check "a dry run says what is spent" [ "$(awk '$1 == "ledger_epsilon" { print $2 }' dry | cut -c 1-6)" = "$(echo "$one" | cut -c 1-6)" ]
check "  and would be" [ "$(awk '$1 == "ledger_then" { print $2 }' dry | cut -c 1-6)" = \
    "$(epsilon -e "$(awk '$1 == "dp_event" { print $2 }' dry)" l.ledger | cut -c 1-6)" ]
two=$(awk '$1 == "ledger_then" { print $2 }' dry)
above=$(awk "BEGIN { print $two * 1.001 }") below=$(awk "BEGIN { print $two * .999 }")
refused "a budget just too small" "would be .* and --budget is" train --budget "$below" -o x.flt a.shard
check "one that is just enough" train --budget "$above" --checkpoint k2.flt -o b.upd a.shard
check "  is used up" [ "$(lines l.ledger)" = 2 ]
refused "nothing is left of it" "nothing was written" train --budget "$above" -o x.flt a.shard
cp l.ledger two.ledger
check "what was paid for is had again" train --budget "$above" --checkpoint k2.flt -o again.upd a.shard
check "  the same" sh -c 'cmp b.upd again.upd && cmp l.ledger two.ledger'
refused "no ledger there" "there is no such ledger" fl-train -q -m model.flt --steps 3 $dp --ledger no.ledger -o x.flt a.shard
printf 'x' >>l.ledger
refused "one that is cut" "line 3 is cut off" train -o x.flt a.shard
sed '2s/record/passage/' two.ledger >l.ledger
refused "one that was edited" "line 1 does not follow" train -o x.flt a.shard
cp two.ledger l.ledger
check "another unit is warned of" sh -c "fl-train -m model.flt --steps 3 $dp --dp-unit passage --ledger l.ledger \
    -o p.upd p.shard 2>&1 | grep -q '2 other releases hide another unit than a passage'"
check "  and counted apart" [ "$(fl-account --delta 1e-6 l.ledger | cut -f 1,4 | tr '\t\n' ' ;')" = "unit releases;record 6;passage 3;" ]
cp two.ledger l.ledger
check "nothing hidden, and a ledger: a warning" sh -c "fl-train -m model.flt --steps 1 --ledger l.ledger -o plain.upd \
    a.shard 2>&1 | grep -q 'is of no use here'"
check "  and no line" cmp l.ledger two.ledger

# two at once: there is enough for one
limit=$(awk "BEGIN { print $(epsilon -e "$(awk '$1 == "dp_event" { print $2 }' dry)" l.ledger) * 1.0001 }")
train --budget "$limit" --checkpoint k3.flt -o c.upd a.shard 2>err3 &
first=$!
train --budget "$limit" --checkpoint k4.flt -o d.upd a.shard 2>err4 &
second=$!
wait $first; code=$?
wait $second; code=$code$?
check "two at once: one of them has it" sh -c "[ $code = 03 ] || [ $code = 30 ]"
check "  one update, one line" [ "$(find . -name '[cd].upd' | wc -l)$(lines l.ledger)" = 13 ]

# ---- fl-mask, under a roster that hides documents ----
cp two.ledger l.ledger
terms='noise: {local: {clip: 0.5, multiplier: 1, rate: 0.25, steps: 3}}
budget: {epsilon: '$above', delta: 1e-6}
recipe: {steps: 3, dp_clip: 0.5, dp_noise: 1, dp_rate: 0.25}'
helpers='b +aux' min_sum=3
federation a b c && plan 1 model.flt && cp -a a.key.state fresh.state && cp a.key fresh.key || exit 1
fresh() { rm -rf a.key.state && cp -a fresh.state a.key.state && cp fresh.key a.key; }
mask_a() { fl-mask -k a.key -p 1/plan.flt "$@"; }
paid() { mask_a --ledger l.ledger "$@"; }
status 2 "no ledger" mask_a -o x.flt a.upd
says '--ledger FILE is missing'
check "before the training" paid --check -m model.flt
refused "an update without noise" "no ledger paid for it" paid -o x.flt plain.upd
fl-account --new-ledger other.ledger
cp l.ledger kept.ledger
refused "a ledger that does not know the update" "has no line of this update" mask_a --ledger other.ledger -o x.flt a.upd
refused "zeros" "a site without an update sends nothing" paid --zero -o x.flt
weak() {   # NAME args...: an update that is paid for in NAME.ledger, and hides less
    _name=$1
    shift
    fl-account --new-ledger "$_name.ledger" && fl-train -q -m model.flt --ledger "$_name.ledger" -o "$_name.upd" "$@"
    refused "an update that says less ($_name)" "the roster asks for a record with 0.5, 1, 0.25 and 3" \
        mask_a --ledger "$_name.ledger" -o x.flt "$_name.upd"
}
weak noise --steps 3 --dp-clip 0.5 --dp-noise 0.9 --dp-rate 0.25 a.shard
weak rate --steps 3 --dp-clip 0.5 --dp-noise 1 --dp-rate 0.26 a.shard
weak steps --steps 4 --dp-clip 0.5 --dp-noise 1 --dp-rate 0.25 a.shard
weak unit --steps 3 --dp-clip 0.5 --dp-noise 1 --dp-rate 0.25 --dp-unit passage p.shard
python "$top/tests/cli/updates.py" edit a.upd forged.upd 'layers.0.input_layernorm.weight[0]=0.5' || exit 1
refused "another update that says it was paid for by that line" "line 1 is of another update than this" paid -o x.flt forged.upd
check "an update is masked" paid -q -o a.up a.upd
check "  with a line that costs nothing" [ "$(tail -n 1 l.ledger | cut -d ' ' -f 1,2,5,6)" = "3 round record -" ]
check "  of this session" [ "$(tail -n 1 l.ledger | cut -d ' ' -f 3)" = "$(meta a.up sid)" ]
check "  signed by the key" sh -c "tail -n 1 l.ledger | cut -d ' ' -f 8 | grep -q '^[0-9a-f]\{64\}\.'"
check "  the upload says how far the ledger was" [ "$(meta a.up ledger.count) $(meta a.up ledger.head)" = "3 $(tail -n 1 l.ledger | sed 's/.* //')" ]
check "  and so does the state" grep -q "^ledger .* 3 $(tail -n 1 l.ledger | sed 's/.* //')$" a.key.state/state
cp l.ledger three.ledger
check "the same again" paid -q -o again.up a.upd
check "  is the same" sh -c 'cmp a.up again.up && cmp l.ledger three.ledger'
cp two.ledger l.ledger
refused "an older copy of the ledger" "has 2 lines, and this key saw 3" paid -o x.flt a.upd
cp other.ledger l.ledger
refused "another ledger" "is another ledger than the one of this key's earlier rounds" paid -o x.flt a.upd
sed '$d' three.ledger >l.ledger
refused "one that lost its last line" "has 2 lines" paid -o x.flt a.upd
cp three.ledger l.ledger
cp -a a.key.state masked.state && cp a.key masked.key
fresh
cp two.ledger l.ledger
check "ledger and state rolled back together" paid -q -o rolled.up a.upd
check "  cannot be seen here, but outside: other words, one number" sh -c "
    [ '$(meta a.up ctr)' = \"\$(fl-info rolled.up | awk -F '\t' '\$2 == \"ctr\" { print \$7 }')\" ] && ! cmp -s a.up rolled.up"
fresh
cp three.ledger l.ledger
refused "the state alone rolled back, another update" "is of the same round with another input" paid -o x.flt b.upd
fresh
check "  but the same is paid for" paid -q -o back.up a.upd
check "  once" cmp l.ledger three.ledger
fresh
cp two.ledger l.ledger
# shellcheck disable=SC2086
fl-train -q -m model.flt --steps 3 $dp --ledger l.ledger -o over.upd a.shard || exit 1
refused "more was spent than the roster's budget" "and the roster's budget is" paid -o x.flt over.upd
refused "  so that none is masked" "and the roster's budget is" paid -o x.flt a.upd
refused "  which --check says before the training" "and the roster's budget is" paid --check -m model.flt

# ---- a roster without noise: a ledger that was given once is given always ----
mkdir none && cp model.flt ./*.upd two.ledger none && cd none || exit 1
cp two.ledger l.ledger
terms='' helpers=''  # pairwise
federation a b c && plan 1 model.flt && plan 2 model.flt || exit 1
check "an update that was paid for" mask_a -q --ledger l.ledger -o a.up a.upd
check "  has a line" [ "$(tail -n 1 l.ledger | cut -d ' ' -f 1,2,5,6)" = "3 round record -" ]
cp l.ledger kept.ledger
status 3 "then no ledger" fl-mask -q -k a.key -p 2/plan.flt -o x.flt a.upd
says 'earlier rounds of this key are in the ledger'
check "one without noise is warned of" sh -c "fl-mask -k b.key -p 1/plan.flt --ledger l.ledger -o b.up plain.upd 2>&1 |
    grep -q 'nothing hides what this update tells'"
check "  and has no line" cmp l.ledger kept.ledger
finish
