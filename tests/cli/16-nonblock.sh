# shellcheck shell=sh
# Standard streams that somebody made non-blocking (node and ssh do): a program waits, and writes and reads
# the same bytes; and reads and writes that are short or interrupted, by strace.
. "$(dirname "$0")/lib.sh"
nonblock() { python "$top/tests/cli/nonblock.py" "$@"; }

seq 1 20000 | sed 's/.*/line & of a small text/' >t.txt
fl-init -p micro --seed 1 -o m.flt
fl-init -p micro --seed 2 -o n.flt
fl-harmonize -t m.flt -o s.flt t.txt
fl-diff -b m.flt --site a --examples 3 --tokens 99 -o u.flt n.flt
fl-harmonize --train-tokenizer 300 -o tok.flt t.txt
head -c 30000 t.txt >few.txt

# same what|in command... : the bytes are those of the command without it
same() {
    stream=$1
    shift
    if [ "$stream" = in ]; then
        "$@" <"$input" >want 2>err
    else
        "$@" >want 2>err </dev/null
    fi
    for kind in ${kinds-pipe}; do
        if [ "$stream" = in ]; then
            nonblock in $kind "$@" <"$input" >got 2>err
        else
            nonblock out $kind "$@" >got 2>err
        fi
        code=$?
        cmp -s want got && [ -s got ] || code=9
        [ $code = 0 ] || echo "# exit $code: $(head -c 300 err)"
        report $code "$*: std$stream is a non-blocking $kind"
    done
}
same out fl-init -p micro --seed 1
same out fl-init -p micro --seed 1 -z
same out fl-diff -b m.flt n.flt
kinds='pipe socket'
same out fl-apply -m m.flt u.flt
kinds=pipe
same out fl-aggregate u.flt
same out fl-harmonize -t m.flt t.txt
same out fl-tokenize -t m.flt t.txt
same out fl-train -q -m m.flt --steps 1 -b 1 -l 32 s.flt
same out fl-info --tensor embed_tokens.weight m.flt
same out fl-info --raw --tensor embed_tokens.weight m.flt
same out fl-eval -m m.flt --per-token -l 16 --text few.txt
input=u.flt
kinds='pipe socket'
same in fl-apply -m m.flt
kinds=pipe
same in fl-aggregate
same in fl-info
input=n.flt
same in fl-diff -b m.flt
input=t.txt
same in fl-harmonize -t m.flt
same in fl-tokenize -t m.flt
input=s.flt
same in fl-train -q -m m.flt --steps 1 -b 1 -l 32

# Text that stdio would lose: a pipe that is full before the program starts.
cat >full.py <<'X'
import fcntl, os, subprocess, sys, time
r, w = os.pipe()
fcntl.fcntl(w, 1031, 4096)      # F_SETPIPE_SZ
os.set_blocking(w, False)
os.write(w, b"x" * 4096)
child = subprocess.Popen(sys.argv[2:], **{sys.argv[1]: w})
os.close(w)
time.sleep(0.2)
data = b""
while part := os.read(r, 100):
    data += part
sys.stdout.buffer.write(data[4096:])
sys.exit(child.wait())
X
for p in fl-train fl-keygen; do
    for o in --help --version '--completion zsh'; do
        # shellcheck disable=SC2086
        $p $o >want
        # shellcheck disable=SC2086
        python full.py stdout $p $o >got
        check "$p $o into a full non-blocking pipe" cmp want got
    done
done
python full.py stderr fl-info nothing.flt >got
report $(($? != 1)) "an error into a full non-blocking pipe"
check "  is whole" grep -qx 'fl-info: nothing.flt: cannot open: No such file or directory' got
python full.py stderr fl-eval --progress -m m.flt -l 16 s.flt >got 2>/dev/null
check "progress into a full non-blocking pipe" grep -q '^eval: .* tokens/s, ' got

# Each read and write by itself.
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
    here=$(pwd -P)
    # under INJECTION PATH command... : and it did happen (leaks cannot be looked for under strace)
    under() {
        _inject=$1 _path=$2
        shift 2
        rm -f got
        ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 strace -f -qq -o trace -P "$here/$_path" \
            -P "$here/.got.part" -e trace=read,pread64,write -e inject="$_inject" "$@" 2>err &&
            grep -q INJECTED trace
    }
    # tried PATH command... : what happens to reads and writes of PATH; the output goes to got
    tried() {
        path=$1
        shift
        "$@" 2>err
        mv got want
        failed=0
        for inject in read:error=EAGAIN:when=1+2 read:error=EINTR:when=1+2 \
            write:error=EAGAIN:when=1+2 write:error=EINTR:when=1+2; do
            under $inject "$path" "$@" && cmp -s want got ||
                { failed=1 && echo "# $inject: $(head -c 200 err)"; }
        done
        # Two bytes are said to be written, and are not: the rest goes on from there.
        under write:retval=2:when=1 none "$@" && tail -c +3 want | cmp -s - got ||
            { failed=1 && echo "# a short write: $(head -c 200 err)"; }
        report $failed "$*: reads and writes that are interrupted or short"
    }
    tried tok.flt fl-init -p nano -t tok.flt -o got
    tried n.flt fl-diff -b m.flt -o got n.flt
    tried u.flt fl-apply -m m.flt -o got u.flt
    tried u.flt fl-aggregate -o got u.flt
    tried t.txt fl-harmonize -t m.flt -o got t.txt
    tried t.txt fl-tokenize -t m.flt -o got t.txt
else
    skip "interrupted reads and writes" "strace cannot trace here"
fi
finish
