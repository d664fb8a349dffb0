/*
 * Samplers against tables of exact probabilities and against their slow twin: chi-square over
 * 10^6 draws, which fails a right sampler once in 10^6 times; keys are fixed, so a run repeats.
 */
#include "priv/noise.h"

#include "table.h"

#include "base/mem.h"
#include "../naive/dgauss.h"

enum { DRAWS = 1000000, SIDE = 64, CELLS = 2 * SIDE + 1 };

static unsigned char key[FL_STREAM_KEY] = {7}, buffer[FL_NOISE_BUFFER];

static size_t
draws(void)
{
    return test_under_valgrind() ? DRAWS / 50 : DRAWS;
}

/* P[chi-square of K degrees of freedom > X], by Wilson and Hilferty: near enough at 10^-6. */
static double
chi_tail(double x, double k)
{
    double z = (cbrt(x / k) - (1 - 2 / (9 * k))) / sqrt(2 / (9 * k));

    return 0.5 * erfc(z / sqrt(2));
}

/* Cells that would hold fewer than 10 are taken together. */
static double
p_value(const double *want, const double *got, size_t n, double total)
{
    double x = 0, rest_want = 0, rest_got = 0;
    int freedom = -1;

    for (size_t i = 0; i < n; i++) {
        if (want[i] * total < 10) {
            rest_want += want[i] * total;
            rest_got += got[i];
            continue;
        }
        x += (got[i] - want[i] * total) * (got[i] - want[i] * total) / (want[i] * total);
        freedom++;
    }
    if (rest_want >= 1) {
        x += (rest_got - rest_want) * (rest_got - rest_want) / rest_want;
        freedom++;
    } else if (rest_got > 12)
        return 0;
    return freedom ? chi_tail(x, freedom) : 1;
}

typedef int64_t sampler(struct fl_noise *noise, uint64_t a, uint64_t b);

static int64_t
fast(struct fl_noise *noise, uint64_t a, uint64_t b)
{
    (void)b;
    return fl_noise_dgauss(noise, (uint32_t)a);
}

/* The same by many at once. */
static int64_t
filled(struct fl_noise *noise, uint64_t a, uint64_t b)
{
    static int64_t x[777];
    static size_t at;

    (void)b;
    if (!(at %= 777))
        fl_noise_dgauss_fill(noise, (uint32_t)a, x, 777);
    return x[at++];
}

/* Counts of x - SIDE .. x + SIDE; what is beyond goes to the ends. */
static void
count(sampler *draw, uint64_t a, uint64_t b, uint64_t chunk, double *got)
{
    struct fl_noise noise;

    memset(got, 0, CELLS * sizeof *got);
    fl_noise_start(&noise, key, chunk, buffer);
    for (size_t i = 0; i < draws(); i++) {
        int64_t x = draw(&noise, a, b);
        got[x < -SIDE ? 0 : x > SIDE ? CELLS - 1 : (size_t)(x + SIDE)]++;
    }
}

static void
gauss_cells(double sigma2, double *want)
{
    double sum = 0;

    for (int x = -3000; x <= 3000; x++)
        sum += exp(-x * x / (2 * sigma2));
    memset(want, 0, CELLS * sizeof *want);
    for (int x = -3000; x <= 3000; x++)
        want[x < -SIDE ? 0 : x > SIDE ? CELLS - 1 : x + SIDE] += exp(-x * x / (2 * sigma2)) / sum;
}

static void
check_draws(const char *what, sampler *draw, uint64_t a, uint64_t b, const double *want)
{
    double got[CELLS];

    count(draw, a, b, a * 131 + b, got);
    double p = p_value(want, got, CELLS, (double)draws());
    if (!(p > 1e-6))
        printf("# %s %llu/%llu: p = %.3g\n", what, (unsigned long long)a, (unsigned long long)b, p);
    CHECK(p > 1e-6);
}

static void
test_fast(void)
{
    static const uint32_t scales[] = {1, 2, 3, 10, 47};
    double want[CELLS];

    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        gauss_cells((double)scales[i] * scales[i], want);
        check_draws("sigma", fast, scales[i], 1, want);
        check_draws("sigma, filled", filled, scales[i], 1, want);
    }
}

