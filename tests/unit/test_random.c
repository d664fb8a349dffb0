#include "test.h"

#include <stdint.h>

#include "math/random.h"

/* Known answers of Random123 (kat_vectors, philox4x32 10). */
static void
test_philox_known_answers(void)
{
    static const uint32_t counters[3][4] = {{0, 0, 0, 0},
                                            {~0u, ~0u, ~0u, ~0u},
                                            {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}};
    static const uint32_t keys[3][2] = {{0, 0}, {~0u, ~0u}, {0xa4093822, 0x299f31d0}};
    static const uint32_t want[3][4] = {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
                                        {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
                                        {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};

    for (int i = 0; i < 3; i++) {
        uint32_t out[4];
        fl_philox(counters[i], keys[i], out);
        CHECK(!memcmp(out, want[i], sizeof out));
    }
}

static void
test_sequences(void)
{
    struct fl_random r = {.seed = 7, .sequence = 3};

    for (uint64_t i = 0; i < 100; i++)
        CHECK(fl_random_u64(&r) == fl_random_at(7, 3, i));
    CHECK(fl_random_at(7, 3, 0) != fl_random_at(7, 4, 0));
    CHECK(fl_random_at(7, 3, 0) != fl_random_at(8, 3, 0));
    CHECK(fl_random_at(7, 3, 0) != fl_random_at(7, 3, 1));
    CHECK(fl_random_at(7, 3, 0) != fl_random_at(7, 3, (uint64_t)1 << 33));
    /* the upper halves of seed, sequence and place count */
    CHECK(fl_random_at(7, 3, 0) != fl_random_at(7 | (uint64_t)1 << 40, 3, 0));
    CHECK(fl_random_at(7, 3, 0) != fl_random_at(7, 3 | (uint64_t)1 << 40, 0));
}

static void
test_below(void)
{
    struct fl_random r = {.seed = 1};
    int count[6] = {0};

    for (int i = 0; i < 60000; i++) {
        uint64_t v = fl_random_below(&r, 6);
        CHECK(v < 6);
        count[v < 6 ? v : 0]++;
    }
    double chi2 = 0;
    for (int i = 0; i < 6; i++)
        chi2 += (count[i] - 10000.0) * (count[i] - 10000.0) / 10000.0;
    CHECK(chi2 < 20.5); /* 5 degrees of freedom, p = 0.001; the seed is fixed */
    CHECK(fl_random_below(&r, 1) == 0);
    /* 2^62 of 2^64 numbers are rejected; otherwise the first third would come half of the time */
    uint64_t n = ((uint64_t)1 << 62) * 3;
    int low = 0;
    for (int i = 0; i < 4000; i++)
        low += fl_random_below(&r, n) < n / 3;
    CHECK(low > 1233 && low < 1433);
    for (int i = 0; i < 1000; i++) {
        double u = fl_random_unit(&r);
        CHECK(u >= 0 && u < 1);
    }
}

/* Phi(quantile(p)) = p, by the C library's erfc. */
static void
test_quantile(void)
{
    for (double p = 1e-300; p < 0.5; p *= 1.37) {
        double z = fl_normal_quantile(p), back = 0.5 * erfc(-z / sqrt(2));
        /* an error of z is magnified by z^2 in the tail */
        CHECK_NEAR(back / p, 1, 1e-15 * (4 + z * z));
        if (p > 1e-3)
            CHECK_NEAR(fl_normal_quantile(1 - p), -z, 1e-12);
    }
    CHECK(fl_normal_quantile(0.5) == 0);
    CHECK_NEAR(fl_normal_quantile(0.975), 1.959963984540054, 1e-15);
}

static void
test_normal(void)
{
    enum { N = 200000 };
    float *x = malloc(N * sizeof *x), part[77];
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0;

    fl_random_normal(42, 5, 0, x, N, 1);
    for (int i = 0; i < N; i++) {
        double v = x[i];
        m1 += v / N, m2 += v * v / N, m3 += v * v * v / N, m4 += v * v * v * v / N;
    }
    CHECK(fabs(m1) < 0.01 && fabs(m2 - 1) < 0.01 && fabs(m3) < 0.03 && fabs(m4 - 3) < 0.08);
    fl_random_normal(42, 5, 1000, part, 77, 1);
    CHECK(!memcmp(part, x + 1000, sizeof part));
    fl_random_normal(42, 5, 0, part, 77, 0.02);
    CHECK_NEAR(part[3], 0.02 * x[3], 1e-8);
    /* the promise: these bytes on every machine */
    fl_random_normal(0, 0, 0, part, 4, 1);
    static const uint32_t want[4] = {0x3f96bb4f, 0x3e88fdeb, 0xbeb4ac05, 0xbfe489aa};
    CHECK(!memcmp(part, want, sizeof want));
    free(x);
}

int
main(void)
{
    RUN(test_philox_known_answers);
    RUN(test_sequences);
    RUN(test_below);
    RUN(test_quantile);
    RUN(test_normal);
    return test_end();
}
