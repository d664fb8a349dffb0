# shellcheck shell=sh
# Sourced after lib.sh and federation.sh by tests/cli/65-round*.sh: parties with files for fl-round, whose
# hub is the folder srv. A set-up is made once and copied: keys and plans enter every mask, so other keys
# are another digest.
parties() {   # SITE...: of the federation in this folder (federation.sh): NAME.yaml, shards, inboxes
    mkdir -p srv/pub/model srv/in || return
    cp model.flt "srv/pub/model/$(digest model.flt).flt"
    printf 'steps: 2\nbatch: 1\nlength: 32\n' >recipe.yaml
    for _n in "$@" $(others); do
        mkdir -p "srv/in/$_n" "shards.$_n"
        seq 1 60 | sed "s/^/$_n /" | fl-harmonize -q -t model.flt -o "shards.$_n/0.flt" || return
        printf 'name: %s\nhub: dir:srv\nroster: roster.yaml\nkey: %s.key\nwork: work.%s\nshards: shards.%s\nrecipe: recipe.yaml\n' \
            "$_n" "$_n" "$_n" "$_n" >"$_n.yaml"
    done
    printf 'name: hub\nroot: srv\nroster: roster.yaml\nkey: hub.key\nwork: work.hub\nrounds: %s\n' "${rounds:-2}" >hub.yaml
}
small_model() { fl-init -q -p nano --seed 1 -o model.flt; }
round() { "${round_program:-fl-round}" "$@"; }
turn() {   # PARTY...: one turn of each
    for _n in "$@"; do
        case $_n in
        hub) round hub hub.yaml ;;
        aux) round helper aux.yaml ;;
        *) round site "$_n.yaml" ;;
        esac || return
    done
}
at_once() { [ ! -s "work.$1/fault" ] || sed -i 's/ [0-9]*$/ 0/' "work.$1/fault"; }   # no wait after a fault
closed() { cat srv/pub/chain.tsv 2>/dev/null | wc -l; }
last_model() { tail -n 1 srv/pub/chain.tsv | cut -f 4; }
until_closed() {   # N PARTY...: turns of all until N rounds are closed, at most 12 of each and round
    _want=$1 _left=$(($1 * 12))
    shift
    while [ "$(closed)" -lt "$_want" ] && [ $_left -gt 0 ]; do
        turn "$@" || return
        _left=$((_left - 1))
    done
    [ "$(closed)" = "$_want" ] && turn "$@"
}
event() { awk -F '\t' -v e="$2" '$4 == e' "work.$1"/journal/*.tsv 2>/dev/null | wc -l; }   # PARTY EVENT: how many
tells() {   # PATTERN: the last one wrote a line of output with it
    grep -q -e "$1" "$work/out"
    report $? "it tells: $1"
}
# What all else is compared with: the models of the run in this folder.
calm() { cut -f 4 srv/pub/chain.tsv >"$work/calm.models" && want=$(last_model) && check "the calm run" [ ${#want} = 64 ]; }
same() {   # WHAT: as many rounds as are closed here, the calm run's models
    cut -f 4 srv/pub/chain.tsv >"$work/models" 2>/dev/null
    head -n "$(wc -l <"$work/models")" "$work/calm.models" >"$work/wanted"
    check "$1: the calm run's model" sh -c 'cd "$0" && [ -s models ] && cmp models wanted' "$work"
}
fresh() { rm -rf run && cp -a set run && cd run || exit 1; }   # a copy of the set-up, to go into
# What a watcher sees: a file under its final name that is not whole, or changes. Sizes and sums of plans,
# uploads, means, models; it lists until the file "stop" is there.
watcher() {
    while [ ! -e stop ]; do
        for f in srv/pub/round/*/*.flt srv/pub/round/*/up/*.flt srv/in/*/*.flt srv/pub/model/*.flt work.*/model/*.flt work.*/round/*/*.flt; do
            [ ! -e "$f" ] || fl-info --digest "$f" >seen 2>/dev/null || { [ ! -e "$f" ] || echo "$f" >>partial; }
        done
        sleep 0.05
    done
}

killed_turns() {   # SEED N PARTY...: until N rounds are closed; each turn may die after 0 to 495 ms
    seed=$1 most=$2 kills=0 tries=0
    shift 2
    everybody=$*
    while [ "$(closed)" -lt $most ] && [ $tries -lt 300 ]; do
        for p in $everybody; do
            tries=$((tries + 1)) seed=$(((seed * 1103515245 + 12345) % 2147483648))
            case $p in hub) set -- hub hub.yaml ;; aux) set -- helper aux.yaml ;; *) set -- site $p.yaml ;; esac
            if [ $((seed / 65536 % 2)) = 0 ]; then
                setsid "${round_program:-fl-round}" "$@" >>said 2>&1 &
                id=$!
                sleep "0.$(printf %03d $((seed / 131072 % 100 * 5)))"
                env kill -9 -- -$id 2>/dev/null && kills=$((kills + 1))
                wait $id 2>/dev/null
            else
                round "$@" >>said 2>&1
            fi
            at_once $p
        done
    done
    echo "# $kills kills in $tries turns"
    [ "$(closed)" = $most ]
}
broken() {   # SED: round_program is a script with one rule taken out
    rm -rf "$work/broken" && mkdir "$work/broken" && cp "$top"/cmd/fl-round "$top"/cmd/fl-gate "$work/broken" &&
        sed -i "$1" "$work/broken/fl-round" && ! cmp -s "$top/cmd/fl-round" "$work/broken/fl-round" && round_program=$work/broken/fl-round
}

# ---- faults of which a whole turn dies or fails; seed is a number, and chance makes the next ----
seed=${SEED:-1}
chance() {   # N: "chosen" is one of 0 .. N-1
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    chosen=$((seed / 65536 % $1))
}
fault_library() {   # $work/fault.so; tests/soak/fault.c says what it does
    ${CC:-cc} -shared -fPIC -O1 -o "$work/fault.so" "$top/tests/soak/fault.c" -ldl 2>"$work/err"
}
at_point() {   # kill|once|full N command...: a group of its own that meets it; the status of the command
    _how=$1 _n=$2
    shift 2
    head -c 8 /dev/zero >"$work/points"
    setsid -w env LD_PRELOAD="$work/fault.so" FAULT_COUNT="$work/points" FAULT_AT="$_n" FAULT_HOW="$_how" "$@"
}
points() { od -An -t u8 "$work/points" | tr -d ' '; }   # how many the last one had
arguments() {   # PARTY: of its turn
    case $1 in hub) echo hub hub.yaml ;; aux) echo helper aux.yaml ;; *) echo site "$1.yaml" ;; esac
}
whole() {   # every file under its final name is one, and FILE...
    for f in "$@" srv/pub/round/*/*.flt srv/pub/round/*/*/*.flt srv/pub/model/*.flt \
        work.*/model/*.flt work.*/update/*.flt work.*/round/*/*.flt; do
        [ ! -e "$f" ] || fl-info --digest "$f" >/dev/null 2>&1 || { echo "# partial: $f" && return 1; }
    done
}
