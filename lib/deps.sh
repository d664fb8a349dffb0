#!/bin/sh
# What is needed beside a compiler: "check" compiles one line against the libraries, "install" gets
# them and the one that is a twin in the tests, "tests" gets also the tools with which the tests
# crash, trace and look at the programs. "aarch64 DIR" gets a compiler for that processor and an
# emulator of it, its libraries into DIR/root, which leaves the machine's own packages as they are,
# and writes DIR/cc, which compiles with them.
# "install" gets oneDNN also, without which everything works: it is looked for when a program runs.
# Exit 2 with the one line to run when something is missing and cannot be installed from here; of the
# tools one line is said, as tests without their tool are skipped.
set -u
packages="gcc libc6-dev make libsodium-dev libzstd-dev libopenblas-dev libyaml-dev libpcre2-dev \
libutf8proc-dev libjansson-dev libxxhash-dev zlib1g-dev liblzma-dev libcsv-dev python3 python3-xxhash"
tools="zstd strace mandoc zsh fish xxd bsdutils util-linux procps spin python3-numpy \
openssh-server openssh-client iproute2 nftables libfaketime slurm-wlm munge parallel"
onednn=libdnnl-dev
line="apt-get update && apt-get install -y $packages"

have() {
    command -v "${CC:-cc}" >/dev/null 2>&1 || return 1
    printf '%s\n' '#include <sodium.h>' '#include <zstd.h>' '#include <cblas.h>' '#include <yaml.h>' \
        '#include <utf8proc.h>' '#include <jansson.h>' '#include <xxhash.h>' '#include <zlib.h>' \
        '#include <lzma.h>' \
        'int main(void){return sodium_init()<0;}' |
        "${CC:-cc}" -x c -o /dev/null - -lsodium -lzstd -lopenblas -lyaml -lutf8proc -ljansson \
            -lxxhash -lz -llzma >/dev/null 2>&1
}

have_twin() {
    printf '%s\n' '#define PCRE2_CODE_UNIT_WIDTH 8' '#include <pcre2.h>' '#include <csv.h>' \
        'int main(void){return !pcre2_match_data_create(1, NULL) || csv_error(0);}' |
        "${CC:-cc}" -x c -o /dev/null - -lpcre2-8 -lcsv >/dev/null 2>&1
}

have_python() {
    python3 -c 'import xxhash' 2>/dev/null || /usr/bin/python3 -c 'import xxhash' 2>/dev/null
}

complain() {
    echo "make: a compiler or libraries are missing; as root run:" >&2
    echo "    $line" >&2
    exit 2
}

# get PACKAGE...: by the package manager; 1 when it cannot, and its last words in $log
get() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
        --no-install-recommends "$@"; } >"$log" 2>&1
}

libraries() {
    have && have_python && have_twin && return 0
    # shellcheck disable=SC2086  # a list of words
    { get $packages && have && have_twin; } || { tail -n 5 "$log" >&2; complain; }
}

faster() {
    [ "$(uname -m)" = x86_64 ] || return 0
    for f in /usr/lib/*/libdnnl.so.[23] /usr/local/lib/libdnnl.so.[23] /usr/lib64/libdnnl.so.[23]; do
        [ ! -e "$f" ] || return 0
    done
    get $onednn || echo "make: without oneDNN training may take twice as long; as root run:" \
        "apt-get install -y $onednn" >&2
}

tools() {
    missing=
    for t in zstd strace mandoc zsh fish xxd script prlimit ps spin sshd ip nft sbatch parallel; do
        command -v $t >/dev/null 2>&1 || missing="$missing $t"
    done
    python3 -c 'import numpy' 2>/dev/null || /usr/bin/python3 -c 'import numpy' 2>/dev/null ||
        missing="$missing numpy"
    # shellcheck disable=SC2086  # a list of words
    [ -z "$missing" ] || get $tools || echo "make: without$missing some tests are skipped; for" \
        "all of them, as root run: apt-get install -y $tools" >&2
}

# apt-get as if this machine took packages of aarch64 too; what it remembers of them is in $dir/apt
foreign() {
    mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial" && (cd "$dir/apt" &&
        apt-get -q -o APT::Architectures::=arm64 -o "Dir::State::lists=$dir/apt/lists" \
            -o "Dir::Cache=$dir/apt/cache" "$@") >"$log" 2>&1
}

aarch64() {
    dir=$1
    if ! command -v aarch64-linux-gnu-gcc >/dev/null || ! command -v qemu-aarch64-static >/dev/null; then
        get gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static || return 1
    fi
    [ -e "$dir/cc" ] && return
    # shellcheck disable=SC2046  # a list of words
    foreign update && foreign download $(printf '%s\n' $packages |
        sed -n 's/^libopenblas-dev$/libopenblas-pthread-dev/; s/^z*lib.*-dev$/&:arm64/p' | grep -v libc6) || return 1
    for f in "$dir"/apt/*.deb; do dpkg -x "$f" "$dir/root" || return 1; done
    rm -rf "$dir/apt"
    usr=$dir/root/usr blas=aarch64-linux-gnu/openblas-pthread
    printf '#!/bin/sh\nexec aarch64-linux-gnu-gcc -isystem %s -isystem %s -isystem %s "$@" -L%s -L%s\n' \
        "$usr/include" "$usr/include/aarch64-linux-gnu" "$usr/include/$blas" "$usr/lib/aarch64-linux-gnu" \
        "$usr/lib/$blas" >"$dir/cc.part" && chmod +x "$dir/cc.part" && mv "$dir/cc.part" "$dir/cc"
}

log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT
case ${1-} in
check) have || complain ;;
install) libraries && faster ;;
tests) libraries && faster && tools ;;
aarch64)
    aarch64 "${2:?}" || {
        tail -n 2 "$log" >&2
        echo "make: for programs of aarch64 root gets gcc-aarch64-linux-gnu, libc6-dev-arm64-cross," \
            "qemu-user-static and libraries from Debian; here it cannot" >&2
        exit 2
    }
    ;;
*)
    echo "usage: deps.sh check|install|tests|aarch64 DIR" >&2
    exit 2
    ;;
esac
