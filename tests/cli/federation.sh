# shellcheck shell=sh
# Sourced after lib.sh by tests/cli/*.sh: people and their agreement, and what they do in a round.
# Parties are files: NAME.key, NAME.old (the key of before any roster), NAME.pub, NAME.key.state.
# Variables that may be set: model (the roster's, model.flt), terms (lines of the roster), helpers (those
# of protection helpers: sites, and "+NAME" for one that is none), min_sum (with helpers: the sites - 1).
secagg() { python "$top/tests/naive/secagg.py" "$@"; }
rounds() { python "$top/tests/cli/rounds.py" "$@"; }
digest() { fl-info --digest "$1" | cut -c 1-64; }
meta() { fl-info "$1" | awk -F '\t' -v k="$2" '$1 == "meta" && $2 == k {print $7}'; }

keys() {   # NAME...
    for _n in "$@"; do
        fl-keygen -n "$_n" -o "$_n.key" >"$_n.pub" && cp "$_n.key" "$_n.old" || return 1
    done
}

helping() {   # the roster's lines about $helpers
    [ -n "${helpers-}" ] || return 0
    echo "protection: helpers"
    echo "helpers:"
    for _n in $helpers; do
        case $_n in +*) echo "  - $(cat "${_n#+}.pub")" ;; *) echo "  - $_n" ;; esac
    done
    echo "min_sum: ${min_sum:-$1}"
}

roster() {   # EPOCH SITE...: a roster of NAME.pub and hub.pub, with the lines on standard input
    _more=$(cat)
    printf 'federation: demo\nepoch: %s\nmodel: %s\nsites:\n' "$1" "$(digest "${model:-model.flt}")"
    shift
    for _n in "$@"; do echo "  - $(cat "$_n.pub")"; done
    echo "hub: $(cat hub.pub)"
    helping $(($# - 1))
    printf '%s\n' "$_more"
    case "$_more" in
    *tensors:*) ;;
    *) echo 'tensors: [{match: "*", protect: mask, bits: 32, clip: 1}]' ;;
    esac
}

words() {   # ROSTER: those of its fingerprint
    fl-keygen --show "$1" | sed -n 's/^words	//p'
}

accept() {   # ROSTER NAME...
    _roster=$1
    words "$_roster" >"$_roster.words"
    shift
    for _n in "$@"; do
        fl-keygen --accept "$_roster" -k "$_n.key" --words "$_roster.words" >shown || return 1
    done
}

others() {   # helpers that are no sites
    for _n in ${helpers-}; do
        case $_n in +*) echo "${_n#+}" ;; esac
    done
}

he_lines() {   # those of the helpers, where a tensor of $terms is encrypted
    case ${terms-} in *'protect: he'*) echo he: ;; *) return 0 ;; esac
    for _n in $helpers; do echo "  - $(fl-keygen --he demo -k "${_n#+}.key")"; done
}

federation() {   # SITE...: keys, roster.yaml, and all have accepted it, the hub and helpers too
    # shellcheck disable=SC2046 # names
    keys hub "$@" $(others) && { printf '%b\n' "${terms-}" && he_lines; } | roster 1 "$@" >roster.yaml &&
        accept roster.yaml hub "$@" $(others)
}

plan() {   # ROUND MODEL args...: ROUND/plan.flt
    _round=$1 _model=$2
    shift 2
    mkdir -p "$_round/up" "$_round/answer" &&
        fl-plan -q -r roster.yaml -k hub.key --round "$_round" -m "$_model" -o "$_round/plan.flt" "$@"
}

mask() {   # ROUND SITE UPDATE: ROUND/up/SITE.flt
    fl-mask -q -k "$2.key" -p "$1/plan.flt" -o "$1/up/$2.flt" "$3"
}

ask() {   # ROUND SITE...: ROUND/request.flt and ROUND/sum.flt, of the uploads of these sites
    _round=$1
    shift
    for _n in "$@"; do
        shift
        set -- "$@" "$_round/up/$_n.flt"
    done
    fl-aggregate -q -k hub.key -p "$_round/plan.flt" --request "$_round/request.flt" -o "$_round/sum.flt" "$@"
}

answer() {   # ROUND HELPER...: ROUND/answer/HELPER.flt
    _round=$1
    shift
    for _n in "$@"; do
        fl-unmask -q -k "$_n.key" -p "$_round/plan.flt" -o "$_round/answer/$_n.flt" "$_round/request.flt" || return
    done
}

open_sum() {   # ROUND: ROUND/mean.flt
    fl-aggregate -q -p "$1/plan.flt" -o "$1/mean.flt" "$1/sum.flt" "$1"/answer/*.flt
}

# ---- a program that dies or fails at one of its system calls ----
can_trace() { command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; }

writing=write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,ftruncate,mkdir,mkdirat,fchmod

inject() {   # CALL N EFFECT command...: at the N-th of these calls; leaks cannot be looked for under strace
    _call=$1 _nth=$2 _effect=$3
    shift 3
    ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 \
        strace -f -o "$work/traced" -e trace="$_call" -e inject="$_call:$_effect:when=$_nth" "$@"
}

# Make DIR/fl-keygen, to stand before the program on PATH: where that would ask for the words which
# people read to each other, those of the roster are given.
compare_words() {   # DIR
    _program=$(command -v fl-keygen)
    cat >"$1/fl-keygen" <<END
#!/bin/sh
case " \$* " in
*" --words "*) ;;
*" --accept "*)
    roster=\$(printf '%s\n' "\$*" | sed 's/.*--accept \([^ ]*\).*/\1/')
    "$_program" --show "\$roster" | sed -n 's/^words	//p' >.words
    set -- "\$@" --words .words ;;
esac
exec "$_program" "\$@"
END
    chmod +x "$1/fl-keygen"
}
