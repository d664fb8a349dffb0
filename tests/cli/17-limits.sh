# shellcheck shell=sh
# Every program under every limit: it ends as without it, or in status 1 with one line and nothing left.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
export OPENBLAS_NUM_THREADS=1 # its own threads are begun before main, and end a program in their own way

seq 1 400 | sed 's/.*/line & of a small text about nothing in particular/' >text.txt
fl-init -p nano --seed 1 -o model.flt &&
    fl-init -p nano --seed 2 -o trained.flt &&
    fl-init -p nano --seed 1 -z -o packed.flt &&
    fl-harmonize -t model.flt -o shard.flt text.txt &&
    fl-harmonize --train-tokenizer 300 -o tokenizer.flt text.txt &&
    fl-diff -b model.flt --site a --examples 3 --tokens 99 --loss-first 3 -o update.flt trained.flt &&
    fl-export -f hf -o hf model.flt &&
    helpers='b +aux' min_sum=3 federation a b c 2>/dev/null &&
    fl-plan -q -r roster.yaml -k hub.key --round 1 -m model.flt -o plan.flt &&
    for s in a b c; do mkdir -p kept/$s && cp -r $s.key $s.key.state kept/$s && fl-mask -q -k $s.key -p plan.flt -o $s.up update.flt 2>/dev/null; done &&
    for s in hub aux; do mkdir -p kept/$s && cp -r $s.key $s.key.state kept/$s; done &&
    fl-aggregate -q -p plan.flt -k hub.key --request request.flt -o sum.flt a.up b.up c.up && mkdir made
report $? "good inputs of every kind are made"

# What runs, with all that it leaves in made/.
cat >commands <<'X'
fl-init -p nano -o made/x.flt
fl-init -p nano -t tokenizer.flt -o made/x.flt
fl-harmonize -t model.flt --valid 0.2 --valid-output made/v.flt --card made/c.tsv -o made/x.flt text.txt
fl-harmonize --train-tokenizer 300 -o made/x.flt text.txt
fl-tokenize -t model.flt -o made/x.json text.txt
fl-train -q -m model.flt --steps 1 -b 1 -l 32 --checkpoint made/p.flt -o made/x.flt shard.flt
fl-eval -m model.flt shard.flt
fl-generate -m model.flt -n 3 --seed 1 hello
fl-diff -b model.flt -o made/x.flt trained.flt
fl-aggregate --min-sites 1 -o made/x.flt update.flt
fl-apply -m model.flt --optimizer momentum --state made/s.flt -o made/x.flt update.flt
fl-export -f hf -o made/x model.flt
fl-info model.flt
fl-info -t embed_tokens.weight -o made/x.tsv packed.flt
fl-info --verify roster.yaml plan.flt
fl-keygen -n new -o made/new.key
fl-keygen --show roster.yaml
fl-keygen --accept roster.yaml -k made/old.key --words roster.yaml.words
fl-plan -r roster.yaml -k hub.key --round 1 -m model.flt -o made/x.flt
fl-mask -q -k a.key -p plan.flt -o made/x.flt update.flt
fl-aggregate -q -p plan.flt -k hub.key --request made/r.flt -o made/s.flt a.up b.up c.up
fl-unmask -q --ready -k aux.key -p plan.flt -o made/x.flt request.flt
fl-unmask -q -k aux.key -p plan.flt -o made/x.flt request.flt
fl-import -o made/x.flt hf
fl-train --help
X

