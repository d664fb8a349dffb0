#!/bin/sh
# Every program that reads a stream against every bad input: one line that names the file, the right
# status, the old output untouched and nothing half-written. Then terminals, closed pipes, full disks.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"

python -c 'import xxhash' 2>/dev/null || {
    skip "bad inputs" "Python 3 has no xxhash"
    finish
}
updates() { python "$top/tests/cli/updates.py" "$@"; }

# ---- good inputs of every kind, so that each command below is right but for one file ----
seq 1 400 | sed 's/.*/line & of a small text about nothing in particular/' >text.txt
fl-init -p nano --seed 1 -o model.flt &&
    fl-init -p nano --seed 2 -o trained.flt &&
    fl-init -p nano -t model.flt --seed 1 -o same.flt &&
    fl-harmonize -t model.flt -o shard.flt text.txt &&
    sed s/a/b/ text.txt | fl-harmonize -t model.flt -o other.flt &&
    fl-harmonize --train-tokenizer 300 -o tokenizer.flt text.txt &&
    fl-diff -b model.flt --site a --examples 3 --tokens 99 --loss-first 3 -o update.flt trained.flt &&
    fl-aggregate --partial -o sum.flt update.flt &&
    fl-apply -m model.flt --optimizer momentum --state state.flt -o next.flt update.flt &&
    fl-train -q -m model.flt --steps 1 -b 1 -l 32 --checkpoint point.flt -o first.flt shard.flt &&
    federation a b c 2>/dev/null &&
    fl-plan -r roster.yaml -k hub.key --round 1 -m model.flt -o plan.flt &&
    cp -r a.key.state kept.state && fl-mask -k a.key -p plan.flt -o masked.flt update.flt
report $? "good inputs of every kind are made"

# ---- the matrix ----
# matrix FILE OTHER command... : in the command, @ is the input that goes wrong and FILE is what is
# right there; OTHER is a whole stream that does not belong there. Output, if any, goes to out.flt.
damaged() {   # FILE: bad.* are made of it
    size=$(wc -c <"$1")
    : >bad.empty
    head -c $((size / 2)) "$1" >bad.cut
    head -c $((size - 64)) "$1" >bad.end
    python -c 'import sys; d = bytearray(open(sys.argv[1], "rb").read()); d[len(d) // 2] ^= 4
open("bad.flip", "wb").write(d)' "$1"
    cp text.txt bad.text
    rm -rf bad.folder && mkdir bad.folder
    rm -f bad.missing
}

with() {   # INPUT command...: the command with INPUT for @, standard error in err, its status
    _input=$1
    shift
    for _a in "$@"; do
        shift
        [ "$_a" = @ ] && _a=$_input
        set -- "$@" "$_a"
    done
    "$@" >stdout 2>err
}

everything() { find . -name err -prune -o -name stdout -prune -o -print | LC_ALL=C sort; }

# After with: is the status as wanted, the error one line that names the file, and nothing changed?
as_it_should() {   # STATUSES NAME PROGRAM CODE
    case " $1 " in *" $4 "*) ;; *) echo "# exit $4, not $1: $(cat err)"; return 1 ;; esac
    [ "$(wc -l <err)" = 1 ] && grep -q "^$3: .*$2" err || { echo "# $(cat err)"; return 1; }
    [ "$(cat out.flt)" = old ] || { echo "# the old output is gone"; return 1; }
    [ ! -s stdout ] || { echo "# it wrote to standard output"; return 1; }
    everything | cmp -s - before || { echo "# left: $(everything | diff - before | grep '^<')"; return 1; }
}

matrix() {
    file=$1 other=$2
    shift 2
    what="$1$(printf ' %s' "$@" | grep -o ' -[-a-z]* @')"
    with "$file" "$@" || { echo "# $(cat err)"; report 1 "$what: takes $file"; return; }
    damaged "$file"
    failed=0
    for bad in $kinds; do
        echo old >out.flt
        everything >before
        with "bad.$bad" "$@"
        as_it_should 1 "bad.$bad" "$1" $? || { failed=1 && echo "# $what: bad.$bad"; }
    done
    echo old >out.flt
    with "$other" "$@"
    as_it_should "1 2 3" "$other" "$1" $? || { failed=1 && echo "# $what: $other"; }
    report $failed "$what: $kinds, $other"
}
kinds="empty cut end flip text folder missing"

