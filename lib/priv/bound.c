/*
 * The bound of a site's integers and the scale of noise. Square roots are never taken: a whole
 * number is compared with what it must stay below, squared until all are whole.
 */
#include "priv/bound.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "math/power.h"

enum { DIGITS = 15 };
static const uint64_t sigma_end = UINT64_C(1) << 31;

static uint64_t
power_of_ten(unsigned n)
{
    uint64_t p = 1;

    while (n-- > 0)
        p *= 10;
    return p;
}

static int
not_decimal(const char *text)
{
    return fl_error(FL_USAGE,
                    "\"%.40s\" is not a decimal number above 0 with at most %d digits, and as many "
                    "after the point; write it as 0.5 or 1e-3",
                    text, DIGITS);
}

int
fl_decimal_parse(const char *text, struct fl_decimal *x)
{
    const char *at = text;
    long places = 0, exponent = 0;
    int digits = 0, point = 0;
    uint64_t m = 0;

    for (; isdigit((unsigned char)*at) || (*at == '.' && !point); at++) {
        if (*at == '.') {
            point = 1;
            continue;
        }
        if (m || *at != '0')
            digits++;
        if (digits > DIGITS || places > 40)
            return not_decimal(text);
        m = m * 10 + (uint64_t)(*at - '0');
        places += point;
    }
    if (at != text && (*at == 'e' || *at == 'E')) {
        char sign = at[1] == '-' || at[1] == '+' ? *++at : '+';
        for (at++; isdigit((unsigned char)*at) && exponent < 100; at++)
            exponent = exponent * 10 + (*at - '0');
        if (!isdigit((unsigned char)at[-1]))
            return not_decimal(text);
        exponent = sign == '-' ? -exponent : exponent;
    }
    for (places -= exponent; places > 0 && m && m % 10 == 0; places--)
        m /= 10;
    for (; places < 0 && m < power_of_ten(DIGITS - 1); places++)
        m *= 10;
    if (!m || *at || places < 0 || places > DIGITS)
        return not_decimal(text);
    *x = (struct fl_decimal){m, (unsigned)places};
    return 0;
}

double
fl_decimal_f64(const struct fl_decimal *x)
{
    return (double)x->mantissa / (double)power_of_ten(x->places);
}

const char *
fl_decimal_print(const struct fl_decimal *x, char text[FL_DECIMAL_TEXT])
{
    const uint64_t unit = power_of_ten(x->places);

    if (x->places)
        snprintf(text, FL_DECIMAL_TEXT, "%llu.%0*llu", (unsigned long long)(x->mantissa / unit),
                 (int)x->places, (unsigned long long)(x->mantissa % unit));
    else
        snprintf(text, FL_DECIMAL_TEXT, "%llu", (unsigned long long)x->mantissa);
    return text;
}

static struct fl_big
mul(struct fl_big a, struct fl_big b)
{
    return fl_big_mul(&a, &b);
}

/* Numbers that B2 is compared with, all whole: c = p / q, D. */
struct sides {
    struct fl_big p, q2, D;
    struct fl_big small;   /* 4 p^2 + 4 p q + q^2 D */
    struct fl_big small_2; /* 4 q^4 D: the square of 2 q^2 sqrt(D) */
    struct fl_big large;   /* p^2 + q^2 D */
    struct fl_big large_2; /* 4 p^2 q^2 D */
};

/* Is a <= b + sqrt(square), for a of 2^250 at most? */
static int
at_most(const struct fl_big *a, const struct fl_big *b, const struct fl_big *square)
{
    if (fl_big_compare(a, b) <= 0)
        return 1;
    struct fl_big over = fl_big_sub(a, b);
    over = mul(over, over);
    return fl_big_compare(&over, square) <= 0;
}

/* n <= c^2 + D/4 + c + sqrt(D)/2 and n <= (c + sqrt(D))^2, times 4 q^2 and q^2. */
static int
within(const struct sides *s, fl_u128 n)
{
    struct fl_big one = mul(s->q2, fl_big_of(n)), four = mul(one, fl_big_of(4));

    return at_most(&four, &s->small, &s->small_2) && at_most(&one, &s->large, &s->large_2);
}

/* p / q = mantissa * scale / 10^places, the scale 2^e. */
static struct sides
sides_of(const struct fl_decimal *clip, double scale, fl_u128 D)
{
    int e;
    fl_u128 p = clip->mantissa, q = power_of_ten(clip->places);

    frexp(scale, &e);
    e--;
    if (e >= 0)
        p <<= e;
    else
        q <<= -e;
    struct sides s = {.p = fl_big_of(p), .D = fl_big_of(D)};
    struct fl_big wq = fl_big_of(q), four = fl_big_of(4), p2 = mul(s.p, s.p), pq = mul(s.p, wq);
    s.q2 = mul(wq, wq);
    struct fl_big q2D = mul(s.q2, s.D);
    struct fl_big sum = fl_big_add(&p2, &pq);
    sum = mul(four, sum);
    s.small = fl_big_add(&sum, &q2D);
    s.small_2 = mul(mul(four, s.q2), q2D);
    s.large = fl_big_add(&p2, &q2D);
    s.large_2 = mul(mul(four, p2), q2D);
    return s;
}

fl_u128
fl_bound_square(const struct fl_decimal *clip, double scale, fl_u128 D)
{
    struct sides s = sides_of(clip, scale, D);
    fl_u128 n = 0;

    if (within(&s, (fl_u128)1 << 125))
        return FL_U128_MAX;
    for (int bit = 124; bit >= 0; bit--)
        if (within(&s, n | (fl_u128)1 << bit))
            n |= (fl_u128)1 << bit;
    return n;
}

