#!/bin/sh
# examples/three-sites in small, with texts of its own: what a user copies runs, reports the right
# numbers, refuses to mix two runs, and makes a lost file again to the same bytes.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
unset MAKEFLAGS MFLAGS MAKELEVEL

cp -r "$top/examples/three-sites" example
mkdir -p texts/north texts/south texts/west
sed 's/^\.Sh/\n&/; s/^\.It/\n&/' "$top"/man/*.1 | head -c 40000 >texts/north/pages.txt
cat "$top"/lib/*/*.c | head -c 40000 >texts/south/code.txt
cat "$top"/lib/*/*.h | head -c 20000 >texts/west/one.txt
cat "$top"/lib/*/*.h | tail -c 20000 >texts/west/two.txt
small() {   # OUT args...
    _out=$1
    shift
    make --no-print-directory -C example OUT="../$_out" TEXT=../texts ROUNDS=2 STEPS=3 BATCH=2 LENGTH=64 VOCAB=300 "$@"
}
loss() {   # MODEL SHARD
    fl-eval -q -l 64 -m "$1" "$2" | awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i } END { printf "%.'"${3:-4}"'f", $c["loss"] }'
}

check "the example runs from text to report" small run
cp out report.txt
fits() { python -c 'import sys; sys.exit(max(len(l.rstrip("\n")) for l in open(sys.argv[1], encoding="utf-8")) > 79)' "$1"; }
check "  every line fits a terminal" fits report.txt
check "  without control characters" sh -c "! LC_ALL=C grep -q '[[:cntrl:]]' report.txt"
check "  what is said of the rounds goes into a log" grep -qx 'round 2 of 2' run/log
check "  and not to the reader" sh -c '! grep -q "round 2 of 2$" report.txt'
for s in north south west; do
    for m in first $s/alone together central; do
        check "  $s: the loss of $m is what fl-eval says" grep -q "^$s .*($(loss run/$m.flt run/$s/valid.flt 2))" report.txt
    done
done

# metrics.tsv: a row for each round and site, its values those of the files.
check "metrics: a header, and a row for each round and site" awk -F '\t' '
    NR == 1 { exit $0 != "round\tsite\tloss\tbits_per_byte\taccuracy\tbytes\tseconds" }' run/metrics.tsv
check "  nine rows" [ "$(cut -f 1,2 run/metrics.tsv | tail -n +2 | tr '\t\n' '  ')" = \
    "0 north 0 south 0 west 1 north 1 south 1 west 2 north 2 south 2 west " ]
metric() { awk -F '\t' -v r="$1" -v s="$2" -v c="$3" '$1 == r && $2 == s { print $c }' run/metrics.tsv; }
for r in 0 1 2; do
    check "  the loss of round $r" [ "$(printf %.4f "$(metric $r south 3)")" = \
        "$(loss run/rounds/model-$r.flt run/south/valid.flt)" ]
done
check "  bytes of an upload" [ "$(metric 2 west 6)" = "$(wc -c <run/rounds/2/up/west.flt)" ]
check "  none before the first round" [ "$(metric 0 west 6)" = 0 ]
check "  seconds of a turn" awk "BEGIN { exit !($(metric 1 north 7) > 0) }"

# What the hub saw: the bytes are those of the files.
bytes() { fl-info --raw -t embed_tokens.weight "$1" | tail -c +2001 | head -c 12 | od -An -v -tx1; }
check "the update's bytes are shown" grep -qF -- "$(bytes run/north/update.flt)" report.txt
check "and those of the upload at the same place" grep -qF -- "$(bytes run/rounds/2/up/north.flt)" report.txt
check "which look like chance" grep -q 'what the hub saw of it .* 8\.00$' report.txt

# A second make makes nothing again; another setting is refused, and its advice can be followed.
find run -name '*.flt' -exec ls -l --full-time {} + | sort >before
check "a second make prints the report" small run
find run -name '*.flt' -exec ls -l --full-time {} + | sort >after
check "  and made no file again" cmp before after
status 2 "more rounds in the same folder are refused" small run ROUNDS=3
check "  in one line that says what differs" [ "$(grep -c 'holds a run with ROUNDS=2, not ROUNDS=3' err)$(grep -vc '^make: ' err)" = 11 ]
check "  and a cure: another folder" small run3 ROUNDS=3
check "  or make clean" make -s -C example clean OUT=../run3
check "    which removed it" test ! -e run3
check "    and nothing that is no run" sh -c 'mkdir mine && touch mine/x && make -s -C example clean OUT=../mine && test -e mine/x'
echo "one more line" >>texts/west/two.txt
status 2 "other texts are refused too" small run
cp err said
check "  as such" grep -q 'holds a run with texts=.*, not texts=' said
cat "$top"/lib/*/*.h | tail -c 20000 >texts/west/two.txt
check "the first texts are taken again" small run

# Masked and in the clear.
check "the same rounds without masks" small run plain
for s in north south west; do
    check "  $s: the same loss but for rounding" awk "BEGIN { d = $(loss run/together.flt run/$s/valid.flt) - \
        $(loss run/plain.flt run/$s/valid.flt); exit !(d < 5e-4 && d > -5e-4) }"
done

# A lost file is made again.
cp run/rounds/model-2.flt keep.flt
rm run/rounds/model-2.flt run/rounds/2/mean.flt
small run >log 2>&1
check "a model that was lost is opened again to the same bytes" cmp keep.flt run/rounds/model-2.flt
cp run/rounds/2/up/south.flt keep.flt
rm run/rounds/2/up/south.flt
small run >log 2>&1
check "an upload that was lost is sent again, the same bytes" cmp keep.flt run/rounds/2/up/south.flt

# The other settings reach what they are of.
check "another seed" small seed SEED=2 run
check "  is another first model" sh -c '! cmp -s run/model-0.flt seed/model-0.flt'
for w in uniform loss; do
    check "weights: $w" small weights WEIGHTS=$w SITES="south north west"
    check "  in the roster that all accepted" grep -q "^weights	$w" weights/keys/words
    check "  the sites as they were named" sh -c 'cut -f 2 weights/metrics.tsv | sed -n 2,4p | tr "\n" " " | grep -qx "south north west "'
    rm -rf weights
done

# A failure says where its words are; on a terminal one line lives.
mkdir texts/empty
status 2 "a site without text is refused" small bad
cp err said
check "  by name, before anything is made" grep -q 'texts/empty has no texts' said
check "    in a folder that is not there yet" test ! -e bad
rmdir texts/empty
status 2 "a program that fails" small bad VOCAB=12
cp err said
check "  its words are shown" grep -q '^    fl-harmonize: .*12' said
check "  and where the others are" grep -q "\.\./bad/log has all" said
check "on a terminal" on_terminal sh -c "cd example && rm -rf ../live && make --no-print-directory OUT=../live TEXT=../texts \
    ROUNDS=12 STEPS=8 BATCH=8 LENGTH=64 VOCAB=300 SITES='north south west'"
tr '\r' '\n' <out | sed 's/\x1b\[K//g' >said
check "  one line changes" grep -aqE '^ *[0-9]+% .*(each alone|round [0-9]+ of 12); bits a byte:' said
check "  within its width" fits said
finish
