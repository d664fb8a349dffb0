#!/bin/sh
# Attempts on what reads other people's files: fl-account, sums by a lineage, pages, contracts, blocks
# of q8_0, trainings that hide documents. Each says what would be a success: tests/attacks/README.md.
# shellcheck source-path=SCRIPTDIR disable=SC2016
. "$(dirname "$0")/lib.sh"
python -c 'import xxhash' 2>/dev/null || {
    skip "attempts" "Python 3 has no xxhash"
    finish
}
updates() { python "$top/tests/cli/updates.py" "$@"; }
shards() { python "$top/tests/cli/shards.py" "$@"; }
forge() { python "$top/tests/attacks/forge.py" "$@"; }
one_line() { [ "$(wc -l <"$1")" = 1 ]; }
limited() {   # command...: in 20 s; functions have their own
    case $1 in
    fl-* | sh | timeout) timeout 20 "$@" ;;
    *) "$@" ;;
    esac
}
# fails NAME STATUS command...: it exits so in 20 s, with one line of errors and no x.*
fails() {
    _name=$1 _want=$2
    shift 2
    rm -rf x.*
    limited "$@" >out 2>err
    _got=$?
    _left=$(find . -maxdepth 1 \( -name 'x.*' -o -name '.x.*' \))
    [ $_got = "$_want" ] && one_line err && [ -z "$_left" ]
    _bad=$?
    [ $_bad = 0 ] || { echo "# exit $_got, left: $_left"; sed 's/^/# /' err | head -n 3; }
    report $_bad "$_name"
}
no() {   # NAME command...: the attempt, which succeeds when the attacker has what he wanted
    _name=$1
    shift
    "$@" >out 2>err && { report 1 "$_name"; return; }
    report 0 "$_name"
}
fast() { timeout 20 "$@"; }

# ================ fl-account: events, steps, ledgers ================
cell() {   # NAME EVENT
    fast fl-account --delta 1e-6 -e "$2" | awk -F '\t' -v n="$1" \
        'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR == 2 { print $at[n] }'
}
cheap() {   # EVENT...: one of them, which has next to no noise, costs less than 1000, or has no answer
    for e; do awk -v x="$(cell epsilon "$e")" 'BEGIN { exit !(x == "" || (x != "-" && x < 1000)) }' && { echo "$e"; return 0; }; done
    return 1
}
no "no_noise: a release without noise that is free" cheap 'pgauss:q=0.5,nm=1e-150' 'pgauss:q=0.5,nm=1e-17' \
    'pgauss:q=0.01,nm=1e-6' 'pgauss:q=0.9,nm=0.0099' 'gauss:nm=1e-150' 'lap:b=1e-150' 'plap:q=0.5,b=1e-100' \
    'pdgauss:q=0.5,sigma=1e-100,sens=1' 'dgauss:sigma2=1e-150,sens2=1' 'wor:n=10,m=5,nm=1e-150' 'wor:n=10,m=5,nm=1e-5'
less() { awk -v a="$(cell epsilon "$1")" -v b="$(cell epsilon "$2")" 'BEGIN { exit !(a == "" || b == "" || a + 0 < b + 0) }'; }
no "more_noise: it costs more, around the noise from which bounds are larger" less 'pgauss:q=0.5,nm=0.0099' 'pgauss:q=0.5,nm=0.0101'
is "no_delta: epsilon at delta 0 of Gaussian noise" "$(fl-account --delta 0 -e gauss:nm=1 | tail -n 1 | cut -f 13)" -
for e in '' '+' 'gauss' 'gauss:' 'gauss:nm' 'gauss:nm=' 'gauss:nm=1+' '+gauss:nm=1' 'gauss:nm=nan' 'gauss:nm=inf' \
    'gauss:nm=0x1p3' 'gauss:nm=-1' 'gauss:nm= 1' 'gauss:nm=1,nm=2' 'gauss:nm=1,q=1' 'pgauss:q=1.1,nm=1' 'pgauss:nm=1' \
    'gauss:nm=1*' 'gauss:nm=1*-1' 'gauss:nm=1*1e3' 'gauss:nm=1*1000000000001' 'gauss:nm=1*18446744073709551617' \
    'wor:n=1,m=2,nm=1' 'dgauss:sigma=1,sens=0.5' 'GAUSS:nm=1' 'gauss:nm=1e-400' 'epsdelta:eps=-1,delta=0' \
    "$(printf 'gauss:nm=1\ngauss:nm=1')" "$(printf 'g\033[2Jauss:nm=1')"; do
    fails "an_event: \"$(printf %s "$e" | tr -cd ' -~' | head -c 40)\" is accounted" 2 fl-account --delta 1e-6 -e "$e"
