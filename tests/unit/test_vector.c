#include "test.h"

#include <stdint.h>

#include "crypt/hash.h"
#include "math/half.h"
#include "math/q8.h"
#include "math/random.h"
#include "math/vector.h"

/* Lengths around the 16 lanes and what compilers unroll. */
static const size_t lengths[] = {1, 2, 7, 15, 16, 17, 31, 32, 33, 63, 64, 100, 257, 1000};
enum { LENGTHS = sizeof lengths / sizeof *lengths, MAX = 1000 };

static float a[MAX + 1], b[MAX + 1], c[MAX + 1], d[MAX + 1];

/* New values at addresses that are not aligned to more than a float. */
static float *
fill(float *x, uint64_t sequence, double std)
{
    fl_random_normal(77, sequence, 0, x + 1, MAX, std);
    return x + 1;
}

static double
ulps(float got, double want)
{
    int e;

    frexp(want, &e);
    return fabs((double)got - want) / ldexp(1, e - 24 < -149 ? -149 : e - 24);
}

static void
test_exp(void)
{
    double worst = 0;
    enum { N = 4096 };
    static float x[N], y[N];

    for (double start = -87.3; start < 88.7; start += 0.5) {
        for (int i = 0; i < N; i++)
            x[i] = (float)(start + 0.5 * i / N);
        fl_vec_exp(y, x, N);
        for (int i = 0; i < N; i++)
            worst = fmax(worst, x[i] < 88.72f && x[i] > -87.33f ? ulps(y[i], exp(x[i])) : 0);
    }
    printf("# exp: %.3f ulp at worst\n", worst);
    CHECK(worst < 1);
    worst = 0;
    for (int i = 0; i < N; i++)
        x[i] = (float)(-103.5 + 16.0 * i / N);
    fl_vec_exp(y, x, N);
    for (int i = 0; i < N; i++)
        worst = fmax(worst, ulps(y[i], exp(x[i])));
    CHECK(worst < 2);
    float in[8] = {0, -0.0f, 89, 1e30f, INFINITY, -200, -INFINITY, NAN}, out[8];
    fl_vec_exp(out, in, 8);
    CHECK(out[0] == 1 && out[1] == 1);
    CHECK(isinf(out[2]) && isinf(out[3]) && isinf(out[4]));
    CHECK(out[5] == 0 && out[6] == 0 && isnan(out[7]));
}

static void
test_exp_doubles(void)
{
    enum { N = 1 << 20 };
    static double x[N], y[N];
    double worst = 0, worst_below = 0;

    for (int i = 0; i < N; i++)
        x[i] = -745 + 1454.5 * i / N;
    fl_vec_exp_doubles(y, x, N);
    for (int i = 0; i < N; i++) {
        long double want = expl((long double)x[i]);
        int e;
        frexpl(want, &e);
        double off = (double)(fabsl(y[i] - want) / ldexpl(1, e - 53 < -1074 ? -1074 : e - 53));
        worst = x[i] > -708 ? fmax(worst, off) : worst;
        worst_below = fmax(worst_below, off);
    }
    printf("# exp of doubles: %.3f ulp at worst, %.3f with subnormals\n", worst, worst_below);
    CHECK(worst < 1 && worst_below < 2);
    double in[8] = {0, -0.0, 710, 1e300, INFINITY, -750, -INFINITY, NAN}, out[8];
    fl_vec_exp_doubles(out, in, 8);
    CHECK(out[0] == 1 && out[1] == 1);
    CHECK(isinf(out[2]) && isinf(out[3]) && isinf(out[4]));
    CHECK(out[5] == 0 && out[6] == 0 && isnan(out[7]));
}

/* Sums keep 16 lanes, added in halves: the same in doubles here would hide it, so in floats. */
static float
lanes_sum(const float *x, size_t n)
{
    float lane[16] = {0};

    for (size_t i = 0; i < n; i++)
        lane[i % 16] += x[i];
    for (int half = 8; half; half /= 2)
        for (int j = 0; j < half; j++)
            lane[j] += lane[j + half];
    return lane[0];
}

