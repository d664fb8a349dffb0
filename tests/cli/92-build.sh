# shellcheck shell=sh
# The build itself: installing, the check of the layers, a machine without the libraries.
. "$(dirname "$0")/lib.sh"

# As if started by hand: nothing of the make that runs these tests.
fresh_make() {
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C "$top" BUILD="${BUILD#"$top"/}" \
        SAN="${SAN:-}" VALGRIND="${VALGRIND:-}" "$@"
}

check "make install" fresh_make install DESTDIR="$work/root" PREFIX=/usr
cp out installed
for p in "$top"/cmd/fl-*.c; do
    p=$(basename "$p" .c)
    check "$p, its page and completions are installed" test -x root/usr/bin/"$p" -a \
        -s root/usr/share/man/man1/"$p.1" -a -s root/usr/share/bash-completion/completions/"$p" -a \
        -s root/usr/share/zsh/site-functions/_"$p" -a \
        -s root/usr/share/fish/vendor_completions.d/"$p.fish"
done
check "flt(5) is installed" test -s root/usr/share/man/man5/flt.5
check "it says what is where" sh -c "grep -q 'programs *$work/root/usr/bin\$' installed && grep -q 'pages *$work/root/usr/share/man' installed &&
    grep -q '$work/root/usr/share/bash-completion' installed && grep -q 'examples *$work/root/usr/share/doc/fl\$' installed"
check "README and license are installed" sh -c 'cd root/usr/share/doc/fl && test -s README.md -a -s LICENSE'
check "an example can be copied from there and run" sh -c \
    'cp -r root/usr/share/doc/fl/examples/three-sites copied && make -s -C copied help | grep -q ROUNDS= && test -x copied/timed'
check "an installed program runs" root/usr/bin/fl-info --version
check "make uninstall" fresh_make uninstall DESTDIR="$work/root" PREFIX=/usr
check "leaves nothing" test -z "$(find root -type f)$(find root -name fl)"

# One source for the help: every goal that has a rule is in it, and every variable it names is used.
fresh_make help >help
for goal in $(sed -n 's/^\([a-z]*\):.*/\1/p' "$top/Makefile"); do
    case $goal in all) continue ;; esac
    check "make help has $goal" grep -q "^ *make $goal  *[a-z]" help
done
for v in $(grep -o '[A-Z]\{2,\}=' help | sort -u | tr -d =); do
    case $v in OUT | ROUNDS | TEXT | SEED) continue ;; esac   # of the example, asked below
    check "the variable $v of make help is used" grep -Eq "\\$\(([a-z]* )?${v}[:)]|^${v} *[?:]=" "$top/Makefile"
done
make -s -C "$top/examples/three-sites" help >help
for v in $(sed -n 's/^\([A-Z]*\) *?=.*/\1/p' "$top/examples/three-sites/Makefile"); do
    check "the example's help has $v" grep -q "$v=" help
done

# The layer check finds what it is for.
mkdir copy
cp -r "$top/lib" "$top/cmd" "$top/Makefile" copy
check "the layers are in order" "$top/tests/layers" copy
violation() {   # what FILE TEXT: with this line at the end of the file the check fails
    cp "copy/$2" saved 2>/dev/null || : >saved
    printf '%s\n' "$3" >>"copy/$2"
    status 1 "the layer check finds $1" "$top/tests/layers" copy
    grep -q "^$2:[0-9]*: " out
    report $? "and says where"
    if [ -s saved ]; then cp saved "copy/$2"; else rm "copy/$2"; fi
}
violation "an include upward" lib/base/buf.c '#include "flt/reader.h"'
violation "an include of the next layer" lib/os/file.h '#include "crypt/hash.h"'
violation "an include without a module" lib/os/file.c '#include "file.h"'
violation "libsodium outside crypt/" lib/flt/digest.c '#include <sodium.h>'
violation "BLAS outside math/" cmd/fl-info.c '#include <cblas.h>'
violation "a condition outside os/" lib/cli/report.c '#ifdef __linux__'
violation "a print in the library" lib/base/mem.c 'static void f(void) { printf("x"); }'
violation "an exit in the library" lib/os/file.c 'static void f(void) { exit(1); }'
violation "a print to standard error" lib/flt/meta.c 'static void f(void) { fprintf(stderr, "x"); }'
violation "a variable that stays" lib/base/mem.c 'static int count;'
violation "a tab" lib/base/mem.c "$(printf '\tint x;')"
violation "a long line" lib/base/mem.c "/* $(printf '%100s' x) */"
violation "a long file" lib/base/mem.c "$(yes '/* */' | head -n 700)"
violation "a long function" lib/base/mem.c "$(printf 'static void\nf(void)\n{\n'; yes '    ;' | head -n 100; echo '}')"
violation "a module that is not listed" lib/base/mem.c '#include "nowhere/x.h"'
check "and is content again" "$top/tests/layers" copy

# A machine without the libraries: one line to run, status 2. (Its compiler finds no sodium.h.)
printf '#!/bin/sh\nexec cc -nostdinc "$@"\n' >cc-without
chmod +x cc-without
status 2 "make without its libraries" env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C copy \
    BUILD=build CC="$work/cc-without"
check "it says what to run, once" test "$(grep -c 'apt-get install .*libsodium-dev' err)" = 1
check "and compiled nothing" test -z "$(find copy -name '*.o')"
status 2 "and for make check" env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL setpriv --reuid 65534 \
    make -C copy BUILD=build CC="$work/cc-without" check
finish
