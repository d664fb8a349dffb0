/*
 * Training in PyTorch, by tests/bench/torch_train.py, in a process of its own: what the same
 * shapes, optimizer, batch and threads take there.
 */
#ifndef FL_BENCH_TORCH_H
#define FL_BENCH_TORCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct torch_training {
    const char *preset;
    uint32_t vocab;
    size_t B, T;
    int threads, rank; /* RANK of adapters beside all maps; 0: all is trained */
};

/* Tokens a second and the peak of memory in MiB; TOKENS 0 where PyTorch is not installed. */
struct torch_speed {
    double tokens, peak;
};

static inline struct torch_speed
torch_speed(const struct torch_training *t, const char *precision)
{
    char command[300], rank[16] = "";
    struct torch_speed s = {0, 0};

    if (t->rank)
        snprintf(rank, sizeof rank, " %d", t->rank);
    snprintf(command, sizeof command,
             "/usr/bin/python3 tests/bench/torch_train.py %s %u %zu %zu %d %s%s", t->preset,
             (unsigned)t->vocab, t->B, t->T, t->threads, precision, rank);
    FILE *out = popen(command, "r");
    if (!out || fscanf(out, "%lf %lf", &s.tokens, &s.peak) != 2)
        s.tokens = 0;
    return out && pclose(out) == 0 ? s : (struct torch_speed){0, 0};
}

#endif
