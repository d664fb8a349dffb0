/*
 * Plain series after the argument is brought close to 1 or 0, long enough for doubles. The C
 * library is faster, but its last bits differ between machines, and weights of updates are made
 * from these.
 */
#include "math/power.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "doubles must be computed as doubles: on 32-bit x86 compile with -msse2 -mfpmath=sse"
#endif

static double
power_of_two(int n) /* -1022 to 1023 */
{
    uint64_t bits = (uint64_t)(n + 1023) << 52;
    double v;

    memcpy(&v, &bits, sizeof v);
    return v;
}

/* x = m 2^k with m from sqrt(1/2) to sqrt(2); both are exact. */
static double
split(double x, int *k)
{
    uint64_t bits;
    double m;

    *k = 0;
    if (x < 0x1p-1022) {
        x *= 0x1p64;
        *k = -64;
    }
    memcpy(&bits, &x, sizeof bits);
    *k += (int)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffff) | (uint64_t)1023 << 52;
    memcpy(&m, &bits, sizeof m);
    if (m > 0x1.6a09e667f3bcdp0) {
        m *= 0.5;
        *k += 1;
    }
    return m;
}

/* log2 m = 2 / ln 2 (s + s^3/3 + s^5/5 + ...), s = (m - 1) / (m + 1), |s| < 0.1716 */
static double
log2_near_one(double m)
{
    double s = (m - 1) / (m + 1), s2 = s * s, sum = 0;

    for (int i = 25; i >= 3; i -= 2)
        sum = sum * s2 + 1.0 / i;
    return (s + s * (s2 * sum)) * 0x1.71547652b82fep+1;
}

/* 2^r for |r| at most 0.51, by the series of exp. */
static double
exp2_near_zero(double r)
{
    double a = r * 0x1.62e42fefa39efp-1, sum = 1;

    for (int i = 16; i >= 1; i--)
        sum = sum * (a / i) + 1;
    return sum;
}

double
fl_log2(double x)
{
    int k;
    double m = split(x, &k);

    return k + log2_near_one(m);
}

double
fl_power(double x, double y)
{
    int k;

    if (!(x > 0) || !isfinite(x) || !isfinite(y))
        return (double)NAN;
    if (y == 0)
        return 1;
    if (y == 1)
        return x;
    double log2m = log2_near_one(split(x, &k));
    if (!(fabs(y * (k + log2m)) <= 1000))
        return (double)NAN;
    double whole = floor(y * (k + log2m) + 0.5);
    double rest = (y * k - whole) + y * log2m;
    return exp2_near_zero(rest) * power_of_two((int)whole);
}
