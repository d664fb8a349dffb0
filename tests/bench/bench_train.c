/*
 * Training against its own products, measured in turns in one run:
 *     bench_train [PRESET [VOCAB [B [T [THREADS [ROUNDS]]]]]]
 *
 * A step is everything that fl-train does between two batches: forward, backward, norm, clipping,
 * AdamW. Its products alone are those of the same shapes, cut in the same way, of the model's own
 * matrices, layer by layer, so that caches are as cold: what a step would take if all else were
 * free. Without arguments these are three models, and bf16 where this machine has it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "flt/values.h"
#include "math/gemm.h"
#include "math/products.h"
#include "math/random.h"
#include "nn/adamw.h"
#include "nn/block.h"
#include "nn/engine.h"
#include "nn/preset.h"
#include "os/clock.h"
#include "os/kernel.h"
#include "os/pool.h"

#include "bench.h"
#include "torch.h"

enum { ROUNDS_MAX = 99, SPAN = 64, TILE_ROWS = 256, TILE_COLUMNS = 512, F32 = 0, BF16 = 1 };

struct training {
    struct fl_model *m;
    struct fl_sizes z;
    struct fl_pool *pool;
    struct fl_engine *e[2]; /* f32, and bf16 or NULL */
    bool f32_alone;
    double best[2]; /* tokens a second */
    struct fl_adamw opt;
    struct fl_batch batch;
    uint32_t *ids;
    float *grads, *loss;
};

/* Operands of products: X of rows, after which are LOGITS of a slab; X16 and WEIGHTS16: in bf16. */
struct alone {
    const struct training *t;
    size_t rows, chunk, slab, layer;
    float *x, *y, *logits, *scores;
    uint16_t *x16, *weights16;
    bool bf16, back;
};

/* One product: A rows of activations from AT on, B a matrix, as the engine gives them. */
static void
multiply(const struct alone *p, struct fl_gemm g, const float *a, const float *b, size_t b_at)
{
    if (p->bf16) {
        g.a16 = p->x16 + (a - p->x);
        g.b16 = b ? p->x16 + (b - p->x) : p->weights16 + b_at;
    } else {
        g.a = a;
        g.b = b ? b : (const float *)p->t->m->memory + b_at;
    }
    fl_gemm(&g);
}

/* The offset of the first matrix of KIND in the layer. */
static size_t
matrix_at(const struct alone *p, enum fl_param_kind kind)
{
    const struct fl_layout *t = &p->t->m->layout;

    for (size_t i = 0; i < t->count; i++)
        if (t->params[i].kind == kind && t->params[i].layer == p->layer && !t->params[i].bias)
            return t->params[i].offset;
    return 0;
}

/* N rows from FIRST on through a map forward, or back. */
static void
map_rows(const struct alone *p, size_t at, size_t in, size_t out, size_t first, size_t n, float *y)
{
    struct fl_gemm g = {.m = n, .n = out, .k = in, .lda = in, .ldb = in, .bt = true, .ldc = out};

    if (p->back)
        g = (struct fl_gemm){.m = n, .n = in, .k = out, .lda = out, .ldb = in, .ldc = in};
    g.c = y + first * g.n;
    multiply(p, g, p->x + first * g.k, NULL, at);
}

static void
rows_task(void *arg, size_t i, int worker)
{
    const struct alone *p = arg;
    const struct fl_sizes *z = &p->t->z;
    size_t first = i * p->chunk, n = fl_min(p->rows - first, p->chunk);
    bool gated = z->U > z->F;

    (void)worker;
    map_rows(p, matrix_at(p, FL_PARAM_Q), z->C, z->Q, first, n, p->y);
    map_rows(p, matrix_at(p, FL_PARAM_O), z->HD, z->C, first, n, p->y);
    map_rows(p, matrix_at(p, gated ? FL_PARAM_GATE : FL_PARAM_UP), z->C, z->U, first, n, p->y);
    map_rows(p, matrix_at(p, FL_PARAM_DOWN), z->F, z->C, first, n, p->y);
}

