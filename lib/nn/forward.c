/*
 * The way forward through a batch: phases of tasks, as engine_state.h draws them. What a layer does
 * to rows is in block.c; the head's logits are made, used and overwritten slab by slab.
 */
#include <string.h>

#include "math/vector.h"
#include "nn/engine_state.h"

static void
embed(const struct fl_call *c, struct fl_range rows)
{
    const struct fl_transformer *t = c->e->model;
    const struct fl_id_rows in = {c->batch->x + rows.first, rows.n, rows.first, c->batch->T,
                                  c->batch->start ? c->batch->start + rows.first : NULL};

    fl_transformer_embed(t, c->weights, &in, c->e->saved[0].x + rows.first * t->sizes.C);
}

/* Rows of one chunk from what attention gave to the next layer's queries, keys and values. */
static void
rows_task(void *arg, size_t index, int worker)
{
    const struct fl_phase *phase = arg;
    const struct fl_call *c = phase->c;
    const struct fl_engine *e = c->e;
    struct fl_range rows = fl_call_chunk(c, index);
    float *scratch = fl_engine_scratch(e, worker);
    size_t l = (size_t)phase->at;

    if (l)
        fl_block_feed_forward(&e->model->blocks[l - 1], &c->pass, &e->saved[l - 1], rows, scratch);
    else
        embed(c, rows);
    if (l < e->model->sizes.L)
        fl_block_qkv(&e->model->blocks[l], &c->pass, &e->saved[l], rows, scratch);
}

struct fl_attention
fl_call_attention(const struct fl_call *c, size_t layer, size_t i, int worker)
{
    const struct fl_sizes *z = &c->e->model->sizes;
    const struct fl_saved *s = &c->e->saved[layer];
    size_t group = z->H / z->K, T = c->batch->T, b = i / z->K, kv = i % z->K;
    const float *qkv = s->qkv + b * T * z->Q;

    return (struct fl_attention){.n = T,
                                 .D = z->D,
                                 .heads = group,
                                 .window = z->window,
                                 .start = c->batch->start ? c->batch->start + b * T : NULL,
                                 .q = qkv + kv * group * z->D,
                                 .stride = z->Q,
                                 .k = qkv + z->HD + kv * z->D,
                                 .v = qkv + z->HD + z->KD + kv * z->D,
                                 .kv_stride = z->Q,
                                 .out = s->att + b * T * z->HD + kv * group * z->D,
                                 .out_stride = z->HD,
                                 .lse = s->lse + (b * z->H + kv * group) * T,
                                 .scratch = fl_engine_scratch(c->e, worker)};
}

static void
attention_task(void *arg, size_t index, int worker)
{
    const struct fl_phase *phase = arg;
    struct fl_attention a = fl_call_attention(phase->c, (size_t)phase->at, index, worker);

    fl_attention_forward(&a);
}

/* What the gradient of the loss of a row is multiplied with. */
static float
scale_of(const struct fl_call *c, size_t row)
{
    return c->scales ? c->scales[row / c->batch->T] : c->scale;
}

/* Losses, best ids and the logits' gradients of a chunk, from row IN_SLAB on, as asked for. */
static void
judge(const struct fl_call *c, struct fl_range rows, float *logits, size_t in_slab)
{
    size_t V = c->e->model->sizes.V;

    for (size_t i = 0; i < rows.n; i++) {
        float *row = logits + i * V;
        if (c->best)
            c->best[rows.first + i] = (uint32_t)fl_vec_largest(row, V);
        float scale = c->back ? scale_of(c, rows.first + i) : 0;
        c->loss[rows.first + i] = fl_cross_entropy(row, V, c->batch->y[rows.first + i], scale);
        if (!c->back)
            continue;
        if (scale == 0) /* what it leaves is no gradient then */
            memset(row, 0, V * sizeof *row);
        fl_pass_half(&c->pass, c->e->half_logits, (in_slab + i) * V, row, V);
    }
}

static void
head_task(void *arg, size_t index, int worker)
{
    const struct fl_phase *phase = arg;
    const struct fl_call *c = phase->c;
    const struct fl_engine *e = c->e;
    const struct fl_sizes *z = &e->model->sizes;
    struct fl_norm norm = fl_norm_of(&e->model->norm, c->pass.weights);
    struct fl_range slab = fl_call_slab(c, (size_t)phase->at);
    struct fl_range rows = fl_call_slab_chunk(c, slab, index);
    size_t in_slab = rows.first - slab.first;
    float *final = e->final + in_slab * z->C;
    float *logits = c->all_logits ? c->all_logits + rows.first * z->V : e->logits + in_slab * z->V;

    fl_norm_forward(&norm, final, e->stat_end + rows.first * z->S, e->x_end + rows.first * z->C,
                    rows.n);
    fl_pass_forward(&c->pass, &e->model->head,
                    &(struct fl_linear_rows){.n = rows.n,
                                             .stride = z->V,
                                             .x = final,
                                             .y = logits,
                                             .tile = fl_engine_scratch(e, worker)});
    if (c->all_logits)
        return;
    judge(c, rows, logits, in_slab);
    if (c->back)
        fl_call_head_back(c, slab, index, worker);
}

static void
qkv_task(void *arg, size_t index, int worker)
{
    const struct fl_phase *phase = arg;
    const struct fl_engine *e = phase->c->e;

    fl_block_qkv(&e->model->blocks[phase->at], &phase->c->pass, &e->saved[phase->at],
                 fl_call_chunk(phase->c, index), fl_engine_scratch(e, worker));
}

static void
attend(const struct fl_call *c, struct fl_phase *phase)
{
    fl_pool_run(c->e->pool, c->batch->B * c->e->model->sizes.K, attention_task, phase);
}

void
fl_call_attend_again(const struct fl_call *c, size_t layer)
{
    struct fl_phase phase = {c, (int64_t)layer};

    fl_pool_run(c->e->pool, c->chunks, qkv_task, &phase);
    attend(c, &phase);
}

void
fl_call_forward(const struct fl_call *c)
{
    const struct fl_engine *e = c->e;
    struct fl_phase phase = {c, 0};
    int64_t L = (int64_t)e->model->sizes.L;

    for (; phase.at <= L; phase.at++) {
        fl_pool_run(e->pool, c->chunks, rows_task, &phase);
        if (phase.at < L)
            attend(c, &phase);
        fl_call_tell(c, phase.at + 1);
    }
    for (size_t at = 0; at < c->rows; at += c->slab) {
        struct fl_range slab = fl_call_slab(c, at);
        phase.at = (int64_t)at;
        fl_pool_run(e->pool, fl_call_slab_chunks(c, slab), head_task, &phase);
        if (c->back)
            fl_call_head_grads(c, slab);
    }
}