done
check "an_escape: of the last one, an escape on the terminal" sh -c '! grep -q "$(printf "\033")" err'
awk 'BEGIN { for (i = 0; i < 300000; i++) print "- gauss:nm=9*1000000000000" }' >many.yaml
is "a_turn: counts that turn over at 2^64" "$(fl-account --delta 1e-6 -c many.yaml | tail -n 1 | cut -f 4)" 300000000000000000
forge yaml
for f in bomb anchor deep twice_key huge nul utf16; do
    code=2
    [ $f = huge ] && code=1
    fails "steps: $f.yaml is accounted" $code fl-account --delta 1e-6 -c $f.yaml
done

forge ledger l.ledger document 'gauss:nm=1*5' document 'pgauss:q=0.01,nm=1*100' site 'lap:b=9' || exit 1
check "  (the forger's ledger is one)" fl-account --delta 1e-6 l.ledger
forge flips l.ledger >flipped && check "  (its bytes are turned)" [ "$(wc -l <flipped)" -gt 50 ]
flips() { for i in $(cat flipped); do fl-account --delta 1e-6 "$i" >out 2>err; [ $? = 3 ] && one_line err || { echo "$i" >&2; return 0; }; done; return 1; }
no "a_byte: a bit of the ledger is turned, in each of its bytes" flips
for how in dropped doubled swapped cut upper crlf zero tabs; do
    forge spoil l.ledger $how.ledger $how
    fails "lines: $how" 3 fl-account --delta 1e-6 $how.ledger
done
forge ledger s.ledger document 'gauss:nm=1*5' signed
fails "a_signer: a line signed with another key than it names" 3 fl-account --delta 1e-6 s.ledger
forge ledger t.ledger "$(printf 'do\tcu\033[2Jment')" 'gauss:nm=1'
no "a_unit: a ledger's unit adds a cell or an escape" sh -c 'fl-account --delta 1e-6 t.ledger >out 2>err && awk -F "\t" "NF != 15 { f = 1 } END { exit f }" out && ! grep -q "$(printf "\033")" out && exit 1; ! one=1; [ -s out ]'
forge ledger w.ledger document 'wor:n=10,m=1,nm=1' document 'gauss:nm=1'
fails "relations: a ledger that mixes them" 2 fl-account --delta 1e-6 w.ledger
# what is not prevented (fl-ledger(5)): the last lines dropped, and all hashed anew
forge spoil l.ledger tail.ledger tail
check "limit: the last line is dropped" fl-account --delta 1e-6 tail.ledger
fails "an_input: a ledger that is a pipe" 1 sh -c 'mkfifo p.ledger; exec fl-account --delta 1e-6 p.ledger'
fails "a_new_one: over a ledger that is there" 1 fl-account --new-ledger l.ledger

# ================ fl-aggregate --lineage ================
updates make . 3 7 || exit 1
newest=$(fl-info --digest model.flt | cut -d ' ' -f 1)
one=$(printf '11%.0s' $(seq 32)) two=$(printf '22%.0s' $(seq 32))
printf '%s\n' "$two" "$one" "$newest" >lineage
for i in 0 1 2; do
    updates edit u$i.flt o$i.flt base="b:$one" base.round= base.params=
    updates edit u$i.flt t$i.flt base="b:$two" base.round= base.params=
