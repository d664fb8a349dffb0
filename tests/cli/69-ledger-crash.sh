#!/bin/sh
# fl-mask and fl-train with a ledger, killed or failing at any of their calls that write: nothing that they
# let out lacks its line, and the same command afterwards ends well, with that line and no other.
# shellcheck disable=SC2154,SC2034 # variables of lib.sh and crash.sh
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/crash.sh"

if ! can_trace; then
    skip "crashes with a ledger" "strace cannot trace here"
    finish
fi
printf 'preset: nano\nctx: 16\nchannels: 8\nheads: 2\nhead_dim: 4\nffn: 16\n' >c.yaml
fl-init -c c.yaml --seed 1 -o model.flt || exit 1
# shellcheck disable=SC2046
python "$top/tests/cli/shards.py" ids model.flt a.shard unit=record $(awk 'BEGIN { for (i = 0; i < 40; i++) printf "97 98 99 256 " }') || exit 1
train() { fl-train -q -j 1 -m model.flt --steps 2 --dp-clip 0.5 --dp-noise 1 --dp-rate 0.25 --ledger a.key.ledger --checkpoint k.flt "$@" a.shard; }
lines() { tail -n +2 "$1" | wc -l; }
terms='noise: {local: {clip: 0.5, multiplier: 1, rate: 0.25, steps: 2}}
budget: {epsilon: 100, delta: 1e-6}
recipe: {steps: 2, dp_clip: 0.5, dp_noise: 1, dp_rate: 0.25}'
helpers='b +aux' min_sum=3
federation a b c && plan 1 model.flt || exit 1
fl-account --new-ledger a.key.ledger || exit 1
new_ledger() { cp "$1" a.key.ledger && rm -f .a.key.ledger.part; }
cp a.key.ledger none.ledger

# ---- fl-train, its checkpoint being that of a training that is done ----
train -o want.upd && cp a.key.ledger one.ledger && cp k.flt done.flt || exit 1
tag=$(sed -n 2p one.ledger | cut -d ' ' -f 3)
restore() {
    cp done.flt k.flt && new_ledger none.ledger && rm -f out.upd .out.upd.part
}
again() {
    train -o out.upd && [ "$(lines a.key.ledger)" = 1 ] && [ "$(sed -n 2p a.key.ledger | cut -d ' ' -f 3)" = "$tag" ] &&
        [ "$(meta out.upd dp.entry)" = "$(sed -n 2p a.key.ledger | sed 's/.* //')" ]
}
judge() {   # an update that is there has its line
    fl-account --delta 1e-6 a.key.ledger >account 2>&1 || return
    [ ! -e out.upd ] || grep -q "$(meta out.upd dp.entry)\$" a.key.ledger
}
whole() { fl-train -q -j 1 -m model.flt --steps 2 --dp-clip 0.5 --dp-noise 1 --dp-rate 0.25 --ledger a.key.ledger --checkpoint k.flt -o out.upd a.shard; }
least=6
crash "fl-train" $kill none fl-train -q -j 1 -m model.flt --steps 2 --dp-clip 0.5 --dp-noise 1 --dp-rate 0.25 \
    --ledger a.key.ledger --checkpoint k.flt -o out.upd a.shard

# ---- fl-mask ----
restore && whole && cp out.upd a.upd && cp a.key.ledger paid.ledger || exit 1
keep fresh a
restore() { rm -rf a.key a.key.state && cp fresh/a.key . && cp -a fresh/a.key.state . && new_ledger paid.ledger; }
again() {
    fl-mask -q -j 1 -k a.key -p 1/plan.flt --ledger a.key.ledger a.upd && [ "$(lines a.key.ledger)" = 2 ] &&
        grep -q "^ledger .* 2 $(tail -n 1 a.key.ledger | sed 's/.* //')\$" a.key.state/state
}
judge() {   # what left has its line, and the state knows no more than the ledger
    fl-account --delta 1e-6 a.key.ledger >account 2>&1 || return
    known=$(awk '$1 == "ledger" { print $3 }' a.key.state/state)
    [ "${known:-0}" -le "$(lines a.key.ledger)" ] || return
    [ ! -s left ] || [ "$(lines a.key.ledger)" = 2 ]
}
least=16
for effect in $kill error=ENOSPC; do
    crash "fl-mask" $effect fresh fl-mask -q -j 1 -k a.key -p 1/plan.flt --ledger a.key.ledger a.upd
done
finish
