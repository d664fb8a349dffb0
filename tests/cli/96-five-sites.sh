#!/bin/sh
# examples/five-sites in small: sums open although a site is killed in its upload and another never
# comes, helpers follow by themselves, the report tells the truth, lost files are made again.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
unset MAKEFLAGS MFLAGS MAKELEVEL

mkdir examples
cp -r "$top/examples/three-sites" "$top/examples/five-sites" examples
mkdir -p texts/north texts/south texts/west texts/east texts/coast
sed 's/^\.Sh/\n&/; s/^\.It/\n&/' "$top"/man/*.1 | head -c 30000 >texts/north/one.txt
cat "$top"/lib/*/*.c | head -c 30000 >texts/south/one.txt
cat "$top"/lib/*/*.h | head -c 30000 >texts/west/one.txt
cat "$top"/tests/cli/*.sh | head -c 30000 >texts/east/one.txt
cat "$top"/tests/unit/*.c | head -c 30000 >texts/coast/one.txt
small() {   # OUT args...
    _out=$1
    shift
    make --no-print-directory -C examples/five-sites OUT="../../$_out" TEXT=../../texts ROUNDS=4 STEPS=3 BATCH=2 LENGTH=64 \
        VOCAB=300 CLIP=0.05 "$@"
}
digest() { fl-info --digest "$1" | cut -d ' ' -f 1; }
meta() { fl-info "$1" | awk -F '\t' -v k="$2" '$1 == "meta" && $2 == k { print $7 }'; }
column() {   # ROUND COLUMN of the report's first table
    awk -v r="$1" -v c="$2" '/^round /{ on = 1; next } on && $1 == r { print $c; exit }' report.txt
}

check "the example runs from text to report" small run -j2
grep -v -e '^round [0-9]* of ' -e ' alone, for ' -e '^one vocabulary' out >report.txt
check "  every line fits a terminal" sh -c "! grep -q '.\{80\}' report.txt"
for r in 1 2 4; do
    check "  round $r: five sites in the sum" [ "$(column $r 2)" = 5 ]
    check "    by the mean itself" [ "$(meta run/rounds/$r/mean.flt sum.sites)" = coast,east,north,south,west ]
done
check "  round 3: four, without coast" [ "$(column 3 2) $(meta run/rounds/3/mean.flt sum.sites)" = "4 east,north,south,west" ]
check "    who was missed on arrival" grep -q '	coast	missing' run/rounds/3/check.tsv
for r in 1 2 3 4; do
    # Half a step of 32 bits and five sites is 2^-36, of which four or five are summed and divided.
    check "  round $r: the sum is that of its updates" awk "BEGIN { exit !(\"$(column $r 5)\" != \"\" && $(column $r 5) < 1e-8) }"
done

# East, killed: what had come out of it was a part of the upload, and the same came again.
check "east's upload was cut off" [ "$(wc -c <run/east/cut-2)" = 100000 ]
head -c 100000 run/rounds/2/up/east.flt >start
check "  and sent again to the byte" cmp start run/east/cut-2
check "  which is longer" [ "$(wc -c <run/rounds/2/up/east.flt)" -gt 200000 ]
check "nobody else was" sh -c '[ "$(echo run/*/cut-*)" = run/east/cut-2 ]'

# The helpers' own chains of models.
for h in north notary; do
    for r in 1 2 3 4; do
        check "helper $h came to model $r" cmp run/helper/$h/model-$r.flt run/rounds/model-$r.flt
    done
    check "  and remembers it" sh -c "fl-unmask --show -k run/keys/$h.key | grep -q \"^model.$(digest run/together.flt)\""
done

# The report's figures are those of the files.
bits() { fl-eval -q -l 64 -m "$1" "$2" | awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } { printf "%.2f", $c["bits_per_byte"] }'; }
better=0
for s in north south west east coast; do
    alone=$(bits run/$s/alone.flt run/$s/valid.flt) together=$(bits run/together.flt run/$s/valid.flt)
    check "$s: untrained, alone and together" [ "$(awk -v s=$s '/^site /{ on = 1 } on && $1 == s { print $2, $3, $4; exit }' report.txt)" = \
        "$(bits run/first.flt run/$s/valid.flt) $alone $together" ]
    better=$((better + $(awk "BEGIN { print $together < $alone }")))
done
check "make say: one sentence" small run say
check "  of all of it" [ "$(paste -s -d ' ' out)" = "5 sites and 2 helpers (notary outside) trained one model: all 4 sums \
opened, although east was killed in the middle of its upload in round 2 and coast never came in round 3; the model is \
better than alone for $better of 5 sites." ]

# A second make makes nothing again; what is lost is made again to the same bytes.
find run -name '*.flt' -exec ls -l --full-time {} + | sort >before
check "a second make prints the report" small run
cp out again
check "  the same one" cmp again report.txt
find run -name '*.flt' -exec ls -l --full-time {} + | sort >after
check "  and made no file again" cmp before after
for lost in up/south.flt request.flt sum.flt ready/north.flt answer/north.flt answer/notary.flt mean.flt; do
    cp run/rounds/4/$lost keep.flt
    rm run/rounds/4/$lost
    [ $lost != request.flt ] || rm run/rounds/4/sum.flt   # they are made together
    small run run >log 2>&1
    check "  $lost, lost and made again" cmp keep.flt run/rounds/4/$lost
done
check "  and the same model" cmp run/helper/notary/model-4.flt run/together.flt

# A report that is not true is none.
cp run/helper/notary/model-4.flt keep.flt
cp run/rounds/model-3.flt run/helper/notary/model-4.flt
status 2 "another model at a helper fails the report" small run
cp err said
check "  by its name" grep -q 'helper notary came to another model' said
cp keep.flt run/helper/notary/model-4.flt
printf damaged | dd of=run/east/cut-2 bs=1 seek=99999 conv=notrunc 2>/dev/null
status 2 "so do other bytes after a kill" small run
cp err said
check "  by its name" grep -q 'east was killed in round 2 and sent other bytes' said

# As README says of a clip that is far above the updates: nobody may be missing.
status 2 "with a wide clip round 3 does not open" small wide ROUNDS=3 CLIP=20
cp err said
check "  and says who is missed" grep -q 'fl-aggregate: .*"coast" among them; at least 4 must always be together' said
finish
