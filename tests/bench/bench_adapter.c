/*
 * An adapter of rank 8 beside all linear maps of a frozen model against training the whole model,
 * measured in turns in one run; and the memory of each, in a process of its own:
 *     bench_adapter [PRESET [VOCAB [B [T [THREADS [ROUNDS]]]]]]
 *
 * A step is what fl-train does between two batches. The frozen model is in bf16, and in blocks of 8
 * bits; the one that is trained is in f32, as its master weights are, and its gradients are added
 * up, as those of a step of several batches are, so that they lend no memory. Then the adapter on
 * bf16 against one of the same rank in PyTorch.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "crypt/secret.h"
#include "flt/values.h"
#include "math/products.h"
#include "math/random.h"
#include "nn/adamw.h"
#include "nn/engine.h"
#include "nn/preset.h"
#include "os/clock.h"
#include "os/pool.h"

#include "bench.h"
#include "torch.h"

enum { RANK = 8, PIECE = 1 << 15, ROUNDS_MAX = 99 };

static const struct way {
    const char *name;
    enum fl_dtype base; /* of what is frozen; 0: nothing is */
} ways[] = {{"all of it", 0}, {"bf16", FL_BF16}, {"q8_0", FL_Q8_0}};
enum { WAYS = sizeof ways / sizeof *ways };

struct shape {
    const char *preset;
    struct fl_config config;
    size_t B, T;
    int threads;
};

struct training {
    struct fl_adapter adapter;
    struct fl_object *object; /* the adapter's */
    struct fl_model *m;
    struct fl_engine *e;
    struct fl_adamw opt;
    struct fl_batch batch;
    uint32_t *ids;
    float *grads, *loss;
};

static bool
every(const void *arg, unsigned module)
{
    (void)arg;
    return fl_module(module)->count == 1;
}

static int
write_adapter(void *arg, struct fl_writer *w)
{
    const struct fl_meta none = {0};

    return fl_adapter_write_new(arg, &none, 0, w);
}

/* Seeded numbers of all sizes of a model's, a piece at a time in memory. */
static void
fill(struct fl_model *m)
{
    static float piece[PIECE];

    for (size_t i = 0; i < m->layout.count; i++) {
        const struct fl_param *p = &m->layout.params[i];
        const struct fl_stored *to = &m->stored[i];
        for (size_t at = 0, n; at < p->count; at += n) {
            n = p->count - at < PIECE ? p->count - at : PIECE;
            fl_random_normal(1, i, at, piece, n, 0.02);
            fl_values_from_f32(to->dtype, (char *)to->data + fl_dtype_bytes(to->dtype, at), piece,
                               n);
        }
    }
}

/* The frozen part in DTYPE, and the adapter beside it. */
static int
adapt(struct training *t, enum fl_dtype dtype)
{
    for (size_t i = 0; i < t->m->layout.count; i++)
        if (fl_param_narrows(&t->m->layout.params[i]))
            t->m->stored[i].dtype = fl_param_dtype(&t->m->layout.params[i], dtype, FL_F32);
    t->adapter.alpha = 2 * RANK;
    return fl_adapter_make(&t->adapter, &t->m->layout, RANK, every, NULL) ||
                   !(t->object = fl_object_open_made(write_adapter, &t->adapter, "adapter",
                                                     FL_KIND_ADAPTER)) ||
                   fl_model_adapt(t->m, &t->adapter, t->object)
               ? -1
               : 0;
}

static int
start(struct training *t, const struct shape *s, const struct way *way, struct fl_pool *pool)
{
    size_t rows = s->B * s->T;
    struct fl_random r = {.seed = 1};
    /* as fl-train has it on a frozen bf16 base */
    const int narrow = way->base == FL_BF16 && fl_products()->bf16 ? FL_ENGINE_BF16 : 0;

    *t = (struct training){.m = fl_model_table(&s->config), .opt = FL_ADAMW_INIT};
    if (!t->m || (way->base && adapt(t, way->base)) || fl_model_to_train(t->m) ||
        fl_model_take_memory(t->m) ||
        !(t->e = fl_engine_new(t->m, pool, s->B, s->T,
                               (enum fl_engine_mode)(FL_ENGINE_TRAIN | narrow))) ||
        !(t->grads = fl_layout_array(&t->m->layout)) ||
        !(t->loss = fl_alloc(rows, sizeof *t->loss)) ||
        !(t->ids = fl_alloc(rows + 1, sizeof *t->ids)) || fl_adamw_start(&t->opt, &t->m->layout))
        return -1;
    fill(t->m);
    for (size_t i = 0; i <= rows; i++)
        t->ids[i] = (uint32_t)fl_random_below(&r, s->config.vocab);
    t->batch = (struct fl_batch){s->B, s->T, t->ids, t->ids + 1, NULL};
    return 0;
}

static void
end(struct training *t)
{
    fl_engine_free(t->e);
    fl_adamw_release(&t->opt);
    fl_model_free(t->m);
    fl_object_free(t->object);
    fl_adapter_release(&t->adapter);
    free(t->grads), free(t->loss), free(t->ids);
}

/* Seconds of a step; below 0 after an error. */
static double
step(struct training *t, struct fl_pool *pool)
{
    double t0 = fl_seconds();

    if (fl_engine_grad(t->e, t->m->stored, &t->batch, 1.0f / (float)(t->batch.B * t->batch.T),
                       t->grads, t->loss))
        return -1;
    double norm = fl_array_norm(pool, t->grads, t->m->layout.trained);
    fl_adamw_step(&t->opt, t->m, pool, t->grads, fl_clip(norm, 1), 1e-3);
    return fl_seconds() - t0;
}

