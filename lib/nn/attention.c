/*
 * Queries go in spans of SPAN rows, so that scores take (SPAN,T) and not (T,T) floats. Forward
 * keeps the logarithm of each row's sum, from which backward computes the probabilities once more.
 * Source: Dao et al. 2022 (FlashAttention, algorithms 1 and 4), without its tiles of keys.
 */
#include "nn/attention.h"

#include <math.h>
#include <string.h>

#include "base/least.h"
#include "math/gemm.h"
#include "math/vector.h"

enum { SPAN = 64 }; /* queries at once */

/* A span of queries of one head: rows t0 .. t0 + n - 1, keys 0 .. end - 1. */
struct span {
    size_t head, t0, n, end;
};

size_t
fl_attention_scratch(size_t T)
{
    return 2 * SPAN * T;
}

static float
score_scale(const struct fl_attention *a)
{
    return 1 / sqrtf((float)a->D);
}

/* s (n,end) = q k' */
static void
scores(const struct fl_attention *a, const struct span *b, float *s)
{
    fl_gemm(&(struct fl_gemm){.m = b->n,
                              .n = b->end,
                              .k = a->D,
                              .a = a->q + b->t0 * a->stride + b->head * a->D,
                              .lda = a->stride,
                              .b = a->k,
                              .ldb = a->stride,
                              .bt = true,
                              .c = s,
                              .ldc = b->end});
}

static void
forward_span(const struct fl_attention *a, const struct span *b)
{
    float *s = a->scratch, scale = score_scale(a);

    scores(a, b, s);
    for (size_t i = 0; i < b->n; i++) {
        float *row = s + i * b->end;
        size_t keys = b->t0 + i + 1;
        float max = scale * fl_vec_max(row, keys);
        float sum = fl_vec_exp_sum(row, row, scale, max, keys);
        fl_vec_scale(row, 1 / sum, keys);
        memset(row + keys, 0, (b->end - keys) * sizeof *row);
        a->lse[b->head * a->T + b->t0 + i] = max + logf(sum);
    }
    fl_gemm(&(struct fl_gemm){.m = b->n,
                              .n = a->D,
                              .k = b->end,
                              .a = s,
                              .lda = b->end,
                              .b = a->v,
                              .ldb = a->stride,
                              .c = a->out + b->t0 * a->out_stride + b->head * a->D,
                              .ldc = a->out_stride});
}

/* p (n,end) = softmax, ds (n,end) = gradient of q k' */
static void
backward_scores(const struct fl_attention *a, const float *dout, const struct span *b, float *p,
                float *ds)
{
    const float scale = score_scale(a);
    const float *d = dout + b->t0 * a->out_stride + b->head * a->D;
    const float *out = a->out + b->t0 * a->out_stride + b->head * a->D;

    scores(a, b, p);
    fl_gemm(&(struct fl_gemm){.m = b->n,
                              .n = b->end,
                              .k = a->D,
                              .a = d,
                              .lda = a->out_stride,
                              .b = a->v,
                              .ldb = a->stride,
                              .bt = true,
                              .c = ds,
                              .ldc = b->end});
    for (size_t i = 0; i < b->n; i++) {
        float *p_row = p + i * b->end, *ds_row = ds + i * b->end;
        size_t keys = b->t0 + i + 1, rest = b->end - keys;
        float delta = fl_vec_dot(d + i * a->out_stride, out + i * a->out_stride, a->D);
        fl_vec_exp_sum(p_row, p_row, scale, a->lse[b->head * a->T + b->t0 + i], keys);
        fl_vec_softmax_back(ds_row, p_row, delta, scale, keys);
        memset(p_row + keys, 0, rest * sizeof *p_row);
        memset(ds_row + keys, 0, rest * sizeof *ds_row);
    }
}

static void
backward_span(const struct fl_attention *a, const struct fl_attention_grads *d,
              const struct span *b)
{
    float *p = a->scratch, *ds = a->scratch + SPAN * a->T;
    size_t q = b->t0 * a->stride + b->head * a->D;

    backward_scores(a, d->dout, b, p, ds);
    fl_gemm(&(struct fl_gemm){.m = b->n,
                              .n = a->D,
                              .k = b->end,
                              .a = ds,
                              .lda = b->end,
                              .b = a->k,
                              .ldb = a->stride,
                              .c = d->dq + q,
                              .ldc = a->stride});
    fl_gemm(&(struct fl_gemm){.m = b->end,
                              .n = a->D,
                              .k = b->n,
                              .a = ds,
                              .lda = b->end,
                              .at = true,
                              .b = a->q + q,
                              .ldb = a->stride,
                              .keep = true,
                              .c = d->dk,
                              .ldc = a->stride});
    fl_gemm(&(struct fl_gemm){.m = b->end,
                              .n = a->D,
                              .k = b->n,
                              .a = p,
                              .lda = b->end,
                              .at = true,
                              .b = d->dout + b->t0 * a->out_stride + b->head * a->D,
                              .ldb = a->out_stride,
                              .keep = true,
                              .c = d->dv,
                              .ldc = a->stride});
}

static struct span
span_at(const struct fl_attention *a, size_t head, size_t t0)
{
    size_t n = fl_min(a->T - t0, SPAN);

    return (struct span){head, t0, n, t0 + n};
}

void
fl_attention_forward(const struct fl_attention *a)
{
    for (size_t head = 0; head < a->heads; head++) {
        for (size_t t = 0; t < a->T; t += SPAN) {
            struct span b = span_at(a, head, t);
            forward_span(a, &b);
        }
    }
}

void
fl_attention_backward(const struct fl_attention *a, const struct fl_attention_grads *d)
{
    for (size_t t = 0; t < a->T; t++) {
        memset(d->dk + t * a->stride, 0, a->D * sizeof *d->dk);
        memset(d->dv + t * a->stride, 0, a->D * sizeof *d->dv);
    }
    for (size_t head = 0; head < a->heads; head++) {
        for (size_t t = 0; t < a->T; t += SPAN) {
            struct span b = span_at(a, head, t);
            backward_span(a, d, &b);
        }
    }
}
