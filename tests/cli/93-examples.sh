#!/bin/sh
# The examples of every manual page, the tours of fl(7) and some ways out of fl-protocol(7) are run as
# a reader copies them: rendered for a terminal of 80 columns, each indented block a script for sh.
# Each page runs in a folder of its own that has what its examples name: the files of one federation
# of three sites, a hub and two helpers, aws, which is a site, and aux. Its round 7 is opened, and
# nobody has masked for plan.flt yet.
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
            if (i % 30 == 29) print ""
        }
    }'
}

terms() {   # PROTECTION...: what a roster over model.flt says besides who takes part
    echo 'tensors: [{match: "*norm*", protect: frozen}, {match: "*", protect: mask, bits: 16, clip: 0.05}]'
    printf '%s\n' "$@"
}

helpers() {   # what it says of them: one is a site
    terms "protection: helpers" "helpers: [aws, $(cat aux.pub)]" "min_sum: 3"
}

uploads() {   # of aws, azure and gcp for 7/plan.flt
    for s in aws azure gcp; do
        fl-train -q -m model.flt -p 7/plan.flt --steps 2 -b 1 -l 32 --site $s -o $s.part site-a.flt
        fl-mask -q -k $s.key -p 7/plan.flt -o 7/up/$s.flt $s.part
    done
}

pairwise() {   # another federation, where all sites wait for each other: what its hub has of round 7
    mkdir -p pairwise/7/up
    cp model.flt site-a.flt pairwise
    cd pairwise
    keys hub aws azure gcp
    terms "protection: pairwise" | roster 1 aws azure gcp >roster.yaml
    accept roster.yaml hub aws azure gcp
    fl-plan -r roster.yaml -k hub.key --round 7 -m model.flt -o 7/plan.flt
    uploads
    cd ..
}

