/*
 * The discrete Gaussian of whole scale: x = +-(k sigma + j), k from a table, j uniform, and coins
 * that take exp(-k j / sigma - j^2 / 2 sigma^2) of them. Every coin is a comparison of whole
 * numbers, so the distribution is the one written down, to the table's 192 bits.
 */
#include "priv/noise.h"

#include <stdbool.h>

#include "base/bytes.h"
#include "base/least.h"

void
fl_noise_start(struct fl_noise *noise, const unsigned char key[FL_STREAM_KEY], uint64_t chunk,
               unsigned char buffer[FL_NOISE_BUFFER])
{
    *noise = (struct fl_noise){.key = key, .buffer = buffer, .chunk = chunk, .at = FL_NOISE_BUFFER};
}

static void
refill(struct fl_noise *noise)
{
    fl_stream_fill(noise->buffer, FL_NOISE_BUFFER, noise->key, noise->chunk << 20 | noise->block++);
    noise->at = 0;
}

uint32_t
fl_noise_u32(struct fl_noise *noise)
{
    if (noise->at == FL_NOISE_BUFFER)
        refill(noise);
    noise->at += 4;
    return fl_get32(noise->buffer + noise->at - 4);
}

void
fl_noise_words(struct fl_noise *noise, uint32_t *words, size_t n)
{
    for (size_t i = 0, to; i < n; i = to) {
        if (noise->at == FL_NOISE_BUFFER)
            refill(noise);
        to = fl_min(n, i + (FL_NOISE_BUFFER - noise->at) / 4);
        const unsigned char *from = noise->buffer + noise->at;
        for (size_t k = 0; k < to - i; k++)
            words[i + k] = fl_get32(from + 4 * k);
        noise->at += 4 * (to - i);
    }
}

uint64_t
fl_noise_u64(struct fl_noise *noise)
{
    uint64_t low = fl_noise_u32(noise);

    return low | (uint64_t)fl_noise_u32(noise) << 32;
}

/* Multiply and reject (Lemire 2019): of the 2^32 products n are taken for each result. */
uint32_t
fl_noise_below(struct fl_noise *noise, uint32_t n)
{
    uint64_t product = (uint64_t)fl_noise_u32(noise) * n;

    if ((uint32_t)product < n) {
        uint32_t least = -n % n; /* 2^32 mod n */
        while ((uint32_t)product < least)
            product = (uint64_t)fl_noise_u32(noise) * n;
    }
    return (uint32_t)(product >> 32);
}

/*
 * True with probability exp(-g), g = (a / b) (c / d), a <= b, c <= d: the first k at which
 * a coin of g / k fails is odd with that chance.
 */
static bool
coin_exp(struct fl_noise *noise, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    uint32_t k = 1;

    while ((k == 1 || fl_noise_below(noise, k) == 0) && fl_noise_below(noise, b) < a &&
           (c == d || fl_noise_below(noise, d) < c))
        k++;
    return k & 1;
}

/* floor(2^192 P[K <= k]), P[K = k] proportional to exp(-k^2 / 2): words from the highest. */
enum { STEPS = 17, WORDS = 3 };
static const uint64_t cumulative[STEPS][WORDS] = {
    {0x92025b19482ce72b, 0xd40241fe3d8503e0, 0xa90d8b163a7013a0},
    {0xea91798547a0ef93, 0xd55d4ff9ab842149, 0xf683a406378219ad},
    {0xfe5415c6e9da4bae, 0xeabab39c56d419be, 0x38e0391598c1226c},
    {0xfff3523319908c11, 0xd937bd03927c2f09, 0x5527786a3cee4bef},
    {0xffffdc31b8ef5942, 0x488c43f4219a48e8, 0xd9e24cd12330590e},
    {0xffffffdaa2d72344, 0xf06d574f25e26ea2, 0xec37a2aba678cdd3},
    {0xfffffffff1a20da4, 0x272e392479b0e3d6, 0x7d2ebf8fa0204b66},
    {0xfffffffffffdf76c, 0x4ac9d6ef19667473, 0xd18eea62a41cce87},
    {0xffffffffffffffe4, 0xe341e1b0f4764936, 0xe37cd09a5f8a1551},
    {0xffffffffffffffff, 0xff7b01dedd7a579c, 0xa89dc75e2c0bf374},
    {0xffffffffffffffff, 0xffffff100072148c, 0x64e7b694974e5607},
    {0xffffffffffffffff, 0xffffffffff60ab69, 0xa129848782cfed83},
    {0xffffffffffffffff, 0xffffffffffffffd9, 0x163aa7dfb77b6057},
    {0xffffffffffffffff, 0xffffffffffffffff, 0xfffc80f6bc17fffe},
    {0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffe26a9bf5},
    {0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffa3},
    {0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff},
};

/* Draws further words only where the first ones, of which DRAWN are known, do not decide. */
static uint32_t
find_step(struct fl_noise *noise, uint64_t word[WORDS], size_t drawn)
{
    for (uint32_t k = 0; k + 1 < STEPS; k++)
        for (size_t i = 0; i < WORDS; i++) {
            if (i == drawn)
                word[drawn++] = fl_noise_u64(noise);
            if (word[i] < cumulative[k][i])
                return k;
            if (word[i] > cumulative[k][i])
                break;
        }
    return STEPS - 1;
}

static uint32_t
draw_step(struct fl_noise *noise)
{
    return find_step(noise, (uint64_t[WORDS]){0}, 0);
}

uint32_t
fl_noise_step(struct fl_noise *noise, uint32_t first)
{
    return find_step(noise, (uint64_t[WORDS]){(uint64_t)first << 32 | fl_noise_u32(noise)}, 1);
}

/* X, or false: begin again. */
static bool
try_dgauss(struct fl_noise *noise, uint32_t sigma, int64_t *x)
{
    uint32_t k = draw_step(noise), j = fl_noise_below(noise, sigma);

    for (uint32_t i = 0; i < k; i++)
        if (!coin_exp(noise, j, sigma, 1, 1))
            return false;
    if (!coin_exp(noise, j, sigma, j, 2 * sigma))
        return false;
    bool negative = fl_noise_u32(noise) >> 31;
    int64_t size = (int64_t)((uint64_t)k * sigma + j);
    if (negative && size == 0) /* zero would count twice */
        return false;
    *x = negative ? -size : size;
    return true;
}

int64_t
fl_noise_dgauss(struct fl_noise *noise, uint32_t sigma)
{
    int64_t x = 0;

    while (!try_dgauss(noise, sigma, &x))
        continue;
    return x;
}