/* Rows, in halves too: each the dot product of the widened row, for any length and number. */
static void
test_dots(void)
{
    unsigned char *w = malloc(2 * 7 * (MAX + 1));
    float *x = fill(a, 1, 3), *row = malloc(7 * (MAX + 1) * sizeof *row), y[7];
    struct fl_random r = {.seed = 5};

    for (size_t i = 0; i < 2 * 7 * (MAX + 1); i++) /* exponents that are neither huge nor NaN */
        w[i] = (unsigned char)(i & 1 ? 0x30 + fl_random_below(&r, 16) : i * 37);
    for (size_t k = 0; k < LENGTHS * 14; k++) {
        size_t n = lengths[k / 14], rows = 1 + k / 2 % 7;
        (k & 1 ? fl_vec_dots_f16 : fl_vec_dots_bf16)(y, w, x, rows, n);
        for (size_t i = 0; i < rows; i++) {
            (k & 1 ? fl_f16_to_f32 : fl_bf16_to_f32)(row, w + 2 * i * n, n);
            CHECK(y[i] == fl_vec_dot(x, row, n));
        }
        fl_bf16_to_f32(row, w, rows * n);
        fl_vec_dots_f32(y, row, x, rows, n);
        for (size_t i = 0; i < rows; i++)
            CHECK(y[i] == fl_vec_dot(x, row + i * n, n));
    }
    free(w), free(row);
}

/* The same of rows of whole blocks. */
static void
test_dots_of_blocks(void)
{
    float *x = fill(a, 1, 3), *w = fill(b, 2, 1), row[MAX], y[7];
    unsigned char *blocks = malloc(7 * FL_Q8_BYTES * (MAX / FL_Q8_VALUES));

    for (size_t n = 0; n <= MAX / 7; n += FL_Q8_VALUES)
        for (size_t rows = 1; rows <= 7; rows++) {
            fl_f32_to_q8(blocks, w, rows * n);
            fl_vec_dots_q8(y, blocks, x, rows, n);
            for (size_t i = 0; i < rows; i++) {
                fl_q8_to_f32(row, blocks, i * n, n);
                CHECK(y[i] == fl_vec_dot(x, row, n));
            }
        }
    free(blocks);
}

static void
test_sums(void)
{
    float *x = fill(a, 1, 3), *y = fill(b, 2, 1), *z = c + 1;

    for (size_t k = 0; k < LENGTHS; k++) {
        size_t n = lengths[k];
        double squares = 0;
        for (size_t i = 0; i < n; i++) {
            z[i] = x[i] * y[i];
            squares += (double)x[i] * x[i];
        }
        CHECK(fl_vec_dot(x, y, n) == lanes_sum(z, n));
        CHECK_NEAR(fl_vec_sum_squares(x, n), squares, 1e-14);
        float sum = fl_vec_exp_sum(d + 1, x, 0.5f, 0.25f, n);
        for (size_t i = 0; i < n; i++)
            CHECK(ulps(d[i + 1], exp(0.5f * x[i] - 0.25f)) < 1);
        CHECK(sum == lanes_sum(d + 1, n));
        CHECK_NEAR(fl_vec_inverse_rms(x, n, 1e-5f), 1 / sqrt(squares / (double)n + 1e-5), 1e-6);
    }
}

static void
test_searches(void)
{
    float *x = fill(a, 3, 1);

    for (size_t k = 0; k < LENGTHS; k++) {
        size_t n = lengths[k], best = 0;
        for (size_t i = 0; i < n; i++)
            best = x[i] > x[best] ? i : best;
        CHECK(fl_vec_max(x, n) == x[best]);
        CHECK(fl_vec_largest(x, n) == best);
        CHECK(fl_vec_finite(x, n) == n);
        for (size_t i = 0; i < n; i += 1 + n / 5) {
            float old = x[i];
            x[i] = i & 1 ? -INFINITY : NAN;
            CHECK(fl_vec_finite(x, n) == i);
            x[i] = 1e30f;
            x[n - 1] = 1e30f;
            CHECK(fl_vec_largest(x, n) == i); /* the first of equal ones */
            x[i] = old;
            x[n - 1] = -1;
        }
    }
    CHECK(fl_vec_max(x, 0) == -INFINITY);
    x[5] = NAN;
    x[9] = 50;
    CHECK(fl_vec_max(x, 20) == 50);
}