done
add() { fast fl-aggregate --lineage lineage -o x.flt "$@"; }
fails "old: an update that is older than --stale" 3 add --stale 1 u0.flt t1.flt
check "  with --stale 2 it is in" add --stale 2 u0.flt t1.flt
fl-aggregate --lineage lineage --partial -o old.sum u0.flt t1.flt
fails "old_in_a_sum: the same within a partial sum" 3 add --stale 1 old.sum u2.flt
says 'has an update that began 2 models ago'
check "  with --stale 2 it is in" add --stale 2 old.sum u2.flt
for v in i:64 i:-1 i:9223372036854775807 t:none f:1; do
    updates edit old.sum forged.sum sum.stale=$v
    fails "a_stale: sum.stale $v" 1 add forged.sum u2.flt
done
updates edit old.sum forged.sum sum.stale=
check "limit: a sum that does not say so" add --stale 1 forged.sum u2.flt
fails "twice: one update in a sum and alone" 3 add old.sum t1.flt
fails "twice_late: a site's other update beside a sum that has it" 3 add old.sum o0.flt
fails "twice_same: a site twice of one model" 3 add o0.flt o0.flt
printf '%s\n' "$two" "$newest" >gap
fails "no_base: a model that the lineage does not have" 3 fl-aggregate --lineage gap -o x.flt u0.flt o1.flt
fails "crowd: a site's three updates for three sites" 4 add --min-sites 3 u0.flt o0.flt t0.flt

# a site's two updates in a partial sum: as flat, also where the values are near what a term may have
updates edit u0.flt h0.flt 'layer.weight[0]=1.1e15'
updates edit h0.flt h1.flt base="b:$one" base.round= base.params=
uniform() { fast fl-aggregate --weights uniform --lineage lineage "$@"; }
uniform -o flat.flt h0.flt h1.flt
uniform --partial -o two.sum h0.flt h1.flt
check "two_of_a_site: a tree that the flat sum is not" uniform -o tree.flt two.sum
check "  to the byte" cmp flat.flt tree.flt
for v in i:0 i:-1 i:65 i:9223372036854775807 t:2; do
    updates edit two.sum forged.sum sum.updates=$v
    fails "an_updates: sum.updates $v of one site" 1 uniform -o x.flt forged.sum
done
printf '%s\n\0\n%s\n' "$one" "$newest" >nul
fails "a_zero: a zero byte that hides the newest models" 2 fl-aggregate --lineage nul -o x.flt u0.flt o1.flt
awk 'BEGIN { for (i = 0; i < 258000; i++) printf "11111111111111111111111111111111111111111111111111111111%08x\n", i }' >huge
fails "a_lineage: 16 MB of digests that differ at their ends keep it busy" 3 timeout 10 fl-aggregate --lineage huge -o x.flt u0.flt
fails "no_end: a lineage without an end" 1 fl-aggregate --lineage /dev/zero -o x.flt u0.flt
{ cat lineage; echo "$two"; echo "$one"; } >again
fails "again: a model twice" 2 fl-aggregate --lineage again -o x.flt u0.flt
says 'again: line 4 has a model'

# ================ fl-report ================
forge page
acts() { forge acts "$1"; }   # is there a tag, attribute or text that a clean page has not?
fl-report -o clean.html clean.tsv cleanj.tsv && check "  (a clean page)" sh -c '! python3 "$0" acts "$1"' "$top/tests/attacks/forge.py" clean.html
for tag in '<b onclick=x>' '<script>x</script>' '</style>' '<h1>'; do   # what would be seen
    sed "s|</main>|$tag&|" clean.html >dirty.html
    check "  (a page with $tag)" acts dirty.html
done
for f in cells header journal; do
    check "  (page of $f)" fl-report -o $f.html $f.tsv
    no "inject_$f: markup out of $f" acts $f.html
