#!/bin/sh
# The EXAMPLES of every manual page are run as they stand (but for shorter training), each page in a
# folder of its own that has what they name: the files of one federation of three sites and a hub in
# its seventh round.
# memcheck
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"

prose() {   # SEED LINES: text that differs from site to site
    awk -v s="$1" -v n="$2" 'BEGIN {
        srand(s)
        split("the a of to model text site round key sum note river winter letter small quiet", w, " ")
        for (i = 0; i < n; i++) {
            line = "line " i
            for (k = 0; k < 9; k++) line = line " " w[1 + int(rand() * 16)]
            print line "."
        }
    }'
}

folder() {   # everything that the examples name
    mkdir public notes up 7 8
    prose 1 300 >public/book.txt
    prose 2 60 >notes.txt
    prose 3 40 >new.txt
    prose 4 10 >letter.txt
    echo "Once upon a time" >question.txt
    prose 5 40 | sed 's/.*/{"text": "&"}/' >notes/july.jsonl
    gzip -c notes/july.jsonl >notes.jsonl.gz
    fl-init -p nano -o model.flt
    fl-harmonize -t model.flt -o site-a.flt notes.txt
    fl-harmonize -t model.flt -o site-b.flt new.txt
    cp site-a.flt shard.flt
    cp site-b.flt site.flt
    for s in aws azure gcp; do
        fl-train -q -m model.flt --steps 2 -b 1 -l 32 --site $s --seed ${#s} -o $s.flt site-a.flt
    done
    cp aws.flt update.flt
    fl-apply -m model.flt -o trained.flt aws.flt
    federation aws azure gcp
    fl-plan -r roster.yaml -k hub.key --round 6 -m model.flt -o plan.flt
    for s in aws azure gcp; do
        fl-mask -q -k $s.key -p plan.flt -o up/$s.flt $s.flt
    done
    fl-aggregate -p plan.flt -o 7/mean.flt up/*.flt
    fl-apply -m model.flt -o model-8.flt 7/mean.flt
    fl-aggregate -o mean.flt aws.flt azure.flt gcp.flt
    fl-plan -r roster.yaml -k hub.key --round 7 -m model.flt -o plan.flt
    cp -r hub.key.state kept.hub
    cp hub.key kept.key
}

mkdir all && cd all || exit 1
(set -e; folder) >"$work/log" 2>&1
code=$?
[ $code = 0 ] || sed 's/^/# /' "$work/log"
report $code "a federation is made in which the examples can run"

# Under valgrind a step is of one short window, no training is longer than two, no model is larger.
small=""
small_script=""
if [ -n "${VALGRIND-}" ]; then
    small="-b 1 -l 32 --steps 2"
    small_script="s/ --steps 2//;s/fl-train -m model\.flt/& $small/;s/-p small/-p nano/"
fi

# The lines of a page's EXAMPLES as a shell would get them.
examples() {
    sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/s/^\.Dl //p' "$1" | sed '
        s/^"\(.*\)"$/\1/
        s/^\$ //
        s/\\ / /g
        s/\\(dq/"/g
        s/\\e/\\/g
        s/\\(ti/~/g
        s/--steps [0-9]*/--steps 2/
        s/--epochs [0-9]*/--steps 2/
        s/--train-tokenizer [0-9]*/--train-tokenizer 400/' | sed "$small_script"
}

# Each command with its continuation lines, one at a time.
run_examples() {   # PAGE
    examples "$1" >"$work/lines"
    awk '{ if (sub(/\\$/, "")) { hold = hold $0; next } print hold $0; hold = "" }' "$work/lines" >"$work/commands"
    while IFS= read -r command; do
        case $command in
        *--accept*)   # asks for words on a terminal: tests/cli/50-keygen.sh
            continue ;;
        *TinyLlama*)
            [ -d TinyLlama ] || { skip "$command" "no model of another program is here"; continue; } ;;
        *model-0.flt*)
            [ -e model-0.flt ] || continue ;;
        esac
        for p in $(printf '%s\n' "$command" | grep -o 'fl-[a-z]*'); do
            command -v "$p" >/dev/null || { skip "$command" "$p is not here"; continue 2; }
        done
        check "$(basename "$1"): $command" sh -c "$command" </dev/null
    done <"$work/commands"
}

for page in "$top"/man/fl-*.1; do
    name=$(basename "$page" .1)
    cp -r "$work/all" "$work/$name"
    cd "$work/$name" || exit 1
    case $name in
    fl-keygen) rm -rf ./*.key ./*.state ;;
    fl-plan)   # the plans of round 7 are not signed yet
        rm -rf hub.key.state && cp -r "$work/all/kept.hub" hub.key.state
        ;;
    fl-mask)   # what the first example masks
        # shellcheck disable=SC2086  # options
        fl-train -q -m model.flt $small -o update.flt shard.flt
        ;;
    fl-import) [ ! -d "$shared/data/models" ] || ln -s "$shared/data/models/tiny-llama-untied" TinyLlama ;;
    esac
    grep -q '^\.Dl' "$page"
    report $? "$name(1) has examples"
    run_examples "$page"
    rm -rf "${work:?}/$name"
done
finish