static void
test_swiglu(void)
{
    float *g = fill(a, 4, 4), *u = fill(b, 5, 1), *dh = fill(c, 6, 1), *h = d + 1;
    float g0[MAX], u0[MAX];

    memcpy(g0, g, sizeof g0);
    memcpy(u0, u, sizeof u0);
    fl_vec_swiglu(h, g, u, MAX);
    for (int i = 0; i < MAX; i++) {
        double s = 1 / (1 + exp(-(double)g[i]));
        CHECK(fabs(h[i] - g[i] * s * u[i]) <= 3e-7 * fabs(g[i] * s * u[i]));
    }
    fl_vec_swiglu_back(h, g, u, dh, MAX);
    for (int i = 0; i < MAX; i++) {
        double x = g0[i], s = 1 / (1 + exp(-x));
        CHECK_NEAR(h[i], x * s * u0[i], 1e-6);
        CHECK_NEAR(g[i], dh[i] * u0[i] * (s + x * s * (1 - s)), 1e-6);
        CHECK_NEAR(u[i], dh[i] * x * s, 1e-6);
    }
    float far[4] = {-1000, 1000, -88, 88}, one[4] = {1, 1, 1, 1}, out[4];
    fl_vec_swiglu(out, far, one, 4);
    CHECK(out[0] == 0 && out[1] == 1000 && fabsf(out[2]) < 1e-30f && out[3] == 88);
}

/* Both GELUs over all of their bend, where one is 0 or x, and at the ends of floats. */
static void
test_gelu(void)
{
    const double pi = 3.14159265358979323846;
    enum { N = 4001 };
    static float x[N], h[N], dx[N], dh[N], again[N];
    double worst[4] = {0}, tail = 0;

    for (int i = 0; i < N; i++)
        x[i] = (float)(-10 + 20.0 * i / (N - 1)), dh[i] = i % 3 ? 1 : -2;
    for (int form = 0; form < 2; form++) {
        memcpy(dx, x, sizeof x);
        (form ? fl_vec_gelu_tanh : fl_vec_gelu)(h, x, N);
        (form ? fl_vec_gelu_tanh_back : fl_vec_gelu_back)(again, dx, dh, N);
        CHECK(!memcmp(h, again, sizeof h));
        for (int i = 0; i < N; i++) {
            double v = x[i], below = 0.5 * erfc(-v / sqrt(2)),
                   u = sqrt(2 / pi) * (v + 0.044715 * v * v * v);
            double slope = sqrt(2 / pi) * (1 + 3 * 0.044715 * v * v), t = tanh(u);
            double want = form ? 0.5 * v * (1 + t) : v * below;
            double dwant = form ? 0.5 * (1 + t) + 0.5 * v * (1 - t * t) * slope
                                : below + v * exp(-v * v / 2) / sqrt(2 * pi);
            worst[2 * form] = fmax(worst[2 * form], fabs(h[i] - want) / fmax(1, fabs(want)));
            worst[2 * form + 1] = fmax(worst[2 * form + 1], fabs(dx[i] / dh[i] - dwant));
            if (!form && v < 0 && v > -9)
                tail = fmax(tail, fabs(h[i] / want - 1));
        }
    }
    printf("# gelu: %.2g, slope %.2g; with tanh %.2g, slope %.2g; tail %.2g\n", worst[0], worst[1],
           worst[2], worst[3], tail);
    for (int k = 0; k < 4; k++)
        CHECK(worst[k] < 4e-7);
    CHECK(tail < 1e-5);
    float far[4] = {-1000, 1000, -1e30f, 0}, out[4];
    for (int form = 0; form < 2; form++) {
        (form ? fl_vec_gelu_tanh : fl_vec_gelu)(out, far, 4);
        CHECK(out[0] == 0 && out[1] == 1000 && fabsf(out[2]) < 1e-10f && out[3] == 0);
    }
}

static void
test_layernorm(void)
{
    float *x = fill(a, 17, 1), *gain = fill(b, 18, 1), *dy = fill(c, 19, 1), *y = d + 1;

    for (size_t k = 0; k < LENGTHS; k++) {
        size_t n = lengths[k];
        double mean = 0, variance = 0, plain = 0, along = 0, N = (double)n;
        float dx[MAX], dgain[MAX];
        for (size_t i = 0; i < n; i++)
            x[i] += 3; /* far from 0, where a one-pass variance would lose digits */
        struct fl_vec_stat s = fl_vec_stat(x, n, 1e-5f);
        for (size_t i = 0; i < n; i++)
            mean += x[i] / N;
        for (size_t i = 0; i < n; i++)
            variance += (x[i] - mean) * (x[i] - mean) / N;
        double r = 1 / sqrt(variance + 1e-5);
        CHECK_NEAR(s.mean, mean, 1e-6);
        CHECK(fabs(s.r / r - 1) < 2e-5); /* of one and two numbers next to nothing is left */
        fl_vec_layernorm(y, x, gain, s, n);
        for (size_t i = 0; i < n; i++) {
            CHECK_NEAR(y[i], s.r * ((double)x[i] - s.mean) * gain[i], 1e-6);
            plain += (double)dy[i] * gain[i] / N;
            along += (double)dy[i] * gain[i] * s.r * ((double)x[i] - s.mean) / N;
            dx[i] = 1, dgain[i] = 2;
        }
        fl_vec_layernorm_back(dx, dgain, dy, x, gain, s, n);
        for (size_t i = 0; i < n; i++) {
            double z = s.r * ((double)x[i] - s.mean);
            CHECK_NEAR(dx[i] - 1, s.r * ((double)dy[i] * gain[i] - plain - z * along),
                       4e-6 * fmax(1, s.r));
            CHECK_NEAR(dgain[i] - 2, z * dy[i], 2e-6);
        }
        for (size_t i = 0; i < n; i++)
            x[i] -= 3;
    }
}

