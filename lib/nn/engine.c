/*
 * The forward pass, and the memory of both passes, which one function lays out: first to count it,
 * then to point into it [lay_out], so that fl_engine_bytes tells what is taken. Phases and
 * tasks are drawn in engine_state.h.
 */
#include "nn/engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "math/gemm.h"
#include "math/vector.h"
#include "nn/attention.h"
#include "nn/engine_state.h"
#include "os/memory.h"

enum {
    CHUNK_MIN = 32,
    CHUNK_MAX = 512,
    CHUNKS = 16,           /* tasks wanted, if they are large enough */
    SLAB_MIN = 512,        /* rows */
    SLAB_FLOATS = 8 << 20, /* of logits at once, if SLAB_MIN rows are no more */
    ALIGN = 16             /* floats between arrays */
};

/* Rows of a task for so many ROWS: a matter of shapes alone. */
static size_t
chunk_rows(size_t rows, size_t smallest)
{
    size_t n = (rows + CHUNKS - 1) / CHUNKS;

    n = (n + 15) / 16 * 16;
    return fl_min(fl_max(n, smallest), CHUNK_MAX);
}

static size_t
chunk_count_max(size_t rows)
{
    return fl_max(CHUNKS, (rows + CHUNK_MAX - 1) / CHUNK_MAX);
}

static size_t
slab_rows(size_t rows, size_t V)
{
    assert(V > 0);
    size_t n = fl_max(SLAB_FLOATS / V, SLAB_MIN);

    return fl_min(n / CHUNK_MAX * CHUNK_MAX, rows);
}

/*
 * Memory is laid out twice by the same code: first to count (MEMORY is NULL), then to point.
 * TOTAL is UINT64_MAX once it has overflowed.
 */
struct layout {
    float *memory;
    uint64_t total;
};

static float *
take(struct layout *p, uint64_t a, uint64_t b)
{
    const uint64_t limit = (uint64_t)1 << 58;
    uint64_t n, at = p->total;

    if (at > limit || fl_mul_u64(a, b, &n) || n > limit) {
        p->total = UINT64_MAX;
        return NULL;
    }
    p->total = at + (n + ALIGN - 1) / ALIGN * ALIGN;
    return p->memory ? p->memory + at : NULL;
}

static void
lay_out_layer(struct layout *p, const struct fl_engine *e, struct saved *s)
{
    size_t n = e->max_rows;

    *s = (struct saved){.x = take(p, n, e->C),
                        .r1 = take(p, n, 1),
                        .qkv = take(p, n, e->Q),
                        .lse = take(p, n, e->config.heads),
                        .att = take(p, n, e->HD),
                        .mid = take(p, n, e->C),
                        .r2 = take(p, n, 1),
                        .gu = take(p, n, 2 * e->F)};
}

static void
lay_out(struct layout *p, struct fl_engine *e, int threads)
{
    size_t n = e->max_rows, slab = slab_rows(n, e->V), train = e->mode == FL_ENGINE_TRAIN;
    size_t layers = train ? e->config.layers : 1;
    struct saved counted;

    e->cosine = take(p, e->max_T, e->rope.D / 2);
    e->sine = take(p, e->max_T, e->rope.D / 2);
    for (size_t l = 0; l < layers; l++)
        lay_out_layer(p, e, e->saved ? &e->saved[l] : &counted);
    e->x_end = train ? take(p, n, e->C) : NULL;
    e->r_end = take(p, n, 1);
    e->scratch_size = fl_max(chunk_rows(n, CHUNK_MIN) * (e->C + e->F),
                             fl_attention_scratch(e->max_T));
    e->scratch_size = (e->scratch_size + ALIGN - 1) / ALIGN * ALIGN;
    e->scratch = take(p, (uint64_t)threads, e->scratch_size);
    e->final = take(p, slab, e->C);
    e->logits = take(p, slab, e->V);
    if (!train)
        return;
    e->dx = take(p, n, e->C);
    e->dmid = take(p, n, e->C);
    e->normed1 = take(p, n, e->C);
    e->normed2 = take(p, n, e->C);
    e->datt = take(p, n, e->HD);
    e->dqkv[0] = take(p, n, e->Q);
    e->dqkv[1] = take(p, n, e->Q);
    e->h = take(p, n, e->F);
    e->dgain1 = take(p, chunk_count_max(n), e->C);
    e->dgain2 = take(p, chunk_count_max(n), e->C);
}

