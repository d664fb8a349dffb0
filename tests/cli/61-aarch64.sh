#!/bin/sh
# The same bytes on another processor: programs of aarch64, which an emulator runs, take part in rounds,
# recompute them, and make every object that is made twice to the byte. Unit tests that hold bytes as
# constants run there too.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/published.sh"
masked_round
arm=$top/build/aarch64
what="rounds and vectors on aarch64"

if ! command -v aarch64-linux-gnu-gcc >/dev/null || ! command -v qemu-aarch64-static >/dev/null || [ ! -e "$arm/cc" ]; then
    skip "$what" "no cross compiler, emulator and libraries are here; make aarch64 gets them"
    finish
fi
if [ -n "${SAN:-}${VALGRIND:-}" ]; then
    skip "$what" "they are not built with sanitizers"
    finish
fi
check "they are built" env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C "$top" aarch64

# NAME [ARG...]: the program NAME of aarch64; and a folder to stand before the native ones on PATH
there() {
    _program=$1
    shift
    qemu-aarch64-static "$arm/bin/$_program" "$@"
}
check "the emulator runs them" there fl-info --version
check "  and they are of that processor" sh -c "head -c 20 '$arm/bin/fl-info' | xxd -p | grep -q '^7f454c460201.*b700$'"
mkdir bin
for p in "$arm"/bin/fl-*; do
    printf '#!/bin/sh\nexec qemu-aarch64-static %s "$@"\n' "$p" >"bin/${p##*/}" && chmod +x "bin/${p##*/}"
done
on() {   # here|there command...: with the programs of this processor or that one
    _where=$1
    shift
    # shellcheck disable=SC2030  # on purpose
    ([ "$_where" = here ] || PATH=$work/bin:$PATH; "$@")
}

for t in "$arm"/tests/test_*; do
    check "${t##*/} there" env top="$top" qemu-aarch64-static "$t"
    grep -q '^ok' out && ! grep -q '^not ok' out
    report $? "  with cases, all of them right"
done

# ---- the published round, by programs for which chance is fixed ----
mkdir fixed made
"$arm/cc" -std=c11 -D_GNU_SOURCE -O2 -c -o fixed.o "$top/tests/vectors/fixed.c"
for p in "$arm"/bin/fl-*; do
    "$arm/cc" -static -pthread -Wl,-z,muldefs -o "fixed/${p##*/}.arm" fixed.o "$arm/obj/cmd/${p##*/}.o" "$arm/libfl.a" \
        -lsodium -lzstd -lopenblas -lyaml -lutf8proc -ljansson -lxxhash -lm 2>err || sed 's/^/# /' err
    printf '#!/bin/sh\nexec qemu-aarch64-static "%s" "$@"\n' "$work/fixed/${p##*/}.arm" >"fixed/${p##*/}" &&
        chmod +x "fixed/${p##*/}"
done
fixed() {   # RUN command...
    _run=$1
    shift
    env FIXED="$_run" PATH="$work/fixed:$PATH" "$@"
}
cd made && published
cd "$work" || exit 1

# ---- one model, one text; a whole round of each protection, done twice from the same keys and states ----
printf 'preset: nano\nctx: 32\nchannels: 32\nheads: 2\nffn: 64\n' >c.yaml
fl-init -c c.yaml --seed 1 -o model.flt || exit 1
awk 'BEGIN { for (i = 0; i < 300; i++) print i, i * i, "words" }' >text.txt
fl-harmonize -q -t model.flt -o train.flt text.txt
tensors='tensors:\n  - {match: "*norm*", protect: plain, bits: 21, clip: 0.1}\n  - {match: "*embed*", protect: mask, bits: 10, clip: 0.01}\n  - {match: "*", protect: mask, bits: 16, clip: 0.05}'