static void
test_rmsnorm(void)
{
    float *x = fill(a, 7, 1), *gain = fill(b, 8, 1), *dy = fill(c, 9, 1), *y = d + 1;

    for (size_t k = 0; k < LENGTHS; k++) {
        size_t n = lengths[k];
        float r = fl_vec_inverse_rms(x, n, 1e-5f), dx[MAX], dgain[MAX];
        double along = 0;
        fl_vec_rmsnorm(y, x, gain, r, n);
        for (size_t i = 0; i < n; i++) {
            CHECK_NEAR(y[i], r * x[i] * gain[i], 1e-6);
            along += (double)dy[i] * gain[i] * x[i];
            dx[i] = 1, dgain[i] = 2;
        }
        fl_vec_rmsnorm_back(dx, dgain, dy, x, gain, r, n);
        for (size_t i = 0; i < n; i++) {
            double want = r * ((double)dy[i] * gain[i] - (double)r * r * along / (double)n * x[i]);
            CHECK_NEAR(dx[i] - 1, want, 4e-6);
            CHECK_NEAR(dgain[i] - 2, r * x[i] * dy[i], 2e-6);
        }
    }
}

static void
test_rotate(void)
{
    float *x = fill(a, 10, 1), y[MAX], cosine[50], sine[50];

    for (int i = 0; i < 50; i++)
        cosine[i] = cosf((float)i), sine[i] = sinf((float)i);
    for (size_t half = 1; half <= 50; half += 7) {
        size_t count = MAX / (2 * half);
        memcpy(y, x, sizeof y);
        fl_vec_rotate(y, cosine, sine, 1, half, count);
        for (size_t k = 0; k < count; k++)
            for (size_t i = 0; i < half; i++) {
                size_t p = k * 2 * half + i, q = p + half;
                CHECK_NEAR(y[p], x[p] * cos((double)i) - x[q] * sin((double)i), 1e-6);
                CHECK_NEAR(y[q], x[q] * cos((double)i) + x[p] * sin((double)i), 1e-6);
            }
        fl_vec_rotate(y, cosine, sine, -1, half, count);
        for (size_t i = 0; i < count * 2 * half; i++)
            CHECK_NEAR(y[i], x[i], 1e-6);
    }
}

static void
test_small_ones(void)
{
    float *x = fill(a, 11, 1), *y = fill(b, 12, 1), *p = fill(c, 13, 1), z[MAX];

    for (size_t k = 0; k < LENGTHS; k++) {
        size_t n = lengths[k];
        memcpy(z, y, sizeof z);
        fl_vec_add(z, x, n);
        for (size_t i = 0; i < MAX; i++)
            CHECK(z[i] == (i < n ? y[i] + x[i] : y[i]));
        memcpy(z, y, sizeof z);
        fl_vec_scale(z, 1.5f, n);
        for (size_t i = 0; i < MAX; i++)
            CHECK(z[i] == (i < n ? y[i] * 1.5f : y[i]));
        memcpy(z, y, sizeof z);
        fl_vec_softmax_back(z, p, 0.5f, 2, n);
        for (size_t i = 0; i < MAX; i++)
            CHECK(z[i] == (i < n ? p[i] * (y[i] - 0.5f) * 2 : y[i]));
    }
}