masked_round() {   # 7: everything of it but the helpers' next step
    fl-plan -r roster.yaml -k hub.key --round 7 -m model.flt -o 7/plan.flt
    uploads
    fl-aggregate -p 7/plan.flt -k hub.key --request 7/request.flt -o 7/sum.flt 7/up/*.flt
    for s in aws aux; do fl-unmask -q -k $s.key -p 7/plan.flt -o 7/answer/$s.flt 7/request.flt; done
    fl-aggregate -p 7/plan.flt -o 7/mean.flt 7/sum.flt 7/answer/*.flt
    fl-apply -m model.flt -p 7/plan.flt -o model-8.flt 7/mean.flt
}

folder() {   # everything that the examples name
    mkdir -p public notes 7/up 7/ready 7/answer 8 9
    prose 1 300 >public/book.txt
    prose 2 60 >notes.txt
    prose 3 40 >new.txt
    prose 4 10 >letter.txt
    for s in a b c; do prose 5 8 >$s.txt; done
    echo "Once upon a time" >question.txt
    prose 5 40 | sed 's/.*/{"text": "&"}/' >notes/july.jsonl
    gzip -c notes/july.jsonl >notes.jsonl.gz
    mkdir chats texts
    awk 'BEGIN {print "nr;datum;notiz;bz"
        for (i = 0; i < 40; i++) printf "P%d;%02d.%02d.2021;Schmerzen im R\374cken seit %d Tagen, anna%d@example.org;%d,%d\r\n",
            i % 9, i % 28 + 1, i % 12 + 1, i, i, 5 + i % 4, i % 10}' | gzip >visits.csv.gz
    for i in 1 2 3; do echo '{"conversation": [{"from": "customer", "body": "my card '$i' is lost"},' \
        '{"from": "agent", "body": "it is blocked now"}]}'; done >chats/july.jsonl
    printf 'Maria: where is my money?\nAgent: on its way\nand soon there\n\nTom: hello\nAgent: hello\n' >chats/june.log
    printf 'caf\351 cr\350me and %s\n' one | gzip >texts/old-1.txt.gz
    printf '\357\273\277caf\303\251 %s\n' two | gzip >texts/b.txt.gz
    printf '\377\376c\0a\0f\0\351\0\n\0' | gzip >texts/c.txt.gz
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
    keys hub aux aws azure gcp
    helpers | roster 1 aws azure gcp >roster.yaml
    accept roster.yaml hub aux aws azure gcp
    mkdir kept fresh && cp -r hub.key hub.key.state kept && cp -r ./*.key ./*.state fresh
    fl-plan -r roster.yaml -k kept/hub.key --round 10 -m model.flt -o plan.flt
    rm -rf kept && mkdir kept && cp -r hub.key hub.key.state kept
    masked_round
    pairwise
    cp model-8.flt trained.flt
    fl-aggregate -o mean.flt aws.flt azure.flt gcp.flt
    [ -e base.flt ] || cp model.flt base.flt
    fl-init -q -m base.flt --lora 2 -o adapter.flt
    mkdir journal && printf 'time\tparty\tround\tevent\tseconds\tbytes\tvalue\tdetail\n' >journal/2026-11.tsv
    for s in slow fast; do printf 'step\tloss\tgrad_norm\n1\t5\t.2\n' >$s.tsv; done
}

mkdir all && cd all || exit 1
(set -e; folder) >"$work/log" 2>&1
code=$?
[ $code = 0 ] || sed 's/^/# /' "$work/log"
report $code "a federation is made in which the examples can run"

command -v mandoc >/dev/null || { skip "the examples of the manual pages" "mandoc is not here"; finish; }

# Stand-ins before the programs: for people who compare a fingerprint's words, and under valgrind for
# their patience (a step is of one short window, no training is longer than two, no model is larger).
mkdir "$work/stand"
programs=$(dirname "$(command -v fl-train)")
compare_words "$work/stand"
if [ -n "${VALGRIND-}" ]; then
    cat >"$work/stand/fl-train" <<END
#!/bin/sh
n=\$#
while [ \$n -gt 0 ]; do
    case \$1 in --steps | --epochs) shift 2; n=\$((n - 2)); continue ;; esac
    set -- "\$@" "\$1"
    shift
    n=\$((n - 1))
done
exec "$programs/fl-train" "\$@" -b 1 -l 32 --steps 2
END
    printf '#!/bin/sh\ncase "$*" in *"-p small"*) set -- -p nano -o model.flt ;; esac\nexec "%s/fl-init" "$@"\n' \
        "$programs" >"$work/stand/fl-init"
fi
chmod +x "$work"/stand/*
PATH=$work/stand:$PATH

by_mandoc() { mandoc -T ascii -O width=80 "$1" | col -bx; }
by_groff() { groff -K utf8 -Tutf8 -mdoc -rLL=80n -P-c -P-b -P-o -P-u "$1" | col -bx; }

# The code in a rendered page, moved to the left: DIR/1, DIR/2, ... All lines of its section EXAMPLES
# (of fl(7) and fl-protocol(7): those subsections that tell what to type) that stand further in than prose does, which is 5 columns.
blocks() {   # DIR <rendered page
    mkdir -p "$1"
    awk -v dir="$1" '
        function flush(   i) {
            if (!n) return
            while (n && line[n] == "") n--
            out = dir "/" ++block
            for (i = 1; i <= n; i++) print substr(line[i], least + 1) >out
            close(out)
            n = 0
        }
        /^[A-Z]/ { flush(); on = /^EXAMPLES/; next }
        /^   ?[A-Z]/ { flush(); on = /^ *(A round (without|is given)|The same|Fine-tuning|Rounds that|A site is late|A new epoch over)/; next }
        !on { next }
        /^ *$/ { if (n) line[++n] = ""; next }
        { match($0, /^ */) }
        RLENGTH <= 7 { flush(); next }
        { if (!n || RLENGTH < least) least = RLENGTH; line[++n] = $0 }
        END { flush() }'
}

