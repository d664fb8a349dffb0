#!/bin/sh
# What fl-protocol(7) names under WHAT WATCHES IT is there, and no attack is forgotten by that page; all
# pages name files of tests/ that exist.
. "$(dirname "$0")/lib.sh"
cd "$top" || exit 1

# After the list that says what such a name is.
awk '/^\.Sh/ { on = 0 } /^\.Sh WHAT WATCHES IT/ { ours = 1 } /^\.Ss/ { on = ours } on && sub(/^\.Pa /, "")' \
    man/fl-protocol.7 | tr ' ' '\n' | sort -u >"$work/named"

exists() {   # KIND/NAME[:PART]
    _name=${1#*/} _part=
    case $_name in *:*) _part=${_name#*:} _name=${_name%%:*} ;; esac
    case $1 in
    cli/*) [ -f "tests/cli/$_name.sh" ] ;;
    unit/*) grep -q "RUN(${_part:-test_}" "tests/unit/$_name.c" ;;
    fuzz/*) [ -f "tests/fuzz/$_name.c" ] ;;
    attacks/*) grep -q "^def $_name(" tests/attacks/attempts.py ;;
    # a property of the model, and somewhere a rule without which it does not hold; a fault, that it shows
    model/*:P_*) grep -q "safe  *$_name .* $_part\( \|$\)" tests/model/cases.txt &&
        grep -q "trace .* $_part .*NO_" tests/model/cases.txt ;;
    model/*) grep -q "trace  *$_name .* $_part\( \|$\)" tests/model/cases.txt ;;
    *) false ;;
    esac
}
while read -r name; do
    check "$name" exists "$name"
done <"$work/named"
check "it names some of each kind" [ "$(cut -d / -f 1 "$work/named" | sort -u | tr '\n' ' ')" = "attacks cli fuzz model unit " ]

# Names of attacks, and of those that must succeed.
awk -v all="$work/attacks" -v limits="$work/succeed" '/^@attempt/ { on = 1 } on && /limit=True/ { limit = 1 }
    on && /^def / { sub(/\(.*/, ""); print $2 >all; if (limit) print $2 >limits; on = limit = 0 }' tests/attacks/attempts.py
attacks() { sed -n 's,^attacks/,,p' | sort -u; }
attacks <"$work/named" >"$work/on.page"
awk '/^\.S/ { on = 0 } /^\.Ss Limits/ { on = 1 } on && sub(/^\.Pa /, "")' man/fl-protocol.7 | tr ' ' '\n' | attacks >"$work/limits"
check "every attack is on that page" [ -z "$(sort "$work/attacks" | comm -3 - "$work/on.page")" ]
check "  those that succeed under Limits" [ -z "$(sort "$work/succeed" | comm -23 - "$work/limits")" ]

# Files of tests/ in any page; NN and FILE stand for others.
grep -rhoE '(^|[^a-z/])tests/[a-zA-Z0-9_/.-]*[a-zA-Z0-9_]' README.md man lib/README.md tests/README.md tests/*/README.md examples |
    grep -vE 'NN|FILE|NAME|PROGRAM' | sed 's/^[^t]//' | sort -u >"$work/files"
missing=$(while read -r f; do [ -e "$f" ] || [ -e "$f.sh" ] || echo "$f"; done <"$work/files")
[ -z "$missing" ] || echo "# $missing"
check "files of tests/ that pages name exist" [ -z "$missing" ]

# Words of commands that pages tell to type: make GOAL ... T=WORD runs something.
runs() {   # GOAL WORD
    case $1 in
    check) find tests/unit tests/cli -name "*$2*" | grep -q . ;;
    bench | fuzz) find "tests/$1" -name "$1_*$2*.c" | grep -q . ;;
    model) grep -v '^#' tests/model/cases.txt | grep -q -e "$2" ;;
    esac
}
grep -rhoE 'make (check|bench|fuzz|model)( [A-Z]+=[^ `]*)* T=("[^"]*"|[^ `]*)' README.md tests/README.md tests/*/README.md man |
    sed 's/^make \([a-z]*\).* T=/\1 /; s/"//g' | grep -vE 'NAME|PROPERTY|FILE' | sort -u >"$work/typed"
while read -r goal words; do
    for w in $words; do check "make $goal T=$w runs something" runs "$goal" "$w"; done
done <"$work/typed"
check "  and there are such words" [ "$(wc -l <"$work/typed")" -gt 12 ]
finish