/* MiB at the peak of a process that takes one step; it ends before this returns. */
static double
peak_of(const struct shape *s, const struct way *way)
{
    struct rusage usage;
    int status;
    pid_t pid = fork();

    if (!pid) {
        struct fl_pool *pool = fl_pool_new(s->threads);
        struct training t;
        bool done = pool && !start(&t, s, way, pool) && step(&t, pool) >= 0;
        if (!done)
            fprintf(stderr, "bench: %s\n", fl_error_text());
        _exit(!done);
    }
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || status)
        return -1;
    return (double)usage.ru_maxrss / 1024;
}

/* What each takes, into PEAK. */
static int
tell_memory(const struct shape *s, double *peak)
{
    char what[80];

    for (int k = 0; k < WAYS; k++) {
        if ((peak[k] = peak_of(s, &ways[k])) < 0)
            return -1;
        snprintf(what, sizeof what, "adapter: memory, %s", ways[k].name);
        bench_tell(what, peak[k], "MiB");
    }
    int kept = bench_at_most("adapter: memory on bf16, times all of it", peak[1] / peak[0], "ratio",
                             0.35);
    return bench_at_most("adapter: memory on q8_0, times bf16", peak[2] / peak[1], "ratio", 1) &&
                   kept
               ? 0
               : 1;
}

/* And what each does in a second, into SPEED. */
static int
tell_speed(const struct shape *s, int rounds, double *speed)
{
    double seconds[WAYS][ROUNDS_MAX], ratio[WAYS][ROUNDS_MAX];
    struct fl_pool *pool = fl_pool_new(s->threads);
    struct training t[WAYS];
    char what[80];

    if (!pool)
        return -1;
    for (int k = 0; k < WAYS; k++)
        if (start(&t[k], s, &ways[k], pool) || step(&t[k], pool) < 0)
            return -1;
    for (int i = 0; i < rounds; i++)
        for (int k = 0; k < WAYS; k++) {
            if ((seconds[k][i] = step(&t[k], pool)) < 0)
                return -1;
            ratio[k][i] = seconds[0][i] / seconds[k][i];
        }
    for (int k = 0; k < WAYS; k++) {
        snprintf(what, sizeof what, "adapter: speed, %s", ways[k].name);
        speed[k] = (double)(s->B * s->T) / bench_median(seconds[k], (size_t)rounds);
        bench_tell(what, speed[k], "tokens/s");
        end(&t[k]);
    }
    fl_pool_free(pool);
    bench_tell("adapter: speed on q8_0, times all of it", bench_median(ratio[2], (size_t)rounds),
               "ratio");
    return bench_at_least("adapter: speed on bf16, times all of it",
                          bench_median(ratio[1], (size_t)rounds), "ratio", 1.3)
               ? 0
               : 1;
}

/* Of PyTorch that of its modes which takes less memory, and that which is faster. */
static int
compare(const struct shape *s, double peak, double speed)
{
    const struct torch_training torch = {s->preset, s->config.vocab, s->B, s->T, s->threads, RANK};
    struct torch_speed wide = torch_speed(&torch, "f32"), half = torch_speed(&torch, "bf16");

    if (!(wide.tokens > 0) || !(half.tokens > 0)) {
        printf("adapter: PyTorch is not installed (python3-torch)\t-\t-\t-\t-\n");
        return 0;
    }
    bench_tell("adapter: PyTorch, its base in bf16", wide.tokens, "tokens/s");
    bench_tell("adapter: PyTorch, its base in bf16: memory", wide.peak, "MiB");
    bench_tell("adapter: PyTorch, bf16 (autocast)", half.tokens, "tokens/s");
    bench_tell("adapter: PyTorch, bf16 (autocast): memory", half.peak, "MiB");
    int kept = bench_at_least("adapter: speed on bf16, times PyTorch's best",
                              speed / fmax(wide.tokens, half.tokens), "ratio", 1.5);
    return bench_at_most("adapter: memory on bf16, times PyTorch's",
                         peak / fmin(wide.peak, half.peak), "ratio", 0.3) &&
                   kept
               ? 0
               : 1;
}

int
main(int argc, char **argv)
{
    struct shape s = {.preset = argc > 1 ? argv[1] : "smollm2-135m",
                      .config = {.vocab = argc > 2 ? (uint32_t)atoi(argv[2]) : 49152},
                      .B = argc > 3 ? (size_t)atoi(argv[3]) : 4,
                      .T = argc > 4 ? (size_t)atoi(argv[4]) : 256,
                      .threads = argc > 5 ? atoi(argv[5]) : 2};
    double peak[WAYS], tokens[WAYS];
    int rounds = argc > 6 ? atoi(argv[6]) : 5;

    if (rounds < 1 || rounds > ROUNDS_MAX)
        return 2;
    bench_need(fl_crypt_init());
    bench_need(fl_config_preset(&s.config, s.preset));
    printf("adapter: preset %s, B %zu, T %zu, rank %d\t%d\trounds\t-\t-\n", s.preset, s.B, s.T,
           RANK, rounds);
    fflush(stdout);
    int memory = tell_memory(&s, peak);
    bench_need(memory < 0);
    int speed = tell_speed(&s, rounds, tokens);
    bench_need(speed < 0);
    return memory | speed | compare(&s, peak[1], tokens[1]);
}
