/*
 * A summand is cut into 64-bit parts at its place in the accumulator without a branch, so that
 * the loops become vectors; of a negative one the complement is added, and one below. A mean is a
 * quotient of doubles with a bound of its error, and only where that leaves two floats is the sum
 * compared exactly with the middle of the two [nearer].
 */
#include "math/exact.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/least.h"
#include "os/kernel.h"

int
fl_exact_weight(double raw, double *weight)
{
    if (!isfinite(raw))
        return fl_error(FL_FAILED, "the weight is not a finite number");
    /* below 2^12 the scaled value is below 2^52, where rint leaves whole numbers to round */
    double w = raw < 0x1p12 ? rint(raw * 0x1p40) * 0x1p-40 : raw;
    if (!(w > 0))
        return fl_error(FL_FAILED, "the weight %.9g is not above zero in steps of 2^-40", raw);
    if (w > 0x1p40)
        return fl_error(FL_FAILED, "the weight %.9g is above 2^40", raw);
    *weight = w;
    return 0;
}

enum { CHUNK = 512 }; /* coordinates that a core's first cache has room for */

/*
 * A weight as an odd whole number (below 2^53) times 2^shift units.
 */
struct factor {
    uint64_t whole;
    unsigned shift; /* at most 80 */
};

static struct factor
factor_of(double weight)
{
    uint64_t bits;
    struct factor f;

    memcpy(&bits, &weight, sizeof bits);
    f.whole = (bits & 0xfffffffffffff) | (uint64_t)1 << 52;
    int shift = (int)(bits >> 52) - 1023 - 52 - FL_EXACT_WEIGHT_UNIT;
    while (!(f.whole & 1)) {
        f.whole >>= 1;
        shift++;
    }
    f.shift = (unsigned)shift;
    return f;
}

void
fl_exact_total_merge(struct fl_exact_total *total, const struct fl_exact_total *other)
{
    total->low += other->low;
    total->high += other->high + (total->low < other->low);
}

void
fl_exact_total_add(struct fl_exact_total *total, double weight)
{
    struct factor f = factor_of(weight);
    struct fl_exact_total w = {0, 0};

    if (f.shift >= 64) {
        w.high = f.whole << (f.shift - 64);
    } else {
        w.low = f.whole << f.shift;
        w.high = f.shift ? f.whole >> (64 - f.shift) : 0;
    }
    fl_exact_total_merge(total, &w);
}

