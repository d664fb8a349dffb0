# shellcheck shell=sh
# Rounds by ssh: a hub and three sites in network namespaces of their own, an sshd at the hub with one
# forced command a party, set up by the lines of fl-round(1) and fl-gate(1). Links that break, a host key
# that changed, an sshd that is killed; and nothing of ours runs between turns.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/turns.sh"

sshd=$(command -v sshd || echo /usr/sbin/sshd)
id=$$
spaces="hub a b c"
end_all() {
    [ ! -s "$work/sshd.pid" ] || kill "$(cat "$work/sshd.pid")" 2>/dev/null
    for _s in $spaces; do ip netns del "fl$id$_s" 2>/dev/null; done
    rm -rf "/etc/netns/fl${id}hub"
    ip link del "flbr$id" 2>/dev/null
    rm -rf "$work"
}
if [ ! -x "$sshd" ] || ! ip netns add "fl${id}hub" 2>/dev/null; then
    skip "rounds by ssh" "no sshd, or no network namespaces"
    finish
fi
trap end_all EXIT
# As fl-gate(1) asks of the hub's account: a login shell that reads no files.
mkdir -p "/etc/netns/fl${id}hub" && sed 's%^\(root:.*\):[^:]*$%\1:/bin/sh%' /etc/passwd >"/etc/netns/fl${id}hub/passwd"
ip link add "flbr$id" type bridge && ip link set "flbr$id" up
n=0
for s in $spaces; do
    n=$((n + 1))
    [ $s = hub ] || ip netns add "fl$id$s"
    ip link add "flv$id$n" type veth peer name eth0 netns "fl$id$s"
    ip link set "flv$id$n" master "flbr$id" up
    ip -n "fl$id$s" addr add 10.77.0.$n/24 dev eth0
    ip -n "fl$id$s" link set eth0 up
    ip -n "fl$id$s" link set lo up
done
in_space() { _s=$1 && shift && ip netns exec "fl$id$_s" "$@"; }

small_model && federation a b c && parties a b c || exit 1
mkdir -p etc home && chmod 755 .
ssh-keygen -q -t ed25519 -N '' -f etc/host
for s in a b c; do
    mkdir -p home/$s work.$s
    ssh-keygen -q -t ed25519 -N '' -f home/$s/id
    # as fl-gate(1) says; the test's programs are not where an installed fl-gate would be
    echo "restrict,command=\"$(command -v fl-gate) $s $work/srv\" $(cut -d ' ' -f 1,2 home/$s/id.pub)" >>etc/fl_keys
    echo "10.77.0.1 $(cut -d ' ' -f 1,2 etc/host.pub)" >work.$s/known_hosts
    sed -i "s%^hub: .*%hub: ssh:root@10.77.0.1%" $s.yaml
done
chmod 600 etc/host etc/fl_keys
cat >etc/sshd_config <<X
Port 22
HostKey $work/etc/host
PidFile $work/sshd.pid
AuthorizedKeysFile $work/etc/fl_keys
StrictModes no
UsePAM no
PermitRootLogin forced-commands-only
PasswordAuthentication no
DisableForwarding yes
MaxSessions 1
ClientAliveInterval 1
X
mkdir -p /run/sshd
start_sshd() {
    in_space hub "$sshd" -f etc/sshd_config -E etc/log
    for _i in $(seq 50); do in_space hub sh -c 'ss -ltn | grep -q :22' && return; sleep 0.1; done
}
# The agent's place is taken by a wrapper that names the key and no file of the tester's own.
mkdir bin && printf '#!/bin/sh\nexec %s -F none -i "$FL_TEST_KEY" -oIdentitiesOnly=yes -oIdentityAgent=none "$@"\n' "$(command -v ssh)" >bin/ssh && chmod +x bin/ssh
PATH=$work/bin:$PATH
site() { _p=$1 && shift && FL_TEST_KEY=$work/home/$_p/id in_space "$_p" fl-round site "$@" "$_p.yaml"; }
all() { turn hub && for _p in a b c; do site $_p || return; done; }

start_sshd
if ! FL_TEST_KEY=$work/home/a/id in_space a ssh -oBatchMode=yes -oStrictHostKeyChecking=yes -oUserKnownHostsFile=work.a/known_hosts root@10.77.0.1 ls >/dev/null 2>err; then
    sed 's/^/# /' err etc/log | tail -n 5
    report 1 "a site reaches the gate"
    finish
fi
turn hub
check "a site's turn by ssh" site a
check "  has sent its upload" [ -s srv/in/a/0.up.flt ]
ssh_a() { FL_TEST_KEY=$work/home/a/id in_space a ssh -oBatchMode=yes -oStrictHostKeyChecking=yes -oUserKnownHostsFile=work.a/known_hosts "$@"; }
status 3 "the key opens no shell" ssh_a root@10.77.0.1 'sh -c id'
status 255 "  nor with a terminal" ssh_a -tt root@10.77.0.1
ssh_a -oConnectTimeout=5 -oExitOnForwardFailure=yes -N -L 7777:127.0.0.1:22 root@10.77.0.1 2>/dev/null &
forward=$!
sleep 1
check "  and no other port" sh -c "! echo | timeout 5 ip netns exec fl${id}a sh -c 'exec 3<>/dev/tcp/127.0.0.1/7777 && head -c 4 <&3' 2>/dev/null | grep -q SSH"
kill $forward 2>/dev/null
wait $forward 2>/dev/null

