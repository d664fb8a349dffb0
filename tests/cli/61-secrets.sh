# shellcheck shell=sh
# No branch, no index and no system call depends on a secret: whole rounds under valgrind, in which
# every secret is marked (tests/secrets/secrets.c); and leaks that are put in are found.
. "$(dirname "$0")/lib.sh"

if ! command -v valgrind >/dev/null || [ ! -e /usr/include/valgrind/memcheck.h ] || [ -n "${SAN:-}" ]; then
    skip "secrets" "valgrind and its headers are needed, and no sanitizers"
    finish
    exit 0
fi

# Of the library that runs on any processor, since valgrind knows not all; without data/ and port/,
# which hold no secrets and take the most time.
modules="base os crypt cli math flt conf text nn priv sec fed"
b=$BUILD/secrets
check "the library is built for it" env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C "$top" PORTABLE=1 \
    BUILD="${b#"$top"/}" MODULES="$modules" "${b#"$top"/}/libfl.a" "${b#"$top"/}/obj/tests/naive/lanes.o"
build() {   # NAME
    wrap=$(sed -n 's/^__wrap_\([a-z_0-9]*\)(.*/-Wl,--wrap=\1/p' "$top/tests/secrets/$1.c" | sort -u)
    # shellcheck disable=SC2086  # words
    ${CC:-cc} -std=c11 -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -I"$top/lib" -O3 -g \
        -ffp-contract=off -fno-math-errno -fno-trapping-math -pthread -o "$1" \
        "$top/tests/secrets/$1.c" "$b/obj/tests/naive/lanes.o" $wrap "$b/libfl.a" \
        -lsodium -lzstd -lopenblas -lyaml -lutf8proc -ljansson -lxxhash -lm
}
check "the test too" build secrets
check "and that of encryption" build ciphers
watch() {   # NAME [LEAK]
    _program=$1 && shift
    valgrind -q --suppressions="$top/tests/secrets/secrets.supp" --error-exitcode=99 "./$_program" "$@"
}
check "nothing depends on a secret" watch secrets
cp out ran
grep '^==' err | sed 's/^/# /' | head -n 20
check "  in rounds that ran" grep -q '^ok .* test_helpers' ran
for leak in branch index compare; do
    status 99 "a leak is found: $leak" watch secrets $leak
done
check "nothing in a ciphertext, a key or a share does" watch ciphers
grep '^==' err | sed 's/^/# /' | head -n 20
for leak in branch index; do
    status 99 "  a leak is found: $leak" watch ciphers $leak
done
finish
