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
for p in fl-round fl-gate; do check "$p is installed" test -x root/usr/bin/$p; done
check "  with pages and completions" test -s root/usr/share/man/man1/fl-round.1 -a -s root/usr/share/man/man1/fl-gate.1 -a \
    -s root/usr/share/bash-completion/completions/fl-round
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
cp -r "$top/lib" "$top/cmd" "$top/man" "$top/tests" "$top/examples" "$top/README.md" "$top/Makefile" copy
check "the layers are in order" "$top/tests/layers" copy
violation() {   # what FILE TEXT: with this line at the end of the file the check fails
    cp "copy/$2" saved 2>/dev/null || : >saved
    printf '%s\n' "$3" >>"copy/$2"
    status 1 "the layer check finds $1" "$top/tests/layers" copy
    grep "^$2:[0-9]*: " out | grep -vq ' note: '
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
violation "a file without a head" lib/base/new.c '#include "base/buf.h"'
violation "a head that says nothing" cmd/fl-new.c '/* fl-new.c */'
violation "a module that is not listed" lib/base/mem.c '#include "nowhere/x.h"'
violation "two files of one name" lib/os/buf.h '/* The same name as base/buf.h. */'
violation "two structs of one tag" lib/os/file.h 'struct fl_buf {'
violation "one that the compiler would not miss" lib/os/file.h 'int fl_not_marked(void);'
violation "a result that is not used" lib/flt/emit.c "$(printf 'static void\nf(struct fl_buf *b)\n{\n    fl_buf_add(b, "x", 1);\n}')"
violation "one that is cast away" lib/flt/emit.c "$(printf 'static void\nf(struct fl_buf *b)\n{\n    (void)fl_buf_add(b, "x", 1);\n}')"
violation "a word that is a riddle, in a comment" lib/base/mem.c '/* What lies behind it. */'
violation "in a message" lib/base/mem.c 'static const char text[] = "what is behind it";'
violation "in a page" man/fl-eval.1 'What lies behind it.'
violation "a page that names a file which went" README.md 'See lib/base/nothing.h.'
violation "a file without a test" lib/base/untested.c '/* Nothing tests what this would be. */'
sed 's/^MODULES *= base os/MODULES = os base/' copy/Makefile >swapped
cp swapped copy/Makefile
status 1 "the layer check finds modules in another order than lib/README.md" "$top/tests/layers" copy
cp "$top/Makefile" copy
check "and is content again" "$top/tests/layers" copy

# The check of the layout finds what it is for (lint runs it on what git lists).
if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
    cp "$top/.clang-format" copy
    cp copy/lib/base/buf.c ok.c && cp "$top/.clang-format" .
    check "clang-format is content" clang-format --dry-run -Werror ok.c
    printf 'int  f( void );\n' >>ok.c
    status 1 "and finds what it is for" clang-format --dry-run -Werror ok.c
else
    skip "the layout" "clang-format 14 is not installed"
fi

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
