#!/bin/sh
# Adapters through the programs: made, trained beside a frozen model, averaged plain and masked, merged,
# taken to other tools and back; the same bytes however it is run; what is refused.
# shellcheck source-path=SCRIPTDIR disable=SC2016,SC2034 # text for sh -c; variables of federation.sh
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
updates() { python "$top/tests/cli/updates.py" "$@"; }
refused() {   # status "what" "words" command args...: one line with these words, and no output
    _code=$1 _about=$2 _words=$3
    shift 3
    rm -rf x.flt
    status "$_code" "$_about" "$@"
    says "$_words"
    check "  and leaves nothing" sh -c '[ ! -e x.flt ] && [ ! -e .x.flt.part ]'
}
raw() { fl-info --raw -t "$2" "$1"; }
tensors() { fl-info "$1" | awk -F '\t' '$1 == "tensor" { print $2 }'; }
matrices() { tensors "$1" | grep -c "lora_$2"; }
zero() { raw "$1" "$2" | tr -d '\000' | cmp -s - /dev/null; }
all_zero() {   # FILE A|B: all of these tensors are
    for _t in $(tensors "$1" | grep "lora_$2"); do zero "$1" "$_t" || return 1; done
}
none_zero() {
    for _t in $(tensors "$1" | grep "lora_$2"); do ! zero "$1" "$_t" || return 1; done
}
loss() { fl-eval -q "$@" | awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } { print $c["loss"] }'; }
near() { awk "BEGIN { d = $1 - $2; exit !(d < $3 && d > -$3) }"; }
below() { awk "BEGIN { exit !($1 < $2) }"; }

printf 'preset: nano\nctx: 32\nchannels: 32\nheads: 4\nhead_dim: 8\nkv_heads: 2\nffn: 64\n' >c.yaml
awk 'BEGIN { for (i = 0; i < 250; i++) printf "the %d cats sat on %d mats. ", i % 7, i % 5 }' >a.txt
awk 'BEGIN { for (i = 0; i < 200; i++) printf "%d times %d is %d\n", i, i, i * i }' >b.txt
awk 'BEGIN { for (i = 0; i < 200; i++) printf "%d cats are %d mats\n", i, i * 3 }' >c.txt
fl-init -c c.yaml --seed 1 -o cold.flt && fl-init -c c.yaml --seed 2 -o other.flt || exit 1
for t in a b c; do fl-harmonize -q -t cold.flt -o $t.flt $t.txt; done
fl-train -q -m cold.flt --steps 60 -b 4 --lr 0.01 c.flt | fl-apply -m cold.flt -o m.flt || exit 1
go() { fl-train -q -m m.flt --steps 30 -b 4 --lr 0.01 --seed 3 "$@" a.flt; }

# ---- a new adapter ----
check "a new adapter" fl-init -m m.flt --lora 4 -o ad.flt
check "  has two matrices for each of 7 maps of 2 layers" [ "$(matrices ad.flt A) $(matrices ad.flt B)" = "14 14" ]
check "  B is zero" all_zero ad.flt B
check "  A is not" none_zero ad.flt A
check "  it counts twice the rank" [ "$(meta ad.flt lora.alpha)" = 8 ]
check "  and names its model by the numbers" [ "$(meta ad.flt base.params)" = "$(meta "$(
    fl-diff -b m.flt -o none.flt m.flt
    echo none.flt)" base.params)" ]