static inline uint32_t
bits_of(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

FL_KERNEL void
fl_exact_span(const float *x, size_t n, struct fl_exact_span *span)
{
    uint32_t most = 0, least = UINT32_MAX;

    for (size_t i = 0; i < n; i++) {
        uint32_t bits = bits_of(x[i]) & 0x7fffffff;
        uint32_t e = bits >> 23, normal = e != 0;
        uint32_t m = (bits & 0x7fffff) | normal << 23;
        uint32_t low = bits_of((float)(int32_t)(m & (0 - m))); /* of a power of two, or zero */
        uint32_t at = (e - normal + (low >> 23) - 127) | (0 - (uint32_t)(m == 0));
        most = bits > most ? bits : most;
        least = at < least ? at : least;
    }
    span->largest = most;
    span->lowest = least;
}

int
fl_exact_reach(const struct fl_exact_span *span, double weight)
{
    float largest;

    if (span->largest >= 0x7f800000)
        return FL_EXACT_NOT_FINITE;
    if (span->lowest == UINT32_MAX)
        return FL_EXACT_WORDS;
    memcpy(&largest, &span->largest, sizeof largest);
    if (!((double)largest * weight < 0x1p50))
        return FL_EXACT_TOO_LARGE;
    return (int)((span->lowest + factor_of(weight).shift) / 64);
}

/* a += b + carry; the carry out */
static inline uint64_t
add_carry(uint64_t *a, uint64_t b, uint64_t carry)
{
    uint64_t t = *a + b, out = t < b;

    t += carry;
    *a = t;
    return out | (t < carry);
}

/* Numbers times (high * 2^32 + low) * 2^shift of the lowest plane's units. */
struct add {
    uint32_t low, high;
    uint64_t shift; /* modulo 2^64: it may be below 0 where the bits down there are zero */
};

/*
 * Add to WORDS planes, w0 the lowest; WORDS and WIDE (HIGH is not 0) are constants where this is
 * inlined. A product (low, top) begins in word q - 2 at bit r, so that three words at most have a
 * part of it: A, B and C. A negative one is added as its complement and a carry of one.
 */
static inline __attribute__((always_inline)) void
add_one(uint64_t *w0, uint64_t *w1, uint64_t *w2, uint64_t *w3, float x, struct add f,
        const int words, const bool wide)
{
    uint32_t bits = bits_of(x), e = bits >> 23 & 255, normal = e != 0;
    uint64_t m = (bits & 0x7fffff) | normal << 23, sign = 0 - (uint64_t)(bits >> 31);
    uint64_t at = e - normal + f.shift + 128, q = at >> 6, r = at & 63;
    uint64_t low = m * f.low, top = 0;
    if (wide) {
        uint64_t high = m * f.high;
        low += high << 32;
        top = (high >> 32) + (low < high << 32);
    }
    uint64_t a = low << r, b = low >> 1 >> (63 - r) | top << r, c = top >> 1 >> (63 - r);
    uint64_t carry = sign & 1;
#define IF(yes, v) ((v) & (0 - (uint64_t)(yes)))
#define PART(k)    ((IF(q == (k) + 2, a) | IF(q == (k) + 1, b) | IF(wide && q == (k), c)) ^ sign)
    carry = add_carry(w0, PART(0), carry);
    if (words > 1)
        carry = add_carry(w1, PART(1), carry);
    if (words > 2)
        carry = add_carry(w2, PART(2), carry);
    if (words > 3)
        *w3 += PART(3) + carry;
#undef PART
#undef IF
}

#define ADD(words, wide)                                                                           \
    FL_KERNEL static void add_##words##_##wide(uint64_t *restrict w0, uint64_t *restrict w1,       \
                                               uint64_t *restrict w2, uint64_t *restrict w3,       \
                                               const float *restrict x, size_t n, struct add f)    \
    {                                                                                              \
        for (size_t i = 0; i < n; i++)                                                             \
            add_one(w0 + i, w1 + i, w2 + i, w3 + i, x[i], f, words, wide);                         \
    }
ADD(1, 0)
ADD(1, 1)
ADD(2, 0)
ADD(2, 1)
ADD(3, 0)
ADD(3, 1)
ADD(4, 0)
ADD(4, 1)
#undef ADD

void
fl_exact_add(uint64_t *const word[FL_EXACT_WORDS], const float *x, size_t n, double weight)
{
    static void (*const add[FL_EXACT_WORDS][2])(uint64_t *, uint64_t *, uint64_t *, uint64_t *,
                                                const float *, size_t,
                                                struct add) = {{add_4_0, add_4_1},
                                                               {add_3_0, add_3_1},
                                                               {add_2_0, add_2_1},
                                                               {add_1_0, add_1_1}};
    struct factor f = factor_of(weight);
    uint64_t *w[FL_EXACT_WORDS] = {0};
    int lowest = 0;

    while (lowest < FL_EXACT_WORDS - 1 && !word[lowest])
        lowest++;
    for (int k = lowest; k < FL_EXACT_WORDS; k++)
        w[k - lowest] = word[k];
    struct add a = {(uint32_t)f.whole, (uint32_t)(f.whole >> 32), f.shift - 64 * (uint64_t)lowest};
    add[lowest][a.high != 0](w[0], w[1], w[2], w[3], x, n, a);
}

/* A top word that sums of TERMS summands below 2^50 can have: units of it are 2^3. */
static bool
is_possible(uint64_t top, uint64_t terms)
{
    uint64_t limit = terms << (FL_EXACT_BITS - 3);

    return top + limit < 2 * limit;
}

