/*
 * Products of bf16: the copies of weights are what rounding gives, and an engine that multiplies
 * these differs from one in f32 by that rounding, whatever the threads, and by nothing more.
 */
#include "nn/narrow.h"

#include "math/products.h"
#include "math/random.h"
#include "nn/engine.h"
#include "floats.h"
#include "test.h"

enum { B = 3, T = 40, ROWS = B * T, VOCAB = 97 };

#define SIZES                                                                                      \
    .vocab = VOCAB, .ctx = 64, .layers = 2, .channels = 64, .heads = 4, .head_dim = 16,            \
    .norm_eps = 1e-5

static const struct fl_config configs[] = {
    {SIZES, .kv_heads = 2, .ffn = 80, .rope_base = 1e4, .tied = true},
    {SIZES, .kv_heads = 4, .ffn = 96, .norm = FL_NORM_LAYER, .act = FL_ACT_GELU_TANH,
     .positions = FL_POSITIONS_LEARNED, .bias = FL_BIAS_ALL},
    {SIZES, .kv_heads = 1, .ffn = 48, .rope_base = 1e4, .qk_norm = true, .bias = FL_BIAS_QKV},
};
enum { CONFIGS = sizeof configs / sizeof *configs };

static struct fl_model *
make(const struct fl_config *c)
{
    struct fl_model *m = fl_model_new(c);

    if (!m) {
        printf("# %s\n", fl_error_text());
        exit(1);
    }
    fl_random_normal(5, 0, 0, floats(m), m->layout.size, 0.1F);
    for (size_t i = 0; i < m->layout.count; i++)
        for (size_t k = 0; m->layout.params[i].rank == 1 && k < m->layout.params[i].count; k++)
            floats(m)[m->layout.params[i].offset + k] += !m->layout.params[i].bias;
    return m;
}