static void
test_adamw(void)
{
    const struct fl_vec_adamw s = {.scale = 0.5f,
                                   .beta1 = 0.9f,
                                   .new1 = 0.1f,
                                   .beta2 = 0.95f,
                                   .new2 = 0.05f,
                                   .rate = 0.01f,
                                   .inverse_root = 1.25f,
                                   .eps = 1e-8f,
                                   .decay = 1e-4f};
    float *w = fill(a, 14, 1), *g = fill(b, 15, 1), *m = fill(c, 16, 1), *v = fill(d, 17, 1);
    float w0[MAX], g0[MAX], m0[MAX], v0[MAX];

    for (int i = 0; i < MAX; i++) {
        v[i] = fabsf(v[i]);
        w0[i] = w[i], g0[i] = g[i], m0[i] = m[i], v0[i] = v[i];
    }
    fl_vec_adamw(&s, w, g, m, v, MAX);
    for (int i = 0; i < MAX; i++) {
        double grad = 0.5 * g0[i], m1 = 0.9f * m0[i] + 0.1f * grad;
        double v1 = 0.95f * v0[i] + 0.05f * grad * grad;
        CHECK(g[i] == 0);
        CHECK_NEAR(m[i], m1, 1e-6);
        CHECK_NEAR(v[i], v1, 1e-6);
        CHECK_NEAR(w[i], w0[i] - 1e-4 * w0[i] - 0.01 * m1 / (sqrt(v1) * 1.25 + 1e-8), 1e-6);
    }
}

/* The promise of vector.h: the same bits from every compiler, processor and width of vectors. */
static void
test_bits(void)
{
    struct fl_hash hash;
    unsigned char digest[FL_HASH_BYTES];
    char hex[2 * FL_HASH_BYTES + 1];
    float *g = fill(a, 20, 5), *u = fill(b, 21, 1), *x = fill(c, 22, 1), *h = d + 1;
    float sums[4];

    fl_hash_init(&hash, NULL, "test");
    sums[0] = fl_vec_dot(g, u, MAX);
    sums[1] = fl_vec_exp_sum(h, g, 1, 2, MAX);
    fl_hash_add(&hash, h, MAX * sizeof *h);
    sums[2] = fl_vec_inverse_rms(x, MAX, 1e-5f);
    sums[3] = (float)fl_vec_sum_squares(g, MAX);
    fl_hash_add(&hash, sums, sizeof sums);
    fl_vec_swiglu(h, g, u, MAX);
    fl_hash_add(&hash, h, MAX * sizeof *h);
    fl_vec_rmsnorm_back(h, g, u, x, u, 0.7f, MAX);
    fl_hash_add(&hash, h, MAX * sizeof *h);
    fl_hash_add(&hash, g, MAX * sizeof *g);
    fl_vec_swiglu_back(h, g, u, x, MAX);
    fl_hash_add(&hash, g, MAX * sizeof *g);
    fl_hash_add(&hash, u, MAX * sizeof *u);
    fl_hash_final(&hash, digest);
    fl_hex(hex, digest, 8);
    CHECK_TEXT(hex, "b60525e4f850c22e");
}

static void
test_bits_of_switches(void)
{
    struct fl_hash hash;
    unsigned char digest[FL_HASH_BYTES];
    char hex[2 * FL_HASH_BYTES + 1];
    float *x = fill(a, 23, 3), *gain = fill(b, 24, 1), *dy = fill(c, 25, 1), *h = d + 1;
    float g[MAX] = {0};

    fl_hash_init(&hash, NULL, "test");
    fl_vec_gelu_back(h, x, dy, MAX);
    fl_hash_add(&hash, h, MAX * sizeof *h);
    fl_hash_add(&hash, x, MAX * sizeof *x);
    fl_vec_gelu_tanh_back(h, x, dy, MAX);
    fl_hash_add(&hash, h, MAX * sizeof *h);
    fl_hash_add(&hash, x, MAX * sizeof *x);
    fl_vec_layernorm_back(h, g, dy, x, gain, fl_vec_stat(x, MAX, 1e-5f), MAX);
    fl_hash_add(&hash, h, MAX * sizeof *h);
    fl_hash_add(&hash, g, MAX * sizeof *g);
    fl_vec_layernorm(h, x, dy, fl_vec_stat(x, 999, 1e-5f), MAX);
    fl_hash_add(&hash, h, MAX * sizeof *h);
    fl_hash_final(&hash, digest);
    fl_hex(hex, digest, 8);
    CHECK_TEXT(hex, "1860ea71a2fac640");
}

int
main(void)
{
    RUN(test_exp);
    RUN(test_exp_doubles);
    RUN(test_dots);
    RUN(test_dots_of_blocks);
    RUN(test_sums);
    RUN(test_searches);
    RUN(test_swiglu);
    RUN(test_gelu);
    RUN(test_layernorm);
    RUN(test_rmsnorm);
    RUN(test_rotate);
    RUN(test_small_ones);
    RUN(test_adamw);
    RUN(test_bits);
    RUN(test_bits_of_switches);
    return test_end();
}
