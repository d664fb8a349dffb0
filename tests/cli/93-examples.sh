#!/bin/sh
# The EXAMPLES of every manual page are run as they stand (but for shorter training), each page in a
# folder of its own that has what they name: the files of one federation of three sites, a hub and two
# helpers, aws, which is a site, and aux. Round 7 is opened, and nobody has masked for plan.flt yet.
# memcheck
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

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

roster() {   # everybody's lines: a federation of helpers over model.flt
    printf 'federation: demo\nepoch: 1\nmodel: %s\n' "$(fl-info --digest model.flt | cut -c 1-64)"
    echo "hub: $(cat hub.pub)"
    echo "sites:"
    for s in aws azure gcp; do echo "  - $(cat $s.pub)"; done
    printf 'protection: helpers\nhelpers:\n  - aws\n  - %s\nmin_sum: 3\n' "$(cat aux.pub)"
    echo 'tensors: [{match: "*norm*", protect: frozen}, {match: "*", protect: mask, bits: 16, clip: 0.05}]'
}

agree() {   # all have accepted it
    for s in hub aux aws azure gcp; do fl-keygen -n $s -o $s.key >$s.pub; done
    roster >roster.yaml
    fl-keygen --show roster.yaml >words
    for s in hub aux aws azure gcp; do fl-keygen --accept roster.yaml -k $s.key --words words; done
}

masked_round() {   # 7: everything of it but the helpers' next step
    fl-plan -r roster.yaml -k hub.key --round 7 -m model.flt -o 7/plan.flt
    for s in aws azure gcp; do
        fl-train -q -m model.flt -p 7/plan.flt --steps 2 -b 1 -l 32 --site $s -o $s.part site-a.flt
        fl-mask -q -k $s.key -p 7/plan.flt -o 7/up/$s.flt $s.part
    done
    fl-aggregate -p 7/plan.flt -k hub.key --request 7/request.flt -o 7/sum.flt 7/up/*.flt
    for s in aws aux; do fl-unmask -q -k $s.key -p 7/plan.flt -o 7/answer/$s.flt 7/request.flt; done
    fl-aggregate -p 7/plan.flt -o 7/mean.flt 7/sum.flt 7/answer/*.flt
    fl-apply -m model.flt -p 7/plan.flt -o model-8.flt 7/mean.flt
}

folder() {   # everything that the examples name
    mkdir -p public notes 7/up 7/ready 7/answer 8
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
    cp site-a.flt valid.flt
    cp site-b.flt site.flt
    for s in aws azure gcp; do
        fl-train -q -m model.flt --steps 2 -b 1 -l 32 --site $s --seed ${#s} -o $s.flt site-a.flt
    done
    cp aws.flt update.flt
    agree
    masked_round
    fl-aggregate -o mean.flt aws.flt azure.flt gcp.flt
    fl-plan -r roster.yaml -k hub.key --round 9 -m model.flt -o plan.flt
    fl-diff -b model.flt -p plan.flt -o trained.upd model-8.flt
    fl-apply -m model.flt -p plan.flt -o trained.flt trained.upd
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
    fl-mask)   # what the first example masks
        # shellcheck disable=SC2086  # options
        fl-train -q -m model.flt -p plan.flt $small -o update.flt shard.flt
        ;;
    fl-import) [ ! -d "$shared/data/models" ] || ln -s "$shared/data/models/tiny-llama-untied" TinyLlama ;;
    esac
    grep -q '^\.Dl' "$page"
    report $? "$name(1) has examples"
    run_examples "$page"
    rm -rf "${work:?}/$name"
done
finish
