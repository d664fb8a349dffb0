#include "twin.h"

#include "flt/values.h"
#include "math/gemm.h"
#include "math/products.h"
#include "math/vector.h"
#include "nn/narrow.h"

/* What is f32 elsewhere is doubles here. */
const double *
fl_values_f32(enum fl_dtype dtype, const void *data, uint64_t at, size_t n, double *row)
{
    (void)n, (void)row;
    if (dtype != FL_F32)
        abort();
    return (const double *)data + at;
}

/* Nothing is rounded here: doubles have no bf16. */
void
fl_values_from_f32(enum fl_dtype dtype, void *out, const double *values, size_t n)
{
    (void)dtype, (void)out, (void)values, (void)n;
    abort();
}

uint64_t
fl_narrow_size(const struct fl_model *m)
{
    (void)m;
    abort();
}

int
fl_narrow_start(struct fl_narrow *n, const struct fl_model *m, uint16_t *copies)
{
    (void)n, (void)m, (void)copies;
    abort();
}

void
fl_narrow_release(struct fl_narrow *n)
{
    (void)n;
}

void
fl_narrow_fill(struct fl_narrow *n, const struct fl_stored *weights, struct fl_pool *pool)
{
    (void)n, (void)weights, (void)pool;
    abort();
}

const struct fl_products *
fl_products(void)
{
    abort();
}

int
fl_gemm_start(int threads)
{
    (void)threads;
    return 0;
}

void
fl_gemm(const struct fl_gemm *g)
{
    for (size_t i = 0; i < g->m; i++)
        for (size_t j = 0; j < g->n; j++) {
            double sum = g->keep ? g->c[i * g->ldc + j] : 0;
            for (size_t l = 0; l < g->k; l++)
                sum += (g->at ? g->a[l * g->lda + i] : g->a[i * g->lda + l]) *
                       (g->bt ? g->b[j * g->ldb + l] : g->b[l * g->ldb + j]);
            g->c[i * g->ldc + j] = sum;
        }
}

size_t
fl_vec_largest(const double *x, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        if (x[i] > x[best])
            best = i;
    return best;
}

double
fl_vec_max(const double *x, size_t n)
{
    return n ? x[fl_vec_largest(x, n)] : (double)-INFINITY;
}

double
fl_vec_dot(const double *x, const double *y, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

double
fl_vec_sum_squares(const double *x, size_t n)
{
    return fl_vec_dot(x, x, n);
}

void
fl_vec_dots_f32(double *y, const double *w, const double *x, size_t rows, size_t n)
{
    for (size_t r = 0; r < rows; r++)
        y[r] = fl_vec_dot(x, w + r * n, n);
}

void
fl_vec_add(double *y, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

void
fl_vec_scale(double *y, double a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] *= a;
}

double
fl_vec_exp_sum(double *y, const double *x, double a, double b, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += y[i] = exp(a * x[i] - b);
    return sum;
}

void
fl_vec_swiglu(double *h, const double *g, const double *u, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h[i] = g[i] / (1 + exp(-g[i])) * u[i];
}

void
fl_vec_swiglu_back(double *h, double *g, double *u, const double *dh, size_t n)
{
    fl_vec_swiglu(h, g, u, n);
    for (size_t i = 0; i < n; i++) {
        double s = 1 / (1 + exp(-g[i])), gate = g[i];
        g[i] = dh[i] * u[i] * s * (1 + gate * (1 - s));
        u[i] = dh[i] * gate * s;
    }
}

double
fl_vec_inverse_rms(const double *x, size_t n, double eps)
{
    return 1 / sqrt(fl_vec_dot(x, x, n) / (double)n + eps);
}

void
fl_vec_rmsnorm(double *y, const double *x, const double *gain, double r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = r * x[i] * gain[i];
}

void
fl_vec_rmsnorm_back(double *dx, double *dgain, const double *dy, const double *x,
                    const double *gain, double r, size_t n)
{
    double s = 0;

    for (size_t i = 0; i < n; i++)
        s += dy[i] * gain[i] * x[i];
    for (size_t i = 0; i < n; i++) {
        dx[i] += r * (dy[i] * gain[i] - r * r * s / (double)n * x[i]);
        dgain[i] += r * x[i] * dy[i];
    }
}

void
fl_vec_rotate(double *x, const double *cosine, const double *sine, double sign, size_t half,
              size_t count)
{
    for (size_t c = 0; c < count; c++, x += 2 * half)
        for (size_t i = 0; i < half; i++) {
            double a = x[i], b = x[i + half];
            x[i] = a * cosine[i] - sign * b * sine[i];
            x[i + half] = b * cosine[i] + sign * a * sine[i];
        }
}

void
fl_vec_softmax_back(double *dp, const double *p, double delta, double scale, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dp[i] = scale * p[i] * (dp[i] - delta);
}

static double
normal_below(double x)
{
    return 0.5 * erfc(-x / sqrt(2.0));
}

void
fl_vec_gelu(double *h, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h[i] = x[i] * normal_below(x[i]);
}

void
fl_vec_gelu_back(double *h, double *x, const double *dh, size_t n)
{
    const double pi = 3.14159265358979323846;

    fl_vec_gelu(h, x, n);
    for (size_t i = 0; i < n; i++)
        x[i] = dh[i] * (normal_below(x[i]) + x[i] * exp(-x[i] * x[i] / 2) / sqrt(2 * pi));
}

static double
inner(double x)
{
    return sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x);
}

void
fl_vec_gelu_tanh(double *h, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h[i] = 0.5 * x[i] * (1 + tanh(inner(x[i])));
}

void
fl_vec_gelu_tanh_back(double *h, double *x, const double *dh, size_t n)
{
    fl_vec_gelu_tanh(h, x, n);
    for (size_t i = 0; i < n; i++) {
        double t = tanh(inner(x[i]));
        double slope = sqrt(2 / 3.14159265358979323846) * (1 + 3 * 0.044715 * x[i] * x[i]);
        x[i] = dh[i] * (0.5 * (1 + t) + 0.5 * x[i] * (1 - t * t) * slope);
    }
}

struct fl_vec_stat
fl_vec_stat(const double *x, size_t n, double eps)
{
    double mean = 0, variance = 0;

    for (size_t i = 0; i < n; i++)
        mean += x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        variance += (x[i] - mean) * (x[i] - mean) / (double)n;
    return (struct fl_vec_stat){mean, 1 / sqrt(variance + eps)};
}

void
fl_vec_layernorm(double *y, const double *x, const double *gain, struct fl_vec_stat s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (x[i] - s.mean) * s.r * gain[i];
}

void
fl_vec_layernorm_back(double *dx, double *dgain, const double *dy, const double *x,
                      const double *gain, struct fl_vec_stat s, size_t n)
{
    double mean = 0, along = 0;

    for (size_t i = 0; i < n; i++) {
        mean += dy[i] * gain[i] / (double)n;
        along += dy[i] * gain[i] * (x[i] - s.mean) * s.r / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        double z = (x[i] - s.mean) * s.r;
        dx[i] += s.r * (dy[i] * gain[i] - mean - z * along);
        dgain[i] += dy[i] * z;
    }
}
