/*
 * The way back of a layer: gradients of rows, and the lists of what makes the gradients of weights.
 * Those of matrices and their biases are products over all rows, made when their operands are
 * whole; those of gains, which every row adds to, are parts, one a task, added in their order.
 */
#include "nn/block.h"

#include <string.h>

#include "math/vector.h"
#include "nn/layers.h"

/* Parameters F->weight[i] and the next lie as one matrix in an array over what is trained. */
static bool
joined(const struct fl_linear_params *f, size_t i)
{
    const struct fl_param *a = f->weight[i], *b = f->weight[i + 1];
    const struct fl_param *c = f->bias[i], *d = f->bias[i + 1];
    bool weights = a->frozen ? b->frozen : !b->frozen && a->place + a->count == b->place;
    bool biases = !c || (c->frozen ? d->frozen : !d->frozen && c->place + c->count == d->place);

    return weights && biases;
}

static bool
is_trained(const struct fl_param *p)
{
    return p && !p->frozen;
}

static float *
place_of(float *grads, const struct fl_param *p)
{
    return grads && is_trained(p) ? grads + p->place : NULL;
}

static const uint16_t *
half_at(const uint16_t *array, size_t at)
{
    return array ? array + at : NULL;
}

/* Of an adapter: dB = dy' h, dA = dh' x. */
static size_t
lora_grads(const struct fl_lora_params *lora, const struct fl_linear_params *f,
           const struct fl_operands *o, struct fl_linear_grad *to)
{
    size_t rank = (size_t)lora->a->dims[0], at = lora->before * o->low->capacity, count = 0;

    if (!lora->b->frozen && !lora->b->held)
        to[count++] = (struct fl_linear_grad){.in = rank,
                                              .out = (size_t)lora->b->dims[0],
                                              .n = o->n,
                                              .weight = true,
                                              .dweight = place_of(o->grads, lora->b),
                                              .dy = o->dy + lora->first,
                                              .dy16 = half_at(o->dy16, lora->first),
                                              .stride = f->out,
                                              .x = o->low->h + at,
                                              .x16 = half_at(o->low->h16, at)};
    if (!lora->a->frozen && !lora->a->held)
        to[count++] = (struct fl_linear_grad){.in = f->in,
                                              .out = rank,
                                              .n = o->n,
                                              .weight = true,
                                              .dweight = place_of(o->grads, lora->a),
                                              .dy = o->low->dh + at,
                                              .dy16 = half_at(o->low->dh16, at),
                                              .stride = rank,
                                              .x = o->x,
                                              .x16 = o->x16};
    return count;
}

size_t
fl_linear_grads(const struct fl_linear_params *f, const struct fl_operands *o,
                struct fl_linear_grad *to)
{
    size_t count = 0;

    for (size_t i = 0, at = 0; i < f->count;) {
        struct fl_linear_grad g = {.in = f->in,
                                   .out = (size_t)f->weight[i]->dims[0],
                                   .n = o->n,
                                   .weight = is_trained(f->weight[i]),
                                   .bias = is_trained(f->bias[i]),
                                   .dweight = place_of(o->grads, f->weight[i]),
                                   .dbias = place_of(o->grads, f->bias[i]),
                                   .dy = o->dy + at,
                                   .dy16 = half_at(o->dy16, at),
                                   .stride = f->out,
                                   .x = o->x,
                                   .x16 = o->x16};
        for (; i + 1 < f->count && joined(f, i); i++)
            g.out += (size_t)f->weight[i + 1]->dims[0];
        i++;
        at += g.out;
        if (g.weight || g.bias)
            to[count++] = g;
    }
    for (size_t i = 0; i < f->loras; i++)
        count += lora_grads(&f->lora[i], f, o, to + count);
    return count;
}