check "on standard output the same" sh -c 'fl-init -m m.flt --lora 4 | cmp - ad.flt'
fl-init -m m.flt --lora 4 --seed 1 -o seeded.flt
check "another seed is another" sh -c '! cmp -s ad.flt seeded.flt'
check "targets, some in one option" fl-init -m m.flt --lora 2 --lora-targets q_proj,v_proj --lora-targets 'mlp.*' -o some.flt
check "  are those" [ "$(tensors some.flt | grep -c 'layers.0') $(tensors some.flt | grep -c k_proj)" = "10 0" ]
check "rank-stabilised" fl-init -m m.flt --lora 4 --lora-alpha 6 --rslora -o rs.flt
check "  says so" [ "$(meta rs.flt lora.alpha) $(meta rs.flt lora.rslora)" = "6 1" ]
check "the untrained adapter changes nothing" [ "$(loss -m m.flt a.flt)" = "$(loss -m m.flt -a ad.flt a.flt)" ]
refused 2 "no rank" '-m MODEL and --lora RANK together' fl-init -m m.flt -o x.flt
refused 2 "no model" '-m MODEL and --lora RANK together' fl-init --lora 4 -o x.flt
refused 2 "a shape besides" 'leave -p, -c and -t out' fl-init -m m.flt --lora 4 -p nano -o x.flt
refused 2 "a map that it does not have" '"c_attn" is no map of the model; it has self_attn.q_proj, ' \
    fl-init -m m.flt --lora 4 --lora-targets q_proj,c_attn -o x.flt
refused 2 "a rank of 0" '--lora: .*0' fl-init -m m.flt --lora 0 -o x.flt
refused 1 "an adapter of an adapter" 'is of kind "adapter"; "model" is expected' fl-init -m ad.flt --lora 4 -o x.flt

# ---- trained ----
check "it is trained" go -a ad.flt --site north -o u.flt
check "  the update is of the adapter" [ "$(tensors u.flt)" = "$(tensors ad.flt)" ]
check "  by its digest" [ "$(meta u.flt base)" = "$(digest ad.flt)" ]
check "  A and B moved" none_zero u.flt A
check "    both" none_zero u.flt B
check "  it learned" below "$(meta u.flt loss.last)" "$(meta u.flt loss.first) - 0.3"
go --lora 4 --site north -o same.flt
check "--lora 4 begins with what fl-init --lora 4 writes" cmp u.flt same.flt
for j in 1 3; do
    go -a ad.flt --site north -j $j -o same.flt
    check "-j $j gives the same bytes" cmp u.flt same.flt
done
go -a ad.flt --site north --recompute -o same.flt
check "--recompute gives the same bytes" cmp u.flt same.flt
fl-train -q -m - -a ad.flt --steps 30 -b 4 --lr 0.01 --seed 3 --site north -o same.flt a.flt <m.flt
check "the model on standard input" cmp u.flt same.flt
refused 1 "a model for an adapter" 'is of kind "model"; "adapter" is expected, as fl-init --lora' go -a m.flt -o x.flt
refused 1 "an adapter for a model" 'is of kind "adapter"; "model" is expected' fl-train -m ad.flt --steps 1 -o x.flt a.flt
refused 3 "an adapter of another model" 'is an adapter of another model than other.flt' \
    fl-train -m other.flt -a ad.flt --steps 1 -o x.flt a.flt
refused 2 "a new one and a given one" 'give one of them' go -a ad.flt --lora 4 -o x.flt
refused 2 "targets without a rank" '--lora RANK is missing' go --lora-targets q_proj -o x.flt
refused 2 "a freeze without an adapter" '--lora-freeze is about an adapter' go --lora-freeze a -o x.flt
refused 2 "a freeze of B" '--lora-freeze' go --lora 4 --lora-freeze b -o x.flt

# Stopped in the middle, it goes on to the same bytes.
many() { fl-train -q -m m.flt -a ad.flt --steps 600 -b 8 --seed 3 "$@" a.flt; }
many -o whole.flt
stop_it() {   # SIGNAL: a run of that, when it is on its way
    rm -f ck.flt r.tsv
    fl-train -q -m m.flt -a ad.flt --steps 600 -b 8 --seed 3 --report-every 1 --checkpoint ck.flt \
        --checkpoint-every 0 --report r.tsv -o x.flt a.flt 2>stopped.err & pid=$!
    i=0
    while [ "$(wc -l 2>/dev/null <r.tsv || echo 0)" -lt 40 ] && [ $i -lt 1000 ]; do
        sleep 0.01
        i=$((i + 1))
    done
    kill "-$1" $pid
    wait $pid 2>/dev/null
    [ $? != 0 ] && [ ! -e x.flt ] && [ -e ck.flt ]
}
for signal in TERM KILL; do
    check "stopped by SIG$signal in the middle" stop_it $signal
    check "  and begun again" many --checkpoint ck.flt -o resumed.flt
    check "  gives the same bytes" cmp whole.flt resumed.flt
