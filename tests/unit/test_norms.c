/*
 * Square norms of windows' gradients against the gradients themselves, each window run alone: in
 * doubles, where they agree to rounding, and in f32.
 */
#include "lora.h"
#include "shape.h"
#include "test.h"

#include <math.h>

#include "../naive/twin_engine.h"
#include "nn/engine.h"
#include "nn/engine_state.h"
#include "math/vector.h"
#include "os/pool.h"

struct shape {
    const char *what;
    struct fl_config config;
    size_t B, T;
    const char *frozen; /* words in names of parameters, or NULL */
    bool large;         /* too much for the twin's plain loops */
    struct lora_map maps[8];
};

static const struct shape shapes[] = {
    {"tied, grouped; by pairs",
     {LLAMA(37, 64, 2, 24, 4, 2, 6, 40, 1e-5, 1e4, true)},
     .B = 3,
     .T = 21},
    {"untied, three layers",
     {LLAMA(50, 64, 3, 16, 2, 2, 8, 24, 1e-6, 500, false)},
     .B = 4,
     .T = 11},
    {"by tiles", {LLAMA(40, 128, 1, 12, 6, 1, 10, 20, 1e-3, 1e4, true)}, .B = 2, .T = 101},
    {"one token", {LLAMA(19, 8, 2, 8, 2, 1, 4, 12, 1e-5, 1e4, false)}, .B = 3, .T = 1},
    {"over blocks of pairs",
     {LLAMA(131, 200, 1, 160, 2, 1, 60, 200, 1e-5, 1e4, true)},
     .B = 2,
     .T = 90},
    {"over columns of pairs, tiles of a gradient",
     {LLAMA(560, 400, 1, 400, 2, 1, 60, 500, 1e-5, 1e4, true)},
     .B = 2,
     .T = 340,
     .large = true},
    {"GPT-2",
     {LLAMA(29, 40, 2, 12, 3, 3, 4, 20, 1e-5, 0, true), .norm = FL_NORM_LAYER,
      .act = FL_ACT_GELU_TANH, .positions = FL_POSITIONS_LEARNED, .bias = FL_BIAS_ALL},
     .B = 3,
     .T = 33},
    {"biases on q, k and v (Qwen2)",
     {LLAMA(31, 16, 2, 12, 4, 1, 6, 20, 1e-6, 1e6, true), .bias = FL_BIAS_QKV},
     .B = 2,
     .T = 11},
    {"norms of queries and keys (Qwen3)",
     {LLAMA(31, 16, 2, 12, 3, 3, 10, 20, 1e-6, 1e6, false), .qk_norm = true},
     .B = 2,
     .T = 11},
    {"learned positions with RMS norm, exact GELU, untied",
     {LLAMA(31, 40, 2, 12, 2, 1, 5, 20, 1e-5, 0, false), .act = FL_ACT_GELU,
      .positions = FL_POSITIONS_LEARNED},
     .B = 2,
     .T = 17},
    {"every switch at once",
     {LLAMA(37, 90, 2, 20, 4, 2, 8, 700, 1e-3, 30, false), .norm = FL_NORM_LAYER,
      .act = FL_ACT_GELU, .rope_dim = 4, .rope_scaling = {FL_ROPE_LLAMA3, 8, 1, 4, 32},
      .bias = FL_BIAS_ALL, .qk_norm = true, .window = 7},
     .B = 3,
     .T = 85},
    {"slabs of whole windows",
     {LLAMA(40009, 128, 1, 8, 1, 1, 8, 12, 1e-5, 1e4, true)},
     .B = 5,
     .T = 100},
    {"a head alone",
     {LLAMA(37, 64, 2, 24, 4, 2, 6, 40, 1e-5, 1e4, true)},
     .B = 3,
     .T = 21,
     .frozen = "layers norm"},
    {"some of each map",
     {LLAMA(31, 40, 2, 12, 4, 2, 6, 20, 1e-4, 100, false), .norm = FL_NORM_LAYER,
      .bias = FL_BIAS_ALL},
     .B = 2,
     .T = 17,
     .frozen = "k_proj.bias v_proj.weight embed up_proj.weight norm.bias"},
    {"adapters, fused",
     {LLAMA(31, 32, 2, 12, 4, 1, 6, 20, 1e-6, 1e6, false), .bias = FL_BIAS_QKV},
     .B = 3,
     .T = 11,
     .maps = {{"self_attn.qkv_proj", 0, 3},
              {"mlp.gate_up_proj", 0, 2},
              {"mlp.gate_up_proj", 1, 5}}},
    {"adapters, all maps apart, tied",
     {LLAMA(37, 64, 2, 24, 4, 2, 6, 40, 1e-5, 1e4, true)},
     .B = 3,
     .T = 21,
     .maps = {{"self_attn.q_proj", 0, 3},
              {"self_attn.k_proj", 0, 1},
              {"self_attn.v_proj", 1, 5},
              {"self_attn.o_proj", 0, 2},
              {"mlp.gate_proj", 0, 4},
              {"mlp.down_proj", 0, 30},
              {"mlp.up_proj", 1, 1}}},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

struct bench {
    const struct shape *shape;
    struct fl_model *m;
    double *w;
    struct fl_stored *wide;
    uint32_t *x, *y;
    double *scale;
    float *scale_f;
    size_t rows;
};

static void
freeze(struct fl_model *m, const char *words)
{
    char word[64];

    for (int n; words && sscanf(words, "%63s%n", word, &n) == 1; words += n)
        for (size_t i = 0; i < m->layout.count; i++)
            if (strstr(m->layout.params[i].name, word))
                m->layout.params[i].frozen = true;
    fl_layout_trainables(&m->layout);
}

static struct fl_model *
make_model(const struct shape *s)
{
    struct fl_adapter a = {.alpha = 3};
    struct fl_model *m = fl_model_table(&s->config);

    if (s->maps[0].module) {
        lora_maps(&a, &m->layout, s->maps);
        struct fl_object *o = lora_object(&a, NULL, 1, FL_F32);
        CHECK(o && !fl_model_adapt(m, &a, o));
        fl_object_free(o);
        fl_adapter_release(&a);
    } else {
        freeze(m, s->frozen);
    }
    CHECK(!fl_model_to_train(m) && !fl_model_take_memory(m));
    return m;
}

/* Few ids, so that many are equal; the windows' ends are padded, the last counts nothing at all. */
static void
fill_batch(struct bench *b)
{
    const struct shape *s = b->shape;
    struct fl_random r = {.seed = 11};

    for (size_t i = 0; i < b->rows; i++) {
        size_t window = i / s->T, t = i % s->T;
        bool pad = window == 1 && t > s->T / 2;
        b->x[i] = pad ? 0 : (uint32_t)fl_random_below(&r, s->config.vocab < 25 ? 7 : 20);
        b->y[i] = (uint32_t)fl_random_below(&r, 25 < s->config.vocab ? 25 : s->config.vocab);
        if (pad || t % 5 == 3 || (window == 2 && s->B == 3))
            b->y[i] = FL_IGNORE;
    }
    for (size_t i = 0; i < s->B; i++)
        b->scale[i] = b->scale_f[i] = (float)(i + 1) / (float)s->T;
}

static void
begin(struct bench *b, const struct shape *s)
{
    *b = (struct bench){.shape = s, .m = make_model(s), .rows = s->B * s->T};
    b->w = malloc(b->m->layout.size * sizeof *b->w);
    b->wide = malloc(b->m->layout.count * sizeof *b->wide);
    for (size_t i = 0; i < b->m->layout.count; i++) {
        const struct fl_param *p = &b->m->layout.params[i];
        float *z = b->m->stored[i].data;
        fl_random_normal(5, i, 0, z, p->count, 0.3);
        for (size_t j = 0; j < p->count; j++) {
            z[j] += p->rank == 1 && !p->bias;
            b->w[p->offset + j] = z[j];
        }
        b->wide[i] = (struct fl_stored){b->w + p->offset, FL_F32};
    }
    b->x = malloc(b->rows * sizeof *b->x);
    b->y = malloc(b->rows * sizeof *b->y);
    b->scale = malloc(s->B * sizeof *b->scale);
    b->scale_f = malloc(s->B * sizeof *b->scale_f);
    fill_batch(b);
}

static void
end(struct bench *b)
{
    fl_model_free(b->m);
    free(b->w), free(b->wide), free(b->x), free(b->y), free(b->scale), free(b->scale_f);
}

static struct fl_batch
window(const struct bench *b, size_t i)
{
    size_t T = b->shape->T;

    return (struct fl_batch){1, T, b->x + i * T, b->y + i * T, NULL};
}

static void
compare(const struct bench *b, size_t i, double got, double want, double most)
{
    double error = want > 0 ? fabs(got / want - 1) : fabs(got);

    if (!(error <= most))
        printf("# %s: window %zu: %.12g, not %.12g\n", b->shape->what, i, got, want);
    CHECK(error <= most);
}

static void
test_in_doubles(void)
{
    for (int s = 0; s < SHAPES; s++) {
        struct bench b;
        if (shapes[s].large)
            continue;
        begin(&b, &shapes[s]);
        size_t B = b.shape->B, T = b.shape->T, n = b.m->layout.trained;
        const struct fl_batch batch = {B, T, b.x, b.y, NULL};
        double *grads = calloc(n, sizeof *grads), *loss = calloc(b.rows, sizeof *loss);
        double *norm2 = calloc(B, sizeof *norm2);
        struct fl_engine *e = twin_engine_new(b.m, NULL, B, T,
                                              (enum fl_engine_mode)(
                                                  FL_ENGINE_NORMS |
                                                  (s & 1 ? FL_ENGINE_TRAIN : FL_ENGINE_RECOMPUTE)));
        CHECK(e && !twin_engine_norms(e, b.wide, &batch, b.scale, norm2, loss));
        for (size_t i = 0; i < B; i++) {
            const struct fl_batch one = window(&b, i);
            double want = 0;
            memset(grads, 0, n * sizeof *grads);
            CHECK(!twin_engine_grad(e, b.wide, &one, b.scale[i], grads, loss));
            for (size_t j = 0; j < n; j++)
                want += grads[j] * grads[j];
            compare(&b, i, norm2[i], want, 1e-10);
        }
        twin_engine_free(e);
        free(grads), free(loss), free(norm2);
        end(&b);
    }
}

/* In f32; for any threads to the bit; losses are those of a plain pass. */
static void
test_in_floats(void)
{
    for (int s = 0; s < SHAPES; s++) {
        struct bench b;
        begin(&b, &shapes[s]);
        size_t B = b.shape->B, T = b.shape->T, n = b.m->layout.trained;
        const struct fl_batch batch = {B, T, b.x, b.y, NULL};
        float *grads = fl_layout_array(&b.m->layout), *loss = calloc(b.rows, sizeof *loss);
        float *plain = calloc(b.rows, sizeof *plain);
        double *norm2[2] = {calloc(B, sizeof **norm2), calloc(B, sizeof **norm2)};
        struct fl_engine *e = NULL;
        for (int k = 0; k < 2; k++) {
            struct fl_pool *pool = fl_pool_new(k ? 3 : 1);
            e = fl_engine_new(b.m, pool, B + (size_t)k, T,
                              (enum fl_engine_mode)(FL_ENGINE_NORMS | FL_ENGINE_TRAIN));
            CHECK(e && !fl_engine_norms(e, b.m->stored, &batch, b.scale_f, norm2[k], loss));
            for (size_t i = 0; i < B; i++) {
                const struct fl_batch one = window(&b, i);
                memset(grads, 0, n * sizeof *grads);
                CHECK(!fl_engine_grad(e, b.m->stored, &one, b.scale_f[i], grads, plain + i * T));
                compare(&b, i, norm2[k][i], fl_vec_sum_squares(grads, n), 1e-4);
            }
            for (size_t i = 0; i < b.rows; i++)
                CHECK_NEAR(loss[i], plain[i], 2e-5);
            fl_engine_free(e);
            fl_pool_free(pool);
        }
        CHECK(!memcmp(norm2[0], norm2[1], B * sizeof **norm2));
        free(grads), free(loss), free(plain), free(norm2[0]), free(norm2[1]);
        end(&b);
    }
}

/* Scales by windows: the sum of each window's gradients times its own; 0 takes a window out. */
static void
test_scaled(void)
{
    for (int s = 0; s < SHAPES; s += 3) {
        struct bench b;
        begin(&b, &shapes[s]);
        size_t B = b.shape->B, T = b.shape->T, n = b.m->layout.trained;
        const struct fl_batch batch = {B, T, b.x, b.y, NULL};
        float *grads = fl_layout_array(&b.m->layout), *sum = fl_layout_array(&b.m->layout);
        float *loss = calloc(b.rows, sizeof *loss);
        struct fl_engine *e = fl_engine_new(b.m, NULL, B, T, FL_ENGINE_TRAIN);
        b.scale_f[0] = 0;
        CHECK(e && !fl_engine_grad_scaled(e, b.m->stored, &batch, b.scale_f, grads, loss));
        for (size_t i = 1; i < B; i++) {
            const struct fl_batch one = window(&b, i);
            CHECK(!fl_engine_grad(e, b.m->stored, &one, b.scale_f[i], sum, loss));
        }
        double d = 0, all = 1e-30;
        for (size_t j = 0; j < n; j++) {
            d += ((double)grads[j] - sum[j]) * ((double)grads[j] - sum[j]);
            all += (double)sum[j] * sum[j];
        }
        CHECK(d <= 1e-9 * all);
        fl_engine_free(e);
        free(grads), free(sum), free(loss);
        end(&b);
    }
}

/* A window whose numbers leave every range changes nothing of the others, and is not finite. */
static void
test_not_finite(void)
{
    static const float wild[] = {1e30F, 3e38F, INFINITY, NAN};
    struct bench b;

    begin(&b, &shapes[1]);
    size_t B = b.shape->B, T = b.shape->T, C = b.shape->config.channels;
    const struct fl_batch batch = {B, T, b.x, b.y, NULL};
    float *loss = calloc(b.rows, sizeof *loss), *row = (float *)b.m->stored[0].data + 30 * C;
    double *norm2 = calloc(B, sizeof *norm2), *want = calloc(B, sizeof *want);
    struct fl_engine *e = fl_engine_new(b.m, NULL, B, T,
                                        (enum fl_engine_mode)(FL_ENGINE_NORMS | FL_ENGINE_TRAIN));

    CHECK(e && !fl_engine_norms(e, b.m->stored, &batch, b.scale_f, want, loss));
    b.x[T + 2] = 30;
    for (size_t k = 0; k < sizeof wild / sizeof *wild; k++) {
        for (size_t i = 0; i < C; i++)
            row[i] = wild[k];
        CHECK(!fl_engine_norms(e, b.m->stored, &batch, b.scale_f, norm2, loss));
        for (size_t i = 0; i < B; i++)
            CHECK(i == 1 ? !isfinite(norm2[i]) : norm2[i] == want[i]);
    }
    fl_engine_free(e);
    free(loss), free(norm2), free(want);
    end(&b);
}

/* The task of one product of T rows, and its gradient made plainly. */
static void
one_product(size_t T, size_t in, size_t out, float channel)
{
    float *x = malloc(T * in * sizeof *x), *dy = malloc(T * out * sizeof *dy), *scratch;
    double want = 0;
    struct fl_norm_slot slot = {0, 0};
    struct fl_sizes z = {.C = in};
    const struct fl_batch batch = {1, T, NULL, NULL, NULL};

    fl_random_normal(3, 0, 0, x, T * in, 1);
    fl_random_normal(3, 1, 0, dy, T * out, 1e-3);
    for (size_t t = 0; t < T; t++)
        x[t * in] = channel;
    for (size_t i = 0; i < out; i++) { /* what all rows have in common adds up to nearly nothing */
        double mean = 0;
        for (size_t t = 0; t < T; t++)
            mean += dy[t * out + i] / (double)T;
        for (size_t t = 0; t < T; t++)
            dy[t * out + i] = (float)(dy[t * out + i] - mean);
    }
    for (size_t i = 0; i < out; i++)
        for (size_t j = 0; j < in; j++) {
            double sum = 0;
            for (size_t t = 0; t < T; t++)
                sum += (double)dy[t * out + i] * x[t * in + j];
            want += sum * sum;
        }
    scratch = malloc(fl_norm_scratch(&z, T) * sizeof *scratch);
    struct fl_engine e = {.scratch = scratch, .slots = &slot, .max_B = 1};
    struct fl_call c = {.e = &e, .batch = &batch};
    struct fl_linear_grad g =
        {.in = in, .out = out, .n = T, .weight = true, .dy = dy, .stride = out, .x = x};
    struct fl_norm_mix mix = {.c = &c, .products = &g, .products_n = 1, .windows = 1};
    fl_norm_task(&mix, 0, 0);
    double error = fabs(slot.norm2 / want - 1);
    if (!(error < 1e-3))
        printf("# %zu rows, a channel of %g: %g, not %g\n", T, (double)channel, slot.norm2, want);
    CHECK(error < 1e-3);
    free(x), free(dy), free(scratch);
}

/* A channel that is large in all rows takes the digits of products of rows. */
static void
test_large_channel(void)
{
    static const float channels[] = {1, 1e3F, 1e4F, 1e5F};

    for (size_t i = 0; i < 4; i++)
        one_product(256, 300, 310, channels[i]);
}

static void
test_refusals(void)
{
    struct bench b;
    double norm2[3];
    float loss[63];
    uint32_t start[63] = {0};

    begin(&b, &shapes[0]);
    struct fl_batch batch = {3, 21, b.x, b.y, NULL};
    struct fl_engine *e = fl_engine_new(b.m, NULL, 3, 21, FL_ENGINE_TRAIN);
    CHECK(fl_engine_norms(e, b.m->stored, &batch, b.scale_f, norm2, loss) == -1);
    fl_engine_free(e);
    e = fl_engine_new(b.m, NULL, 3, 21, (enum fl_engine_mode)(FL_ENGINE_NORMS | FL_ENGINE_TRAIN));
    batch.start = start;
    CHECK(fl_engine_norms(e, b.m->stored, &batch, b.scale_f, norm2, loss) == -1);
    fl_engine_free(e);
    CHECK(
        !fl_engine_new(b.m, NULL, 3, 21, (enum fl_engine_mode)(FL_ENGINE_NORMS | FL_ENGINE_SCORE)));
    end(&b);
}

int
main(void)
{
    RUN(test_in_doubles);
    RUN(test_in_floats);
    RUN(test_scaled);
    RUN(test_not_finite);
    RUN(test_large_channel);
    RUN(test_refusals);
    return test_end();
}
