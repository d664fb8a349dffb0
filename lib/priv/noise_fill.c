/*
 * Many discrete Gaussians at once. A candidate is three words of 32 bits: k by the first, j by the
 * second, and the third says whether exp(-g), g = k j / sigma + j^2 / 2 sigma^2, takes it, and its
 * sign. Nearly always that is decided by exp(-g) to 25 bits in whole numbers, in plain loops that
 * are vectors; where the bits at hand come nearer than the error, more are drawn and compared with
 * exp(-g) to 250 bits. So every candidate is judged as if all its bits had been.
 *
 * Errors, in exp(-g): j / sigma is below itself by less than 2^-30, g by 2^-25.6 (k is at most 6
 * here), the power of two's exponent by 2^-28 more, its polynomial (Lawson's) is within 2^-28.5:
 * together below 2^-25, and SURE leaves eight times that.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/least.h"
#include "crypt/secret.h"
#include "math/big.h"
#include "os/kernel.h"
#include "priv/noise.h"

enum {
    BATCH = 512,   /* candidates at a time */
    EDGES = 6,     /* k up to so many by 32 bits */
    SURE = 1 << 9, /* 2^-22, in 2^-31 */
    FRACTION = 8   /* words of 32 bits of a fraction of 256 */
};

enum fate { REJECTED, TAKEN, DOUBTFUL };

struct candidates {
    uint32_t k_bits[BATCH], j_bits[BATCH], coin[BATCH];
    int64_t x[BATCH];
    unsigned char fate[BATCH];
};

static inline uint32_t
high(uint32_t a, uint32_t b)
{
    return (uint32_t)((uint64_t)a * b >> 32);
}

/* exp(-g) in 2^-31, for g in 2^-29. */
static inline uint32_t
exp_near(uint32_t g)
{
    const uint32_t y = high(g, 3098164009); /* g / ln 2, in 2^-28 */
    const uint32_t f = y << 4;
    uint32_t h = 0x53b871 - high(f, 0x7346c);

    h = 0x273fae0 - high(f, h);
    h = 0xe34be42 - high(f, h);
    h = 0x3d7f5dde - high(f, h);
    h = 0xb1721670 - high(f, h);
    return (0x80000000 - (high(f, h) >> 1)) >> (y >> 28);
}

/* In one form for every processor: whole numbers, lane by lane. */
FL_KERNEL static void
judge(struct candidates *c, size_t n, uint32_t sigma)
{
    /* floor(2^32 P[K <= k]): fl_noise_step's first words */
    static const uint32_t edges[EDGES] = {0x92025b19, 0xea917985, 0xfe5415c6,
                                          0xfff35233, 0xffffdc31, 0xffffffda};
    const unsigned shift = (unsigned)__builtin_clz(sigma);
    const uint32_t inverse = (uint32_t)((UINT64_MAX >> 1) / (sigma << shift)), low = -sigma % sigma;

    for (size_t i = 0; i < n; i++) {
        const uint32_t w = c->k_bits[i], coin = c->coin[i] >> 1, sign = c->coin[i] & 1;
        const uint64_t product = (uint64_t)c->j_bits[i] * sigma;
        const uint32_t j = (uint32_t)(product >> 32);
        uint32_t k = 0, edge = w == UINT32_MAX;
        for (int e = 0; e < EDGES; e++) {
            k += w > edges[e];
            edge |= w == edges[e];
        }
        const uint32_t t = (uint32_t)((uint64_t)(j << shift) * inverse >> 31); /* j / sigma */
        const uint32_t p = exp_near(k * (t >> 3) + (uint32_t)((uint64_t)t * t >> 36));
        const uint32_t even = (uint32_t)product >= low;
        const uint32_t twice = sign & (k == 0) & (j == 0); /* zero would count twice */
        const uint32_t near = (coin + SURE >= p) & (coin < p + SURE);
        const uint32_t doubt = edge | (near & (twice ^ 1));
        const int64_t size = (int64_t)((uint64_t)k * sigma + j);
        c->fate[i] = (unsigned char)(even * (doubt * DOUBTFUL +
                                             (doubt ^ 1) * ((coin < p) & (twice ^ 1)) * TAKEN));
        c->x[i] = sign ? -size : size;
    }
}

