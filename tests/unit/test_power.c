/* fl_power against the C library's pow in long double. */
#include "math/power.h"

#include "test.h"

static double
error_of(double x, double y)
{
    long double want = powl((long double)x, (long double)y);

    return fabs((double)((fl_power(x, y) - want) / want));
}

static void
test_accuracy(void)
{
    double worst = 0, worst_use = 0;

    for (int i = 0; i < 20000; i++) {
        double x = exp(-14 + 35 * fmod(i * 0.6180339887, 1)), y = -4 + 8 * fmod(i * 0.4142135, 1);
        double e = error_of(x, y), scaled = e / (1 + fabs(y * log2(x)));
        if (scaled > worst)
            worst = scaled;
        if (y >= 0 && y <= 1 && e > worst_use)
            worst_use = e;
    }
    printf("# worst error %.2g, %.2g per 1 + |y log2 x|\n", worst_use, worst);
    CHECK(worst < 1e-15);
    CHECK(worst_use < 1e-14);
}

static void
test_special(void)
{
    CHECK(fl_power(7.25, 0) == 1);
    CHECK(fl_power(7.25, 1) == 7.25);
    for (int k = -900; k <= 900; k++)
        CHECK(fl_power(2, k) == ldexp(1, k));
    CHECK(error_of(100, 0.5) < 4e-16);
    CHECK(error_of(0x1p-1070, 0.25) < 1e-13); /* subnormal */
    CHECK(isnan(fl_power(0, 1)));
    CHECK(isnan(fl_power(-1, 2)));
    CHECK(isnan(fl_power(INFINITY, 2)));
    CHECK(isnan(fl_power(2, 2000)));
}

/* The bits are promised: these were computed once. */
static void
test_bits(void)
{
    static const struct {
        double x, y, want;
    } table[] = {
        {100, 0.5, 10},
        {37.5, 0.25, 0x1.3cc0379733bbdp+1},
        {1e9, 0.75, 0x1.5739d501f2fd2p+22},
        {0.001, 1.5, 0x1.09456549be1bdp-15},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        double got = fl_power(table[i].x, table[i].y);
        if (got != table[i].want)
            printf("# %g^%g is %a\n", table[i].x, table[i].y, got);
        CHECK(got == table[i].want);
    }
}

int
main(void)
{
    RUN(test_accuracy);
    RUN(test_special);
    RUN(test_bits);
    return test_end();
}
