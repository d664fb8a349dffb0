/*
 * Queries go in spans of SPAN rows, so that scores take (SPAN,T) and not (T,T) floats. Forward
 * keeps the logarithm of each row's sum, from which backward computes the probabilities once more.
 * Source: Dao et al. 2022 (FlashAttention, algorithms 1 and 4), without its tiles of keys.
 */
#include "nn/attention.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/least.h"
#include "math/gemm.h"
#include "math/vector.h"

enum { SPAN = 64 }; /* queries at once */

/* Queries t0 .. t0 + n - 1 of one head; each sees some of keys first .. first + keys - 1. */
struct span {
    size_t head, t0, n, first, keys;
};

/* Of the keys of a span, those that its query I sees. */
struct seen {
    size_t first, n;
};

size_t
fl_attention_scratch(size_t keys, bool back)
{
    return (back ? 2 * keys : keys) * SPAN;
}

/* The first key that query T sees. */
static size_t
first_key(const struct fl_attention *a, size_t t)
{
    size_t end = a->before + t + 1, first = a->start ? a->start[t] : 0;

    return a->window && end > a->window ? fl_max(end - a->window, first) : first;
}

static struct span
span_at(const struct fl_attention *a, size_t head, size_t t0)
{
    size_t n = fl_min(a->n - t0, SPAN), first = first_key(a, t0);

    return (struct span){head, t0, n, first, a->before + t0 + n - first};
}

static struct seen
seen_by(const struct fl_attention *a, const struct span *b, size_t i)
{
    size_t first = first_key(a, b->t0 + i) - b->first;

    return (struct seen){first, a->before + b->t0 + i + 1 - b->first - first};
}

/* Set the scores of a row to 0 where nothing is seen. */
static void
clear_unseen(float *row, struct seen s, size_t keys)
{
    memset(row, 0, s.first * sizeof *row);
    memset(row + s.first + s.n, 0, (keys - s.first - s.n) * sizeof *row);
}

static float
score_scale(const struct fl_attention *a)
{
    return 1 / sqrtf((float)a->D);
}

/* s (n,keys) = rows of X, those of the span, times Y', the span's keys or values. */
static void
multiply_keys(const struct fl_attention *a, const struct span *b, const float *x, size_t stride,
              const float *y, float *s)
{
    fl_gemm(&(struct fl_gemm){.m = b->n,
                              .n = b->keys,
                              .k = a->D,
                              .a = x + b->t0 * stride + b->head * a->D,
                              .lda = stride,
                              .b = y + b->first * a->kv_stride,
                              .ldb = a->kv_stride,
                              .bt = true,
                              .c = s,
                              .ldc = b->keys});
}

static void
forward_span(const struct fl_attention *a, const struct span *b)
{
    float *s = a->scratch, scale = score_scale(a);

    multiply_keys(a, b, a->q, a->stride, a->k, s);
    for (size_t i = 0; i < b->n; i++) {
        struct seen keys = seen_by(a, b, i);
        float *row = s + i * b->keys, *seen = row + keys.first;
        float max = scale * fl_vec_max(seen, keys.n);
        float sum = fl_vec_exp_sum(seen, seen, scale, max, keys.n);
        fl_vec_scale(seen, 1 / sum, keys.n);
        clear_unseen(row, keys, b->keys);
        if (a->lse)
            a->lse[b->head * a->n + b->t0 + i] = max + logf(sum);
    }
    fl_gemm(&(struct fl_gemm){.m = b->n,
                              .n = a->D,
                              .k = b->keys,
                              .a = s,
                              .lda = b->keys,
                              .b = a->v + b->first * a->kv_stride,
                              .ldb = a->kv_stride,
                              .c = a->out + b->t0 * a->out_stride + b->head * a->D,
                              .ldc = a->out_stride});
}

/* p (n,keys) = softmax, ds (n,keys) = gradient of q k' */
static void
backward_scores(const struct fl_attention *a, const float *dout, const struct span *b, float *p,
                float *ds)
{
    const float scale = score_scale(a);
    const float *d = dout + b->t0 * a->out_stride + b->head * a->D;
    const float *out = a->out + b->t0 * a->out_stride + b->head * a->D;

    multiply_keys(a, b, a->q, a->stride, a->k, p);
    multiply_keys(a, b, dout, a->out_stride, a->v, ds);
    for (size_t i = 0; i < b->n; i++) {
        struct seen keys = seen_by(a, b, i);
        float *p_row = p + i * b->keys, *ds_row = ds + i * b->keys;
        float delta = fl_vec_dot(d + i * a->out_stride, out + i * a->out_stride, a->D);
        fl_vec_exp_sum(p_row + keys.first, p_row + keys.first, scale,
                       a->lse[b->head * a->n + b->t0 + i], keys.n);
        fl_vec_softmax_back(ds_row + keys.first, p_row + keys.first, delta, scale, keys.n);
        clear_unseen(p_row, keys, b->keys);
        clear_unseen(ds_row, keys, b->keys);
    }
}

/* dy (keys,D) += s' x, where DY are gradients of keys or values and X rows of the span. */
static void
add_to_keys(const struct fl_attention *a, const struct span *b, const float *s, const float *x,
            size_t stride, float *dy)
{
    fl_gemm(&(struct fl_gemm){.m = b->keys,
                              .n = a->D,
                              .k = b->n,
                              .a = s,
                              .lda = b->keys,
                              .at = true,
                              .b = x + b->t0 * stride + b->head * a->D,
                              .ldb = stride,
                              .keep = true,
                              .c = dy + b->first * a->kv_stride,
                              .ldc = a->kv_stride});
}

static void
backward_span(const struct fl_attention *a, const struct fl_attention_grads *d,
              const struct span *b)
{
    float *p = a->scratch, *ds = a->scratch + SPAN * a->n;

    backward_scores(a, d->dout, b, p, ds);
    fl_gemm(&(struct fl_gemm){.m = b->n,
                              .n = a->D,
                              .k = b->keys,
                              .a = ds,
                              .lda = b->keys,
                              .b = a->k + b->first * a->kv_stride,
                              .ldb = a->kv_stride,
                              .c = d->dq + b->t0 * a->stride + b->head * a->D,
                              .ldc = a->stride});
    add_to_keys(a, b, ds, a->q, a->stride, d->dk);
    add_to_keys(a, b, p, d->dout, a->out_stride, d->dv);
}

void
fl_attention_forward(const struct fl_attention *a)
{
    for (size_t head = 0; head < a->heads; head++) {
        for (size_t t = 0; t < a->n; t += SPAN) {
            struct span b = span_at(a, head, t);
            forward_span(a, &b);
        }
    }
}

void
fl_attention_backward(const struct fl_attention *a, const struct fl_attention_grads *d)
{
    assert(!a->before);
    for (size_t t = 0; t < a->n; t++) {
        memset(d->dk + t * a->kv_stride, 0, a->D * sizeof *d->dk);
        memset(d->dv + t * a->kv_stride, 0, a->D * sizeof *d->dv);
    }
    for (size_t head = 0; head < a->heads; head++) {
        for (size_t t = 0; t < a->n; t += SPAN) {
            struct span b = span_at(a, head, t);
            backward_span(a, d, &b);
        }
    }
}
