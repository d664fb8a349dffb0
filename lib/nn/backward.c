/*
 * The backward pass as engine_state.h draws it: a phase takes gradients through chunks of rows
 * [rows_task], the next makes the gradients of those weights whose operands are whole by then
 * [run_mix], as jobs of one run of the pool, the largest first.
 */
#include <string.h>

#include "base/least.h"
#include "math/vector.h"
#include "nn/engine_state.h"

enum {
    PRODUCTS = FL_PRODUCTS_MIX,
    SUMS = 2 * FL_SUMS,
    JOBS = PRODUCTS + 4,
    SLICE = 64,     /* columns of the embedding's gradient, for one task */
    WIPED = 1 << 18 /* floats that one task makes zeros */
};

/* The jobs of one run, and their arguments. */
struct mix {
    struct fl_linear_grad products[PRODUCTS];
    struct fl_part_sum sums[SUMS];
    struct fl_job jobs[JOBS];
    size_t products_n, sums_n, jobs_n;
};

/* Gradients of a map's weights, from what it gave and read of N rows. */
static void
add_products(struct mix *mix, const struct fl_linear_params *f, const struct fl_operands *o)
{
    size_t first = mix->products_n;

    mix->products_n += fl_linear_grads(f, o, mix->products + first);
    for (size_t i = first; o->grads && i < mix->products_n; i++)
        mix->jobs[mix->jobs_n++] = (struct fl_job){fl_linear_grad_task, &mix->products[i],
                                                   fl_linear_grad_tasks(&mix->products[i])};
}

static void
add_job(struct mix *mix, fl_task *task, void *arg, size_t count)
{
    mix->jobs[mix->jobs_n++] = (struct fl_job){task, arg, count};
}

void
fl_call_head_back(const struct fl_call *c, struct fl_range slab, size_t i, int worker)
{
    const struct fl_engine *e = c->e;
    const struct fl_sizes *z = &e->model->sizes;
    struct fl_norm norm = fl_norm_of(&e->model->norm, c->pass.weights);
    struct fl_range rows = fl_call_slab_chunk(c, slab, i);
    float *tile = fl_engine_scratch(e, worker), *dfinal = tile + c->pass.tiles;
    float *dx = e->back[0].dx + rows.first * z->C, *part = e->parts1 + i * z->parts;
    size_t in_slab = rows.first - slab.first;
    const float *dlogits = e->logits + in_slab * z->V;

    fl_pass_back(&c->pass, &e->model->head,
                 &(struct fl_linear_back){.n = rows.n,
                                          .stride = z->V,
                                          .dy = dlogits,
                                          .dy16 = c->pass.half ? e->half_logits + in_slab * z->V
                                                               : NULL,
                                          .dx = dfinal,
                                          .tile = tile},
                 NULL, 0);
    fl_pass_half(&c->pass, e->half_final, in_slab * z->C, e->final + in_slab * z->C, rows.n * z->C);
    memset(dx, 0, rows.n * z->C * sizeof *dx);
    memset(part, 0, z->parts * sizeof *part);
    fl_norm_backward(&norm, &(struct fl_norm_grads){dx, part, part + z->C, dfinal},
                     e->stat_end + rows.first * z->S, e->x_end + rows.first * z->C, rows.n);
}

void
fl_call_head_grads(const struct fl_call *c, struct fl_range slab)
{
    const struct fl_engine *e = c->e;
    struct mix mix = {.jobs_n = 0};
    struct fl_parts parts = {c->grads, e->parts1, fl_call_slab_chunks(c, slab),
                             e->model->sizes.parts};

    add_products(&mix, &e->model->head,
                 &(struct fl_operands){c->grads, e->logits, e->final, e->half_logits, e->half_final,
                                       slab.n, NULL});
    mix.sums_n = fl_norm_sums(&e->model->norm, &parts, mix.sums);
    if (c->norm2) {
        size_t T = c->batch->T;
        struct fl_norm_mix norms = {NULL,           c,          mix.products,   mix.sums,
                                    mix.products_n, mix.sums_n, slab.first / T, slab.n / T};
        fl_pool_run(e->pool, fl_norm_tasks(&norms), fl_norm_task, &norms);
        fl_norm_add(&norms);
        return;
    }
    add_job(&mix, fl_part_sum_task, mix.sums, mix.sums_n);
    fl_pool_run_jobs(e->pool, mix.jobs, mix.jobs_n);
}

