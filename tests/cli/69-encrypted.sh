#!/bin/sh
# Rounds with encrypted tensors by the programs: lines and keys of helpers, what people are told, a whole
# round that opens to what masks give, what is refused on the way.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"

offer() { fl-keygen --he demo -k "$1.key"; }
key_of() { fl-keygen --he-key "$2" -k "$1.key" -o "$1.$2.hekey"; }
unmask() {   # ROUND HELPER file...: with these uploads
    _round=$1 _helper=$2
    shift 2
    fl-unmask -q -k "$_helper.key" -p "$_round/plan.flt" -o "$_round/answer/$_helper.flt" "$_round/request.flt" "$@"
}
advance() { fl-unmask -q --advance -k "$2.key" -p "$1/plan.flt" -m "$3" -o "$4" "$1"; }

rounds model model.flt 1 embed:60x9 norm:50 large:150001 || exit 1
sites='a b c d e'
# shellcheck disable=SC2034 # read by roster
helpers='b +aux' min_sum=4
rules='tensors: [{match: norm, protect: plain, bits: 16, clip: 0.04}, {match: large, protect: he, bits: 16, clip: 0.04}, {match: "*", protect: mask, bits: 21, clip: 0.04}]'
# shellcheck disable=SC2086
keys hub $sites aux || exit 1

# ---- lines ----
offer b >b.line || exit 1
check "a helper prints a line, again the same" [ "$(offer b)" = "$(cat b.line)" ]
status 2 "  a federation's name is a name" fl-keygen --he 'a b' -k b.key
offer aux >aux.line || exit 1
lines() { echo "he:"; for h in "$@"; do echo "  - $(cat "$h.line")"; done; }
# shellcheck disable=SC2086
{ echo "$rules" | roster 1 $sites; lines b aux; } >roster.yaml
# shellcheck disable=SC2086
echo "$rules" | roster 1 $sites >without.yaml
status 2 "a roster without the lines" fl-keygen --show without.yaml
says 'protect he needs he: \[LINE, ...\], what fl-keygen --he demo prints at each helper'
fl-keygen --show roster.yaml >show || exit 1
for row in 'he_holds	against a hub that does anything: up to 2 sites, if they sent what fl-mask made, and 1 of the 2 helpers may' \
    'he_does_not_hold	against one site that sends what fl-mask did not make: by that whoever reads uploads' \
    'collude	.*with all helpers but one and 2 sites it cannot, but for encrypted values as he_does_not_hold says$' \
    'not_default	he_does_not_hold: against one site'; do
    check "--show says: $row" grep -q "^$row" show
done
# shellcheck disable=SC2086
check "all accept it" accept roster.yaml hub $sites aux
check "  and were told its weakness" grep -q '^he_does_not_hold' shown

# ---- keys of a round ----
check "keys of rounds" key_of b 0..1
key_of aux 0..1 && key_of aux 0 || exit 1
status 2 "  rounds are numbers" key_of b 1..0
says '"1..0" are no rounds like 5 or 5..12'
status 3 "  of a site that helps nobody" key_of a 0
says '"a" helps with no encrypted tensor'
status 3 "  beyond the epoch" key_of b 1024
status 4 "a plan without the keys waits" plan 0 model.flt --he-keys b.0..1.hekey
says 'the key of helper "aux" for round 0 is missing'
status 2 "  the same twice" plan 0 model.flt --he-keys b.0..1.hekey --he-keys b.0..1.hekey
status 3 "  of another round" plan 1 model.flt --he-keys b.0..1.hekey --he-keys aux.0.hekey
says 'has no key of round 1'
check "a plan" plan 0 model.flt --he-keys aux.0..1.hekey --he-keys b.0..1.hekey

# ---- a round ----
rounds train model.flt 1 0.01 a=a.upd b=b.upd c=c.upd d=d.upd e=e.upd || exit 1
for s in a b c d; do mask 0 $s $s.upd || exit 1; done
fl-plan -r roster.yaml -k hub.key --round 0 -m model.flt --he-keys b.0..1.hekey --he-keys aux.0.hekey --explain -o p.flt >told || exit 1
told() { sed -n "s/^$1	//p" told; }
size=$(wc -c <0/up/a.flt)
check "the size is as --explain says, but for the rest of a name" \
    [ "$size" -le "$(told upload_bytes)" -a "$(told upload_bytes)" -le $((size + 1000)) ]
one=$((27136 * 8))   # an element of the ring; 150001 values take three ciphertexts of two
is "  it tells the classes" "$(told classes)" plain,mask,he
is "    their values" "$(told class_values)" 50,540,150001
is "    their part of an upload" "$(told class_up_bytes)" "104,1440,$((6 * one))"
is "    of the mean" "$(told class_down_bytes)" 200,2160,600004
is "    of an answer" "$(told class_answer_bytes)" "0,1440,$((3 * one))"
is "    and what a helper reads of an upload" "$(told class_reading_bytes)" "0,0,$((3 * one))"
check "    seconds, of which encryption takes the most" \
    sh -c 'echo "$1" | awk -F , "NF == 3 && \$1 > 0 && \$2 > \$1 && \$3 > \$2 {good = 1} END {exit !good}"' - "$(told class_make_seconds)"
