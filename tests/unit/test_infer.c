#include "shape.h"
#include "floats.h"
#include "halves.h"
#include "test.h"

#include <stdint.h>

#include "math/random.h"
#include "nn/engine.h"
#include "nn/infer.h"

enum { T = 150, V = 300 };

#define SMALL LLAMA(V, 256, 2, 24, 6, 2, 8, 290, 1e-5, 1e4, true)

static const struct fl_config configs[] = {
    {SMALL},
    {LLAMA(V, 256, 2, 24, 6, 2, 8, 290, 1e-5, 1e4, false)},
    {LLAMA(V, 256, 2, 24, 3, 3, 8, 290, 1e-5, 0, true), .norm = FL_NORM_LAYER,
     .act = FL_ACT_GELU_TANH, .positions = FL_POSITIONS_LEARNED, .bias = FL_BIAS_ALL},
    {SMALL, .bias = FL_BIAS_QKV, .qk_norm = true, .window = 40},
    {SMALL, .act = FL_ACT_GELU, .rope_dim = 6, .rope_scaling = {FL_ROPE_LLAMA3, 8, 1, 4, 64},
     .window = 100},
    {LLAMA(V, 256, 2, 64, 4, 2, 16, 96, 1e-5, 1e4, false), .bias = FL_BIAS_QKV}, /* whole blocks */
};
enum { CONFIGS = sizeof configs / sizeof *configs };

static struct fl_model *
new_model(const struct fl_config *c)
{
    struct fl_model *m = fl_model_new(c);

    fl_random_normal(3, 0, 0, floats(m), m->layout.size, 0.3);
    return m;
}

static void
random_ids(uint32_t *ids, size_t n)
{
    struct fl_random r = {.seed = 2};

    for (size_t i = 0; i < n; i++)
        ids[i] = (uint32_t)fl_random_below(&r, V);
}

static double
largest_difference(const float *a, const float *b, size_t n)
{
    double d = 0;

    for (size_t i = 0; i < n; i++)
        d = fmax(d, fabs((double)a[i] - b[i]));
    return d;
}

/* Token by token, and in one call, as the engine's logits of the whole text. */
static void
test_against_engine(void)
{
    for (int k = 0; k < CONFIGS; k++) {
        struct fl_model *m = new_model(&configs[k]);
        struct fl_pool *pool = fl_pool_new(2);
        struct fl_engine *e = fl_engine_new(m, pool, 1, T, FL_ENGINE_SCORE);
        struct fl_infer *d = fl_infer_new(m, pool, T), *alone = fl_infer_new(m, NULL, T);
        uint32_t ids[T];
        float *want = malloc(T * V * sizeof *want), got[V], same[V];

        random_ids(ids, T);
        struct fl_batch batch = {1, T, ids, NULL, NULL};
        CHECK(!fl_engine_logits(e, m->stored, &batch, want));
        for (size_t t = 0; t < T; t++) {
            CHECK(!fl_infer_read(d, ids + t, 1, got));
            CHECK(largest_difference(got, want + t * V, V) < 2e-4);
            CHECK(!fl_infer_read(alone, ids + t, 1, same));
            CHECK(!memcmp(got, same, sizeof got));
        }
        CHECK(fl_infer_length(d) == T);
        CHECK(fl_infer_read(d, ids, 1, got) == -1);
        CHECK(fl_infer_rewind(d, T - 5) == T - 5);
        CHECK(!fl_infer_read(d, ids + T - 5, 3, got));
        CHECK(largest_difference(got, want + (T - 3) * V, V) < 2e-4);
        size_t left = fl_infer_rewind(d, 3); /* a window of 40 has moved past what it would see */
        CHECK(left == (configs[k].window == 40 ? 0 : 3) && fl_infer_length(d) == left);
        CHECK(!fl_infer_read(d, ids + left, T - left, got));
        CHECK(largest_difference(got, want + (T - 1) * V, V) < 2e-4);
        CHECK(fl_infer_rewind(d, 0) == 0);
        CHECK(!fl_infer_read(d, ids, 64, got)); /* a whole piece */
        CHECK(largest_difference(got, want + 63 * V, V) < 2e-4);
        fl_engine_free(e);
        fl_infer_free(d), fl_infer_free(alone);
        fl_pool_free(pool);
        fl_model_free(m);
        free(want);
    }
}

/* A model in halves, or in blocks, reads as its f32 does, token by token and in pieces, for any threads. */
static void
test_halves(void)
{
    for (int k = 0; k < 3 * CONFIGS; k++) {
        static const enum fl_dtype dtypes[] = {FL_F16, FL_BF16, FL_Q8_0};
        enum fl_dtype dtype = dtypes[k % 3];
        struct fl_model *m = new_model(&configs[k / 3]), *narrow = halves(m, dtype);
        struct fl_pool *pool = fl_pool_new(3);
        struct fl_infer *d = fl_infer_new(m, NULL, T), *n = fl_infer_new(narrow, NULL, T);
        struct fl_infer *three = fl_infer_new(narrow, pool, T);
        uint32_t ids[T];
        float want[V], got[V], same[V];

        random_ids(ids, T);
        for (size_t t = 0, count; t < T; t += count) {
            count = t % 3 ? 1 : t + 66 < T ? 66 : T - t;
            CHECK(!fl_infer_read(d, ids + t, count, want));
            CHECK(!fl_infer_read(n, ids + t, count, got));
            CHECK(largest_difference(got, want, V) < 1e-4);
            CHECK(!fl_infer_read(three, ids + t, count, same));
            CHECK(!memcmp(got, same, sizeof got));
        }
        fl_infer_free(d), fl_infer_free(n), fl_infer_free(three);
        fl_pool_free(pool);
        fl_model_free(m), fl_model_free(narrow);
    }
}

static void
test_refusals(void)
{
    struct fl_model *m = new_model(&configs[0]);
    struct fl_infer *d = fl_infer_new(m, NULL, 4);
    uint32_t ids[5] = {1, 2, V, 4, 5};
    float logits[V];

    CHECK(fl_infer_read(d, ids, 0, logits) == -1);
    CHECK(fl_infer_read(d, ids, 5, logits) == -1);
    CHECK(fl_infer_read(d, ids, 3, logits) == -1);
    CHECK(strstr(fl_error_text(), "token 300"));
    CHECK(fl_infer_length(d) == 0);
    CHECK(!fl_infer_read(d, ids, 2, logits));
    CHECK(!fl_infer_new(m, NULL, 257));
    CHECK(!fl_infer_new(m, NULL, 0));
    fl_infer_free(d);
    fl_model_free(m);
}

int
main(void)
{
    RUN(test_against_engine);
    RUN(test_halves);
    RUN(test_refusals);
    return test_end();
}
