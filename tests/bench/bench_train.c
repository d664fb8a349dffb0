/*
 * Training against the machine's own matrix product, measured in turns in one run:
 *     bench_train [PRESET [VOCAB [B [T [THREADS [ROUNDS]]]]]]
 *
 * A step is everything that fl-train does between two batches: forward, backward, norm, clipping,
 * AdamW. Its operations are counted as fl_config_train_flops does, so what is computed twice (the
 * scores of attention, normed rows) is not counted. The product is a square one of 2048, cut into
 * tasks for all threads as the engine's are, or a whole one in each thread: the faster counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/error.h"
#include "base/mem.h"
#include "math/gemm.h"
#include "math/random.h"
#include "nn/adamw.h"
#include "nn/engine.h"
#include "nn/preset.h"
#include "os/clock.h"
#include "os/pool.h"

#include "bench.h"

enum { N = 2048, ROWS = 256, ROUNDS_MAX = 99 };

struct square {
    float *a, *b, *c; /* (N,N), c one for each thread */
};

static void
cut_task(void *arg, size_t i, int worker)
{
    struct square *s = arg;

    (void)worker;
    fl_gemm(&(struct fl_gemm){.m = ROWS,
                              .n = N,
                              .k = N,
                              .a = s->a + i * ROWS * N,
                              .lda = N,
                              .b = s->b,
                              .ldb = N,
                              .bt = true,
                              .c = s->c + i * ROWS * N,
                              .ldc = N});
}

static void
whole_task(void *arg, size_t i, int worker)
{
    struct square *s = arg;

    (void)worker;
    fl_gemm(&(struct fl_gemm){.m = N,
                              .n = N,
                              .k = N,
                              .a = s->a,
                              .lda = N,
                              .b = s->b,
                              .ldb = N,
                              .bt = true,
                              .c = s->c + i * N * N,
                              .ldc = N});
}

/* Operations a second: the better of both ways. */
static double
square_rate(struct fl_pool *pool, struct square *s)
{
    const double flops = 2.0 * N * N * N;
    size_t threads = (size_t)fl_pool_threads(pool);

    double t0 = fl_seconds();
    for (size_t i = 0; i < threads; i++)
        fl_pool_run(pool, N / ROWS, cut_task, s);
    double t1 = fl_seconds();
    fl_pool_run(pool, threads, whole_task, s);
    double t2 = fl_seconds();
    double best = t1 - t0 < t2 - t1 ? t1 - t0 : t2 - t1;
    return flops * (double)threads / best;
}

struct training {
    struct fl_model *m;
    struct fl_engine *e;
    struct fl_adamw opt;
    struct fl_batch batch;
    uint32_t *ids;
    float *grads, *loss;
    double flops; /* of a step */
};

static double
step_rate(struct fl_pool *pool, struct training *t)
{
    double t0 = fl_seconds();

    if (fl_engine_grad(t->e, t->m->stored, &t->batch, 1.0f / (float)(t->batch.B * t->batch.T),
                       t->grads, t->loss))
        return -1;
    double norm = fl_array_norm(pool, t->grads, t->m->layout.trained);
    fl_adamw_step(&t->opt, t->m, pool, t->grads, fl_clip(norm, 1), 1e-3);
    return t->flops / (fl_seconds() - t0);
}

