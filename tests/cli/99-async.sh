#!/bin/sh
# examples/async in small: schedules by hand, and trainings of which the waiting way is the usual one.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
unset MAKEFLAGS MFLAGS MAKELEVEL
mkdir examples
cp -r "$top/examples/three-sites" "$top/examples/async" examples
cd examples/async || exit 1

# fast: 8 s down, 10 of training, 8 up; slow: 80 down, 10, 80 up
printf 'site\tstep_seconds\tup_mbit\tdown_mbit\nfast\t1\t100\t100\nslow\t1\t10\t10\n' >two.tsv
schedule() { SECONDS_ALL=$2 STEPS=10 MB=100 COUNT=${3-2} STALE=${4-3} ./schedule "$1" two.tsv | tr '\t\n' ' ;'; }
same() { [ "$1" = "$2" ] || { echo "# $1"; false; }; }
# The slow one takes 170 s a round.
check "synchronous" same "$(schedule synchronous 400)" \
    'synchronous 170 1 fast:0,slow:0;synchronous 340 2 fast:1,slow:1;'
# The first round is over at 170 and makes two models. The slow one has both at 250, trains until 260 and
# 270, sends until 340 and 420. What comes of the second is there at 340: fetched until 420, trained, sent
# until 510. So it sends all the time: two models in the time of one.
check "delay 1" same "$(schedule delay 515)" \
    'delay 170 1 fast:0,slow:0;delay 170 2 fast:0,slow:0;delay 340 3 fast:1,slow:1;delay 420 4 fast:2,slow:2;delay 510 5 fast:3,slow:3;'
# The fast one needs 26 s for each update; the slow one's, of model 0, comes at 170.
check "buffered, one update a model" same "$(schedule buffered 60 1)" 'buffered 26 1 fast:0;buffered 52 2 fast:1;'
check "  an old one joins" same "$(schedule buffered 180 1 9 | tr ';' '\n' | tail -n 1)" 'buffered 170 7 slow:0'
check "  or is left out" same "$(schedule buffered 180 1 3 | grep -c slow)" 0
check "  a site waits where it trained the newest" same "$(schedule buffered 180)" 'buffered 170 1 fast:0,slow:0;'
status 2 "another way" sh -c 'SECONDS_ALL=1 STEPS=1 MB=1 ./schedule faster two.tsv'

mkdir -p "$work/texts/fast" "$work/texts/slow"
sed 's/^\.Sh/\n&/; s/^\.It/\n&/' "$top"/man/*.1 | head -c 20000 >"$work/texts/fast/one.txt"
cat "$top"/lib/*/*.h | head -c 20000 >"$work/texts/slow/one.txt"
check "the example runs" make --no-print-directory SITES=two.tsv TEXT="$work/texts" SEEDS=1 SECONDS_ALL=340 STEPS=2 \
    BATCH=2 VOCAB=300 COUNT=1 STALE=9
# A round of the slow one takes 162 s, one of the fast 18: 18 models of one and 2 of the other.
check "  three ways in the table" [ "$(grep -c -e '^synchronous *2 *0 ' -e '^delay *3 *1 ' -e '^buffered *20 *9 ' "$work/out")" = 3 ]
check "  losses over time on the page" grep -q '<h2>Tables' run/report.html
again() {   # a synchronous round by hand is the model of the schedule
    fl-init -p nano -t run/tokenizer.flt --seed 1 -o 0.flt
    for s in fast slow; do
        fl-train -q -m 0.flt -b 2 -l 64 --steps 2 --warmup 1 --lr 2e-3 --min-lr 2e-3 --site $s --seed 100001 -o $s.flt run/$s/train.flt
    done
    fl-aggregate -q --weights uniform fast.flt slow.flt | fl-apply -q -m 0.flt -o 1.flt
    fl-eval -q -m 1.flt -l 64 run/valid.flt | cut -f "$(fl-eval -q -m 1.flt -l 64 run/valid.flt | head -n 1 | tr '\t' '\n' | grep -n '^loss$' | cut -d : -f 1)" | sed -n 2p
}
check "  waiting for all is the usual round" same "$(again)" "$(awk -F '\t' '$4 == 1 { print $7 }' run/synchronous.1.tsv)"
finish
