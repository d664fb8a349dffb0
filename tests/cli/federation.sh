# shellcheck shell=sh
# Sourced after lib.sh by tests/cli/5*.sh: people and their agreement.
secagg() { python "$top/tests/naive/secagg.py" "$@"; }

keys() {   # NAME...: NAME.key, its copy NAME.old from before any roster, and NAME.pub
    for _n in "$@"; do
        fl-keygen -n "$_n" -o "$_n.key" >"$_n.pub" && cp "$_n.key" "$_n.old" || return 1
    done
}

roster() {   # EPOCH SITE...: a roster of NAME.pub and hub.pub; further lines on standard input
    _epoch=$1
    shift
    printf 'federation: demo\nepoch: %s\nsites:\n' "$_epoch"
    for _n in "$@"; do echo "  - $(cat "$_n.pub")"; done
    echo "hub: $(cat hub.pub)"
    cat
}

words() {   # ROSTER: those of its fingerprint
    fl-keygen --show "$1" | sed -n 's/^words	//p'
}

accept() {   # ROSTER SITE...
    _roster=$1
    words "$_roster" >"$_roster.words"
    shift
    for _n in "$@"; do
        fl-keygen --accept "$_roster" -k "$_n.key" --words "$_roster.words" || return 1
    done
}

federation() {   # SITE...: keys, roster.yaml (with the lines of $terms), and all have accepted it
    keys hub "$@" && printf "%b\n" "${terms-}" | roster 1 "$@" >roster.yaml && accept roster.yaml "$@"
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
    roster=\${*##*--accept }
    "$_program" --show "\${roster%% *}" | sed -n 's/^words	//p' >.words
    set -- "\$@" --words .words ;;
esac
exec "$_program" "\$@"
END
    chmod +x "$1/fl-keygen"
}