/* Attention is f32 in either precision. */
static void
attention_product(const struct alone *p, struct fl_gemm g, size_t a, size_t b, float *c)
{
    g.a = p->x + a;
    g.b = p->x + b;
    g.c = c;
    fl_gemm(&g);
}

static void
attention_task(void *arg, size_t i, int worker)
{
    const struct alone *p = arg;
    const struct fl_sizes *z = &p->t->z;
    size_t T = p->t->batch.T, at = i / z->K * T * z->Q + i % z->K * z->D, D = z->D, Q = z->Q;
    float *s = p->scores + (size_t)worker * T * SPAN;

    for (size_t h = 0; h < z->H / z->K; h++)
        for (size_t t0 = 0; t0 < T; t0 += SPAN) {
            size_t n = fl_min(T - t0, SPAN), keys = t0 + n, q = at + t0 * Q;
            const struct fl_gemm scores =
                {.m = n, .n = keys, .k = D, .lda = Q, .ldb = Q, .bt = true, .ldc = keys};
            struct fl_gemm mix = {.m = n, .n = D, .k = keys, .a = s, .lda = keys, .ldb = Q};
            struct fl_gemm turned =
                {.m = keys, .n = D, .k = n, .at = true, .lda = keys, .ldb = Q, .keep = true};
            attention_product(p, scores, q, at, s);
            if (p->back)
                attention_product(p, scores, q, at, s);
            mix.b = p->x + at, mix.c = p->y + q, mix.ldc = Q;
            fl_gemm(&mix);
            turned.a = s, turned.b = p->x + q, turned.c = p->y + at, turned.ldc = Q;
            for (int twice = 0; p->back && twice < 2; twice++)
                fl_gemm(&turned);
        }
}

/* A tile of the gradient of a matrix (OUT,IN) over N rows. */
struct gradient {
    const struct alone *p;
    size_t in, out, n;
    const float *dy;
    float *to;
};

static void
gradient_task(void *arg, size_t tile, int worker)
{
    const struct gradient *g = arg;
    size_t across = (g->in + TILE_COLUMNS - 1) / TILE_COLUMNS;
    size_t i = tile / across * TILE_ROWS, j = tile % across * TILE_COLUMNS;

    (void)worker;
    multiply(g->p,
             (struct fl_gemm){.m = fl_min(g->out - i, TILE_ROWS),
                              .n = fl_min(g->in - j, TILE_COLUMNS),
                              .k = g->n,
                              .lda = g->out,
                              .at = true,
                              .ldb = g->in,
                              .keep = true,
                              .c = g->to + i * g->in + j,
                              .ldc = g->in},
             g->dy + i, g->p->x + j, 0);
}

static size_t
tiles_of(const struct gradient *g)
{
    return (g->out + TILE_ROWS - 1) / TILE_ROWS * ((g->in + TILE_COLUMNS - 1) / TILE_COLUMNS);
}

static void
mix(struct alone *p)
{
    const struct fl_sizes *z = &p->t->z;
    float *to = p->t->grads + matrix_at(p, FL_PARAM_Q);
    struct gradient g[] = {{p, z->C, z->U, p->rows, p->x, to},
                           {p, z->F, z->C, p->rows, p->x, to},
                           {p, z->C, z->Q, p->rows, p->x, to},
                           {p, z->HD, z->C, p->rows, p->x, to}};
    struct fl_job jobs[5];

    for (size_t i = 0; i < 4; i++)
        jobs[i] = (struct fl_job){gradient_task, &g[i], tiles_of(&g[i])};
    jobs[4] = (struct fl_job){attention_task, p, p->t->batch.B * z->K};
    fl_pool_run_jobs(p->t->pool, jobs, 5);
}

static void
head_task(void *arg, size_t i, int worker)
{
    struct alone p = *(const struct alone *)arg;
    const struct fl_sizes *z = &p.t->z;
    size_t chunk = fl_min(fl_max((p.slab + 255) / 256 * 16, 32), 512);
    size_t first = i * chunk, n = first < p.slab ? fl_min(p.slab - first, chunk) : 0;

    (void)worker;
    if (!n)
        return;
    p.layer = 0;
    size_t at = matrix_at(&p, z->V && p.t->m->layout.config.tied ? FL_PARAM_EMBED : FL_PARAM_HEAD);
    p.back = false;
    map_rows(&p, at, z->C, z->V, first, n, p.logits);
    p.back = true;
    p.x = p.logits;
    map_rows(&p, at, z->C, z->V, first, n, p.y);
}

