/*
 * Few rows at a time: products are cut by outputs (fl_pass.wide), where the engine cuts rows, of
 * which one would be one task. What a layer does is in block.c for both; here are the keys and
 * values of what was read, and the order of things. With a sliding window only the last keys are
 * kept: when their room is full, those that the next token still sees move to its front
 * [make_room], which is rare, and leaves attention the same numbers in the same order.
 */
#include "nn/infer.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "math/gemm.h"
#include "nn/attention.h"
#include "nn/transformer.h"
#include "os/memory.h"

enum { PIECE = 64 }; /* tokens at once */

struct cache {
    float *k, *v; /* (room,KD) of tokens FIRST and up */
};

struct fl_infer {
    const struct fl_model *m;
    struct fl_pool *pool;
    struct fl_transformer *model;
    size_t T, length;
    size_t room, first;   /* keys that are kept: at most ROOM, the first of them of token FIRST */
    struct cache *caches; /* (L,) */
    float *memory;
    float *cosine, *sine;
    struct fl_saved rows; /* of a piece: one residual stream, and every layer's */
    float *scratch;
    float *scores; /* for each worker fl_attention_scratch(T) */
};

/* Rows of memory and where to: all of it is taken at once. */
struct part {
    float **to;
    size_t rows, columns;
};

static int
take_memory(struct fl_infer *d)
{
    const struct fl_sizes *z = &d->model->sizes;
    size_t T = d->T, threads = (size_t)fl_pool_threads(d->pool);
    struct fl_saved *s = &d->rows;
    const struct part parts[] = {
        {&d->cosine, T, z->rotated / 2},
        {&d->sine, T, z->rotated / 2},
        {&s->x, PIECE, z->C},
        {&s->stat1, PIECE, z->S},
        {&s->stat2, PIECE, z->S},
        {&s->raw, PIECE, z->qk * (z->HD + z->KD)},
        {&s->stat_qk, PIECE, z->qk * (z->H + z->K)},
        {&s->qkv, PIECE, z->Q},
        {&s->att, PIECE, z->HD},
        {&s->up, PIECE, z->U},
        {&d->scratch, threads * z->tile + PIECE * z->rank + fl_block_scratch(z, PIECE), 1},
        {&d->scores, threads, fl_attention_scratch(d->room, false)},
    };
    enum { PARTS = sizeof parts / sizeof *parts };
    size_t cache, total;

    if (fl_mul_size(2 * z->KD * z->L, d->room, &total) || fl_mul_size(total, sizeof(float), &cache))
        return -1;
    for (size_t i = 0; i < PARTS; i++)
        total += parts[i].rows * parts[i].columns;
    d->caches = fl_alloc(z->L, sizeof *d->caches);
    d->memory = d->caches ? fl_alloc_large(total, sizeof *d->memory) : NULL;
    if (!d->memory)
        return -1;
    float *at = d->memory;
    for (size_t i = 0; i < PARTS; i++) {
        *parts[i].to = at;
        at += parts[i].rows * parts[i].columns;
    }
    s->mid = s->next = s->x;
    for (size_t l = 0; l < z->L; l++, at += 2 * d->room * z->KD)
        d->caches[l] = (struct cache){at, at + d->room * z->KD};
    return 0;
}

struct fl_infer *
fl_infer_new(const struct fl_model *m, struct fl_pool *pool, size_t T)
{
    const struct fl_config *c = &m->layout.config;

    if (T < 1 || T > c->ctx) {
        fl_error(
            FL_USAGE,
            "texts of %zu tokens are not possible; 1 to the model's context of %u would be right",
            T, (unsigned)c->ctx);
        return NULL;
    }
    struct fl_infer *d = fl_alloc(1, sizeof *d);
    if (!d)
        return NULL;
    *d = (struct fl_infer){.m = m, .pool = pool, .T = T, .model = fl_transformer_new(m)};
    d->room = c->window ? fl_min((size_t)c->window + c->window / 4 + PIECE, T) : T;
    if (!d->model || take_memory(d) || fl_gemm_start(fl_pool_threads(pool))) {
        fl_infer_free(d);
        return NULL;
    }
    fl_rope_table(d->cosine, d->sine, T, c);
    return d;
}

void
fl_infer_free(struct fl_infer *d)
{
    if (!d)
        return;
    fl_transformer_free(d->model);
    free(d->caches);
    free(d->memory);
    free(d);
}

/* N rows of a layer, over what was read before them. */
struct reading {
    const struct fl_infer *d;
    const struct cache *cache;
    size_t n;
};

/* All heads of one group. */
static void
attention_task(void *arg, size_t kv, int worker)
{
    const struct reading *r = arg;
    const struct fl_infer *d = r->d;
    const struct fl_sizes *z = &d->model->sizes;
    size_t at = kv * (z->H / z->K) * z->D;

    fl_attention_forward(
        &(struct fl_attention){.n = r->n,
                               .before = d->length - d->first,
                               .D = z->D,
                               .heads = z->H / z->K,
                               .window = z->window,
                               .q = d->rows.qkv + at,
                               .stride = z->Q,
                               .k = r->cache->k + kv * z->D,
                               .v = r->cache->v + kv * z->D,
                               .kv_stride = z->KD,
                               .out = d->rows.att + at,
                               .out_stride = z->HD,
                               .scratch = d->scores +
                                          (size_t)worker * fl_attention_scratch(d->room, false)});
}

