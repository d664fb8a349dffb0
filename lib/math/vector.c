/*
 * Loops that compilers turn into vectors of any width with the same result: sums in PARTS parts, no
 * call of the C library's. e^x takes its power of two off first (Cody and Waite 1980) and adds its
 * series.
 */
#include "math/vector.h"

#include <math.h>
#include <string.h>

#include "math/half.h"
#include "math/q8.h"
#include "os/kernel.h"

enum { PARTS = 16 }; /* of a sum */

/* Ask for what lies AHEAD of P; never read, so that it may lie outside of any array. */
#if defined(__GNUC__)
#define FETCH(p) __builtin_prefetch((const void *)((uintptr_t)(p) + AHEAD))
#else
#define FETCH(p) ((void)0)
#endif

static inline uint32_t
bits_of(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float
of_bits(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/*
 * e^x = 2^k e^r with k = round(x / ln 2): adding 1.5 2^23 rounds to a whole number, which then lies
 * in the lowest bits. k ln 2 is taken off in two parts, the first product exact; e^r is its series
 * up to r^7, |r| <= 0.347; 2^k is two factors, so that results may be subnormal or infinite.
 */
static inline float
exp_of(float x)
{
    const float round = 0x1.8p23f;

    x = x < -104 ? -104 : x;
    x = x > 89 ? 89 : x;
    float t = x * 0x1.715476p0f + round, k = t - round;
    float r = (x - k * 0x1.62e4p-1f) - k * 0x1.7f7d1cp-20f;
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * (r * r) + r;
    uint32_t n = bits_of(t) - bits_of(round) + 512, half = n / 2; /* 512: never negative */
    return (p + 1) * of_bits((half - 256 + 127) << 23) * of_bits((n - half - 256 + 127) << 23);
}

static inline uint64_t
bits_of_double(double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double
double_of_bits(uint64_t bits)
{
    double x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The same of a double, with the series up to r^13. */
static inline double
exp_of_double(double x)
{
    const double round = 0x1.8p52;

    x = x < -746 ? -746 : x;
    x = x > 710 ? 710 : x;
    double t = x * 0x1.71547652b82fep0 + round, k = t - round;
    double r = (x - k * 0x1.62e42feep-1) - k * 0x1.a39ef35793c76p-33;
    double p = 1.0 / 6227020800;
    p = p * r + 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    p = p * (r * r) + r;
    uint64_t n = bits_of_double(t) - bits_of_double(round) + 4096, half = n / 2;
    return (p + 1) * double_of_bits((half - 2048 + 1023) << 52) *
           double_of_bits((n - half - 2048 + 1023) << 52);
}

static inline float
sum_parts(float part[PARTS])
{
    for (size_t half = PARTS / 2; half; half /= 2)
        for (size_t j = 0; j < half; j++)
            part[j] += part[j + half];
    return part[0];
}

static inline double
sum_parts_of_doubles(double part[PARTS])
{
    for (size_t half = PARTS / 2; half; half /= 2)
        for (size_t j = 0; j < half; j++)
            part[j] += part[j + half];
    return part[0];
}

size_t
fl_vec_finite(const float *x, size_t n)
{
    size_t i = 0;

    for (; i + 256 <= n; i += 256) {
        uint32_t bad = 0;
        for (size_t j = 0; j < 256; j++)
            bad |= (bits_of(x[i + j]) & 0x7f800000) == 0x7f800000;
        if (bad)
            break;
    }
    while (i < n && (bits_of(x[i]) & 0x7f800000) != 0x7f800000)
        i++;
    return i;
}

FL_KERNEL float
fl_vec_max(const float *x, size_t n)
{
    float part[PARTS];
    size_t i = 0;

    for (size_t j = 0; j < PARTS; j++)
        part[j] = -INFINITY;
    for (; i + PARTS <= n; i += PARTS)
        for (size_t j = 0; j < PARTS; j++)
            part[j] = x[i + j] > part[j] ? x[i + j] : part[j];
    for (size_t j = 0; i + j < n; j++)
        part[j] = x[i + j] > part[j] ? x[i + j] : part[j];
    for (size_t j = 1; j < PARTS; j++)
        part[0] = part[j] > part[0] ? part[j] : part[0];
    return part[0];
}

size_t
fl_vec_largest(const float *x, size_t n)
{
    float max = fl_vec_max(x, n);

    for (size_t i = 0; i < n; i++)
        if (x[i] == max)
            return i;
    return 0;
}

static inline float
dot_of(const float *restrict x, const float *restrict y, size_t n)
{
    float part[PARTS] = {0};
    size_t i = 0;

    for (; i + PARTS <= n; i += PARTS)
        for (size_t j = 0; j < PARTS; j++)
            part[j] += x[i + j] * y[i + j];
    for (size_t j = 0; i + j < n; j++)
        part[j] += x[i + j] * y[i + j];
    return sum_parts(part);
}

FL_KERNEL float
fl_vec_dot(const float *x, const float *y, size_t n)
{
    return dot_of(x, y, n);
}

/*
 * A matrix that is read once is waited for. Rows are taken one after another: two at a time are two
 * streams, which a processor's own fetching takes for none (a third of the speed). In halves the
 * work for a line of the cache is so much that asking ahead for it helps; in f32 it hinders.
 */
enum { AHEAD = 4096 }; /* bytes */

/* VALUE is known where this is inlined, and inlined too. */
static inline float
dot_of_halves(const unsigned char *restrict w, const float *restrict x, size_t n,
              float (*value)(const unsigned char *))
{
    float part[PARTS] = {0};
    size_t i = 0;

    for (; i + 2 * PARTS <= n; i += 2 * PARTS) { /* a line of cache */
        FETCH(w + 2 * i);
        for (size_t j = 0; j < PARTS; j++)
            part[j] += x[i + j] * value(w + 2 * (i + j));
        for (size_t j = 0; j < PARTS; j++)
            part[j] += x[i + PARTS + j] * value(w + 2 * (i + PARTS + j));
    }
    for (; i + PARTS <= n; i += PARTS)
        for (size_t j = 0; j < PARTS; j++)
            part[j] += x[i + j] * value(w + 2 * (i + j));
    for (size_t j = 0; i + j < n; j++)
        part[j] += x[i + j] * value(w + 2 * (i + j));
    return sum_parts(part);
}

FL_KERNEL void
fl_vec_dots_f32(float *y, const float *w, const float *x, size_t rows, size_t n)
{
    for (size_t r = 0; r < rows; r++)
        y[r] = dot_of(w + n * r, x, n);
}

FL_KERNEL void
fl_vec_dots_f16(float *y, const void *w, const float *x, size_t rows, size_t n)
{
    for (size_t r = 0; r < rows; r++)
        y[r] = dot_of_halves((const unsigned char *)w + 2 * n * r, x, n, fl_f16_value);
}

FL_KERNEL void
fl_vec_dots_bf16(float *y, const void *w, const float *x, size_t rows, size_t n)
{
    for (size_t r = 0; r < rows; r++)
        y[r] = dot_of_halves((const unsigned char *)w + 2 * n * r, x, n, fl_bf16_value);
}

/* The same of N values in blocks: two lines of cache are less than four of these. */
static inline float
dot_of_blocks(const unsigned char *restrict w, const float *restrict x, size_t n)
{
    float part[PARTS] = {0};

    for (size_t i = 0; i < n; i += FL_Q8_VALUES, w += FL_Q8_BYTES) {
        const float d = fl_f16_value(w);
        const int8_t *q = (const int8_t *)w + 2;
        FETCH(w);
        for (size_t j = 0; j < PARTS; j++)
            part[j] += x[i + j] * (d * (float)q[j]);
        for (size_t j = 0; j < PARTS; j++)
            part[j] += x[i + PARTS + j] * (d * (float)q[PARTS + j]);
    }
    return sum_parts(part);
}

FL_KERNEL void
fl_vec_dots_q8(float *y, const void *w, const float *x, size_t rows, size_t n)
{
    const size_t row = n / FL_Q8_VALUES * FL_Q8_BYTES;

    for (size_t r = 0; r < rows; r++)
        y[r] = dot_of_blocks((const unsigned char *)w + row * r, x, n);
}

FL_KERNEL void
fl_vec_exp(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = exp_of(x[i]);
}

FL_KERNEL void
fl_vec_exp_doubles(double *y, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = exp_of_double(x[i]);
}

FL_KERNEL float
fl_vec_exp_sum(float *y, const float *x, float a, float b, size_t n)
{
    float part[PARTS] = {0};
    size_t i = 0;

    for (; i + PARTS <= n; i += PARTS)
        for (size_t j = 0; j < PARTS; j++)
            part[j] += y[i + j] = exp_of(a * x[i + j] - b);
    for (size_t j = 0; i + j < n; j++)
        part[j] += y[i + j] = exp_of(a * x[i + j] - b);
    return sum_parts(part);
}

FL_KERNEL void
fl_vec_swiglu(float *h, const float *g, const float *u, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h[i] = g[i] / (1 + exp_of(-g[i])) * u[i];
}

FL_KERNEL void
fl_vec_swiglu_back(float *h, float *g, float *u, const float *dh, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float s = 1 / (1 + exp_of(-g[i])), silu = g[i] * s;
        h[i] = silu * u[i];
        g[i] = dh[i] * u[i] * (s + silu * (1 - s));
        u[i] = dh[i] * silu;
    }
}

/*
 * P(X > z) of a normal X times 2, z >= 0 in units of sqrt(2): a polynomial of t = 1 / (1 + z / 2)
 * in the exponent, relative error 1.2e-7 (Press et al., Numerical Recipes, 2nd ed. 1992, erfcc).
 */
static inline float
erfc_of(float z)
{
    float t = 1 / (1 + 0.5f * z), p = 0.17087277f;

    p = p * t - 0.82215223f;
    p = p * t + 1.48851587f;
    p = p * t - 1.13520398f;
    p = p * t + 0.27886807f;
    p = p * t - 0.18628806f;
    p = p * t + 0.09678418f;
    p = p * t + 0.37409196f;
    p = p * t + 1.00002368f;
    p = p * t - 1.26551223f;
    return t * exp_of(p - z * z);
}

/* P(X <= x) of a normal X. */
static inline float
normal_below(float x)
{
    float z = x < 0 ? -x : x, tail = 0.5f * erfc_of(z * 0x1.6a09e6p-1f);

    return x < 0 ? tail : 1 - tail;
}

FL_KERNEL void
fl_vec_gelu(float *h, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h[i] = x[i] * normal_below(x[i]);
}

FL_KERNEL void
fl_vec_gelu_back(float *h, float *x, const float *dh, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float below = normal_below(x[i]), a = x[i];
        h[i] = a * below;
        x[i] = dh[i] * (below + a * (0x1.988454p-2f * exp_of(-0.5f * a * a)));
    }
}

/*
 * The smaller and the larger of 1 / (1 + e^-2u) = (1 + tanh u) / 2 and what is left of it to 1,
 * with u = sqrt(2 / pi) (x + 0.044715 x^3), from e^-|2u|: neither loses digits.
 */
struct halves {
    float less, more;
};

static inline struct halves
tanh_halves(float x)
{
    float u2 = 0x1.988454p+0f * (x + 0.044715f * x * x * x), e = exp_of(u2 < 0 ? u2 : -u2);
    float more = 1 / (1 + e);

    return (struct halves){e * more, more};
}

FL_KERNEL void
fl_vec_gelu_tanh(float *h, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct halves s = tanh_halves(x[i]);
        h[i] = x[i] * (x[i] < 0 ? s.less : s.more);
    }
}

FL_KERNEL void
fl_vec_gelu_tanh_back(float *h, float *x, const float *dh, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float a = x[i];
        struct halves s = tanh_halves(a);
        float below = a < 0 ? s.less : s.more, slope = 0x1.988454p+0f * (1 + 0.134145f * a * a);
        h[i] = a * below;
        x[i] = dh[i] * (below + a * s.less * s.more * slope);
    }
}