next_epoch() {   # the same members over base.flt
    for s in hub aux aws azure gcp; do fl-keygen --public -k $s.key >$s.pub; done
    helpers | model=base.flt roster 2 aws azure gcp
    echo "first_round: 20"
}

run_page() {   # NAME BLOCKS
    _i=0
    while [ -e "$2/$((_i += 1))" ]; do
        _block=$2/$_i
        case $1.$_i in
        fl-aggregate.8) rm -rf 7 && cp -r pairwise/7 pairwise/roster.yaml . ;;
        fl-plan.1) mkdir now && mv hub.key hub.key.state now && cp -r kept/* . ;;   # nothing is signed yet
        fl-plan.2) rm -r hub.key hub.key.state && mv now/* . ;;
        fl-protocol.7.2) fl-plan -r roster.yaml -k hub.key --round 8 -m model-8.flt --after 7/mean.flt -o 8/plan.flt ;;
        fl-protocol.7.4) next_epoch >roster-2.yaml ;;
        fl-keygen.2) helpers | roster 1 aws azure gcp >roster.yaml ;;   # people wrote the new line into it
        fl-report.3) mkdir -p srv/pub && printf '%s\n' 'name: hub' 'root: srv' 'roster: roster.yaml' 'key: hub.key' 'work: w' >hub.yaml ;;
        fl-import.*)
            [ -d TinyLlama ] || { skip "$1, block $_i" "no model of another program is here"; continue; }
            [ $_i = 1 ] || fl-harmonize -q -t model-0.flt -o shard.flt notes.txt ;;   # in its tokens
        esac
        check "$1, block $_i: $(head -n 1 "$_block")" sh -eu "$_block"
        case $1.$_i in
        fl-round.5) check "  three rounds are closed" [ "$(wc -l <srv/pub/chain.tsv)" = 3 ] ;;
        fl-keygen.[34]) check "  a site's next line" grep -q '^fl1 aws 2 ' aws.pub ;;
        esac
    done
}

for page in "$top"/man/*.[157]; do
    by_mandoc "$page" >"$work/page"
    check "${page##*/}: no line is longer than 80 columns" awk 'length > 80 { print; bad = 1 } END { exit bad }' \
        "$work/page"
done
for page in "$top"/man/fl-*.1 "$top/man/fl.7" "$top/man/fl-protocol.7"; do
    name=$(basename "$page" .1)
    cp -r "$work/all" "$work/$name"
    cd "$work/$name" || exit 1
    case $name in
    fl-keygen) rm -rf ./aws.key ./gcp.key ./*.state ;;
    fl-diff) cp -r fresh/* . ;;   # nobody has masked over the model
    fl-mask)   # what the first example masks
        cp -r fresh/* .
        fl-train -q -m model.flt -p plan.flt -o update.flt shard.flt
        ;;
    fl-import) [ ! -d "$shared/data/models" ] || ln -s "$shared/data/models/tiny-llama-untied" TinyLlama ;;
    fl-round) rm -rf ./*.key ./*.pub ./*.state roster.yaml ;;
    fl-gate) mkdir -p srv/pub srv/in/north ;;
    fl-protocol.7) prose 6 300 >public.txt ;;
    fl.7)
        rm -rf ./*.key ./*.pub ./*.state ./*.flt 7 8
        for s in a b c; do mkdir $s; prose "$(printf %d "'$s")" 400 >$s/text.txt; done
        ;;
    esac
    by_mandoc "$page" | blocks "$work/blocks.$name"
    check "$name: it has examples" test -s "$work/blocks.$name/1"
    if command -v groff >/dev/null; then
        by_groff "$page" | blocks "$work/groff.$name"
        check "$name: groff renders the same" diff -r "$work/blocks.$name" "$work/groff.$name"
    fi
    run_page "$name" "$work/blocks.$name"
    cd "$work" || exit 1
    rm -rf "${work:?}/$name"
done
finish