/* Of the last of the layers that share memory everything is still there. */
static bool
is_made_again(const struct fl_call *c, int64_t layer)
{
    return layer >= 0 && layer + 1 < (int64_t)c->e->shared;
}

/* Rows of one chunk from layer at + 1's queries, keys and values to what attention AT gave. */
static void
rows_task(void *arg, size_t index, int worker)
{
    const struct fl_phase *phase = arg;
    const struct fl_call *c = phase->c;
    const struct fl_engine *e = c->e;
    const struct fl_transformer *t = e->model;
    struct fl_back_task task = {fl_call_chunk(c, index), NULL, fl_engine_scratch(e, worker)};
    int64_t l = phase->at;

    if (l + 1 < (int64_t)t->sizes.L) {
        task.part = e->parts1 + index * t->sizes.parts;
        fl_block_qkv_back(&t->blocks[l + 1], &c->pass, &e->saved[l + 1], &e->back[(l + 1) & 1],
                          &task);
    }
    if (is_made_again(c, l))
        fl_block_up(&t->blocks[l], &c->pass, &e->saved[l], task.rows, task.scratch);
    if (l >= 0) {
        task.part = e->parts2 + index * t->sizes.parts;
        fl_block_feed_forward_back(&t->blocks[l], &c->pass, &e->saved[l], &e->back[l & 1], &task);
    }
}

static void
attention_task(void *arg, size_t index, int worker)
{
    const struct fl_phase *phase = arg;
    const struct fl_saved *s = &phase->c->e->saved[phase->at];
    const struct fl_back *d = &phase->c->e->back[phase->at & 1];
    struct fl_attention a = fl_call_attention(phase->c, (size_t)phase->at, index, worker);

    fl_attention_backward(&a, &(struct fl_attention_grads){.dout = d->datt + (a.out - s->att),
                                                           .dq = d->dqkv + (a.q - s->qkv),
                                                           .dk = d->dqkv + (a.k - s->qkv),
                                                           .dv = d->dqkv + (a.v - s->qkv)});
}

/* The embedding's gradient, for SLICE columns of it: rows are added in their order. */
static void
embed_task(void *arg, size_t index, int worker)
{
    const struct fl_call *c = ((const struct fl_phase *)arg)->c;
    size_t C = c->e->model->sizes.C, at = index * SLICE, n = fl_min(C - at, SLICE);
    float *to = c->grads + c->e->model->embed->place + at;
    const float *dx = c->e->back[0].dx + at;

    (void)worker;
    for (size_t i = 0; i < c->rows; i++)
        fl_vec_add(to + (size_t)c->batch->x[i] * C, dx + i * C, n);
}

/* That of learned positions likewise. */
static void
positions_task(void *arg, size_t index, int worker)
{
    const struct fl_call *c = ((const struct fl_phase *)arg)->c;
    size_t C = c->e->model->sizes.C, at = index * SLICE, n = fl_min(C - at, SLICE);
    float *to = c->grads + c->e->model->positions->place + at;
    const float *dx = c->e->back[0].dx + at;

    (void)worker;
    for (size_t i = 0; i < c->rows; i++) {
        size_t start = c->batch->start ? c->batch->start[i] : 0;
        fl_vec_add(to + (i % c->batch->T - start) * C, dx + i * C, n);
    }
}

/* What rows AT has made the operands of in layer at: o and the feed-forward part. */
static void
add_feed_forward(struct mix *mix, const struct fl_call *c, size_t l, const struct fl_parts *parts)
{
    const struct fl_engine *e = c->e;
    const struct fl_block *b = &e->model->blocks[l];
    const struct fl_saved *s = &e->saved[l];
    const struct fl_back *d = &e->back[0];

    add_products(mix, &b->up,
                 &(struct fl_operands){c->grads, s->up, d->normed2, d->half.dup, d->half.normed2,
                                       c->rows, &d->low_up});
    add_products(mix, &b->down,
                 &(struct fl_operands){c->grads, d->dx, d->h, d->half.dx, d->half.h, c->rows,
                                       &d->low_down});
    add_products(mix, &b->o,
                 &(struct fl_operands){c->grads, d->dmid, s->att, d->half.dmid, d->half.att,
                                       c->rows, &d->low_o});
    mix->sums_n += fl_block_feed_forward_sums(b, parts, mix->sums + mix->sums_n);
}