/* All products of a step. */
static double
products_seconds(struct alone *p)
{
    const struct training *t = p->t;
    const struct fl_sizes *z = &t->z;
    size_t chunks = (p->rows + p->chunk - 1) / p->chunk;
    double began = fl_seconds();

    p->back = false;
    for (p->layer = 0; p->layer < z->L; p->layer++) {
        fl_pool_run(t->pool, chunks, rows_task, p);
        fl_pool_run(t->pool, t->batch.B * z->K, attention_task, p);
    }
    for (size_t at = 0; at < p->rows; at += p->slab) {
        struct gradient g = {p, z->C, z->V, fl_min(p->rows - at, p->slab), p->logits, t->grads};
        fl_pool_run(t->pool, chunks, head_task, p);
        fl_pool_run(t->pool, tiles_of(&g), gradient_task, &g);
    }
    p->back = true;
    for (p->layer = z->L; p->layer-- > 0;) {
        fl_pool_run(t->pool, chunks, rows_task, p);
        mix(p);
    }
    return fl_seconds() - began;
}

static double
step_seconds(struct training *t, int precision)
{
    double began = fl_seconds();

    if (fl_engine_grad(t->e[precision], t->m->stored, &t->batch,
                       1.0f / (float)(t->batch.B * t->batch.T), t->grads, t->loss))
        return -1;
    double norm = fl_array_norm(t->pool, t->grads, t->m->layout.trained);
    fl_adamw_step(&t->opt, t->m, t->pool, t->grads, fl_clip(norm, 1), 1e-4);
    return fl_seconds() - began;
}

static int
start(struct training *t, const struct fl_config *c)
{
    size_t rows = t->batch.B * t->batch.T;
    struct fl_random r = {.seed = 1};
    int f32 = FL_ENGINE_TRAIN | FL_ENGINE_LEND, bf16 = f32 | FL_ENGINE_BF16;

    t->opt = (struct fl_adamw)FL_ADAMW_INIT;
    t->m = fl_model_new(c);
    if (!t->m || !(t->e[F32] = fl_engine_new(t->m, t->pool, t->batch.B, t->batch.T,
                                             (enum fl_engine_mode)f32)))
        return -1;
    t->z = fl_sizes_of(t->m);
    if (!t->f32_alone && fl_products()->bf16 &&
        !(t->e[BF16] = fl_engine_new(t->m, t->pool, t->batch.B, t->batch.T,
                                     (enum fl_engine_mode)bf16)))
        return -1;
    t->grads = fl_layout_array(&t->m->layout);
    t->loss = fl_alloc(rows, sizeof *t->loss);
    t->ids = fl_alloc(rows + 1, sizeof *t->ids);
    if (!t->grads || !t->loss || !t->ids || fl_adamw_start(&t->opt, &t->m->layout))
        return -1;
    fl_model_init(t->m, 1);
    for (size_t i = 0; i <= rows; i++)
        t->ids[i] = (uint32_t)fl_random_below(&r, c->vocab);
    t->batch.x = t->ids;
    t->batch.y = t->ids + 1;
    return 0;
}