done
stop_it TERM
fl-apply -m ad.flt -o ad1.flt u.flt
status 3 "a checkpoint of another adapter is refused" fl-train -q -m m.flt -a ad1.flt --steps 600 -b 8 --seed 3 \
    --checkpoint ck.flt -o x.flt a.flt
status 3 "  and one of the model" fl-train -q -m m.flt --steps 600 -b 8 --seed 3 --checkpoint ck.flt -o x.flt a.flt

# A is held.
check "A is held" go -a ad.flt --lora-freeze a -o held.flt
check "  its update is exactly zero" all_zero held.flt A
check "  B's is not" none_zero held.flt B
check "  and it learned" below "$(meta held.flt loss.last)" "$(meta held.flt loss.first) - 0.3"

# ---- the next adapter, merged ----
check "the next adapter" fl-apply -m ad.flt -o ad1.flt u.flt
check "  is one" [ "$(fl-info ad1.flt | awk -F '\t' '$1 == "object" { print $2 }')" = adapter ]
check "  of round 1, of the same model" [ "$(meta ad1.flt round) $(meta ad1.flt base.params)" = "1 $(meta ad.flt base.params)" ]
check "  right, by another program" updates step ad1.flt ad.flt u.flt sgd 1 0
check "merged" fl-apply --merge -m m.flt -o merged.flt ad1.flt
check "  a model of the same tensors" [ "$(tensors merged.flt)" = "$(tensors m.flt)" ]
check "  of the adapter's round, from the model" [ "$(meta merged.flt round) $(meta merged.flt parent)" = "1 $(digest m.flt)" ]
fl-apply --merge -j 1 -m m.flt <ad1.flt >same.flt
check "  on one thread, from a pipe to a pipe, the same" cmp merged.flt same.flt
for t in a b; do
    check "  beside and merged: the same loss on $t" near "$(loss -m m.flt -a ad1.flt $t.flt)" "$(loss -m merged.flt $t.flt)" 2e-6
done
check "  which is lower than before" below "$(loss -m merged.flt a.flt)" "$(loss -m m.flt a.flt) - 0.3"
check "the untrained one" fl-apply --merge -m m.flt -o same.flt ad.flt
check "  merges to the same numbers" [ "$(rounds distance m.flt same.flt)" = 0.0 ]
refused 3 "merged into another model" 'is an adapter of another model than other.flt' fl-apply --merge -m other.flt -o x.flt ad1.flt
refused 1 "an update is not merged" 'is of kind "update"; "adapter" is expected' fl-apply --merge -m m.flt -o x.flt u.flt
refused 1 "nor into an adapter" 'is of kind "adapter"; "model" is expected' fl-apply --merge -m ad.flt -o x.flt ad1.flt
refused 2 "a merge takes no step" '--merge takes no step' fl-apply --merge --lr 0.5 -m m.flt -o x.flt ad1.flt
refused 3 "the update of an adapter is none of its model" 'belongs to the model' fl-apply -m m.flt -o x.flt u.flt
refused 3 "an adapter of another model is not measured" 'is an adapter of another model' fl-eval -m other.flt -a ad1.flt a.flt

# ---- plain rounds ----
site() {   # SITE args...: an update of ad.flt
    _site=$1
    shift
    fl-train -q -m m.flt -a ad.flt --steps 20 -b 4 --lr 0.01 --seed 5 --site "$_site" "$@" "$_site.flt"
}
for s in a b; do site $s -o $s.upd && site $s --lora-freeze a -o $s.held; done
check "a plain round of two sites" fl-aggregate --weights uniform -o mean.flt a.upd b.upd
check "  is right, by another program" updates mean mean.flt uniform a.upd b.upd
fl-apply -m ad.flt -o plain.flt mean.flt
for t in a b; do
    check "  the mean is better than before on $t" below "$(loss -m m.flt -a plain.flt $t.flt)" "$(loss -m m.flt $t.flt)"
