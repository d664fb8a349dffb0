#!/bin/sh
# fl-apply: the next model, to the bit; state that survives a crash at any moment; what it refuses.
# shellcheck source-path=SCRIPTDIR disable=SC2016,SC2086 # text for sh -c; $opts is many words
. "$(dirname "$0")/lib.sh"
updates() { python "$top/tests/cli/updates.py" "$@"; }
says() { grep -q -- "$1" said; }
one_line() { [ "$(wc -l < said)" = 1 ] && says '^fl-apply: '; }
refused() {   # status "what" "words" args...: one line with these words, and no output
    _status=$1 _about=$2 _words=$3
    shift 3
    status "$_status" "$_about" fl-apply -o x.flt "$@"
    cp err said
    check "  and says why: $_words" says "$_words"
    check "  in one line" one_line
    check "  and leaves nothing" sh -c '[ ! -e x.flt ] && [ ! -e .x.flt.part ]'
}

updates make . 2 1 || exit 1

# ---- the step ----
check "sgd" fl-apply -m model.flt -o n.flt u0.flt
check "  is right, by another program" updates step n.flt model.flt u0.flt sgd 1 0
check "sgd with a step size" fl-apply -m model.flt --lr 0.3 -o n3.flt u0.flt
check "  is right" updates step n3.flt model.flt u0.flt sgd 0.3 0
for rule in momentum nesterov; do
    rm -f s.flt
    apply() { fl-apply --optimizer $rule --momentum 0.7 --lr 0.5 "$@"; }
    check "$rule, first round" apply -m model.flt --state s.flt -o n1.flt u0.flt
    check "  is right, and its state" updates step n1.flt model.flt u0.flt $rule 0.5 0.7 "" s.flt
    cp s.flt s1.flt
    updates edit u1.flt u1b.flt base=b:"$(updates meta s1.flt model)"
    check "$rule, second round" apply -m n1.flt --state s.flt -o n2.flt u1b.flt
    check "  is right, and its state" updates step n2.flt n1.flt u1b.flt $rule 0.5 0.7 s1.flt s.flt
    cp s.flt s2.flt
    apply -m n1.flt --state s.flt -o again.flt u1b.flt
    check "the same round again gives the same model" cmp n2.flt again.flt
    check "  and the same state" cmp s2.flt s.flt
    cp s1.flt s.flt
    apply -j 1 -m n1.flt --state s.flt < u1b.flt > piped.flt
    check "from a pipe to a pipe, the same" cmp n2.flt piped.flt
    check "  and the same state" cmp s2.flt s.flt
    cp s1.flt s.flt
    apply -z -j 3 -m n1.flt --state s.flt -o packed.flt u1b.flt
    check "compressed, the same state" cmp s2.flt s.flt
done
fl-apply -j 1 -m model.flt < u0.flt > n4.flt
check "sgd from a pipe to a pipe, the same" cmp n.flt n4.flt
check "a mean" sh -c 'fl-aggregate u0.flt u1.flt | fl-apply -m model.flt -o n5.flt'
check "round and parent" [ "$(updates meta n5.flt round) $(updates meta n5.flt parent)" = \
    "5 $(updates meta u0.flt base)" ]

# ---- refused ----
refused 3 "an update of another model" 'belongs to the model' -m n.flt u1b.flt
refused 3 "an update that is in there already" 'in there already' -m n.flt u0.flt
keep() { fl-apply --optimizer nesterov --momentum 0.7 --lr 0.5 "$@"; }
state_refused() {   # "what" "words" args...
    cp s2.flt s.flt
    _state_about=$1 _state_words=$2
    shift 2
    refused 3 "$_state_about" "$_state_words" --state s.flt "$@"
    check "  and keeps the state" cmp s.flt s2.flt
}
opts='--optimizer nesterov --momentum 0.7 --lr 0.5'
updates edit n1.flt other.flt note=t:other
python - "$top/tests/cli" <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
from updates import digest, read, write
kind, meta, t = read("u1.flt")
write("u1c.flt", kind, dict(meta, base=digest("other.flt")), t)
kind, meta, t = read("u1b.flt")
write("more.flt", kind, meta, dict(t, extra=("f32", [1], bytes(4), {})))
write("token.flt", kind, meta, dict(t, **{"tokenizer.json": ("u8", [2], b"[]", {})}))
write("dims.flt", kind, meta, dict(t, **{"layer.weight": ("f32", [3, 100], t["layer.weight"][2], {})}))
write("f64.flt", kind, meta, dict(t, **{"layer.weight": ("f64", [150], t["layer.weight"][2], {})}))
PY
state_refused "the state of another model" 's.flt: belongs to the model' $opts -m other.flt u1c.flt
updates edit u1b.flt u1d.flt "scale[0]=0.5"
state_refused "another update of a round that was taken" 'another update of n1.flt' $opts -m n1.flt u1d.flt
state_refused "the same with another step size" '--lr 0.5' --optimizer nesterov --momentum 0.7 -m n1.flt u1b.flt
state_refused "the same with another rule" '--optimizer nesterov' --optimizer momentum --momentum 0.7 --lr 0.5 \
    -m n1.flt u1b.flt