/* And in layer at + 1: queries, keys and values. */
static void
add_qkv(struct mix *mix, const struct fl_call *c, size_t l, const struct fl_parts *parts)
{
    const struct fl_block *b = &c->e->model->blocks[l];
    const struct fl_back *d = &c->e->back[l & 1];

    add_products(mix, &b->qkv,
                 &(struct fl_operands){c->grads, d->dqkv, d->normed1, d->half.dqkv, d->half.normed1,
                                       c->rows, &d->low_qkv});
    mix->sums_n += fl_block_qkv_sums(b, parts, mix->sums + mix->sums_n);
}

static void
run_mix(struct fl_phase *phase)
{
    const struct fl_call *c = phase->c;
    const struct fl_engine *e = c->e;
    const struct fl_transformer *t = e->model;
    struct fl_parts parts1 = {c->grads, e->parts1, c->chunks, t->sizes.parts};
    struct fl_parts parts2 = {c->grads, e->parts2, c->chunks, t->sizes.parts};
    struct mix mix = {.jobs_n = 0};
    size_t slices = (t->sizes.C + SLICE - 1) / SLICE;
    bool last = phase->at < 0;

    if (!last)
        add_feed_forward(&mix, c, (size_t)phase->at, &parts2);
    if (phase->at + 1 < (int64_t)t->sizes.L)
        add_qkv(&mix, c, (size_t)(phase->at + 1), &parts1);
    struct fl_norm_mix norms = {phase,      c, mix.products, mix.sums, mix.products_n,
                                mix.sums_n, 0, c->batch->B};
    if (c->norm2)
        add_job(&mix, fl_norm_task, &norms, fl_norm_tasks(&norms));
    if (c->grads && last && !t->embed->frozen)
        add_job(&mix, embed_task, phase, slices);
    if (c->grads && last && t->positions && !t->positions->frozen)
        add_job(&mix, positions_task, phase, slices);
    if (c->grads)
        add_job(&mix, fl_part_sum_task, mix.sums, mix.sums_n);
    if (!last)
        add_job(&mix, attention_task, phase, c->batch->B * t->sizes.K);
    fl_pool_run_jobs(e->pool, mix.jobs, mix.jobs_n);
    if (c->norm2)
        fl_norm_add(&norms);
}

/* Floats FROM .. TO - 1 of the gradients. */
struct lent {
    float *grads;
    size_t from, to;
};

static void
wipe_task(void *arg, size_t index, int worker)
{
    const struct lent *w = arg;
    size_t first = w->from + index * WIPED;

    (void)worker;
    memset(w->grads + first, 0, fl_min(w->to - first, WIPED) * sizeof *w->grads);
}

/*
 * Zeros again in what the gradients of layer AT have lent to later layers, which are back by now:
 * mix AT is the first to add there.
 */
static void
take_back(const struct fl_call *c, int64_t at)
{
    const struct fl_engine *e = c->e;
    size_t L = e->model->sizes.L, l = (size_t)(at + 1);

    if (l < L && e->own < L) {
        size_t begin = l ? fl_engine_layer_place(e->parameters, l - 1) : 0;
        struct lent w = {c->grads, fl_max(e->lent, begin), fl_engine_layer_place(e->parameters, l)};
        if (w.from < w.to)
            fl_pool_run(e->pool, (w.to - w.from + WIPED - 1) / WIPED, wipe_task, &w);
    }
}

void
fl_call_backward(const struct fl_call *c)
{
    struct fl_phase phase = {c, 0};
    int64_t L = (int64_t)c->e->model->sizes.L;

    for (phase.at = L - 1; phase.at >= -1; phase.at--) {
        if (is_made_again(c, phase.at))
            fl_call_attend_again(c, (size_t)phase.at);
        fl_pool_run(c->e->pool, c->chunks, rows_task, &phase);
        take_back(c, phase.at);
        run_mix(&phase);
        fl_call_tell(c, L + 1 + (L - phase.at) * fl_call_back(c));
    }
}
