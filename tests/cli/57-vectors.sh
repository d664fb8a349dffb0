#!/bin/sh
# The published round, tests/vectors/round: the second implementation makes every file of it from
# nothing, and the programs do, where chance is fixed for them. Anybody can verify it.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/published.sh"
masked_round

python -c 'import xxhash' 2>/dev/null || {
    skip "the published round" "Python 3 has no xxhash"
    finish
}
check "the second implementation makes the round" again again "$software"
check "  every byte of it" diff -r again "$round"
check "the programs find nothing wrong in it" \
    fl-aggregate --verify "$round/5" -r "$round/roster.yaml" -m "$round/model.flt" --next "$round/next.flt"
grep -q ' 4 uploads, 2 answers, .*signed for by 2 of 2 ' out
report $? "  and it is all there"

made_by_programs
finish
