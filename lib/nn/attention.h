/*
 * Causal attention of one window and one group of heads that share a key and value head.
 *
 * Queries are taken in spans; of the matrix of scores only a span's rows, and of these only the
 * columns that one of its queries sees, ever exist. Backward computes them again from LSE.
 * Source: Vaswani et al. 2017; recomputation from the log-sum-exp, Dao et al. 2022; sliding window,
 * Beltagy et al. 2020.
 */
#ifndef FL_NN_ATTENTION_H
#define FL_NN_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fl_attention {
    size_t n,
        before; /* queries; keys before that of the first query: query i is number before + i */
    size_t D, heads; /* of a head; of the group */
    size_t window;   /* a query sees so many keys, its own the last of them; 0: all up to its own */
    const uint32_t *start; /* (n,) the first key that a query sees, not falling; NULL: 0 */
    const float *q;        /* (n, heads D), rotated; rows STRIDE apart */
    size_t stride;
    const float *k, *v; /* (before + n, D), k rotated; rows KV_STRIDE apart */
    size_t kv_stride;
    float *out; /* (n, heads D), rows OUT_STRIDE apart */
    size_t out_stride;
    float *lse;     /* (heads,n) log of the sum of e^score; NULL: not wanted */
    float *scratch; /* fl_attention_scratch floats */
};

/* Floats of scratch for up to KEYS keys, forward alone or BACK too. */
size_t fl_attention_scratch(size_t keys, bool back);

/* out = softmax(q k' / sqrt(D)) v, each row over the keys that it sees; lse too. */
void fl_attention_forward(const struct fl_attention *a);

/*
 * From dout, strided as OUT, to dq, strided as Q, and dk and dv, strided as K, which are
 * overwritten. Whole windows: BEFORE is 0.
 */
struct fl_attention_grads {
    const float *dout;
    float *dq, *dk, *dv;
};
void fl_attention_backward(const struct fl_attention *a, const struct fl_attention_grads *d);

#endif
