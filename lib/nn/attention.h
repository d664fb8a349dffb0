/*
 * Causal attention of one window and one group of heads that share a key and value head.
 *
 * Queries are taken in spans; of the matrix of scores only a span's rows, and of these only the
 * columns up to the span's end, ever exist. Backward computes them again from LSE.
 * Source: Vaswani et al. 2017; recomputation from the log-sum-exp, Dao et al. 2022.
 */
#ifndef FL_NN_ATTENTION_H
#define FL_NN_ATTENTION_H

#include <stddef.h>

struct fl_attention {
    size_t T, D, heads;     /* of the window, of a head, of the group */
    const float *q, *k, *v; /* q (T, heads D), k and v (T,D), rotated; rows STRIDE apart */
    size_t stride;
    float *out; /* (T, heads D), rows OUT_STRIDE apart */
    size_t out_stride;
    float *lse;     /* (heads,T) log of the sum of e^score */
    float *scratch; /* fl_attention_scratch(T) floats */
};

size_t fl_attention_scratch(size_t T); /* floats */

/* out = softmax(q k' / sqrt(D)) v, each row over the keys up to its own; lse too. */
void fl_attention_forward(const struct fl_attention *a);

/* From dout, strided as OUT, to dq, dk and dv, strided as Q, which are overwritten. */
struct fl_attention_grads {
    const float *dout;
    float *dq, *dk, *dv;
};
void fl_attention_backward(const struct fl_attention *a, const struct fl_attention_grads *d);

#endif
