#!/bin/sh
# What a plan that the hub signs may not choose: the velocity of an epoch's first step, and which
# tensors travel.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

roster() {   # EPOCH FIRST MODEL
    printf 'federation: demo\nepoch: %s\nfirst_round: %s\nmodel: %s\n' "$1" "$2" "$(fl-info --digest "$3" | cut -c 1-64)"
    echo "apply: {rule: momentum, lr: 1, momentum: 0.9}"
    echo "hub: $(cat hub.pub)"
    echo "sites:"
    for s in a b c; do echo "  - $(cat $s.pub)"; done
    printf 'protection: helpers\nhelpers:\n  - a\n  - %s\nmin_sum: 3\n' "$(cat aux.pub)"
    echo 'tensors: [{match: "*", protect: mask, bits: 16, clip: 0.05}]'
}

accept() {   # ROSTER
    fl-keygen --show "$1" >words
    for s in hub aux a b c; do fl-keygen --accept "$1" -k $s.key --words words || return 1; done
}

sum() {   # ROUND MODEL: request and sum of its plan
    mkdir -p "$1/up" "$1/answer"
    for s in a b c; do
        fl-train -q -m "$2" -p "$1/plan.flt" --steps 2 -b 1 -l 32 --site $s -o update.flt train.flt &&
            fl-mask -q -k $s.key -p "$1/plan.flt" -o "$1/up/$s.flt" update.flt || return 1
    done
    fl-aggregate -p "$1/plan.flt" -k hub.key --request "$1/request.flt" -o "$1/sum.flt" "$1"/up/*.flt
}

answer() {   # ROUND HELPER
    fl-unmask -q -k "$2.key" -p "$1/plan.flt" -o "$1/answer/$2.flt" "$1/request.flt"
}

forge() {   # PLAN NEW KEY=B32|untrained=I...: the plan with these digests, without tensor I; the hub signs
    python - "$top" "$@" <<'END'
import hashlib, sys
top, source, target, *changes = sys.argv[1:]
sys.path[:0] = [top + "/tests/vectors", top + "/tests/cli"]
from make import Object
from updates import read
key = dict(line.split()[:2] for line in open("hub.key").read().splitlines()[1:])
kind, meta, tensors = read(source)
for change in changes:
    name, _, value = change.partition("=")
    if name == "untrained":
        trained = list(meta["tensors.trained"])
        trained[int(value)] = 0
        meta["tensors.trained"] = type(meta["tensors.trained"])(trained)
    else:
        meta[name] = bytes.fromhex(value)
rd = hashlib.blake2b(len(tensors["roster"][2]).to_bytes(8, "little") + tensors["roster"][2], digest_size=32,
                     person=b"fl1.roster".ljust(16, b"\0")).digest()
o = Object(kind, meta)
for name, (dtype, dims, payload, attributes) in tensors.items():
    o.tensor(name, dtype, dims, payload, attributes=attributes)
o.done().sign(0xFFFFFFFF, "hub", bytes.fromhex(key["sign"]), rd)
open(target, "wb").write(o.data)
END
}

checked() {   # the lines of a state, with the check of all of them
    python -c 'import hashlib, sys
text = sys.stdin.buffer.read()
check = hashlib.blake2b(text, digest_size=32, person=b"fl1.vault".ljust(16, b"\0")).hexdigest()
sys.stdout.write(text.decode() + "check " + check + "\n")'
}

start() {
    awk 'BEGIN { for (i = 0; i < 300; i++) printf "the %d sheep of farmer %d eat grass, ", i % 7, i * i % 31 }' >text.txt
    fl-harmonize --train-tokenizer 300 text.txt -o tokenizer.flt
    fl-init -p nano -t tokenizer.flt --seed 1 -o model.flt
    fl-harmonize -q -t model.flt -o train.flt text.txt
    for s in hub aux a b c; do fl-keygen -n $s -o $s.key >$s.pub; done
    roster 1 0 model.flt >first.yaml
    accept first.yaml
    mkdir -p 1 2
    fl-plan -r first.yaml -k hub.key --round 1 -m model.flt -o 1/plan.flt
}

plan_digest() {
    fl-info --digest "$1" | cut -c 1-64
}

# The hub signs a first plan with a velocity of its own, which would be a part of the step. Its state
# says that it signed that one. A plan that says "after" could be a later one, but not to a helper.
lie() {
    cp -r "$work/true" "$work/lie" && cd "$work/lie" || return 1
    forge 1/plan.flt first.flt "velocity=$digest"
    forge 1/plan.flt later.flt "velocity=$digest" "after=$digest"
    sed "/^check/d;s/$(plan_digest 1/plan.flt)/$(plan_digest later.flt)/" hub.key.state/state | checked >state
    cat state >hub.key.state/state
    forge 1/plan.flt less.flt untrained=1
    mv later.flt 1/plan.flt
    sum 1 model.flt
}

mkdir true && cd true || exit 1
check "a federation whose step has momentum" start
digest=$(printf '%064d' 7)
if python -c 'import xxhash' 2>/dev/null; then
    check "a hub that signs for a velocity of its own" lie
    cd "$work/lie" || exit 1
    status 3 "  a first plan with one is refused" fl-mask --check -k a.key -p first.flt -m model.flt
    says "an epoch's first step begins without one"
    status 3 "  and one without a tensor of the model, in which nearer models would be far" \
        fl-mask --check -k a.key -p less.flt -m model.flt
    says 'which is trained unless the roster freezes it'
    status 3 "  and no helper answers for a later one over the first model" answer 1 aux
    says 'another velocity than this helper has come to'
    cd "$work/true" || exit 1
else
    skip "a hub that signs for a velocity of its own" "python3-xxhash is not here"
fi

both() {   # ROUND MODEL NEXT
    for s in a aux; do answer "$1" $s || return 1; done
    fl-aggregate -p "$1/plan.flt" -o "$1/mean.flt" "$1/sum.flt" "$1"/answer/*.flt &&
        for s in a aux; do
            fl-unmask --advance -k $s.key -p "$1/plan.flt" -m "$2" --velocity $s.velocity -o "$3" "$1" || return 1
        done
}
check "a round of the first epoch" sum 1 model.flt
check "  opens, and its helpers follow" both 1 model.flt next.flt

next_epoch() {
    for s in aux a b c; do fl-keygen --public -k $s.key >$s.pub; done
    roster 2 2 next.flt >second.yaml
    accept second.yaml
    fl-plan -r second.yaml -k hub.key --round 2 -m next.flt -o 2/plan.flt
    sum 2 next.flt
}
check "an epoch begins with the model that the last one came to" next_epoch
check "  and its helpers answer, without the old velocity" answer 2 aux
finish
