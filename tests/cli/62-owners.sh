# shellcheck shell=sh
# Whose a key, a secret or a state is, and what is said where memory cannot be locked.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"

rounds model model.flt 1 embed:10x9 || exit 1
helpers='b +aux' min_sum=3 federation a b c d || exit 1
plan 1 model.flt && rounds train model.flt 1 0.01 a=a.upd || exit 1

if [ "$(id -u)" = 0 ]; then
    chown 65534 a.key
    status 3 "a key of another user" fl-keygen --public -k a.key
    says 'a.key: belongs to user 65534, and this program runs as user 0; run it as the owner'
    status 3 "  nor is anything masked with it" mask 1 a a.upd
    chown 0 a.key
    for file in a.key.state a.key.state/state; do
        chown 65534 $file
        status 3 "a state of another user: $file" mask 1 a a.upd
        says "$file: belongs to user 65534"
        chown 0 $file
        chmod g+r $file
        status 3 "  and one that a group can read" mask 1 a a.upd
        says "$file: others can read or change this secret"
        chmod g-r $file
    done
    head -c 40 /dev/urandom >psk && chmod 600 psk && chown 65534 psk
    keys p && printf 'psk: true\n' | roster 1 p b c d >psk.yaml && words psk.yaml >psk.words
    status 3 "a shared secret of another user" fl-keygen --accept psk.yaml -k p.key --words psk.words --psk psk
    says 'psk: belongs to user 65534'
else
    skip "secrets of another user" "root is needed, to make them"
fi
check "nothing was masked" [ ! -e 1/up/a.flt ]

if setpriv --bounding-set -ipc_lock true 2>/dev/null && [ -z "${SAN:-}" ]; then
    unlocked() { setpriv --bounding-set -ipc_lock --inh-caps -ipc_lock sh -c 'ulimit -l 0; exec "$@"' sh "$@"; }
    check "where memory cannot be locked it goes on" unlocked fl-mask -k a.key -p 1/plan.flt -o 1/up/a.flt a.upd
    grep -v 'zero\|clip' "$work/err" >err2 && cp err2 "$work/err"
    says 'fl-mask: not all secrets could be locked in memory, so they may lie in swap; raise ulimit -l'
    check "  and is quiet when told to" sh -c '[ -z "$(setpriv --bounding-set -ipc_lock --inh-caps -ipc_lock \
        sh -c "ulimit -l 0; exec fl-mask -q -k a.key -p 1/plan.flt -o x.flt a.upd" 2>&1)" ]'
else
    skip "memory that cannot be locked" "setpriv is needed, and no sanitizers"
fi
check "else nothing is said of it" fl-mask -k a.key -p 1/plan.flt -o x.flt a.upd
check "  at all" [ ! -s "$work/err" ]
umask 000   # whatever it is
check "what a key remembers is made for its owner alone" sh -c '
    fl-keygen -n z -o z.key >/dev/null && fl-mask -q -k b.key -p 1/plan.flt -o y.flt a.upd 2>/dev/null &&
    [ -e b.key.state/upload-1-1.flt ] && [ -z "$(find z.key b.key b.key.state -perm /077)" ]'
umask 022

# A program that has read a key, while it waits for its last input: what would a crash leave?
no_core() {   # command... fifo
    rm -f core*
    "$@" >/dev/null 2>&1 &
    _pid=$! _tries=0
    exec 3>fifo   # opens when the program has come to it
    until _limit=$(awk '/^Max core file size/ { print $5 }' /proc/$_pid/limits) && [ "$_limit" = 0 ]; do
        _tries=$((_tries + 1))
        [ $_tries -lt 30 ] || break
        sleep 0.1
    done
    kill -ABRT $_pid
    exec 3>&-
    wait $_pid
    [ $? = 134 ] && [ "$_limit" = 0 ] && [ -z "$(find . -name 'core*')" ]
}
# shellcheck disable=SC3045 # where the shell knows how
if [ -r /proc/self/limits ] && [ -z "${SAN:-}${VALGRIND-}" ] && (ulimit -S -c unlimited) 2>/dev/null; then
    ulimit -S -c unlimited
    mkfifo fifo
    check "no core file of fl-mask" no_core fl-mask -q -k c.key -p 1/plan.flt fifo
    check "  of fl-unmask" no_core fl-unmask -q -k aux.key -p 1/plan.flt fifo
    check "  of fl-plan" no_core fl-plan -q -r roster.yaml -k hub.key --round 2 -m fifo -o 2.flt
    check "  of fl-aggregate" no_core fl-aggregate -q -k hub.key -p 1/plan.flt --request r.flt -o s.flt fifo
    check "  nor of what reads the site's text from a pipe" no_core sh -c 'exec fl-info -t embed --stats fifo'
else
    skip "core files" "they cannot be turned on here, or the programs are watched"
fi
finish
