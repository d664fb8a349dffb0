/*
 * Few rows at a time: a product is cut by its columns here and by rows in engine.c, where one row
 * would be one task. The layers are the same: who changes them there changes them here, and
 * test_infer compares the logits.
 */
#include "nn/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "math/gemm.h"
#include "math/vector.h"
#include "nn/layers.h"
#include "os/memory.h"

enum { PIECE = 64, TILE = 256 }; /* tokens at once; outputs of a product for one task */

struct layer {
    const float *norm1, *qkv, *o, *norm2, *gu, *down; /* in the model */
    float *k, *v;                                     /* (T,KD) of the tokens read */
};

struct fl_infer {
    const struct fl_model *m;
    struct fl_pool *pool;
    size_t T, length;
    size_t C, H, K, D, Q, F, V; /* K key heads; Q = (H + 2K) D */
    struct layer *layers;
    const float *embed, *norm, *head;
    struct fl_rope rope;
    float *memory;
    float *cosine, *sine;
    float *x, *normed; /* (PIECE,C) */
    float *r;          /* (PIECE,) */
    float *qkv;        /* (PIECE,Q) */
    float *att;        /* (PIECE,HD) */
    float *gu, *h;     /* (PIECE,2F), (PIECE,F) */
    float *scores;     /* for each worker (PIECE,T) */
    /* the piece at hand */
    size_t n;
    struct layer *layer;
};

static void
find_parameters(struct fl_infer *d)
{
    for (size_t i = 0; i < d->m->param_count; i++) {
        const struct fl_param *p = &d->m->params[i];
        const float *w = d->m->weights + p->offset;
        struct layer *l = &d->layers[p->layer];

        switch (p->kind) {
        case FL_PARAM_EMBED:
            d->embed = w;
            if (d->m->config.tied)
                d->head = w;
            break;
        case FL_PARAM_NORM1: l->norm1 = w; break;
        case FL_PARAM_Q: l->qkv = w; break;
        case FL_PARAM_O: l->o = w; break;
        case FL_PARAM_NORM2: l->norm2 = w; break;
        case FL_PARAM_GATE: l->gu = w; break;
        case FL_PARAM_DOWN: l->down = w; break;
        case FL_PARAM_NORM: d->norm = w; break;
        case FL_PARAM_HEAD: d->head = w; break;
        case FL_PARAM_K:
        case FL_PARAM_V:
        case FL_PARAM_UP: break;
        }
    }
}

/* Rows of memory and where to: all of it is taken at once. */
struct part {
    float **to;
    size_t rows, columns;
};

static int
take_memory(struct fl_infer *d)
{
    size_t T = d->T, HD = d->H * d->D, threads = (size_t)fl_pool_threads(d->pool);
    const struct part parts[] = {
        {&d->cosine, T, d->D / 2}, {&d->sine, T, d->D / 2},
        {&d->x, PIECE, d->C},      {&d->normed, PIECE, d->C},
        {&d->r, PIECE, 1},         {&d->qkv, PIECE, d->Q},
        {&d->att, PIECE, HD},      {&d->gu, PIECE, 2 * d->F},
        {&d->h, PIECE, d->F},      {&d->scores, PIECE * threads, T},
    };
    enum { PARTS = sizeof parts / sizeof *parts };
    size_t cache, total, KD = d->K * d->D;

    if (fl_mul_size(2 * KD * d->m->config.layers, T, &total) ||
        fl_mul_size(total, sizeof(float), &cache))
        return -1;
    for (size_t i = 0; i < PARTS; i++)
        total += parts[i].rows * parts[i].columns;
    d->layers = fl_alloc(d->m->config.layers, sizeof *d->layers);
    d->memory = d->layers ? fl_alloc_large(total, sizeof *d->memory) : NULL;
    if (!d->memory)
        return -1;
    float *at = d->memory;
    for (size_t i = 0; i < PARTS; i++) {
        *parts[i].to = at;
        at += parts[i].rows * parts[i].columns;
    }
    for (size_t l = 0; l < d->m->config.layers; l++, at += 2 * T * KD) {
        d->layers[l].k = at;
        d->layers[l].v = at + T * KD;
    }
    return 0;
}

struct fl_infer *
fl_infer_new(const struct fl_model *m, struct fl_pool *pool, size_t T)
{
    const struct fl_config *c = &m->config;

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
    *d = (struct fl_infer){.m = m,
                           .pool = pool,
                           .T = T,
                           .C = c->channels,
                           .H = c->heads,
                           .K = c->kv_heads,
                           .D = c->head_dim,
                           .F = c->ffn,
                           .V = c->vocab};
    d->Q = (d->H + 2 * d->K) * d->D;
    if (take_memory(d)) {
        fl_infer_free(d);
        return NULL;
    }
    find_parameters(d);
    fl_rope_table(d->cosine, d->sine, T, d->D, c->rope_base);
    d->rope = (struct fl_rope){d->cosine, d->sine, T, d->D};
    if (fl_gemm_start(fl_pool_threads(pool))) {
        fl_infer_free(d);
        return NULL;
    }
    return d;
}

void
fl_infer_free(struct fl_infer *d)
{
    if (!d)
        return;
    free(d->layers);
    free(d->memory);
    free(d);
}

/* y (rows,out) = x (rows,in) w' + keep y, w (out,in) */
struct product {
    const float *x, *w;
    float *y;
    size_t rows, in, out;
    bool keep;
};