static void
test_slow(void)
{
    static const uint64_t squares[][2] = {{1, 2}, {1, 1}, {4, 1}, {401, 4}, {7, 3}};
    double want[CELLS];

    for (size_t i = 0; i < sizeof squares / sizeof *squares; i++) {
        gauss_cells((double)squares[i][0] / (double)squares[i][1], want);
        check_draws("sigma^2", naive_dgauss, squares[i][0], squares[i][1], want);
    }
}

/* Probabilities to 20 digits, the cells beyond +-10 as one: of both samplers where scales are whole. */
static void
test_table(void)
{
    struct table t;
    static const struct {
        const char *name;
        uint64_t a, b, sigma;
    } rows[] = {{"0.5", 1, 2, 0}, {"1", 1, 1, 1}, {"4", 4, 1, 2}, {"100.25", 401, 4, 0}};

    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        double want[CELLS] = {0}, left = 1;
        if (!table_open(&t, "discrete_gaussian_pmf.tsv"))
            SKIP("no ../shared/data/privacy");
        while (table_next(&t))
            if (!strcmp(table_text(&t, "sigma2"), rows[r].name)) {
                double p = table_f64(&t, "pmf");
                want[SIDE + (int)table_f64(&t, "x")] = p;
                left -= p;
            }
        double cells[22], got[CELLS], seen[22];
        for (int fast_too = 0; fast_too < (rows[r].sigma ? 2 : 1); fast_too++) {
            if (fast_too)
                count(fast, rows[r].sigma, 1, 77, got);
            else
                count(naive_dgauss, rows[r].a, rows[r].b, 78, got);
            seen[21] = (double)draws();
            cells[21] = fmax(left, 0);
            for (int i = 0; i < 21; i++) {
                cells[i] = want[SIDE - 10 + i];
                seen[i] = got[SIDE - 10 + i];
                seen[21] -= seen[i];
            }
            CHECK(p_value(cells, seen, 22, (double)draws()) > 1e-6);
        }
    }
}

static void
test_laplace(void)
{
    static const uint64_t scales[][2] = {{2, 1}, {1, 1}, {1, 2}, {1, 11}}; /* s, t */
    double want[CELLS];

    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        double r = (double)scales[i][0] / (double)scales[i][1];
        memset(want, 0, sizeof want);
        for (int x = -4000; x <= 4000; x++)
            want[x < -SIDE  ? 0
                 : x > SIDE ? CELLS - 1
                            : x + SIDE] += exp(-abs(x) * r) * expm1(r) / (exp(r) + 1);
        check_draws("laplace", naive_dlaplace, scales[i][0], scales[i][1], want);
    }
}

static void
test_coins(void)
{
    struct table t;

    if (!table_open(&t, "bernoulli_exp.tsv"))
        SKIP("no ../shared/data/privacy");
    while (table_next(&t)) {
        const char *gamma = table_text(&t, "gamma"), *slash = strchr(gamma, '/');
        double p = table_f64(&t, "p"), n = (double)draws(), yes = 0;
        unsigned a = (unsigned)(strtod(gamma, NULL) * (slash ? 1 : 4) + 0.5);
        unsigned b = slash ? (unsigned)atoi(slash + 1) : 4;
        struct fl_noise noise;
        fl_noise_start(&noise, key, 900 + a, buffer);
        for (size_t i = 0; i < draws(); i++)
            yes += naive_coin_exp(&noise, a, b);
        /* 4.9 standard deviations: one in 10^6; of rare ones some more */
        CHECK(fabs(yes - n * p) <= 4.9 * sqrt(n * p * (1 - p)) + 5 * (p < 1e-3));
    }
}

/* Fast and slow have one distribution: two samples, at a scale of which only sums can be seen. */
static void
test_twins(void)
{
    static const uint32_t scales[] = {1, 2, 7, 20};

    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        double a[CELLS], b[CELLS], x = 0;
        int freedom = -1;
        count(fast, scales[i], 1, 5000 + i, a);
        count(naive_dgauss, (uint64_t)scales[i] * scales[i], 1, 6000 + i, b);
        for (size_t k = 0; k < CELLS; k++)
            if (a[k] + b[k] >= 20) {
                x += (a[k] - b[k]) * (a[k] - b[k]) / (a[k] + b[k]);
                freedom++;
            }
        CHECK(chi_tail(x, freedom) > 1e-6);
    }
}