static int
set_shape(struct fl_engine *e, const struct fl_config *c, size_t B, size_t T,
          enum fl_engine_mode mode)
{
    if (T < 1 || T > c->ctx) {
        fl_error(
            FL_USAGE,
            "windows of %zu tokens are not possible; 1 to the model's context of %u would be right",
            T, (unsigned)c->ctx);
        return -1;
    }
    if (B < 1 || B > INT32_MAX / T) {
        fl_error(FL_USAGE,
                 "batches of %zu windows of %zu tokens are not possible; 1 to %zu windows would be "
                 "right",
                 B, T, (size_t)INT32_MAX / T);
        return -1;
    }
    e->config = *c;
    e->mode = mode;
    e->max_rows = B * T;
    e->max_T = T;
    e->C = c->channels;
    e->HD = (size_t)c->heads * c->head_dim;
    e->KD = (size_t)c->kv_heads * c->head_dim;
    e->Q = e->HD + 2 * e->KD;
    e->F = c->ffn;
    e->V = c->vocab;
    e->rope.D = c->head_dim;
    return 0;
}

int
fl_engine_bytes(const struct fl_config *c, int threads, size_t B, size_t T,
                enum fl_engine_mode mode, uint64_t *bytes)
{
    struct fl_engine e = {0};
    struct layout p = {0};

    if (set_shape(&e, c, B, T, mode))
        return -1;
    lay_out(&p, &e, threads);
    if (p.total > SIZE_MAX / sizeof(float)) {
        fl_error(FL_FAILED, "batches of %zu windows of %zu tokens do not fit in memory", B, T);
        return -1;
    }
    *bytes = p.total * sizeof(float);
    return 0;
}

/* Places of the parameters, from the model's table. */
static void
find_parameters(struct fl_engine *e, const struct fl_model *m)
{
    for (size_t i = 0; i < m->param_count; i++) {
        const struct fl_param *p = &m->params[i];
        struct layer_at *at = &e->at[p->layer];

        switch (p->kind) {
        case FL_PARAM_EMBED:
            e->embed = p->offset;
            if (e->config.tied)
                e->head = p->offset;
            break;
        case FL_PARAM_NORM1: at->norm1 = p->offset; break;
        case FL_PARAM_Q: at->qkv = p->offset; break;
        case FL_PARAM_O: at->o = p->offset; break;
        case FL_PARAM_NORM2: at->norm2 = p->offset; break;
        case FL_PARAM_GATE: at->gu = p->offset; break;
        case FL_PARAM_DOWN: at->down = p->offset; break;
        case FL_PARAM_NORM: e->norm = p->offset; break;
        case FL_PARAM_HEAD: e->head = p->offset; break;
        case FL_PARAM_K: /* after Q */
        case FL_PARAM_V:
        case FL_PARAM_UP: /* after GATE */ break;
        }
    }
}

struct fl_engine *
fl_engine_new(const struct fl_model *m, struct fl_pool *pool, size_t B, size_t T,
              enum fl_engine_mode mode)
{
    const struct fl_config *c = &m->config;
    int threads = fl_pool_threads(pool);
    size_t layers = mode == FL_ENGINE_TRAIN ? c->layers : 1;
    uint64_t bytes;