/* From the gradients of turned heads to those of what the norms of heads read. */
static void
norm_heads_back(const struct fl_block *b, const struct fl_pass *p, const struct fl_saved *s,
                const struct fl_back *d, const struct fl_back_task *t)
{
    const struct fl_sizes *z = b->sizes;
    struct fl_norm q = fl_norm_of(&b->q_norm, p->weights), k = fl_norm_of(&b->k_norm, p->weights);
    size_t width = z->HD + z->KD;
    float *dgain = t->part + z->parts - 2 * z->D, *dy = t->scratch + p->tiles;

    for (size_t i = t->rows.first; i < t->rows.first + t->rows.n; i++) {
        float *dx = d->dqkv + i * z->Q;
        const float *raw = s->raw + i * width, *stat = s->stat_qk + i * (z->H + z->K);
        memcpy(dy, dx, width * sizeof *dy);
        memset(dx, 0, width * sizeof *dx);
        fl_norm_backward(&q, &(struct fl_norm_grads){dx, dgain, NULL, dy}, stat, raw, z->H);
        fl_norm_backward(&k, &(struct fl_norm_grads){dx + z->HD, dgain + z->D, NULL, dy + z->HD},
                         stat + z->H, raw + z->HD, z->K);
    }
}

/* Where an operand in f32 is made: in its array, or in scratch, where products are of bf16. */
static float *
operand(const struct fl_pass *p, const struct fl_back_task *t, float *array, size_t at)
{
    return p->half ? t->scratch + p->half : array + at;
}

/* Rows that a map has read, for what its adapters and the gradients of weights need of them. */
static struct fl_linear_rows
read_rows(const struct fl_pass *p, const struct fl_back_task *t, uint16_t *half, const float *x,
          size_t width)
{
    size_t n = t->rows.n;

    return (
        struct fl_linear_rows){.n = n,
                               .x = x,
                               .x16 = fl_pass_half(p, half, t->rows.first * width, x, n * width)};
}

/* The map of F back: from DY (n, f->out), which HALF gets in bf16, to DX. */
struct back_of {
    const struct fl_linear_params *f;
    const float *dy;
    uint16_t *half;
    float *dx;
    const struct fl_low *low;
};
static void
map_back(const struct fl_pass *p, const struct fl_back_task *t, struct back_of m)
{
    size_t n = t->rows.n, first = t->rows.first, out = m.f->out;
    const uint16_t *dy16 = fl_pass_half(p, m.half, first * out, m.dy, n * out);
    const struct fl_linear_back back =
        {.n = n, .stride = out, .dy = m.dy, .dy16 = dy16, .dx = m.dx, .tile = t->scratch};

    fl_pass_back(p, m.f, &back, m.low, first);
}

void
fl_block_qkv_back(const struct fl_block *b, const struct fl_pass *p, const struct fl_saved *s,
                  const struct fl_back *d, const struct fl_back_task *t)
{
    const struct fl_sizes *z = b->sizes;
    struct fl_norm norm = fl_norm_of(&b->norm1, p->weights);
    size_t n = t->rows.n, at = t->rows.first * z->C;
    const float *stat = s->stat1 + t->rows.first * z->S;
    float *dqkv = d->dqkv + t->rows.first * z->Q, *dnormed = t->scratch + p->tiles;

    memset(t->part, 0, z->parts * sizeof *t->part);
    fl_rope_backward(&p->rope, dqkv, z->Q, z->H + z->K, t->rows.first, n);
    if (z->qk)
        norm_heads_back(b, p, s, d, t);
    map_back(p, t, (struct back_of){&b->qkv, dqkv, d->half.dqkv, dnormed, &d->low_qkv});
    float *normed = operand(p, t, d->normed1, at);
    fl_norm_again(&norm, normed, stat, s->x + at, n);
    struct fl_linear_rows x = read_rows(p, t, d->half.normed1, normed, z->C);
    fl_pass_low(p, &b->qkv, &x, &d->low_qkv, t->rows.first);
    memcpy(d->dx + at, d->dmid + at, n * z->C * sizeof *d->dx);
    fl_norm_backward(&norm, &(struct fl_norm_grads){d->dx + at, t->part, t->part + z->C, dnormed},
                     stat, s->x + at, n);
}