done
check "momentum keeps its state of it" fl-apply -m ad.flt --optimizer momentum --state v.flt -o mom.flt mean.flt

# The mean of products is not the product of means, unless one factor is the same for all.
products() {   # SUFFIX OUT: the mean of the sites' merged models
    for s in a b; do
        fl-apply -m ad.flt $s.$1 | fl-apply --merge -m m.flt -o $s.merged && fl-diff -b m.flt --site $s -o $s.diff $s.merged || return 1
    done
    fl-aggregate --weights uniform a.diff b.diff | fl-apply -m m.flt -o "$2"
}
check "each site's merged, then averaged" products upd apart.flt
fl-apply --merge -m m.flt -o together.flt plain.flt
check "  is another model than the means merged" below 0.1 "$(rounds distance apart.flt together.flt)"
check "with A held" products held apart.flt
fl-aggregate --weights uniform a.held b.held | fl-apply -m ad.flt | fl-apply --merge -m m.flt -o together.flt
check "  it is the same, but for rounding" below "$(rounds distance apart.flt together.flt)" 1e-5

# ---- masked rounds: pairwise with A frozen by the roster, then helpers with both ----
masked() {   # "frozen" or "both": three sites over ad.flt, each checked and masked; uploads in 1/up
    mkdir "$1" && cp m.flt ad.flt ./?.flt "$1" && cd "$1" || return 1
    model=ad.flt federation a b c && plan 1 ad.flt || return 1
    for s in a b c; do
        fl-mask --check -k $s.key -p 1/plan.flt -m ad.flt >/dev/null &&
            fl-train -q -m m.flt -a ad.flt -p 1/plan.flt --steps 20 -b 4 --lr 0.01 --seed 5 --site $s -o $s.upd $s.flt &&
            mask 1 $s $s.upd || return 1
    done
}
terms='tensors: [{match: "*.lora_A.weight", protect: frozen}, {match: "*", protect: mask, bits: 32, clip: 1}]'
masked frozen >log 2>&1
report $? "a roster that freezes A: three sites train and mask"
check "  no A travels" [ "$(matrices a.upd A) $(matrices a.upd B)" = "0 14" ]
fl-train -q -m m.flt -a ad.flt --lora-freeze a --steps 20 -b 4 --lr 0.01 --seed 5 --site a -o held.flt a.flt
for t in layers.0.self_attn.q_proj.lora_B.weight layers.1.mlp.down_proj.lora_B.weight; do
    raw a.upd $t >1.raw
    raw held.flt $t >2.raw
    check "  and B's update is that of --lora-freeze a: $t" cmp 1.raw 2.raw
