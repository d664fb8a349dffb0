/*
 * The memory of both passes, which one function lays out: first to count it, then to point into it
 * [lay_out], so that fl_engine_bytes tells what is taken; and the calls, which check a batch and
 * cut it into tasks [begin].
 */
#include "nn/engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "math/gemm.h"
#include "math/products.h"
#include "nn/engine_state.h"
#include "os/memory.h"

enum {
    CHUNK_MIN = 32,
    CHUNK_MAX = 512,
    CHUNKS = 16,           /* tasks wanted, if they are large enough */
    SLAB_MIN = 256,        /* rows */
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

/* Tasks of a pass: where norms are wanted, windows are cut one by one. */
static size_t
chunk_room(const struct fl_engine *e)
{
    size_t n = chunk_count_max(e->max_rows);

    return e->norms ? fl_max(n, e->max_B * ((e->max_T + CHUNK_MIN - 1) / CHUNK_MIN)) : n;
}

static size_t
slab_rows(size_t rows, size_t V)
{
    assert(V > 0);
    size_t n = fl_max(SLAB_FLOATS / V, SLAB_MIN);

    return fl_min(n < CHUNK_MAX ? n : n / CHUNK_MAX * CHUNK_MAX, rows);
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

/* What the queries, keys and values of a layer need on the way back, when the next is back. */
static void
lay_out_qkv(struct layout *p, const struct fl_sizes *z, size_t n, struct fl_saved *s)
{
    s->stat1 = take(p, n, z->S);
    s->raw = take(p, n, z->qk * (z->HD + z->KD));
    s->stat_qk = take(p, n, z->qk * (z->H + z->K));
}

static void
lay_out_layer(struct layout *p, const struct fl_sizes *z, size_t n, struct fl_saved *s)
{
    s->x = take(p, n, z->C);
    lay_out_qkv(p, z, n, s);
    s->qkv = take(p, n, z->Q);
    s->lse = take(p, n, z->H);
    s->att = take(p, n, z->HD);
    s->mid = take(p, n, z->C);
    s->stat2 = take(p, n, z->S);
    s->up = take(p, n, z->U);
}

/*
 * The first COUNT layers, which share all but their inputs. When layer l has been computed again,
 * rows l still read of layer l + 1 what lay_out_qkv takes [engine_state.h], so even and odd ones
 * have their own.
 */
static void
lay_out_shared(struct layout *p, const struct fl_sizes *z, size_t n, size_t count,
               struct fl_saved *s)
{
    struct fl_saved both[2] = {{0}};

    lay_out_layer(p, z, n, &both[0]);
    both[1] = both[0];
    if (count > 1)
        lay_out_qkv(p, z, n, &both[1]);
    for (size_t l = 0; l < count; l++) {
        float *x = l ? take(p, n, z->C) : both[0].x;
        if (s) {
            s[l] = both[l & 1];
            s[l].x = x;
        }
    }
}

/* The same of bf16, where products are of these; else none. */
static uint16_t *
take_half(struct layout *p, const struct fl_engine *e, uint64_t a, uint64_t b)
{
    return e->bf16 ? (uint16_t *)(void *)take(p, a, (b + 1) / 2) : NULL;
}

static struct fl_low
lay_out_low(struct layout *p, const struct fl_sizes *z, const struct fl_engine *e)
{
    size_t n = e->max_rows;
    float *h = take(p, n, z->ranks), *dh = take(p, n, z->ranks);
    uint16_t *h16 = take_half(p, e, n, z->ranks), *dh16 = take_half(p, e, n, z->ranks);

    return (struct fl_low){h, dh, h16, dh16, n};
}

/* What products are of on the way back, in bf16; of the f32 it is made in scratch. */
static void
lay_out_half(struct layout *p, const struct fl_sizes *z, struct fl_engine *e)
{
    size_t n = e->max_rows;
    struct fl_back *d = &e->back[0];

    d->half.dx = take_half(p, e, n, z->C);
    d->half.dmid = take_half(p, e, n, z->C);
    d->half.dqkv = take_half(p, e, n, z->Q);
    d->half.dup = take_half(p, e, n, z->U);
    d->half.normed1 = take_half(p, e, n, z->C);
    d->half.normed2 = take_half(p, e, n, z->C);
    d->half.h = take_half(p, e, n, z->F);
    d->half.att = take_half(p, e, n, z->HD);
}

static void
lay_out_back(struct layout *p, const struct fl_sizes *z, struct fl_engine *e)
{
    size_t n = e->max_rows;
    struct fl_back *even = &e->back[0], *odd = &e->back[1];

    even->dx = take(p, n, z->C);
    even->dmid = take(p, n, z->C);
    even->normed1 = e->bf16 ? NULL : take(p, n, z->C);
    even->normed2 = e->bf16 ? NULL : take(p, n, z->C);
    even->datt = take(p, n, z->HD);
    even->dqkv = take(p, n, z->Q);
    even->h = e->bf16 ? NULL : take(p, n, z->F);
    lay_out_half(p, z, e);
    even->low_qkv = lay_out_low(p, z, e);
    even->low_o = lay_out_low(p, z, e);
    even->low_up = lay_out_low(p, z, e);
    even->low_down = lay_out_low(p, z, e);
    *odd = *even;
    odd->dqkv = take(p, n, z->Q);
    e->parts1 = take(p, chunk_room(e), z->parts);
    e->parts2 = take(p, chunk_room(e), z->parts);
}

/*
 * How many of the first layers share memory, and are computed again on the way back. Of an adapter,
 * whose gradients and moments are next to nothing, activations are most of what it takes: a fifth
 * of them for a twentieth of the time.
 */
static size_t
shared_layers(const struct fl_sizes *z, enum fl_engine_mode mode)
{
    if (mode == FL_ENGINE_TRAIN && z->ranks)
        return z->L / 5;
    return mode == FL_ENGINE_RECOMPUTE ? z->L : 0;
}

/* Rows of the head's slab: whole windows where norms are wanted. */
static size_t
slab_room(const struct fl_engine *e, size_t V)
{
    size_t n = slab_rows(e->max_rows, V);

    return e->norms ? fl_max(n, e->max_T) : n;
}

static void
lay_out_norms(struct layout *p, const struct fl_sizes *z, struct fl_engine *e)
{
    const size_t slot = sizeof(struct fl_norm_slot) / sizeof(float);

    e->slots = (void *)take(p, e->max_B, FL_NORM_SLOTS * slot);
    e->head = (void *)take(p, e->max_B, slot);
    e->token_rows = e->tied ? take(p, e->max_rows, z->C) : NULL;
}

static void
lay_out(struct layout *p, const struct fl_sizes *z, struct fl_engine *e, int threads)
{
    bool train = e->mode != FL_ENGINE_SCORE;
    size_t n = e->max_rows, slab = slab_room(e, z->V);
    size_t layers = train ? z->L : 1;
    struct fl_saved counted;

    e->cosine = take(p, e->max_T, z->rotated / 2);
    e->sine = take(p, e->max_T, z->rotated / 2);
    e->shared = shared_layers(z, e->mode);
    if (e->shared)
        lay_out_shared(p, z, n, e->shared, e->saved);
    for (size_t l = e->shared; l < layers; l++)
        lay_out_layer(p, z, n, e->saved ? &e->saved[l] : &counted);
    e->x_end = train ? take(p, n, z->C) : NULL;
    e->stat_end = take(p, n, z->S);
    e->tiles = z->tile + chunk_rows(n, CHUNK_MIN) * z->rank;
    e->half = e->tiles + fl_block_scratch(z, chunk_rows(n, CHUNK_MIN));
    e->scratch_size = e->half + (e->bf16 ? fl_half_scratch(z, chunk_rows(n, CHUNK_MIN)) : 0);
    e->scratch_size = fl_max(e->scratch_size, fl_attention_scratch(e->max_T, train));
    if (e->norms)
        e->scratch_size = fl_max(e->scratch_size, fl_norm_scratch(z, e->max_T));
    e->scratch_size = (e->scratch_size + ALIGN - 1) / ALIGN * ALIGN;
    e->scratch = take(p, (uint64_t)threads, e->scratch_size);
    e->final = take(p, slab, z->C);
    e->logits = take(p, slab, z->V);
    e->copies = take_half(p, e, 1, e->copied);
    if (!train)
        return;
    e->half_final = take_half(p, e, slab, z->C);
    e->half_logits = take_half(p, e, slab, z->V);
    lay_out_back(p, z, e);
    if (e->norms)
        lay_out_norms(p, z, e);
}

/* Chain the layers; those of which nothing is kept are one, and so is their residual stream. */
static void
chain_layers(struct fl_engine *e, size_t L)
{
    if (e->mode == FL_ENGINE_SCORE) {
        e->x_end = e->saved[0].next = e->saved[0].x;
        for (size_t l = 1; l < L; l++)
            e->saved[l] = e->saved[0];
        return;
    }
    for (size_t l = 0; l < L; l++)
        e->saved[l].next = l + 1 < L ? e->saved[l + 1].x : e->x_end;
}

static int
set_shape(struct fl_engine *e, const struct fl_model *m, size_t B, size_t T,
          enum fl_engine_mode mode)
{
    const struct fl_config *c = &m->layout.config;

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
    e->mode = mode & ~(unsigned)(FL_ENGINE_BF16 | FL_ENGINE_NORMS);
    e->bf16 = mode & FL_ENGINE_BF16;
    e->norms = mode & FL_ENGINE_NORMS;
    if (e->norms && (e->bf16 || e->mode == FL_ENGINE_SCORE))
        return fl_error(FL_USAGE, "norms of gradients want a training in precision f32");
    e->tied = c->tied;
    e->max_B = B;
    e->copied = e->bf16 ? fl_narrow_size(m) : 0;
    e->max_rows = B * T;
    e->max_T = T;
    return 0;
}

int
fl_engine_bytes(const struct fl_model *m, int threads, size_t B, size_t T, enum fl_engine_mode mode,
                uint64_t *bytes)
{
    const struct fl_sizes z = fl_sizes_of(m);
    struct fl_engine e = {0};
    struct layout p = {0};

    if (set_shape(&e, m, B, T, mode))
        return -1;
    lay_out(&p, &z, &e, threads);
    if (p.total > SIZE_MAX / sizeof(float)) {
        fl_error(FL_FAILED, "batches of %zu windows of %zu tokens do not fit in memory", B, T);
        return -1;
    }
    *bytes = p.total * sizeof(float);
    return 0;
}

static int
start_narrow(struct fl_engine *e, const struct fl_model *m)
{
    if (!fl_products()->bf16)
        return fl_error(FL_USAGE,
                        "products of bf16 are not possible on this machine; precision f32 "
                        "would be right");
    return fl_narrow_start(&e->narrow, m, e->copies);
}

struct fl_engine *
fl_engine_new(const struct fl_model *m, struct fl_pool *pool, size_t B, size_t T,
              enum fl_engine_mode mode)
{
    const struct fl_config *c = &m->layout.config;
    int threads = fl_pool_threads(pool);
    uint64_t bytes;

    if (fl_engine_bytes(m, threads, B, T, mode, &bytes))
        return NULL;
    struct fl_engine *e = fl_alloc(1, sizeof *e);
    if (!e)
        return NULL;
    set_shape(e, m, B, T, mode);
    e->pool = pool;
    e->model = fl_transformer_new(m);
    e->saved = fl_alloc(c->layers, sizeof *e->saved);
    e->memory = fl_alloc_large((size_t)(bytes / sizeof(float)), sizeof(float));
    if (!e->model || !e->saved || !e->memory || fl_gemm_start(threads)) {
        fl_engine_free(e);
        return NULL;
    }
    lay_out(&(struct layout){.memory = e->memory}, &e->model->sizes, e, threads);
    if (e->bf16 && start_narrow(e, m)) {
        fl_engine_free(e);
        return NULL;
    }
    chain_layers(e, c->layers);
    fl_rope_table(e->cosine, e->sine, T, c);
    return e;
}

void
fl_engine_free(struct fl_engine *e)
{
    if (!e)
        return;
    fl_transformer_free(e->model);
    fl_narrow_release(&e->narrow);
    free(e->saved);
    free(e->memory);
    free(e);
}

void
fl_engine_watch(struct fl_engine *e, void (*passed)(void *arg, double share), void *arg)
{
    e->passed = passed;
    e->passed_arg = arg;
}

void
fl_engine_weights_stay(struct fl_engine *e)
{
    e->stay = true;
}

void
fl_call_tell(const struct fl_call *c, int64_t layers)
{
    int64_t all = (int64_t)c->e->model->sizes.L + 1;

    if (c->e->passed)
        c->e->passed(c->e->passed_arg,
                     (double)layers / (double)(c->back ? (1 + fl_call_back(c)) * all : all));
}

static int
check_ids(const struct fl_call *c, const char *what, const uint32_t *ids, bool ignore)
{
    size_t V = c->e->model->sizes.V;

    for (size_t i = 0; i < c->rows; i++)
        if (ids[i] >= V && !(ignore && ids[i] == FL_IGNORE))
            return fl_error(
                FL_FAILED,
                "%s %u is not in the model's vocabulary of %zu ids; use the model's own tokenizer",
                what, (unsigned)ids[i], V);
    return 0;
}

/* Take a batch: check it, and cut it into tasks. */
static int
begin(struct fl_call *c, struct fl_engine *e, const struct fl_stored *weights,
      const struct fl_batch *batch)
{
    const struct fl_sizes *z = &e->model->sizes;

    if (batch->B < 1 || batch->T < 1 || batch->T > e->max_T || batch->B > e->max_rows / batch->T)
        return fl_error(
            FL_FAILED,
            "a batch of %zu windows of %zu tokens is not what the workspace was made for", batch->B,
            batch->T);
    *c = (struct fl_call){.e = e, .batch = batch, .rows = batch->B * batch->T};
    c->weights = c->pass.weights = weights;
    if (e->bf16) {
        if (!e->stay || !e->narrow.filled)
            fl_narrow_fill(&e->narrow, weights, e->pool);
        c->pass.weights = e->narrow.stored;
        c->pass.half = e->half;
        e->stay = false;
    }
    c->pass.tiles = e->tiles;
    c->pass.low = z->tile;
    c->pass.rope = (struct fl_rope){.cosine = z->rotated ? e->cosine : NULL,
                                    .sine = e->sine,
                                    .T = batch->T,
                                    .D = z->D,
                                    .rotated = z->rotated};
    c->chunk = chunk_rows(c->rows, CHUNK_MIN);
    c->chunks = (c->rows + c->chunk - 1) / c->chunk;
    c->slab = slab_rows(c->rows, z->V);
    c->slab_chunk = chunk_rows(c->slab, CHUNK_MIN);
    return check_ids(c, "token", batch->x, false);
}

int
fl_engine_loss(struct fl_engine *e, const struct fl_stored *weights, const struct fl_batch *batch,
               float *loss, uint32_t *best)
{
    struct fl_call c;

    if (begin(&c, e, weights, batch) || check_ids(&c, "target", batch->y, true))
        return -1;
    c.loss = loss;
    c.best = best;
    fl_call_forward(&c);
    return 0;
}

int
fl_engine_logits(struct fl_engine *e, const struct fl_stored *weights, const struct fl_batch *batch,
                 float *logits)
{
    struct fl_call c;

    if (begin(&c, e, weights, batch))
        return -1;
    c.all_logits = logits;
    fl_call_forward(&c);
    return 0;
}

static int
begin_back(struct fl_call *c, struct fl_engine *e, const struct fl_stored *weights,
           const struct fl_batch *batch)
{
    if (e->mode == FL_ENGINE_SCORE)
        return fl_error(FL_FAILED, "the workspace was made for losses, not for gradients");
    if (begin(c, e, weights, batch) || check_ids(c, "target", batch->y, true))
        return -1;
    c->back = true;
    return 0;
}

int
fl_engine_grad(struct fl_engine *e, const struct fl_stored *weights, const struct fl_batch *batch,
               float scale, float *grads, float *loss)
{
    struct fl_call c;

    if (begin_back(&c, e, weights, batch))
        return -1;
    c.loss = loss;
    c.grads = grads;
    c.scale = scale;
    fl_call_forward(&c);
    fl_call_backward(&c);
    return 0;
}

int
fl_engine_grad_scaled(struct fl_engine *e, const struct fl_stored *weights,
                      const struct fl_batch *batch, const float *scales, float *grads, float *loss)
{
    struct fl_call c;

    if (begin_back(&c, e, weights, batch))
        return -1;
    c.loss = loss;
    c.grads = grads;
    c.scales = scales;
    fl_call_forward(&c);
    fl_call_backward(&c);
    return 0;
}

/* Chunks and slabs of whole windows, so that what tasks have parts of is one window's. */
static void
cut_by_windows(struct fl_call *c)
{
    size_t T = c->batch->T, room = slab_room(c->e, c->e->model->sizes.V);

    c->chunk = c->slab_chunk = fl_min(c->chunk, T);
    c->per = (T + c->chunk - 1) / c->chunk;
    c->chunks = c->batch->B * c->per;
    c->slab = fl_min(room / T * T, c->rows);
}

int
fl_engine_norms(struct fl_engine *e, const struct fl_stored *weights, const struct fl_batch *batch,
                const float *scales, double *norm2, float *loss)
{
    struct fl_call c;

    if (!e->norms || batch->start || batch->B > e->max_B)
        return fl_error(FL_FAILED,
                        "the workspace was not made for norms of so many windows, or documents "
                        "share one");
    if (begin_back(&c, e, weights, batch))
        return -1;
    cut_by_windows(&c);
    memset(norm2, 0, batch->B * sizeof *norm2);
    c.loss = loss;
    c.norm2 = norm2;
    c.scales = scales;
    fl_call_forward(&c);
    fl_call_backward(&c);
    return 0;
}
