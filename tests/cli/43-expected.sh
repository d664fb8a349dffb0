#!/bin/sh
# fl-aggregate: who must be in (--sites, --min-sites), what has arrived (--check), and exit 4, "not yet".
# shellcheck disable=SC2086 # lines of many words
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/arrivals.sh"
updates() { python "$top/tests/cli/updates.py" "$@"; }

updates make . 6 1 || exit 1   # u0.flt of site-0 to u5.flt of site-5
fl-aggregate -q -o two.flt u0.flt u1.flt
fl-aggregate -q -o three.flt u0.flt u1.flt u2.flt
fl-aggregate --partial -o s12.flt u1.flt u2.flt
updates edit u1.flt nosite.flt site=
updates edit u1.flt other.flt site=t:site-9
head -c 4000 u1.flt >cut.flt

# STATUS | words of the one line, or - for none | arguments. "mean.flt" must be there after status 0 alone.
while IFS='|' read -r want words line; do
    rm -f mean.flt
    status $want "$want:$line" fl-aggregate -o mean.flt $line
    [ "$words" = - ] && check "  without a word" test ! -s err || says "$words"
    [ $want = 0 ] && check "  and a mean" test -e mean.flt || check "  and no mean" test ! -e mean.flt
done <<'EOF'
0|single update; --min-sites says|u0.flt
0|-|--min-sites 1 u0.flt
0|-|--sites site-0 u0.flt
0|-|--partial u0.flt
0|-|--sites site-0,site-1 u0.flt u1.flt
0|-|--sites site-1 --sites site-0 u0.flt u1.flt
0|-|--sites site-0,site-1,site-2 u0.flt s12.flt
0|-|--partial --sites site-1,site-2 s12.flt
4|1 of 2 sites missing: site-1; run it again|--sites site-0,site-1 u0.flt
4|2 of 4 sites missing: aws, site-4; run it again|--sites site-4,site-0,aws,site-1 u0.flt u1.flt
4|1 of 3 sites missing: site-0;|--sites site-0,site-1,site-2 s12.flt
4|1 of 2 sites missing: site-1;|--partial --sites site-0,site-1 u0.flt
3|u1.flt: is of site "site-1", which is not one of --sites; did you mean "stie-1"?|--sites aws,stie-1 u1.flt
3|s12.flt: is of site "site-2", which is not one of --sites|--sites site-0,site-1 u0.flt s12.flt
1|nosite.flt: has no site, which --sites must know; make it with --site NAME|--sites site-0 nosite.flt
0|-|--min-sites 1 nosite.flt
0|-|--min-sites 3 u0.flt s12.flt
0|-|--min-sites 2 u0.flt u1.flt u2.flt
4|2 of at least 3 sites are in; run it again|--min-sites 3 u0.flt u1.flt
4|2 of at least 3 sites are in|--min-sites 3 s12.flt
1|cut.flt: is cut|--min-sites 3 u0.flt cut.flt
3|in the sum already|--sites site-0,site-1 u0.flt u0.flt
2|--sites: an empty name|--sites site-0,,site-1 u0.flt
2|--sites: "../a" is no name|--sites ../a u0.flt
2|--sites: site "site-0" is named twice|--sites site-0,site-1 --sites site-0 u0.flt
2|leave out --min-sites|--sites site-0 --min-sites 1 u0.flt
2|is not a whole number|--min-sites 0 u0.flt
2|leave out --partial, --request and --explain|--check --partial u0.flt
1|up/\*.flt: cannot open|up/*.flt
EOF
fl-aggregate --sites site-1,site-0 -o a.flt u0.flt u1.flt
check "who is expected changes no byte" cmp a.flt two.flt
status 0 "quiet about a single one" fl-aggregate -q -o mean.flt u0.flt
check "  with -q" test ! -s err

# A glob that found nothing, or a name whose file has not come: "not yet" where it is known who must be in.
mkdir up
for who in '--sites site-0,site-1' '--min-sites 2'; do
    rm -f mean.flt
    status 4 "nothing has come: $who" fl-aggregate $who -o mean.flt 'up/*.flt'
    cp err said
    check "  and says what is not there" grep -q 'up/\*.flt: is not there yet' said
    status 4 "one has not: $who" fl-aggregate $who -o mean.flt u0.flt up/u1.flt
    cp err said
    check "  which is no damage" grep -q 'up/u1.flt: is not there yet' said
    check "  and makes no mean" test ! -e mean.flt
done
status 0 "one more than are needed has not come" fl-aggregate --min-sites 2 -o mean.flt u0.flt u1.flt up/u2.flt
check "  the mean of the others" cmp mean.flt two.flt

# ---- what has arrived ----
table 0 "all good" 'u0.flt|site-0|good|-
u1.flt|site-1|good|-' u0.flt u1.flt
check "  without a word" test ! -s err
table 0 "all good and complete" 'u0.flt|site-0|good|-
s12.flt|site-1,site-2|good|-' --sites site-0,site-1,site-2 u0.flt s12.flt
table 4 "missing sites" 'u1.flt|site-1|good|-
-|aws|missing|-
-|site-0|missing|-' --sites site-0,aws,site-1 u1.flt
says '^fl-aggregate: 2 missing: aws, site-0; run it again when they are here'
table 4 "too few" 'u1.flt|site-1|good|-' --min-sites 2 u1.flt
says '1 of at least 2 sites are in'
table 4 "a file that is not there" 'u1.flt|site-1|good|-
up/u0.flt|-|missing|-' u1.flt up/u0.flt
says '1 missing: up/u0.flt'
table 0 "  which nobody needs" 'u1.flt|site-1|good|-
up/u0.flt|-|missing|-' --sites site-1 u1.flt up/u0.flt
updates edit u3.flt nan.flt 'large[7]=nan'
updates edit u4.flt foreign.flt 'site=t:a b'
updates edit u4.flt noweight.flt examples=
echo text >text
cat u1.flt u2.flt >pair.flt
cat u1.flt cut.flt >tail.flt
base=$(printf '%064d' 7)
updates edit u2.flt base.flt "base=b:$base"
updates edit u2.flt shape.flt -layer.weight
fl-aggregate --partial --weights loss -o loss.flt u3.flt u4.flt
table 1 "one bad one does not hide the others" 'u0.flt|site-0|good|-
cut.flt|site-1|bad|is cut
text|-|bad|is text, not an FLT stream
nan.flt|site-3|bad|tensor "large": value 7 is nan
foreign.flt|-|bad|its site is "a b", which is no name
noweight.flt|site-4|bad|has no "examples"
two.flt|site-0,site-1|bad|is a mean already
u5.flt|site-5|good|-
-|aws|missing|-
-|site-2|missing|-' --sites site-0,site-1,site-2,site-3,site-4,site-5,aws \
    u0.flt cut.flt text nan.flt foreign.flt noweight.flt two.flt u5.flt
says '6 bad: cut.flt, text, nan.flt, foreign.flt, noweight.flt, two.flt; the report says why'
table 3 "two of one site: the later one" 'u0.flt|site-0|good|-
pair.flt|site-1|good|-
pair.flt|site-2|good|-
u1.flt|site-1|bad|site "site-1" is in pair.flt already
s12.flt|site-1,site-2|bad|already' u0.flt pair.flt u1.flt s12.flt
table 3 "of another model: the one that stands alone, though it came first" 'base.flt|site-2|bad|belongs to the model 000000000000..., and most of the others to
u0.flt|site-0|good|-
u1.flt|site-1|good|-' base.flt u0.flt u1.flt
table 1 "of other tensors" 'shape.flt|site-2|bad|its tensors are not those of most of the others, as of u0.flt
u0.flt|site-0|good|-
u1.flt|site-1|good|-' shape.flt u0.flt u1.flt
table 1 "of another rule" 'loss.flt|site-3,site-4|bad|is weighted by loss, and most of the others by examples
u0.flt|site-0|good|-
u1.flt|site-1|good|-' loss.flt u0.flt u1.flt
table 1 "without a site among several" 'nosite.flt|-|bad|has no site
u0.flt|site-0|good|-' nosite.flt u0.flt
table 0 "without a site alone" 'nosite.flt|-|good|-' nosite.flt
table 3 "one that is not expected" 'u0.flt|site-0|good|-
other.flt|site-9|bad|is not one of --sites
-|site-1|missing|-' --sites site-0,site-1 u0.flt other.flt
table 1 "a damaged object after a good one" 'tail.flt|site-1|good|-
tail.flt|site-1|bad|is cut
u0.flt|site-0|good|-' tail.flt u0.flt
table 1 "an empty file, a folder" 'up|-|bad|is a folder
/dev/null|-|bad|is empty' up /dev/null
check "from a pipe" sh -c 'cat u0.flt cut.flt | fl-aggregate --check >piped 2>/dev/null; [ $? = 1 ]'
check "  two rows" sh -c 'grep -qx "standard input	site-0	good	-" piped &&
    grep -q "^standard input	site-1	bad	is cut" piped'
check "into a file" sh -c 'fl-aggregate --check -o states.tsv u0.flt >out && [ ! -s out ] && [ "$(wc -l <states.tsv)" = 2 ]'
check "as JSON" sh -c 'fl-aggregate --check --json u0.flt nosite.flt >out 2>err; [ $? = 1 ] && python3 -c "
import json
rows = [json.loads(line) for line in open(\"out\")]
assert rows[0] == {\"file\": \"u0.flt\", \"site\": \"site-0\", \"status\": \"good\", \"reason\": None}, rows
assert rows[1][\"site\"] is None and rows[1][\"status\"] == \"bad\", rows"'
# What is good by --check makes a mean, and what is bad makes none.
check "what is good can be added" fl-aggregate -o mean.flt u0.flt pair.flt u5.flt
for bad in cut.flt text nan.flt foreign.flt noweight.flt base.flt shape.flt loss.flt nosite.flt; do
    fl-aggregate -q -o mean.flt u0.flt u1.flt $bad 2>/dev/null
    check "  and with $bad nothing" [ $? != 0 ]
done
finish
