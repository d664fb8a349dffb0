#!/bin/sh
# More attempts on the ledger of a text: copies of it that were put back, as who has the files of two rounds
# sees them; what lies beside it; what was spent of it under another unit.
# shellcheck source-path=SCRIPTDIR disable=SC2086,SC2154,SC2034
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/paid.sh"

# ---- seen from outside: a second round over the same model ----
helpers='b +aux' min_sum=3
people rounds "noise: {local: {clip: 0.5, multiplier: 1, rate: 0.25, steps: 3}}
budget: {epsilon: 1000, delta: 1e-6}
recipe: {steps: 3, dp_clip: 0.5, dp_noise: 1, dp_rate: 0.25}"
pay() { fl-mask -q -k $2.key -p $1/plan.flt --ledger $2.ledger -o $1/up/$2.flt $2.own; }   # ROUND SITE
finish_round() { ask $1 a b c && answer $1 b aux && open_sum $1; }
began() {
    for _s in a b c; do edit a.upd $_s.own site=t:$_s && cp two.ledger $_s.ledger && pay 1 $_s || return 1; done
    cp -a hub.key forgets.key && cp -a hub.key.state forgets.key.state && finish_round 1 && plan 2 model.flt
}
(cd rounds && began) || exit 1
# The site's own programs refuse an older ledger; this one has those that do not.
python "$top/tests/attacks/off.py" paid-mark || exit 1
put_back() { cp "$1" a.ledger && PATH=$BUILD/off/paid-mark:$PATH pay 2 a; }
hub_takes() {   # the others are missing (4)
    fl-aggregate -q -p 2/plan.flt --check 2/up/a.flt >../checked
    [ $? = 4 ]
}
honest() { pay 2 a && hub_takes; }
stands_still() { put_back two.ledger && hub_takes; }
goes_back() { put_back one.ledger && hub_takes; }
no_ledger_said() { pay 2 a && python "$top/tests/cli/lie.py" 2/up/a.flt 2/up/a.flt meta=ledger.count: meta=ledger.head: a.key 0 && hub_takes; }
every_round() { mkdir all && mv 1 2 all && fl-aggregate -q --verify all -r roster.yaml; }
forgotten() {   # by a hub, which plans as if it had counted nothing
    rm -rf 2 hub.key hub.key.state && mv forgets.key hub.key && mv forgets.key.state hub.key.state && plan 2 model.flt
}
silent_hub() { forgotten && put_back two.ledger && pay 2 b && pay 2 c && finish_round 2 && every_round; }
check "the plan says how long the ledgers were" [ "$(meta rounds/2/plan.flt last.spent)" = "3,3,3" ]
cp -a rounds try
check "an honest upload of the second round is taken" eval '(cd try && honest)'
rm -rf try && cp -a rounds try && (cd try && stands_still)
check "  (a site whose ledger was put back is named)" grep -q 'copies of the ledger of "a" are in use' checked
attempt "stands_still: that ledger is as long as it was counted" rounds order-spent
attempt "goes_back: it is shorter" rounds order-spent
attempt "no_ledger_said: an upload that names no ledger" rounds order-spent
attempt "silent_hub: a hub that says it counted nothing; who has both rounds sees it" rounds order-rounds

# ---- the file, and what lies beside it ----
mkdir alone && cp model.flt record.shard l.ledger alone || exit 1
planted_name() {   # a second name of some file, where the next version of the ledger is written
    echo precious >victim && ln victim .l.ledger.part && train -o x.upd record.shard && [ "$(cat victim)" != precious ]
}
planted_owner() {   # another's file there, which he reads and writes afterwards
    touch .l.ledger.part && chown 65534 .l.ledger.part && train -o x.upd record.shard && [ "$(stat -c %u l.ledger)" = 65534 ]
}
no_place() {   # trains for hours, and then the ledger cannot be written
    mount --bind . ../kept && mount -o remount,ro,bind ../kept && train --ledger ../kept/l.ledger --dry-run record.shard
    _got=$?
    umount ../kept
    return $_got
}
attempt "planted_name: a hard link in the ledger's part" alone part-own
if [ "$(id -u)" = 0 ]; then
    attempt "planted_owner: another's file in the ledger's part" alone part-own
else
    skip "planted_owner: another's file in the ledger's part" "only root can make it"
fi
mkdir -p kept
if mount --bind . kept 2>/dev/null && umount kept; then
    attempt "no_place: a ledger on a disk that cannot be written" alone paid-place
else
    skip "no_place: a ledger on a disk that cannot be written" "nothing can be mounted here"
fi

# ---- what hides a site, and a budget of its records ----
people sites "noise: {site: {clip: 0.5, multiplier: 2}}
budget: {epsilon: 3, delta: 1e-6}
steps: 16
tensors: [{match: \"*\", protect: mask, bits: 24, clip: 0.05}]"
other_unit() {
    cp none.ledger l.ledger && fl-mask -q -k a.key -p 1/plan.flt --ledger l.ledger -o 1/up/a.flt bare.upd &&
        train --budget $one -o x.upd record.shard
}
attempt "other_unit: a budget of records, of which a round for sites was told" sites paid-within
finish
