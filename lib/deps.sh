#!/bin/sh
# What the build needs beside a compiler: "check" compiles one line against it, "install" gets it.
# Exit 2 with the one line to run when something is missing and cannot be installed from here.
set -u
packages="gcc libc6-dev make libsodium-dev libzstd-dev libopenblas-dev libyaml-dev libpcre2-dev \
libutf8proc-dev libjansson-dev libxxhash-dev python3 python3-xxhash"
line="apt-get update && apt-get install -y $packages"

have() {
    command -v "${CC:-cc}" >/dev/null 2>&1 || return 1
    printf '%s\n' '#include <sodium.h>' '#include <zstd.h>' '#include <cblas.h>' '#include <yaml.h>' \
        '#define PCRE2_CODE_UNIT_WIDTH 8' '#include <pcre2.h>' '#include <utf8proc.h>' \
        '#include <jansson.h>' '#include <xxhash.h>' 'int main(void){return sodium_init()<0;}' |
        "${CC:-cc}" -x c -o /dev/null - -lsodium -lzstd -lopenblas -lyaml -lpcre2-8 -lutf8proc \
            -ljansson -lxxhash >/dev/null 2>&1
}

have_python() {
    python3 -c 'import xxhash' 2>/dev/null || /usr/bin/python3 -c 'import xxhash' 2>/dev/null
}

complain() {
    echo "make: a compiler or libraries are missing; as root run:" >&2
    echo "    $line" >&2
    exit 2
}

case ${1-} in
check)
    have || complain
    ;;
install)
    have && have_python && exit 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then complain; fi
    log=$(mktemp) || exit 2
    # shellcheck disable=SC2086  # a list of words
    if ! { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
        --no-install-recommends $packages; } >"$log" 2>&1 || ! have; then
        tail -n 5 "$log" >&2
        rm -f "$log"
        complain
    fi
    rm -f "$log"
    ;;
*)
    echo "usage: deps.sh check|install" >&2
    exit 2
    ;;
esac
