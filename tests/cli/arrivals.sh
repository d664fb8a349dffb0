# shellcheck shell=sh disable=SC2154 # variables of lib.sh
# Sourced after lib.sh: tables of what fl-aggregate --check reports.
rows() { sed 1d "$work/out" | tr '\t' '|'; }
table() {   # STATUS "what" "rows, FILE|SITE|STATUS|words of the reason" args...
    _status=$1 _about=$2 _rows=$3
    shift 3
    status "$_status" "$_about" fl-aggregate --check "$@"
    cp "$work/err" said
    rows >got
    bad=
    [ "$(head -n 1 "$work/out")" = "file	site	status	reason" ] || bad="header"
    [ "$(wc -l <got)" = "$(echo "$_rows" | wc -l)" ] || bad="$bad $(wc -l <got) rows"
    echo "$_rows" | while IFS='|' read -r _file _site _state _reason; do
        read -r line <&3
        case $line in "$_file|$_site|$_state|"*"$_reason"*) ;; *) echo "# $line, not $_file|$_site|$_state|$_reason" ;; esac
    done 3<got >differ
    cat differ
    [ -z "$bad" ] || echo "# $bad"
    check "  a row each" test -z "$bad" -a ! -s differ
    cp said "$work/err"
}
