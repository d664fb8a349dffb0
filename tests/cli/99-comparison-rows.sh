#!/bin/sh
# examples/comparison in the smallest form: rows of each kind that 99-comparison.sh does not run, and what one command
# promises, whatever the numbers are.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
unset MAKEFLAGS MFLAGS MAKELEVEL
mkdir examples
cp -r "$top/examples/three-sites" "$top/examples/async" "$top/examples/comparison" examples
ln -s "$top/lib" "$top/man" "$top/tests" .   # what its text is made of where there are no packages
cp "$top/README.md" .
cd examples/comparison || exit 1
rows='alone@quantity central fl hybrid-he delay dynamic-0.5@dirichlet fl@iid lora-alone lora-masked'
# A line of the command is a row more.
small() {
    make --no-print-directory table SMALL=1 CORPUS=own SMALLER=12 ROUNDS=1 STEPS=2 BATCH=2 MODEL= CANARIES=1 \
        ROWS="$(echo $rows) root" row.root="RULE='D ^ 0.5' ./rounds synchronous --weights examples"
}
check "all kinds of rows" small
table=run-small/table.tsv
is "  and are there" "$(cut -f 1 $table | sed 1d | tr '\n' ' ')" "$(echo $rows root) "
is "  nothing was refused" "$(awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $at["note"] != "-"' $table)" ''
is "  every row has its loss" "$(awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } !($at["loss"] > 0 && $at["loss"] < 10) { print $1 }' $table)" ''
validate() {
    for d in scratch scratch@iid scratch@quantity scratch@dirichlet; do
        cat run-small/$d/*/card.tsv | awk -F '\t' '$1 == "file" { for (i = 1; i <= NF; i++) at[$i] = i } $1 == "total" { n += $at["valid"] } END { print n }'
    done | sort -u | wc -l
}
is "the same documents validate, however they are dealt" "$(validate)" 1
cp $table run-small/goes .
small >out
is "a second call ends well" $? 0
is "  trains nothing" "$(grep 'seed ' out)" ''
check "  and has the same table" cmp table.tsv $table
check "  of one go" grep -q 'in one go' run-small/made.txt
check "the page has its charts" [ "$(grep -c '<svg' run-small/report.html)" = 4 ]
echo 'attack_new	0.25' >>run-small/rows/fl.1/row.tsv
check "a further figure" ./table run-small "central fl" 1
is "  is a column" "$(awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { print $at["attack_new"] }' $table | tr '\n' ' ')" '- 0.25 '
rm run-small/rows/fl.1/done
status 1 "a table of less than all" ./table run-small "central fl" 1
says 'run-small/rows/fl.1 is not done'
status 1 "pages of no run" ./readme run-none
says 'run-none has no table; run make table OUT=run-none first'
finish