int
fl_exact_add_stored(uint64_t *const word[FL_EXACT_WORDS], int from, const unsigned char *stored,
                    size_t n, uint64_t terms)
{
    bool possible = true;

    for (size_t i = 0; i < n; i++) {
        uint64_t carry = 0;
        for (int w = from; w < FL_EXACT_WORDS; w++, stored += 8) {
            uint64_t v = fl_get64(stored);
            carry = add_carry(&word[w][i], v, carry);
            if (w == FL_EXACT_WORDS - 1)
                possible &= is_possible(v, terms);
        }
    }
    return possible ? 0 : -1;
}

void
fl_exact_store(unsigned char *stored, uint64_t *const word[FL_EXACT_WORDS], int from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (int w = from; w < FL_EXACT_WORDS; w++, stored += 8)
            fl_put64(stored, word[w] ? word[w][i] : 0);
}

int
fl_exact_lowest(uint64_t *const word[FL_EXACT_WORDS], size_t n)
{
    for (int w = 0; w < FL_EXACT_WORDS - 1; w++) {
        uint64_t any = 0;
        for (size_t i = 0; word[w] && i < n; i++)
            any |= word[w][i];
        if (any)
            return w;
    }
    return FL_EXACT_WORDS - 1;
}

/* A magnitude; word 0 is the lowest. */
struct wide {
    uint64_t word[FL_EXACT_WORDS];
};

/* v * 2^exponent, EXPONENT from -1022 to 1023 and the result a normal double. */
static double
scale(double v, int exponent)
{
    uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double power;

    memcpy(&power, &bits, sizeof power);
    return v * power;
}

/* a * b, b below 2^32, from bit SHIFT on; what leaves 256 bits is lost. */
static struct wide
multiply_shift(const struct fl_exact_total *a, uint32_t b, unsigned shift)
{
    uint32_t part[4] = {(uint32_t)a->low, (uint32_t)(a->low >> 32), (uint32_t)a->high,
                        (uint32_t)(a->high >> 32)};
    uint64_t product[FL_EXACT_WORDS] = {0}, carry = 0;
    struct wide s;

    for (int i = 0; i < 4; i++) {
        carry += (uint64_t)part[i] * b;
        product[i / 2] |= (carry & 0xffffffff) << (i % 2 * 32);
        carry >>= 32;
    }
    product[2] = carry;
    for (int w = 0; w < FL_EXACT_WORDS; w++) {
        int from = w - (int)(shift / 64);
        s.word[w] = from >= 0 ? product[from] << (shift % 64) : 0;
        if (from >= 1 && shift % 64)
            s.word[w] |= product[from - 1] >> (64 - shift % 64);
    }
    return s;
}

static int
compare(const struct wide *a, const struct wide *b)
{
    for (int w = FL_EXACT_WORDS - 1; w >= 0; w--)
        if (a->word[w] != b->word[w])
            return a->word[w] < b->word[w] ? -1 : 1;
    return 0;
}

/*
 * The quotient lies between the neighbours LOW and HIGH: take the nearer, exactly. Both are whole
 * numbers of 2^-149, which is the unit of sum / total as well; their midpoint is (low + high) / 2,
 * so 2 |sum| is compared with (low + high) total.
 */
static float
nearer(const struct wide *sum, const struct fl_exact_total *total, float low, float high)
{
    uint32_t bits = bits_of(low), e = bits >> 23, normal = e != 0;
    /* low = m 2^place and high = (m + 1) 2^place, also where high begins the next binade */
    uint32_t m = (bits & 0x7fffff) | normal << 23, place = e - normal;
    struct wide twice = *sum, middle = multiply_shift(total, 2 * m + 1, place);

    for (int w = 0; w < FL_EXACT_WORDS; w++)
        add_carry(&twice.word[w], sum->word[w], w ? sum->word[w - 1] >> 63 : 0);
    int order = compare(&twice, &middle);
    if (order == 0)
        return m & 1 ? high : low;
    return order < 0 ? low : high;
}