check "    who reads the hub's disk" grep -q '^class_seen.*each site.s values when one site cheats' told
fl-plan -r roster.yaml -k hub.key --round 0 -m model.flt --he-keys b.0..1.hekey --he-keys aux.0.hekey --explain --tensors -o p.flt >told || exit 1
is "    and of each tensor the same" "$(sed 1d told | tr '\t\n' ' ,')" \
    "embed mask 540 1440 2160 1440 0,norm plain 50 104 200 0 0,large he 150001 $((6 * one)) 600004 $((3 * one)) $((3 * one)),"
status 2 "    --tensors is for --explain" fl-plan -r roster.yaml -k hub.key --round 0 -m model.flt --tensors
fl-keygen --show roster.yaml -m model.flt --tensors >show || exit 1
for row in 'class	plain: 50 values, 104 bytes of an upload, 200 of the mean, 0 of a helper.s answer, who reads 0 of each upload' \
    'class	mask: 540 values, 1440 bytes of an upload, 2160 of the mean, 1440 of a helper.s answer, who reads 0 of each upload' \
    'class_seen	mask: who reads the hub.s disk sees the sum that is opened; one site.s values with all helpers, but not with all but one and 2 sites' \
    "class	he: 150001 values, $((6 * one)) bytes of an upload, 600004 of the mean, $((3 * one)) of a helper.s answer, who reads $((3 * one)) of each upload" \
    'class_seen	he: who reads the hub.s disk sees the sum that is opened; one site.s values with all helpers, or when one site cheats' \
    "tensor	large: he, 150001 values, $((6 * one)) bytes of an upload, 600004 of the mean, $((3 * one)) of a helper.s answer, who reads $((3 * one)) of each upload"; do
    check "who decides on the roster reads it: ${row%%:*}" grep -q "^$row$" show
done
status 2 "  --tensors needs the model" fl-keygen --show roster.yaml --tensors
says '.-tensors needs -m MODEL'
rounds model other.flt 2 embed:60x9 norm:50 large:150001 || exit 1
status 3 "  and it is the roster's" fl-keygen --show roster.yaml -m other.flt
status 4 "--check: whole files, each one row" fl-aggregate --check -p 0/plan.flt 0/up/a.flt 0/up/b.flt 0/up/c.flt 0/up/d.flt
says '1 missing: e;'
check "the hub asks" ask 0 a b c d
check "a helper is ready" fl-unmask --ready -k b.key -p 0/plan.flt -o ready.flt 0/request.flt
status 4 "it does not answer without the uploads" unmask 0 b
says 'the ciphertexts of "a" are missing; name the uploads that the request shows'
status 1 "  nor for the hub's sum" unmask 0 b 0/sum.flt
status 4 "  nor for a part of them" unmask 0 b 0/up/a.flt 0/up/b.flt 0/up/c.flt
check "  nothing was recorded" [ "$(fl-unmask --show -k b.key | sed -n 's/^answers	//p')" = 0 ]
check "it answers" unmask 0 b 0/up/a.flt 0/up/b.flt 0/up/c.flt 0/up/d.flt
cp 0/answer/b.flt first.flt
check "  again, without them" unmask 0 b
check "    the same bytes" cmp first.flt 0/answer/b.flt
cp 0/request.flt kept.flt && mask 0 e e.upd
check "  the hub asks for others" fl-aggregate -q -k hub.key -p 0/plan.flt --request 0/request.flt -o all.flt 0/up/a.flt 0/up/b.flt 0/up/c.flt 0/up/d.flt 0/up/e.flt
status 3 "    which is refused" unmask 0 b 0/up/a.flt 0/up/b.flt 0/up/c.flt 0/up/d.flt 0/up/e.flt
mv kept.flt 0/request.flt
status 4 "one share is missing: the sum does not open" open_sum 0
check "the other helper" unmask 0 aux 0/up/d.flt 0/up/c.flt 0/up/b.flt 0/up/a.flt
check "the sum opens" open_sum 0
echo "0/plan.flt 0/mean.flt - - a=a.upd,b=b.upd,c=c.upd,d=d.upd" >table
check "  to what a second implementation computes from the updates" rounds exact table
check "anybody verifies it" fl-aggregate -q --verify -r roster.yaml 0
fl-apply -q -m model.flt -p 0/plan.flt -o next.flt 0/mean.flt
check "a helper follows" advance 0 b model.flt b.flt
check "  to the same model" cmp next.flt b.flt
status 3 "a key of a round that is over is not shown again" key_of b 0
says 'round 0 is over for this helper: its keys were wiped'

finish
