/*
 * The way forward of a layer, and the views of its parameters in a store of them. Both halves
 * end in the residual stream, so that rows of it are read and written once a half.
 */
#include "nn/block.h"

#include <assert.h>
#include <string.h>

#include "base/least.h"
#include "flt/values.h"
#include "math/vector.h"
#include "nn/adapter.h"
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

/* The parts of one map: q, k and v; gate and up. */
static int
fused_with(enum fl_param_kind kind)
{
    switch ((int)kind) {
    case FL_PARAM_K:
    case FL_PARAM_V: return FL_PARAM_Q;
    case FL_PARAM_UP: return FL_PARAM_GATE;
    default: return (int)kind;
    }
}

/* The A of adapters follow each other by layers and maps. */
static void
set_ranks(struct fl_sizes *z, const struct fl_layout *t)
{
    const struct fl_param *before = NULL;
    size_t sum = 0;

    for (size_t i = 0; i < t->count; i++) {
        const struct fl_param *p = &t->params[i];
        if (p->kind != FL_PARAM_LORA_A)
            continue;
        bool same = before && before->layer == p->layer &&
                    fused_with(fl_module(before->module)->first) ==
                        fused_with(fl_module(p->module)->first);
        sum = (same ? sum : 0) + (size_t)p->dims[0];
        z->rank = fl_max(z->rank, (size_t)p->dims[0]);
        z->ranks = fl_max(z->ranks, sum);
        before = p;
    }
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
    set_ranks(&z, &m->layout);
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

/* One of the two matrices of an adapter, as a map. */
static struct fl_linear
half_of(const struct fl_param *p, const struct fl_stored *weights)
{
    return (struct fl_linear){.in = (size_t)p->dims[1],
                              .out = (size_t)p->dims[0],
                              .dtype = weights[p->number].dtype,
                              .weight = weights[p->number].data};
}

static void
forward(const struct fl_pass *p, const struct fl_linear *f, const struct fl_linear_rows *r)
{
    if (p->wide)
        fl_linear_forward_wide(f, r, p->pool);
    else
        fl_linear_forward(f, r);
}

uint16_t *
fl_pass_half(const struct fl_pass *p, uint16_t *to, size_t at, const float *from, size_t n)
{
    if (!p->half)
        return NULL;
    fl_values_from_f32(FL_BF16, to + at, from, n);
    return to + at;
}

/* h (n,rank) = s x A' of the rows X; H16 (may be NULL) is the same. */
static void
go_low(const struct fl_pass *p, const struct fl_lora_params *lora, const struct fl_linear_rows *x,
       float *h, uint16_t *h16)
{
    struct fl_linear a = half_of(lora->a, p->weights);
    size_t n = x->n * a.out;

    forward(p, &a,
            &(struct fl_linear_rows){
                .n = x->n, .stride = a.out, .x = x->x, .x16 = x->x16, .y = h, .tile = x->tile});
    fl_vec_scale(h, (float)lora->b->scale, n);
    fl_pass_half(p, h16, 0, h, n);
}

void
fl_pass_forward(const struct fl_pass *p, const struct fl_linear_params *f,
                const struct fl_linear_rows *r)
{
    struct fl_linear maps[FL_FUSED];
    size_t count = maps_of(f, p->weights, maps), n = r->n * f->in;
    uint16_t *room = p->half ? (uint16_t *)(void *)(r->tile + p->half) : NULL;
    struct fl_linear_rows rows = *r;

    rows.x16 = fl_pass_half(p, room, 0, r->x, n);
    const struct fl_linear_rows x = rows;
    for (size_t i = 0; i < count; rows.y += maps[i].out, i++)
        forward(p, &maps[i], &rows);
    for (size_t i = 0; i < f->loras; i++) {
        struct fl_linear b = half_of(f->lora[i].b, p->weights);
        float *h = r->tile + p->low;
        uint16_t *h16 = room ? room + n : NULL;
        go_low(p, &f->lora[i], &x, h, h16);
        forward(p, &b,
                &(struct fl_linear_rows){.n = r->n,
                                         .stride = r->stride,
                                         .x = h,
                                         .x16 = h16,
                                         .y = r->y + f->lora[i].first,
                                         .keep = true,
                                         .tile = r->tile});
    }
}

/* Where rows FIRST and following of adapter LORA begin in one of LOW's arrays. */
static size_t
low_at(const struct fl_low *low, const struct fl_lora_params *lora, size_t first)
{
    return lora->before * low->capacity + first * (size_t)lora->a->dims[0];
}

void
fl_pass_low(const struct fl_pass *p, const struct fl_linear_params *f,
            const struct fl_linear_rows *x, const struct fl_low *low, size_t first)
{
    for (size_t i = 0; i < f->loras; i++) {
        size_t at = low_at(low, &f->lora[i], first);
        go_low(p, &f->lora[i], x, low->h + at, p->half ? low->h16 + at : NULL);
    }
}

void
fl_pass_back(const struct fl_pass *p, const struct fl_linear_params *f,
             const struct fl_linear_back *r, const struct fl_low *low, size_t first)
{
    struct fl_linear maps[FL_FUSED];
    size_t count = maps_of(f, p->weights, maps);
    struct fl_linear_back rows = *r;

    for (size_t i = 0; i < count; rows.keep = true, i++) {
        fl_linear_back(&maps[i], &rows);
        rows.dy += maps[i].out;
        rows.dy16 = rows.dy16 ? rows.dy16 + maps[i].out : NULL;
    }
    for (size_t i = 0; i < f->loras; i++) {
        const struct fl_lora_params *lora = &f->lora[i];
        struct fl_linear a = half_of(lora->a, p->weights), b = half_of(lora->b, p->weights);
        size_t at = low_at(low, lora, first), n = r->n * a.out;
        struct fl_linear_back back = {.n = r->n,
                                      .stride = r->stride,
                                      .dy = r->dy + lora->first,
                                      .dy16 = r->dy16 ? r->dy16 + lora->first : NULL,
                                      .dx = low->dh + at,
                                      .tile = r->tile};
        fl_linear_back(&b, &back);
        fl_vec_scale(low->dh + at, (float)lora->b->scale, n);
        back.dy16 = fl_pass_half(p, low->dh16, at, low->dh + at, n);
        back.stride = a.out, back.dy = low->dh + at, back.dx = r->dx, back.keep = true;
        fl_linear_back(&a, &back);
    }
}

size_t
fl_block_scratch(const struct fl_sizes *z, size_t n)
{
    return fl_max(n * (z->C + z->F), z->qk * (z->HD + z->KD)); /* the latter: of one row */
}

/* X16 and h16 of the way forward, or an operand in f32 before it is one of bf16. */
size_t
fl_half_scratch(const struct fl_sizes *z, size_t n)
{
    return n * (fl_max(fl_max(z->C, z->F), z->HD) + z->rank);
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
                    &(struct fl_linear_rows){.n = rows.n,
                                             .stride = z->Q,
                                             .x = normed,
                                             .y = qkv,
                                             .tile = scratch});
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
    fl_pass_forward(p, &b->o,
                    &(struct fl_linear_rows){
                        .n = n, .stride = z->C, .x = att, .y = mid, .keep = true, .tile = scratch});
    fl_norm_forward(&norm, normed, s->stat2 + rows.first * z->S, mid, n);
    fl_pass_forward(
        p, &b->up,
        &(struct fl_linear_rows){.n = n, .stride = z->U, .x = normed, .y = up, .tile = scratch});
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
    fl_pass_forward(p, &b->down,
                    &(struct fl_linear_rows){
                        .n = n, .stride = z->C, .x = h, .y = next, .keep = true, .tile = scratch});
}