cp s1.flt s.flt
for f in more:extra token:tokenizer.json dims:layer.weight f64:layer.weight; do
    refused 1 "an update with another ${f#*:}" "${f%:*}.flt: .*\"${f#*:}\"" -m n1.flt ${f%:*}.flt
done
updates edit u1b.flt bad.flt -none
refused 1 "a tensor missing" 'no tensor "none"' -m n1.flt bad.flt
updates edit s1.flt s.flt -none
refused 1 "a state without a tensor" 's.flt: has no tensor "none"' $opts --state s.flt -m n1.flt u1b.flt
for key in model parent update; do
    updates edit s1.flt s.flt $key=
    refused 1 "a state without \"$key\"" "s.flt: .*$key" $opts --state s.flt -m n1.flt u1b.flt
done
updates edit s1.flt s.flt "large[262150]=nan"
refused 1 "a state with NaN" 's.flt: tensor "large": value 262150' $opts --state s.flt -m n1.flt u1b.flt
refused 1 "an update as a state" 'of kind "update"' $opts --state u0.flt -m n1.flt u1b.flt
updates edit u1b.flt bad.flt "large[262150]=inf"
refused 1 "an update with inf" 'bad.flt: tensor "large": value 262150' -m n1.flt bad.flt
updates edit u1b.flt bad.flt "scale[0]=3e38"
refused 1 "a step out of range" 'smaller --lr' -m n1.flt --lr 100 bad.flt
updates edit u1b.flt bad.flt base=
refused 1 "an update of no model" 'bad.flt: does not say which model' -m n1.flt bad.flt
refused 1 "a model as an update" 'of kind "model"' -m model.flt model.flt
refused 1 "an update as a model" 'of kind "update"' -m u0.flt u0.flt
: > empty
refused 1 "an empty update" 'is empty' -m model.flt empty
refused 1 "an empty model" 'is empty' -m empty u0.flt
refused 1 "an empty state" 'empty: is empty' $opts --state empty -m n1.flt u1b.flt
cat u0.flt u0.flt > two.flt
refused 1 "two updates" 'two.flt' -m model.flt two.flt
refused 2 "no model" '-m MODEL is missing' u0.flt
refused 2 "momentum without a state" '--state FILE is missing' --optimizer momentum -m model.flt u0.flt
refused 2 "sgd with a state" 'not sgd' --state s.flt -m model.flt u0.flt
refused 2 "model and state in one file" 'is the output of both' --optimizer momentum --state x.flt -m model.flt u0.flt
refused 2 "an optimizer that is not there" 'adam' --optimizer adam -m model.flt u0.flt
refused 2 "a step of nothing" 'lr' --lr 0 -m model.flt u0.flt
refused 2 "momentum of one" 'momentum' --optimizer momentum --momentum 1 --state s.flt -m model.flt u0.flt
keep -m n1.flt --state gone.flt -o x.flt u1b.flt 2>said
check "a state that is not there, in round 5: a word about it" says 'gone.flt: was not there; the velocity started at zero in round 5'
rm -f x.flt gone.flt
keep -m model.flt -q --state gone.flt -o x.flt u0.flt 2>said
check "  not with -q" [ ! -s said ]
rm -f x.flt gone.flt
length=$(wc -c < u0.flt)
accepted=0
for i in $(seq 1 15); do
    at=$(((i * 7919 + 1000003) * (length / 16) % length))
    for f in u0 model; do
        head -c $at $f.flt > cut-$f.flt
        python -c 'import sys
