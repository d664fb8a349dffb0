# shellcheck shell=sh
# An input that changes while it is read: status 1, one line that names it, and no output; another file
# that takes its name changes nothing. A file that is cut while it is mapped is a line too, and no crash.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
python -c '' # now $python3 is one

seq 1 60000 | sed 's/.*/line & of a small text about nothing in particular/' >t.txt
fl-init -p small --seed 1 -o m.flt
fl-init -p small --seed 2 -o n.flt
fl-harmonize -t m.flt -o s.flt t.txt
head -n 20 t.txt | fl-harmonize -t m.flt -o v.flt
fl-diff -b m.flt --site a --examples 3 --tokens 99 -o u.flt n.flt
fl-aggregate -o mean.flt u.flt
fl-apply -m m.flt --optimizer momentum --state state.flt -o next.flt mean.flt
fl-init -p small -z1 --seed 1 -o packed.flt
model=m.flt federation a b c || exit 1
fl-plan -r roster.yaml -k hub.key --round 1 -m m.flt -o plan.flt
cp -r a.key.state a.kept
cp a.key a.kept.key
cp -r hub.key.state hub.kept

stirred() {   # HOW FILE command...: its status, in err what it says, while the file is changed
    "$python3" "$top/tests/cli/stir.py" "$1" "$2" >ready &
    stirrer=$!
    shift 2
    while [ ! -s ready ]; do sleep 0.02; done
    "$@" >stdout 2>err </dev/null
    code=$?
    kill $stirrer
    wait $stirrer 2>/dev/null
    return $code
}

again() {   # nothing of the last run is left
    rm -rf out.flt out2.flt ready a.key.state hub.key.state
    cp -r a.kept a.key.state
    cp a.kept.key a.key
    cp -r hub.kept hub.key.state
}

# changes FILE command... -o out.flt: the file is an input
changes() {
    file=$1
    shift
    cp "$file" kept
    failed=0
    code=0
    for _ in 1 2 3 4 5 6 7 8 9; do # on a loaded machine, what stirs may sleep while it is read
        [ $code != 0 ] || { again; stirred write "$file" "$@"; code=$?; }
    done
    [ $code = 1 ] && [ "$(wc -l <err)" = 1 ] && grep -q ": $file: changed while it was read; let its" err ||
        { failed=1 && echo "# exit $code: $(cat err)"; }
    [ ! -e out.flt ] && [ -z "$(find . -name '.*.part')" ] || { failed=1 && echo "# left: $(ls -A)"; }
    cmp -s "$file" kept || { failed=1 && echo "# the input is another"; }
    report $failed "$1: $file is written while it is read"
}

# replaced FILE command...: and so it is, and the output is what it is without that
replaced() {
    file=$1
    shift
    again
    "$@" >stdout 2>err || { sed 's/^/# /' err; report 1 "$1: $file"; return; }
    mv out.flt want
    again
    stirred rename "$file" "$@"
    code=$?
    [ $code = 0 ] && cmp -s out.flt want || { echo "# exit $code: $(cat err)"; code=9; }
    report $((code != 0)) "$1: other files take the name of $file while it is read"
}

train='fl-train -q -m m.flt --steps 1 -b 1 -l 64 --valid v.flt -o out.flt s.flt'
# shellcheck disable=SC2086
for file in m.flt s.flt v.flt; do changes $file $train; done
changes m.flt fl-diff -b m.flt -o out.flt n.flt
changes n.flt fl-diff -b m.flt -o out.flt n.flt
changes packed.flt fl-diff -b packed.flt -o out.flt n.flt
changes m.flt fl-apply -m m.flt -o out.flt u.flt
changes u.flt fl-apply -m m.flt -o out.flt u.flt
changes state.flt fl-apply -m m.flt --optimizer momentum --state state.flt -o out.flt mean.flt
changes u.flt fl-aggregate -o out.flt u.flt
changes t.txt fl-harmonize -t m.flt -o out.flt t.txt
changes t.txt fl-harmonize --train-tokenizer 300 -o out.flt t.txt
changes m.flt fl-harmonize -t m.flt -o out.flt t.txt
changes m.flt fl-init -p nano -t m.flt -o out.flt
changes m.flt fl-info -o out.flt m.flt
changes m.flt fl-info --raw -t embed_tokens.weight -o out.flt m.flt
changes m.flt fl-eval -m m.flt -l 64 v.flt
changes m.flt fl-generate -m m.flt -n 3 --seed 1 hello
changes m.flt fl-plan -r roster.yaml -k hub.key --round 2 -m m.flt -o out.flt
changes u.flt fl-mask -q -k a.key -p plan.flt -o out.flt u.flt
check "  and the round can still be masked" fl-mask -q -k a.key -p plan.flt -o out.flt u.flt
again
stirred append t.txt fl-harmonize -t m.flt -o out.flt t.txt
check "a log that grows while it is read: exit 1" [ $? = 1 ]
check "  and no shard" test ! -e out.flt
stirred write u.flt sh -c 'fl-aggregate -o out.flt <u.flt || fl-aggregate -o out.flt <u.flt'
cp err said
check "standard input is watched too" grep -q "standard input: changed while it was read" said

