#!/bin/sh
# fl-aggregate --lineage: updates of old models count less, exactly so, in any order and tree; without
# any that is old the mean is the usual one.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
updates() { python "$top/tests/cli/updates.py" "$@"; }

updates make . 5 7 || exit 1
newest=$(fl-info --digest model.flt | cut -d ' ' -f 1)
one=$(printf '11%.0s' $(seq 32))
two=$(printf '22%.0s' $(seq 32))
three=$(printf '33%.0s' $(seq 32))
printf '%s\n' "$three" "$two" "$one" "$newest" >lineage
old() { updates edit "$1" "$2" base="b:$3" base.round= base.params=; }
old u1.flt o1.flt "$one"
old u2.flt o2.flt "$two"
old u3.flt o3.flt "$three"

fl-aggregate -o plain.flt u?.flt
check "a lineage, and nothing old in it" fl-aggregate --lineage lineage -o new.flt u?.flt
check "is the synchronous mean to the byte" cmp plain.flt new.flt
fl-aggregate --partial -o plain.sum u?.flt
fl-aggregate --partial --lineage lineage -o new.sum u?.flt
check "a partial sum too" cmp plain.sum new.sum

check "old ones" fl-aggregate --lineage lineage --stale 3 -o m.flt u0.flt o1.flt o2.flt o3.flt
check "count (1 + age)^-0.5 times their weight, to the bit" updates mean m.flt examples:0,1,2,3 u0.flt o1.flt o2.flt o3.flt
check "by one weight for all" fl-aggregate --lineage lineage --weights uniform -o m1.flt u0.flt u4.flt o2.flt
check "to the bit" updates mean m1.flt uniform:0,0,2 u0.flt u4.flt o2.flt
check "the mean's model is the newest" [ "$(fl-info --json m.flt | grep -c "\"$newest\"")" -ge 1 ]
check "  and takes it" fl-apply -m model.flt -o next.flt m.flt
check "without one of the newest too" fl-aggregate --lineage lineage -o m2.flt o1.flt o2.flt
check "  and takes it" fl-apply -m model.flt -o next.flt m2.flt
fl-aggregate --lineage lineage -o again.flt o3.flt u0.flt o2.flt o1.flt
check "another order" cmp m.flt again.flt
cat o2.flt o3.flt u0.flt o1.flt | fl-aggregate --lineage lineage -j 3 >again.flt
check "a pipe, three threads" cmp m.flt again.flt
fl-aggregate --lineage lineage --partial -o a.sum o1.flt o3.flt
fl-aggregate --lineage lineage --partial -o b.sum u0.flt a.sum
fl-aggregate --lineage lineage -o again.flt b.sum o2.flt
check "a tree of partial sums" cmp m.flt again.flt

check "it tells ages and weights" fl-aggregate --lineage lineage --weights uniform --explain -o m1.flt u0.flt o1.flt o3.flt
cp out table
check "  as they were used" sh -c 'cut -f 1,2,8 table | tr "\t\n" "  " | grep -qx "sites weight age site-0 1 0 site-1 0.7071067811[0-9]* 1 site-3 0.5 3 "'
fl-aggregate --explain -o m1.flt u0.flt >table
check "  and none without a lineage" sh -c 'tail -n 1 table | cut -f 8 | grep -qx -e -'

# a late update of a site beside its new one
updates edit u0.flt late.flt base="b:$one" base.round= base.params=
check "a site once for each age" fl-aggregate --lineage lineage -o m3.flt u0.flt late.flt
check "  is in once by name" [ "$(fl-info m3.flt | awk -F '\t' '$2 == "sum.sites" { print $7 }')" = site-0 ]
check "  to the bit" updates mean m3.flt examples:0,1 u0.flt late.flt
status 4 "two updates of one site are one site" fl-aggregate --lineage lineage --min-sites 2 -o x.flt u0.flt late.flt
status 3 "the same twice" fl-aggregate --lineage lineage -o x.flt late.flt late.flt
says 'is in the sum already'
fl-aggregate --lineage lineage --partial -o a.sum late.flt o1.flt
status 3 "a site that a partial sum has" fl-aggregate --lineage lineage -o x.flt a.sum u0.flt
says 'is in the sum already'

status 3 "too old" fl-aggregate --lineage lineage --stale 2 -o x.flt u0.flt o3.flt
says 'o3.flt: began 3 models ago, and 2 may pass'
old u1.flt stray.flt "$(printf '44%.0s' $(seq 32))"
status 3 "of another family of models" fl-aggregate --lineage lineage -o x.flt u0.flt stray.flt
says 'stray.flt: belongs to the model 444444444444..., which is none of the lineage'
status 3 "two models without a lineage" fl-aggregate -o x.flt u0.flt o1.flt
says 'updates of different models cannot be added without --lineage'
head -n 3 lineage >shorter
status 3 "a partial sum for an older model" sh -c 'fl-aggregate --lineage shorter --partial -o c.sum o1.flt && fl-aggregate --lineage lineage -o x.flt u0.flt c.sum'
says 'c.sum: is a sum for a model before the newest'
check "nothing was written" test ! -e x.flt
status 2 "--stale alone" fl-aggregate --stale 2 -o x.flt u0.flt
says 'belongs to --lineage'
echo nonsense >>shorter
status 2 "a line that is no digest" fl-aggregate --lineage shorter -o x.flt u0.flt
says 'shorter: line 4 is no digest'
cat lineage lineage >twice
status 2 "a model twice" fl-aggregate --lineage twice -o x.flt u0.flt
says 'twice: line 5 has a model that an earlier line has'
: >none
status 2 "an empty lineage" fl-aggregate --lineage none -o x.flt u0.flt
says 'none: names no model'
check "--check by a lineage" fl-aggregate --lineage lineage --check u0.flt o1.flt o2.flt
status 3 "  and what it refuses" fl-aggregate --lineage lineage --check u0.flt stray.flt
finish