matrix model.flt plan.flt fl-diff -b @ -o out.flt trained.flt
matrix trained.flt shard.flt fl-diff -b model.flt -o out.flt @
matrix model.flt update.flt fl-apply -m @ -o out.flt update.flt
matrix update.flt model.flt fl-apply -m model.flt -o out.flt @
matrix update.flt model.flt fl-aggregate -o out.flt @
matrix sum.flt shard.flt fl-aggregate -o out.flt @
matrix model.flt update.flt fl-eval -m @ shard.flt
matrix shard.flt model.flt fl-eval -m model.flt @
matrix tokenizer.flt update.flt fl-harmonize -t @ -o out.flt text.txt
matrix tokenizer.flt shard.flt fl-init -p nano -t @ -o out.flt
matrix tokenizer.flt shard.flt fl-tokenize -t @ text.txt
matrix model.flt shard.flt fl-train -q -m @ --steps 1 -b 1 -l 32 -o out.flt shard.flt
matrix shard.flt model.flt fl-train -q -m model.flt --steps 1 -b 1 -l 32 -o out.flt @
matrix shard.flt update.flt fl-train -q -m model.flt --steps 1 -b 1 -l 32 --valid @ -o out.flt other.flt
matrix update.flt model.flt fl-mask -k a.key -p plan.flt -o out.flt @
matrix plan.flt model.flt fl-mask -k a.key -p @ -o out.flt update.flt
matrix model.flt shard.flt fl-harmonize -t @ -o out.flt text.txt
matrix model.flt shard.flt fl-init -p nano -t @ -o out.flt
matrix model.flt shard.flt fl-tokenize -t @ text.txt
matrix model.flt shard.flt fl-plan -r roster.yaml -k hub.key --round 2 -m @ -o out.flt
kinds="empty cut end text folder missing" # it reads one tensor, and checks that one
matrix model.flt shard.flt fl-info -t norm.weight --raw -o out.flt @
kinds="empty cut end flip text folder" # a state that is missing begins
matrix state.flt update.flt fl-apply -m model.flt --optimizer momentum --state @ -o out.flt update.flt
kinds="empty cut end flip text folder missing"
if command -v fl-generate >/dev/null; then
    matrix model.flt shard.flt fl-generate -m @ -n 3 --seed 1 hello
fi
status 1 "a checkpoint that is cut" sh -c "head -c 900 point.flt >cut.flt
    fl-train -q -m model.flt --steps 1 -b 1 -l 32 --checkpoint cut.flt -o out.flt shard.flt"
says "^fl-train: cut.flt: "

# The same through a pipe: standard input is named, and it is not seekable.
for p in "fl-info -o out.flt" "fl-apply -m model.flt -o out.flt" "fl-aggregate -o out.flt" \
    "fl-mask -k a.key -p plan.flt -o out.flt"; do
    damaged update.flt
    echo old >out.flt
    everything >before
    failed=0
    for bad in empty cut end flip text; do
        # shellcheck disable=SC2086,SC2002  # words of a command; a pipe is meant
        cat bad.$bad | $p >stdout 2>err
        as_it_should 1 "standard input" "${p%% *}" $? || { failed=1 && echo "# $p: bad.$bad"; }
    done
    report $failed "$p: bad inputs from a pipe"
done

# ---- values ----
updates edit update.flt update-c.flt site=t:c
refused() {   # STATUSES what FILE command...
    _want=$1 _what=$2 _file=$3
    shift 3
    echo old >out.flt
    everything >before
    with "$_file" "$@"
    as_it_should "$_want" "$_file" "$1" $?
    report $? "$_what"
}
fl-init -p micro --seed 1 -o wide.flt
fl-diff -b wide.flt --site w --examples 1 --loss-first 3 -o wide-update.flt wide.flt
for v in nan inf; do
    updates edit update.flt $v.flt "norm.weight[3]=$v"
    updates edit model.flt $v-model.flt "norm.weight[3]=$v"
    refused 1 "fl-aggregate: $v in an update" $v.flt fl-aggregate -o out.flt @
    refused 1 "fl-apply: $v in an update" $v.flt fl-apply -m model.flt -o out.flt @
    refused 1 "fl-diff: $v in the trained model" $v-model.flt fl-diff -b model.flt -o out.flt @
    refused "1 3" "fl-mask: $v in an update" $v.flt fl-mask -k a.key -p plan.flt -o out.flt @
    refused 1 "fl-plan: $v in the model" $v-model.flt \
        fl-plan -r roster.yaml -k hub.key --round 2 -m @ -o out.flt
    refused 1 "fl-train: $v in the model" $v-model.flt \
        fl-train -q -m @ --steps 1 -b 1 -l 32 -o out.flt shard.flt
