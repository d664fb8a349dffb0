#!/bin/sh
# Text of files and of the command line cannot act on a terminal, wherever the output goes.
# shellcheck disable=SC2016  # scripts for sh -c
. "$(dirname "$0")/lib.sh"
reports() { python "$top/tests/cli/reports.py" "$@"; }
updates() { python "$top/tests/cli/updates.py" "$@"; }

# Names as an attacker would choose them: colours, the terminal's title, C1, direction, no UTF-8.
# shellcheck disable=SC3003
evil=$(printf 'a\033[31m\033]0;x\007\302\233m\342\200\256\342\201\246\330\234\177\200\377\r\n\tz')
seen='a\x1b[31m\x1b]0;x\x07\u009bm\u202e\u2066\u061c\x7f\x80\xff\x0d\n\tz'
text=$(printf 'a\033[31m\033]0;x\007\302\233m\342\200\256\342\201\246\330\234\177\r\tz') # without what is no UTF-8

# ---- messages: a missing file, an option, a word, by every program ----
bad=
for p in "${FL_BIN:-$BUILD/bin}"/fl-*; do
    for args in "" --no-such -m -t -k -p -r -o --valid --card --checkpoint --words --seed -j; do
        # shellcheck disable=SC2086  # none or one
        timeout 20 "$p" $args "$evil" -o "no/$evil" </dev/null >"$work/out" 2>"$work/err"
        [ $? -le 3 ] && reports safe out err >why 2>&1 || bad="$bad ${p##*/} $args: $(cat why)"
        [ "$(wc -l <"$work/err")" -le 2 ] || bad="$bad ${p##*/} $args: $(wc -l <"$work/err") lines"
    done
done
check "messages of all programs${bad:+:$bad}" [ -z "$bad" ]
status 1 "a missing file" fl-info "$evil"
is "  is named, escaped" "$(cat err)" "fl-info: $seen: cannot open: No such file or directory"
status 2 "an option that there is not" fl-info "--$evil"
cp err said
check "  is named, escaped" grep -qF -e "--$seen" said

# ---- metadata, tensors, sites and names of files, in every report ----
updates make . 2 1
updates edit u0.flt "$evil" "site=t:$text" "name $text=t:$text" "kind=k$text"
cp "$evil" plain.flt
check "a stream with such names" fl-info plain.flt
cp out tsv
check "  can be printed" reports safe tsv
check "  its value, escaped" grep -qF "$(printf 'meta\tsite\ttext\t-\t-\t-\ta')"'\x1b[31m\x1b]0;x\x07\u009bm' tsv
fl-info --json plain.flt >json
check "  in JSON too" reports safe json
check "  which reads back to the same text" python -c '
import json, sys
rows = [json.loads(line) for line in open("json", encoding="utf-8")]
assert next(r for r in rows if r["name"] == "site")["value"] == sys.argv[1], rows
assert rows[0]["name"] == "k" + sys.argv[1]' "$text"
check "a file of such a name" fl-info "$evil"
cp out tsv
check "  in the columns" reports safe tsv
is "  escaped" "$(tail -n 1 tsv | cut -f 9)" "$seen"
is "  after its digest" "$(fl-info --digest "$evil" | cut -c 67-)" "$seen"
fl-info --json --digest "$evil" >json
check "  in JSON: what is no UTF-8 is U+FFFD" python -c '
import json, sys
assert json.load(open("json"))["file"] == sys.argv[1].replace("\udc80", "\ufffd").replace("\udcff", "\ufffd")' "$evil"
updates edit u0.flt site.flt "site=t:$text"
fl-aggregate -o mean.flt site.flt u1.flt 2>said
check "a site that is no name" grep -qF '"a\x1b[31m' said
check "  is escaped" reports safe said
cp u0.flt "u$evil"
fl-aggregate --explain -o mean.flt "u$evil" u1.flt >said
check "fl-aggregate --explain" reports safe said
fl-aggregate --json --explain "u$evil" u1.flt >mean.flt 2>said
check "  in JSON" reports safe said
fl-aggregate -o mean.flt u0.flt "u$evil" 2>said
check "a site that is there twice" grep -qF "u$seen" said
check "  is escaped" reports safe said

fl-init -p nano --seed 1 -o model.flt
cp model.flt "m$evil"
awk 'BEGIN { for (i = 0; i < 3000; i++) print i, i * i; print "bad \377" }' >"t$evil"
fl-harmonize --progress -t "m$evil" --card card -o s.flt "t$evil" 2>said
check "fl-harmonize: warnings and progress" reports safe said
check "  (there is a warning)" grep -qF "t$seen: not UTF-8" said
check "  the card" reports safe card
cp s.flt "s$evil"
fl-eval --progress -m model.flt -b 1 -l 8 --per-file "s$evil" >tsv 2>said
check "fl-eval: report and progress" reports safe tsv said
check "  the report names the file" grep -qF "s$seen" tsv
on_terminal fl-eval -m model.flt -b 1 -l 8 "s$evil" >got
tr '\r' '\n' <got | sed "s/^$(printf '\033')\[K//" >said   # what the program itself writes
check "  progress on a terminal" reports safe said
check "  (there is some)" grep -q "^eval: " said
fl-train -m model.flt --steps 1 -b 1 -l 8 --report "r$evil" -o u.flt "s$evil" 2>said
check "fl-train" reports safe said "r$evil"
fl-train -m model.flt --steps 1 -b 1 -l 8 --site "$text" -o u.flt "s$evil" 2>said
check "  a site that is no name" grep -qF '"a\x1b[31m' said
check "  is escaped" reports safe said

# ---- text that a model writes: as it is, but on a terminal ----
printf 'a\033[31mb\302\233c\342\200\256\td\n\303\251' >prompt
fl-generate -m model.flt -n 0 - <prompt >got
{ cat prompt; echo; } >want
check "fl-generate into a file: bytes as they are" cmp got want
on_terminal fl-generate -m model.flt -n 60 --temperature 1 "$(cat prompt)" </dev/null >got
tr -d '\r' <got >shown   # the terminal's own
check "  on a terminal: escaped" reports safe shown
check "  but for tabs and line feeds" sh -c 'head -n 2 shown | tr "\n" "/" |
    grep -qF "$(printf "a\\\\x1b[31mb\\\\u009bc\\\\u202e\td/\303\251")"'
fl-tokenize -t model.flt prompt >ids
fl-tokenize -t model.flt --decode ids >got
check "fl-tokenize --decode into a file: bytes as they are" cmp got prompt
on_terminal fl-tokenize -t model.flt --decode ids >got
tr -d '\r' <got >shown
check "  on a terminal: escaped" sh -c 'grep -qF "a\\x1b[31mb\\u009bc\\u202e" shown'
check "  all of it" reports safe shown
fl-tokenize -t model.flt --decode --jsonl text ids >json
check "  in JSON" reports safe json
finish