/* Large scales: by their distribution function at 40 places, and by the moments. */
static void
test_large(void)
{
    static const uint32_t scales[] = {1000, 65536, 16777217, FL_NOISE_SIGMA_MAX};

    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        struct fl_noise noise;
        double want[40], got[40] = {0}, sum = 0, square = 0, n = (double)draws();
        fl_noise_start(&noise, key, 7000 + i, buffer);
        for (size_t k = 0; k < draws(); k++) {
            double z = (double)fl_noise_dgauss(&noise, scales[i]) / scales[i];
            double cell = floor(z * 4 + 20);
            got[cell < 0 ? 0 : cell > 39 ? 39 : (int)cell]++;
            sum += z;
            square += z * z;
        }
        for (int k = 0; k < 40; k++) { /* of x in [lo, hi): at lo - 1/2, hi - 1/2 */
            double half = 0.5 / scales[i], lo = (k - 20) / 4.0 - half, hi = lo + 0.25;
            want[k] = 0.5 * (erf(hi / sqrt(2)) - erf(lo / sqrt(2)));
        }
        CHECK(p_value(want, got, 40, n) > 1e-6);
        CHECK(fabs(sum) < 4.9 * sqrt(n));
        CHECK(fabs(square - n) < 4.9 * sqrt(2 * n));
    }
}

/* Noise is that of a key and a chunk, at any place of the work; the bits are those promised. */
static void
test_streams(void)
{
    struct fl_noise a, b;
    unsigned char other[FL_NOISE_BUFFER], want[FL_NOISE_BUFFER], next[FL_STREAM_KEY] = {8};
    int same = 0, same_key = 0;

    fl_noise_start(&a, key, 3, buffer);
    fl_stream_fill(want, sizeof want, key, 3 << 20);
    for (size_t i = 0; i < sizeof want / 8; i++) {
        uint64_t word;
        memcpy(&word, want + 8 * i, 8);
        CHECK(fl_noise_u64(&a) == word);
    }
    fl_stream_fill(want, sizeof want, key, 3 << 20 | 1);
    CHECK(!memcmp(want, (uint32_t[]){fl_noise_u32(&a)}, 4));
    fl_noise_start(&a, key, 3, buffer);
    fl_noise_start(&b, key, 4, other);
    for (int i = 0; i < 1000; i++)
        same += fl_noise_dgauss(&a, 1000000) == fl_noise_dgauss(&b, 1000000);
    fl_noise_start(&a, key, 3, buffer);
    fl_noise_start(&b, next, 3, other);
    for (int i = 0; i < 1000; i++)
        same_key += fl_noise_dgauss(&a, 1000000) == fl_noise_dgauss(&b, 1000000);
    CHECK(same < 5 && same_key < 5);
    fl_noise_start(&a, key, 3, buffer);
    fl_noise_start(&b, key, 3, other);
    for (int i = 0; i < 100000; i++)
        CHECK(fl_noise_dgauss(&a, 12345) == fl_noise_dgauss(&b, 12345));
}

static void
test_below(void)
{
    struct fl_noise noise;
    static const uint32_t limits[] = {1, 2, 3, 7, 0x80000001u, 0xffffffffu};

    fl_noise_start(&noise, key, 9, buffer);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        double want[3], got[3] = {0};
        uint32_t n = limits[i], third = n / 3 + !(n / 3);
        for (size_t k = 0; k < draws(); k++) {
            uint32_t x = fl_noise_below(&noise, n);
            CHECK(x < n);
            got[x / third > 2 ? 2 : x / third]++;
        }
        want[0] = fmin(1, (double)third / n);
        want[1] = fmin(1 - want[0], (double)third / n);
        want[2] = 1 - want[0] - want[1];
        CHECK(p_value(want, got, 3, (double)draws()) > 1e-6);
    }
}

/* Of 4/3 of the products a number would have one too many, were none rejected: every third. */
static void
test_rejects(void)
{
    const double third[3] = {1.0 / 3, 1.0 / 3, 1.0 / 3};
    struct fl_noise noise;
    double got[3] = {0};

    fl_noise_start(&noise, key, 10, buffer);
    for (size_t k = 0; k < draws(); k++)
        got[fl_noise_below(&noise, 0xc0000000u) % 3]++;
    CHECK(p_value(third, got, 3, (double)draws()) > 1e-6);
}

int
main(void)
{
    RUN(test_fast);
    RUN(test_slow);
    RUN(test_table);
    RUN(test_laplace);
    RUN(test_coins);
    RUN(test_twins);
    RUN(test_large);
    RUN(test_streams);
    RUN(test_below);
    RUN(test_rejects);
    return test_end();
}