static int
start_alone(struct alone *p, const struct training *t)
{
    const struct fl_sizes *z = &t->z;
    size_t rows = t->batch.B * t->batch.T;
    size_t width = fl_max(fl_max(z->U, z->Q), fl_max(z->F, z->HD));
    size_t slab = fl_min(rows, fl_max((8 << 20) / z->V, 256)), size = rows * width + slab * z->V;

    *p = (struct alone){.t = t, .rows = rows, .slab = slab};
    p->chunk = fl_min(fl_max((rows + 255) / 256 * 16, 32), 512);
    p->x = fl_alloc_aligned(size, sizeof *p->x);
    p->y = fl_alloc_aligned(rows * width, sizeof *p->y);
    p->scores = fl_alloc_aligned((size_t)fl_pool_threads(t->pool) * t->batch.T * SPAN,
                                 sizeof(float));
    p->x16 = fl_alloc_aligned(size, sizeof *p->x16);
    p->weights16 = fl_alloc_aligned(t->m->layout.size, sizeof *p->weights16);
    if (!p->x || !p->y || !p->scores || !p->x16 || !p->weights16)
        return -1;
    p->logits = p->x + rows * width;
    fl_random_normal(1, 1, 0, p->x, size, 1);
    memset(p->y, 0, rows * width * sizeof *p->y);
    fl_values_from_f32(FL_BF16, p->x16, p->x, size);
    fl_values_from_f32(FL_BF16, p->weights16, t->m->memory, t->m->layout.size);
    return 0;
}

static void
end(struct training *t, struct alone *p)
{
    free(p->x), free(p->y), free(p->scores), free(p->x16), free(p->weights16);
    fl_engine_free(t->e[F32]);
    fl_engine_free(t->e[BF16]);
    fl_adamw_release(&t->opt);
    free(t->grads), free(t->loss), free(t->ids);
    fl_model_free(t->m);
    fl_pool_free(t->pool);
}

static void
tell(const struct training *t, const char *preset, const char *what, double seconds)
{
    char text[100];
    double tokens = (double)(t->batch.B * t->batch.T);

    snprintf(text, sizeof text, "train %s, %s: speed", preset, what);
    bench_tell(text, tokens / seconds, "tokens/s");
    snprintf(text, sizeof text, "train %s, %s: a step", preset, what);
    bench_tell(text,
               fl_config_train_flops(&t->m->layout.config, (uint32_t)t->batch.T) * tokens * 1e-9 /
                   seconds,
               "GFLOP/s");
}

static int
want(const char *preset, const char *what, double ratio, double least)
{
    char text[100];

    snprintf(text, sizeof text, "train %s, %s", preset, what);
    return bench_at_least(text, ratio, "ratio", least) ? 0 : 1;
}

/* 0, 1 when a bound is missed, -1. */
static int
measure(const char *preset, struct training *t, int rounds)
{
    double step[2][ROUNDS_MAX], alone[2][ROUNDS_MAX], share[ROUNDS_MAX], faster[ROUNDS_MAX];
    struct alone p;
    size_t n = (size_t)rounds;

    if (start_alone(&p, t))
        return -1;
    for (int i = -1; i < rounds; i++) /* the first is not counted: memory is touched */
        for (int k = F32; k <= BF16 && t->e[k]; k++) {
            int at = i < 0 ? 0 : i;
            p.bf16 = k == BF16;
            alone[k][at] = products_seconds(&p);
            if ((step[k][at] = step_seconds(t, k)) < 0)
                return -1;
            share[at] = alone[F32][at] / step[F32][at];
            faster[at] = step[F32][at] / step[k][at];
        }
    printf("train: preset %s, B %zu, T %zu, %d threads\t%zu\tparameters\t-\t-\n", preset,
           t->batch.B, t->batch.T, fl_pool_threads(t->pool), t->m->layout.size);
    int missed = want(preset, "f32: its products alone, times a step", bench_median(share, n),
                      0.75);
    if (t->e[BF16])
        missed |= want(preset, "bf16: times f32", bench_median(faster, n),
                       fl_kernel_has_amx() ? 2.5 : 1.6);
    double tokens = (double)(t->batch.B * t->batch.T);
    t->best[F32] = t->best[BF16] = tokens / bench_median(step[F32], n);
    tell(t, preset, "f32", bench_median(step[F32], n));
    if (t->e[BF16]) {
        tell(t, preset, "bf16", bench_median(step[BF16], n));
        t->best[BF16] = tokens / bench_median(step[BF16], n);
    }
    end(t, &p);
    return missed;
}

