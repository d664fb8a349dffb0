/*
 * The way forward of a layer, and the views of its parameters in a store of them. Both halves
 * end in the residual stream, so that rows of it are read and written once a half.
 */
#include "nn/block.h"

#include <assert.h>
#include <string.h>

#include "base/least.h"
#include "nn/layers.h"

/* Of the widest matrix that is not f32. */
static size_t
tile_of(const struct fl_model *m)
{
    size_t tile = 0;

    for (size_t i = 0; i < m->layout.count; i++)
        if (m->stored[i].dtype != FL_F32)
            tile = fl_max(tile, fl_linear_tile((size_t)m->layout.params[i].dims[1]));
    return tile;
}

struct fl_sizes
fl_sizes_of(const struct fl_model *m)
{
    const struct fl_config *c = &m->layout.config;
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
    z.tile = tile_of(m);
    return z;
}

/* Numbers of P, if there is such a parameter, which are f32. */
static const float *
floats_of(const struct fl_param *p, const struct fl_stored *weights)
{
    assert(!p || weights[p->number].dtype == FL_F32);
    return p ? weights[p->number].data : NULL;
}

struct fl_norm
fl_norm_of(const struct fl_norm_params *f, const struct fl_stored *weights)
{
    return (struct fl_norm){.kind = f->kind,
                            .width = f->gain->count,
                            .eps = f->eps,
                            .gain = floats_of(f->gain, weights),
                            .bias = floats_of(f->bias, weights)};
}

static struct fl_linear
part_of(const struct fl_linear_params *f, const struct fl_stored *weights, size_t i)
{
    const struct fl_stored *w = &weights[f->weight[i]->number];

    return (struct fl_linear){.in = f->in,
                              .out = (size_t)f->weight[i]->dims[0],
                              .dtype = w->dtype,
                              .weight = w->data,
                              .bias = floats_of(f->bias[i], weights)};
}

/* The numbers of B begin where those of A end. */
static bool
joined(const struct fl_linear *a, const struct fl_linear *b)
{
    const struct fl_linear end = fl_linear_outputs(a, a->out, 0);

    return a->dtype == b->dtype && end.weight == b->weight && end.bias == b->bias;
}

/* As maps, whose outputs are one after the other, into TO (FL_FUSED,); returns how many. */
static size_t
maps_of(const struct fl_linear_params *f, const struct fl_stored *weights, struct fl_linear *to)
{
    size_t count = 0;

    for (size_t i = 0; i < f->count; i++) {
        struct fl_linear part = part_of(f, weights, i);
        if (count && joined(&to[count - 1], &part))
            to[count - 1].out += part.out;
        else
            to[count++] = part;
    }
    return count;
}

void
fl_pass_forward(const struct fl_pass *p, const struct fl_linear_params *f,
                const struct fl_linear_rows *r)
{
    struct fl_linear maps[FL_FUSED];
    size_t count = maps_of(f, p->weights, maps);
    struct fl_linear_rows rows = *r;

    for (size_t i = 0; i < count; rows.y += maps[i].out, i++)
        if (p->wide)
            fl_linear_forward_wide(&maps[i], &rows, p->pool);
        else
            fl_linear_forward(&maps[i], &rows);
}

void
fl_pass_back(const struct fl_pass *p, const struct fl_linear_params *f,
             const struct fl_linear_back *r)
{
    struct fl_linear maps[FL_FUSED];
    size_t count = maps_of(f, p->weights, maps);
    struct fl_linear_back rows = *r;

    for (size_t i = 0; i < count; rows.dy += maps[i].out, rows.keep = true, i++)
        fl_linear_back(&maps[i], &rows);
}

size_t
fl_block_scratch(const struct fl_sizes *z, size_t n)
{
    return fl_max(n * (z->C + z->F), z->qk * (z->HD + z->KD)); /* the latter: of one row */
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
    float *qkv = s->qkv + rows.first * z->Q, *normed = scratch + p->tiles;

    fl_norm_forward(&norm, normed, s->stat1 + rows.first * z->S, s->x + rows.first * z->C, rows.n);
    fl_pass_forward(p, &b->qkv,
                    &(struct fl_linear_rows){rows.n, z->Q, normed, qkv, false, scratch});
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
fl_block_up(const struct fl_block *b, const struct fl_pass *p, const struct fl_saved *s,
            struct fl_range rows, float *scratch)
{
    const struct fl_sizes *z = b->sizes;
    struct fl_norm norm = fl_norm_of(&b->norm2, p->weights);
    size_t n = rows.n, at = rows.first * z->C;
    const float *att = s->att + rows.first * z->HD;
    float *normed = scratch + p->tiles, *up = s->up + rows.first * z->U, *mid = s->mid + at;

    carry(mid, s->x + at, n * z->C);
    fl_pass_forward(p, &b->o, &(struct fl_linear_rows){n, z->C, att, mid, true, scratch});
    fl_norm_forward(&norm, normed, s->stat2 + rows.first * z->S, mid, n);
    fl_pass_forward(p, &b->up, &(struct fl_linear_rows){n, z->U, normed, up, false, scratch});
}

void
fl_block_feed_forward(const struct fl_block *b, const struct fl_pass *p, const struct fl_saved *s,
                      struct fl_range rows, float *scratch)
{
    const struct fl_sizes *z = b->sizes;
    size_t n = rows.n, at = rows.first * z->C;
    float *h = scratch + p->tiles, *next = s->next + at;

    fl_block_up(b, p, s, rows, scratch);
    fl_act_forward(b->act, h, s->up + rows.first * z->U, n, z->F);
    carry(next, s->mid + at, n * z->C);
    fl_pass_forward(p, &b->down, &(struct fl_linear_rows){n, z->C, h, next, true, scratch});
}