data = bytearray(open(sys.argv[2], "rb").read())
data[int(sys.argv[1])] ^= 1 << int(sys.argv[1]) % 8
open("flip-" + sys.argv[2], "wb").write(data)' $at $f.flt
    done
    for bad in cut flip; do
        fl-apply -m model.flt -o x.flt $bad-u0.flt 2>said; [ $? = 1 ] && one_line || accepted=$((accepted + 1))
        fl-apply -m model.flt -o x.flt < $bad-u0.flt 2>said; [ $? = 1 ] && one_line || accepted=$((accepted + 1))
        fl-apply -m $bad-model.flt -o x.flt u0.flt 2>said; [ $? = 1 ] && one_line || accepted=$((accepted + 1))
        [ ! -e x.flt ] && [ ! -e .x.flt.part ] || accepted=$((accepted + 1))
    done
done
check "90 damaged inputs refused" [ $accepted = 0 ]

# ---- a crash at every moment at which a file becomes durable or takes its name ----
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null && [ -z "${SAN:-}" ]; then
    crashes() {   # "what" model output: kill at every fsync and rename, run again, compare
        killed=0 wrong=0
        for call in fsync rename,renameat,renameat2; do
            for n in 1 2 3 4 5; do
                rm -f out.flt
                cp n1.flt in.flt
                cp s1.flt s.flt
                strace -f -o /dev/null -e trace=fsync,rename,renameat,renameat2 \
                    -e inject=$call:signal=KILL:when=$n \
                    "$BUILD/bin/fl-apply" $opts -m $2 --state s.flt -o $3 u1b.flt 2>/dev/null && continue
                killed=$((killed + 1))
                # a reader sees old or new, never a part of either
                cmp -s s.flt s1.flt || cmp -s s.flt s2.flt || wrong=$((wrong + 1))
                cmp -s $3 n1.flt || cmp -s $3 n2.flt || [ ! -e $3 ] || wrong=$((wrong + 1))
                if cmp -s $3 n2.flt && [ $2 = $3 ]; then
                    keep -m $2 --state s.flt -o $3 u1b.flt 2>said   # it was done: said so
                    [ $? = 3 ] && says 'in there already' || wrong=$((wrong + 1))
                else
                    keep -m $2 --state s.flt -o $3 u1b.flt || wrong=$((wrong + 1))
                fi
                cmp -s $3 n2.flt && cmp -s s.flt s2.flt || wrong=$((wrong + 1))
            done
        done
        check "$1: $killed kills" [ $killed -ge 4 ]
        check "  and the same model and state after a rerun" [ $wrong = 0 ]
        check "  with nothing left over" [ -z "$(find . -name '.*.part')" ]
    }
    crashes "a new file" in.flt out.flt
    crashes "the model's own file" in.flt in.flt
else
    skip "kills at every fsync and rename" "needs strace, and no sanitizer"
fi

# ---- the other end ----
fl-apply $opts --state nowhere/s.flt -m model.flt u0.flt >nothing 2>said
check "a state that cannot be written is an error" sh -c '[ $1 = 1 ] && grep -q nowhere/s.flt said' - $?
check "  before any of the model is" [ ! -s nothing ]
status 2 "no stream to a terminal" on_terminal fl-apply -m model.flt u0.flt
cp s1.flt s.flt
{ keep -m n1.flt --state s.flt u1b.flt 2>pipe.err; echo $? > pipe.status; } | head -c 100 > /dev/null
check "a closed pipe is quiet" sh -c '[ ! -s pipe.err ] && [ "$(cat pipe.status)" = 141 ]'
check "  and the state as it was" cmp s.flt s1.flt
if small_disk 600; then
    keep -m n1.flt --state s.flt -o small/x.flt u1b.flt 2>said
    check "a full disk is an error" sh -c '[ $1 = 1 ] && [ "$(ls -A small)" = "" ]' - $?
    check "  in one line" says 'No space left'
    check "  and the state as it was" cmp s.flt s1.flt
    small_disk 1300
    cp s1.flt small/s.flt
    keep -m n1.flt --state small/s.flt -o x.flt u1b.flt 2>said
    check "a full disk for the state" sh -c '[ $1 = 1 ] && [ "$(ls -A small)" = "s.flt" ] && [ ! -e x.flt ]' - $?
    check "  and the state as it was" cmp small/s.flt s1.flt
else
    skip "a full disk" "needs root to mount a small one"
fi
finish
