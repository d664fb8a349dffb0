#!/bin/sh
# fl-account: both accountants side by side, solving on the safe side, what it refuses.
# shellcheck source-path=SCRIPTDIR disable=SC2016
. "$(dirname "$0")/lib.sh"
cell() {   # NAME args...: that cell of the one row
    _name=$1
    shift
    fl-account "$@" | awk -F '\t' -v name="$_name" \
        'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i } NR == 2 { print $at }'
}
cell_is() {   # NAME VALUE args...
    _want=$2 _of=$1
    shift 2
    _is=$(cell "$_of" "$@")
    [ "$_is" = "$_want" ] || { echo "$_of is $_is, not $_want" >&2; return 1; }
}
near() {   # NAME VALUE args...: to 1e-9
    _want=$2 _of=$1
    shift 2
    cell "$_of" "$@" | awk -v want="$_want" '{ d = $1 - want; exit !(d < 1e-9 && d > -1e-9) }'
}
at_most() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a + 0 <= b + 0) }'; }

check "a thousand steps, by Renyi divergence" near rdp_epsilon 2.10136527165 --delta 1e-5 -e 'pgauss:q=0.01,nm=1*1000'
check "  at the order" cell_is rdp_order 7.8 --delta 1e-5 -e 'pgauss:q=0.01,nm=1*1000'
eps=$(cell pld_epsilon --delta 1e-5 -e 'pgauss:q=0.01,nm=1*1000')
check "  by loss, another accountant's brackets" at_most 1.818107636 "$eps"
check "  above too" at_most "$eps" 1.83
check "  and what decides" cell_is accountant pld --delta 1e-5 -e 'pgauss:q=0.01,nm=1*1000'
for pair in relation=add-remove sampling=poisson releases=1000 delta=1e-05 pld_grid=0.0001 pld_is=bound unit=unit \
    'rdp_orders=1.1-10.9/0.1,11-63,128,256,512,1024' 'events=pgauss:q=0.01,nm=1*1000'; do
    check "it always says ${pair%%=*}" cell_is "${pair%%=*}" "${pair#*=}" --delta 1e-5 -e 'pgauss:q=0.01,nm=1*1000'
done
check "the orders of discrete noise" cell_is rdp_orders 2-128,256 --delta 1e-5 -e 'pdgauss:q=0.01,sigma=1e6,sens=1e6*1000'
check "  whose loss is an estimate" cell_is pld_is continuous --delta 1e-5 -e 'pdgauss:q=0.01,sigma=1e6,sens=1e6*1000'
check "  and decides nothing" cell_is accountant rdp --delta 1e-5 -e 'pdgauss:q=0.01,sigma=1e6,sens=1e6*1000'
check "vectors of discrete noise have no loss distribution" cell_is pld_epsilon - --delta 1e-5 -e 'dgauss:sigma2=9,sens2=4*2'
check "sampled Laplace noise no divergence" cell_is rdp_epsilon - --delta 1e-5 -e 'plap:q=0.1,b=1*10'
check "drawn without replacement: another relation" cell_is relation replace-one --delta 1e-5 -e 'wor:n=1000,m=10,nm=2*10'
check "pure noise costs at most its sum" cell_is rdp_epsilon 1 --delta 1e-5 -e lap:b=1
check "  which is of no order" cell_is rdp_order - --delta 1e-5 -e lap:b=1
check "no steps cost nothing" cell_is epsilon 0 --delta 1e-5 -e 'gauss:nm=1*0'

printf 'unit: document\nsteps:\n  - pgauss:q=0.01,nm=1*500\n  - pgauss:q=0.02,nm=1.5*500\n' > steps.yaml
check "steps of a file" near rdp_epsilon 2.14766834161 --delta 1e-5 -c steps.yaml
check "  name the unit" cell_is unit document --delta 1e-5 -c steps.yaml
check "the list alone" sh -c 'printf -- "- gauss:nm=2\n" | fl-account --delta 1e-5 -c -'
check "a file and an event are added" cell_is releases 1002 --delta 1e-5 -c steps.yaml -e 'gauss:nm=9*2'
fl-account --json --delta 1e-5 -c steps.yaml > out.json
check "the same as JSON" python -c 'import json
row = json.load(open("out.json"))
assert abs(row["rdp_epsilon"] - 2.14766834161) < 1e-9 and row["rdp_order"] == 8 and row["unit"] == "document"
assert row["events"] == "pgauss:q=0.01,nm=1*500+pgauss:q=0.02,nm=1.5*500"'

