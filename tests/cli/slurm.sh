# shellcheck shell=sh
# Sourced by 98-slurm.sh: a Slurm of one node on loopback, of this test alone, in $work/slurm; it has its own
# munged, ports and folders, and ends with the test by its own process ids.
work=${work:?}
slurm_start() {   # 1 when it cannot be had here
    command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v munged >/dev/null || return 1
    _s=$work/slurm _me=$(id -un) _host=$(hostname -s)
    mkdir -p "$_s/state" "$_s/spool" && chmod 700 "$_s" && head -c 1024 /dev/urandom >"$_s/munge.key" &&
        chmod 400 "$_s/munge.key" || return 1
    chmod 755 "$work" "$_s"
    _port=$((20000 + $$ % 20000))
    cat >"$_s/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$_host(127.0.0.1)
SlurmUser=$_me
SlurmdUser=$_me
SlurmctldPort=$_port
SlurmdPort=$((_port + 1))
AuthType=auth/munge
AuthInfo=socket=$_s/munge.socket
CredType=cred/munge
StateSaveLocation=$_s/state
SlurmdSpoolDir=$_s/spool
SlurmctldPidFile=$_s/slurmctld.pid
SlurmdPidFile=$_s/slurmd.pid
SlurmctldLogFile=$_s/slurmctld.log
SlurmdLogFile=$_s/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
MaxNodeCount=1
NodeName=$_host NodeAddr=127.0.0.1 CPUs=16 State=UNKNOWN
PartitionName=all Nodes=$_host Default=YES State=UP
END
    export SLURM_CONF="$_s/slurm.conf"
    slurm_pids=''
    munged --foreground --force --key-file="$_s/munge.key" --socket="$_s/munge.socket" --pid-file="$_s/munged.pid" \
        --log-file="$_s/munged.log" --seed-file="$_s/munge.seed" >"$_s/munged.out" 2>&1 &
    slurm_pids="$slurm_pids $!"
    for _i in 1 2 3 4 5 6 7 8 9 10; do [ -S "$_s/munge.socket" ] && break; sleep 0.1; done
    slurmctld -D -i >"$_s/slurmctld.out" 2>&1 &
    slurm_pids="$slurm_pids $!"
    slurmd -D -N "$_host" >"$_s/slurmd.out" 2>&1 &
    slurm_pids="$slurm_pids $!"
    for _i in $(seq 1 100); do
        case $(sinfo -h -o %T 2>/dev/null) in idle* | mixed*) return 0 ;; esac
        sleep 0.1
    done
    sed 's/^/# /' "$_s"/*.out "$_s"/*.log 2>/dev/null | grep -i -E 'error|fatal' | head -n 5
    slurm_stop
    return 1
}
slurm_stop() {
    scancel -u "$(id -un)" 2>/dev/null
    # shellcheck disable=SC2086  # numbers
    kill $slurm_pids 2>/dev/null
    # shellcheck disable=SC2086
    wait $slurm_pids 2>/dev/null
    slurm_pids=''
}