/* Peak memory of a process that takes one step in f32 and nothing else, in MiB; -1: it failed. */
static double
peak_of(const char *preset, uint32_t vocab, const struct fl_batch *batch, int threads)
{
    struct rusage usage;
    int status = 1;

    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        struct fl_config c = {.vocab = vocab};
        struct training t = {.batch = *batch, .f32_alone = true};
        _exit(fl_config_preset(&c, preset) || !(t.pool = fl_pool_new(threads)) || start(&t, &c) ||
              step_seconds(&t, F32) < 0);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child || status)
        return -1;
    return (double)usage.ru_maxrss / 1024;
}

/* Against PyTorch with the same shapes, optimizer, batch and threads: f32, and the best of both. */
static int
compare(const char *preset, uint32_t vocab, const struct fl_batch *b, int threads, double f32,
        double best)
{
    const struct torch_training torch = {preset, vocab, b->B, b->T, threads, 0};
    struct torch_speed wide = torch_speed(&torch, "f32"), half = torch_speed(&torch, "bf16");
    double peak = peak_of(preset, vocab, b, threads);
    char text[100];

    if (!(wide.tokens > 0) || !(half.tokens > 0)) {
        printf("train %s: PyTorch is not installed (python3-torch)\t-\t-\t-\t-\n", preset);
        return 0;
    }
    snprintf(text, sizeof text, "train %s: PyTorch, f32", preset);
    bench_tell(text, wide.tokens, "tokens/s");
    snprintf(text, sizeof text, "train %s: PyTorch, bf16 (autocast)", preset);
    bench_tell(text, half.tokens, "tokens/s");
    int missed = want(preset, "f32: times PyTorch's f32", f32 / wide.tokens, 2);
    missed |= want(preset, "best: times PyTorch's best",
                   best / (wide.tokens > half.tokens ? wide.tokens : half.tokens), 1.5);
    snprintf(text, sizeof text, "train %s, f32: peak of memory, times PyTorch's", preset);
    return missed | !bench_at_most(text, peak < 0 ? 99 : peak / wide.peak, "ratio", 0.5);
}

static int
bench(const char *preset, uint32_t vocab, const struct fl_batch *batch, int threads, int rounds)
{
    struct fl_config c = {.vocab = vocab};
    struct training t = {.batch = *batch};

    if (fl_config_preset(&c, preset) || !(t.pool = fl_pool_new(threads)) || start(&t, &c))
        return -1;
    int result = measure(preset, &t, rounds);
    if (result < 0)
        return -1;
    return result | compare(preset, vocab, batch, threads, t.best[F32], t.best[BF16]);
}

/* What the rows are of. */
static int
tell_machine(void)
{
    const struct fl_products *p = fl_products();

    if (!p)
        return -1;
    printf("train: products of %s %s, processor%s%s%s\t-\t-\t-\t-\n", p->name, p->version,
           fl_kernel_is_wide() ? " avx512" : "", fl_kernel_has_bf16() ? " avx512_bf16" : "",
           fl_kernel_has_amx() ? " amx_bf16" : "");
    fflush(stdout);
    return 0;
}

int
main(int argc, char **argv)
{
    struct fl_batch large = {.B = 4, .T = 256}, small = {.B = 16, .T = 256};
    int result = 0;

    bench_need(tell_machine());
    if (argc > 1) {
        struct fl_batch batch = {.B = argc > 3 ? (size_t)atoi(argv[3]) : 16,
                                 .T = argc > 4 ? (size_t)atoi(argv[4]) : 256};
        int rounds = argc > 6 ? atoi(argv[6]) : 9;
        if (rounds < 1 || rounds > ROUNDS_MAX)
            return 2;
        result = bench(argv[1], argc > 2 ? (uint32_t)atoi(argv[2]) : 4096, &batch,
                       argc > 5 ? atoi(argv[5]) : 0, rounds);
        bench_need(result < 0);
        return result;
    }
    const struct {
        const char *preset;
        uint32_t vocab;
        const struct fl_batch *batch;
        int rounds;
    } all[] = {{"small", 4096, &small, 3},
               {"gpt2-124m", 50257, &large, 3},
               {"smollm2-135m", 49152, &large, 3}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        int got = bench(all[i].preset, all[i].vocab, all[i].batch, 2, all[i].rounds);
        bench_need(got < 0);
        result |= got;
    }
    return result;
}