static float
wide(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Every matrix that rows are multiplied with has its copy, rounded; nothing else has. */
static void
check_copies(const struct fl_model *m, const struct fl_narrow *n)
{
    for (size_t i = 0; i < m->layout.count; i++) {
        const struct fl_param *p = &m->layout.params[i];
        const float *w = m->stored[i].data;
        bool looked_up = p->kind == FL_PARAM_POSITIONS ||
                         (p->kind == FL_PARAM_EMBED && !m->layout.config.tied);
        CHECK((n->stored[i].dtype == FL_BF16) == (p->rank == 2 && !looked_up));
        const uint16_t *copy = n->stored[i].data;
        for (size_t k = 0; n->stored[i].dtype == FL_BF16 && k < p->count; k++)
            CHECK(fabsf(wide(copy[k]) - w[k]) <= fabsf(w[k]) * 0x1p-8F);
        CHECK(n->stored[i].dtype == FL_BF16 || n->stored[i].data == m->stored[i].data);
    }
}

static void
test_copies(void)
{
    for (size_t c = 0; c < CONFIGS; c++) {
        struct fl_model *m = make(&configs[c]);
        uint16_t *copies = malloc(fl_narrow_size(m) * sizeof *copies);
        struct fl_pool *pool = fl_pool_new(2);
        struct fl_narrow n;
        CHECK(pool && !fl_narrow_start(&n, m, copies));
        fl_narrow_fill(&n, m->stored, pool);
        check_copies(m, &n);
        /* what is frozen does not change, so it is not copied again; what is trained is */
        size_t o = (size_t)fl_layout_find(&m->layout, "layers.0.self_attn.o_proj.weight");
        size_t d = (size_t)fl_layout_find(&m->layout, "layers.1.mlp.down_proj.weight");
        m->layout.params[o].frozen = true;
        floats(m)[m->layout.params[o].offset] = 512;
        floats(m)[m->layout.params[d].offset + m->layout.params[d].count - 1] = 256;
        fl_narrow_fill(&n, m->stored, pool);
        CHECK(wide(((uint16_t *)n.stored[o].data)[0]) < 2);
        CHECK(wide(((uint16_t *)n.stored[d].data)[m->layout.params[d].count - 1]) == 256);
        fl_narrow_release(&n);
        fl_pool_free(pool);
        fl_model_free(m);
        free(copies);
    }
}

struct batch {
    uint32_t x[ROWS], y[ROWS];
    float loss[ROWS];
};

/* Gradients of a batch, in memory of its own. */
static float *
gradients(const struct fl_model *m, int mode, int threads, struct batch *b)
{
    struct fl_random r = {.seed = 2};
    float *grads = fl_layout_array(&m->layout);
    struct fl_pool *pool = fl_pool_new(threads);
    struct fl_engine *e = fl_engine_new(m, pool, B, T, (enum fl_engine_mode)mode);

    for (size_t i = 0; i < ROWS; i++) {
        b->x[i] = (uint32_t)fl_random_below(&r, VOCAB);
        b->y[i] = i % 7 ? (uint32_t)fl_random_below(&r, VOCAB) : FL_IGNORE;
    }
    const struct fl_batch batch = {B, T, b->x, b->y, NULL};
    CHECK(e && !fl_engine_grad(e, m->stored, &batch, 1.0F / ROWS, grads, b->loss));
    fl_engine_free(e);
    fl_pool_free(pool);
    return grads;
}

static double
distance(const float *got, const float *want, size_t n)
{
    double d = 0, size = 0;

    for (size_t i = 0; i < n; i++) {
        d += ((double)got[i] - want[i]) * ((double)got[i] - want[i]);
        size += (double)want[i] * want[i];
    }
    return sqrt(d / (size > 0 ? size : 1));
}

static void
test_gradients(void)
{
    if (!fl_products()->bf16)
        SKIP("this machine multiplies no bf16");
    for (size_t c = 0; c < CONFIGS; c++) {
        struct fl_model *m = make(&configs[c]);
        struct batch wide_one, half, other;
        float *want = gradients(m, FL_ENGINE_TRAIN, 1, &wide_one);
        float *got = gradients(m, FL_ENGINE_TRAIN | FL_ENGINE_BF16, 1, &half);
        float *many = gradients(m, FL_ENGINE_TRAIN | FL_ENGINE_BF16, 3, &other);
        float *again = gradients(m, FL_ENGINE_RECOMPUTE | FL_ENGINE_BF16, 2, &other);
        for (size_t i = 0; i < m->layout.count; i++) {
            const struct fl_param *p = &m->layout.params[i];
            /* a key's bias has next to no gradient: what it gets is rounding */
            double most = p->kind == FL_PARAM_K && p->bias ? 10 : 0.03;
            double d = distance(got + p->place, want + p->place, p->count);
            if (d > most)
                printf("# %s: distance %g\n", p->name, d);
            CHECK(d <= most && d > 1e-5);
        }
        CHECK(distance(half.loss, wide_one.loss, ROWS) < 0.005);
        CHECK(!memcmp(got, many, m->layout.size * sizeof *got));
        CHECK(!memcmp(got, again, m->layout.size * sizeof *got));
        CHECK(!memcmp(half.loss, other.loss, sizeof half.loss));
        free(want), free(got), free(many), free(again);
        fl_model_free(m);
    }
}

/* Weights are rounded at every call, but where the caller says that they are the same. */
static void
test_weights_stay(void)
{
    if (!fl_products()->bf16)
        SKIP("this machine multiplies no bf16");
    struct fl_model *m = make(&configs[0]);
    uint32_t x[T], y[T];
    float first[T], loss[T];
    struct fl_engine *e = fl_engine_new(m, NULL, 1, T,
                                        (enum fl_engine_mode)(FL_ENGINE_SCORE | FL_ENGINE_BF16));
    const struct fl_batch batch = {1, T, x, y, NULL};

    for (size_t i = 0; i < T; i++)
        x[i] = y[i] = (uint32_t)i;
    CHECK(e && !fl_engine_loss(e, m->stored, &batch, first, NULL));
    const struct fl_param *p =
        &m->layout.params[fl_layout_find(&m->layout, "layers.0.mlp.down_proj.weight")];
    for (size_t i = 0; i < p->count; i++)
        floats(m)[p->offset + i] *= 2;
    fl_engine_weights_stay(e);
    CHECK(!fl_engine_loss(e, m->stored, &batch, loss, NULL));
    CHECK(!memcmp(first, loss, sizeof loss));
    CHECK(!fl_engine_loss(e, m->stored, &batch, loss, NULL));
    CHECK(distance(loss, first, T) > 1e-3);
    fl_engine_free(e);
    fl_model_free(m);
}

int
main(void)
{
    if (!fl_products())
        return 1;
    RUN(test_copies);
    RUN(test_gradients);
    RUN(test_weights_stay);
    return test_end();
}
