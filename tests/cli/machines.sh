# shellcheck shell=sh
# Two machines "near" and "far" to which GNU parallel goes by ssh: each an sshd of its own on loopback, with a
# host key, reached by ./ssh, which reads no file of the tester's. Where no sshd runs, ./ssh does without.
# Both run commands by ./machine, which notes the name in ./hosts; far forgets one while there is ./forgets.
# Sets $machines, for people. machines_stop ends what was started. Sourced by 98-slurm.sh.
machine_start() {   # NAME PORT
    ssh-keygen -q -t ed25519 -N '' -f "etc/$1" &&
        printf '%s\n' "ListenAddress 127.0.0.1:$2" "HostKey $work/etc/$1" "PidFile $work/etc/$1.pid" 'StrictModes no' \
            'UsePAM no' 'PasswordAuthentication no' "AuthorizedKeysFile $work/etc/id.pub" "ForceCommand $work/machine $1" >"etc/$1.sshd" &&
        "$(command -v sshd || echo /usr/sbin/sshd)" -f "etc/$1.sshd" -E "$work/etc/$1.log" || return
    echo "$1 $(cut -d ' ' -f 1,2 "etc/$1.pub")" >>etc/known
    printf '%s\n' "Host $1" "HostName 127.0.0.1" "Port $2" "HostKeyAlias $1" "User $(id -un)" "IdentityFile $work/etc/id" \
        'IdentitiesOnly yes' 'IdentityAgent none' 'BatchMode yes' 'StrictHostKeyChecking yes' "UserKnownHostsFile $work/etc/known" >>etc/config
}
machine_answers() {   # NAME
    for _i in $(seq 50); do [ "$(./ssh "$1" 'echo here' 2>/dev/null)" = here ] && return; sleep 0.1; done
    return 1
}
machine_stop() {   # NAME
    touch "etc/$1.down"
    [ ! -s "etc/$1.pid" ] || kill "$(cat "etc/$1.pid")" 2>/dev/null
    for _i in $(seq 50); do [ ! -e "etc/$1.pid" ] && return; sleep 0.1; done
}
machines_stop() { machine_stop near; machine_stop far; }
machines_start() {   # 0: by sshd; 1: by what stands for it
    mkdir etc && printf '%s\n' '#!/bin/sh' "echo \$1 >>$work/hosts" "[ \$1 != far ] || ! rm $work/forgets 2>/dev/null || exit 0" \
        'exec sh -c "$SSH_ORIGINAL_COMMAND"' >machine
    printf '#!/bin/sh\nexec %s -F %s "$@"\n' "$(command -v ssh)" "$work/etc/config" >ssh
    chmod +x machine ssh
    _port=$((10000 + $$ % 8000 * 2)) machines="two sshds"
    mkdir -p /run/sshd 2>/dev/null
    command -v ssh-keygen ssh >/dev/null && ssh-keygen -q -t ed25519 -N '' -f etc/id && machine_start near $_port && machine_start far $((_port + 1)) &&
        machine_answers near && machine_answers far && return
    machines_stop
    rm -f etc/*.down && machines="what stands for ssh"
    printf '%s\n' '#!/bin/sh' "host=\$1 && shift && [ ! -e $work/etc/\$host.down ] || exit 255" "[ \"\$1\" != -- ] || shift" \
        "SSH_ORIGINAL_COMMAND=\$* exec $work/machine \$host" >ssh
    return 1
}