uint64_t
fl_bound_sigma(const struct fl_decimal *multiplier, fl_u128 B2)
{
    struct fl_big z = fl_big_of(multiplier->mantissa), want;
    struct fl_big q = fl_big_of(power_of_ten(multiplier->places));
    uint64_t low = 0, high = sigma_end; /* low is too little, high enough or the end */

    want = mul(mul(z, z), fl_big_of(B2));
    if (!B2)
        return 0;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        struct fl_big have = mul(fl_big_of(middle), q);
        have = mul(have, have);
        *(fl_big_compare(&have, &want) < 0 ? &low : &high) = middle;
    }
    return high < sigma_end ? high : UINT64_C(1) << 32;
}

uint64_t
fl_bound_reach(uint64_t sigma, size_t m, uint64_t d)
{
    const double ln2 = 0.69314718055994530942;
    double logs = ln2 * (41 + fl_log2((double)d)), s = (double)sigma;

    return (uint64_t)ceil(sqrt(2 * (double)m * s * s * logs));
}

fl_u128
fl_bound_add(fl_u128 sum, const int64_t *x, size_t n, unsigned shift)
{
    fl_u128 part = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t size = x[i] < 0 ? 0 - (uint64_t)x[i] : (uint64_t)x[i];
        part = fl_u128_add(part, (fl_u128)size * size);
    }
    if (!part || !shift)
        return fl_u128_add(sum, part);
    return shift > 63 ? FL_U128_MAX : fl_u128_add(sum, fl_u128_mul(part, (fl_u128)1 << 2 * shift));
}

/* ---- scales ---- */

static double
finest(const struct fl_bound *b)
{
    double scale = 0;

    for (size_t i = 0; i < b->count; i++)
        if (b->parts[i].d)
            scale = fmax(scale, b->parts[i].scale);
    return scale;
}

/* Sigma and reach of each part for the scales as they are. */
static int
sizes(struct fl_bound *b)
{
    b->scale = finest(b);
    b->d = 0;
    b->D = 0;
    for (size_t i = 0; i < b->count; i++) {
        struct fl_bound_part *p = &b->parts[i];
        if (!p->d)
            continue;
        int e;
        frexp(b->scale / p->scale, &e);
        p->shift = (unsigned)e - 1;
        b->d += p->d;
        b->D = fl_u128_add(b->D, p->shift > 40 ? FL_U128_MAX : (fl_u128)p->d << 2 * p->shift);
    }
    if (b->D >= (fl_u128)1 << 100 || b->scale > 0x1p60 || b->scale < 0x1p-40)
        return fl_error(FL_USAGE, "noise: the steps of its tensors are too unlike; give them bits "
                                  "and clips that are nearer to each other");
    b->B2 = fl_bound_square(&b->clip, b->scale, b->D);
    uint64_t sigma = b->B2 == FL_U128_MAX ? UINT64_C(1) << 32
                                          : fl_bound_sigma(&b->multiplier, b->B2);
    if (sigma >= sigma_end)
        return fl_error(FL_USAGE,
                        "noise: its deviation is above 2^31 steps of the finest tensor; give the "
                        "tensors fewer bits, or noise a smaller clip or multiplier");
    if (sigma < 2)
        return fl_error(FL_USAGE, "noise: its deviation is below 2 steps of the finest tensor; "
                                  "give the tensors more bits, or noise a larger multiplier");
    b->sigma = (uint32_t)sigma;
    for (size_t i = 0; i < b->count; i++) {
        struct fl_bound_part *p = &b->parts[i];
        if (!p->d)
            continue;
        p->sigma = (uint32_t)((sigma + (UINT64_C(1) << p->shift) - 1) >> p->shift);
        p->reach = fl_bound_reach(p->sigma, b->m, b->d);
    }
    return 0;
}

static int
wraps(const struct fl_bound *b, const struct fl_bound_part *p)
{
    const uint64_t most = (UINT64_C(1) << (p->bits - 1)) - 1;
    double one = ceil(p->clip * p->scale);

    return one >= 0x1p62 || p->reach > most || (uint64_t)one > (most - p->reach) / b->n;
}

int
fl_bound_compute(struct fl_bound *b)
{
    for (;;) {
        int halved = 0;
        if (sizes(b))
            return -1;
        for (size_t i = 0; i < b->count; i++) {
            struct fl_bound_part *p = &b->parts[i];
            if (!p->d || !wraps(b, p))
                continue;
            if (p->clip * p->scale < 1)
                return fl_error(FL_USAGE,
                                "noise: lanes of %u bits have no room for it; give such tensors "
                                "more bits, or noise a smaller multiplier or clip",
                                p->bits);
            p->scale /= 2;
            halved = 1;
        }
        if (!halved)
            return 0;
    }
}

double
fl_bound_price(const struct fl_bound *b)
{
    return sqrt((double)b->B2) / (fl_decimal_f64(&b->clip) * b->scale);
}

double
fl_bound_noise_length(const struct fl_bound *b, size_t n)
{
    double square = 0;

    for (size_t i = 0; i < b->count; i++) {
        if (!b->parts[i].d) /* it has no scale either */
            continue;
        double sigma = (double)b->parts[i].sigma / b->parts[i].scale;
        square += (double)b->parts[i].d * sigma * sigma;
    }
    return sqrt(square * (double)b->m) / (double)n / fl_decimal_f64(&b->clip);
}
