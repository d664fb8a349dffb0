# examples/three-sites in small: the Makefile that users copy runs, masked equals plain up to
# rounding, a second make has nothing to do, and a lost file is made again to the same bytes.
. "${0%/*}/lib.sh"
unset MAKEFLAGS MFLAGS MAKELEVEL

cp -r "$top/examples/three-sites" example
mkdir -p out/text
for s in manuals book lexicon; do   # texts that are here: no network in a test
    case $s in
    manuals) cat "$top"/man/*.1 ;;
    book) cat "$top"/lib/*/*.c ;;
    lexicon) cat "$top"/lib/*/*.h ;;
    esac | head -c 60000 >out/text/$s.txt
done
small() { make -s -C example OUT="$work/out" ROUNDS=2 STEPS=3 BATCH=2 LENGTH=64 VOCAB=300 "$@"; }

check "the example runs from text to table" small
small >table.txt 2>err
check "a second make makes nothing again, and prints the table" grep -q 'Validation loss' table.txt
awk '/^site /{on=1; next} on && NF>=6 {d=$5-$6; if (d<0) d=-d; if (d>0.0005) bad=1; n++} on && !NF {exit} END {exit bad || n!=3}' \
    table.txt
report $? "masked and plain losses agree on all three sites"
cp out/masked/model-2.flt keep.flt
rm out/masked/model-2.flt
small >/dev/null 2>err
check "a model that was lost is opened again to the same bytes" cmp keep.flt out/masked/model-2.flt
cp out/masked/2/up/book.flt keep.flt
rm out/masked/2/up/book.flt
small >/dev/null 2>err
check "an upload that was lost is sent again, the same bytes" cmp keep.flt out/masked/2/up/book.flt
finish
