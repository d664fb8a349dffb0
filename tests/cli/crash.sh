# shellcheck shell=sh
# Sourced after federation.sh: a program that is killed, or fails, at any of its calls that write.
# shellcheck disable=SC2154 # variables of lib.sh and federation.sh

# A set of keys and states, as it was; AT is put back from FROM.
keep() {   # TO NAME...: keys and states of these
    rm -rf "$1" && mkdir "$1" || return
    _to=$1
    shift
    for _n in "$@"; do cp "$_n.key" "$_to" && { [ ! -e "$_n.key.state" ] || cp -a "$_n.key.state" "$_to"; } || return; done
}
restore() {   # FROM, or "none": no key at all
    [ "$1" != none ] || { rm -f x.key; return; }
    for _k in "$1"/*.key; do
        _n=${_k##*/}
        rm -rf "$_n" "$_n.state" && cp "$_k" . && { [ ! -e "$_k.state" ] || cp -a "$_k.state" .; } || return
    done
}

# crash "what" EFFECT KEPT COMMAND...: at each of its calls that write. Functions of the caller:
#     again     the same command, to the file "now"; 0 when it ended as it must
#     judge     what left is in "left"; 0 when the state that is here now is as good as any
crash() {
    _what=$1 _effect=$2 _kept=$3
    shift 3
    _bad=0 _died=0
    for _call in $calls; do
        _at=0
        while [ $_at -lt 400 ]; do
            _at=$((_at + 1))
            restore "$_kept" && rm -rf now out.*
            inject "$_call" $_at "$_effect" "$@" >left 2>said
            _code=$?
            hit || break
            _died=$((_died + 1))
            case $_effect in
            error=*)   # one line, unless that is what could not be written; or the call did not matter
                [ $_code = 0 ] || { [ $_code = 1 ] && { [ "$(wc -l <said)" = 1 ] || [ $_call = write ]; }; } ||
                    wrong "exit $_code: $(cat said)"
                ;;
            esac
            judge || wrong "exit $_code, and what left, or the state that is left, is wrong"
            again >now 2>said || wrong "again: $(cat said)"
            cmp -s -n "$(wc -c <left)" left now || wrong "another start was sent before"
            [ -z "$(find . -path ./"$_kept" -prune -o -path ./second -prune -o -name '.*.part' -print)" ] || wrong "a part is left"
        done
        [ $_code = 0 ] || wrong "whole: exit $_code: $(cat said)"
    done
    check "$_what, $_effect: at each of $_died calls" [ $_bad = 0 ]
    check "  (enough of them)" [ $_died -ge "${least:-12}" ]
}
wrong() { _bad=$((_bad + 1)) && echo "# $_call $_at: $1"; }
hit() { grep -q 'INJECTED\|killed by SIGKILL' "$work/traced"; }
calls=$(echo "$writing" | tr , ' ')
kill=signal=KILL
fails=error=EIO