done
fl-train -q -m m.flt --lora 4 -p 1/plan.flt --steps 20 -b 4 --lr 0.01 --seed 5 --site a -o same.flt a.flt
check "  --lora 4 trains for the same plan" cmp a.upd same.flt
check "  the sum opens" fl-aggregate -p 1/plan.flt -o 1/mean.flt 1/up/a.flt 1/up/b.flt 1/up/c.flt
echo "1/plan.flt 1/mean.flt - - a=a.upd,b=b.upd,c=c.upd" >table
check "  to the sum of the integers, by another program" rounds exact table
check "  the next adapter" fl-apply -m ad.flt -p 1/plan.flt -o next.flt 1/mean.flt
check "    is better than none" below "$(loss -m m.flt -a next.flt b.flt)" "$(loss -m m.flt b.flt) - 0.1"
t=layers.0.mlp.up_proj.lora_A.weight
check "    with the same A" [ "$(raw ad.flt $t | cksum)" = "$(raw next.flt $t | cksum)" ]
check "  the second plan is over it" plan 2 next.flt --after 1/mean.flt
refused 3 "a plan over an adapter is none over another" 'seeded.flt: is not the model of the plan' fl-train -m m.flt -a ../seeded.flt -p 1/plan.flt --steps 1 -o x.flt a.flt
refused 3 "nor over the model" 'm.flt: is not the model of the plan' fl-train -m m.flt -p 1/plan.flt --steps 1 -o x.flt a.flt
status 3 "  which fl-mask --check says too" fl-mask --check -k a.key -p 1/plan.flt -m m.flt
fl-train -q -m m.flt -a next.flt --steps 1 -b 4 --site a -o whole.upd a.flt
refused 1 "an update with A is none for it" 'lora_A.weight", f32.4,32., that is not in an update for this plan' fl-mask -k a.key -p 2/plan.flt -o x.flt whole.upd
fl-export -f peft -o peft next.flt
check "  PEFT's folder with the same A, for the plan" fl-diff -q -b ad.flt -p 1/plan.flt --site a -o d.upd peft
check "    has no A" [ "$(matrices d.upd A) $(matrices d.upd B)" = "0 14" ]
cd "$work" || exit 1

helpers='b +aux' min_sum=3
terms='tensors: [{match: "*", protect: mask, bits: 32, clip: 1}]'
masked both >log 2>&1
report $? "helpers: three sites train A and B and mask"
fl-train -q -m m.flt -a ad.flt -p 1/plan.flt --lora-freeze a --steps 2 -b 4 --site a -o held.upd a.flt
check "  one that holds A sends zeros of it" all_zero held.upd A
check "    and not of B" none_zero held.upd B
check "  the hub asks" ask 1 a b c
check "  the helpers answer" answer 1 b aux
check "  the sum opens" open_sum 1
echo "1/plan.flt 1/mean.flt 1/sum.flt 1/answer/aux.flt,1/answer/b.flt a=a.upd,b=b.upd,c=c.upd" >table
check "  to the sum of the integers, by another program" rounds exact table
check "  the next adapter" fl-apply -m ad.flt -p 1/plan.flt -o next.flt 1/mean.flt
for h in b aux; do
    check "  helper $h follows by itself" fl-unmask -q --advance -k $h.key -p 1/plan.flt -m ad.flt -o $h.next 1
    check "    to the same adapter" cmp next.flt $h.next
done
cd "$work" || exit 1

# ---- another family; models in halves ----
printf 'layers: 2\nchannels: 32\nheads: 4\nffn: 48\nctx: 32\ntied: true\nnorm: layernorm\nact: gelu_tanh\npositions: learned\nbias: 7\n' >g.yaml
fl-init -c g.yaml --seed 3 -o g32.flt
fl-export -f hf -o g32 g32.flt
fl-import -o g.flt g32
python "$top/tests/cli/folder.py" make m.flt half dtype=BF16 && fl-import -o half.flt half || exit 1
for case in g half; do
    check "$case: an adapter of rank 3" fl-init -m $case.flt --lora 3 --rslora -o $case.ad
    check "  is trained" fl-train -q -m $case.flt -a $case.ad --steps 30 -b 4 --lr 0.01 -o $case.upd a.flt
    check "  and learned" below "$(meta $case.upd loss.last)" "$(meta $case.upd loss.first) - 0.2"
    fl-apply -m $case.ad -o $case.ad1 $case.upd
    check "  merged" fl-apply --merge -m $case.flt -o $case.merged $case.ad1
    check "    in the dtypes of the model" [ "$(fl-info $case.flt | awk -F '\t' '$1 == "tensor" { print $2, $3 }')" = \
        "$(fl-info $case.merged | awk -F '\t' '$1 == "tensor" { print $2, $3 }')" ]
    check "    with the loss that it has beside it" near "$(loss -m $case.flt -a $case.ad1 a.flt)" "$(loss -m $case.merged a.flt)" 5e-3
    check "  as PEFT has it" fl-export -f peft -o $case.peft $case.ad1
    check "    and back" sh -c "fl-import $case.peft >$case.back && fl-diff -b $case.ad1 $case.back >none.flt"
    check "      to the bit" all_zero none.flt '[AB]'
