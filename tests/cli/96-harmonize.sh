#!/bin/sh
# examples/harmonize: three forms of export end up with one contract, what the sites' files had is
# accounted for, and a model learns more from the harmonized notes than from those as they come.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

cp -r "$top/examples/harmonize" example
cat "$top"/man/fl-harmonize.1 "$top"/man/fl.7 "$top"/man/fl-train.1 "$top"/man/fl-aggregate.1 \
    "$top"/man/fl-eval.1 "$top"/man/fl-plan.1 >one.txt
cp "$top/man/fl-protocol.7" two.txt
check "the example runs" env STEPS=60 SEEDS="1 2 3" sh example/run made "$PWD/one.txt" "$PWD/two.txt"
cp made/losses.tsv . 2>/dev/null
cell() { awk -F'\t' -v c="$2" 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == c) n = i} $1 == "total" {print $n}' "made/$1.card"; }
is "one contract at all sites" "$(for s in north south west; do cell $s contract; done | sort -u | wc -l)" 1
# How many there are depends on the manual pages, of which the notes are made.
for s in north south west; do
    check "  $s: its digest is in the shard" sh -c "fl-info made/$s.flt | grep -q $(cell $s contract)"
    check "  $s: copies and near ones are left out" test "$(cell $s dropped_same)" -gt 0 -a "$(cell $s dropped_near)" -gt 0
    check "  $s: mojibake and identifiers are found" test "$(cell $s mojibake)" -gt 5 -a "$(cell $s found_email)" -gt 5
    is "  $s: all canaries were placed" "$(cell $s recall_email | cut -d , -f 2)" 400
done
is "values of two sites are converted, dates of two are in another order" \
    "$(cell north units_kept) $(cell south units) $(cell west dates) $(cell north dates_ambiguous) $(cell south dates_ambiguous)" "0 0 0 0 0"
check "  all of them" test "$(cell north dates)" -gt 50 -a "$(cell west units)" -gt 50 -a "$(cell south dates)" -gt 50
check "a note of the north reads as one of the contract" sh -c \
    "fl-harmonize -q -c made/north.yaml --text made/north.csv.gz | grep -qE '\"202[0-2]-[0-9]{2}-[0-9]{2}: .* \(([0-9]+) mg/dL\)\"'"
check "harmonized notes teach more, with every seed" awk '!($2 < $4 - 0.05) {exit 1} END {exit NR != 3}' losses.tsv
sed 's/^/# seed, harmonized, with copies and mojibake, as it comes: /' losses.tsv
finish
