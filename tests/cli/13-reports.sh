#!/bin/sh
# Every report of every program: keys and types of both forms are those of its page, under OUTPUT.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
reports() { python "$top/tests/cli/reports.py" "$@"; }
updates() { python "$top/tests/cli/updates.py" "$@"; }
: >checked

is_as_documented() {   # PROGRAM HEADING [WHAT [VARYING-KEY...]]: of the reports in $work/tsv and $work/json
    _page=$top/man/$1.1 _of=$2 _what="$1, $2${3:+ ($3)}"
    echo "$1: $2" >>checked
    shift 2
    [ $# = 0 ] || shift
    check "$_what" reports check "$_page" "$_of" tsv json "$@"
}

both() {   # PROGRAM HEADING WHAT args...: on standard output; --json is taken before and after operands
    _program=$1 _heading=$2 _about=$3
    shift 3
    "$_program" "$@" >tsv 2>err || cat err
    "$_program" "$@" --json >json 2>err || cat err
    "$_program" --json "$@" >first 2>err || cat err
    cmp -s json first || echo "# $_program: --json last is not --json first" >>tsv
    is_as_documented "$_program" "$_heading" "$_about"
}

printf 'preset: nano\nctx: 32\nchannels: 32\nheads: 2\nffn: 64\n' >c.yaml
fl-init -c c.yaml --seed 1 -o model.flt || exit 1
awk 'BEGIN { for (i = 0; i < 300; i++) print i, i * i, "words, \"quoted\""; }' >text.txt
printf '{"text":"one"}\r\n{"text":" "}\n{"no":1}\nnot json\n{"text":"a\377b"}\n' >mix.jsonl

# ---- models and text ----
both fl-init --list-presets "" --list-presets
fl-harmonize -q --max-dropped 1 -t model.flt --card tsv -o a.flt mix.jsonl text.txt text.txt
fl-harmonize -q --max-dropped 1 -t model.flt --card json -o a.flt mix.jsonl text.txt text.txt --json
is_as_documented fl-harmonize --card
printf 'contract: one\nrules: 1\n' >contract.yaml
printf 'contract: contract.yaml\ninputs: [{files: "*"}]\n' >site.yaml
fl-harmonize -c site.yaml --digest >tsv
fl-harmonize -c site.yaml --digest --json >json
is_as_documented fl-harmonize --digest
train() { fl-train -m model.flt --steps 5 -b 2 --report-every 2 --valid v.flt "$@" a.flt; }
echo "other text" | fl-harmonize -t model.flt -o v.flt
train --report tsv -o u.flt
train --report json -o u.flt --json
is_as_documented fl-train --report "" seconds tokens_per_second
train --dry-run --checkpoint ck.flt -o u.flt >tsv
train --dry-run --checkpoint ck.flt -o u.flt --json >json
varying="seconds step_seconds tokens_per_second memory_bytes memory_kept_bytes memory_recomputed_bytes
    memory_program_bytes memory_available_bytes"
# shellcheck disable=SC2086  # many keys
is_as_documented fl-train --dry-run "" $varying output_free_bytes checkpoint_free_bytes
train --dry-run >tsv
train --dry-run --json >json
# shellcheck disable=SC2086
is_as_documented fl-train --dry-run "to standard output" $varying
both fl-eval "Texts and shards" "" -m model.flt a.flt
both fl-eval "Texts and shards" "a row an input" -m model.flt --per-file --text text.txt a.flt v.flt
both fl-eval --fairness "" -m model.flt --per-file --fairness --text text.txt a.flt v.flt
printf '{"context":"one","choices":["a","two"],"answer":1}\n' >choices.jsonl
printf '{"prompt":"one","answer":"two"}\n' >exact.jsonl
both fl-eval --choices "" -m model.flt --choices choices.jsonl
both fl-eval "--choices --per-example" "" -m model.flt --choices choices.jsonl --per-example
both fl-eval --exact "" -m model.flt --exact exact.jsonl -n 3
both fl-eval "--exact --per-example" "" -m model.flt --exact exact.jsonl -n 3 --per-example
both fl-eval "--attack membership" "" -m model.flt --attack membership --members a.flt v.flt
both fl-eval "--attack membership --per-example" "" -m model.flt --attack membership --members a.flt --per-example v.flt
both fl-eval "--attack canary" "" -m model.flt --attack canary --choices choices.jsonl
both fl-eval "--attack canary --per-example" "" -m model.flt --attack canary --choices choices.jsonl --per-example
both fl-eval --per-token "" -m model.flt --per-token --text c.yaml
both fl-account "The account" "" --delta 1e-5 -e 'pgauss:q=0.01,nm=1*10'
both fl-account "The account" "no distribution" --delta 1e-5 -e 'wor:n=100,m=10,nm=2'

# ---- streams ----
v=$top/tests/vectors
for f in everything blocks signed two empty packed; do
    both fl-info "Without options" $f "$v/$f.flt"
    both fl-info --digest $f --digest "$v/$f.flt"
done
both fl-info "Without options" "a model" model.flt
for t in t.f64 t.f32 t.f16 t.bf16 t.i64 t.u64 t.u8 rank8 scalar none; do
    both fl-info -t $t -t $t "$v/everything.flt"
    both fl-info "-t, --stats" $t -t $t --stats "$v/everything.flt"
done
updates make . 3 1
updates edit u0.flt odd.flt "odd.meta=f:nan" 'layer.weight[0]=nan' 'layer.weight[1]=inf'
both fl-info "Without options" "metadata that is no number" odd.flt
for k in i ii bytes text kind; do both fl-info --get $k --get $k "$v/everything.flt"; done
both fl-info -t "values that are no numbers" -t layer.weight --head 3 odd.flt
both fl-info "-t, --stats" "values that are no numbers" -t layer.weight --stats odd.flt

# ---- sums ----
explain() {   # WHAT args...
    _about=$1
    shift
    fl-aggregate --explain -o mean.flt "$@" >tsv
    fl-aggregate --explain -o mean.flt "$@" --json >json
    is_as_documented fl-aggregate --explain "$_about"
}
explain "updates" u0.flt u1.flt u2.flt
explain "dynamic weights" --weights dynamic --bandwidth site-0=100,site-1=25.5 --bandwidth site-2=4 u2.flt u0.flt u1.flt
fl-aggregate --partial -o sum.flt u0.flt u2.flt
explain "a partial sum" u1.flt sum.flt
updates edit u0.flt nameless.flt site= tokens= loss.first=
explain "without a site" nameless.flt
fl-aggregate --min-sites 1 --explain u0.flt >mean.flt 2>tsv
fl-aggregate --min-sites 1 --explain u0.flt --json >mean.flt 2>json
is_as_documented fl-aggregate --explain "on standard error"

# ---- a federation ----
fl-init -c c.yaml --seed 1 -o model.flt || exit 1
helpers='b +aux' min_sum=3 terms='weights: {rule: dynamic, floor: 0.5, cap: 1}
first_round: 1
tensors: [{match: "*norm*", protect: plain, bits: 64, clip: 1}, {match: "*", protect: mask, bits: 32, clip: 0.25}]'
federation a b c d 2>err || { cat err; exit 1; }
both fl-keygen --show "" --show roster.yaml
printf 'name: hub\nroot: srv\nroster: roster.yaml\nkey: hub.key\nwork: w\n' >hub.yaml
both fl-info --conf "" --conf hub.yaml
mkdir -p srv/pub
fl-round status hub.yaml >tsv
fl-round status --json hub.yaml >json
is_as_documented fl-round status "" bytes
fl-report --step hub.yaml >tsv
fl-report --step hub.yaml --json >json
is_as_documented fl-report "--step of a hub"
printf 'name: a\nhub: dir:srv\nroster: roster.yaml\nkey: a.key\nwork: wa\nshards: .\n' >a.yaml
mkdir -p wa srv/pub/model && cp model.flt "srv/pub/model/$(fl-info --digest model.flt | cut -c 1-64).flt"
(cd srv && date '+time %s' && find pub -type f -printf '%s %p\n' && date '+here %s') >wa/list
: >wa/tried
fl-report --step --list wa/list --tried wa/tried a.yaml >tsv
fl-report --step --list wa/list --tried wa/tried a.yaml --json >json
is_as_documented fl-report "--step of a site or helper"
sed 's/^min_sum: 3/min_sum: 4/' roster.yaml >other.yaml
both fl-keygen --show "beside the last one" --show other.yaml -k a.key
explain_plan() {   # WHAT args...: the same plan again is the same bytes, so it may be signed twice
    _about=$1
    shift
    fl-plan -r roster.yaml -k hub.key --explain -o plan.flt "$@" >tsv
    fl-plan -r roster.yaml -k hub.key --explain -o plan.flt "$@" --json >json
    is_as_documented fl-plan --explain "$_about" class_make_seconds class_add_seconds
}
both fl-plan "--explain --tensors" "" -r roster.yaml -k hub.key -o plan.flt -m model.flt --round 1 --explain --tensors
both fl-keygen --show "over its model" --show roster.yaml -m model.flt --tensors
explain_plan "the first round" -m model.flt --round 1
for s in a b c; do
    fl-train -q -m model.flt --steps 1 -b 1 -l 16 --site $s -o $s.upd a.flt && fl-mask -q -k $s.key -p plan.flt -o $s.up $s.upd || exit 1
done
bytes=$(sed -n 's/^upload_bytes	//p' tsv)
check "upload_bytes is what an upload takes, and a little more ($bytes, $(wc -c <a.up))" \
    sh -c "[ $bytes -ge $(wc -c <a.up) ] && [ $bytes -le $(($(wc -c <a.up) + 512)) ]"
fl-aggregate -q -k hub.key -p plan.flt --request r.flt -o sum.flt a.up b.up c.up
for h in b aux; do fl-unmask -q -k $h.key -p plan.flt -o $h.ans r.flt; done
fl-aggregate -q -p plan.flt -o mean.flt sum.flt b.ans aux.ans && fl-apply -q -m model.flt -p plan.flt -o next.flt mean.flt
both fl-unmask --show "" --show -k aux.key
explain_plan "a later one, a deadline" -m next.flt --round 2 --after mean.flt --deadline 2130-01-02T03:04:05Z
fl-aggregate -p plan.flt --check none.up a.up >tsv 2>err
fl-aggregate -p plan.flt --check none.up a.up --json >json 2>err
is_as_documented fl-aggregate --check "of masked uploads"

mkdir -p round/up round/answer && cp plan.flt round/ && cp a.up round/up/a.flt && cp a.up round/up/b.flt && cp a.up round/up/z.flt
fl-aggregate --verify round >tsv 2>err
fl-aggregate --verify round --json >json 2>err
is_as_documented fl-aggregate --verify

# ---- nothing is left out ----
for p in "${FL_BIN:-$BUILD/bin}"/fl-*; do
    "$p" --help | grep -q -e '--json[] ]' && echo "$top/man/${p##*/}.1"
done >pages
# shellcheck disable=SC2046  # names of pages
reports headings $(cat pages) | sort >documented
sort -u checked >tested
check "every program that has --json has a report in its page" \
    sh -c '[ "$(cut -d : -f 1 documented | sort -u | wc -l)" = "$(wc -l <pages)" ]'
check "every report of a page was tried" diff documented tested
finish
