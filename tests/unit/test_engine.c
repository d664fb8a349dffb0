#include "shape.h"
#include "floats.h"
#include "halves.h"
#include "test.h"

#include <stdint.h>

#include "../naive/decoder.h"
#include "../naive/twin_engine.h"
#include "math/products.h"
#include "math/random.h"
#include "nn/engine.h"
#include "os/pool.h"

struct shape {
    const char *what;
    struct fl_config config;
    size_t B, T;
};

/* vocab, ctx, layers, channels, heads, kv_heads, head_dim, ffn, eps, base, tied; then switches */
static const struct shape shapes[] = {
    {"tied, grouped", {LLAMA(37, 64, 2, 24, 4, 2, 6, 40, 1e-5, 1e4, true)}, 3, 21},
    {"untied, odd T", {LLAMA(50, 64, 3, 16, 2, 2, 8, 24, 1e-6, 500, false)}, 2, 17},
    {"one window, one key head", {LLAMA(40, 128, 1, 12, 6, 1, 10, 20, 1e-3, 1e4, true)}, 1, 101},
    {"one token", {LLAMA(19, 8, 2, 8, 2, 1, 4, 12, 1e-5, 1e4, false)}, 1, 1},
    {"windows of one", {LLAMA(19, 8, 1, 8, 1, 1, 8, 12, 1e-5, 1e4, true)}, 5, 1},
    {"wide, few tokens", {LLAMA(23, 8, 1, 150, 2, 2, 4, 8, 1e-5, 1e4, true)}, 1, 7},
    {"blocks and tiles", {LLAMA(61, 200, 1, 16, 2, 1, 8, 530, 1e-5, 1e4, true)}, 2, 170},
    {"GPT-2",
     {LLAMA(29, 16, 2, 12, 3, 3, 4, 20, 1e-5, 0, true), .norm = FL_NORM_LAYER,
      .act = FL_ACT_GELU_TANH, .positions = FL_POSITIONS_LEARNED, .bias = FL_BIAS_ALL},
     2,
     13},
    {"biases on q, k and v (Qwen2), many-to-one heads",
     {LLAMA(31, 16, 2, 12, 4, 1, 6, 20, 1e-6, 1e6, true), .bias = FL_BIAS_QKV},
     2,
     11},
    {"norms of queries and keys (Qwen3), odd heads",
     {LLAMA(31, 16, 2, 12, 3, 3, 10, 20, 1e-6, 1e6, false), .qk_norm = true},
     2,
     11},
    {"sliding window (Mistral), over spans",
     {LLAMA(31, 150, 2, 12, 4, 2, 6, 20, 1e-5, 1e4, false), .window = 9},
     1,
     140},
    {"window of one token", {LLAMA(23, 8, 1, 8, 2, 1, 4, 12, 1e-5, 1e4, true), .window = 1}, 2, 5},
    {"Llama 3's rotation, of a part of each head",
     {LLAMA(31, 40, 2, 12, 2, 1, 14, 20, 1e-5, 50, true), .rope_dim = 10,
      .rope_scaling = {FL_ROPE_LLAMA3, 8, 1, 4, 16}},
     1,
     33},
    {"linear rotation, layer norm with SwiGLU, biases on o and the feed-forward part",
     {LLAMA(31, 40, 2, 12, 2, 2, 6, 20, 1e-4, 100, true), .norm = FL_NORM_LAYER,
      .rope_scaling = {FL_ROPE_LINEAR, 4, 0, 0, 0}, .bias = FL_BIAS_O | FL_BIAS_FFN},
     2,
     17},
    {"learned positions with RMS norm, exact GELU, odd head",
     {LLAMA(31, 40, 2, 12, 2, 1, 5, 20, 1e-5, 0, false), .act = FL_ACT_GELU,
      .positions = FL_POSITIONS_LEARNED},
     2,
     17},
    {"every switch at once, over tiles and chunks",
     {LLAMA(37, 90, 2, 20, 4, 2, 8, 700, 1e-3, 30, false), .norm = FL_NORM_LAYER,
      .act = FL_ACT_GELU, .rope_dim = 4, .rope_scaling = {FL_ROPE_LLAMA3, 8, 1, 4, 32},
      .bias = FL_BIAS_ALL, .qk_norm = true, .window = 7},
     2,
     85},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* A model with weights large enough to leave the linear range, a batch, and the slow twin's word.
 */
struct bench {
    const struct shape *shape;
    struct fl_model *m;
    double *w, *grads, *loss;
    struct fl_stored *wide; /* W, for the engine in doubles */
    uint32_t *x, *y;
    struct fl_batch batch;
    double scale, sum;
};

static struct naive_batch
naive_of(const struct bench *b)
{
    return (struct naive_batch){b->batch.B, b->batch.T, b->x, b->y, b->scale};
}

static bool
is_gain(const struct fl_param *p)
{
    return p->rank == 1 && !p->bias;
}

static void
begin(struct bench *b, const struct shape *s, int ignored)
{
    size_t rows = s->B * s->T;
    struct fl_random r = {.seed = 11};

    *b = (struct bench){.shape = s, .m = fl_model_new(&s->config), .scale = 1.0 / (double)rows};
    b->w = malloc(b->m->layout.size * sizeof *b->w);
    b->wide = malloc(b->m->layout.count * sizeof *b->wide);
    for (size_t i = 0; i < b->m->layout.count; i++)
        b->wide[i] = (struct fl_stored){b->w + b->m->layout.params[i].offset, FL_F32};
    b->grads = calloc(b->m->layout.size, sizeof *b->grads);
    b->loss = malloc(rows * sizeof *b->loss);
    b->x = malloc(rows * sizeof *b->x);
    b->y = malloc(rows * sizeof *b->y);
    fl_random_normal(5, 0, 0, floats(b->m), b->m->layout.size, 0.35);
    for (size_t i = 0; i < b->m->layout.count; i++)
        for (size_t j = 0; is_gain(&b->m->layout.params[i]) && j < b->m->layout.params[i].count;
             j++)
            floats(b->m)[b->m->layout.params[i].offset + j] += 1;
    for (size_t i = 0; i < b->m->layout.size; i++)
        b->w[i] = floats(b->m)[i];
    for (size_t i = 0; i < rows; i++) {
        b->x[i] = (uint32_t)fl_random_below(&r, s->config.vocab);
        b->y[i] = (uint32_t)fl_random_below(&r, s->config.vocab);
        if (ignored && i % 3 == 1)
            b->y[i] = FL_IGNORE;
    }
    b->batch = (struct fl_batch){s->B, s->T, b->x, b->y, NULL};
    struct naive_batch naive = naive_of(b);
    b->sum = naive_decoder(b->m, b->w, &naive, b->loss, NULL, b->grads);
}

static void
end(struct bench *b)
{
    fl_model_free(b->m);
    free(b->w), free(b->wide), free(b->grads), free(b->loss), free(b->x), free(b->y);
}

/* |got - want| / |want| over one parameter, by Euclidean norms; of a vanishing gradient, absolute.
 */
static double
distance(const struct fl_param *p, const double *got, const double *want)
{
    double d = 0, n = 0;

    for (size_t i = p->offset; i < p->offset + p->count; i++) {
        d += (got[i] - want[i]) * (got[i] - want[i]);
        n += want[i] * want[i];
    }
    return sqrt(n) > 1e-12 ? sqrt(d / n) : sqrt(d);
}

static double
naive_sum(const struct bench *b)
{
    struct naive_batch naive = naive_of(b);

    return naive_decoder(b->m, b->w, &naive, NULL, NULL, NULL) * b->scale;
}

/* Central differences of fourth order along U within a parameter, of the slow twin's loss. */
static double
slope(struct bench *b, const struct fl_param *p, const double *u)
{
    const double h = 2e-4, at[4] = {-2, -1, 1, 2}, factor[4] = {1, -8, 8, -1};
    double sum = 0, *w = b->w + p->offset;

    for (int k = 0; k < 4; k++) {
        for (size_t i = 0; i < p->count; i++)
            w[i] += at[k] * h * u[i];
        sum += factor[k] * naive_sum(b);
        for (size_t i = 0; i < p->count; i++)
            w[i] = floats(b->m)[p->offset + i];
    }
    return sum / (12 * h);
}

/*
 * Every parameter kind of every switch: a random direction, and the direction of the gradient
 * itself. It is the slow twin that is differentiated, so under valgrind one shape will do.
 */
static void
test_finite_differences(void)
{
    for (int s = 0; s < (test_under_valgrind() ? 1 : SHAPES); s++) {
        struct bench b;
        if (shapes[s].config.ffn > 500)
            continue; /* for tiles: nothing new to differentiate */
        begin(&b, &shapes[s], s & 1);
        for (size_t i = 0; i < b.m->layout.count; i++) {
            const struct fl_param *p = &b.m->layout.params[i];
            double *u = malloc(p->count * sizeof *u), norm = 0;
            float *z = malloc(p->count * sizeof *z);
            for (size_t j = 0; j < p->count; j++)
                norm += b.grads[p->offset + j] * b.grads[p->offset + j];
            norm = sqrt(norm);
            for (int k = 0; k < 2 && norm > 1e-10; k++) {
                double want = 0;
                fl_random_normal(9, i, 0, z, p->count, 1 / sqrt((double)p->count));
                for (size_t j = 0; j < p->count; j++) {
                    u[j] = k ? b.grads[p->offset + j] / norm : z[j];
                    want += u[j] * b.grads[p->offset + j];
                }
                double got = slope(&b, p, u), error = fabs(got - want) / norm;
                if (!(error < 1e-6))
                    printf("# %s: %s: relative error %g\n", shapes[s].what, p->name, error);
                CHECK(error < 1e-6);
            }
            free(u), free(z);
        }
        end(&b);
    }
}

/* The engine's own code in doubles agrees with the slow twin to rounding. */
static void
test_twin_in_double(void)
{
    for (int s = 0; s < SHAPES; s++) {
        struct bench b;
        begin(&b, &shapes[s], s & 1);
        size_t rows = b.batch.B * b.batch.T;
        double *grads = calloc(b.m->layout.size, sizeof *grads), *loss = calloc(rows, sizeof *loss);
        struct fl_engine *e = twin_engine_new(b.m, NULL, b.batch.B, b.batch.T, FL_ENGINE_TRAIN);
        CHECK(e && !twin_engine_grad(e, b.wide, &b.batch, b.scale, grads, loss));
        for (size_t i = 0; i < rows; i++)
            CHECK_NEAR(loss[i], b.loss[i], 1e-12);
        for (size_t i = 0; i < b.m->layout.count; i++) {
            double d = distance(&b.m->layout.params[i], grads, b.grads);
            if (!(d < 1e-11))
                printf("# %s: %s: distance %g\n", shapes[s].what, b.m->layout.params[i].name, d);
            CHECK(d < 1e-11);
        }
        twin_engine_free(e);
        free(grads), free(loss);
        end(&b);
    }
}

/* A text read token by token and in pieces gives the slow twin's logits: inference in doubles. */
static void
test_inference_in_double(void)
{
    for (int s = 0; s < SHAPES; s++) {
        struct bench b;
        begin(&b, &shapes[s], 0);
        size_t T = b.batch.T, V = b.m->layout.config.vocab, at = 0;
        double *want = calloc(b.batch.B * T * V, sizeof *want), *got = calloc(V, sizeof *got);
        struct naive_batch naive = naive_of(&b);
        struct fl_model wide = *b.m;
        wide.stored = b.wide;
        struct fl_infer *d = twin_infer_new(&wide, NULL, T);
        naive_decoder(b.m, b.w, &naive, NULL, want, NULL);
        for (size_t n = 1; at < T; n = at % 3 ? 1 : 66) {
            n = T - at < n ? T - at : n;
            CHECK(d && !twin_infer_read(d, b.x + at, n, got));
            at += n;
            for (size_t v = 0; v < V; v++)
                CHECK_NEAR(got[v], want[(at - 1) * V + v], 1e-11);
        }
        twin_infer_free(d);
        free(want), free(got);
        end(&b);
    }
}

/* Freeze what has one of WORDS, which are separated by spaces, in its name. */
static size_t
freeze(struct fl_model *m, const char *words)
{
    size_t floats = 0;
    char word[64];

    for (int n; sscanf(words, "%63s%n", word, &n) == 1; words += n)
        for (size_t i = 0; i < m->layout.count; i++)
            if (strstr(m->layout.params[i].name, word) && !m->layout.params[i].frozen) {
                m->layout.params[i].frozen = true;
                floats += m->layout.params[i].count;
            }
    fl_layout_trainables(&m->layout);
    return floats;
}

/* Would it freeze something of SHAPE, and not all? */
static bool
freezes(const struct shape *shape, const char *words)
{
    struct fl_model *m = fl_model_table(&shape->config);
    size_t floats = freeze(m, words);
    bool some = floats < m->layout.size && (floats || !*words);

    fl_model_free(m);
    return some;
}

static void
frozen(const struct shape *shape, const char *words)
{
    struct bench b;

    begin(&b, shape, 1);
    size_t rows = b.batch.B * b.batch.T, out = freeze(b.m, words);
    float *grads = fl_layout_array(&b.m->layout), *loss = calloc(rows, sizeof *loss);
    struct fl_engine *e = fl_engine_new(b.m, NULL, b.batch.B, b.batch.T, FL_ENGINE_TRAIN);
    CHECK(out > 0 && b.m->layout.trained == b.m->layout.size - out);
    CHECK(e && !fl_engine_grad(e, b.m->stored, &b.batch, (float)b.scale, grads, loss));
    for (size_t i = 0; i < b.m->layout.count; i++) {
        const struct fl_param *p = &b.m->layout.params[i];
        double d = 0, n = 0;
        CHECK(p->frozen == (p->place == FL_UNTRAINED));
        for (size_t j = 0; !p->frozen && j < p->count; j++) {
            double want = b.grads[p->offset + j], error = grads[p->place + j] - want;
            d += error * error, n += want * want;
        }
        if (!(d <= 25e-10 * n + 1e-20))
            printf("# %s frozen: %s: %g of %g\n", words, p->name, sqrt(d), sqrt(n));
        CHECK(d <= 25e-10 * n + 1e-20);
    }
    fl_engine_free(e);
    free(grads), free(loss);
    end(&b);
}

/* What is frozen has no gradient; the others' are right, closed up: maps are cut where need be. */
static void
test_frozen(void)
{
    const struct shape *gated = &shapes[SHAPES - 3]; /* linear rotation, SwiGLU with biases */
    static const char *const sets[] = {"q_proj.weight",
                                       "k_proj.weight",
                                       "v_proj.weight",
                                       "q_proj k_proj.bias",
                                       "bias",
                                       "k_proj.bias v_proj",
                                       "embed_tokens lm_head q_norm",
                                       "norm.weight norm.bias",
                                       "layers.0 o_proj",
                                       "layers.1.mlp k_norm.weight",
                                       "input_layernorm.weight post_attention_layernorm.bias"};

    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        frozen(&shapes[SHAPES - 1], sets[i]);
    frozen(gated, "gate_proj.weight");
    frozen(gated, "up_proj");
    frozen(gated, "gate_proj.bias layers.0.mlp.up_proj.weight");
}

/* Losses and gradients of M's batch in one of the modes, with so many threads. */
static void
gradients(const struct bench *b, const struct fl_model *m, enum fl_engine_mode mode, int threads,
          float *grads, float *loss)
{
    struct fl_pool *pool = fl_pool_new(threads);
    struct fl_engine *e = fl_engine_new(m, pool, b->batch.B, b->batch.T, mode);

    memset(grads, 0, m->layout.trained * sizeof *grads);
    CHECK(e && !fl_engine_grad(e, m->stored, &b->batch, (float)b->scale, grads, loss));
    fl_engine_free(e);
    fl_pool_free(pool);
}

/* |a - b| / |a| */
static double
apart(const float *a, const float *b, size_t n)
{
    double d = 0, sum = 1e-30;

    for (size_t i = 0; i < n; i++) {
        d += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        sum += (double)a[i] * a[i];
    }
    return sqrt(d / sum);
}

/* As far as rounding goes, in any mode and number of threads to the bit; trained alone: at once. */
static void
in_halves(const struct shape *shape, enum fl_dtype dtype, const char *words)
{
    struct bench b;

    begin(&b, shape, 1);
    freeze(b.m, words);
    struct fl_model *h = halves_of(b.m, dtype, true);
    size_t rows = b.batch.B * b.batch.T, n = b.m->layout.trained;
    float *grads[3], *loss[3];
    for (int k = 0; k < 3; k++) {
        grads[k] = fl_layout_array(&b.m->layout);
        loss[k] = calloc(rows, sizeof *loss[k]);
        gradients(&b, k ? h : b.m, k == 2 ? FL_ENGINE_RECOMPUTE : FL_ENGINE_TRAIN, k == 2 ? 3 : 1,
                  grads[k], loss[k]);
    }
    CHECK(!memcmp(loss[1], loss[2], rows * sizeof *loss[1]));
    CHECK(!memcmp(grads[1], grads[2], n * sizeof *grads[1]));
    CHECK(apart(loss[0], loss[1], rows) < 1e-6 && apart(grads[0], grads[1], n) < 1e-5);
    if (!*words) /* masters of everything: the same computation */
        CHECK(!memcmp(loss[0], loss[1], rows * sizeof *loss[0]) &&
              !memcmp(grads[0], grads[1], n * sizeof *grads[0]));
    else
        CHECK(n < b.m->layout.size && fl_model_bytes(h) < fl_model_bytes(b.m));
    for (int k = 0; k < 3; k++)
        free(grads[k]), free(loss[k]);
    fl_model_free(h);
    end(&b);
}

/* What is frozen is in halves; maps of q, k and v, of gate and up, are cut where that changes. */
static void
test_halves(void)
{
    static const char *const sets[] = {"",
                                       "proj.weight embed lm_head",
                                       "k_proj.weight",
                                       "q_proj v_proj o_proj",
                                       "up_proj layers.0.mlp.down_proj",
                                       "gate_proj embed",
                                       "lm_head",
                                       "layers"};

    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        for (int s = 0; s < SHAPES; s++)
            if (freezes(&shapes[s], sets[i]))
                in_halves(&shapes[s], i & 1 ? FL_BF16 : FL_F16, sets[i]);
}

/* Logits of a model as it is stored. */
static void
test_stored(void)
{
    for (int s = 0; s < SHAPES; s++) {
        struct bench b;
        begin(&b, &shapes[s], 0);
        struct fl_model *h = halves(b.m, s % 3 ? s % 3 == 1 ? FL_F16 : FL_BF16 : FL_Q8_0);
        size_t n = b.batch.B * b.batch.T * b.m->layout.config.vocab;
        float *logits[2];
        for (int k = 0; k < 2; k++) {
            const struct fl_model *m = k ? h : b.m;
            struct fl_engine *e = fl_engine_new(m, NULL, b.batch.B, b.batch.T, FL_ENGINE_SCORE);
            logits[k] = calloc(n, sizeof *logits[k]);
            CHECK(e && !fl_engine_logits(e, m->stored, &b.batch, logits[k]));
            fl_engine_free(e);
        }
        CHECK(apart(logits[0], logits[1], n) < 1e-6);
        free(logits[0]), free(logits[1]);
        fl_model_free(h);
        end(&b);
    }
}

/* Of each layer only its input is kept: less memory, the same bytes, for any threads. */
static void
test_recompute(void)
{
    for (int s = 0; s < SHAPES; s++) {
        struct bench b;
        begin(&b, &shapes[s], s & 1);
        size_t rows = b.batch.B * b.batch.T, n = b.m->layout.size;
        float *want = fl_layout_array(&b.m->layout), *got = fl_layout_array(&b.m->layout);
        float *loss = calloc(rows, sizeof *loss), *same = calloc(rows, sizeof *same);
        uint64_t kept = 0, less = 0;
        gradients(&b, b.m, FL_ENGINE_TRAIN, 1, want, loss);
        for (int threads = 1; threads <= 3; threads++) {
            gradients(&b, b.m, FL_ENGINE_RECOMPUTE, threads, got, same);
            CHECK(!memcmp(want, got, n * sizeof *want));
            CHECK(!memcmp(loss, same, rows * sizeof *loss));
        }
        CHECK(!fl_engine_bytes(b.m, 1, b.batch.B, b.batch.T, FL_ENGINE_TRAIN, &kept));
        CHECK(!fl_engine_bytes(b.m, 1, b.batch.B, b.batch.T, FL_ENGINE_RECOMPUTE, &less));
        CHECK(b.m->layout.config.layers > 2 ? less < kept : less <= kept + 4096);
        free(want), free(got), free(loss), free(same);
        end(&b);
    }
}

/* Whatever mode it is beside, for any threads, however often, with a measurement between. */
static void
lent_beside(const struct bench *b, int mode)
{
    const struct fl_batch *batch = &b->batch;
    const enum fl_engine_mode lend = (enum fl_engine_mode)(mode | FL_ENGINE_LEND);
    size_t rows = batch->B * batch->T, n = b->m->layout.trained;
    float *want = fl_layout_array(&b->m->layout), *got = fl_layout_array(&b->m->layout);
    float *loss = calloc(rows, sizeof *loss), *same = calloc(rows, sizeof *same);
    float *zeros = fl_layout_array(&b->m->layout);

    gradients(b, b->m, (enum fl_engine_mode)mode, 1, want, loss);
    for (int threads = 1; threads <= 3; threads++) {
        struct fl_pool *pool = fl_pool_new(threads);
        struct fl_engine *e = fl_engine_new(b->m, pool, batch->B, batch->T, lend);
        for (int k = 0; k < 3; k++) {
            memset(got, 0, n * sizeof *got);
            memset(same, 0, rows * sizeof *same);
            CHECK(e &&
                  (k == 1 ? !fl_engine_loss(e, b->m->stored, batch, same, NULL)
                          : !fl_engine_grad(e, b->m->stored, batch, (float)b->scale, got, same)));
            CHECK(!memcmp(k == 1 ? zeros : want, got, n * sizeof *got));
            CHECK(!memcmp(loss, same, rows * sizeof *loss));
        }
        fl_engine_free(e);
        fl_pool_free(pool);
    }
    free(want), free(got), free(zeros), free(loss), free(same);
}

static uint64_t
bytes_of(const struct bench *b, int mode)
{
    uint64_t bytes = 0;

    CHECK(!fl_engine_bytes(b->m, 1, b->batch.B, b->batch.T, (enum fl_engine_mode)mode, &bytes));
    return bytes;
}

/* What layers keep lies in the gradients of earlier ones: the same bytes in less memory. */
static void
lent(const struct shape *shape, const char *words, size_t layers)
{
    struct bench b;

    begin(&b, shape, 1);
    freeze(b.m, words);
    size_t inputs = layers * b.batch.B * b.batch.T * shape->config.channels * sizeof(float);
    uint64_t less = bytes_of(&b, FL_ENGINE_TRAIN | FL_ENGINE_LEND);
    lent_beside(&b, FL_ENGINE_TRAIN);
    lent_beside(&b, FL_ENGINE_RECOMPUTE);
    if (fl_products()->bf16)
        lent_beside(&b, FL_ENGINE_TRAIN | FL_ENGINE_BF16);
    /* of a layer its input, its queries, what attention gave, the middle, and more */
    CHECK(less + 4 * inputs < bytes_of(&b, FL_ENGINE_TRAIN));
    end(&b);
}

static void
test_lent(void)
{
    static const struct shape deep[] =
        {{"tied", {LLAMA(37, 64, 6, 24, 4, 2, 6, 40, 1e-5, 1e4, true)}, 1, 7},
         {"untied", {LLAMA(200, 64, 5, 16, 2, 2, 8, 24, 1e-6, 500, false)}, 2, 5},
         {"GPT-2",
          {LLAMA(29, 16, 6, 12, 3, 3, 4, 64, 1e-5, 0, true), .norm = FL_NORM_LAYER,
           .act = FL_ACT_GELU_TANH, .positions = FL_POSITIONS_LEARNED, .bias = FL_BIAS_ALL},
          1,
          9},
         {"norms of queries",
          {LLAMA(31, 16, 4, 12, 3, 3, 10, 20, 1e-6, 1e6, false), .qk_norm = true},
          1,
          6}};

    for (size_t s = 0; s < sizeof deep / sizeof *deep; s++) {
        lent(&deep[s], "", deep[s].config.layers - 1);
        lent(&deep[s], "layers.1 layers.3.mlp", 1);
        lent(&deep[s], "embed_tokens k_proj", 1);
    }
}

static void
compare_float(const struct bench *b, const float *loss, const float *grads)
{
    double *wide = malloc(b->m->layout.size * sizeof *wide);

    for (size_t i = 0; i < b->batch.B * b->batch.T; i++)
        CHECK_NEAR(loss[i], b->loss[i], 3e-5);
    for (size_t i = 0; i < b->m->layout.size; i++)
        wide[i] = grads[i];
    for (size_t i = 0; i < b->m->layout.count; i++) {
        double d = distance(&b->m->layout.params[i], wide, b->grads);
        if (!(d < 5e-5))
            printf("# %s: %s: distance %g\n", b->shape->what, b->m->layout.params[i].name, d);
        CHECK(d < 5e-5);
    }
    free(wide);
}

/* Losses and gradients in f32 against the slow twin, for one and three threads to the bit. */
static void
test_against_naive(void)
{
    for (int s = 0; s < SHAPES; s++) {
        struct bench b;
        begin(&b, &shapes[s], s & 1);
        size_t rows = b.batch.B * b.batch.T;
        float *grads[2], *loss[2], *score = calloc(rows, sizeof *score);
        for (int k = 0; k < 2; k++) {
            struct fl_pool *pool = fl_pool_new(k ? 3 : 1);
            struct fl_engine *e = fl_engine_new(b.m, pool, b.batch.B, b.batch.T, FL_ENGINE_TRAIN);
            grads[k] = fl_layout_array(&b.m->layout);
            loss[k] = calloc(rows, sizeof *loss[k]);
            CHECK(e &&
                  !fl_engine_grad(e, b.m->stored, &b.batch, (float)b.scale, grads[k], loss[k]));
            fl_engine_free(e);
            fl_pool_free(pool);
        }
        compare_float(&b, loss[0], grads[0]);
        CHECK(!memcmp(loss[0], loss[1], rows * sizeof *loss[0]));
        CHECK(!memcmp(grads[0], grads[1], b.m->layout.size * sizeof *grads[0]));
        struct fl_engine *e = fl_engine_new(b.m, NULL, b.batch.B, b.batch.T, FL_ENGINE_SCORE);
        CHECK(e && !fl_engine_loss(e, b.m->stored, &b.batch, score, NULL));
        CHECK(!memcmp(loss[0], score, rows * sizeof *score));
        fl_engine_free(e);
        for (int k = 0; k < 2; k++)
            free(grads[k]), free(loss[k]);
        free(score);
        end(&b);
    }
}

/* More rows than one slab of logits, a vocabulary over many tiles. */
static void
test_slabs(void)
{
    static const struct shape s = {"slabs",
                                   {LLAMA(16501, 300, 1, 4, 1, 1, 4, 12, 1e-5, 1e4, true)},
                                   2,
                                   261};
    struct bench b;

    begin(&b, &s, 1);
    float *grads = fl_layout_array(&b.m->layout), *loss = calloc(522, sizeof *loss);
    struct fl_engine *e = fl_engine_new(b.m, NULL, 2, 261, FL_ENGINE_TRAIN);
    CHECK(e && !fl_engine_grad(e, b.m->stored, &b.batch, (float)b.scale, grads, loss));
    compare_float(&b, loss, grads);
    fl_engine_free(e);
    free(grads), free(loss);
    end(&b);
}

/* A workspace takes smaller batches, gradients add up, and logits give the losses. */
static void
test_reuse(void)
{
    struct bench b;
    begin(&b, &shapes[0], 0);
    size_t rows = b.batch.B * b.batch.T, V = b.m->layout.config.vocab;
    struct fl_pool *pool = fl_pool_new(2);
    struct fl_engine *e = fl_engine_new(b.m, pool, 7, 30, FL_ENGINE_TRAIN);
    float *grads = fl_layout_array(&b.m->layout), *loss = calloc(7 * 30, sizeof *loss);
    float *logits = malloc(rows * V * sizeof *logits);
    uint32_t *best = malloc(rows * sizeof *best);

    for (size_t i = 0; i < b.batch.B; i++) {
        struct fl_batch one = {1, b.batch.T, b.x + i * b.batch.T, b.y + i * b.batch.T, NULL};
        CHECK(!fl_engine_grad(e, b.m->stored, &one, (float)b.scale, grads, loss + i * b.batch.T));
    }
    compare_float(&b, loss, grads);
    CHECK(!fl_engine_logits(e, b.m->stored, &b.batch, logits));
    CHECK(!fl_engine_loss(e, b.m->stored, &b.batch, loss, best));
    for (size_t i = 0; i < rows; i++) {
        const float *row = logits + i * V;
        double sum = 0, top = row[0];
        for (size_t v = 0; v < V; v++) {
            sum += exp(row[v]);
            top = row[v] > top ? row[v] : top;
        }
        CHECK_NEAR(loss[i], log(sum) - row[b.y[i]], 1e-5);
        CHECK(row[best[i]] == top);
    }
    fl_engine_free(e);
    fl_pool_free(pool);
    free(grads), free(loss), free(logits), free(best);
    end(&b);
}

static void
test_refusals(void)
{
    struct bench b;
    begin(&b, &shapes[0], 0);
    struct fl_engine *e = fl_engine_new(b.m, NULL, 3, 21, FL_ENGINE_SCORE);
    float loss[64];
    struct fl_batch wide = b.batch, tall = b.batch;

    wide.T = 22, tall.B = 4;
    CHECK(fl_engine_loss(e, b.m->stored, &wide, loss, NULL) == -1);
    CHECK(fl_engine_loss(e, b.m->stored, &tall, loss, NULL) == -1);
    CHECK(fl_engine_grad(e, b.m->stored, &b.batch, 1, floats(b.m), loss) == -1);
    b.x[40] = 37;
    CHECK(fl_engine_loss(e, b.m->stored, &b.batch, loss, NULL) == -1);
    CHECK(strstr(fl_error_text(), "token 37"));
    b.x[40] = FL_IGNORE;
    CHECK(fl_engine_loss(e, b.m->stored, &b.batch, loss, NULL) == -1);
    b.x[40] = 0;
    b.y[3] = 37;
    CHECK(fl_engine_loss(e, b.m->stored, &b.batch, loss, NULL) == -1);
    fl_engine_free(e);
    CHECK(!fl_engine_new(b.m, NULL, 1, 65, FL_ENGINE_SCORE));
    CHECK(!fl_engine_new(b.m, NULL, 0, 4, FL_ENGINE_SCORE));
    CHECK(!fl_engine_new(b.m, NULL, SIZE_MAX / 2, 4, FL_ENGINE_SCORE));
    uint64_t bytes = 0;
    CHECK(!fl_engine_bytes(b.m, 2, 3, 21, FL_ENGINE_TRAIN, &bytes) && bytes > 100000);
    end(&b);
}

/* Losses and gradients of rows FIRST to FIRST + N - 1 of one window, alone or with START. */
static void
grad_of(const struct fl_model *m, const uint32_t *x, const uint32_t *y, const uint32_t *start,
        size_t n, float *grads, float *loss)
{
    struct fl_engine *e = fl_engine_new(m, NULL, 1, n, FL_ENGINE_TRAIN);
    const struct fl_batch batch = {1, n, x, y, start};

    CHECK(e && !fl_engine_grad(e, m->stored, &batch, 0.1F, grads, loss));
    fl_engine_free(e);
}

/* Documents in one window that do not see each other are what they are in windows of their own. */
static void
test_documents(void)
{
    static const size_t lengths[] = {1, 70, 9, 2, 83};
    static const struct fl_config configs[] =
        {{LLAMA(29, 200, 2, 12, 3, 3, 4, 20, 1e-5, 0, true), .norm = FL_NORM_LAYER,
          .act = FL_ACT_GELU_TANH, .positions = FL_POSITIONS_LEARNED, .bias = FL_BIAS_ALL},
         {LLAMA(31, 200, 2, 12, 4, 2, 6, 20, 1e-5, 1e4, false), .window = 9},
         {LLAMA(31, 200, 2, 12, 4, 1, 6, 20, 1e-5, 1e4, true)}};
    enum { T = 165 };
    struct fl_random r = {.seed = 3};
    uint32_t x[T], y[T], start[T];
    float loss[T], apart[T];

    for (size_t k = 0; k < 3; k++) {
        struct fl_model *m = fl_model_new(&configs[k]);
        fl_random_normal(7, 0, 0, floats(m), m->layout.size, 0.3);
        float *grads = fl_layout_array(&m->layout), *sum = fl_layout_array(&m->layout);
        for (size_t i = 0; i < T; i++) {
            x[i] = (uint32_t)fl_random_below(&r, 29);
            y[i] = (uint32_t)fl_random_below(&r, 29);
        }
        for (size_t d = 0, at = 0; d < 5; at += lengths[d++]) {
            grad_of(m, x + at, y + at, NULL, lengths[d], sum, apart + at);
            for (size_t i = 0; i < lengths[d]; i++)
                start[at + i] = (uint32_t)at;
        }
        grad_of(m, x, y, start, T, grads, loss);
        double most = 0, d = 0, n = 0;
        for (size_t i = 0; i < T; i++)
            most = fmax(most, fabs((double)loss[i] - apart[i]));
        for (size_t i = 0; i < m->layout.size; i++) {
            d += ((double)grads[i] - sum[i]) * ((double)grads[i] - sum[i]);
            n += (double)sum[i] * sum[i];
        }
        CHECK(most < 2e-5);
        CHECK(n > 0 && sqrt(d / n) < 1e-5);
        fl_model_free(m);
        free(grads), free(sum);
    }
}

int
main(void)
{
    RUN(test_finite_differences);
    RUN(test_twin_in_double);
    RUN(test_inference_in_double);
    RUN(test_frozen);
    RUN(test_halves);
    RUN(test_stored);
    RUN(test_recompute);
    RUN(test_lent);
    RUN(test_against_naive);
    RUN(test_slabs);
    RUN(test_reuse);
    RUN(test_refusals);
    RUN(test_documents);
    return test_end();
}
