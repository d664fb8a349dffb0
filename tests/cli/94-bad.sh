#!/bin/sh
# Every input that ever broke something (tests/bad), with what its row in tests/bad/README.md says.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

bad=$top/tests/bad
printf '%s: %s\n' vocab 257 ctx 8 layers 1 channels 4 heads 1 kv_heads 1 head_dim 4 ffn 4 >m.yaml
fl-init -c m.yaml --seed 1 -o m.flt && seq 1 40 | fl-harmonize -q -t m.flt -o s.flt || exit 1

# The rows as lines "input TAB command TAB status TAB message".
awk -F ' *\\| *' '$2 ~ /\./ { gsub(/`/, ""); print $2 "\t" $3 "\t" $4 "\t" $5 }' "$bad/README.md" >rows
tab=$(printf '\t')
while IFS=$tab read -r input command want message; do
    mkdir "$input.run"
    cp "$bad"/*.* m.flt s.flt "$input.run"
    status "$want" "$input: $command" sh -c "cd '$input.run' && { $command; }"
    grep -qF -e "$message" out err
    report $? "  it says: $message"
done <rows
for f in "$bad"/*; do
    case $f in *.md) continue ;; esac
    check "${f##*/} has a row" grep -q "^${f##*/}$tab" rows
done
check "there are rows" test -s rows
finish