static int
start(struct training *t, struct square *s, struct fl_pool *pool, const struct fl_config *c)
{
    size_t rows = t->batch.B * t->batch.T;
    struct fl_random r = {.seed = 1};

    t->opt = (struct fl_adamw)FL_ADAMW_INIT;
    s->a = fl_alloc_aligned(N * N, sizeof *s->a);
    s->b = fl_alloc_aligned(N * N, sizeof *s->b);
    s->c = fl_alloc_aligned((size_t)fl_pool_threads(pool) * N * N, sizeof *s->c);
    t->m = fl_model_new(c);
    t->e = t->m ? fl_engine_new(t->m, pool, t->batch.B, t->batch.T, FL_ENGINE_TRAIN) : NULL;
    t->grads = t->e ? fl_layout_array(&t->m->layout) : NULL;
    t->loss = fl_alloc(rows, sizeof *t->loss);
    t->ids = fl_alloc(rows + 1, sizeof *t->ids);
    if (!s->a || !s->b || !s->c || !t->grads || !t->loss || !t->ids ||
        fl_adamw_start(&t->opt, &t->m->layout))
        return -1;
    fl_random_normal(1, 1, 0, s->a, N * N, 1);
    fl_random_normal(1, 2, 0, s->b, N * N, 1);
    memset(s->c, 0, (size_t)fl_pool_threads(pool) * N * N * sizeof *s->c);
    fl_model_init(t->m, 1);
    for (size_t i = 0; i <= rows; i++)
        t->ids[i] = (uint32_t)fl_random_below(&r, c->vocab);
    t->batch.x = t->ids;
    t->batch.y = t->ids + 1;
    t->flops = fl_config_train_flops(c, (uint32_t)t->batch.T) * (double)rows;
    return 0;
}

static int
measure(const char *preset, const struct fl_config *c, struct training *t, int threads, int rounds)
{
    struct fl_pool *pool = fl_pool_new(threads);
    struct square s = {0};
    double square[ROUNDS_MAX], train[ROUNDS_MAX], ratio[ROUNDS_MAX];
    struct rusage usage;
    uint64_t bytes;

    if (!pool || start(t, &s, pool, c) || step_rate(pool, t) < 0 ||
        fl_engine_bytes(t->m, fl_pool_threads(pool), t->batch.B, t->batch.T, FL_ENGINE_TRAIN,
                        &bytes))
        return -1;
    square_rate(pool, &s);
    for (int i = 0; i < rounds; i++) {
        double before = square_rate(pool, &s);
        train[i] = step_rate(pool, t);
        double after = square_rate(pool, &s);
        square[i] = before > after ? before : after;
        ratio[i] = train[i] / square[i];
    }
    qsort(square, (size_t)rounds, sizeof *square, bench_order);
    qsort(train, (size_t)rounds, sizeof *train, bench_order);
    qsort(ratio, (size_t)rounds, sizeof *ratio, bench_order);
    getrusage(RUSAGE_SELF, &usage);
    double tokens = (double)(t->batch.B * t->batch.T);
    int mid = rounds / 2;
    printf("train: preset %s, B %zu, T %zu, %d threads\t%zu\tparameters\t-\t-\n", preset,
           t->batch.B, t->batch.T, fl_pool_threads(pool), t->m->layout.size);
    bench_tell("train: sgemm of this machine", square[mid] * 1e-9, "GFLOP/s");
    bench_tell("train: a step", train[mid] * 1e-9, "GFLOP/s");
    bench_tell("train: speed", train[mid] / t->flops * tokens, "tokens/s");
    bench_tell("train: workspace", (double)bytes / 1048576, "MiB");
    bench_tell("train: peak memory", (double)usage.ru_maxrss / 1024, "MiB");
    fl_pool_free(pool);
    return bench_at_least("train: a step, times sgemm", ratio[mid], "ratio", 0.6) ? 0 : 1;
}

int
main(int argc, char **argv)
{
    struct fl_config c = {.vocab = argc > 2 ? (uint32_t)atoi(argv[2]) : 4096};
    const char *preset = argc > 1 ? argv[1] : "small";
    struct training t = {.batch = {.B = argc > 3 ? (size_t)atoi(argv[3]) : 16,
                                   .T = argc > 4 ? (size_t)atoi(argv[4]) : 256}};
    int threads = argc > 5 ? atoi(argv[5]) : 0, rounds = argc > 6 ? atoi(argv[6]) : 9;

    if (rounds < 1 || rounds > ROUNDS_MAX)
        return 2;
    bench_need(fl_config_preset(&c, preset));
    int result = measure(preset, &c, &t, threads, rounds);
    bench_need(result < 0);
    return result;
}
