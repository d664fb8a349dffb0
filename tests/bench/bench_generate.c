/*
 * Generation against the machine's own reading of memory, measured in turns in one run:
 *     bench_generate [PRESET [VOCAB [THREADS [ROUNDS]]]]
 *
 * A token costs one pass over the weights, so what it can cost at least is the time in which as
 * many bytes are read: bytes of weights a token, times tokens a second, over bytes a second that
 * all threads read of the same memory when they only add them up. A token is everything that
 * fl-generate does for one, drawing with its usual top-p of 0.95 included; keys and values that are
 * read beside the weights are not counted. Weights in f32 and in bf16.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "math/half.h"
#include "math/random.h"
#include "nn/infer.h"
#include "nn/preset.h"
#include "nn/sample.h"
#include "os/clock.h"
#include "os/pool.h"

#include "bench.h"

enum { CTX = 256, PROMPT = 16, TOKENS = 8, PIECE = 1 << 18, FILLING = 1 << 20, ROUNDS_MAX = 99 };

struct reading {
    const uint64_t *words;
    size_t count;
    uint64_t sum; /* so that nothing is left out */
};

static void
read_task(void *arg, size_t i, int worker)
{
    struct reading *r = arg;
    const uint64_t *p = r->words + i * PIECE;
    size_t n = fl_min(r->count - i * PIECE, PIECE) / 8 * 8;
    uint64_t part[8] = {0};

    (void)worker;
    for (size_t k = 0; k < n; k += 8)
        for (size_t j = 0; j < 8; j++)
            part[j] += p[k + j];
    for (size_t j = 1; j < 8; j++)
        part[0] += part[j];
    if (part[0] == 42) /* hardly ever, and nobody knows when */
        r->sum = part[0];
}

/* Bytes a second. */
static double
read_rate(struct fl_pool *pool, struct reading *r)
{
    double t0 = fl_seconds();

    fl_pool_run(pool, (r->count + PIECE - 1) / PIECE, read_task, r);
    return (double)(r->count * sizeof *r->words) / (fl_seconds() - t0);
}

static void
fill(const struct fl_stored *s, size_t count, const float *numbers)
{
    for (size_t at = 0, n; at < count; at += n) {
        n = fl_min(count - at, FILLING);
        if (s->dtype == FL_BF16)
            fl_f32_to_bf16((uint16_t *)s->data + at, numbers, n);
        else
            memcpy((float *)s->data + at, numbers, n * sizeof *numbers);
    }
}

/* A model of random numbers (FILLING of them, again and again) with its matrices in DTYPE. */
static struct fl_model *
make_model(const struct fl_config *c, enum fl_dtype dtype)
{
    struct fl_model *m = fl_model_table(c);
    float *numbers = fl_alloc(FILLING, sizeof *numbers);

    for (size_t i = 0; m && i < m->layout.count; i++)
        if (m->layout.params[i].rank == 2)
            m->layout.params[i].dtype = m->stored[i].dtype = dtype;
    if (!m || !numbers || fl_model_take_memory(m))
        return NULL;
    fl_random_normal(1, 0, 0, numbers, FILLING, 0.02);
    for (size_t i = 0; i < m->layout.count; i++)
        fill(&m->stored[i], m->layout.params[i].count, numbers);
    free(numbers);
    return m;
}

struct writer {
    struct fl_infer *d;
    struct fl_sampler *s;
    struct fl_random random;
    float *logits;
    uint32_t last;
};

/* Tokens a second. */
static double
write_rate(struct writer *w)
{
    double t0 = fl_seconds();

    for (int i = 0; i < TOKENS; i++) {
        if (fl_infer_length(w->d) == CTX)
            fl_infer_rewind(w->d, PROMPT);
        int64_t id = fl_infer_read(w->d, &w->last, 1, w->logits)
                         ? -1
                         : fl_sampler_choose(w->s, w->logits, fl_random_unit(&w->random));
        bench_need(id < 0);
        w->last = (uint32_t)id;
    }
    return TOKENS / (fl_seconds() - t0);
}

static int
measure(const struct fl_config *c, enum fl_dtype dtype, struct fl_pool *pool, int rounds)
{
    static const struct fl_sampling how = {.temperature = 0.8,
                                           .top_p = 0.95,
                                           .repetition_penalty = 1};
    const char *name = dtype == FL_F32 ? "f32" : "bf16";
    double reads[ROUNDS_MAX], writes[ROUNDS_MAX], ratios[ROUNDS_MAX];
    uint32_t prompt[PROMPT] = {1, 2, 3};
    char what[80];
    struct fl_model *m = make_model(c, dtype);

    bench_need(!m);
    size_t bytes = fl_model_bytes(m);
    struct reading r = {m->memory, bytes / sizeof(uint64_t), 0};
    struct writer w = {.d = fl_infer_new(m, pool, CTX),
                       .s = fl_sampler_new(&how, c->vocab),
                       .logits = fl_alloc(c->vocab, sizeof(float)),
                       .random = {.seed = 1}};
    bench_need(!w.d || !w.s || !w.logits || fl_infer_read(w.d, prompt, PROMPT, w.logits));
    write_rate(&w);
    for (int i = 0; i < rounds; i++) {
        double before = read_rate(pool, &r);
        writes[i] = write_rate(&w);
        double after = read_rate(pool, &r);
        reads[i] = before > after ? before : after;
        ratios[i] = writes[i] * (double)bytes / reads[i];
    }
    double read = bench_median(reads, (size_t)rounds), write = bench_median(writes, (size_t)rounds);
    snprintf(what, sizeof what, "generate: weights in %s", name);
    bench_tell(what, (double)bytes / 1048576, "MiB");
    snprintf(what, sizeof what, "generate: %s, reading of memory", name);
    bench_tell(what, read * 1e-9, "GB/s");
    snprintf(what, sizeof what, "generate: %s, speed", name);
    bench_tell(what, write, "tokens/s");
    snprintf(what, sizeof what, "generate: %s, bytes of weights over bytes that can be read", name);
    int kept = bench_at_least(what, bench_median(ratios, (size_t)rounds), "ratio", 0.7);
    fl_infer_free(w.d);
    fl_sampler_free(w.s);
    free(w.logits);
    fl_model_free(m);
    return kept;
}

int
main(int argc, char **argv)
{
    struct fl_config c = {.vocab = argc > 2 ? (uint32_t)atoi(argv[2]) : 49152};
    struct fl_pool *pool = fl_pool_new(argc > 3 ? atoi(argv[3]) : 0);
    int rounds = argc > 4 ? atoi(argv[4]) : 9;

    if (rounds < 1 || rounds > ROUNDS_MAX)
        return 2;
    bench_need(!pool || fl_config_preset(&c, argc > 1 ? argv[1] : "smollm2-135m"));
    int kept = measure(&c, FL_F32, pool, rounds);
    kept = measure(&c, FL_BF16, pool, rounds) && kept;
    fl_pool_free(pool);
    return !kept;
}