# A file system that notes times by the tick of the clock, as most did: a change in the same tick.
mkdir small
if mount -t ramfs small small 2>/dev/null; then
    check "a change within the tick in which a file was opened" env TMPDIR="$work/small" "$BUILD/tests/test_watch"
    umount small
else
    skip "a change within the tick in which a file was opened" "this needs root"
fi

# shellcheck disable=SC2086
replaced s.flt $train
replaced n.flt fl-diff -b m.flt -o out.flt n.flt
replaced u.flt fl-apply -m m.flt -o out.flt u.flt
replaced u.flt fl-aggregate -o out.flt u.flt
replaced t.txt fl-harmonize -t m.flt -o out.flt t.txt

# A reader of a pipe sees that the stream is cut: nothing comes of it.
again
stirred write s.flt sh -c 'fl-train -q -m m.flt --steps 1 -b 1 -l 64 s.flt | fl-apply -m m.flt -o out.flt' 
report $(($? != 1)) "fl-train | fl-apply: a shard that is written while it is read"
cp err said
check "  said by both" sh -c '[ $(wc -l <said) = 2 ] && grep -q "^fl-train: s.flt: changed" said &&
    grep -q "^fl-apply: standard input: is cut" said'
check "  makes no model" test ! -e out.flt

# ---- cut while it is mapped ----
short() {   # CODE FILE: did it end as it should?
    [ "$1" = 1 ] && [ "$(wc -l <err)" = 1 ] && grep -qE ": $2: (became shorter|changed) while it was read; " err &&
        [ ! -e out.flt ] && [ -z "$(find . -name '.*.part')" ] && return
    echo "# exit $1: $(cat err); $(find . -name '.*.part')"
    return 1
}

# cuts FILE command... -o pipe: the file is cut when the program has it open; it waits at the pipe
cuts() {
    file=$1
    shift
    again
    cp "$file" kept
    rm -f pipe
    mkfifo pipe
    "$@" >stdout 2>err </dev/null &
    id=$!
    # shellcheck disable=SC2010  # names of descriptors
    until ls -l /proc/$id/fd 2>/dev/null | grep -q "/$file\$" || ! kill -0 $id; do sleep 0.02; done
    sleep 0.2
    truncate -s 5000 "$file"
    timeout 60 cat pipe >/dev/null
    wait $id
    short $? "$file"
    report $? "$1: $file is cut while it is read"
    cp kept "$file"
}
if [ -d /proc/self/fd ]; then
    cuts n.flt fl-diff -b m.flt -o pipe n.flt
    cuts m.flt fl-diff -b m.flt -o pipe n.flt
    cuts u.flt fl-apply -m m.flt -o pipe u.flt
    cuts u.flt fl-mask -q -k a.key -p plan.flt -o pipe u.flt
    cuts m.flt fl-info --raw -t embed_tokens.weight -o pipe m.flt
    cuts s.flt fl-train -q -m m.flt --steps 1 -b 1 -l 64 -o pipe s.flt
else
    skip "inputs that are cut" "there is no /proc here"
fi

rows() {   # N: wait until the report of the training $id has so many
    while kill -0 $id && [ "$(grep -c . r.tsv 2>/dev/null)" -lt "$1" ]; do sleep 0.05; done
}

# In the middle of a training of many threads, with two outputs begun.
again
: >r.tsv
fl-train -q -m m.flt --steps 100000 -b 1 -l 64 --report r.tsv --report-every 1 -o out.flt s.flt 2>err &
id=$!
rows 3
check "a part is there" test -e .out.flt.part
cp s.flt kept
truncate -s 5000 s.flt
wait $id
short $? s.flt
report $? "fl-train: a shard is cut in the middle of a training"
cp kept s.flt

# ---- ended by a signal: no part is left ----
for signal in INT TERM HUP XCPU; do
    : >r.tsv
    # (a script's background ignores SIGINT)
    "$python3" -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
os.execvp(sys.argv[1], sys.argv[1:])' fl-train -q -m m.flt --steps 100000 -b 1 -l 64 --report r.tsv \
        --report-every 1 -o out.flt s.flt 2>err &
    id=$!
    rows 2
    kill -s $signal $id
    wait $id
    code=$?
    [ "$(kill -l $code)" = $signal ] && [ -z "$(find . -name '.*.part')" ] && [ ! -s err ] ||
        { echo "# exit $code: $(cat err) $(find . -name '.*.part')"; code=0; }
    report $((code == 0)) "SIG$signal ends a program, and no part is left"
done
finish
