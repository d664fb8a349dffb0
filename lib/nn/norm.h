/*
 * Norms of rows: root mean square (Zhang and Sennrich 2019) and layer norm (Ba et al. 2016).
 */
#ifndef FL_NN_NORM_H
#define FL_NN_NORM_H

#include <stddef.h>

#include "nn/config.h"

/* A view, whose numbers are borrowed. y = (x - mean) r gain + bias; RMS has no mean and no bias. */
struct fl_norm {
    enum fl_norm_kind kind;
    size_t width;
    float eps;
    const float *gain, *bias; /* (width,) */
};

/* Floats of statistics that a row leaves: r, and with layer norm its mean. */
size_t fl_norm_stats(enum fl_norm_kind kind);

/* y (n,width) of x (n,width), whose rows follow each other; STAT (n, stats) out. y is not x. */
void fl_norm_forward(const struct fl_norm *f, float *y, float *stat, const float *x, size_t n);

/* The same with STAT known. */
void fl_norm_again(const struct fl_norm *f, float *y, const float *stat, const float *x, size_t n);

/* dx (n,width), dgain and dbias (width,) +=, of dy (n,width); dbias is not touched without bias. */
struct fl_norm_grads {
    float *dx, *dgain, *dbias;
    const float *dy;
};
void fl_norm_backward(const struct fl_norm *f, const struct fl_norm_grads *d, const float *stat,
                      const float *x, size_t n);

#endif