for solve in noise steps rate; do
    for by in rdp pld; do
        found=$(cell events --delta 1e-6 --target 2 --solve $solve --accountant $by -e 'pgauss:q=0.02,nm=1*700')
        check "--solve $solve by $by: $found" at_most "$(cell ${by}_epsilon --delta 1e-6 -e "$found")" 2
    done
done
status 1 "a target that was passed already" fl-account --delta 1e-6 --target 2 --solve noise -e 'gauss:nm=1*9' -e gauss:nm=1
says 'cannot be kept'
status 2 "no delta" fl-account -e gauss:nm=1
says 'delta X is missing'
status 2 "nothing to account for" fl-account --delta 1e-5
says 'give -c STEPS.yaml, -e EVENT or a LEDGER'
status 2 "a target alone" fl-account --delta 1e-5 -e gauss:nm=1 --target 1
says 'go together'
status 2 "an unknown mechanism" fl-account --delta 1e-5 -e gaus:nm=1
says 'did you mean "gauss"'
status 2 "relations that differ" fl-account --delta 1e-5 -e gauss:nm=1 -e wor:n=10,m=1,nm=1
says 'account for each kind alone'
printf 'steps:\n  - gauss:nm=1\n  - lap:b=0\n' > bad.yaml
status 2 "a wrong step" fl-account --delta 1e-5 -c bad.yaml
says 'bad.yaml: line 3: '
printf 'step: [gauss:nm=1]\n' > bad.yaml
status 2 "a wrong key" fl-account --delta 1e-5 -c bad.yaml
says 'did you mean "steps"'

# ---- the ledger ----
check "a new ledger" fl-account --new-ledger notes.ledger
check "  which only its owner reads" sh -c '[ "$(stat -c %a notes.ledger)" = 600 ]'
check "  costs nothing" cell_is epsilon 0 --delta 1e-6 notes.ledger
check "  and what is planned" near rdp_epsilon 2.41910248869 --delta 1e-6 -e gauss:nm=2*1 notes.ledger
cp notes.ledger kept.ledger
status 1 "none over another one" fl-account --new-ledger notes.ledger
check "  which stays" cmp notes.ledger kept.ledger
status 3 "one that is not there" fl-account --delta 1e-6 no.ledger
says 'fl-account --new-ledger no.ledger'
cat > two.py <<'END'
import hashlib, os
def H(*parts):
    return hashlib.blake2b(b"".join(parts), digest_size=32, person=b"fl1.ledger").digest()
ledger = head = os.urandom(32)
print("fl-ledger-v1", ledger.hex())
for n, (unit, event) in enumerate([("site", "gauss:nm=5"), ("document", "gauss:nm=3*2"), ("site", "gauss:nm=5")], 1):
    line = f"{n} round {n:02x} 11 {unit} {event} 2026-11-27T12:00:00Z - -".encode()
    head = H(ledger, head, len(line).to_bytes(8, "little"), line)
    print(line.decode(), head.hex())
END
python two.py > two.ledger
spent() { fl-account --delta 1e-6 "$@" two.ledger | tail -n +2 | cut -f 1,4,15 | tr '\t\n' ' ;'; }
is() { _want=$1 && shift && _is=$("$@") && [ "$_is" = "$_want" ] || { echo "$_is" >&2; return 1; }; }
check "a row a unit" is 'site 2 gauss:nm=5*2;document 2 gauss:nm=3*2;' spent
check "  to each of which what is planned is added" is \
    'site 5 gauss:nm=5*2+gauss:nm=9*3;document 5 gauss:nm=3*2+gauss:nm=9*3;' spent -e 'gauss:nm=9*3'
printf -- '- gauss:nm=9*3\n' > planned.yaml
from_standard_input() { spent -c - < planned.yaml; }
check "  from standard input too, which is read once" is \
    'site 5 gauss:nm=5*2+gauss:nm=9*3;document 5 gauss:nm=3*2+gauss:nm=9*3;' from_standard_input
printf 'x' >> notes.ledger
status 3 "a line that is cut off" fl-account --delta 1e-6 notes.ledger
says 'line 1 is cut off'
status 3 "a file that is none" fl-account --delta 1e-6 steps.yaml
says 'is no ledger'
status 2 "a new ledger and more" fl-account --new-ledger x.ledger --delta 1e-6
[ ! -e x.ledger ]
check "  makes none" [ ! -e x.ledger ]
finish