/* Keep keys and values of N rows, and attend. */
static void
attend(struct fl_infer *d, const struct cache *cache, size_t n)
{
    const struct fl_sizes *z = &d->model->sizes;
    struct reading r = {d, cache, n};
    size_t at = d->length - d->first;

    for (size_t i = 0; i < n; i++) {
        const float *row = d->rows.qkv + i * z->Q + z->HD;
        memcpy(cache->k + (at + i) * z->KD, row, z->KD * sizeof *row);
        memcpy(cache->v + (at + i) * z->KD, row + z->KD, z->KD * sizeof *row);
    }
    fl_pool_run(d->pool, z->K, attention_task, &r);
}

/* The first token whose key the one after LENGTH tokens sees. */
static size_t
first_seen(const struct fl_infer *d, size_t length)
{
    size_t window = d->model->sizes.window;

    return window && length + 1 > window ? length + 1 - window : 0;
}

/* For N more keys: drop those that nobody sees any more, if it takes that. */
static void
make_room(struct fl_infer *d, size_t n)
{
    const struct fl_sizes *z = &d->model->sizes;
    size_t first = first_seen(d, d->length), dropped = first - d->first;
    size_t kept = (d->length - first) * z->KD;

    if (d->length - d->first + n <= d->room)
        return;
    for (size_t l = 0; l < z->L; l++) {
        const struct cache *c = &d->caches[l];
        memmove(c->k, c->k + dropped * z->KD, kept * sizeof *c->k);
        memmove(c->v, c->v + dropped * z->KD, kept * sizeof *c->v);
    }
    d->first = first;
}

static struct fl_pass
pass_of(const struct fl_infer *d)
{
    const struct fl_sizes *z = &d->model->sizes;

    return (struct fl_pass){.weights = d->m->stored,
                            .rope = {z->rotated ? d->cosine : NULL, d->sine, d->T, d->length, z->D,
                                     z->rotated},
                            .wide = true,
                            .pool = d->pool,
                            .tiles = (size_t)fl_pool_threads(d->pool) * z->tile + PIECE * z->rank,
                            .low = (size_t)fl_pool_threads(d->pool) * z->tile};
}

static void
read_piece(struct fl_infer *d, const uint32_t *ids, size_t n)
{
    const struct fl_sizes *z = &d->model->sizes;
    const struct fl_pass pass = pass_of(d);
    const struct fl_id_rows in = {ids, n, d->length, d->T, NULL};
    const struct fl_range rows = {0, n};

    make_room(d, n);
    fl_transformer_embed(d->model, d->m->stored, &in, d->rows.x);
    for (size_t l = 0; l < z->L; l++) {
        fl_block_qkv(&d->model->blocks[l], &pass, &d->rows, rows, d->scratch);
        attend(d, &d->caches[l], n);
        fl_block_feed_forward(&d->model->blocks[l], &pass, &d->rows, rows, d->scratch);
    }
    d->length += n;
}

/* What follows row ROW of the piece. */
static void
tell_logits(struct fl_infer *d, size_t row, float *logits)
{
    const struct fl_sizes *z = &d->model->sizes;
    const struct fl_pass pass = pass_of(d);
    struct fl_norm norm = fl_norm_of(&d->model->norm, pass.weights);
    float *normed = d->scratch + pass.tiles;

    fl_norm_forward(&norm, normed, d->rows.stat1, d->rows.x + row * z->C, 1);
    fl_pass_forward(&pass, &d->model->head,
                    &(struct fl_linear_rows){.n = 1,
                                             .stride = z->V,
                                             .x = normed,
                                             .y = logits,
                                             .tile = d->scratch});
}

int
fl_infer_read(struct fl_infer *d, const uint32_t *ids, size_t n, float *logits)
{
    if (n < 1 || n > d->T - d->length)
        return fl_error(FL_FAILED,
                        "%zu more tokens after %zu do not fit in the %zu that there is room for", n,
                        d->length, d->T);
    for (size_t i = 0; i < n; i++)
        if (ids[i] >= d->model->sizes.V)
            return fl_error(FL_FAILED, "token %u is not in the model's vocabulary of %zu ids",
                            (unsigned)ids[i], d->model->sizes.V);
    size_t last = 0;
    for (size_t i = 0; i < n; i += last) {
        last = fl_min(n - i, PIECE);
        read_piece(d, ids + i, last);
    }
    tell_logits(d, last - 1, logits);
    return 0;
}

size_t
fl_infer_length(const struct fl_infer *d)
{
    return d->length;
}

size_t
fl_infer_rewind(struct fl_infer *d, size_t length)
{
    if (length < d->length) {
        d->length = first_seen(d, length) < d->first ? 0 : length;
        d->first = fl_min(d->first, d->length);
    }
    return d->length;
}