    if (fl_engine_bytes(c, threads, B, T, mode, &bytes))
        return NULL;
    struct fl_engine *e = fl_alloc(1, sizeof *e);
    if (!e)
        return NULL;
    set_shape(e, c, B, T, mode);
    e->pool = pool;
    e->at = fl_alloc(c->layers, sizeof *e->at);
    e->saved = fl_alloc(layers, sizeof *e->saved);
    e->memory = fl_alloc_large((size_t)(bytes / sizeof(float)), sizeof(float));
    if (!e->at || !e->saved || !e->memory) {
        fl_engine_free(e);
        return NULL;
    }
    lay_out(&(struct layout){.memory = e->memory}, e, threads);
    if (mode != FL_ENGINE_TRAIN)
        e->x_end = e->saved[0].x; /* one residual stream, which changes in place */
    find_parameters(e, m);
    fl_rope_table(e->cosine, e->sine, T, c->head_dim, c->rope_base);
    e->rope.cosine = e->cosine;
    e->rope.sine = e->sine;
    if (fl_gemm_start(threads)) {
        fl_engine_free(e);
        return NULL;
    }
    return e;
}

void
fl_engine_free(struct fl_engine *e)
{
    if (!e)
        return;
    free(e->at);
    free(e->saved);
    free(e->memory);
    free(e);
}

static struct saved *
saved_of(struct fl_engine *e, size_t layer)
{
    return &e->saved[e->mode == FL_ENGINE_TRAIN ? layer : 0];
}

static float *
scratch_of(const struct fl_engine *e, int worker)
{
    return e->scratch + (size_t)worker * e->scratch_size;
}

/* From the residual stream before layer L to its rotated queries, keys and values. */
static void
begin_layer(struct fl_engine *e, size_t l, struct range rows, float *normed)
{
    struct saved *s = saved_of(e, l);
    const float *w = e->weights;
    float *qkv = s->qkv + rows.first * e->Q;

    fl_rmsnorm_forward(normed, s->r1 + rows.first, s->x + rows.first * e->C, w + e->at[l].norm1,
                       rows.n, e->C, (float)e->config.norm_eps);
    fl_gemm(&(struct fl_gemm){.m = rows.n,
                              .n = e->Q,
                              .k = e->C,
                              .a = normed,
                              .lda = e->C,
                              .b = w + e->at[l].qkv,
                              .ldb = e->C,
                              .bt = true,
                              .c = qkv,
                              .ldc = e->Q});
    fl_rope_forward(&e->rope, qkv, e->Q, e->config.heads + e->config.kv_heads, rows.first, rows.n);
}

/* From what attention gave in layer L to the residual stream after the layer. */
static void
end_layer(struct fl_engine *e, size_t l, struct range rows, float *scratch)
{
    struct saved *s = saved_of(e, l);
    const float *w = e->weights;
    float *normed = scratch, *h = scratch + rows.n * e->C;
    float *x = s->x + rows.first * e->C, *mid = s->mid + rows.first * e->C;
    float *gu = s->gu + rows.first * 2 * e->F;
    float *next = (l + 1 < e->config.layers ? saved_of(e, l + 1)->x : e->x_end) + rows.first * e->C;

    memcpy(mid, x, rows.n * e->C * sizeof *mid);
    fl_gemm(&(struct fl_gemm){.m = rows.n,
                              .n = e->C,
                              .k = e->HD,
                              .a = s->att + rows.first * e->HD,
                              .lda = e->HD,
                              .b = w + e->at[l].o,
                              .ldb = e->HD,
                              .bt = true,
                              .keep = true,
                              .c = mid,
                              .ldc = e->C});
    fl_rmsnorm_forward(normed, s->r2 + rows.first, mid, w + e->at[l].norm2, rows.n, e->C,
                       (float)e->config.norm_eps);
    fl_gemm(&(struct fl_gemm){.m = rows.n,
                              .n = 2 * e->F,
                              .k = e->C,
                              .a = normed,
                              .lda = e->C,
                              .b = w + e->at[l].gu,
                              .ldb = e->C,
                              .bt = true,
                              .c = gu,
                              .ldc = 2 * e->F});
    fl_swiglu_forward(h, gu, rows.n, e->F);
    memcpy(next, mid, rows.n * e->C * sizeof *next);
    fl_gemm(&(struct fl_gemm){.m = rows.n,
                              .n = e->C,
                              .k = e->F,
                              .a = h,
                              .lda = e->F,
                              .b = w + e->at[l].down,
                              .ldb = e->F,
                              .bt = true,
                              .keep = true,
                              .c = next,
                              .ldc = e->C});
}

