/*
 * Layers on rows, as forward and backward pairs. A row is one position of one window; N rows at
 * once, which are one task's.
 */
#ifndef FL_NN_LAYERS_H
#define FL_NN_LAYERS_H

#include <stddef.h>
#include <stdint.h>

/* y (n,C) = x r gain; r (n,) out: 1 / root mean square of x's rows. Zhang and Sennrich 2019. */
void fl_rmsnorm_forward(float *y, float *r, const float *x, const float *gain, size_t n, size_t C,
                        float eps);

/* The same with r known. */
void fl_rmsnorm_again(float *y, const float *r, const float *x, const float *gain, size_t n,
                      size_t C);

/* dx (n,C) += and dgain (C,) +=, of dy (n,C) */
struct fl_rmsnorm_grads {
    float *dx, *dgain;
    const float *dy;
};
void fl_rmsnorm_backward(const struct fl_rmsnorm_grads *d, const float *r, const float *x,
                         const float *gain, size_t n, size_t C);

/* Rotary positions: (T, D/2) cosines and sines of t base^(-2 i / D). */
void fl_rope_table(float *cosine, float *sine, size_t T, size_t D, double base);

/* Rotate COUNT heads at the start of each row; row i is at position (first + i) mod T. */
struct fl_rope {
    const float *cosine, *sine;
    size_t T, D;
};
void fl_rope_forward(const struct fl_rope *rope, float *x, size_t stride, size_t count,
                     size_t first, size_t n);
void fl_rope_backward(const struct fl_rope *rope, float *dx, size_t stride, size_t count,
                      size_t first, size_t n);

/* h (n,F) = silu(gate) up, with gu (n,2F) = gate | up */
void fl_swiglu_forward(float *h, const float *gu, size_t n, size_t F);

/* gu becomes its gradient, of dh (n,F); h (n,F) once more. Shazeer 2020. */
void fl_swiglu_backward(float *h, float *gu, const float *dh, size_t n, size_t F);

/*
 * Cross-entropy of one row of logits (V,), which become their gradient times SCALE (of no use when
 * SCALE is 0). Returns -ln p(y); for FL_IGNORE 0, and the gradient is 0.
 */
float fl_cross_entropy(float *logits, size_t V, uint32_t y, float scale);

#endif
