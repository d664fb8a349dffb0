#!/bin/sh
# fl-aggregate --verify: a round as it should be is told in one line, and each way in which a hub can lie
# about it is named, with file, party, tensor and digests; parties under replay sign, and helpers follow.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
lie() { python "$top/tests/cli/lie.py" "$@"; }
tab=$(printf '\t')

# Five sites, of whom e is late; two rounds over one model; what hub, aux and c were before each step.
save() { mkdir -p "$1" && cp -a "$2.key" "$2.key.state" "$1/"; }
start() {
    printf 'preset: nano\nctx: 32\nchannels: 32\nheads: 2\nffn: 64\n' >c.yaml
    fl-init -c c.yaml --seed 1 -o model.flt &&
        awk 'BEGIN { for (i = 0; i < 300; i++) print i, i * i, "words" }' >text.txt &&
        fl-harmonize -q -t model.flt -o train.flt text.txt || return 1
    helpers='a +aux' min_sum=3 terms='replay: [b, aux]\napply: {rule: momentum, lr: 1, momentum: 0.9}'
    federation a b c d e && save planning hub && plan 1 model.flt || return 1
    for s in a b c d e; do
        fl-train -q -m model.flt -p 1/plan.flt --steps 2 -b 1 -l 32 --site $s -o $s.upd train.flt || return 1
    done
    save masking c
    for s in a b c d e; do mask 1 $s $s.upd || return 1; done
    save asking hub && save answering aux && ask 1 a b c d && answer 1 a aux && open_sum 1 || return 1
    fl-apply -q -m model.flt -p 1/plan.flt --state velocity.flt -o next.flt 1/mean.flt
}

# round N: another round over the same model, of the same sites
again() { plan "$1" model.flt && for s in a b c d; do mask "$1" $s $s.upd || return 1; done; }
close_round() { ask "$1" a b c d && answer "$1" a aux; }

verify() { fl-aggregate --verify "$@" -r roster.yaml -m model.flt; }
told() { [ "$(wc -l <"$work/out")" = 1 ] && grep -q -e "$1" "$work/out"; report $? "  it says: $1"; }
found() { grep -E -q "$1" "$work/out"; report $? "  it is named${2-}"; }

check "a round with helpers" start
check "is as it should be" verify 1 --next next.flt
told '^1: round 1 of demo, epoch 1, is as it should be: plan, request, 4 uploads, 2 answers, sum, mean and next model; signed for by 0 of 2 under replay; uploads that are not in the set: e$'
check "  the same in threads, and in little memory" verify 1 --next next.flt -j 3 --mem 1k
check "  without a roster the plan's is believed, and that is said" fl-aggregate --verify 1
says "the plan's own roster is believed"
mean=$(digest 1/mean.flt)
check "  as JSON its digest is the mean's" sh -c "fl-aggregate --verify 1 --json | grep -q '\"status\": \"good\".*\"found\": \"$mean\"'"
mkdir only && cp -r 1/plan.flt 1/up 1/answer 1/request.flt only/
check "  without sum and mean there is nothing to compare" verify only
told 'plan, request, 4 uploads and 2 answers;'

# ---- who signs ----
sign() { mkdir -p 1/opened && verify 1 --next next.flt -k "$1.key" -o "1/opened/$1.flt"; }
status 3 "who is not under replay signs nothing" sign c
says 'c.key: "c" is not named under the roster.s replay'
check "  and nothing is written" test ! -e 1/opened/c.flt
check "who is, signs" sign b
check "  and the other one" sign aux
check "  which is seen" verify 1 --next next.flt
told '; signed for by 2 of 2 under replay'

# ---- lies ----
second() { again 2 && close_round 2 && open_sum 2; }
check "another round over the same model" second
tensor=$(fl-info 1/mean.flt | awk -F '\t' '$1 == "tensor" { print $2; exit }')

