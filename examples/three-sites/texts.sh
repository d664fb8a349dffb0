#!/bin/sh
# texts.sh DIR BYTES: three private texts of about BYTES bytes each, DIR/{manuals,book,lexicon}.txt.
#
#   manuals   manual pages of Linux           (Debian package manpages)
#   book      Emma by Jane Austen, of 1815    (r-cran-janeaustenr)
#   lexicon   the Jargon File, a dictionary   (dict-jargon)
#
# Packages are unpacked below DIR, not installed: no root is needed. Where they cannot be had, the
# project's own manual pages, C sources and prose take their place.
set -eu
dir=$1
bytes=$2
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$dir"

# Roff to plain text, well enough to learn from: macros go, their words stay.
plain() {
    sed -e "s/^[.'][A-Za-z\\\\\"]* *//" -e 's/\\f[A-Z(][A-Z]*//g' -e 's/\\-/-/g' -e 's/\\(bu/*/g' \
        -e 's/\\[&|^]//g' -e 's/\\(aq/'"'"'/g' -e 's/\\e/\\/g'
}

# The first data set of an R package, a list of lines: R's serialization, after a length and zlib.
emma() {
    python3 - "$1" <<'PY'
import struct, sys, zlib
data = zlib.decompressobj().decompress(open(sys.argv[1], 'rb').read()[4:])
at = data.index(b'\0\4\0\t')                 # a string: mark, length, bytes
while data[at:at + 4] == b'\0\4\0\t':
    size = max(0, struct.unpack('>i', data[at + 4:at + 8])[0])
    sys.stdout.buffer.write(data[at + 8:at + 8 + size] + b'\n')
    at += 8 + size
PY
}

packages() {
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
    mkdir -p "$dir/packages"
    (cd "$dir/packages" && apt-get download -q manpages r-cran-janeaustenr dict-jargon) \
        >"$dir/packages/log" 2>&1 || return 1
    for deb in "$dir"/packages/*.deb; do
        dpkg-deb -x "$deb" "$dir/packages/root" || return 1
    done
    root=$dir/packages/root
    for page in "$root"/usr/share/man/man[2-8]/*.gz; do
        [ -h "$page" ] || gzip -dc "$page"
        printf '\n\n'
    done | plain >"$dir/manuals.all"
    emma "$root/usr/lib/R/site-library/janeaustenr/data/Rdata.rdb" >"$dir/book.all" || return 1
    gzip -dc <"$root/usr/share/dictd/jargon.dict.dz" >"$dir/lexicon.all"
}

own_texts() {
    project=$here/../..
    cat "$project"/man/*.[157] | plain >"$dir/manuals.all"
    cat "$project"/lib/*/*.[ch] "$project"/cmd/*.c >"$dir/book.all"
    cat "$project"/README.md "$project"/examples/*/README.md "$project"/lib/*/*.h |
        sed 's,^ */*\**,,' >"$dir/lexicon.all"
}

packages || {
    echo "texts.sh: the packages cannot be had; using the project's own pages and sources" >&2
    own_texts
}
for site in manuals book lexicon; do
    # From the middle: beginnings are full of licences and names.
    size=$(wc -c <"$dir/$site.all")
    from=$(((size - bytes) / 2))
    [ "$from" -gt 0 ] || from=0
    tail -c +$((from + 1)) "$dir/$site.all" | head -c "$bytes" | sed "1d;\$d" >"$dir/$site.part"
    [ -s "$dir/$site.part" ]
    mv "$dir/$site.part" "$dir/$site.txt"
    rm "$dir/$site.all"
done
rm -rf "$dir/packages"