FL_KERNEL double
fl_vec_sum_squares(const float *x, size_t n)
{
    double part[PARTS] = {0};
    size_t i = 0;

    for (; i + PARTS <= n; i += PARTS)
        for (size_t j = 0; j < PARTS; j++)
            part[j] += (double)x[i + j] * (double)x[i + j];
    for (size_t j = 0; i + j < n; j++)
        part[j] += (double)x[i + j] * (double)x[i + j];
    return sum_parts_of_doubles(part);
}

FL_KERNEL double
fl_vec_sum_doubles(const double *x, size_t n)
{
    double part[PARTS] = {0};
    size_t i = 0;

    for (; i + PARTS <= n; i += PARTS)
        for (size_t j = 0; j < PARTS; j++)
            part[j] += x[i + j];
    for (size_t j = 0; i + j < n; j++)
        part[j] += x[i + j];
    return sum_parts_of_doubles(part);
}

FL_KERNEL void
fl_vec_add(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

FL_KERNEL void
fl_vec_scale(float *y, float a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] *= a;
}

float
fl_vec_inverse_rms(const float *x, size_t n, float eps)
{
    return 1 / sqrtf(fl_vec_dot(x, x, n) / (float)n + eps);
}

FL_KERNEL void
fl_vec_rmsnorm(float *y, const float *x, const float *gain, float r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = r * x[i] * gain[i];
}

