/*
 * The way forward of a layer, and the views of its parameters in an array of weights. Both halves
 * end in the residual stream, so that rows of it are read and written once a half.
 */
#include "nn/block.h"

#include <assert.h>
#include <string.h>

#include "base/least.h"
#include "nn/layers.h"

struct fl_sizes
fl_sizes_of(const struct fl_config *c)
{
    struct fl_sizes z = {.L = c->layers,
                         .V = c->vocab,
                         .C = c->channels,
                         .H = c->heads,
                         .K = c->kv_heads,
                         .D = c->head_dim,
                         .F = c->ffn,
                         .U = fl_act_inputs(c->act, c->ffn),
                         .S = fl_norm_stats(c->norm),
                         .qk = c->qk_norm,
                         .rotated = fl_config_rotated(c),
                         .window = c->window};

    z.HD = z.H * z.D;
    z.KD = z.K * z.D;
    z.Q = z.HD + 2 * z.KD;
    z.parts = (c->norm == FL_NORM_LAYER ? 2 : 1) * z.C + z.qk * 2 * z.D;
    return z;
}

struct fl_linear
fl_linear_of(const struct fl_linear_params *f, const float *weights)
{
    return (struct fl_linear){.in = f->in,
                              .out = f->out,
                              .dtype = FL_F32,
                              .weight = weights + f->weight[0]->offset,
                              .bias = f->bias[0] ? weights + f->bias[0]->offset : NULL};
}

struct fl_norm
fl_norm_of(const struct fl_norm_params *f, const float *weights)
{
    return (struct fl_norm){.kind = f->kind,
                            .width = f->gain->count,
                            .eps = f->eps,
                            .gain = weights + f->gain->offset,
                            .bias = f->bias ? weights + f->bias->offset : NULL};
}

size_t
fl_block_scratch(const struct fl_sizes *z, size_t n)
{
    return fl_max(n * (z->C + z->F), z->qk * (z->HD + z->KD)); /* the latter: of one row */
}

static void
apply(const struct fl_linear_params *f, const struct fl_pass *p, const struct fl_linear_rows *r)
{
    struct fl_linear map = fl_linear_of(f, p->weights);

    if (p->wide)
        fl_linear_forward_wide(&map, r, p->pool);
    else
        fl_linear_forward(&map, r);
}

/* Norms of queries and keys, of which RAW keeps what they were. */
static void
norm_heads(const struct fl_block *b, const struct fl_pass *p, const struct fl_saved *s,
           struct fl_range rows)
{
    const struct fl_sizes *z = b->sizes;
    struct fl_norm q = fl_norm_of(&b->q_norm, p->weights), k = fl_norm_of(&b->k_norm, p->weights);
    size_t width = z->HD + z->KD;

    for (size_t i = rows.first; i < rows.first + rows.n; i++) {
        float *row = s->qkv + i * z->Q, *raw = s->raw + i * width;
        float *stat = s->stat_qk + i * (z->H + z->K);
        memcpy(raw, row, width * sizeof *raw);
        fl_norm_forward(&q, row, stat, raw, z->H);
        fl_norm_forward(&k, row + z->HD, stat + z->H, raw + z->HD, z->K);
    }
}

void
fl_block_qkv(const struct fl_block *b, const struct fl_pass *p, const struct fl_saved *s,
             struct fl_range rows, float *scratch)
{
    const struct fl_sizes *z = b->sizes;
    struct fl_norm norm = fl_norm_of(&b->norm1, p->weights);
    float *qkv = s->qkv + rows.first * z->Q, *normed = scratch;

    fl_norm_forward(&norm, normed, s->stat1 + rows.first * z->S, s->x + rows.first * z->C, rows.n);
    apply(&b->qkv, p, &(struct fl_linear_rows){rows.n, z->Q, normed, qkv, false});
    if (z->qk)
        norm_heads(b, p, s, rows);
    fl_rope_forward(&p->rope, qkv, z->Q, z->H + z->K, rows.first, rows.n);
}

/* to (n,C) = from, where these are two arrays */
static void
carry(float *to, const float *from, size_t n)
{
    if (to != from)
        memcpy(to, from, n * sizeof *to);
}

void
fl_block_feed_forward(const struct fl_block *b, const struct fl_pass *p, const struct fl_saved *s,
                      struct fl_range rows, float *scratch)
{
    const struct fl_sizes *z = b->sizes;
    struct fl_norm norm = fl_norm_of(&b->norm2, p->weights);
    size_t n = rows.n, at = rows.first * z->C;
    float *normed = scratch, *h = scratch + n * z->C, *up = s->up + rows.first * z->U;
    float *mid = s->mid + at, *next = s->next + at;

    carry(mid, s->x + at, n * z->C);
    apply(&b->o, p, &(struct fl_linear_rows){n, z->C, s->att + rows.first * z->HD, mid, true});
    fl_norm_forward(&norm, normed, s->stat2 + rows.first * z->S, mid, n);
    apply(&b->up, p, &(struct fl_linear_rows){n, z->U, normed, up, false});
    fl_act_forward(b->act, h, up, n, z->F);
    carry(next, mid, n * z->C);
    apply(&b->down, p, &(struct fl_linear_rows){n, z->C, h, next, true});
}