again() {
    rm -rf a.key.state aux.key.state hub.key.state made/* made/.[!.]*
    cp -r kept/a/* kept/aux/* kept/hub/* .
    cp a.old made/old.key
    everything >before
}
everything() { find made a.key.state aux.key.state hub.key.state | grep -v -e old.key.state -e key.state/lock | sort; }

# ended CODE: is what the command did, and said, one of the two ends? Two things stay when the step after
# them failed: a key whose line could not be printed, and an upload or answer that the state does not know
# of yet (it is made anew).
ended() {
    if [ "$1" = 0 ]; then
        [ ! -s said ] && return
    elif [ "$1" = 1 ] && [ "$(wc -l <said)" = 1 ] && [ -z "$(find . -name '.*.part')" ]; then
        everything | comm -13 before - | grep -vx -e made/new.key -e a.key.state/upload-1-1.flt -e aux.key.state/answer-1-1.flt >new
        [ ! -s new ] && return
    elif [ "$1" = 127 ]; then
        return # the loader's own
    fi
    echo "# $limit: $line: exit $1: $(head -c 200 said); left: $(everything | comm -13 before - | tr '\n' ' ')"
    return 1
}

# limited "what" WRAPPER... : every command under it. (The limit must not hold for what is collected here.)
limited() {
    limit="$1"
    shift
    failed=0
    ends=
    while read -r line; do
        again
        # shellcheck disable=SC2086
        { { "$@" timeout -k 1 60 $line 2>&3 </dev/null; echo $? >code; } | cat >stdout; } 3>&1 | cat >said
        code=$(cat code)
        ended "$code" || failed=1
        ends=$ends$code
    done <commands
    report $failed "$limit"
}

limited "no limit" env
check "  and all end well" [ -z "$(echo "$ends" | tr -d 0)" ]
limited "no folder for temporary files" env TMPDIR="$work/nowhere"
check "  which some programs need" [ -n "$(echo "$ends" | tr -d 0)" ]
if command -v prlimit >/dev/null; then
    for size in 0 1 1000 50000 300000; do
        limited "files of at most $size bytes" prlimit --fsize=$size
    done
    for count in 4 5 6 7 8 9; do
        limited "at most $count descriptors" prlimit --nofile=$count
    done
    if [ -z "${SAN:-}" ]; then
        for size in 8 12 16 20 24 28 32 36 40 56 64 80 96 112 128 256; do
            limited "at most $size MB of addresses" prlimit --as=${size}000000
        done
    else
        skip "at most some MB of addresses" "sanitizers need more"
    fi
    limited "no locked memory" prlimit --memlock=0
    limited "a small stack" prlimit --stack=200000
else
    skip "limits" "there is no prlimit here"
fi

if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
    injected() {   # INJECTION: at its first, second and third time (leaks cannot be looked for under strace)
        for when in 1 2 3; do
            limited "$1, time $when" env ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" \
                strace -f -qq -o /dev/null -e inject="$1:when=$when"
        done
    }
    injected write:error=EDQUOT
    injected write:error=EIO
    injected flock:error=ENOLCK
    injected ftruncate:error=EIO
    injected mkdir:error=EROFS
else
    skip "errors of system calls" "strace cannot trace here"
fi

# --mem of fl-aggregate bounds what the program holds itself: 16 MB, 7 beside it, and
# a thread's stack; with 28 more where digests are made, of masked uploads (8 blocks a thread and reader).
if command -v prlimit >/dev/null && [ -z "${SAN:-}" ]; then
    fl-init -p small --seed 1 -o big.flt
    fl-init -p small --seed 2 -o big2.flt
    for n in a b c; do
        fl-diff -b big.flt --site $n --examples 3 --tokens 99 --loss-first 3 -o big-$n.flt big2.flt
    done
    mkdir big
    (cd big && helpers='' model=../big.flt federation a b c &&
        fl-plan -q -r roster.yaml -k hub.key --round 1 -m ../big.flt -o ../big-plan.flt &&
        for n in a b c; do fl-mask -q -k $n.key -p ../big-plan.flt -o ../masked-$n.flt ../big-$n.flt || exit 1; done)
    within() { prlimit --data="$most" fl-aggregate -j2 "$@"; }
    most=32000000
    check "sums in 16 MB and files" within --mem 16M -o mean.flt big-a.flt big-b.flt
    check "  are those in memory" sh -c 'fl-aggregate big-a.flt big-b.flt | cmp - mean.flt'
    check "sums in files alone" within --mem 1 -o mean2.flt big-a.flt big-b.flt
    check "  are the same" cmp mean.flt mean2.flt
    status 1 "sums in more memory than there may be" within -o none.flt big-a.flt big-b.flt
    says 'out of memory'
    most=60000000
    check "masked sums in 16 MB and files" within -p big-plan.flt --mem 16M -o open.flt masked-a.flt masked-b.flt masked-c.flt
    check "  are those in memory" sh -c 'fl-aggregate -p big-plan.flt masked-?.flt | cmp - open.flt'
    status 1 "masked sums in more" within -p big-plan.flt -o none.flt masked-a.flt masked-b.flt masked-c.flt
    says 'out of memory'
    rm -f big*.flt masked*.flt mean*.flt open.flt
else
    skip "what --mem bounds" "needs prlimit and no sanitizer"
fi

# A folder in which nothing can be written (who is root may do it anywhere else).
if small_disk 1000; then
    rm -rf made && ln -s small made && cp a.old small/old.key && mount -o remount,ro small
    failed=0
    limit="a folder that cannot be written"
    while read -r line; do
        case $line in
        *made/*) ;;
        *) continue ;;
        esac
        rm -rf a.key.state aux.key.state hub.key.state && cp -r kept/a/* kept/aux/* kept/hub/* .
        # shellcheck disable=SC2086
        $line >stdout 2>said </dev/null
        code=$?
        [ $code = 1 ] && [ "$(wc -l <said)" = 1 ] && grep -q 'Read-only file system' said ||
            { failed=1 && echo "# $line: exit $code: $(cat said)"; }
    done <commands
    report $failed "$limit"
    umount small
else
    skip "a folder that cannot be written" "this needs root"
fi
finish