done
refused "1 3" "fl-diff: a model of other shapes" wide.flt fl-diff -b model.flt -o out.flt @
refused 3 "fl-apply: an update of another model" wide-update.flt fl-apply -m model.flt -o out.flt @
refused "1 3" "fl-aggregate: an update of another model" wide-update.flt \
    fl-aggregate -o out.flt update.flt @

# ---- a terminal ----
binary() {   # command...: it writes a stream
    on_terminal "$@" </dev/null >out 2>&1
    code=$?
    [ $code = 2 ] && grep -q 'terminal.*-o FILE' out || sed 's/^/# /' out | head -n 3
    report $((code != 2)) "$1: no stream on a terminal"
}
binary fl-diff -b model.flt trained.flt
binary fl-apply -m model.flt update.flt
binary fl-aggregate update.flt
binary fl-harmonize -t model.flt text.txt
binary fl-init -p nano
binary fl-train -q -m model.flt --steps 1 -b 1 -l 32 shard.flt
binary fl-plan -r roster.yaml -k hub.key --round 2 -m model.flt
binary fl-mask -k c.key -p plan.flt update-c.flt
binary fl-info -t norm.weight --raw model.flt
for p in "fl-info" "fl-apply -m model.flt -o x.flt" "fl-aggregate -o x.flt" "fl-diff -b model.flt -o x.flt" \
    "fl-eval -m model.flt" "fl-mask -k c.key -p plan.flt -o x.flt"; do
    # shellcheck disable=SC2086
    on_terminal $p >out 2>&1
    code=$?
    [ $code = 2 ] || sed 's/^/# /' out | head -n 3
    report $((code != 2)) "$p: no stream from a terminal"
done
check "none of them left anything" test ! -e x.flt -a ! -e .x.flt.part

# ---- a reader that went away, and a device that is full ----
gone() {   # command...
    { sleep 0.2; "$@" 2>err; echo $? >code; } | true
    [ "$(cat code)" = 141 ] && [ ! -s err ] || echo "# exit $(cat code): $(cat err)"
    report $(($(cat code) != 141)) "$1: a closed pipe ends it quietly"
    check "  without a word" test ! -s err
    "$@" >/dev/full 2>err
    code=$?
    [ $code = 1 ] || echo "# exit $code"
    report $((code != 1)) "$1: a full device is an error"
    [ "$(wc -l <err)" = 1 ] && grep -q 'standard output: .*No space left' err
    report $? "  told in a line"
}
gone fl-info model.flt
gone fl-info --tensor embed_tokens.weight model.flt
gone fl-diff -b model.flt trained.flt
gone fl-apply -m model.flt update.flt
gone fl-aggregate update.flt
gone fl-eval -m model.flt shard.flt
gone fl-harmonize -t model.flt text.txt
gone fl-init -p nano
gone fl-tokenize -t model.flt text.txt
gone fl-train -q -m model.flt --steps 1 -b 1 -l 32 shard.flt
gone fl-info --help
gone fl-info --version
gone fl-info --completion bash
if command -v fl-generate >/dev/null; then gone fl-generate -m model.flt -n 3 --seed 1 hello; fi

# ---- started without standard output: nothing else takes its place ----
without() {   # command...
    "$@" >&- 2>err
    code=$?
    [ $code = 1 ] && [ "$(wc -l <err)" = 1 ] && grep -q 'standard output: cannot write' err ||
        { echo "# exit $code: $(cat err)"; code=9; }
    report $((code != 1)) "$1: no standard output is an error"
}
cp a.key.state/lock lock
cp hub.key.state/lock hub.lock
without fl-info model.flt
without fl-aggregate update.flt
without fl-diff -b model.flt trained.flt
without fl-plan -r roster.yaml -k hub.key --round 1 -m model.flt
check "  and the lock is as it was" cmp hub.lock hub.key.state/lock
without fl-mask -q -k a.key -p plan.flt update.flt
check "  and the lock is as it was" cmp lock a.key.state/lock
without fl-keygen -n x -o x.key
check "  and the key can be read" fl-keygen --public -k x.key
check "  with nothing but secrets in it" [ "$(grep -c fl1 x.key)" = 0 ]
without fl-harmonize -t model.flt --card card.tsv text.txt
check "  and no stream is in the card" test ! -s card.tsv
rm -f x.key card.tsv
check "nothing of a warning goes into the output" sh -c '
    fl-harmonize --train-tokenizer 9000 -o y1.flt text.txt
    fl-harmonize --train-tokenizer 9000 -o y2.flt text.txt 2>&- 0<&-
    cmp y1.flt y2.flt && rm y1.flt y2.flt'

