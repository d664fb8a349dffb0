# shellcheck shell=sh
# Four network namespaces with an sshd each: a federation set up from the lines of fl-round(1) and fl-gate(1),
# from its keys to the third round. The hub's account is in a passwd of its namespace alone.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/turns.sh"

sshd=$(command -v sshd || echo /usr/sbin/sshd)
id=p$$ account=47113 people="north south coast"
end_all() {
    for _s in hub $people; do
        [ ! -s "$work/$_s.pid" ] || kill "$(cat "$work/$_s.pid")" 2>/dev/null
        ip netns del "fl$id$_s" 2>/dev/null
        rm -rf "/etc/netns/fl$id$_s"
    done
    ip link del "flbr$id" 2>/dev/null
    rm -rf "$work"
}
if [ ! -x "$sshd" ] || ! ip netns add "fl${id}hub" 2>/dev/null; then
    skip "a federation by ssh from the pages" "no sshd, or no network namespaces"
    finish
fi
trap end_all EXIT
ip link add "flbr$id" type bridge && ip link set "flbr$id" up
n=0
for s in hub $people; do
    n=$((n + 1))
    [ $s = hub ] || ip netns add "fl$id$s"
    ip link add "flv$id$n" type veth peer name eth0 netns "fl$id$s"
    ip link set "flv$id$n" master "flbr$id" up
    ip -n "fl$id$s" addr add 10.78.0.$n/24 dev eth0
    ip -n "fl$id$s" link set eth0 up
    ip -n "fl$id$s" link set lo up
    mkdir -p "/etc/netns/fl$id$s"   # ip puts these over the files of /etc, inside of the namespace
    { grep -v '^fl:' /etc/passwd && echo "fl:x:$account:$account::/var/empty:/bin/sh"; } >"/etc/netns/fl$id$s/passwd"
    { grep -v '^fl:' /etc/group && echo "fl:x:$account:"; } >"/etc/netns/fl$id$s/group"
    { grep -v '^fl:' /etc/shadow && echo 'fl:*:19000:0:99999:7:::'; } >"/etc/netns/fl$id$s/shadow"
    { cat /etc/hosts && echo '10.78.0.1 hub.example'; } >"/etc/netns/fl$id$s/hosts"
done
in_space() { _s=$1 && shift && ip netns exec "fl$id$_s" "$@"; }

# The lines of the pages; what is another's here are the places of the hub's folder, programs and home.
code() {   # PAGE BEGIN END: the code between these lines of the page
    awk -v b="$2" -v e="$3" 'index($0, b) == 1 { on = 1; next } on && index($0, e) == 1 { exit }
        /^\.Ed/ { if (code) print "# --"; code = 0 } on && code { print } on && /^\.Bd/ { code = 1 }' "$top/man/$1" |
        sed 's/\\-/-/g; s/\\(aq/'"'"'/g; s/\\e/\\/g' |
        sed "s%/srv/fed%$work/srv%g; s%command=\\\\\"fl-gate%command=\\\\\"$(command -v fl-gate)%; s%/etc/ssh/fl_keys%$work/fl_keys%; s%~/.ssh/config%config%"
}
block() { awk -v n="$1" '/^# --$/ { i++; next } i == n - 1'; }   # N of them
mkdir stand && compare_words "$work/stand" && PATH=$work/stand:$PATH
mkdir tmp && chown $account tmp   # the account's own, for programs that want TMPDIR
small_model && seq 1 60 | fl-harmonize -q -t model.flt -o site-a.flt || exit 1
code fl-round.1 '.Sh EXAMPLES' '.Ss By ssh' >all
block 1 <all >keys.lines && block 2 <all >hub.lines && block 3 <all >sites.lines
check "keys, roster, folder, files of all, as the page has them" sh -euc '. ./keys.lines; . ./hub.lines; . ./sites.lines'
code fl-round.1 '.Ss By ssh' '.Ss When' >all
block 1 <all >site.lines && block 2 <all >hub.lines
code fl-gate.1 '.Ss The account' '.Sh' >all
block 3 <all >sshd.lines

chmod 755 . && mkdir -p /run/sshd work/hub
for s in hub $people; do
    ssh-keygen -q -t ed25519 -N '' -f host.$s
    { echo "HostKey $work/host.$s" && echo "PidFile $work/$s.pid" && echo "StrictModes no" && cat sshd.lines; } >sshd.$s
    in_space $s "$sshd" -f "$work/sshd.$s" -E "$work/log.$s" || echo "# no sshd at $s"
done
for i in $(seq 50); do in_space hub sh -c 'ss -ltn | grep -q :22' && break; sleep 0.1; done
for n in $people; do
    export n
    check "$n: key, host key, hub" in_space $n sh -eu site.lines
    check "the hub: a line for it" sh -eu hub.lines
done
check "  the fingerprint to compare is the hub's" [ "$(ssh-keygen -lf work/north/known_hosts | cut -d ' ' -f 2)" = "$(ssh-keygen -lf host.hub.pub | cut -d ' ' -f 2)" ]
chown -R $account:$account srv work/hub hub.key hub.key.state && chmod 644 fl_keys roster.yaml hub.yaml
printf '#!/bin/sh\nexec %s -F "$FL_HOME/config.$FL_SITE" -oIdentitiesOnly=yes -oIdentityAgent=none "$@"\n' "$(command -v ssh)" >stand/ssh
chmod +x stand/ssh
export FL_HOME=$work
for n in $people; do grep -A1 Host config | grep -B1 "$n.ssh" >"config.$n"; done
site() { FL_SITE=$1 in_space "$1" fl-round site "$1.yaml"; }
hub_turn() { in_space hub setpriv --reuid $account --regid $account --clear-groups env TMPDIR="$work/tmp" fl-round hub hub.yaml; }
check "the hub's turn, as its account" hub_turn
check "a site's turn" site north
check "  has put its upload" [ -s srv/in/north/0.up.flt ]
check "    as the account" [ "$(stat -c %u srv/in/north/0.up.flt)" = $account ]
for i in 1 2 3 4 5; do
    [ "$(closed)" -ge 3 ] || { for n in $people; do site $n || break 2; done && hub_turn || break; }
done
check "three rounds are closed" [ "$(closed)" = 3 ]
for n in $people; do
    site $n
    check "  $n made the model itself" [ -e "work/$n/model/$(last_model).flt" ]
    check "    without a fault" [ ! -e "work/$n/fault" ]
done
check "between turns nothing of ours runs" sh -c '! ps -eo args | grep -v grep | grep -q -e "fl-round .*$0" -e "fl-gate .* $0"' "$work"
ours() { for s in hub $people; do for p in $(ip netns pids "fl$id$s"); do ps -o comm= -p $p; done; done | grep -v -x sshd; }
for i in $(seq 30); do ours >/dev/null || break; sleep 0.1; done   # the hub's end of the last connection ends
check "  in none of the namespaces" [ -z "$(ours)" ]
check "nothing listens but sshd" sh -c 'for s in hub north south coast; do
    ip netns exec "fl$0$s" ss -Hltun | grep -qv ":22 " && exit 1; done; true' "$id"
finish
