#!/bin/sh
# The round with encrypted tensors, tests/vectors/round-he: the second implementation, whose products are
# those of huge whole numbers, makes every file of it from nothing, and the programs do, where chance is fixed
# for them. Its files are long and look random, so their sums are published.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/published.sh"

# shellcheck disable=SC2034 # published reads them
came="a b e" asked="e a b" leaves=$top/tests/vectors/round-he
python -c 'import xxhash' 2>/dev/null || {
    skip "the published round with encrypted tensors" "Python 3 has no xxhash"
    finish
}
software=$(sed -n 's/^software //p' "$leaves/sums")
want=$work/again
check "the second implementation makes the round" again "$want" "$software" "$leaves"
sums() { (cd "$1" && find . -type f | LC_ALL=C sort | cut -c 3- | xargs b2sum -l 256); }
{ echo "software $software" && sums "$want"; } >made-sums
check "  every byte of it" cmp made-sums "$leaves/sums"
if [ "$software" != "$this" ]; then
    want=$work/now
    check "  and that of this version" again "$want" "$this" "$leaves"
fi
check "the programs find nothing wrong in it" \
    fl-aggregate --verify "$want/5" -r "$want/roster.yaml" -m "$want/model.flt" --next "$want/next.flt"
grep -q ' 3 uploads, 2 answers, .*signed for by 2 of 2 ' out
report $? "  and it is all there"

made_by_programs
finish