done
check "GPT-2's maps are fused ones" [ "$(tensors g.ad | sed -n 's/layers.0.\(.*\).lora_A.weight/\1/p' | tr '\n' ' ')" = \
    "self_attn.qkv_proj self_attn.o_proj mlp.up_proj mlp.down_proj " ]
check "  under its own names outside" grep -q '"base_model.model.transformer.h.1.attn.c_attn.lora_A.weight"' g.peft/adapter_model.safetensors
check "  and own words" fl-init -m g.flt --lora 3 --lora-targets c_attn,mlp.c_proj -o some.flt
check "    for these" [ "$(matrices some.flt A)" = 4 ]
fl-export -f peft -o some some.flt
check "    which PEFT is told apart from attn.c_proj" grep -q '"mlp.c_proj"' some/adapter_config.json
refused 2 "  not by another family's" '"q_proj" is no map of the model; it has attn.c_attn' fl-init -m g.flt --lora 3 --lora-targets q_proj -o x.flt

# ---- other tools ----
check "as PEFT has it" fl-export -f peft -o peft ad1.flt
check "  two files" [ "$(ls peft | tr '\n' ' ')" = "adapter_config.json adapter_model.safetensors " ]
check "  and back" fl-import -o back.flt peft
check "  the same matrices" sh -c 'fl-diff -b ad1.flt back.flt -o none.flt'
check "    to the bit" all_zero none.flt '[AB]'
check "  of the same model" [ "$(meta back.flt base.params)" = "$(meta ad1.flt base.params)" ]
check "  its loss is the same" [ "$(loss -m m.flt -a back.flt a.flt)" = "$(loss -m m.flt -a ad1.flt a.flt)" ]
fl-export -f peft -o peft2 back.flt
check "  and out again: the same bytes" diff -r peft peft2
check "it is trained on" fl-train -q -m m.flt -a back.flt --steps 2 -b 4 -o on.upd a.flt
check "  and applied" fl-apply -m back.flt -o on.flt on.upd
check "  and out: what the folder said of it is kept" sh -c 'fl-export -f peft -o peft3 on.flt && cmp peft/adapter_config.json peft3/adapter_config.json'
check "named with its model" sh -c 'fl-import -m m.flt peft | cmp - back.flt'
refused 3 "of another model" 'is an adapter of another model than other.flt' fl-import -m other.flt -o x.flt peft
refused 1 "a model is no adapter" 'is of kind "model"; "adapter" is expected' fl-export -f peft -o x.flt m.flt
refused 1 "an adapter is no model" 'is of kind "adapter"; "model" is expected' fl-export -f hf -o x.flt ad1.flt
refused 1 "an update is neither" 'is of kind "update"; "adapter" is expected' fl-export -f peft -o x.flt u.flt
check "what PEFT trained is an update" fl-diff -b ad.flt -o d.flt --site north peft
check "  of the adapter" [ "$(meta d.flt base)" = "$(digest ad.flt)" ]
check "  the same" fl-apply -m ad.flt -o again.flt d.flt
check "    but for a rounding" below "$(rounds distance ad1.flt again.flt)" 1e-6
fl-init -m m.flt --lora 4 --lora-alpha 9 -o nine.flt
refused 1 "of another alpha it is none" '"lora.alpha" differs' fl-diff -b nine.flt -o x.flt peft
fl-init -m m.flt --lora 5 --lora-alpha 8 -o five.flt
refused 1 "nor of another rank" '\[4,32\]' fl-diff -b five.flt -o x.flt peft
fl-init -m other.flt --lora 4 -o foreign.flt
refused 3 "nor of another model" 'is an adapter of another model than foreign.flt' fl-diff -b foreign.flt -o x.flt peft
refused 1 "nor of the model itself" 'm.flt' fl-diff -b m.flt -o x.flt peft
finish
