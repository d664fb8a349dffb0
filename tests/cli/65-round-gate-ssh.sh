# shellcheck shell=sh
# fl-gate(1) attacked by ssh: an sshd with the lines of examples/cron, and with what Debian's own file adds.
. "$(dirname "$0")/lib.sh"
. "$top/tests/attacks/gate.sh"

sshd=$(command -v sshd || echo /usr/sbin/sshd) port=$((20000 + $$ % 20000)) me=$(id -un)
end_ssh() { [ ! -s "$work/etc/pid" ] || kill "$(cat "$work/etc/pid")" 2>/dev/null; stop_them; umount "$work/small" 2>/dev/null; rm -rf "$work"; }
trap end_ssh EXIT
hub_ssh() {   # SED of sshd's file, SED of the keys' file: north's key may be used by the attacker
    mkdir -p etc && [ -s etc/host ] || {
        for _k in host north south; do ssh-keygen -q -t ed25519 -N '' -f etc/$_k || return; done
        echo "[127.0.0.1]:$port $(cut -d ' ' -f 1,2 etc/host.pub)" >etc/known
    }
    for _k in north south; do
        grep "fl-gate $_k " "$top/examples/cron/fl_keys" |
            sed "s%fl-gate $_k /srv/fed%$gate $_k $PWD/srv%; s%ssh-ed25519.*%$(cut -d ' ' -f 1,2 etc/$_k.pub)%"
    done | sed "$2" >etc/keys
    {
        printf '%s\n' "ListenAddress 127.0.0.1:$port" "HostKey $PWD/etc/host" "PidFile $PWD/etc/pid" 'StrictModes no' 'UsePAM no' \
            'PermitRootLogin forced-commands-only' 'AcceptEnv LANG LC_*' 'ClientAliveCountMax 1' 'X11Forwarding yes' 'Subsystem sftp /usr/lib/openssh/sftp-server'
        sed "s%Match User fl%Match User $me%; s%/etc/ssh/fl_keys%$PWD/etc/keys%; s/ 60s/ 1s/; s/ClientAliveInterval 15/ClientAliveInterval 1/" "$top/examples/cron/sshd_config"
    } | sed "$1" >etc/sshd_config
    chmod 600 etc/keys && rm -f etc/pid && "$sshd" -f etc/sshd_config -E "$work/etc/log" && await '[ -s etc/pid ]'
}
to_hub_by() {   # PROGRAM ARGUMENT...: with the attacker's key
    _p=$1 && shift
    timeout "${patience:-5}" $_p -F none -oPort="$port" -i etc/north -oBatchMode=yes -oStrictHostKeyChecking=yes \
        -oUserKnownHostsFile=etc/known -oIdentitiesOnly=yes -oIdentityAgent=none "$@" 2>said
}
to_hub() { _o=$1 && shift && to_hub_by "ssh $_o" "$me@127.0.0.1" "$@"; }   # OPTIONS REQUEST...
close_ssh() { kill "$(cat etc/pid)" && await '[ ! -e etc/pid ]'; stop_them; }
attempt_ssh() {   # FUNCTION WHAT [SED of sshd's file, SED of the keys' file]: as attempt
    gate=$top/cmd/fl-gate
    tree && hub_ssh '' '' && ! "$1"
    report $? "ssh: $2"
    close_ssh
    [ $# -gt 2 ] || return 0
    tree && hub_ssh "$3" "$4" && "$1" >/dev/null
    report $? "  it succeeds without the rule"
    close_ssh
}
command='s/command="[^"]*"/no-pty/'   # the key may do what it likes
ssh_runs() { to_hub "${_t-}" "$1" </dev/null >told; [ -e owned ] || grep -q secret told; }
ssh_command() {
    _t=-tt ssh_runs "touch $PWD/owned" || _t='-oRequestTTY=no' any ssh_runs "touch $PWD/owned" "ls
touch $PWD/owned" "ls$(printf '\r')touch $PWD/owned; \$(touch $PWD/owned)" "cat $PWD/home/key"
}
ssh_file() {
    for _b in sftp 'scp -O' scp; do
        case $_b in
        sftp) echo "get $PWD/home/key got" | to_hub_by sftp -b - "$me@127.0.0.1" ;;
        *) to_hub_by $_b "$me@127.0.0.1:$PWD/home/key" got ;;
        esac >/dev/null
        [ ! -s got ] || { rm got && return; }
    done
    return 1
}
ssh_port() {   # to a service of the hub, by three ways
    _to=127.0.0.1:$port
    echo | to_hub "-W $_to" >told
    grep -q SSH-2 told && return
    patience=2 to_hub "-N -oExitOnForwardFailure=yes -R $((port + 1)):$_to"
    [ $? = 124 ]
}
ssh_variables() {
    printf 'touch "%s/owned"\n' "$PWD" >bin/env.sh
    _v="BASH_ENV=$PWD/bin/env.sh ENV=$PWD/bin/env.sh SSH_ORIGINAL_COMMAND=get_secret PATH=$PWD/bin:$PATH LC_ALL=\$(id)"
    to_hub_by ssh -oSetEnv="$_v LC_X=$(head -c 50000 zeros | tr '\0' x)" "$me@127.0.0.1" ls </dev/null >told
    [ -e owned ]
}
ssh_long() { for _n in 60000 120000; do to_hub '' "ls $(head -c $_n zeros | tr '\0' 0)" </dev/null >told && return; done; return 1; }
ssh_second() {   # another session in one connection, beside a put
    rm -f hold && mkfifo hold && exec 7<>hold
    to_hub "-M -S $PWD/etc/mux" 'put up 7 9 0' <hold 7>&- &
    them=$! && await '[ -S etc/mux ] && [ -e srv/in/north/.7.up.part ]'
    timeout 5 ssh -F none -S etc/mux -oBatchMode=yes -oProxyCommand=false "$me@127.0.0.1" ls </dev/null 2>/dev/null | grep -q ^time
    _got=$?
    closes
    return $_got
}
ssh_idle() { patience=3 to_hub -N; [ $? = 124 ]; }   # a connection without a session: no slot counts it
ssh_still() {   # a client that stands still in a put, with the connection open
    rm -f hold && mkfifo hold && exec 7<>hold
    ssh -F none -p "$port" -i etc/north -oBatchMode=yes -oUserKnownHostsFile=etc/known -oIdentitiesOnly=yes "$me@127.0.0.1" 'put up 7 9 0' <hold 2>/dev/null 7>&- &
    them=$! && await '[ -e srv/in/north/.7.up.part ]' && kill -STOP $them
    for _i in $(seq 20); do flock -n srv/in/north/.slot0 true && break; sleep 0.2; done
    ! flock -n srv/in/north/.slot0 true; _got=$?
    kill -CONT $them && closes
    return $_got
}
ssh_crowd() {   # forty connections of one address that say nothing; another address must be heard
    python - "$port" <<'P'
import socket, sys
def talk(a):
    s = socket.socket(); s.settimeout(3); s.bind((a, 0)); s.connect(("127.0.0.1", int(sys.argv[1])))
    try: return s, s.recv(7)
    except OSError: return s, b""
held = [talk("127.0.0.2") for _ in range(40)]
refused = [s for s in (talk("127.0.0.3")[1] for _ in range(30)) if s != b"SSH-2.0"]
sys.exit(not refused)
P
}
if [ -x "$sshd" ] && mkdir -p /run/sshd 2>/dev/null; then
    attempt_ssh ssh_command "a shell, a terminal, a command" s/forced-commands-only/yes/ "$command"
    attempt_ssh ssh_file "sftp, scp" s/forced-commands-only/yes/ "$command"
    attempt_ssh ssh_port "a way to other ports, in and out" '/^ *DisableForwarding/d' 's/restrict,//'
    case $(getent passwd "$me") in
    *bash) attempt_ssh ssh_variables "variables that a client sends" 's/^AcceptEnv.*/AcceptEnv */' '' ;;
    *) attempt_ssh ssh_variables "variables that a client sends" ;;
    esac
    attempt_ssh ssh_long "a request of 120,000 bytes"
    attempt_ssh ssh_second "two sessions in one connection" '/^ *MaxSessions/d' ''
    attempt_ssh ssh_idle "a connection without a session, kept open" '/^ *UnusedConnectionTimeout/d' ''
    attempt_ssh ssh_still "a client that stands still" '/^ *ClientAliveInterval/d' ''
    attempt_ssh ssh_crowd "forty connections that say nothing: others are refused" '/^ *MaxStartups/d' ''
else
    skip "by ssh" "no sshd"
fi
finish