done
evil='"><script>alert(1)</script><svg onload=x>'"'"
cp clean.tsv '"><img src=x onerror=y>.tsv'
check "  (page of arguments)" fl-report --title "</title>$evil" --chart 'step,loss' -o args.html '"><img src=x onerror=y>.tsv'
no "inject_args: markup out of the title and a file's name" acts args.html
check "  (page of a chart)" fl-report --chart '<b onclick=x>,"y><i>,</svg><u>' -o chart.html chart.tsv
no "inject_chart: markup out of --chart and its series" acts chart.html
check "  (page of bytes)" fl-report --title "$(printf 'a\377\033[2J\342\200\256b')" -o bytes.html bytes.tsv
no "bytes: a page that is no UTF-8, or turns or clears what is read" sh -c '! python3 -c "
import sys; t = open(\"bytes.html\", encoding=\"utf-8\").read()
sys.exit(any(c < \" \" and c not in \"\\n\\t\" or c in \"\\u202e\\u2028\\x7f\" or \"\\x80\" <= c < \"\\xa0\" for c in t))"'
for f in tiny near large rates; do
    check "  (page of $f numbers)" fl-report -o $f.html $f.tsv
    no "numbers: a chart of $f numbers that is none" grep -E -q '[^a-z](nan|inf)' $f.html
done
for f in wide ragged zero two_names no_end; do
    fails "a_table: $f" 1 fl-report -o x.html $f.tsv
done
check "rows: a million of them are not shown in 20 s" fast fl-report -o rows.html rows.tsv
no "  and make a table of all" sh -c '[ "$(grep -c "<tr" rows.html)" -gt 1003000 ]'

# ================ contracts and site files ================
fl-init -p nano --seed 1 -o nano.flt || exit 1
printf 'contract: c\nrules: 1\n' >contract.yaml
printf 'contract: contract.yaml\ninputs: [{files: "*.txt"}]\n' >site.yaml
seq 1 300 | sed 's/.*/& a line of text/' >a.txt
run() { fast fl-harmonize -q -c site.yaml -t nano.flt -o x.flt "$@"; }
check "  (a good site)" run a.txt
for f in bomb anchor deep twice_key huge nul utf16; do
    code=2
    [ $f = huge ] && code=1
    cp contract.yaml kept.yaml && cp $f.yaml contract.yaml
    fails "contract: $f.yaml" $code run a.txt
    cp kept.yaml contract.yaml && cp site.yaml site.kept && cp $f.yaml site.yaml
    fails "site: $f.yaml" $code run a.txt
    cp site.kept site.yaml
done
printf 'contract: /etc/passwd\ninputs: [{files: "*.txt"}]\n' >site.yaml
fails "a_contract: one that is another file is told" 2 run a.txt
no "  its text" grep -q 'root:\|/bin/' err
printf 'contract: contract.yaml\ninputs: [{files: "%s*b.txt"}]\n' "$(printf '*a%.0s' $(seq 2000))" >site.yaml
long=$(printf 'a%.0s' $(seq 250)).txt && cp a.txt "$long"
fails "a_glob: one that takes for ever" 2 run "$long"
printf 'contract: contract.yaml\ninputs: [{files: "*.txt"}]\n' >site.yaml
for p in '(9+)+x' '((A*)*)*' '[' '9{1000000}' '\' '(?R)' '999999999999999999999999999999' '*' '' 'A*9999999'; do
    printf 'contract: c\nrules: 1\nidentifiers: {own: {policy: placeholder, pattern: "%s"}}\n' "$(printf %s "$p" | sed 's/\\/\\\\/g')" >contract.yaml
    printf '9%.0s' $(seq 100000) >nines.txt
    rm -f x.flt
    timeout 20 fl-harmonize -q -c site.yaml -t nano.flt -o x.flt nines.txt 2>err
    code=$?
    [ $code = 0 ] || { [ $code = 2 ] && [ ! -e x.flt ] && one_line err; }
    report $? "a_pattern: \"$p\" keeps it busy, or ends it by a signal"
done
printf 'contract: c\nrules: 1\n' >contract.yaml

# ================ q8_0 ================
forge q8 nano.flt || exit 1
for f in short long odd rank0 nan inf; do
    rm -f x.flt
    timeout 20 fl-eval -m q8-$f.flt --per-token q8.tokens >out 2>err
    code=$?
    [ $code = 1 ] && one_line err
    report $? "q8_$f: blocks that are none are computed with"
done

# ================ trainings that hide documents ================
printf 'preset: nano\nctx: 16\nchannels: 16\nheads: 2\nhead_dim: 4\nffn: 32\n' >c.yaml
fl-init -c c.yaml --seed 1 -o m.flt || exit 1
ids=$(awk 'BEGIN { for (i = 0; i < 90; i++) { for (j = 0; j < i % 30; j++) printf "%d ", 97 + (i + j) % 9; printf "256 " } }')
more=$(echo "$ids" | sed 's/256 $/66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 256 /')
# shellcheck disable=SC2086
shards ids m.flt d.flt unit=record $ids && shards ids m.flt e.flt unit=record $more || exit 1
steps=2000
fl-account --new-ledger dp.ledger || exit 1
dp() { fast fl-train -q -m m.flt --steps $steps --ledger dp.ledger --dp-clip 0.5 --dp-noise 1 --dp-rate 0.2 "$@"; }
few() { fast fl-train -q -m m.flt --steps 3 --ledger dp.ledger --dp-clip 0.5 --dp-noise 1 --dp-rate 0.2 "$@"; }
plain() {   # the hash of a ledger's line is another one each time: it holds the run's key and the time
    fl-info "$1" | awk -F '\t' '$1 == "meta" && $2 !~ /^base|^dp.entry/ { print $2, $3, $7 }' | sort
}
few --site s -o d.upd d.flt && few --site s -o e.upd e.flt || exit 1
plain d.upd >d.meta && plain e.upd >e.meta
no "data: metadata of an update that tells two texts from each other" sh -c '! cmp -s d.meta e.meta'
no "a_size: the size of its file does" sh -c '[ "$(stat -c %s d.upd)" != "$(stat -c %s e.upd)" ]'
no "a_figure: losses, tokens, seconds, times" grep -E -q 'loss|token|second|time|seen|norm' d.meta
fl-train -q -m m.flt --steps 3 --site s -o y.upd d.flt
fl-train -q -m m.flt --steps 3 --site s -o z.upd e.flt
plain y.upd >y.meta && plain z.upd >z.meta
check "  in an update that hides nothing they are" grep -q loss y.meta
check "    and tell two texts from each other" sh -c '! cmp -s y.meta z.meta'

umask 000
(
    # shellcheck disable=SC3045  # where the shell has it
    ulimit -S -c "$(ulimit -H -c)"
    exec fl-train -q -m m.flt --steps $steps --ledger dp.ledger --dp-clip 0.5 --dp-noise 1 --dp-rate 0.2 \
        --checkpoint k.flt --checkpoint-every 0 -o w.flt --report w.tsv d.flt 2>w.err
) &
pid=$!
tries=0
while [ ! -e k.flt ] && [ $tries -lt 200 ]; do sleep 0.05; tries=$((tries + 1)); done
check "a_core: a core may have the key" grep -q '^Max core file size *0 ' /proc/$pid/limits
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    no "a_reader: another one reads its memory" setpriv --reuid 65534 --clear-groups head -c 1 /proc/$pid/environ
fi
cp k.flt copied.flt
grep -a -o 'dp.key' copied.flt >found
check "  (a copy taken while it runs has the key)" [ -s found ]
tr '\0' '\n' </proc/$pid/cmdline >said.txt; tr '\0' '\n' </proc/$pid/environ >>said.txt
kill -TERM $pid
wait $pid
check "  (it was ended before its end)" [ $? != 0 ]
umask 022
no "a_mode: a key that others may read" sh -c 'find . -name "*k.flt*" -perm /077 | grep -q .'
forge key k.flt >key.hex || exit 1
forge holds key.hex k.flt >out || report 1 "  (the search finds the key in its checkpoint)"
cp k.flt r1.flt && cp k.flt r2.flt && cp k.flt r3.flt
dp -j 1 --checkpoint r1.flt -o r1.upd --report r1.tsv d.flt 2>r1.err || sed "s/^/# /" r1.err
dp -j 2 --checkpoint r2.flt --recompute -o r2.upd d.flt
check "two_ends: one key, two updates" cmp r1.upd r2.upd
no "a_leak: the key in update, report, words, command line, environment, the finished checkpoint" \
    forge holds key.hex r1.upd r1.tsv r1.err w.err said.txt r1.flt d.upd
fails "other_text: one key, another text" 3 dp --checkpoint r3.flt -o x.flt e.flt
fails "other_order: the same shards and one more" 3 dp --checkpoint r3.flt -o x.flt d.flt e.flt
fails "other_clip: one key, half the clip" 3 fl-train -q -m m.flt --steps $steps --ledger dp.ledger --dp-clip 0.25 --dp-noise 1 --dp-rate 0.2 --checkpoint r3.flt -o x.flt d.flt
fails "other_batch: other sums by the same key" 3 dp -b 3 --checkpoint r3.flt -o x.flt d.flt
fails "other_length: shorter windows" 3 dp -l 8 --checkpoint r3.flt -o x.flt d.flt
fails "more_steps: one key, more steps" 3 fl-train -q -m m.flt --steps $((steps + 1)) --ledger dp.ledger --dp-clip 0.5 --dp-noise 1 --dp-rate 0.2 --checkpoint r3.flt -o x.flt d.flt
fails "no_noise_after: the same checkpoint without noise" 3 fl-train -q -m m.flt --steps $steps --checkpoint r3.flt -o x.flt d.flt
cp d.flt kept.flt && forge flip d.flt $(($(stat -c %s d.flt) / 2))
fails "a_flip: one key, a shard that was turned in its place" 1 dp --checkpoint r3.flt -o x.flt d.flt
cp kept.flt d.flt
updates edit k.flt x.key dp.key= && mv x.key nokey.flt
fails "no_key: a checkpoint without its key goes on with a new one" 1 dp --checkpoint nokey.flt -o x.flt d.flt
updates edit k.flt short.flt dp.key=b:00
fails "short_key: or with a short one" 1 dp --checkpoint short.flt -o x.flt d.flt
: >.z.flt.part && chmod 666 .z.flt.part && ln .z.flt.part other
check "  (a training with a checkpoint)" few --checkpoint z.flt -o z.upd d.flt
no "a_part: a part that lay there, under a second name" sh -c '[ -s other ]'
echo mine >aim && ln -s aim y.flt
fails "a_link: a checkpoint's name is a link to another file" 1 few --checkpoint y.flt -o x.flt d.flt
check "  which stays as it is" [ "$(cat aim)" = mine ]
ln -s nowhere v.flt
check "  (to one that is not there)" few --checkpoint v.flt -o z.upd d.flt
is "  which nobody else may read" "$(stat -L -c %a v.flt)" 600

# ================ empty, cut, turned, full, closed ================
mkdir hf && fl-export -q -f hf -o hf/model nano.flt || exit 1
gzip -c a.txt >g.txt.gz
cp l.ledger good.ledger
export_dir=hf/model
weights=$export_dir/model.safetensors
try_input() {   # NAME FILE STATUS command...: FILE empty, cut, one bit turned, as TRIES says
    _who=$1 _file=$2 _code=$3
    shift 3
    cp "$_file" whole
    for how in $tries; do
        case $how in
        empty) : >"$_file" ;;
        cut) head -c $(($(stat -c %s whole) - 7)) whole >"$_file" ;;
        turned) cp whole "$_file" && forge flip "$_file" $(($(stat -c %s whole) / 3)) ;;
        esac
        rm -rf x.*
        limited "$@" >out 2>err
        _got=$?
        [ $_got = "$_code" ] && one_line err && [ -z "$(find . -maxdepth 1 \( -name 'x.*' -o -name '.x.*' \))" ]
        _bad=$?
        [ $_bad = 0 ] || { echo "# exit $_got"; ls -d x.* 2>/dev/null; sed 's/^/# /' err | head -n 3; }
        report $_bad "$_who: $how $_file"
    done
    cp whole "$_file"
}
tries="empty cut turned"
try_input fl-account good.ledger 3 fl-account --delta 1e-6 good.ledger
cp clean.tsv in.tsv
for how in empty cut; do
    if [ $how = empty ]; then : >in.tsv; else head -c 3 clean.tsv >in.tsv; fi
    fails "fl-report: $how in.tsv" 1 fl-report -o x.html in.tsv
