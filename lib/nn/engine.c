/*
 * The calls: each checks a batch, cuts it into tasks [begin], and goes forward and back. Where the
 * memory lies that is computed in is told in engine_room.c.
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
    e->mode = mode & ~(unsigned)(FL_ENGINE_BF16 | FL_ENGINE_NORMS | FL_ENGINE_LEND);
    e->bf16 = mode & FL_ENGINE_BF16;
    e->norms = mode & FL_ENGINE_NORMS;
    e->lends = mode & FL_ENGINE_LEND;
    if (e->norms && (e->bf16 || e->lends || e->mode == FL_ENGINE_SCORE))
        return fl_error(FL_USAGE, "norms of gradients want a training in precision f32, whose "
                                  "gradients are added to");
    e->parameters = &m->layout;
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

    if (set_shape(&e, m, B, T, mode))
        return -1;
    uint64_t total = fl_engine_lay_out(&e, &z, threads, NULL);
    if (total > SIZE_MAX / sizeof(float)) {
        fl_error(FL_FAILED, "batches of %zu windows of %zu tokens do not fit in memory", B, T);
        return -1;
    }
    *bytes = total * sizeof(float);
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
    fl_engine_lay_out(e, &e->model->sizes, threads, e->memory);
    if (e->bf16 && start_narrow(e, m)) {
        fl_engine_free(e);
        return NULL;
    }
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
    fl_engine_place(e, NULL);
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
    c->chunk = fl_engine_chunk(c->rows);
    c->chunks = (c->rows + c->chunk - 1) / c->chunk;
    c->slab = fl_engine_slab(c->rows, z->V);
    c->slab_chunk = fl_engine_chunk(c->slab);
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
           const struct fl_batch *batch, float *grads)
{
    if (e->mode == FL_ENGINE_SCORE)
        return fl_error(FL_FAILED, "the workspace was made for losses, not for gradients");
    if (begin(c, e, weights, batch) || check_ids(c, "target", batch->y, true))
        return -1;
    c->back = true;
    c->grads = grads;
    if (grads)
        fl_engine_place(e, grads);
    return 0;
}

int
fl_engine_grad(struct fl_engine *e, const struct fl_stored *weights, const struct fl_batch *batch,
               float scale, float *grads, float *loss)
{
    struct fl_call c;

    if (begin_back(&c, e, weights, batch, grads))
        return -1;
    c.loss = loss;
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

    if (begin_back(&c, e, weights, batch, grads))
        return -1;
    c.loss = loss;
    c.scales = scales;
    fl_call_forward(&c);
    fl_call_backward(&c);
    return 0;
}

/* Chunks and slabs of whole windows, so that what tasks have parts of is one window's. */
static void
cut_by_windows(struct fl_call *c)
{
    size_t T = c->batch->T, room = fl_engine_slab_room(c->e, c->e->model->sizes.V);

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
    if (begin_back(&c, e, weights, batch, NULL))
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
