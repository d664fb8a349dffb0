/*
 * Adapters beside every kind of map against a slow twin: the naive decoder with W + s B A in the
 * place of W, whose gradients of A and B follow by the chain rule and by finite differences.
 */
#include "lora.h"
#include "shape.h"
#include "test.h"

#include "../naive/decoder.h"
#include "../naive/twin_engine.h"
#include "flt/values.h"
#include "nn/engine.h"
#include "os/pool.h"

struct shape {
    const char *what;
    struct fl_config config;
    size_t B, T;
    bool rslora;
    enum fl_dtype narrow; /* 0, or what lies in memory of the frozen matrices that can be */
    struct lora_map maps[12];
};

#define GPT2(V_, T_, L_, C_, H_, D_, F_)                                                           \
    {                                                                                              \
        LLAMA(V_, T_, L_, C_, H_, H_, D_, F_, 1e-5, 0, true),                                      \
            .norm = FL_NORM_LAYER, .act = FL_ACT_GELU_TANH, .positions = FL_POSITIONS_LEARNED,     \
            .bias = FL_BIAS_ALL                                                                    \
    }

static const struct shape shapes[] = {
    {"all maps apart, in two layers of unlike ranks",
     {LLAMA(37, 64, 2, 24, 4, 2, 6, 40, 1e-5, 1e4, true)},
     3,
     21,
     false,
     0,
     {{"self_attn.q_proj", 0, 3},
      {"self_attn.k_proj", 0, 1},
      {"self_attn.v_proj", 0, 5},
      {"self_attn.o_proj", 0, 2},
      {"mlp.gate_proj", 0, 4},
      {"mlp.up_proj", 0, 7},
      {"mlp.down_proj", 0, 3},
      {"self_attn.v_proj", 1, 2},
      {"mlp.up_proj", 1, 1}}},
    {"fused maps",
     {LLAMA(31, 32, 2, 12, 4, 1, 6, 20, 1e-6, 1e6, false), .bias = FL_BIAS_QKV},
     2,
     11,
     true,
     0,
     {{"self_attn.qkv_proj", 0, 3}, {"mlp.gate_up_proj", 0, 2}, {"mlp.gate_up_proj", 1, 5}}},
    {"GPT-2",
     GPT2(29, 16, 2, 12, 3, 4, 20),
     2,
     13,
     false,
     0,
     {{"self_attn.qkv_proj", 0, 2},
      {"self_attn.o_proj", 0, 3},
      {"mlp.up_proj", 0, 4},
      {"mlp.down_proj", 0, 1},
      {"self_attn.qkv_proj", 1, 6}}},
    {"keys alone, before norms of queries and keys",
     {LLAMA(31, 16, 2, 12, 3, 3, 10, 20, 1e-6, 1e6, false), .qk_norm = true},
     2,
     11,
     true,
     0,
     {{"self_attn.k_proj", 1, 4}}},
    {"the first and last of q, k and v, with every bias",
     {LLAMA(31, 40, 2, 12, 2, 2, 6, 20, 1e-4, 100, true), .bias = FL_BIAS_ALL},
     2,
     17,
     false,
     FL_BF16,
     {{"self_attn.q_proj", 0, 4},
      {"self_attn.v_proj", 0, 4},
      {"mlp.gate_proj", 1, 2},
      {"mlp.down_proj", 1, 2}}},
    {"ranks above the widths, over tiles and chunks",
     {LLAMA(37, 90, 2, 20, 4, 2, 8, 700, 1e-3, 30, false), .norm = FL_NORM_LAYER,
      .act = FL_ACT_GELU, .rope_dim = 4, .bias = FL_BIAS_ALL, .qk_norm = true, .window = 7},
     2,
     85,
     true,
     FL_BF16,
     {{"self_attn.qkv_proj", 0, 40},
      {"self_attn.o_proj", 1, 33},
      {"mlp.up_proj", 0, 70},
      {"mlp.down_proj", 0, 24},
      {"mlp.down_proj", 1, 8}}},
    {"in blocks of 8 bits, fused and apart",
     {LLAMA(37, 64, 2, 32, 4, 2, 8, 64, 1e-5, 1e4, true), .bias = FL_BIAS_QKV},
     2,
     21,
     false,
     FL_Q8_0,
     {{"self_attn.qkv_proj", 0, 3},
      {"mlp.gate_up_proj", 0, 4},
      {"mlp.down_proj", 0, 2},
      {"self_attn.q_proj", 1, 5},
      {"self_attn.o_proj", 1, 1},
      {"mlp.up_proj", 1, 16}}},
    {"in blocks where rows are whole ones, over tiles and chunks",
     {LLAMA(41, 90, 2, 64, 4, 2, 10, 704, 1e-5, 1e4, false), .norm = FL_NORM_LAYER,
      .act = FL_ACT_GELU, .bias = FL_BIAS_ALL},
     2,
     85,
     true,
     FL_Q8_0,
     {{"self_attn.k_proj", 0, 8},
      {"self_attn.o_proj", 0, 2},
      {"mlp.up_proj", 0, 16},
      {"mlp.down_proj", 1, 4}}},
    {"one token",
     {LLAMA(19, 8, 1, 8, 2, 1, 4, 12, 1e-5, 1e4, false)},
     1,
     1,
     false,
     FL_BF16,
     {{"self_attn.q_proj", 0, 1}, {"self_attn.v_proj", 0, 2}, {"mlp.down_proj", 0, 3}}},
    {"sixteen layers, of which the first three share memory",
     {LLAMA(23, 40, 16, 8, 2, 1, 4, 12, 1e-3, 1e3, false), .norm = FL_NORM_LAYER},
     2,
     37,
     false,
     0,
     {{"self_attn.q_proj", 0, 2},
      {"mlp.down_proj", 0, 3},
      {"self_attn.o_proj", 1, 2},
      {"mlp.up_proj", 2, 2},
      {"self_attn.v_proj", 3, 1},
      {"mlp.gate_proj", 15, 2}}},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* W, GRADS: over all parameters in doubles, by offsets; those of an adapter come last. */
struct bench {
    const struct shape *shape;
    struct fl_model *m;
    double *w, *grads, *loss;
    struct fl_stored *wide;
    uint32_t *x, *y;
    struct fl_batch batch;
    double scale;
};

/* The offset of row O of the map that P, of an adapter, is beside. */
static size_t
row_of(const struct fl_layout *t, const struct fl_param *p, size_t o)
{
    const struct fl_module *m = fl_module(p->module);

    for (size_t i = 0; i < t->count; i++) {
        const struct fl_param *q = &t->params[i];
        if (q->bias || q->layer != p->layer || q->kind < m->first || q->kind >= m->first + m->count)
            continue;
        if (o < q->dims[0])
            return q->offset + o * q->dims[1];
        o -= q->dims[0];
    }
    abort();
}

/* The model without adapters that computes the same: to free. */
static double *
merged(const struct bench *b)
{
    const struct fl_layout *t = &b->m->layout;
    double *w = malloc(t->size * sizeof *w);

    memcpy(w, b->w, t->size * sizeof *w);
    for (size_t i = 0; i < t->count; i++) {
        const struct fl_param *A = &t->params[i], *B = A + 1;
        if (A->kind != FL_PARAM_LORA_A)
            continue;
        for (size_t o = 0; o < B->dims[0]; o++)
            for (size_t k = 0; k < A->dims[1]; k++)
                for (size_t r = 0; r < A->dims[0]; r++)
                    w[row_of(t, A, o) + k] += A->scale * b->w[B->offset + o * A->dims[0] + r] *
                                              b->w[A->offset + r * A->dims[1] + k];
    }
    return w;
}

static double
naive(const struct bench *b, double *loss, double *logits, double *grads)
{
    struct naive_batch batch = {b->batch.B, b->batch.T, b->x, b->y, b->scale};
    double *w = merged(b), sum = naive_decoder(b->m, w, &batch, loss, logits, grads);

    free(w);
    return sum * b->scale;
}

/* dA = s B' dW and dB = s dW A', from the gradients of the maps. */
static void
chain(struct bench *b)
{
    const struct fl_layout *t = &b->m->layout;

    for (size_t i = 0; i < t->count; i++) {
        const struct fl_param *A = &t->params[i], *B = A + 1;
        if (A->kind != FL_PARAM_LORA_A)
            continue;
        for (size_t o = 0; o < B->dims[0]; o++)
            for (size_t k = 0; k < A->dims[1]; k++)
                for (size_t r = 0; r < A->dims[0]; r++) {
                    size_t at = A->offset + r * A->dims[1] + k;
                    size_t bt = B->offset + o * A->dims[0] + r;
                    double d = A->scale * b->grads[row_of(t, A, o) + k];
                    b->grads[at] += d * b->w[bt];
                    b->grads[bt] += d * b->w[at];
                }
    }
}

/* Seeded numbers, large enough to leave the linear range; of NARROW ones, as they have them. */
static void
fill(struct bench *b)
{
    struct fl_model *m = b->m;

    for (size_t i = 0; i < m->layout.count; i++) {
        const struct fl_param *p = &m->layout.params[i];
        float *z = malloc(p->count * sizeof *z);
        const enum fl_dtype dtype = m->stored[i].dtype;
        fl_random_normal(5, i, 0, z, p->count, 0.35);
        for (size_t j = 0; j < p->count; j++)
            z[j] += p->rank == 1 && !p->bias;
        fl_values_from_f32(dtype, m->stored[i].data, z, p->count);
        for (size_t j = 0; j < p->count; j++)
            b->w[p->offset + j] = fl_value(dtype, m->stored[i].data, j);
        free(z);
    }
}

static void
begin(struct bench *b, const struct shape *s)
{
    size_t rows = s->B * s->T;
    struct fl_adapter a = {.alpha = 3, .rslora = s->rslora};
    struct fl_random r = {.seed = 11};

    *b = (struct bench){.shape = s, .m = fl_model_table(&s->config), .scale = 1.0 / (double)rows};
    struct fl_model *m = b->m;
    lora_maps(&a, &m->layout, s->maps);
    struct fl_object *o = lora_object(&a, NULL, 1, FL_F32);
    CHECK(o && !fl_model_adapt(m, &a, o));
    fl_object_free(o);
    for (size_t i = 0; i < m->layout.count; i++)
        if (s->narrow && fl_param_narrows(&m->layout.params[i]) && m->layout.params[i].frozen)
            m->stored[i].dtype = fl_param_dtype(&m->layout.params[i], s->narrow, FL_F32);
    CHECK(!fl_model_to_train(m));
    CHECK(!fl_model_take_memory(m));
    b->w = malloc(m->layout.size * sizeof *b->w);
    b->wide = malloc(m->layout.count * sizeof *b->wide);
    b->grads = calloc(m->layout.size, sizeof *b->grads);
    b->loss = malloc(rows * sizeof *b->loss);
    b->x = malloc(rows * sizeof *b->x);
    b->y = malloc(rows * sizeof *b->y);
    for (size_t i = 0; i < m->layout.count; i++)
        b->wide[i] = (struct fl_stored){b->w + m->layout.params[i].offset, FL_F32};
    fill(b);
    for (size_t i = 0; i < rows; i++) {
        b->x[i] = (uint32_t)fl_random_below(&r, s->config.vocab);
        b->y[i] = i % 3 == 1 ? FL_IGNORE : (uint32_t)fl_random_below(&r, s->config.vocab);
    }
    b->batch = (struct fl_batch){s->B, s->T, b->x, b->y, NULL};
    (void)naive(b, b->loss, NULL, b->grads);
    chain(b);
    fl_adapter_release(&a);
}

static void
end(struct bench *b)
{
    fl_model_free(b->m);
    free(b->w), free(b->wide), free(b->grads), free(b->loss), free(b->x), free(b->y);
}

/* Central differences of fourth order, of the loss of the merged model along U within P. */
static double
slope(struct bench *b, const struct fl_param *p, const double *u)
{
    const double h = 2e-4, at[4] = {-2, -1, 1, 2}, factor[4] = {1, -8, 8, -1};
    double sum = 0, *w = b->w + p->offset, *kept = malloc(p->count * sizeof *kept);

    memcpy(kept, w, p->count * sizeof *kept);
    for (int k = 0; k < 4; k++) {
        for (size_t i = 0; i < p->count; i++)
            w[i] = kept[i] + at[k] * h * u[i];
        sum += factor[k] * naive(b, NULL, NULL, NULL);
    }
    memcpy(w, kept, p->count * sizeof *kept);
    free(kept);
    return sum / (12 * h);
}

static void
test_finite_differences(void)
{
    for (int s = 0; s < (test_under_valgrind() ? 1 : SHAPES); s++) {
        struct bench b;
        if (shapes[s].config.ffn > 500)
            continue; /* for tiles: nothing new to differentiate */
        begin(&b, &shapes[s]);
        for (size_t i = 0; i < b.m->layout.count; i++) {
            const struct fl_param *p = &b.m->layout.params[i];
            double norm = 0, *u = malloc(p->count * sizeof *u);
            for (size_t j = 0; j < p->count; j++)
                norm += b.grads[p->offset + j] * b.grads[p->offset + j];
            norm = sqrt(norm);
            for (size_t j = 0; j < p->count; j++)
                u[j] = b.grads[p->offset + j] / norm;
            if (fl_param_adapts(p) && norm > 1e-10) {
                double error = fabs(slope(&b, p, u) - norm) / norm;
                if (!(error < 1e-6))
                    printf("# %s: %s: relative error %g\n", shapes[s].what, p->name, error);
                CHECK(error < 1e-6);
            }
            free(u);
        }
        end(&b);
    }
}

static double
distance(const struct bench *b, const struct fl_param *p, const double *got)
{
    double d = 0, n = 0;

    for (size_t i = 0; i < p->count; i++) {
        double want = b->grads[p->offset + i];
        d += (got[p->place + i] - want) * (got[p->place + i] - want);
        n += want * want;
    }
    return sqrt(n) > 1e-12 ? sqrt(d / n) : sqrt(d);
}

static void
compare(const struct bench *b, const double *grads, double most)
{
    size_t seen = 0;

    for (size_t i = 0; i < b->m->layout.count; i++) {
        const struct fl_param *p = &b->m->layout.params[i];
        CHECK(p->frozen == !fl_param_adapts(p));
        if (p->frozen)
            continue;
        double d = distance(b, p, grads);
        if (!(d < most))
            printf("# %s: %s: distance %g\n", b->shape->what, p->name, d);
        CHECK(d < most);
        seen += p->count;
    }
    CHECK(seen > 0 && seen == b->m->layout.trained);
}

/* The engine's own code in doubles, with all that is frozen in doubles too. */
static void
test_in_double(void)
{
    for (int s = 0; s < SHAPES; s++) {
        struct bench b;
        begin(&b, &shapes[s]);
        size_t rows = b.batch.B * b.batch.T;
        double *grads = calloc(b.m->layout.trained, sizeof *grads);
        double *loss = calloc(rows, sizeof *loss);
        struct fl_model wide = *b.m;
        wide.stored = b.wide;
        struct fl_engine *e = twin_engine_new(&wide, NULL, b.batch.B, b.batch.T, FL_ENGINE_TRAIN);
        CHECK(e && !twin_engine_grad(e, b.wide, &b.batch, b.scale, grads, loss));
        for (size_t i = 0; i < rows; i++)
            CHECK_NEAR(loss[i], b.loss[i], 1e-12);
        compare(&b, grads, 1e-11);
        twin_engine_free(e);
        free(grads), free(loss);
        end(&b);
    }
}

/* A text read token by token and in pieces. */
static void
test_inference_in_double(void)
{
    for (int s = 0; s < SHAPES; s++) {
        struct bench b;
        begin(&b, &shapes[s]);
        size_t T = b.batch.T, V = b.m->layout.config.vocab, at = 0;
        double *want = calloc(b.batch.B * T * V, sizeof *want), *got = calloc(V, sizeof *got);
        struct fl_model wide = *b.m;
        wide.stored = b.wide;
        struct fl_infer *d = twin_infer_new(&wide, NULL, T);
        (void)naive(&b, NULL, want, NULL);
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

/* In f32 and with what is frozen in bf16 or q8_0: near the twin, one thread as three, kept or recomputed. */
static void
test_in_float(void)
{
    for (int s = 0; s < SHAPES; s++) {
        struct bench b;
        begin(&b, &shapes[s]);
        size_t rows = b.batch.B * b.batch.T, n = b.m->layout.trained;
        float *grads[3], *loss[3];
        double *wide = malloc(n * sizeof *wide);
        for (int k = 0; k < 3; k++) {
            struct fl_pool *pool = fl_pool_new(k + 1);
            struct fl_engine *e = fl_engine_new(b.m, pool, b.batch.B, b.batch.T,
                                                k == 1 ? FL_ENGINE_RECOMPUTE : FL_ENGINE_TRAIN);
            grads[k] = fl_layout_array(&b.m->layout);
            loss[k] = calloc(rows, sizeof *loss[k]);
            CHECK(e &&
                  !fl_engine_grad(e, b.m->stored, &b.batch, (float)b.scale, grads[k], loss[k]));
            fl_engine_free(e);
            fl_pool_free(pool);
            CHECK(!memcmp(loss[k], loss[0], rows * sizeof *loss[0]));
            CHECK(!memcmp(grads[k], grads[0], n * sizeof *grads[0]));
        }
        for (size_t i = 0; i < n; i++)
            wide[i] = grads[0][i];
        compare(&b, wide, 5e-5);
        for (size_t i = 0; i < rows; i++)
            CHECK_NEAR(loss[0][i], b.loss[i], 3e-5);
        for (int k = 0; k < 3; k++)
            free(grads[k]), free(loss[k]);
        free(wide);
        end(&b);
    }
}

/* What is held has a place and no gradient, and B's is what it was. */
static void
test_held(void)
{
    for (int s = 0; s < SHAPES; s++) {
        struct bench b;
        begin(&b, &shapes[s]);
        size_t rows = b.batch.B * b.batch.T, n = b.m->layout.trained;
        float *grads[2], *loss = calloc(rows, sizeof *loss);
        for (int k = 0; k < 2; k++) {
            if (k)
                fl_layout_hold(&b.m->layout, FL_PARAM_LORA_A);
            struct fl_engine *e = fl_engine_new(b.m, NULL, b.batch.B, b.batch.T, FL_ENGINE_TRAIN);
            grads[k] = fl_layout_array(&b.m->layout);
            CHECK(e && !fl_engine_grad(e, b.m->stored, &b.batch, (float)b.scale, grads[k], loss));
            fl_engine_free(e);
        }
        CHECK(b.m->layout.trained == n);
        for (size_t i = 0; i < b.m->layout.count; i++) {
            const struct fl_param *p = &b.m->layout.params[i];
            for (size_t j = 0; p->kind == FL_PARAM_LORA_A && j < p->count; j++)
                CHECK(grads[1][p->place + j] == 0);
            if (p->kind == FL_PARAM_LORA_B)
                CHECK(!memcmp(grads[1] + p->place, grads[0] + p->place, p->count * sizeof(float)));
        }
        free(grads[0]), free(grads[1]), free(loss);
        end(&b);
    }
}

int
main(void)
{
    RUN(test_finite_differences);
    RUN(test_in_double);
    RUN(test_inference_in_double);
    RUN(test_in_float);
    RUN(test_held);
    return test_end();
}