# What each of them was before, beside what it is: WHO FOLDER command...
as_before() {
    _who=$1 _then=$2
    shift 2
    rm -rf now && mkdir now && mv "$_who.key" "$_who.key.state" now/ && cp -a "$_then/$_who.key" "$_then/$_who.key.state" . &&
        "$@"
    _code=$?
    rm -rf "$_who.key" "$_who.key.state" && mv now/* . && return $_code
}
second_plan() { fl-plan -q -r roster.yaml -k hub.key --round 1 -m model.flt --deadline 2030-01-01T00:00:00Z -o plan.2.flt; }
other_request() { fl-aggregate -q -k hub.key -p 1/plan.flt --request other.flt -o other.sum 1/up/[abce].flt; }
other_answer() { fl-unmask -q -k aux.key -p 1/plan.flt -o other.answer other.flt; }
other_upload() { fl-mask -q -k c.key -p 1/plan.flt -o other.upload c.upd; }
check "a hub that forgets signs a second plan" as_before hub planning second_plan
check "  and asks for another set" as_before hub asking other_request
check "a helper that forgets answers it" as_before aux answering other_answer
check "a site that forgets masks twice" as_before c masking other_upload

names() {   # STATUS WHAT "status file party tensor" DIGESTS PATTERN command...: lie/ is 1/ after the command
    _status=$1 _what=$2 _row=$3 _digests=$4 _pattern=$5
    shift 5
    rm -rf lie && cp -r 1 lie && "$@" || { report 1 "$_what: it can be told"; return; }
    status "$_status" "$_what" verify lie --next "${next:-next.flt}"
    case $_digests in
    both) _digests="[0-9a-f]{64}${tab}[0-9a-f]{64}" ;;
    found) _digests="-${tab}[0-9a-f]{64}" ;;
    expected) _digests="[0-9a-f]{64}${tab}-" ;;
    none) _digests="-${tab}-" ;;
    esac
    if grep -E -q "^$(printf '%s' "$_row" | sed 's/\./\\./g' | tr ' ' "$tab")$tab$_digests$tab.*$_pattern" out &&
        [ "$(wc -l <err)" = 1 ]; then
        report 0 "  it is named"
    else
        sed 's/^/# /' out | cut -c 1-300
        report 1 "  it is named"
    fi
}

names 4 "no plan" "missing lie/plan.flt - -" none "" rm lie/plan.flt
names 3 "a second plan of the round" "twice lie/plan.2.flt hub -" both "one is signed for a round" cp plan.2.flt lie/
names 3 "a plan of another round beside it" "added lie/plan.2.flt hub -" both "another round" cp 2/plan.flt lie/plan.2.flt
names 4 "a request that is kept back" "missing lie/request.flt hub -" none "" rm lie/request.flt
names 3 "a request for another set" "refused lie/answer/a.flt a -" both "for another set of uploads" cp other.flt lie/request.flt
names 3 "an upload left out, and a request that hides it" "refused lie/answer/aux.flt aux -" both "for another set" \
    sh -c 'cp other.flt lie/request.flt && rm lie/up/d.flt'
names 4 "an upload left out" "missing lie/up/d.flt d -" expected "the request shows" rm lie/up/d.flt
names 3 "an upload doubled" "added lie/up/d.2.flt d -" both "each counts once" cp 1/up/d.flt lie/up/d.2.flt
names 3 "an upload under another's name" "refused lie/up/e.flt e -" found 'of "d" under the name of "e"' cp 1/up/d.flt lie/up/e.flt
names 3 "an upload of another round" "refused lie/up/d.flt d -" both "another plan" cp 2/up/d.flt lie/up/d.flt
names 3 "a second upload of one site" "twice lie/up/c.flt c -" both "two copies of its key" cp other.upload lie/up/c.flt
names 1 "an upload with a byte changed" "damaged lie/up/b.flt b -" expected "" \
    sh -c 'printf damaged | dd of=lie/up/b.flt bs=1 seek=4000 conv=notrunc 2>/dev/null'
names 1 "an upload that is no upload" "damaged lie/up/b.flt b -" expected "" cp b.upd lie/up/b.flt
names 3 "an upload of no member" "added lie/up/zed.flt - -" none "" cp b.upd lie/up/zed.flt
names 3 "an answer for another set" "refused lie/answer/aux.flt aux -" both "for another set of uploads" \
    cp other.answer lie/answer/aux.flt
names 3 "two answers of a helper" "added lie/answer/aux.2.flt aux -" found "each counts once" cp other.answer lie/answer/aux.2.flt
names 3 "an answer of another round" "refused lie/answer/a.flt a -" found "" cp 2/answer/a.flt lie/answer/a.flt
names 4 "an answer that is kept back" "missing lie/answer/a.flt a -" none "" rm lie/answer/a.flt
names 1 "the sum of another set" "altered lie/sum.flt - -" both "is of another set of uploads" cp other.sum lie/sum.flt
names 1 "a mean of another set" "altered lie/mean.flt - -" both "is of another set of uploads" cp 2/mean.flt lie/mean.flt
names 1 "an update in place of the mean" "altered lie/mean.flt - -" both "" cp a.upd lie/mean.flt
names 3 "what another signed for" "refused lie/opened/b.flt b -" found 'signed by "b"' cp 1/opened/aux.flt lie/opened/b.flt
names 3 "what nobody under replay signed for" "added lie/opened/c.flt - -" found "" cp 1/opened/b.flt lie/opened/c.flt
next=model.flt
names 1 "a next model that is the last one" "altered model.flt - $tensor" both "other values" true
next=next.flt
status 3 "a round over another model" fl-aggregate --verify 1 -m next.flt
found "^refused${tab}next.flt${tab}-"
sed 's/min_sum: 3/min_sum: 4/' roster.yaml >other.yaml
status 3 "another roster than people agreed on" fl-aggregate --verify 1 -r other.yaml
found "^refused${tab}1/plan.flt${tab}hub${tab}-${tab}[0-9a-f]{64}${tab}[0-9a-f]{64}" ", by both digests"
several() { rm lie/up/a.flt lie/answer/aux.flt && cp 2/up/d.flt lie/up/d.flt; }
names 3 "several at once" "missing lie/up/a.flt a -" expected "" several
test "$(grep -v -c "^skipped" out)" = 4
report $? "  each is a row, under the columns"

# What can be compared is, whatever else is bad; what cannot is told, with the file for want of which.
also() { grep -E -q "^$(printf '%s' "$1" | sed 's/\./\\./g' | tr ' ' "$tab")$tab.*$2" out; report $? "  and $1: $2"; }
sum_of_another='altered lie/sum.flt - -'
names 4 "an upload left out" "skipped lie/sum.flt - -" none "for want of a good lie/up/d.flt; the mean is compared" rm lie/up/d.flt
says '^fl-aggregate: lie/up/d.flt: is not there'
test "$(grep -c "lie/" out)" = 2
report $? "  and the mean is as it should be"
names 1 "  and a mean of another set" "altered lie/mean.flt - -" both "is of another set" \
    sh -c 'rm lie/up/d.flt && cp 2/mean.flt lie/mean.flt'
also "missing lie/up/d.flt d -" "the request shows"
names 1 "  and a sum of another set" "$sum_of_another" both "is of another set" sh -c 'rm lie/up/d.flt && cp other.sum lie/sum.flt'
also "skipped lie/mean.flt - -" "for want of a good lie/up/d.flt"
also "skipped next.flt - -" "for want of a good lie/up/d.flt"
also "skipped lie/opened/b.flt - -" "for want of a good mean"
names 1 "an answer kept back, and a sum of another set" "$sum_of_another" both "is of another set" \
    sh -c 'rm lie/answer/a.flt && cp other.sum lie/sum.flt'
also "missing lie/answer/a.flt a -" "opens with all answers"
also "skipped lie/mean.flt - -" "for want of a good lie/answer/a.flt"
names 3 "a file of nobody's, and a mean of another set" "altered lie/mean.flt - -" both "is of another set" \
    sh -c 'cp b.upd lie/up/zed.flt && cp 2/mean.flt lie/mean.flt'
also "added lie/up/zed.flt - -" ""
names 4 "no request" "skipped lie/sum.flt - -" none "for want of a good lie/request.flt" rm lie/request.flt

if python -c 'import xxhash' 2>/dev/null; then
    bit="bit=$tensor"
    names 3 "an upload altered" "refused lie/up/c.flt c -" both 'not signed by "c"' lie 1/up/c.flt lie/up/c.flt "$bit"
    names 3 "an upload altered, and signed by the hub" "refused lie/up/c.flt c -" both "" \
        lie 1/up/c.flt lie/up/c.flt "$bit" hub.key 2
    names 3 "an upload of a name that is no member's" "added lie/up/zed.flt - -" found "of nobody in this round" \
        lie 1/up/c.flt lie/up/zed.flt meta=site:tzed c.old 2
    names 3 "an answer altered" "refused lie/answer/a.flt a -" found 'not signed by "a"' lie 1/answer/a.flt lie/answer/a.flt "$bit"
    names 3 "a plan altered" "refused lie/plan.flt - -" found "" lie 1/plan.flt lie/plan.flt meta=deadline:t2031-01-01T00:00:00Z
    names 3 "a request altered" "refused lie/request.flt hub -" found "" lie 1/request.flt lie/request.flt bit=signs hub.key hub
    names 1 "one bit of the sum" "altered lie/sum.flt - $tensor" both "other values" lie 1/sum.flt lie/sum.flt "$bit"
    names 1 "one bit of the mean" "altered lie/mean.flt - $tensor" both "other values" lie 1/mean.flt lie/mean.flt "$bit"
    names 1 "what the mean says of itself" "altered lie/mean.flt - -" both 'its "sum.round" does not' \
        lie 1/mean.flt lie/mean.flt meta=sum.round:9
    next=lied.flt
    names 1 "a next model that does not follow" "altered lied.flt - $tensor" both "other values" lie next.flt lied.flt "$bit"
    next=next.flt
    heavy() {   # c counts twice, and signs that; its mask hides it
        again 3 && lie 3/up/c.flt heavy.flt add=sum.weight:1099511627776 c.key 2 && cp heavy.flt 3/up/c.flt && close_round 3
    }
    check "a site with a weight above its cap" heavy
    status 1 "  the sum shows it, though not whose it is" verify 3
    status 1 "  and for a lie nobody signs" verify 3 -k b.key -o lied.opened
    check "  so that nothing is written" test ! -e lied.opened
    status 1 "  ..." verify 3
    says '^fl-aggregate: 3: the summed weight is 5 of 4 sites'
else
    skip "lies that are well formed" "python3-xxhash is not here"
fi

follow() {   # a helper needs no upload then
    mv 1/up gone && fl-unmask --advance -q -k a.key -p 1/plan.flt -m model.flt --velocity a.velocity -o a.next 1
    _code=$?
    mv gone 1/up
    return $_code
}
check "a helper follows what they signed, without the uploads" follow
check "  to the same model" cmp a.next next.flt

# ---- rounds beside each other ----
rm -rf pub && mkdir pub && cp -r 1 pub/b.first && cp -r 2 pub/a.second && mkdir pub/none && touch pub/model.flt
both() { [ "$(wc -l <out)" = 2 ] && sed -n 1p out | grep -q '^pub/b.first: round 1 .*; signed for' && sed -n 2p out | grep -q '^pub/a.second: round 2 '; }
check "rounds in folders beside each other" fl-aggregate --verify pub -r roster.yaml -m model.flt
both
report $? "  are as they should be, in their order"
check "  each is a row of JSON" sh -c 'fl-aggregate --verify pub --json | grep -c "\"status\": \"good\"" | grep -q 2'
status 2 "  nobody signs for several" fl-aggregate --verify pub -k b.key -m model.flt -o x.opened
says 'pub: holds several rounds; a party under replay signs for one'
other_base() { lie 2/plan.flt lied "meta=base:x$(fl-info --digest "$1" | cut -c 1-64)" meta=base.round:1 "meta=after:x$(fl-info --digest 1/mean.flt | cut -c 1-64)" hub.key hub && mv lied pub/a.second/plan.flt; }   # MODEL
other_base train.flt && status 3 "a plan over a model that no round led to" fl-aggregate --verify pub -r roster.yaml -m model.flt
found "^refused${tab}pub/a.second/plan.flt${tab}hub${tab}-${tab}$(fl-info --digest next.flt | cut -c 1-64)${tab}.*is over a model to which the rounds before it do not lead"
cp 2/plan.flt pub/a.second/
twice() {   # round 2 asks for e in place of d, and aux has forgotten what it answered in round 1
    mask 2 e e.upd && cp 2/up/e.flt pub/a.second/up/ && save hub.now hub &&
        as_before hub hub.now fl-aggregate -q -k hub.key -p 2/plan.flt --request pub/a.second/request.flt \
            -o pub/a.second/sum.flt 2/up/[abce].flt &&
        as_before aux answering fl-unmask -q -k aux.key -p 2/plan.flt -o pub/a.second/answer/aux.flt pub/a.second/request.flt
}
check "a helper that answers another set over the same model" twice
status 3 "  breaks the rule of sets" fl-aggregate --verify pub -r roster.yaml -m model.flt
found "^refused${tab}pub/a.second/answer/aux.flt${tab}aux${tab}-${tab}-${tab}[0-9a-f]{64}${tab}breaks the rule of sets: \"aux\" answered before in pub/b.first \\(4 sites\\); with the sums .* the sum of 1 site could be computed, \"[de]\" among them"
found "^refused${tab}pub/a.second/answer/a.flt${tab}a${tab}-.*is for another set" ", beside the other"
check "  which one round alone cannot show" sh -c 'fl-aggregate --verify pub/a.second -r roster.yaml -m model.flt | grep -q "rule of sets"; test $? = 1'

# ---- the command line ----
refused() {   # WHAT PATTERN args...
    _about=$1 _pattern=$2
    shift 2
    status 2 "$_about" fl-aggregate "$@"
    says "$_pattern"
}
refused "no folder" "takes one folder" --verify
refused "two folders" "takes one folder" --verify 1 2
refused "a plan beside it" "takes one folder" --verify -p 1/plan.flt 1
refused "a key that signs nothing" "signs with -k KEY, -m MODEL and -o OPENED" --verify 1 -k b.key -m model.flt
refused "a key without a model" "signs with -k KEY" --verify 1 -k b.key -o x.flt
refused "an output without a key" "signs with -k KEY" --verify 1 -m model.flt -o x.flt
refused "a next model without its own" "need -m MODEL" --verify 1 --next next.flt
refused "a model without a folder" "belong to --verify" -m model.flt a.upd b.upd
status 1 "a folder that is not there" fl-aggregate --verify none
mkdir empty
status 4 "an empty one" fl-aggregate --verify empty

# ---- pairwise: the uploads are all there is ----
pair() {
    mkdir pair && cd pair && cp ../model.flt . && helpers='' terms='' && federation a b c && plan 1 model.flt &&
        for s in a b c; do mask 1 $s ../$s.upd || return 1; done
}
check "a pairwise round" pair
cd "$work/pair" || exit 1
status 4 "without one of them it is not whole" sh -c 'mv 1/up/b.flt b.up; fl-aggregate --verify 1 -r roster.yaml'
mv b.up 1/up/b.flt
fl-aggregate -q -p 1/plan.flt --partial -o ab.sum 1/up/a.flt 1/up/b.flt
fl-aggregate -q -p 1/plan.flt --partial -o 1/sum.flt 1/up/c.flt ab.sum
fl-aggregate -q -p 1/plan.flt -o 1/mean.flt ab.sum 1/up/c.flt
check "  a tree of sums leads to the same bytes" fl-aggregate --verify 1 -r roster.yaml
told ': plan, 3 uploads, sum and mean$'
cd "$work" || exit 1
finish
