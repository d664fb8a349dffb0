#!/bin/sh
# examples/slurm: a site of five shards, trained on one machine, by GNU parallel on two "machines", and by a
# Slurm of this test's own: the same bytes; a task that fails is named and made up for.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/slurm.sh"
. "$top/tests/cli/machines.sh"
slurm_pids=''
trap 'slurm_stop; machines_stop; rm -rf "$work"' EXIT
cp -r "$top/examples/slurm" cluster
mkdir shards
cat "$top"/lib/base/*.h | fl-harmonize -q --train-tokenizer 300 -o tokenizer.flt || exit 1
fl-init -q -p nano -t tokenizer.flt --seed 1 -o model.flt || exit 1
n=0
for m in base os crypt cli math; do
    cat "$top"/lib/$m/*.h | fl-harmonize -q -t tokenizer.flt -o shards/$n.flt - || exit 1
    n=$((n + 1))
done
printf 'steps: 2\nbatch: 2\nlength: 32\nlr: 1e-3\n' >recipe.yaml
export SITE=north SHARDS="$work/shards" RECIPE="$work/recipe.yaml"
train() {   # WAY NAME VARIABLE=VALUE...: NAME.flt
    _way=$1 _name=$2
    shift 2
    env WAY="$_way" WORK="$work/w-$_name" GROUP=2 "$@" cluster/trainer model.flt "$_name.flt"
}
meta() { fl-info "$1" | awk -F '\t' -v k="$2" '$1 == "meta" && $2 == k { print $7 }'; }

# ---- one machine ----
check "one task after the other" train here one
is "  the update is of all five" "$(meta one.flt sum.sites)" north.0,north.1,north.2,north.3,north.4
fl-aggregate -q -o flat.flt w-one/*/part.*.flt
check "  the tree is the flat mean to the byte" cmp one.flt flat.flt
rm one.flt
check "asked again" train here one
check "  it is there at once, the same" cmp one.flt flat.flt
check "  and was not trained again" [ "$(find w-one -name 'part.*' -newer flat.flt | wc -l)" = 0 ]
check "groups of one, of all: the same" train here ones GROUP=1
check "  bytes" cmp ones.flt flat.flt
train here all GROUP=9 && check "  and all at once" cmp all.flt flat.flt

# ---- GNU parallel ----
if command -v parallel >/dev/null && parallel --version 2>/dev/null | grep -q GNU; then
    check "two tasks at once" train parallel two JOBS=2
    check "  the same bytes" cmp two.flt flat.flt
    printf '1/near\n1/far\n' >nodes
    machines_start || skip "two machines by a real ssh" "no sshd that runs here; something stands for it"
    two() { : >hosts && train parallel "$1" NODES="$work/nodes" PARALLEL_SSH="$work/ssh"; }   # NAME
    check "two machines, by $machines" two nodes
    check "  the same bytes" cmp nodes.flt flat.flt
    check "  and both were at work" [ "$(sort -u hosts | tr '\n' ' ')" = "far near " ]
    : >forgets
    check "a machine that forgets a task and says that it is done" two lost
    check "  it forgot one" [ ! -e forgets ]
    check "  which was done after all" cmp lost.flt flat.flt
    machine_stop far
    check "a machine that is down: the other does its tasks" two down
    check "  the same bytes" cmp down.flt flat.flt
    check "  by itself" [ "$(sort -u hosts)" = near ]
else
    skip "GNU parallel" "it is not installed"
fi

# ---- Slurm ----
wait_for() {   # NAME: until it is no longer 75; at most 20 s
    for _i in $(seq 1 100); do
        train slurm "$1" GROUP=2
        _rc=$?
        [ "$_rc" = 75 ] || return "$_rc"
        sleep 0.2
    done
    return 75
}
if slurm_start; then
    status 75 "submitted" train slurm array
    check "then it is there" wait_for array
    check "  the same bytes" cmp array.flt flat.flt
    mv shards/3.flt kept && printf 'nonsense' >shards/3.flt
    status 75 "a shard is damaged" train slurm bad
    status 1 "  its task is named" wait_for bad
    says 'trainer: task 3, of .*/shards/3.flt: FAILED; see .*/log/train-3'
    check "  its log says why" grep -q 'fl-train: .*3.flt' w-bad/*/log/train-3
    check "  the others are kept" [ "$(find w-bad -name 'part.*.flt' | wc -l)" = 4 ]
    mv kept shards/3.flt
    status 75 "mended: the next call submits again" train slurm bad
    check "  what was missing" wait_for bad
    check "  the same bytes" cmp bad.flt flat.flt
    slurm_stop
else
    skip "an array of Slurm" "no slurmctld, slurmd and munged that work here"
fi
mv shards/3.flt kept && printf 'nonsense' >shards/3.flt
status 1 "a failed task is named by the other ways too" train here worse
says 'trainer: task 3, of .*/shards/3.flt: FAILED'
command -v parallel >/dev/null && status 1 "  by parallel" train parallel worse && says 'trainer: task 3, of .*/shards/3.flt: FAILED'
mv kept shards/3.flt
check "  and made up for" train here worse
check "  the same bytes" cmp worse.flt flat.flt
finish
