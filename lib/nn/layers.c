/* Loops over the rows of a task; what is done to one row is in math/vector.c. */
#include "nn/layers.h"

#include <math.h>
#include <string.h>

#include "math/vector.h"
#include "nn/engine.h"

void
fl_rmsnorm_forward(float *y, float *r, const float *x, const float *gain, size_t n, size_t C,
                   float eps)
{
    for (size_t i = 0; i < n; i++)
        r[i] = fl_vec_inverse_rms(x + i * C, C, eps);
    fl_rmsnorm_again(y, r, x, gain, n, C);
}

void
fl_rmsnorm_again(float *y, const float *r, const float *x, const float *gain, size_t n, size_t C)
{
    for (size_t i = 0; i < n; i++)
        fl_vec_rmsnorm(y + i * C, x + i * C, gain, r[i], C);
}

void
fl_rmsnorm_backward(const struct fl_rmsnorm_grads *d, const float *r, const float *x,
                    const float *gain, size_t n, size_t C)
{
    for (size_t i = 0; i < n; i++)
        fl_vec_rmsnorm_back(d->dx + i * C, d->dgain, d->dy + i * C, x + i * C, gain, r[i], C);
}

void
fl_rope_table(float *cosine, float *sine, size_t T, size_t D, double base)
{
    for (size_t i = 0; i < D / 2; i++) {
        double frequency = pow(base, -2.0 * (double)i / (double)D);
        for (size_t t = 0; t < T; t++) {
            cosine[t * (D / 2) + i] = (float)cos((double)t * frequency);
            sine[t * (D / 2) + i] = (float)sin((double)t * frequency);
        }
    }
}

static void
rotate(const struct fl_rope *rope, float sign, float *x, size_t stride, size_t count, size_t first,
       size_t n)
{
    size_t half = rope->D / 2;

    for (size_t i = 0; i < n; i++) {
        size_t at = (first + i) % rope->T * half;
        fl_vec_rotate(x + i * stride, rope->cosine + at, rope->sine + at, sign, half, count);
    }
}

void
fl_rope_forward(const struct fl_rope *rope, float *x, size_t stride, size_t count, size_t first,
                size_t n)
{
    rotate(rope, 1, x, stride, count, first, n);
}

void
fl_rope_backward(const struct fl_rope *rope, float *dx, size_t stride, size_t count, size_t first,
                 size_t n)
{
    rotate(rope, -1, dx, stride, count, first, n);
}

void
fl_swiglu_forward(float *h, const float *gu, size_t n, size_t F)
{
    for (size_t i = 0; i < n; i++)
        fl_vec_swiglu(h + i * F, gu + i * 2 * F, gu + i * 2 * F + F, F);
}

void
fl_swiglu_backward(float *h, float *gu, const float *dh, size_t n, size_t F)
{
    for (size_t i = 0; i < n; i++)
        fl_vec_swiglu_back(h + i * F, gu + i * 2 * F, gu + i * 2 * F + F, dh + i * F, F);
}

float
fl_cross_entropy(float *logits, size_t V, uint32_t y, float scale)
{
    if (y == FL_IGNORE) {
        memset(logits, 0, V * sizeof *logits);
        return 0;
    }
    float max = fl_vec_max(logits, V), target = logits[y];
    float sum = fl_vec_exp_sum(logits, logits, 1, max, V);
    if (scale != 0) {
        fl_vec_scale(logits, scale / sum, V);
        logits[y] -= scale;
    }
    return (float)(log((double)sum) + (double)(max - target));
}