done
try_input fl-aggregate u1.flt 1 fl-aggregate --lineage lineage -o x.flt u0.flt u1.flt
tries="cut turned"
try_input fl-harmonize g.txt.gz 1 fl-harmonize -q -c site.yaml -t nano.flt -o x.flt a.txt g.txt.gz
tries="empty cut turned"
try_input fl-train d.flt 1 few -o x.flt d.flt
check "  (a good folder)" fl-import -q --dtype q8_0 -o imported.flt $export_dir
cp $weights whole.s
for how in empty cut; do
    if [ $how = empty ]; then : >$weights; else head -c 5000 whole.s >$weights; fi
    fails "fl-import: $how" 1 fl-import --dtype q8_0 -o x.flt $export_dir
done
cp whole.s $weights
full() {
    fails "$1: a full disk" 1 "$@"
    check "  and nothing on it" [ -z "$(ls -A small 2>/dev/null)" ]
}
if small_disk 8; then
    full fl-report -o small/x.html clean.tsv cells.tsv journal.tsv
    full fl-aggregate --lineage lineage -o small/x.flt u0.flt u1.flt
    full fl-harmonize -q -c site.yaml -t nano.flt -o small/x.flt a.txt
    full few -o small/x.flt d.flt
    full few --checkpoint small/k.flt -o x.flt d.flt
    full fl-import --dtype q8_0 -o small/x.flt $export_dir
    head -c 8192 /dev/zero >small/fill
    fails "fl-account: a full disk" 1 fl-account --new-ledger small/x.ledger
    check "  and nothing on it" [ "$(ls -A small)" = fill ]
    umount small