static void
words_at(uint64_t *to[FL_EXACT_WORDS], uint64_t *const word[FL_EXACT_WORDS], size_t at)
{
    for (int w = 0; w < FL_EXACT_WORDS; w++)
        to[w] = word[w] ? word[w] + at : NULL;
}

/* |sum| of CHUNK coordinates at most: words, and what they are in doubles. */
struct magnitudes {
    uint64_t word[FL_EXACT_WORDS][CHUNK];
    uint64_t sign[CHUNK]; /* all ones: the sum is negative */
    double value[CHUNK];  /* relative error below 5 2^-53: conversions together, and additions */
};

FL_KERNEL static void
magnitudes(struct magnitudes *m, uint64_t *const word[FL_EXACT_WORDS], size_t n)
{
    uint64_t carry[CHUNK];

    for (size_t i = 0; i < n; i++) {
        m->sign[i] = word[3] ? 0 - (word[3][i] >> 63) : 0;
        carry[i] = m->sign[i] & 1;
        m->value[i] = 0;
    }
    for (int w = 0; w < FL_EXACT_WORDS; w++) {
        if (!word[w]) { /* zeros: the carry goes through */
            memset(m->word[w], 0, n * sizeof *m->word[w]);
            continue;
        }
        for (size_t i = 0; i < n; i++) {
            m->word[w][i] = (word[w][i] ^ m->sign[i]) + carry[i];
            carry[i] = m->word[w][i] < carry[i];
        }
    }
    for (int w = FL_EXACT_WORDS - 1; w >= 0; w--)
        for (size_t i = 0; i < n; i++)
            m->value[i] = m->value[i] * 0x1p64 + (double)m->word[w][i];
}

/*
 * Neighbours, or one float twice, between which |sum| / T lies; both in units of 2^-149. Returns
 * whether any two differ.
 */
FL_KERNEL static bool
quotients(float *low, float *high, const double *value, size_t n, double t)
{
    uint32_t differ = 0;

    for (size_t i = 0; i < n; i++) {
        double q = value[i] / t;
        low[i] = (float)(q * (1 - 0x1p-49) * 0x1p-149);
        high[i] = (float)(q * (1 + 0x1p-49) * 0x1p-149);
        differ |= bits_of(low[i]) ^ bits_of(high[i]);
    }
    return differ;
}

static void
mean_of_chunk(float *mean, const struct magnitudes *m, size_t n, const struct fl_exact_total *total)
{
    /* T has a relative error below 2^-52, so the quotient's stays below 2^-50. */
    double t = (double)total->high * 0x1p64 + (double)total->low;
    float high[CHUNK];

    if (quotients(mean, high, m->value, n, t)) {
        for (size_t i = 0; i < n; i++) {
            struct wide s = {{m->word[0][i], m->word[1][i], m->word[2][i], m->word[3][i]}};
            if (mean[i] != high[i])
                mean[i] = nearer(&s, total, mean[i], high[i]);
        }
    }
    for (size_t i = 0; i < n; i++)
        mean[i] = m->sign[i] && mean[i] != 0 ? -mean[i] : mean[i];
}

void
fl_exact_mean(float *mean, uint64_t *const word[FL_EXACT_WORDS], size_t n,
              const struct fl_exact_total *total)
{
    struct magnitudes m;

    for (size_t at = 0; at < n; at += CHUNK) {
        uint64_t *from[FL_EXACT_WORDS];
        size_t count = fl_min(n - at, CHUNK);
        words_at(from, word, at);
        magnitudes(&m, from, count);
        mean_of_chunk(mean + at, &m, count, total);
    }
}

double
fl_exact_total_value(const struct fl_exact_total *total)
{
    uint64_t high = total->high, low = total->low;
    int shift = 0;

    /* 64 bits from the top, the lowest of them telling whether anything was below: then one
     * conversion rounds once. */
    while (high) {
        low = low >> 1 | (low & 1) | high << 63;
        high >>= 1;
        shift++;
    }
    return scale((double)low, shift + FL_EXACT_WEIGHT_UNIT);
}
