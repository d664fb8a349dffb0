# shellcheck shell=sh
# Attacks on fl-gate by the holder of another party's key (north's), and by whoever prepared the folder that
# it runs in. Each is a function that succeeds when the attacker got what he wanted; "attempt" runs it with
# the gate, which must hold, and with a copy that lacks the rule which holds it, where it must succeed: an
# attack that gets nothing proves nothing. Rules are taken out by sed; one that moved changes nothing, and
# the attempt says so. Sourced by tests/cli/65-round-gate-attacks.sh and -ssh.sh; README.md lists them all.
tree() {   # a hub's folder of three rounds: 7 is open, 8 given up, 9 closed
    rm -rf srv home bin owned && mkdir -p srv/in/north srv/in/south srv/pub/model srv/pub/roster srv/work home bin
    for _r in 7 8 9; do
        mkdir -p srv/pub/round/$_r/up srv/pub/round/$_r/have/south srv/pub/round/$_r/have/north
        echo "plan $_r" >srv/pub/round/$_r/plan.flt
        printf 'up 1000\nanswer 1000\nready 100\nopened 100\n' >srv/pub/round/$_r/limit
        echo secret >srv/pub/round/$_r/up/south.flt
        echo 'd2 taken secret' >srv/pub/round/$_r/have/south/up
    done
    touch srv/pub/round/8/void srv/pub/round/9/closed srv/pub/round/9/mean.flt
    for _f in srv/secret.yaml srv/pub/secret.flt srv/pub/secret srv/work/hub.key srv/in/south/7.up.flt home/key; do echo secret >$_f; done
}
ask() { SSH_ORIGINAL_COMMAND=$1 timeout 2 "$gate" "${2:-north}" "$PWD/srv" 2>said; }   # REQUEST [PARTY]
told() { ask "$1" </dev/null | grep -q "${2-secret}"; }   # REQUEST [WORD]
any() { _a=$1 && shift && for _w; do "$_a" "$_w" && echo "# $_a: $_w" && return; done; return 1; }
holds() { find srv/in/north -type f ! -name '.slot*' | grep -q .; }   # the inbox got a file
filled() { find srv/in/north -type f -size +1000c | grep -q .; }   # one above what the round allows
changed() { [ "$(cat home/key)" != secret ]; }   # a file of the account
await() { for _i in $(seq 60); do eval "$1" && return; sleep 0.05; done; return 1; }
stop_them() { kill $them 2>/dev/null; wait $them 2>/dev/null; them=''; }
closes() { exec 7>&-; }   # what "hold", a pipe, is written by
copy() { sed "$2" "$top/cmd/fl-gate" >"$1" && chmod +x "$1" && ! cmp -s "$1" "$top/cmd/fl-gate"; }   # FILE SED
attempt() {   # FUNCTION WHAT SED...: each of which takes out what holds it
    _attack=$1 _what=$2 gate=$top/cmd/fl-gate
    shift 2
    tree && ! "$_attack" && await_none
    report $? "$_what"
    for _rule; do
        gate=$work/gate.off
        copy "$gate" "$_rule" && tree && "$_attack" >/dev/null
        report $? "  it succeeds without the rule"
    done
    stop_them
}
await_none() { stop_them && await '! pgrep -f "fl-gate [a-z]* $PWD/srv" >/dev/null'; }   # nor is a process left
them=''
head -c 400000 /dev/zero >zeros
