#!/bin/sh
# texts.sh DIR BYTES SITE...: a text of about BYTES bytes for each site in DIR/SITE/, all of one kind: the
# manual pages of these programs, dealt out a dozen lines at a time; and DIR/public.txt, text of another
# kind, to make a first model of where there is none.
set -eu
dir=$1
bytes=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$dir"

if [ -d "$here/../../lib" ]; then
    cat "$here"/../../man/*.[157] >"$dir/roff"
    cat "$here"/../../lib/*/*.h >"$dir/public.txt"
else
    for page in fl fl-protocol fl-internals flt fl-aggregate fl-apply fl-harmonize fl-info fl-keygen fl-mask fl-plan fl-train; do
        cat "$(man -w "$page")"
    done >"$dir/roff" || {
        echo "texts.sh: the manual pages are not installed; texts of your own, make TEXT=DIR, would be right" >&2
        exit 1
    }
    cat "$here"/../*/* >"$dir/public.txt"
fi

# Roff to plain text, well enough to learn from: macros go, their words stay.
sed -e '/^\.\\"/d' -e "s/^[.'][A-Za-z\\\\\"]* *//" -e 's/\\f[A-Z(][A-Z]*//g' -e 's/\\-/-/g' -e 's/\\(bu/*/g' \
    -e 's/\\[&|^]//g' -e 's/\\(aq/'"'"'/g' -e 's/\\e/\\/g' "$dir/roff" >"$dir/pages"
number=0
for site; do
    mkdir -p "$dir/$site"
    awk -v k=$number -v n=$# 'int((NR - 1) / 12) % n == k { print; if (NR % 12 == 0) print "" }' "$dir/pages" |
        head -c "$bytes" >"$dir/$site/text.txt"
    [ -s "$dir/$site/text.txt" ]
    number=$((number + 1))
done
rm "$dir/roff" "$dir/pages"
