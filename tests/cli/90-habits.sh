# shellcheck shell=sh
# The habits of every program: help, version, errors of usage, man page, completions, a thin cmd file.
. "$(dirname "$0")/lib.sh"

programs=$(cd "$top/cmd" && ls fl-*.c | sed 's/\.c$//')
check "there are programs" test -n "$programs"

# The long options that --help lists, and the letters.
long_options() { sed -n 's/^  \(-.,\|   \) --\([a-z0-9-]*\).*/\2/p' help; }
letters() { sed -n 's/^  -\(.\), --.*/\1/p' help; }

# PROGRAM: what is wrong with its page, one word a thing.
page_gaps() {
    page=$top/man/$1.1
    [ -e "$page" ] || { echo "no-page"; return; }
    for section in NAME SYNOPSIS DESCRIPTION "EXIT STATUS" EXAMPLES "SEE ALSO"; do
        grep -q "^\.Sh $section\$" "$page" || echo "no-$section"
    done
    for o in $(long_options); do
        grep -qE -- "[ ,]-$o([ ,]|\$)" "$page" || echo "--$o"
    done
    for o in $(letters); do
        grep -qE -- "(Fl|,|Ns) $o([ ,]|\$)" "$page" || echo "-$o"
    done
}

for p in $programs; do
    check "$p --help" "$p" --help
    cp out help
    check "$p --help is on standard output only" test -s help -a ! -s err
    check "$p --help names itself" grep -q "^Usage: $p" help
    check "$p -h is the same" sh -c "$p -h | cmp - help"
    check "$p -V" sh -c "$p -V | grep -qE '^$p [0-9]+\.[0-9]+\.[0-9]+\$'"
    status 2 "$p --no-such-option" "$p" --no-such-option
    says "^$p: there is no option \"--no-such-option\""
    gaps=$(page_gaps "$p" | tr '\n' ' ')
    [ -z "$gaps" ] || echo "# $p.1 lacks: $gaps"
    report $((${#gaps} > 0)) "$p(1) has all sections and options"
    lines=$(wc -l <"$top/cmd/$p.c")
    [ "$lines" -le 250 ] || echo "# $lines lines"
    report $((lines > 250)) "cmd/$p.c has at most 250 lines"
    for s in "bash $p.bash" "zsh _$p" "fish $p.fish"; do
        "$p" --completion "${s% *}" >made
        check "completions/${s#* } is what $p makes" cmp made "$top/completions/${s#* }"
    done
done

# Programs in sh: fl-round has the same habits, and completions by hand; fl-gate, which people do not
# type, has a page.
fl-round --help >help
check "fl-round --help names itself" grep -q "^Usage: fl-round" help
check "fl-round -h is the same" sh -c "fl-round -h | cmp - help"
check "fl-round -V" sh -c "fl-round -V | grep -qE '^fl-round [0-9]+\.[0-9]+\.[0-9]+$'"
gaps=$(page_gaps fl-round | tr '\n' ' ')$(page_gaps fl-gate | grep -v -e '^-' | tr '\n' ' ')
[ -z "$gaps" ] || echo "# fl-round.1, fl-gate.1 lack: $gaps"
report $((${#gaps} > 0)) "fl-round(1) and fl-gate(1) have all sections and options"
for o in $(long_options); do
    for f in fl-round.bash _fl-round fl-round.fish; do
        check "completions/$f has --$o" grep -q -e "$o" "$top/completions/$f"
    done
done
programs="$programs fl-round"

# A shell reads them. In bash they are also asked something.
if command -v bash >/dev/null; then
    for p in $programs; do
        check "bash loads $p.bash" bash -c "set -e; . '$top/completions/$p.bash'; complete -p $p"
    done
    # shellcheck disable=SC2016  # for bash
    check "bash completes an option" bash -c '
        . "$0/completions/fl-info.bash"
        COMP_WORDS=(fl-info --dig) COMP_CWORD=1
        _fl_info
        [ "${COMPREPLY[*]}" = --digest ]' "$top"
    # shellcheck disable=SC2016
    check "and a choice after =" bash -c '
        . "$0/completions/fl-aggregate.bash"
        COMP_WORDS=(fl-aggregate --weights = un) COMP_CWORD=3
        _fl_aggregate
        [ "${COMPREPLY[*]}" = uniform ]
        COMP_WORDS=(fl-aggregate --weights =) COMP_CWORD=2
        _fl_aggregate
        [ "${COMPREPLY[0]}" = examples ]' "$top"
    : >'two words.flt'
    # shellcheck disable=SC2016
    check "and a file name with a space as one" bash -c '
        . "$0/completions/fl-info.bash"
        COMP_WORDS=(fl-info two) COMP_CWORD=1
        _fl_info
        [ "${#COMPREPLY[@]} ${COMPREPLY[0]}" = "1 two words.flt" ]' "$top"
else
    skip "bash completions" "bash is not installed"
fi
if command -v zsh >/dev/null; then
    for p in $programs; do
        check "zsh reads _$p" zsh -n "$top/completions/_$p"
    done
    check "zsh completes an option" zsh -fc "
        fpath=('$top/completions' \$fpath); autoload -Uz compinit && compinit -D -u
        whence -w _fl-info | grep -q function && [ \"\$_comps[fl-info]\" = _fl-info ]"
else
    skip "zsh completions" "zsh is not installed"
fi
if command -v fish >/dev/null; then
    for p in $programs; do
        check "fish loads $p.fish" fish --no-config -c "source '$top/completions/$p.fish'"
        check "without a word" test ! -s err
    done
    check "fish completes an option" sh -c "HOME='$work' fish --no-config -c \"
        source '$top/completions/fl-info.fish'; complete -C 'fl-info --dig'\" | grep -q -- --digest"
else
    skip "fish completions" "fish is not installed"
fi

# Nothing is left over of programs that went.
extra=
for f in "$top"/completions/* "$top"/man/fl-*.1; do
    f=${f##*/}
    p=${f#_}
    p=${p%.*}
    [ -e "$top/cmd/$p.c" ] || [ -x "$top/cmd/$p" ] || extra="$extra $f"
done
[ -z "$extra" ] || echo "# of no program:$extra"
report $((${#extra} > 0)) "every page and completion is of a program"
if command -v mandoc >/dev/null; then
    for f in "$top"/man/*.[157]; do
        check "mandoc reads ${f##*/}" mandoc -T utf8 -W error "$f"
    done
else
    skip "manual pages" "mandoc is not installed"
fi
finish