# ---- a slow link that breaks while an upload travels; it goes on where it was ----
slow() { tc -n "fl$id$1" qdisc add dev eth0 root tbf rate 2mbit burst 32kb latency 50ms 2>/dev/null; }
if slow b; then
    site b &
    turning=$!
    for i in $(seq 200); do [ "$(stat -c %s srv/in/b/.0.up.part 2>/dev/null || echo 0)" -gt 50000 ] && break; sleep 0.1; done
    kill_sessions() { pgrep -P "$(cat sshd.pid)" | while read -r _p; do kill -9 "$_p"; done; }
    kill_sessions
    wait $turning
    had=$(stat -c %s srv/in/b/.0.up.part 2>/dev/null || echo 0)
    check "an sshd that is killed in a transfer leaves a part" [ "$had" -gt 50000 ]
    check "  and the site without a word" [ -s work.b/fault ]
    at_once b
    for i in $(seq 30); do flock -n srv/in/b/.slot0 true && break; sleep 0.2; done
    check "the next turn goes on" site b
    check "  where it was" [ "$(awk -F '\t' '$4 == "send" { print $6 }' work.b/journal/*.tsv)" = $((442240 - had)) ]
    tc -n "fl${id}b" qdisc del dev eth0 root
else
    skip "a slow link" "tc has no tbf"
fi
site b
site c
check "the round closes" turn hub
check "  " [ "$(closed)" = 1 ]

# ---- the hub is away; a link is down ----
ip -n "fl${id}a" link set eth0 down
check "a link is down" site a
check "  it is no mail" [ ! -s err ]
ip -n "fl${id}a" link set eth0 up
at_once a
kill "$(cat sshd.pid)" && sleep 0.5
check "no sshd" site a
check "  is no mail either" [ ! -s err ]
start_sshd
at_once a

# ---- packets that get lost, a link that is silent without an end, a hub that moves ----
want=$(last_model)
rules() { in_space hub nft "$@" 2>/dev/null; }
if rules add table inet t && rules add chain inet t i '{ type filter hook input priority 0; }'; then
    rules add rule inet t i numgen random mod 100 '<' 20 drop
    turn hub
    for i in 1 2 3; do [ -s srv/in/a/1.up.flt ] || { rm -f work.*/fault && site a; }; done
    rules flush chain inet t i
    check "a fifth of all packets is lost: the upload arrives" [ -s srv/in/a/1.up.flt -o -s srv/pub/round/1/up/a.flt ]
    slow b
    site b &
    turning=$!
    for i in $(seq 100); do [ "$(stat -c %s srv/in/b/.1.up.part 2>/dev/null || echo 0)" -gt 50000 ] && break; sleep 0.1; done
    rules add rule inet t i drop
    sleep 3
    rules flush chain inet t i
    wait $turning
    check "three seconds of silence in a transfer" [ -s srv/in/b/1.up.flt ]
    check "  are not even a fault" [ ! -e work.b/fault ]
    # A turn is cut off while the link is silent: the hub's end of it does not know yet.
    slow c
    site c &
    turning=$!
    for i in $(seq 100); do [ "$(stat -c %s srv/in/c/.1.up.part 2>/dev/null || echo 0)" -gt 50000 ] && break; sleep 0.1; done
    rules add rule inet t i drop
    pgrep -P $turning | while read -r _p; do kill -9 "$_p" 2>/dev/null; done
    kill -9 $turning 2>/dev/null
    wait $turning 2>/dev/null
    in_space c sh -c 'for p in $(ip netns pids "$0"); do [ "$p" = $$ ] || kill -9 "$p" 2>/dev/null; done' "fl${id}c"
    rules flush chain inet t i
    ip -n "fl${id}hub" addr del 10.77.0.1/24 dev eth0
    ip -n "fl${id}hub" addr add 10.77.0.99/24 dev eth0
    ip -n "fl${id}c" neigh flush dev eth0
    check "the hub has another address: a turn is a passing fault" site c
    check "  without a word" [ ! -s err ]
    sed -i 's/10[.]77[.]0[.]1 /10.77.0.99 /' work.*/known_hosts && sed -i 's/10[.]77[.]0[.]1$/10.77.0.99/' [abc].yaml
    tc -n "fl${id}c" qdisc del dev eth0 root 2>/dev/null
    for i in $(seq 30); do rm -f work.c/fault && site c && [ -s srv/in/c/1.up.flt ] && break; sleep 1; done
    check "there, an upload goes on that the hub thought was under way" [ -s srv/in/c/1.up.flt ]
    check "  in the time of two signs of life" [ "$i" -le 25 ]
    for i in 1 2 3; do [ "$(closed)" = 2 ] || all; done
    check "the second round is closed" [ "$(closed)" = 2 ]
    check "  over the first" [ "$(tail -n 1 srv/pub/chain.tsv | cut -f 2)" = "$want" ]
    for s in a b c; do site $s; check "  $s has made its model" [ -e "work.$s/model/$(last_model).flt" ]; done
else
    skip "lost packets, silent links" "no nft here"
fi

# ---- another host key ----
ssh-keygen -q -t ed25519 -N '' -f etc/other
echo "10.77.0.1 $(cut -d ' ' -f 1,2 etc/other.pub)" >work.c/known_hosts
status 3 "a host key that changed" site c
says "the hub's host key is not the one in .*work.c/known_hosts: ask its people"

# ---- between turns ----
check "nothing of ours runs between turns" sh -c '! ps -eo args | grep -v grep | grep -q -e "fl-[a-z]* .*$0" -e "fl-gate [abc] $0"' "$work"
for s in a b c; do check "nothing listens at $s" [ "$(in_space $s ss -Hltun | wc -l)" = 0 ]; done
finish
