#!/bin/sh
# Attempts on the ledger of a text: an update that leaves without its line, above the budget, or less well
# hidden than was agreed. Each fails, and succeeds with the programs without the rule that holds it
# (tests/attacks/off/paid-*).
# shellcheck source-path=SCRIPTDIR disable=SC2086,SC2154,SC2034
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/paid.sh"
# ---- people: of a roster that hides records, of one that hides passages, of plain rounds, of none ----
local="noise: {local: {clip: 0.5, multiplier: 1, rate: 0.25, steps: 3}}
budget: {epsilon: $one, delta: 1e-6}"
recipe='steps: 3, dp_clip: 0.5, dp_noise: 1, dp_rate: 0.25'
helpers='b +aux' min_sum=3
people record "$local
recipe: {$recipe}"
people passage "$local
recipe: {$recipe, dp_unit: passage}"
helpers=''
people open "protection: none
$local
recipe: {$recipe}
tensors: [{match: \"*\", protect: plain}]"
people none ''

# ---- an update that is not as it says ----
said_noise() {   # paid for with little noise, at its true price
    cp none.ledger l.ledger
    fl-train -q -m model.flt --steps 3 --dp-clip 0.5 --dp-noise 0.95 --dp-rate 0.05 --ledger l.ledger -o w.upd record.shard
    edit w.upd f.upd dp.noise=f:1 && masked --ledger l.ledger f.upd
}
said_rate() {
    cp none.ledger l.ledger
    fl-train -q -m model.flt --steps 2 --dp-clip 0.5 --dp-noise 1.2 --dp-rate 0.3 --ledger l.ledger -o w.upd record.shard
    edit w.upd f.upd dp.rate=f:0.25 && masked --ledger l.ledger f.upd
}
said_steps() {
    cp none.ledger l.ledger
    fl-train -q -m model.flt --steps 4 --dp-clip 0.5 --dp-noise 1.5 --dp-rate 0.2 --ledger l.ledger -o w.upd record.shard
    edit w.upd f.upd dp.steps=i:3 && masked --ledger l.ledger f.upd
}
said_unit() {   # passages, where the roster hides records
    cp none.ledger l.ledger
    train --dp-unit passage -o w.upd passage.shard
    edit w.upd f.upd dp.unit=t:record && masked --ledger l.ledger f.upd
}
said_hidden() {   # no noise at all, and another update's line
    edit bare.upd f.upd dp.entry="b:$(meta a.upd dp.entry)" dp.unit=t:record dp.clip=f:0.5 dp.noise=f:1 dp.rate=f:0.25 dp.steps=i:3
    masked --ledger l.ledger f.upd
}
said_paid() {   # a hash that is in no ledger
    edit bare.upd f.upd dp.entry="b:$(printf '11%.0s' $(seq 32))" dp.unit=t:record dp.clip=f:0.5 dp.noise=f:1 dp.rate=f:0.25 dp.steps=i:3
    masked --ledger l.ledger f.upd
}
numbers() { edit a.upd f.upd 'layers.0.input_layernorm.weight[0]=0.5' && masked --ledger l.ledger f.upd; }
foreign() { masked --ledger none.ledger a.upd; }
attempt "said_noise: it says 1, and the ledger 0.95" record paid-claim
attempt "said_rate: it says 0.25, and the ledger 0.3" record paid-claim
attempt "said_steps: it says 3, and the ledger 4" record paid-claim
attempt "said_unit: it says record, and the ledger passage" record paid-word
attempt "said_hidden: an update without noise says it was paid for by a line" record paid-input
attempt "numbers: one number is another than what was paid for" record paid-input
attempt "said_paid: a line that is not there" record paid-line
attempt "foreign: the ledger of another text" record paid-line
for what in dp.noise=f:nan dp.noise=f:inf dp.rate=f:nan dp.rate=f:-1 dp.steps=i:-1 dp.clip=f:nan dp.unit=t:site dp.noise= dp.unit= \
    dp.entry=t:x dp.entry=b:11; do
    edit a.upd f.upd $what
    (cd record && masked --ledger l.ledger ../f.upd) >out 2>err
    report $((! ($? != 0 && $(wc -l <err) == 1))) "a value: an update that says $what"
done
check "  (the honest update is masked)" sh -c 'rm -rf try && cp -a record try && cd try &&
    fl-mask -q -k a.key -p 1/plan.flt --ledger l.ledger -o x.flt a.upd'

# ---- above the budget, or by the way round it ----
other_unit() {   # the roster may hide passages, and records were spent twice
    cp two.ledger l.ledger && masked --ledger l.ledger b.upd
}
plain_bare() { masked bare.upd; }
plain_unpaid() { masked --ledger l.ledger bare.upd; }
plain_above() { masked --ledger two.ledger b.upd; }
no_ledger() { masked --budget 1 bare.upd; }
no_ledger_trained() { fl-train -q -m model.flt --steps 1 --budget 1 -o x.flt record.shard; }
bare() { masked --ledger l.ledger --budget 1000 bare.upd; }
at_once() {   # four, and there is enough for one
    cp none.ledger l.ledger
    for _i in 1 2 3 4; do train --budget $one -o x.$_i record.shard & done
    wait
    [ "$(find . -name 'x.*' | wc -l)" -gt 1 ]
}
attempt "other_unit: a budget of passages, for what hides records" passage paid-unit
attempt "plain_bare: in a plain round, without noise or ledger" open paid-plain
attempt "plain_unpaid: the same with a ledger" open paid-plain
attempt "plain_above: in a plain round, above the roster's budget" open paid-plain
attempt "no_ledger: a budget without a ledger limits nothing" none paid-purse
attempt "no_ledger_trained: the same in fl-train" none paid-purse
attempt "bare: a budget lets through what nothing hides" none paid-bare
attempt "at_once: four trainings at once, each within the budget alone" none paid-limit
for x in nan inf -1 0 1e400 1e-400 0x1p3 '' ' 1' 1e7; do
    status 2 "an odd budget: \"$x\"" fl-train -q -m model.flt --steps 3 $dp --ledger l.ledger --budget "$x" -o x.flt record.shard
done
for x in nan 0 -1e-6 1 0.2 1e-31 1e-400; do
    status 2 "an odd delta: \"$x\"" fl-train -q -m model.flt --steps 3 $dp --ledger l.ledger --budget 100 --delta "$x" -o x.flt record.shard
done
status 3 "the least delta that is taken costs more" fl-train -q -m model.flt --steps 3 $dp --ledger l.ledger --budget $one --delta 1e-30 -o x.flt record.shard
check "  and all of it wrote nothing" sh -c '[ ! -e x.flt ] && cmp -s l.ledger one.ledger'

# ---- the file of the ledger ----
hard_link() {   # two names, each of which is to know half
    ln l.ledger h.ledger && train -o x.flt record.shard && [ "$(lines h.ledger)" = 1 ]
}
soft_link() { mkdir d && ln -s ../l.ledger d/s.ledger && fl-train -q -m model.flt --steps 3 $dp --ledger d/s.ledger -o x.flt record.shard && [ "$(lines l.ledger)" = 1 ]; }
no_room() {
    cp one.ledger ../small/l.ledger && dd if=/dev/zero of=../small/fill bs=1k 2>/dev/null
    fl-train -q -m model.flt --steps 3 $dp --ledger ../small/l.ledger -o x.flt record.shard && [ "$(lines ../small/l.ledger)" = 1 ]
}
older() {   # the ledger alone is put back
    cp two.ledger l.ledger && fl-mask -q -k a.key -p 1/plan.flt --ledger l.ledger -o 1/up/a.flt a.upd &&
        plan 2 model.flt && fl-mask -q -k a.key -p 2/plan.flt --ledger one.ledger -o x.flt a.upd
}
another() {   # a new one, in which nothing is spent
    fl-mask -q -k a.key -p 1/plan.flt --ledger l.ledger -o 1/up/a.flt bare.upd && fl-account --new-ledger new && plan 2 model.flt &&
        fl-mask -q -k a.key -p 2/plan.flt --ledger new -o x.flt bare.upd
}
without() { fl-mask -q -k a.key -p 1/plan.flt --ledger l.ledger -o 1/up/a.flt a.upd && plan 2 model.flt && fl-mask -q -k a.key -p 2/plan.flt -o x.flt a.upd; }
another_form() {   # the state is put back, and another update masked in the same round
    cp -a a.key.state old.state && cp a.key old.key && cp two.ledger l.ledger &&
        masked --ledger l.ledger a.upd && rm -rf x.flt a.key.state && cp -a old.state a.key.state && cp old.key a.key &&
        masked --ledger l.ledger b.upd
}
dropped() { sed 2d two.ledger >l.ledger && train --budget "$(awk "BEGIN { print $one * 1.5 }")" -o x.flt record.shard; }
priced() { sed '2s/sigma=[0-9.e+]*/sigma=2000000000/' one.ledger >l.ledger && train --budget $one -o x.flt record.shard; }
attempt "hard_link: two names for one ledger" none paid-names
attempt "soft_link: a symbolic link is replaced, the ledger is not paid" none paid-links
attempt "older: an older copy of the ledger" none paid-mark
attempt "another: another ledger" none paid-mark
attempt "without: no ledger any more" none paid-given
attempt "another_form: two updates in a round, of a state that was put back" none paid-form
attempt "dropped: the first line is dropped" none paid-chain
attempt "priced: its price is edited" none paid-chain
status 2 "a ledger on standard input" sh -c "fl-train -q -m model.flt --steps 3 $dp --ledger - -o x.flt record.shard <l.ledger"
says 'must be a file'
if small_disk 24; then
    attempt "no_room: the disk of the ledger is full" none paid-first
    check "  which stays whole" cmp small/l.ledger one.ledger
    umount small
else
    skip "no_room: the disk of the ledger is full" "no file system can be mounted here"
fi
finish