void
fl_block_feed_forward_back(const struct fl_block *b, const struct fl_pass *p,
                           const struct fl_saved *s, const struct fl_back *d,
                           const struct fl_back_task *t)
{
    const struct fl_sizes *z = b->sizes;
    struct fl_norm norm = fl_norm_of(&b->norm2, p->weights);
    size_t n = t->rows.n, first = t->rows.first, at = first * z->C;
    const float *stat = s->stat2 + first * z->S;
    float *dnormed = t->scratch + p->tiles, *dh = dnormed + n * z->C;
    float *datt = d->datt + first * z->HD, *h = operand(p, t, d->h, first * z->F);
    float *dx = d->dx + at, *dmid = d->dmid + at, *dup = s->up + first * z->U;

    memset(t->part, 0, z->parts * sizeof *t->part);
    map_back(p, t, (struct back_of){&b->down, dx, d->half.dx, dh, &d->low_down});
    fl_act_backward(b->act, h, dup, dh, n, z->F);
    struct fl_linear_rows x = read_rows(p, t, d->half.h, h, z->F);
    fl_pass_low(p, &b->down, &x, &d->low_down, first);
    map_back(p, t, (struct back_of){&b->up, dup, d->half.dup, dnormed, &d->low_up});
    float *normed = operand(p, t, d->normed2, at);
    fl_norm_again(&norm, normed, stat, s->mid + at, n);
    x = read_rows(p, t, d->half.normed2, normed, z->C);
    fl_pass_low(p, &b->up, &x, &d->low_up, first);
    memcpy(dmid, dx, n * z->C * sizeof *dmid);
    fl_norm_backward(&norm, &(struct fl_norm_grads){dmid, t->part, t->part + z->C, dnormed}, stat,
                     s->mid + at, n);
    map_back(p, t, (struct back_of){&b->o, dmid, d->half.dmid, datt, &d->low_o});
    x = read_rows(p, t, d->half.att, s->att + first * z->HD, z->HD);
    fl_pass_low(p, &b->o, &x, &d->low_o, first);
}

/* Of parameter F, whose part is AT floats from the start of a task's. */
static size_t
add_sum(const struct fl_param *f, size_t at, const struct fl_parts *p, struct fl_part_sum *to)
{
    if (!is_trained(f))
        return 0;
    *to = (struct fl_part_sum){place_of(p->grads, f), p->parts + at, p->count, p->stride, f->count};
    return 1;
}

size_t
fl_norm_sums(const struct fl_norm_params *f, const struct fl_parts *p, struct fl_part_sum *to)
{
    size_t n = add_sum(f->gain, 0, p, to);

    return n + add_sum(f->bias, f->gain->count, p, to + n);
}

size_t
fl_block_qkv_sums(const struct fl_block *b, const struct fl_parts *p, struct fl_part_sum *to)
{
    const struct fl_sizes *z = b->sizes;
    size_t n = fl_norm_sums(&b->norm1, p, to);

    n += add_sum(b->q_norm.gain, z->parts - 2 * z->D, p, to + n);
    return n + add_sum(b->k_norm.gain, z->parts - z->D, p, to + n);
}

size_t
fl_block_feed_forward_sums(const struct fl_block *b, const struct fl_parts *p,
                           struct fl_part_sum *to)
{
    return fl_norm_sums(&b->norm2, p, to);
}

void
fl_part_sum_task(void *arg, size_t index, int worker)
{
    const struct fl_part_sum *s = (const struct fl_part_sum *)arg + index;

    (void)worker;
    for (size_t i = 0; i < s->count; i++)
        fl_vec_add(s->to, s->parts + i * s->stride, s->width);
}
