/*
 * Number I of a sequence is half of Philox block I / 2: the seed is the key, the sequence the upper
 * half of the counter. Normal numbers come from one uniform each by the inverse distribution
 * function, so that number I of them needs no other.
 */
#include "math/random.h"

#include <math.h>

#include "math/power.h"

void
fl_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];

    for (int round = 0; round < 10; round++) {
        uint64_t p = (uint64_t)0xd2511f53 * c0, q = (uint64_t)0xcd9e8d57 * c2;
        c0 = (uint32_t)(q >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)q;
        c2 = (uint32_t)(p >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p;
        k0 += 0x9e3779b9;
        k1 += 0xbb67ae85;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

uint64_t
fl_random_at(uint64_t seed, uint64_t sequence, uint64_t i)
{
    uint64_t n = i >> 1;
    uint32_t counter[4] = {(uint32_t)n, (uint32_t)(n >> 32), (uint32_t)sequence,
                           (uint32_t)(sequence >> 32)};
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)}, out[4];

    fl_philox(counter, key, out);
    const uint32_t *half = out + (i & 1) * 2;
    return half[0] | (uint64_t)half[1] << 32;
}

uint64_t
fl_random_u64(struct fl_random *r)
{
    return fl_random_at(r->seed, r->sequence, r->next++);
}

uint64_t
fl_random_below(struct fl_random *r, uint64_t n)
{
    uint64_t excess = -n % n; /* 2^64 mod n: the lowest numbers that would come once too often */
    uint64_t v;

    do
        v = fl_random_u64(r);
    while (v < excess);
    return v % n;
}

double
fl_random_unit(struct fl_random *r)
{
    return (double)(fl_random_u64(r) >> 11) * 0x1p-53;
}

static double
polynomial(const double c[8], double x)
{
    double sum = c[7];

    for (int i = 6; i >= 0; i--)
        sum = sum * x + c[i];
    return sum;
}

double
fl_normal_quantile(double p)
{
    static const double a[8] = {3.3871328727963666080e0, 1.3314166789178437745e2,
                                1.9715909503065514427e3, 1.3731693765509461125e4,
                                4.5921953931549871457e4, 6.7265770927008700853e4,
                                3.3430575583588128105e4, 2.5090809287301226727e3};
    static const double b[8] = {1,
                                4.2313330701600911252e1,
                                6.8718700749205790830e2,
                                5.3941960214247511077e3,
                                2.1213794301586595867e4,
                                3.9307895800092710610e4,
                                2.8729085735721942674e4,
                                5.2264952788528545610e3};
    static const double c[8] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                5.76949722146069140550e0,  3.64784832476320460504e0,
                                1.27045825245236838258e0,  2.41780725177450611770e-1,
                                2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[8] = {1,
                                2.05319162663775882187e0,
                                1.67638483018380384940e0,
                                6.89767334985100004550e-1,
                                1.48103976427480074590e-1,
                                1.51986665636164571966e-2,
                                5.47593808499534494600e-4,
                                1.05075007164441684324e-9};
    static const double e[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                1.78482653991729133580e0,  2.96560571828504891230e-1,
                                2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[8] = {1,
                                5.99832206555887937690e-1,
                                1.36929880922735805310e-1,
                                1.48753612908506148525e-2,
                                7.86869131145613259100e-4,
                                1.84631831751005468180e-5,
                                1.42151175831644588870e-7,
                                2.04426310338993978564e-15};
    double q = p - 0.5;

    if (fabs(q) <= 0.425) {
        double x = 0.180625 - q * q;
        return q * polynomial(a, x) / polynomial(b, x);
    }
    double tail = q < 0 ? p : 1 - p;
    double r = sqrt(-0x1.62e42fefa39efp-1 * fl_log2(tail)); /* of -ln */
    double x = r <= 5 ? polynomial(c, r - 1.6) / polynomial(d, r - 1.6)
                      : polynomial(e, r - 5) / polynomial(f, r - 5);
    return q < 0 ? -x : x;
}

void
fl_random_normal(uint64_t seed, uint64_t sequence, uint64_t first, float *x, size_t n, double std)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = fl_random_at(seed, sequence, first + i);
        double p = ((double)(bits >> 12) + 0.5) * 0x1p-52; /* exact, never 0 or 1 */
        x[i] = (float)(std * fl_normal_quantile(p));
    }
}