else
    skip "full disks" "this needs root"
fi
to_full() { "$@" >/dev/full; }
closed() {   # NAME command...: standard output is closed by its reader, and is full
    { sleep 0.2; "$@" 2>err; echo $? >code; } | true
    [ "$(cat code)" = 141 ] && [ ! -s err ] || { echo "# exit $(cat code)"; false; }
    report $? "$1: a closed pipe ends it quietly"
    fails "$1: standard output is full" 1 to_full "$@"
}
closed fl-account --delta 1e-6 -e gauss:nm=1
closed fl-report clean.tsv cells.tsv
closed fl-aggregate --lineage lineage u0.flt u1.flt
closed fl-harmonize -q -c site.yaml -t nano.flt a.txt
closed few d.flt
closed fl-import --dtype q8_0 $export_dir

# ================ help, man page, completions: the same options ================
for p in account report aggregate harmonize train import; do
    fl-$p --help | grep -o -e '--[a-z][a-z-]*' | sort -u >help
    grep -o -e 'Fl -[a-z][a-z-]*' -e ', -[a-z][a-z-]*' "$top/man/fl-$p.1" | sed 's/.* -/--/' | sort -u >page
    no "options of fl-$p: help that the page has not" sh -c "comm -23 help page | grep ."
    for shell in bash zsh fish; do
        file=$top/completions/fl-$p.$shell
        [ $shell = zsh ] && file=$top/completions/_fl-$p
        fl-$p --completion $shell >now
        check "  completion of $shell" cmp now "$file"
    done
done
finish
