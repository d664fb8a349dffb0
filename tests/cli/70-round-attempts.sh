# shellcheck shell=sh
# Attempts on the turns of fl-round(1), made by who may write where a turn reads: the inbox of a folder, the
# hub's list, receipts, chain. Each function succeeds when the attacker has what he wanted; "attempt" runs it
# with the script and with a copy from which sed took the rule that holds it: tests/attacks/README.md.
# shellcheck disable=SC2016,SC2086  # sed's and other shells' text; words
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/turns.sh"

attempt() {   # FUNCTION WHAT RULE: sed that takes the rule out of fl-round
    fresh && ! "$1"
    report $? "$1: $2"
    cd .. && broken "$3" && fresh && "$1"
    report $? "  and without the rule it succeeds"
    round_program=fl-round && cd ..
}

mkdir set && cd set || exit 1
small_model || exit 1
federation a b c && parties a b c && turn hub || exit 1
cd ..

# ---- file names in an inbox ----
names='/^        case ${kind#ready/d; s/_said=$(\(fl-aggregate.*\) 2>&1); then/\1 2>.part\/bad; then/; s/^        else receipt.*/        else receipt "$f" bad "$(sed "s%.*$f: %%" .part\/bad)" \&\& mv -T "$f" "bad\/$p.flt"; fi/'
hub() { round hub "$@" hub.yaml >../said 2>&1; }
a_command() {
    for _n in '0.%%;s%^%touch owned;#%e;#.flt' '0.up%e touch owned;#.flt' '0.$(touch owned).flt' '0.`touch owned`.flt' '0.up;touch owned.flt'; do echo x >"srv/in/a/$_n"; done
    hub
    [ -n "$(find . -name owned)" ]
}
attempt a_command "a command in the name of a file" "$names"
a_row() { printf x >"srv/in/a/$(printf '0.up\n2026-11-27T00:00:00Z\thub\t0\tsum-failed\t0\t0\t-\tforged').flt" && hub && grep -q "^2026-11-27T00:00:00Z" work.hub/journal/*.tsv; }
attempt a_row "a row of the journal" "$names"
a_stop() { for _n in '0....flt' '0..flt' '0...flt' '0.ready..flt'; do echo x >"srv/in/a/$_n"; done; hub; hub; [ -e work.hub/fault ] || [ -n "$(ls srv/in/a)" ]; }
attempt a_stop "names that the hub stumbles over at each turn" "$names"
a_screen() { printf x >"srv/in/a/$(printf '0.up\033[2J').flt" && hub -n; grep -q "$(printf '\033')" ../said; }
attempt a_screen "an escape on the terminal of -n" 's/look at "${f%.*}"/look at "$f"/'
for n in up answer opened ready.1 ready.12; do
    fresh && echo x >srv/in/a/0.$n.flt && hub
    [ -s "srv/pub/round/0/have/a/$n" ]
    report $? "  (a file of kind $n has its receipt)"
    cd ..
done

# ---- receipts of a hub ----
told() { round site -v a.yaml >../said 2>&1; }
words() {   # the hub calls this site's upload bad
    turn a >/dev/null 2>&1
    mkdir -p srv/pub/round/0/have/a && rm -f srv/in/a/0.up.flt
    printf '%s bad %s\n' "$(b2sum -l 256 <work.a/round/0/up.flt | cut -c 1-64)" "$1" >srv/pub/round/0/have/a/up
    told
}
screen() { words "$(printf 'a\033[2Jb')" && grep -q "$(printf '\033')" ../said || { words 'a\033[2Jb' && grep -q "$(printf '\033')" ../said; }; }
attempt screen "an escape on the terminal of -v" "s/^say() .*/say() { [ -z \"\$verbose\" ] || printf '%s: %b\\\\n' \"\$name\" \"\$*\" >\&2; }/"
finish
