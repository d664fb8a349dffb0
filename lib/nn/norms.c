/*
 * Square norms of the gradients of windows, none of which is ever made: of a matrix with dW = dY'
 * X, |dW|^2 is the sum over pairs of rows of (x_t . x_u)(dy_t . dy_u). Where a window has more rows
 * than that is worth, or the sum has lost its digits, tiles of dW are made and squared instead.
 * Sources: Li et al. 2022 (ghost clipping), Bu et al. 2022 (the choice by shapes).
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/least.h"
#include "math/gemm.h"
#include "math/vector.h"
#include "nn/engine_state.h"

enum {
    PAIR_ROWS = 64, /* of a tile of products of rows */
    PAIR_COLUMNS = 256,
    TILE_ROWS = 128, /* of a tile of a gradient */
    TILE_COLUMNS = 256,
    TILE = 2 * PAIR_ROWS * PAIR_COLUMNS, /* floats: that of a gradient too */
    SLICE = 512,                         /* numbers of a gain or bias at once */
    TOKENS = 32,                         /* rows of a tied head's gradient at once */
    PARTS = 8
};

/* 2^200: of squares; what is longer than 2^100 does not count as finite. */
#define LIMIT 0x1p200

size_t
fl_norm_scratch(const struct fl_sizes *z, size_t T)
{
    return fl_max(fl_max(TILE, TOKENS * T), 2 * T + z->C);
}

/* The sum of a b, in doubles. */
static double
dot(const float *a, const float *b, size_t n)
{
    double part[PARTS] = {0}, sum = 0;
    size_t i = 0;

    for (; i + PARTS <= n; i += PARTS)
        for (size_t k = 0; k < PARTS; k++)
            part[k] += (double)a[i + k] * (double)b[i + k];
    for (; i < n; i++)
        part[0] += (double)a[i] * (double)b[i];
    for (size_t k = 0; k < PARTS; k++)
        sum += part[k];
    return sum;
}

/* G (n,m) = rows of A times rows of B, both K long. */
static void
multiply_rows(float *g, const float *a, const float *b, const size_t n[2], size_t k, size_t stride)
{
    fl_gemm(&(struct fl_gemm){.m = n[0],
                              .n = n[1],
                              .k = k,
                              .a = a,
                              .lda = stride,
                              .b = b,
                              .ldb = stride,
                              .bt = true,
                              .c = g,
                              .ldc = n[1]});
}

/* Of a map's weights: what one window has of its operands. */
struct window {
    size_t in, out, n, stride;
    const float *dy, *x;
};

/* The pairs of rows I .. I + N[0] - 1 with J .. J + N[1] - 1. */
static double
pairs(const struct window *w, size_t i, size_t j, const size_t n[2], float *scratch)
{
    float *other = scratch + PAIR_ROWS * PAIR_COLUMNS;

    multiply_rows(scratch, w->x + i * w->in, w->x + j * w->in, n, w->in, w->in);
    multiply_rows(other, w->dy + i * w->stride, w->dy + j * w->stride, n, w->out, w->stride);
    return dot(scratch, other, n[0] * n[1]);
}

/* Each pair of unlike rows is there twice. */
static double
norm_by_pairs(const struct window *w, float *scratch)
{
    double same = 0, unlike = 0;

    for (size_t i = 0; i < w->n; i += PAIR_ROWS) {
        size_t n[2] = {fl_min(w->n - i, PAIR_ROWS), fl_min(w->n - i, PAIR_ROWS)};
        same += pairs(w, i, i, n, scratch);
        for (size_t j = i + n[0]; j < w->n; j += PAIR_COLUMNS) {
            n[1] = fl_min(w->n - j, PAIR_COLUMNS);
            unlike += pairs(w, i, j, n, scratch);
        }
    }
    return same + 2 * unlike;
}

static double
norm_by_tiles(const struct window *w, float *scratch)
{
    double sum = 0;

    for (size_t i = 0; i < w->out; i += TILE_ROWS)
        for (size_t j = 0; j < w->in; j += TILE_COLUMNS) {
            size_t m = fl_min(w->out - i, TILE_ROWS), n = fl_min(w->in - j, TILE_COLUMNS);
            fl_gemm(&(struct fl_gemm){.m = m,
                                      .n = n,
                                      .k = w->n,
                                      .a = w->dy + i,
                                      .lda = w->stride,
                                      .at = true,
                                      .b = w->x + j,
                                      .ldb = w->in,
                                      .c = scratch,
                                      .ldc = n});
            sum += fl_vec_sum_squares(scratch, m * n);
        }
    return sum;
}