/* With s = sum(dy gain x): dx = r gain dy - r^3 s / n x. */
FL_KERNEL void
fl_vec_rmsnorm_back(float *dx, float *dgain, const float *dy, const float *x, const float *gain,
                    float r, size_t n)
{
    float part[PARTS] = {0};
    size_t i = 0;

    for (; i + PARTS <= n; i += PARTS)
        for (size_t j = 0; j < PARTS; j++)
            part[j] += dy[i + j] * gain[i + j] * x[i + j];
    for (size_t j = 0; i + j < n; j++)
        part[j] += dy[i + j] * gain[i + j] * x[i + j];
    float q = r * r * r * sum_parts(part) / (float)n;
    for (i = 0; i < n; i++) {
        float d = r * dy[i];
        dx[i] += d * gain[i] - q * x[i];
        dgain[i] += d * x[i];
    }
}

FL_KERNEL struct fl_vec_stat
fl_vec_stat(const float *x, size_t n, float eps)
{
    float part[PARTS] = {0};
    size_t i = 0;

    for (; i + PARTS <= n; i += PARTS)
        for (size_t j = 0; j < PARTS; j++)
            part[j] += x[i + j];
    for (size_t j = 0; i + j < n; j++)
        part[j] += x[i + j];
    float mean = sum_parts(part) / (float)n;
    for (size_t j = 0; j < PARTS; j++)
        part[j] = 0;
    for (i = 0; i + PARTS <= n; i += PARTS)
        for (size_t j = 0; j < PARTS; j++)
            part[j] += (x[i + j] - mean) * (x[i + j] - mean);
    for (size_t j = 0; i + j < n; j++)
        part[j] += (x[i + j] - mean) * (x[i + j] - mean);
    return (struct fl_vec_stat){mean, 1 / sqrtf(sum_parts(part) / (float)n + eps)};
}

