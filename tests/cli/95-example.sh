#!/bin/sh
# examples/three-sites in small: the Makefile that users copy runs, masked equals plain up to
# shellcheck source-path=SCRIPTDIR disable=SC2154 # top comes from lib.sh
# rounding, a second make has nothing to do, and a lost file is made again to the same bytes.
. "${0%/*}/lib.sh"
unset MAKEFLAGS MFLAGS MAKELEVEL

cp -r "$top/examples/three-sites" example
mkdir -p run/text
for s in manuals book lexicon; do   # texts that are here: no network in a test
    case $s in
    manuals) sed 's/^\.Sh/\n&/; s/^\.It/\n&/' "$top"/man/*.1 ;;
    book) cat "$top"/lib/*/*.c ;;
    lexicon) cat "$top"/lib/*/*.h ;;
    esac | head -c 60000 >run/text/$s.txt
done
small() { make -s -C example OUT="$work/run" ROUNDS=2 STEPS=3 BATCH=2 LENGTH=64 VOCAB=300; }

check "the example runs from text to table" small
small >table.txt
check "a second make makes nothing again, and prints the table" grep -q 'Validation loss' table.txt
awk '/^site /{on=1; next} on && NF>=7 {d=$6-$7; if (d<0) d=-d; if (d>0.0005) bad=1; n++} on && !NF {exit} END {exit bad || n!=3}' \
    table.txt
report $? "masked and plain losses agree on all three sites"
cp run/masked/model-2.flt keep.flt
rm run/masked/model-2.flt
small >/dev/null
check "a model that was lost is opened again to the same bytes" cmp keep.flt run/masked/model-2.flt
cp run/masked/2/up/book.flt keep.flt
rm run/masked/2/up/book.flt
small >/dev/null
check "an upload that was lost is sent again, the same bytes" cmp keep.flt run/masked/2/up/book.flt
finish
