# shellcheck shell=sh
# fl-round(1): a turn of a site and of the hub that is killed, or finds its disk full, at a point where
# some program of it writes, flushes or renames. The same turns again end with the calm run's model.
# SEED=N chooses the points; EVERY=1 takes all of them (make soak does).
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/turns.sh"

fault_library || { skip "faults at each point" "no library can be preloaded" && finish; }
mkdir set && cd set || exit 1
small_model && federation a b c && rounds=1 parties a b c || exit 1
turn hub b c && cp -a . ../site && turn a && cp -a . ../hub && turn hub || exit 1
want=$(last_model)
check "the calm run" [ ${#want} = 64 ]
cd ..

met() {   # PARTY HOW N: the turn of PARTY meets it there, and comes again
    rm -rf run && cp -a "$1" run && cd run || return
    case $1 in site) _party=a ;; *) _party=hub ;; esac
    # shellcheck disable=SC2046  # words
    at_point "$2" "$3" fl-round $(arguments $_party) >"$work/out" 2>"$work/err"
    _code=$? _bad=''
    case $2.$_code in kill.* | *.0 | *.1) ;; *) _bad="status $_code" ;; esac
    [ "$2" = kill ] || [ "$(wc -l <"$work/err")" -le 1 ] || _bad="$(wc -l <"$work/err") lines"
    whole srv/in/*/[0-9]*.flt || _bad="a partial file"
    for _i in 1 2 3; do
        [ "$(closed)" = 1 ] || { at_once a && turn a hub >>"$work/err" 2>&1; }
    done
    [ "$(closed)" = 1 ] && [ "$(last_model)" = "$want" ] || _bad="$_bad; another end"
    [ -z "$_bad" ] || { echo "# $1 $2 at $3: $_bad" && sed 's/^/# /' "$work/err" | head -n 3; }
    cd .. && [ -z "$_bad" ]
}
for p in site hub; do
    met $p none 0
    all=$(points)
    check "$p: its turn has points" [ "$all" -ge 20 ]
    for how in kill once full; do
        wrong=0 tried=0 n=0
        while [ $n -lt "$all" ]; do
            if [ -n "${EVERY-}" ]; then n=$((n + 1)); else
                chance $((all / ${SAMPLE:-2})) && n=$((n + 1 + chosen))
                [ $n -le "$all" ] || break
            fi
            tried=$((tried + 1))
            met $p $how $n || wrong=$((wrong + 1))
        done
        check "$p: $how at $tried of $all points, and the same end" [ $wrong = 0 ]
    done
done
finish