/*
 * Is the sum over pairs exact enough? It is off by some 2^-25 LENGTH^2, since products of rows are
 * in f32, and large where rows have a large part in common that cancels.
 */
static bool
is_precise(double norm2, double length)
{
    return norm2 >= 0 && 0x1p-25 * length * length <= 0x1p-11 * norm2;
}

static struct fl_norm_slot
norm_of_matrix(struct window *w, float *scratch)
{
    double length = 0;
    size_t last = 0;

    for (size_t t = 0; t < w->n; t++) {
        double x = fl_vec_sum_squares(w->x + t * w->in, w->in);
        double dy = fl_vec_sum_squares(w->dy + t * w->stride, w->out);
        if (!(x <= LIMIT && dy <= LIMIT))
            return (struct fl_norm_slot){INFINITY, INFINITY};
        length += sqrt(x * dy);
        if (dy > 0)
            last = t + 1;
    }
    w->n = last; /* what pads a document has no gradient */
    if (!last)
        return (struct fl_norm_slot){0, 0};
    if ((w->in + w->out) * w->n < 2 * w->in * w->out) {
        double norm2 = norm_by_pairs(w, scratch);
        if (is_precise(norm2, length))
            return (struct fl_norm_slot){norm2, length};
    }
    return (struct fl_norm_slot){norm_by_tiles(w, scratch), length};
}

/* The square of the sum of COUNT rows, STRIDE apart. */
static double
norm_of_sum(const float *rows, size_t count, size_t stride, size_t width, float *scratch)
{
    double sum = 0;

    for (size_t at = 0; at < width; at += SLICE) {
        size_t n = fl_min(width - at, SLICE);
        memset(scratch, 0, n * sizeof *scratch);
        for (size_t i = 0; i < count; i++)
            fl_vec_add(scratch, rows + i * stride + at, n);
        sum += fl_vec_sum_squares(scratch, n);
    }
    return sum;
}

/* Of product G's matrix and bias, window number B of its operands. */
static struct fl_norm_slot
norm_of_product(const struct fl_linear_grad *g, size_t b, size_t T, float *scratch)
{
    struct window w = {.in = g->in,
                       .out = g->out,
                       .n = T,
                       .stride = g->stride,
                       .dy = g->dy + b * T * g->stride,
                       .x = g->x + b * T * g->in};
    struct fl_norm_slot slot = {0, 0};

    if (g->weight)
        slot = norm_of_matrix(&w, scratch);
    if (g->bias)
        slot.norm2 += norm_of_sum(w.dy, T, g->stride, g->out, scratch);
    return slot;
}

/* Of a window whose every number should be below 2^100: 0, else infinity. */
static double
watch(const float *rows, size_t n)
{
    return fl_vec_sum_squares(rows, n) <= LIMIT ? 0 : INFINITY;
}