/* ---- what the first bits do not decide ---- */

/* Fractions of 256 bits. */
static struct fl_big
times(const struct fl_big *a, const struct fl_big *b)
{
    struct fl_big product = fl_big_mul(a, b), out = {{0}};

    memcpy(out.word, product.word + FRACTION, (FL_BIG_WORDS - FRACTION) * sizeof *out.word);
    return out;
}

/* By the series of exp(-g / 32), whose terms are below 2^-256 from number 45 on; then squared. */
void
fl_noise_exp(uint32_t k, uint32_t j, uint32_t sigma, uint32_t words[FL_NOISE_EXP])
{
    struct fl_big r = {{0}}, term = {{0}}, sum[2] = {{{0}}};
    const struct fl_big n = fl_big_of((fl_u128)2 * k * j * sigma + (fl_u128)j * j);

    memcpy(r.word + FRACTION, n.word, 4 * sizeof *n.word);
    fl_big_divide(&r, sigma);
    fl_big_divide(&r, sigma);
    fl_big_divide(&r, 64); /* g / 32 = n / (2 sigma^2) / 32 */
    term.word[FRACTION] = 1;
    for (uint32_t i = 1; i <= 48; i++) {
        sum[(i - 1) % 2] = fl_big_add(&sum[(i - 1) % 2], &term);
        term = times(&term, &r);
        fl_big_divide(&term, i);
    }
    sum[0] = fl_big_sub(&sum[0], &sum[1]);
    for (int i = 0; i < 5; i++)
        sum[0] = times(&sum[0], &sum[0]);
    memcpy(words, sum[0].word, FL_NOISE_EXP * sizeof *words);
}

/* Is the coin, whose first 31 bits are known, below exp(-g)? Draws the others. */
static bool
coin_below(struct fl_noise *noise, uint32_t coin, uint32_t k, uint32_t j, uint32_t sigma)
{
    struct fl_big p = {{0}}, u = {{0}};

    fl_noise_exp(k, j, sigma, p.word);
    u.word[FRACTION - 1] = coin << 1 | (fl_noise_u32(noise) & 1);
    for (size_t i = FRACTION - 1; i-- > 0;)
        u.word[i] = fl_noise_u32(noise);
    return fl_big_compare(&u, &p) < 0;
}

static bool
resolve(struct fl_noise *noise, const struct candidates *c, size_t i, uint32_t sigma, int64_t *x)
{
    const uint32_t k = fl_noise_step(noise, c->k_bits[i]);
    const uint32_t j = high(c->j_bits[i], sigma);
    const bool sign = c->coin[i] & 1;
    const int64_t size = (int64_t)((uint64_t)k * sigma + j);

    *x = sign ? -size : size;
    return !(sign && size == 0) && coin_below(noise, c->coin[i] >> 1, k, j, sigma);
}

void
fl_noise_dgauss_fill(struct fl_noise *noise, uint32_t sigma, int64_t *x, size_t count)
{
    struct candidates c;

    for (size_t at = 0; at < count;) {
        /* 1.4 candidates a number; what is judged beyond the last one is lost */
        const size_t n = fl_min(BATCH, (count - at) * 3 / 2 + 8);
        fl_noise_words(noise, c.k_bits, n);
        fl_noise_words(noise, c.j_bits, n);
        fl_noise_words(noise, c.coin, n);
        judge(&c, n, sigma);
        for (size_t i = 0; i < n && at < count; i++) {
            bool taken = c.fate[i] == TAKEN;
            if (c.fate[i] == DOUBTFUL)
                taken = resolve(noise, &c, i, sigma, &c.x[i]);
            x[at] = c.x[i];
            at += taken;
        }
    }
    fl_wipe(&c, sizeof c);
}