both() {   # FILE...: the same in here/ and there/
    for _f in "$@"; do
        check "  $_f is the same" cmp "here/$_f" "there/$_f"
    done
}
twice() {   # WHAT command...: in here/ and there/, by the programs of each
    _about=$1
    shift
    for w in here there; do
        cd "$work/$w" || exit 1
        check "$_about, $w" on $w "$@"
        cd "$work" || exit 1
    done
}
train() { for s in $1; do fl-train -q -m "$2" -p "$3/plan.flt" --steps 2 -b 1 -l 32 --site "$s" -o "$s.upd" ../train.flt || return 1; done; }
turns() { for s in $2; do mask "$1" "$s" "$s.upd" || return 1; done; }

pairwise() { cp ../model.flt . && helpers='' terms="weights: {rule: examples, floor: 0.5, cap: 1, unit: 300}\n$tensors" && federation a b c && plan 1 model.flt && train "a b c" model.flt 1; }
mkdir here && cd here || exit 1
check "a pairwise federation" pairwise
cd "$work" && cp -a here there || exit 1
twice "its turns" turns 1 "a b c"
both 1/up/a.flt 1/up/b.flt 1/up/c.flt
twice "partial sums" fl-aggregate -q -p 1/plan.flt --partial -o 1/sum.flt 1/up/b.flt 1/up/a.flt
twice "the mean" fl-aggregate -q -p 1/plan.flt -o 1/mean.flt 1/up/c.flt 1/sum.flt
twice "the next model" fl-apply -q -m model.flt -p 1/plan.flt -o next.flt 1/mean.flt
both 1/sum.flt 1/mean.flt next.flt
rm -rf here there

# Uploads with a nonce are fresh each time, so sites there and here take turns; all else is made twice.
first() {
    cp ../model.flt . && helpers='a +aux' min_sum=3 terms="replay: [b, aux]\napply: {rule: nesterov, lr: 0.7, momentum: 0.9}\n$tensors" &&
        federation a b c d && plan 1 model.flt && train "a b c d" model.flt 1 && turns 1 "a c" && on there turns 1 "b d"
}
mkdir here && cd here || exit 1
check "a federation with helpers, whose sites are of both processors" first
cd "$work" && cp -a here there || exit 1
twice "the request" ask 1 a b c d
both 1/request.flt 1/sum.flt
ready() { fl-unmask --ready -k aux.key -p 1/plan.flt -o ready.flt 1/request.flt; }
twice "a helper is ready" ready
twice "the answers" answer 1 a aux
both ready.flt 1/answer/a.flt 1/answer/aux.flt
twice "the mean" open_sum 1
twice "the next model" fl-apply -q -m model.flt -p 1/plan.flt --state velocity.flt -o next.flt 1/mean.flt
both 1/mean.flt next.flt velocity.flt
replay() {
    mkdir -p 1/opened
    for p in b aux; do
        fl-aggregate --verify 1 -r roster.yaml -m model.flt --next next.flt -k $p.key -o 1/opened/$p.flt || return 1
    done
}
twice "who is under replay verifies and signs" replay
both 1/opened/b.flt 1/opened/aux.flt
follow() { mv 1/up gone && fl-unmask --advance -q -k a.key -p 1/plan.flt -m model.flt --velocity a.velocity -o own.flt 1; }
twice "a helper follows" follow
both own.flt a.velocity
check "  to the hub's model" cmp here/own.flt there/next.flt
mv here/gone here/1/up && mv there/gone there/1/up
second() { plan 2 next.flt --after 1/mean.flt --velocity velocity.flt; }
twice "the second plan" second
both 2/plan.flt
cd here || exit 1
there fl-aggregate --verify ../there/1 -r roster.yaml -m model.flt --next next.flt >one
fl-aggregate --verify ../there/1 -r roster.yaml -m model.flt --next next.flt >two
check "both verify what was made there, in the same line" cmp one two
cp 1/up/a.flt 1/up/c.flt
status 3 "and there a lie is named too" there fl-aggregate --verify 1 -r roster.yaml
grep -q "^refused.*1/up/c.flt" "$work/out"
report $? "  ..."
cd "$work" || exit 1
finish