static void
embed(struct fl_engine *e, struct range rows)
{
    float *x = saved_of(e, 0)->x;

    for (size_t i = rows.first; i < rows.first + rows.n; i++)
        memcpy(x + i * e->C, e->weights + e->embed + (size_t)e->batch->x[i] * e->C,
               e->C * sizeof *x);
}

static void
rows_task(void *arg, size_t index, int worker)
{
    struct fl_engine *e = arg;
    struct range rows = fl_engine_chunk(e, index);
    float *scratch = scratch_of(e, worker);

    if (e->layer)
        end_layer(e, (size_t)e->layer - 1, rows, scratch);
    else
        embed(e, rows);
    if (e->layer < e->config.layers)
        begin_layer(e, (size_t)e->layer, rows, scratch);
}

void
fl_engine_attention(const struct fl_engine *e, size_t layer, size_t i, int worker,
                    struct fl_attention *a)
{
    const struct saved *s = &e->saved[e->mode == FL_ENGINE_TRAIN ? layer : 0];
    size_t group = e->config.heads / e->config.kv_heads, T = e->batch->T, D = e->config.head_dim;
    size_t b = i / e->config.kv_heads, kv = i % e->config.kv_heads;
    const float *qkv = s->qkv + b * T * e->Q;

    *a = (struct fl_attention){.T = T,
                               .D = D,
                               .heads = group,
                               .q = qkv + kv * group * D,
                               .k = qkv + e->HD + kv * D,
                               .v = qkv + e->HD + e->KD + kv * D,
                               .stride = e->Q,
                               .out = s->att + b * T * e->HD + kv * group * D,
                               .out_stride = e->HD,
                               .lse = s->lse + (b * e->config.heads + kv * group) * T,
                               .scratch = scratch_of(e, worker)};
}

static void
attention_task(void *arg, size_t index, int worker)
{
    struct fl_engine *e = arg;
    struct fl_attention a;

    fl_engine_attention(e, (size_t)e->layer, index, worker, &a);
    fl_attention_forward(&a);
}

/* Logits of one chunk; losses, best ids and the logits' gradients as asked for. */
static void
head_task(void *arg, size_t index, int worker)
{
    struct fl_engine *e = arg;
    struct range rows = fl_engine_slab_chunk(e, index);
    size_t in_slab = rows.first - e->slab_at;
    float *final = e->final + in_slab * e->C;
    float *logits = e->all_logits ? e->all_logits + rows.first * e->V : e->logits + in_slab * e->V;

    fl_rmsnorm_forward(final, e->r_end + rows.first, e->x_end + rows.first * e->C,
                       e->weights + e->norm, rows.n, e->C, (float)e->config.norm_eps);
    fl_gemm(&(struct fl_gemm){.m = rows.n,
                              .n = e->V,
                              .k = e->C,
                              .a = final,
                              .lda = e->C,
                              .b = e->weights + e->head,
                              .ldb = e->C,
                              .bt = true,
                              .c = logits,
                              .ldc = e->V});
    if (e->all_logits)
        return;
    for (size_t i = 0; i < rows.n; i++) {
        float *row = logits + i * e->V;
        if (e->best)
            e->best[rows.first + i] = (uint32_t)fl_vec_largest(row, e->V);
        e->loss[rows.first + i] = fl_cross_entropy(row, e->V, e->batch->y[rows.first + i],
                                                   e->grads ? e->scale : 0);
    }
    if (e->grads)
        fl_engine_head_back(e, index, worker);
}

