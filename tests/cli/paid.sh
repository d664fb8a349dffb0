# shellcheck shell=sh disable=SC2034,SC2154,SC2086 # variables of lib.sh
# Sourced after lib.sh and federation.sh by tests/cli/70-*-attempts.sh: attempts on the ledger of a text, each
# made with the programs as they are, and without the rule that holds it (tests/attacks/off/RULE).
python -c 'import xxhash' 2>/dev/null || {
    skip "attempts on ledgers" "Python 3 has no xxhash"
    finish
}
export BUILD PYTHONDONTWRITEBYTECODE=1
edit() { python "$top/tests/cli/updates.py" edit "$@"; }
lines() { tail -n +2 "$1" | wc -l; }
dp='--dp-clip 0.5 --dp-noise 1 --dp-rate 0.25'
train() { fl-train -q -m model.flt --steps 3 $dp --ledger l.ledger "$@"; }
masked() { fl-mask -q -k a.key -p 1/plan.flt -o x.flt "$@" && [ -s x.flt ]; }

# attempt "NAME: what" FOLDER RULE [command]: NAME, a function, in two copies of FOLDER; it succeeds when
# the attacker has what he wanted
attempt() {
    _call=${1%%:*}
    rm -rf try && cp -a "$2" try
    (cd try && $_call) >out 2>err && _got=0 || _got=1
    [ $_got = 1 ] || sed 's/^/# /' err | head -n 3
    report $((1 - _got)) "$1"
    rm -rf try && cp -a "$2" try
    python "$top/tests/attacks/off.py" "$3" && (cd try && PATH=$BUILD/off/$3:$PATH && $_call) >out 2>err
    _got=$?
    [ $_got = 0 ] || sed 's/^/# /' err | head -n 3
    report $_got "  without $3 it succeeds"
}

# ---- a model, shards of records and of passages, and updates of two trainings that one ledger paid for ----
printf 'preset: nano\nctx: 16\nchannels: 16\nheads: 2\nhead_dim: 4\nffn: 32\n' >c.yaml
fl-init -c c.yaml --seed 1 -o model.flt || exit 1
ids=$(awk 'BEGIN { for (i = 0; i < 60; i++) { for (j = 0; j < i % 30; j++) printf "%d ", 97 + (i + j) % 9
                                              printf "256 " } }')
for unit in record passage; do
    python "$top/tests/cli/shards.py" ids model.flt $unit.shard unit=$unit $ids || exit 1
done
one=$(fl-train -q -m model.flt --steps 3 $dp --dry-run record.shard | awk '$1 == "dp_epsilon" { print $2 * 1.01 }')
fl-account --new-ledger l.ledger && cp l.ledger none.ledger && train --site a -o a.upd record.shard &&
    cp l.ledger one.ledger && train --site a -o b.upd record.shard && cp l.ledger two.ledger &&
    fl-train -q -m model.flt --steps 3 --site a -o bare.upd record.shard || exit 1
cp one.ledger l.ledger
people() {   # FOLDER TERMS: three sites, and a plan
    mkdir "$1" && cp model.flt ./*.upd ./*.ledger ./*.shard "$1" &&
        (cd "$1" && terms=$2 && federation a b c && plan 1 model.flt) || exit 1
}