fl-mask -k a.key -p plan.flt -o x.flt <&- 2>err
code=$?
grep -q 'standard input: cannot read' err || code=9
report $((code != 1)) "fl-mask: without standard input is an error"
fl-aggregate -o x.flt update.flt update.flt 2>&-
report $(($? != 3)) "fl-aggregate: without standard error it says nothing and does the same"

# ---- a key is not written over ----
cp a.key a.kept
ln -s a.key a.link
status 2 "fl-mask" fl-mask -q -k a.key -p plan.flt -o a.link update.flt
says 'is an input (--key)'
check "  and the key is as it was" cmp a.key a.kept
cp hub.key hub.kept
status 2 "fl-plan" fl-plan -r roster.yaml -k hub.key --round 1 -m model.flt -o ./hub.key
says 'is an input (--key)'
check "  and the key is as it was" cmp hub.key hub.kept

# ---- outputs by the names of descriptors ----
check "-o /dev/stdout in a pipe" sh -c 'fl-init -p nano --seed 1 -o /dev/stdout | cmp - model.flt'
check "-o /dev/fd/3 in a pipe" sh -c \
    '{ fl-init -p nano --seed 1 -o /dev/fd/3 3>&1 >/dev/null; } | cmp - model.flt'

# ---- little memory ----
# Where BLAS cannot have its buffers it asks for ever; what is started must end, and say why.
if command -v prlimit >/dev/null && [ -z "${SAN:-}" ] && [ -z "${FL_BIN:-}" ]; then
    little() {   # command...
        for as in 100 150 200 250 350 450 500 550 600 800; do
            prlimit --as=${as}000000 timeout -k 1 60 "$@" >stdout 2>err
            code=$?
            { [ $code = 0 ] || { [ $code = 1 ] && [ "$(wc -l <err)" = 1 ] && grep -q 'memory' err; }; } ||
                { echo "# $as MB: exit $code: $(cat err)"; break; }
            code=0
        done
        report $((code != 0)) "$1: ends in any memory"
    }
    little fl-eval -m model.flt shard.flt
    little fl-generate -m model.flt -n 3 --seed 1 hello
    little fl-train -q -m model.flt --steps 1 -b 1 -l 32 -o x.flt shard.flt
    rm -f x.flt
else
    skip "little memory" "needs prlimit, no sanitizer and no valgrind"
fi

# ---- a full disk ----
full() {   # command...: with -o small/out.flt
    "$@" >stdout 2>err
    code=$?
    [ $code = 1 ] && [ "$(wc -l <err)" = 1 ] && grep -q "No space left" err && [ -z "$(ls -A small)" ] ||
        { echo "# exit $code, left '$(ls -A small)': $(cat err)"; code=9; }
    rm -rf small/* small/.[!.]*
    report $((code != 1)) "$1: a full disk"
}
if small_disk 200; then
    full fl-diff -b model.flt -o small/out.flt trained.flt
    full fl-apply -m model.flt -o small/out.flt update.flt
    full fl-aggregate -o small/out.flt update.flt
    full fl-aggregate --partial -o small/out.flt update.flt
    full fl-init -p nano -o small/out.flt
    full fl-train -q -m model.flt --steps 1 -b 1 -l 32 -o small/out.flt shard.flt
    full fl-mask -q -k c.key -p plan.flt -o small/out.flt update-c.flt
    full fl-info -t embed_tokens.weight -o small/out.flt model.flt
    fl-init -p nano --seed 1 -z -o model-z.flt
    TMPDIR=$work/small full fl-info -t norm.weight model-z.flt
    seq 1 200000 | sed 's/.*/line & of a text that is longer than the disk has room for/' >long.txt
    full fl-harmonize -t model.flt -o small/out.flt long.txt
    check "fl-train: a checkpoint on a full disk" test "$(
        fl-train -q -m model.flt --steps 1 -b 1 -l 32 --checkpoint small/c.flt -o u2.flt shard.flt 2>err
        echo "$?$(ls -A small)")" = 1
    umount small
else
    skip "full disks" "this needs root"
fi
finish
