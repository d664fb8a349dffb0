#!/bin/sh
# The protocol's states, explored by spin (tests/model): what it promises holds whatever crashes and
# whatever the hub says, and with each rule taken out there is a trace. Some cases of each kind, a
# minute of them; make model has them all.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

what="the protocol's states, explored"
if ! command -v spin >/dev/null; then
    skip "$what" "spin is not installed"
elif ! command -v "${CC:-cc}" >/dev/null; then
    skip "$what" "no compiler is installed"
elif [ -n "${SAN:-}" ]; then
    skip "$what" "sanitizers change nothing in it: it has nothing of the programs"
else
    MEMORY=1500 sh "$top/tests/model/run" quick >cases 2>errors
    while read -r line; do
        case $line in
        'ok: '*) report 0 "${line#ok: }" ;;
        'NOT OK: '*) report 1 "${line#NOT OK: }" ;;
        esac
    done <cases
    check "the models are there and build" test "$number" -ge 16 -a ! -s errors
    sed 's/^/# /' errors | head -n 10
fi
finish
