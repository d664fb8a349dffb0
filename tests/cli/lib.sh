# shellcheck shell=sh disable=SC2034
# Sourced by tests/cli/NN-*.sh. Prints TAP. tests/run puts the programs on PATH and sets BUILD, top.
# A test file is a list of calls:
#     check "what holds" command args...          passes when the command exits 0
#     status 2 "what is refused" command args...  passes when it exits with that status
#     says PATTERN                                the last one wrote one line of errors, with PATTERN
#     is "what" "$got" "$want"                    passes when the two are the same text
#     skip "what" "why it cannot run here"
#     on_terminal, small_disk, python: below
# The first two leave what the command wrote in $work/out and $work/err. A file ends with "finish"; it
# runs in a folder of its own, removed afterwards.
set -u
export LC_ALL=C
top=${top:-$(git rev-parse --show-toplevel)}
BUILD=${BUILD:-$top/build}
PATH=${FL_BIN:-$BUILD/bin}:$PATH
shared=${FL_SHARED-$(dirname "$top")/shared}
work=$(mktemp -d) || exit 1
trap 'umount "$work/small" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 143' HUP INT TERM
cd "$work" || exit 1
number=0
failures=0

report() {   # 0|1 description
    number=$((number + 1))
    if [ "$1" = 0 ]; then
        echo "ok $number - $2"
    else
        failures=$((failures + 1))
        echo "not ok $number - $2"
    fi
}

check() {
    _what=$1
    shift
    "$@" >"$work/out" 2>"$work/err"
    _got=$?
    [ $_got = 0 ] || { echo "# exit $_got from: $*"; sed 's/^/# /' "$work/err" | head -n 5; }
    report $((_got != 0)) "$_what"
}

status() {
    _want=$1
    _what=$2
    shift 2
    "$@" >"$work/out" 2>"$work/err"
    _got=$?
    [ $_got = "$_want" ] || { echo "# exit $_got, not $_want, from: $*"; sed 's/^/# /' "$work/err" | head -n 5; }
    report $((_got != _want)) "$_what"
}

says() {
    if [ "$(wc -l <"$work/err")" = 1 ] && grep -q -e "$1" "$work/err"; then
        report 0 "it says: $1"
    else
        sed 's/^/# /' "$work/err" | head -n 5
        report 1 "it says: $1"
    fi
}

is() {
    [ "$2" = "$3" ] || echo "# got \"$2\", want \"$3\""
    report "$([ "$2" = "$3" ]; echo $?)" "$1"
}

skip() {
    number=$((number + 1))
    echo "ok $number - $1 # skip $2"
}

python() {   # a Python 3 that has xxhash
    if [ -z "${python3:-}" ]; then
        python3 -c 'import xxhash' 2>/dev/null && python3=python3 || python3=/usr/bin/python3
    fi
    "$python3" "$@"
}

on_terminal() {   # command args...: with standard input and output on a terminal; exits as the command does
    python -c 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' "$@"
}

small_disk() {   # KILOBYTES: an empty file system of that size at $work/small; 1 when it cannot be had
    mkdir -p "$work/small"
    umount "$work/small" 2>/dev/null
    mount -t tmpfs -o size="$1k" small "$work/small" 2>/dev/null
}

finish() {
    echo "1..$number"
    [ $failures = 0 ]
    exit
}
