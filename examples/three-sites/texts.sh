#!/bin/sh
# texts.sh DIR BYTES [SITE...]: a private text of about BYTES bytes for each site (three to five; north,
# south, west) in DIR/SITE/, and what they are in DIR/about: novels by Jane Austen of 1811 to 1817,
# from the Debian package r-cran-janeaustenr. It is unpacked below DIR, not installed: no root is
# needed. Where it cannot be had, the project's own manual pages, sources and comments take their place.
set -eu
dir=$1
bytes=$2
shift 2
[ $# -gt 0 ] || set -- north south west
here=$(cd "$(dirname "$0")" && pwd)
for site; do mkdir -p "$dir/$site"; done

# One TITLE a line, in the order of the sites, and how they are called.
titles='EMMA
PRIDE AND PREJUDICE
SENSE AND SENSIBILITY
MANSFIELD PARK
Persuasion'
called='Emma, Pride and Prejudice, Sense and Sensibility, Mansfield Park, Persuasion'

# The lines of a novel: one of the package's data sets, each of which stands in its file as a length
# of four bytes and a zlib stream of R's serialization.
novel() {   # FILE TITLE
    python3 - "$@" <<'PY'
import struct, sys, zlib
left, title = open(sys.argv[1], 'rb').read(), sys.argv[2].encode()
while left:
    stream = zlib.decompressobj()
    data = stream.decompress(left[4:])
    left = stream.unused_data
    at = data.find(b'\0\4\0\t')              # a string: mark, length, bytes
    lines = []
    while at >= 0 and data[at:at + 4] == b'\0\4\0\t':
        size = max(0, struct.unpack('>i', data[at + 4:at + 8])[0])
        lines.append(data[at + 8:at + 8 + size])
        at += 8 + size
    if lines and lines[0] == title:
        sys.stdout.buffer.write(b'\n'.join(lines) + b'\n')
        sys.exit()
sys.exit('no novel ' + sys.argv[2])
PY
}

novels() {   # SITE...
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
    mkdir -p "$dir/packages"
    (cd "$dir/packages" && apt-get download -q r-cran-janeaustenr) >"$dir/packages/log" 2>&1 || return 1
    dpkg-deb -x "$dir"/packages/*.deb "$dir/packages/root" || return 1
    data=$dir/packages/root/usr/lib/R/site-library/janeaustenr/data/Rdata.rdb
    number=0
    for site; do
        number=$((number + 1))
        novel "$data" "$(echo "$titles" | sed -n "${number}p")" >"$dir/$site.all" || return 1
    done
    echo "a novel by Jane Austen each: $(echo "$called" | cut -d , -f "1-$#")" >"$dir/about"
}

own_texts() {   # SITE...
    project=$here/../..
    [ -d "$project/lib" ] || {
        echo "texts.sh: the package r-cran-janeaustenr cannot be had; texts of your own, make TEXT=DIR, would be right" >&2
        exit 1
    }
    # Roff to plain text, well enough to learn from: macros go, their words stay.
    sed -e "s/^[.'][A-Za-z\\\\\"]* *//" -e 's/\\f[A-Z(][A-Z]*//g' -e 's/\\-/-/g' -e 's/\\(bu/*/g' \
        -e 's/\\[&|^]//g' -e 's/\\(aq/'"'"'/g' -e 's/\\e/\\/g' "$project"/man/*.[157] >"$dir/$1.all"
    cat "$project"/lib/*/*.c "$project"/cmd/*.c >"$dir/$2.all"
    cat "$project"/README.md "$project"/examples/*/README.md "$project"/lib/*/*.h |
        sed 's,^ */*\**,,' >"$dir/$3.all"
    [ $# -lt 4 ] || cat "$project"/tests/cli/*.sh >"$dir/$4.all"
    [ $# -lt 5 ] || cat "$project"/tests/unit/*.c >"$dir/$5.all"
    echo "the project's pages, sources, comments$([ $# -lt 4 ] || echo ', tests')" >"$dir/about"
}

# A paragraph a line: where lines end is of no use to a model.
paragraphs() {
    awk '{ gsub(/[ \t]+/, " "); sub(/^ /, "") }
        /^[-=*_~]*$/ { if (p != "") print p "\n"; p = ""; next }
        { p = p == "" ? $0 : p " " $0 }
        END { if (p != "") print p }'
}

novels "$@" || own_texts "$@"
for site; do
    # From the middle: beginnings are full of licences and names.
    paragraphs <"$dir/$site.all" >"$dir/$site.lines"
    size=$(wc -c <"$dir/$site.lines")
    from=$(((size - bytes) / 2))
    [ "$from" -gt 0 ] || from=0
    tail -c +$((from + 1)) "$dir/$site.lines" | head -c "$bytes" | sed "1d;\$d" >"$dir/$site/text.txt"
    [ -s "$dir/$site/text.txt" ]
    rm "$dir/$site.all" "$dir/$site.lines"
done
rm -rf "$dir/packages"