static void
product_task(void *arg, size_t index, int worker)
{
    const struct product *p = arg;
    size_t at = index * TILE, n = fl_min(p->out - at, TILE);

    (void)worker;
    fl_gemm(&(struct fl_gemm){.m = p->rows,
                              .n = n,
                              .k = p->in,
                              .a = p->x,
                              .lda = p->in,
                              .b = p->w + at * p->in,
                              .ldb = p->in,
                              .bt = true,
                              .keep = p->keep,
                              .c = p->y + at,
                              .ldc = p->out});
}

static void
multiply(struct fl_infer *d, struct product p)
{
    fl_pool_run(d->pool, (p.out + TILE - 1) / TILE, product_task, &p);
}

/* All heads of one group, over the keys read so far. */
static void
attention_task(void *arg, size_t kv, int worker)
{
    struct fl_infer *d = arg;
    size_t group = d->H / d->K, KD = d->K * d->D, HD = d->H * d->D, end = d->length + d->n;
    float *s = d->scores + (size_t)worker * PIECE * d->T, scale = 1 / sqrtf((float)d->D);

    for (size_t h = kv * group; h < (kv + 1) * group; h++) {
        fl_gemm(&(struct fl_gemm){.m = d->n,
                                  .n = end,
                                  .k = d->D,
                                  .a = d->qkv + h * d->D,
                                  .lda = d->Q,
                                  .b = d->layer->k + kv * d->D,
                                  .ldb = KD,
                                  .bt = true,
                                  .c = s,
                                  .ldc = end});
        for (size_t i = 0; i < d->n; i++) {
            float *row = s + i * end;
            size_t keys = d->length + i + 1;
            float max = scale * fl_vec_max(row, keys);
            fl_vec_scale(row, 1 / fl_vec_exp_sum(row, row, scale, max, keys), keys);
            memset(row + keys, 0, (end - keys) * sizeof *row);
        }
        fl_gemm(&(struct fl_gemm){.m = d->n,
                                  .n = d->D,
                                  .k = end,
                                  .a = s,
                                  .lda = end,
                                  .b = d->layer->v + kv * d->D,
                                  .ldb = KD,
                                  .c = d->att + h * d->D,
                                  .ldc = HD});
    }
}

static void
read_layer(struct fl_infer *d)
{
    const struct layer *l = d->layer;
    size_t n = d->n, HD = d->H * d->D, KD = d->K * d->D;
    float eps = (float)d->m->config.norm_eps;

    fl_rmsnorm_forward(d->normed, d->r, d->x, l->norm1, n, d->C, eps);
    multiply(d, (struct product){d->normed, l->qkv, d->qkv, n, d->C, d->Q, false});
    fl_rope_forward(&d->rope, d->qkv, d->Q, d->H + d->K, d->length, n);
    for (size_t i = 0; i < n; i++) {
        memcpy(l->k + (d->length + i) * KD, d->qkv + i * d->Q + HD, KD * sizeof *l->k);
        memcpy(l->v + (d->length + i) * KD, d->qkv + i * d->Q + HD + KD, KD * sizeof *l->v);
    }
    fl_pool_run(d->pool, d->K, attention_task, d);
    multiply(d, (struct product){d->att, l->o, d->x, n, HD, d->C, true});
    fl_rmsnorm_forward(d->normed, d->r, d->x, l->norm2, n, d->C, eps);
    multiply(d, (struct product){d->normed, l->gu, d->gu, n, d->C, 2 * d->F, false});
    fl_swiglu_forward(d->h, d->gu, n, d->F);
    multiply(d, (struct product){d->h, l->down, d->x, n, d->F, d->C, true});
}

static void
read_piece(struct fl_infer *d, const uint32_t *ids, size_t n)
{
    d->n = n;
    for (size_t i = 0; i < n; i++)
        memcpy(d->x + i * d->C, d->embed + (size_t)ids[i] * d->C, d->C * sizeof *d->x);
    for (size_t l = 0; l < d->m->config.layers; l++) {
        d->layer = &d->layers[l];
        read_layer(d);
    }
    d->length += n;
}

int
fl_infer_read(struct fl_infer *d, const uint32_t *ids, size_t n, float *logits)
{
    if (n < 1 || n > d->T - d->length)
        return fl_error(FL_FAILED,
                        "%zu more tokens after %zu do not fit in the %zu that there is room for", n,
                        d->length, d->T);
    for (size_t i = 0; i < n; i++)
        if (ids[i] >= d->V)
            return fl_error(FL_FAILED, "token %u is not in the model's vocabulary of %zu ids",
                            (unsigned)ids[i], d->V);
    size_t last = 0;
    for (size_t i = 0; i < n; i += last) {
        last = fl_min(n - i, PIECE);
        read_piece(d, ids + i, last);
    }
    fl_rmsnorm_forward(d->normed, d->r, d->x + (last - 1) * d->C, d->norm, 1, d->C,
                       (float)d->m->config.norm_eps);
    multiply(d, (struct product){d->normed, d->head, logits, 1, d->C, d->V, false});
    return 0;
}

size_t
fl_infer_length(const struct fl_infer *d)
{
    return d->length;
}

void
fl_infer_rewind(struct fl_infer *d, size_t length)
{
    if (length < d->length)
        d->length = length;
}