void
fl_engine_watch(struct fl_engine *e, void (*passed)(void *arg, double share), void *arg)
{
    e->passed = passed;
    e->passed_arg = arg;
}

void
fl_engine_tell(const struct fl_engine *e, int64_t layers)
{
    int64_t all = (int64_t)e->config.layers + 1;

    if (e->passed) /* a layer back is two products for each one of the way forward */
        e->passed(e->passed_arg, (double)layers / (double)(e->grads ? 3 * all : all));
}

static void
forward(struct fl_engine *e)
{
    for (e->layer = 0; e->layer <= e->config.layers; e->layer++) {
        fl_pool_run(e->pool, e->chunks, rows_task, e);
        if (e->layer < e->config.layers)
            fl_pool_run(e->pool, e->batch->B * e->config.kv_heads, attention_task, e);
        fl_engine_tell(e, e->layer + 1);
    }
    for (e->slab_at = 0; e->slab_at < e->rows; e->slab_at += e->slab) {
        fl_pool_run(e->pool, fl_engine_slab_chunks(e), head_task, e);
        if (e->grads)
            fl_engine_head_grads(e);
    }
}

static int
check_ids(const struct fl_engine *e, const char *what, const uint32_t *ids, bool ignore)
{
    for (size_t i = 0; i < e->rows; i++)
        if (ids[i] >= e->V && !(ignore && ids[i] == FL_IGNORE))
            return fl_error(
                FL_FAILED,
                "%s %u is not in the model's vocabulary of %zu ids; use the model's own tokenizer",
                what, (unsigned)ids[i], e->V);
    return 0;
}

/* Take a batch: check it, and cut it into tasks. */
static int
begin(struct fl_engine *e, const float *weights, const struct fl_batch *batch, bool targets)
{
    if (batch->B < 1 || batch->T < 1 || batch->T > e->max_T || batch->B > e->max_rows / batch->T)
        return fl_error(
            FL_FAILED,
            "a batch of %zu windows of %zu tokens is not what the workspace was made for", batch->B,
            batch->T);
    e->rows = batch->B * batch->T;
    if (check_ids(e, "token", batch->x, false) ||
        (targets && check_ids(e, "target", batch->y, true)))
        return -1;
    e->weights = weights;
    e->batch = batch;
    e->rope.T = batch->T;
    e->chunk = chunk_rows(e->rows, CHUNK_MIN);
    e->chunks = (e->rows + e->chunk - 1) / e->chunk;
    e->slab = slab_rows(e->rows, e->V);
    e->slab_chunk = chunk_rows(e->slab, CHUNK_MIN);
    e->loss = e->all_logits = e->grads = NULL;
    e->best = NULL;
    return 0;
}

int
fl_engine_loss(struct fl_engine *e, const float *weights, const struct fl_batch *batch, float *loss,
               uint32_t *best)
{
    if (begin(e, weights, batch, true))
        return -1;
    e->loss = loss;
    e->best = best;
    forward(e);
    return 0;
}

int
fl_engine_logits(struct fl_engine *e, const float *weights, const struct fl_batch *batch,
                 float *logits)
{
    if (begin(e, weights, batch, false))
        return -1;
    e->all_logits = logits;
    forward(e);
    return 0;
}

int
fl_engine_grad(struct fl_engine *e, const float *weights, const struct fl_batch *batch, float scale,
               float *grads, float *loss)
{
    if (e->mode != FL_ENGINE_TRAIN)
        return fl_error(FL_FAILED, "the workspace was made for losses, not for gradients");
    if (begin(e, weights, batch, true))
        return -1;
    e->loss = loss;
    e->grads = grads;
    e->scale = scale;
    forward(e);
    fl_engine_backward(e);
    return 0;
}