static int
by_number(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Rows of dx with equal ids are one row of the embedding's gradient. */
static double
norm_of_embedding(const struct fl_call *c, size_t b, const float *dx, float *scratch)
{
    size_t T = c->batch->T, C = c->e->model->sizes.C;
    uint64_t *places = (void *)scratch; /* id and row */
    float *row = scratch + 2 * T;
    double sum = 0;

    for (size_t t = 0; t < T; t++)
        places[t] = (uint64_t)c->batch->x[b * T + t] << 32 | t;
    qsort(places, T, sizeof *places, by_number);
    for (size_t t = 0, end; t < T; t = end) {
        memset(row, 0, C * sizeof *row);
        for (end = t; end < T && places[end] >> 32 == places[t] >> 32; end++)
            fl_vec_add(row, dx + (uint32_t)places[end] * C, C);
        sum += fl_vec_sum_squares(row, C);
    }
    return sum;
}

/*
 * A tied head: of its gradient the rows of the window's own ids, one for each token, which will
 * meet the embedding's.
 */
static void
take_token_rows(const struct fl_norm_mix *mix, size_t b, float *scratch)
{
    const struct fl_call *c = mix->c;
    const struct fl_engine *e = c->e;
    size_t T = c->batch->T, C = e->model->sizes.C, V = e->model->sizes.V;
    const uint32_t *ids = c->batch->x + (mix->first + b) * T;
    const float *dlogits = e->logits + b * T * V;
    float *to = e->token_rows + (mix->first + b) * T * C;

    for (size_t u = 0; u < T; u += TOKENS) {
        size_t n = fl_min(T - u, TOKENS);
        for (size_t k = 0; k < n; k++)
            for (size_t t = 0; t < T; t++)
                scratch[k * T + t] = dlogits[t * V + ids[u + k]];
        fl_gemm(&(struct fl_gemm){.m = n,
                                  .n = C,
                                  .k = T,
                                  .a = scratch,
                                  .lda = T,
                                  .b = e->final + b * T * C,
                                  .ldb = C,
                                  .c = to + u * C,
                                  .ldc = C});
    }
}

/*
 * What the embedding adds to a tied head's square norm: its own, and twice their product. Where
 * they cancel so far that digits are lost, as much as they can add at all.
 */
static double
norm_of_tied(const struct fl_call *c, size_t b, const float *dx, double embedding)
{
    const struct fl_norm_slot *head = &c->e->head[b];
    size_t T = c->batch->T, C = c->e->model->sizes.C;
    double both = 0, length = 0;

    for (size_t t = 0; t < T; t++) {
        both += dot(c->e->token_rows + (b * T + t) * C, dx + t * C, C);
        length += sqrt(fl_vec_sum_squares(dx + t * C, C));
    }
    double norm2 = head->norm2 + embedding + 2 * both;
    double most = sqrt(head->norm2) + sqrt(embedding);
    if (is_precise(norm2, head->length + length))
        return embedding + 2 * both;
    return most * most - head->norm2;
}

/* At the end of the way back. */
static double
norm_of_tables(const struct fl_call *c, size_t b, float *scratch)
{
    const struct fl_transformer *t = c->e->model;
    size_t rows = c->batch->T * t->sizes.C;
    const float *dx = c->e->back[0].dx + b * rows;
    double sum = 0;

    if (!t->embed->frozen) {
        sum = norm_of_embedding(c, b, dx, scratch);
        if (c->e->tied)
            sum = norm_of_tied(c, b, dx, sum);
    }
    if (t->positions && !t->positions->frozen)
        sum += fl_vec_sum_squares(dx, rows);
    return sum;
}

/* What is no product, of window B of the mix. */
static double
norm_of_rest(const struct fl_norm_mix *mix, size_t b, float *scratch)
{
    const struct fl_call *c = mix->c;
    const struct fl_engine *e = c->e;
    size_t rows = c->batch->T * e->model->sizes.C, at = (mix->first + b) * rows;
    double sum = watch(e->back[0].dx + at, rows);

    for (size_t i = 0; i < mix->sums_n; i++) {
        const struct fl_part_sum *s = &mix->sums[i];
        sum += norm_of_sum(s->parts + b * c->per * s->stride, c->per, s->stride, s->width, scratch);
    }
    if (!mix->phase) {
        if (e->tied && !e->model->embed->frozen)
            take_token_rows(mix, b, scratch);
        return sum + watch(e->x_end + at, rows);
    }
    if (mix->phase->at >= 0)
        return sum + watch(e->saved[mix->phase->at].x + at, rows);
    return sum + norm_of_tables(c, b, scratch);
}

size_t
fl_norm_tasks(const struct fl_norm_mix *mix)
{
    return (mix->products_n + 1) * mix->windows;
}

void
fl_norm_task(void *arg, size_t index, int worker)
{
    const struct fl_norm_mix *mix = arg;
    const struct fl_engine *e = mix->c->e;
    size_t i = index / mix->windows, b = index % mix->windows;
    float *scratch = fl_engine_scratch(e, worker);
    struct fl_norm_slot *slot = &e->slots[i * e->max_B + b];

    if (i < mix->products_n)
        *slot = norm_of_product(&mix->products[i], b, mix->c->batch->T, scratch);
    else
        *slot = (struct fl_norm_slot){norm_of_rest(mix, b, scratch), 0};
}

void
fl_norm_add(const struct fl_norm_mix *mix)
{
    const struct fl_engine *e = mix->c->e;

    for (size_t b = 0; b < mix->windows; b++) {
        for (size_t i = 0; i <= mix->products_n; i++)
            mix->c->norm2[mix->first + b] += e->slots[i * e->max_B + b].norm2;
        if (!mix->phase && mix->products_n)
            e->head[mix->first + b] = e->slots[b];
    }
}
