/*
 * The hub's part in a round with encrypted tensors by the program that people run: fl-aggregate asks
 * for eight uploads and writes their sum, beside cat of the same files. Uploads are of zeros, which
 * look like any others; 32 bits a value, 3.8 million values. What its parts cost is in bench_cipher.c.
 */
#include <limits.h>
#include <string.h>

#include "bench.h"

enum { TURNS = 5 };

/* A round of a to h, with helpers b and aux, up to the uploads; in an empty folder. */
static const char round_script[] =
    "printf 'preset: nano\\nctx: 64\\nchannels: 256\\nheads: 4\\nlayers: 4\\nffn: 1024\\n' >c.yaml "
    "&&"
    "fl-init -q -c c.yaml --seed 1 -o model.flt &&"
    "for n in a b c d e f g h aux hub; do fl-keygen -n $n -o $n.key >$n.pub || exit; done &&"
    "{ echo 'federation: bench' && echo 'epoch: 1' &&"
    "  echo \"model: $(fl-info --digest model.flt | cut -c 1-64)\" &&"
    "  echo 'sites:' && for n in a b c d e f g h; do echo \"  - $(cat $n.pub)\"; done &&"
    "  echo \"hub: $(cat hub.pub)\" && echo 'protection: helpers' &&"
    "  echo \"helpers: [b, $(cat aux.pub)]\" && echo 'min_sum: 4' &&"
    "  echo 'tensors: [{match: \"*norm*\", protect: mask, bits: 32, clip: 0.02},' &&"
    "  echo '          {match: \"*\", protect: he, bits: 32, clip: 0.02}]' && echo 'he:' &&"
    "  for p in b aux; do echo \"  - $(fl-keygen --he bench -k $p.key)\"; done; } >roster.yaml &&"
    "fl-keygen --show roster.yaml >words &&"
    "for n in a b c d e f g h aux hub; do"
    "  fl-keygen --accept roster.yaml -k $n.key --words words >/dev/null || exit; done &&"
    "for p in b aux; do fl-keygen --he-key 0 -k $p.key -o $p.hekey || exit; done &&"
    "fl-plan -q -r roster.yaml -k hub.key --round 0 -m model.flt --he-keys b.hekey"
    "  --he-keys aux.hekey -o plan.flt &&"
    "for n in a b c d e f g h; do fl-mask -q --zero -k $n.key -p plan.flt -o $n.up || exit; done";

static double
shell(const char *dir, const char *words)
{
    char command[PATH_MAX + sizeof round_script];
    double began = fl_seconds();

    snprintf(command, sizeof command, "cd '%s' && { %s; }", dir, words);
    bench_need(system(command) ? fl_error(FL_FAILED, "a command failed: %s", words) : 0);
    return fl_seconds() - began;
}

int
main(void)
{
    const char *where = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    double add[TURNS], cat[TURNS], ratio[TURNS];
    char dir[PATH_MAX];

    snprintf(dir, sizeof dir, "%s/fl-bench-XXXXXX", where);
    bench_need(!mkdtemp(dir));
    shell(dir, round_script);
    for (int i = 0; i < TURNS; i++) {
        cat[i] = shell(dir, "cat [a-h].up | cat >/dev/null");
        add[i] = shell(dir, "fl-aggregate -q -k hub.key -p plan.flt --request request.flt"
                            " -o sum.flt [a-h].up");
        ratio[i] = cat[i] / add[i];
    }
    shell(dir, "rm -r \"$PWD\"");
    bench_tell("encrypted: eight uploads by fl-aggregate", bench_median(add, TURNS), "s");
    return !bench_at_least("encrypted: fl-aggregate over uploads, times cat | cat",
                           bench_median(ratio, TURNS), "x", 0.7);
}
