/*
 * Rows of floats: the element-wise parts of a model and of its optimizer.
 *
 * Every function has one meaning to the bit: element-wise work is written in + - * / and square
 * root without contraction, and a sum is kept in 16 parts (element i in part i mod 16), which are
 * added at the end in halves: 8 to 8, 4 to 4, 2 to 2, 1 to 1. So any width is the same.
 * Arrays do not overlap unless it is said; no alignment is needed; NaN goes through to results.
 */
#ifndef FL_MATH_VECTOR_H
#define FL_MATH_VECTOR_H

#include <stddef.h>
#include <stdint.h>

size_t fl_vec_finite(const float *x, size_t n);  /* index of the first not finite, or n */
size_t fl_vec_largest(const float *x, size_t n); /* index of the first largest; n > 0 */
float fl_vec_max(const float *x, size_t n);      /* -inf for none; passes over NaN */
float fl_vec_dot(const float *x, const float *y, size_t n); /* parts of floats, fixed order */

/*
 * y[i] = the dot product of X (n,) with row i of W (rows,n), which is f32, f16 or bf16
 * (math/half.h), or whole blocks of 8 bits (math/q8.h): as fl_vec_dot of the row, widened, to the
 * bit. W is read once, as fast as memory gives it, and no f32 of it is written.
 */
void fl_vec_dots_f32(float *y, const float *w, const float *x, size_t rows, size_t n);
void fl_vec_dots_f16(float *y, const void *w, const float *x, size_t rows, size_t n);
void fl_vec_dots_bf16(float *y, const void *w, const float *x, size_t rows, size_t n);
void fl_vec_dots_q8(float *y, const void *w, const float *x, size_t rows, size_t n);

double fl_vec_sum_squares(const float *x, size_t n); /* parts of doubles */
double fl_vec_sum_doubles(const double *x, size_t n);
void fl_vec_add(float *y, const float *x, size_t n); /* y += x */
void fl_vec_scale(float *y, float a, size_t n);      /* y *= a */

/* y = e^x, within 1 unit in the last place (2 where it is subnormal). y may be x. */
void fl_vec_exp(float *y, const float *x, size_t n);

/* The same of doubles. */
void fl_vec_exp_doubles(double *y, const double *x, size_t n);

/* y = e^(a x - b); returns the sum of y. y may be x. */
float fl_vec_exp_sum(float *y, const float *x, float a, float b, size_t n);

/* h = silu(g) u, silu(g) = g / (1 + e^-g) */
void fl_vec_swiglu(float *h, const float *g, const float *u, size_t n);

/* From dh: g becomes dg, u becomes du; h = silu(g) u once more. */
void fl_vec_swiglu_back(float *h, float *g, float *u, const float *dh, size_t n);

/*
 * h = x P(X <= x) of a normal X (Hendrycks and Gimpel 2016), within 4e-7 of it and, below 0, within
 * 1e-5 of its size; and the form with tanh, x / (1 + e^(-2 sqrt(2 / pi) (x + 0.044715 x^3))).
 */
void fl_vec_gelu(float *h, const float *x, size_t n);
void fl_vec_gelu_tanh(float *h, const float *x, size_t n);

/* From dh: x becomes dx; h once more. */
void fl_vec_gelu_back(float *h, float *x, const float *dh, size_t n);
void fl_vec_gelu_tanh_back(float *h, float *x, const float *dh, size_t n);

/* 1 / sqrt(mean of squares + eps) */
float fl_vec_inverse_rms(const float *x, size_t n, float eps);

/* y = r x gain */
void fl_vec_rmsnorm(float *y, const float *x, const float *gain, float r, size_t n);

/* dx += d(r x gain)/dx of dy, where r = r(x); dgain += r x dy. */
void fl_vec_rmsnorm_back(float *dx, float *dgain, const float *dy, const float *x,
                         const float *gain, float r, size_t n);

/* The mean, and r = 1 / sqrt(mean of (x - mean)^2 + eps). */
struct fl_vec_stat {
    float mean, r;
};
struct fl_vec_stat fl_vec_stat(const float *x, size_t n, float eps);

/* y = r (x - mean) gain */
void fl_vec_layernorm(float *y, const float *x, const float *gain, struct fl_vec_stat s, size_t n);

/* dx += d(r (x - mean) gain)/dx of dy, where mean and r are of x; dgain += r (x - mean) dy. */
void fl_vec_layernorm_back(float *dx, float *dgain, const float *dy, const float *x,
                           const float *gain, struct fl_vec_stat s, size_t n);

/*
 * COUNT vectors of 2 HALF, one after the other: rotate their pairs (x[i], x[i + half]) by angle i:
 *   x[i] cos - x[i + half] sin,  x[i + half] cos + x[i] sin
 * SIGN -1 rotates back. (Su et al. 2021, in the order of pairs that Hugging Face's models have.)
 */
void fl_vec_rotate(float *x, const float *cosine, const float *sine, float sign, size_t half,
                   size_t count);

/* dp = p (dp - delta) scale: from the gradient of probabilities to that of logits. */
void fl_vec_softmax_back(float *dp, const float *p, float delta, float scale, size_t n);

/* One step of AdamW for one array, and g = 0; see nn/adamw.h. */
struct fl_vec_adamw {
    float scale;       /* of g: the clipping coefficient */
    float beta1, new1; /* new1 = 1 - beta1 */
    float beta2, new2;
    float rate;         /* lr / (1 - beta1^t) */
    float inverse_root; /* 1 / sqrt(1 - beta2^t) */
    float eps;
    float decay; /* lr times weight decay */
};
void fl_vec_adamw(const struct fl_vec_adamw *a, float *w, float *g, float *m, float *v, size_t n);

#endif
