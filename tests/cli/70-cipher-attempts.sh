# shellcheck shell=sh
# Attempts on uploads of two objects, the ciphertexts and what signed for them: swapped, doubled, cut, of
# others, with residues that are none. A file that the hub takes must be one that every helper can read,
# and that --verify finds nothing wrong with: else a site stops a round by it.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"

rounds model model.flt 1 embed:60x9 norm:50 || exit 1
sites='a b c d'
# shellcheck disable=SC2034 # read by roster
helpers='b +aux' min_sum=3
# shellcheck disable=SC2086
keys hub $sites aux || exit 1
# shellcheck disable=SC2086
{
    echo 'tensors: [{match: norm, protect: mask, bits: 21, clip: 0.04}, {match: "*", protect: he, bits: 16, clip: 0.04}]' | roster 1 $sites
    echo 'he:'
    for h in b aux; do echo "  - $(fl-keygen --he demo -k $h.key)"; done
} >roster.yaml

# ---- lines of a roster ----
refused() {   # WHAT SED STATUS: a roster that it makes of the good one
    sed "$2" roster.yaml >bent.yaml
    cmp -s roster.yaml bent.yaml && echo "# $1: nothing is bent"
    status "$3" "$1" fl-keygen --show bent.yaml
}
line() { sed -n "s/^  - \(fl1-he demo $1 .*\)/\1/p" roster.yaml; }
swap() { _x=${1%?}; case $1 in *0) echo "${_x}1" ;; *) echo "${_x}0" ;; esac; }   # another last digit
refused "a line whose signature is another" "s/$(line b)/$(swap "$(line b)")/" 3
refused "a line without a signature" "s/\(fl1-he demo b .*\) [0-9a-f]*$/\1/" 2
root=$(line aux | cut -d ' ' -f 6)
refused "a line with another's root" "s/\(fl1-he demo b [0-9]* [0-9a-f]*\) [0-9a-f]* /\1 $root /" 3
refused "a line twice" "s/$(line b)/$(line aux)/" 3
refused "a line of another epoch" "s/fl1-he demo b 1 /fl1-he demo b 2 /" 3
refused "of another federation" "s/fl1-he demo b /fl1-he demo2 b /" 3
refused "of another helper" "s/fl1-he demo b /fl1-he demo c /" 3
refused "a blank more in a line" "s/fl1-he demo b /fl1-he demo  b /" 2
check "all accept the good one" accept roster.yaml hub a b c d aux

# ---- uploads ----
for h in b aux; do fl-keygen --he-key 0..1 -k $h.key -o $h.hekey || exit 1; done
plan 0 model.flt --he-keys b.hekey --he-keys aux.hekey || exit 1
rounds train model.flt 1 0.01 a=a.upd b=b.upd c=c.upd d=d.upd || exit 1
for s in $sites; do mask 0 $s $s.upd || exit 1; done
parts() { python -c '
import sys
data = open(sys.argv[1], "rb").read()
at = data.index(data[:8], 8)
open(sys.argv[2] + ".c", "wb").write(data[:at])
open(sys.argv[2] + ".u", "wb").write(data[at:])' "0/up/$1.flt" "$1"; }
for s in $sites; do parts $s || exit 1; done
take() { fl-aggregate -q --check -p 0/plan.flt --as d/up x.flt; }
cat d.c d.u >x.flt && check "  (the good one, put together again)" take
never() {   # STATUS WHAT PART...: the hub does not take it
    _want=$1 _what=$2
    shift 2
    cat "$@" >x.flt
    status "$_want" "$_what" take
}
never 1 "other ciphertexts before its own" c.c d.c d.u
never 1 "its own twice" d.c d.c d.u
never 1 "other ciphertexts after it" d.c d.u c.c
never 1 "its own after it" d.c d.u d.c
never 3 "another's ciphertexts" c.c d.u
never 3 "none" d.u
never 3 "no upload" d.c
never 1 "turned round" d.u d.c
never 1 "two uploads" d.c d.u d.u
never 3 "another's upload" c.c c.u
never 1 "nothing" /dev/null
head -c 5000 d.c >x.cut && never 1 "cut ciphertexts" x.cut
never 1 "cut ciphertexts, then all" x.cut d.c d.u
head -c $(($(wc -c <d.u) - 9)) d.u >x.cut && never 1 "a cut upload" d.c x.cut
flip() { python -c '
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[int(sys.argv[2])] ^= 1
open("x.flt", "wb").write(data)' "$1" "$2"; }
bits() {   # a bit of the file in 40 places: taken?
    _size=$(wc -c <0/up/d.flt) _n=0
    while [ $_n -lt 40 ]; do
        flip 0/up/d.flt $(($_size * _n / 40 + _n))
        take 2>err && { echo "# place $_n"; return 0; }
        _n=$((_n + 1))
    done
    return 1
}
bits
report $((! $?)) "a bit turned in 40 places"

# ---- what a helper is given ----
ask 0 a b c d || exit 1
help_with() { fl-unmask -q -k aux.key -p 0/plan.flt -o x.answer 0/request.flt "$@"; }
cat c.c d.c d.u >other.flt
status 3 "ciphertexts that the request does not show, for d's" help_with 0/up/a.flt 0/up/b.flt other.flt 0/up/c.flt
says '"c", which are there already'
status 3 "those of c twice" help_with 0/up/a.flt 0/up/b.flt 0/up/c.flt 0/up/c.flt
status 4 "those of d missing" help_with 0/up/a.flt 0/up/b.flt 0/up/c.flt
status 1 "a part alone" help_with 0/up/a.flt 0/up/b.flt 0/up/c.flt x.cut
status 1 "nothing" help_with 0/up/a.flt 0/up/b.flt 0/up/c.flt /dev/null
for n in 100 20000 200000; do
    flip 0/up/d.flt $n
    status 1 "a bit turned at $n" help_with 0/up/a.flt 0/up/b.flt 0/up/c.flt x.flt
done
check "none of these made an answer" [ ! -e x.answer ]
check "  nor was one recorded" [ "$(fl-unmask --show -k aux.key | sed -n 's/^answers	//p')" = 0 ]
finish