FL_KERNEL void
fl_vec_layernorm(float *y, const float *x, const float *gain, struct fl_vec_stat s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = s.r * (x[i] - s.mean) * gain[i];
}

/* With g = gain dy and z = r (x - mean): dx = r (g - mean(g) - z mean(g z)). */
FL_KERNEL void
fl_vec_layernorm_back(float *dx, float *dgain, const float *dy, const float *x, const float *gain,
                      struct fl_vec_stat s, size_t n)
{
    float plain[PARTS] = {0}, along[PARTS] = {0};
    size_t i = 0;

    for (; i + PARTS <= n; i += PARTS)
        for (size_t j = 0; j < PARTS; j++) {
            float g = dy[i + j] * gain[i + j];
            plain[j] += g;
            along[j] += g * (x[i + j] - s.mean);
        }
    for (size_t j = 0; i + j < n; j++) {
        float g = dy[i + j] * gain[i + j];
        plain[j] += g;
        along[j] += g * (x[i + j] - s.mean);
    }
    float p = sum_parts(plain) / (float)n, q = s.r * sum_parts(along) / (float)n;
    for (i = 0; i < n; i++) {
        float z = s.r * (x[i] - s.mean);
        dx[i] += s.r * (dy[i] * gain[i] - p - z * q);
        dgain[i] += z * dy[i];
    }
}

FL_KERNEL void
fl_vec_rotate(float *x, const float *cosine, const float *sine, float sign, size_t half,
              size_t count)
{
    for (size_t c = 0; c < count; c++) {
        float *lower = x + c * 2 * half, *upper = lower + half;
        for (size_t i = 0; i < half; i++) {
            float a = lower[i], b = upper[i], s = sign * sine[i];
            lower[i] = a * cosine[i] - b * s;
            upper[i] = b * cosine[i] + a * s;
        }
    }
}

FL_KERNEL void
fl_vec_softmax_back(float *dp, const float *p, float delta, float scale, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dp[i] = p[i] * (dp[i] - delta) * scale;
}

FL_KERNEL void
fl_vec_adamw(const struct fl_vec_adamw *a, float *w, float *g, float *m, float *v, size_t n)
{
    const struct fl_vec_adamw s = *a;

    for (size_t i = 0; i < n; i++) {
        float d = g[i] * s.scale;
        m[i] = s.beta1 * m[i] + s.new1 * d;
        v[i] = s.beta2 * v[i] + s.new2 * (d * d);
        w[i] -= s.decay * w[i] + s.rate * m[i] / (sqrtf(v[i]) * s.inverse_root + s.eps);
        g[i] = 0;
    }
}
