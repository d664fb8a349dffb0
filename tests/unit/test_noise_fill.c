/*
 * Many discrete Gaussians at once: each candidate as exp(-g) in long double judges it; what the
 * first bits do not decide, from streams that are written by hand; and the distribution.
 */
#include "priv/noise.h"

#include <math.h>
#include <string.h>

#include "test.h"

#include "base/bytes.h"

static unsigned char key[FL_STREAM_KEY] = {9}, buffer[FL_NOISE_BUFFER];

/* Words from the highest, computed with 120 decimal digits. */
static void
test_exp(void)
{
    static const struct {
        uint32_t k, j, sigma, words[8];
    } cases[] = {
        {0,
         0,
         7u,
         {0x00000001, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000,
          0x00000000}},
        {0,
         1,
         2u,
         {0x00000000, 0xe1eb5127, 0x6c110c3c, 0x3eb1269f, 0x2f5d4afa, 0xbd8029f1, 0xb77328d9,
          0xd41b38c7}},
        {1,
         999,
         1000u,
         {0x00000000, 0x393c5383, 0xe4efb770, 0x104923ab, 0x96257364, 0xa8966ef9, 0x0618fd96,
          0xd2503c60}},
        {16,
         2147483646,
         2147483647u,
         {0x00000000, 0x00000125, 0x284daa7e, 0x530c6d49, 0xaafab1c8, 0x5091d2ef, 0x3b08b35a,
          0x18a992c9}},
        {3,
         1234567,
         2000000000u,
         {0x00000000, 0xff86bca9, 0xd59769cd, 0xdf5d4b96, 0xafd481e0, 0x56547b4c, 0x197bac74,
          0xc3358c03}},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t words[FL_NOISE_EXP];
        fl_noise_exp(cases[i].k, cases[i].j, cases[i].sigma, words);
        for (size_t w = 0; w < 8; w++) /* the last is 2^-256, and the one before rounding's */
            CHECK(words[8 - w] == cases[i].words[w] || (w == 7 && cases[i].k == 16));
    }
}

/* The first 32 bits of P[K <= k], of exp(-k^2 / 2) summed in long double. */
static uint32_t
step_of(uint32_t bits)
{
    long double sum = 0, so_far = 0;
    uint32_t k = 0;

    for (int i = 16; i >= 0; i--)
        sum += expl(-(long double)i * i / 2);
    for (; k < 16; k++) {
        so_far += expl(-(long double)k * k / 2);
        if ((long double)bits + 0.5L < so_far / sum * 0x1p32L)
            break;
    }
    return k;
}

/* Until the first candidate that is too near to be judged so; returns how many were compared. */
static size_t
compare(uint32_t sigma, uint64_t chunk, size_t count)
{
    uint32_t words[3 * 512];
    int64_t x[300];
    struct fl_noise noise, twin;
    size_t at = 0, n = count * 3 / 2 + 8;
    const long double s = sigma;

    fl_noise_start(&noise, key, chunk, buffer);
    fl_noise_dgauss_fill(&noise, sigma, x, count);
    fl_noise_start(&twin, key, chunk, buffer);
    for (size_t i = 0; i < 3 * n; i++)
        words[i] = fl_noise_u32(&twin);
    for (size_t i = 0; i < n && at < count; i++) {
        const uint64_t product = (uint64_t)words[n + i] * sigma;
        const uint32_t k = step_of(words[i]), j = (uint32_t)(product >> 32);
        const uint32_t coin = words[2 * n + i] >> 1, sign = words[2 * n + i] & 1;
        if ((uint32_t)product < ((uint64_t)1 << 32) % sigma || (sign && k == 0 && j == 0))
            continue;
        long double p = expl(-(k * (j / s) + (j / s) * (j / s) / 2)) * 0x1p31L;
        if (fabsl(p - coin - 0.5L) < 1024)
            return at;
        if ((long double)coin >= p)
            continue;
        int64_t size = (int64_t)((uint64_t)k * sigma + j);
        CHECK(x[at] == (sign ? -size : size));
        at++;
    }
    return at;
}

static void
test_twin(void)
{
    static const uint32_t scales[] = {1, 2, 3, 5, 1000, 65537, 16777217, 2000000000, 2147483647};
    size_t compared = 0, chunks = test_under_valgrind() ? 5 : 100;

    for (size_t s = 0; s < sizeof scales / sizeof *scales; s++)
        for (uint64_t chunk = 0; chunk < chunks; chunk++)
            compared += compare(scales[s], chunk, 1 + chunk * 3 % 300);
    CHECK(compared > chunks * 9 * 100 || test_under_valgrind());
}

/* The next words of a stream; those that are not given are 0. */
static void
write_words(struct fl_noise *noise, const uint32_t *words, size_t n)
{
    fl_noise_start(noise, key, 0, buffer);
    memset(buffer, 0, sizeof buffer);
    for (size_t i = 0; i < n; i++)
        fl_put32(buffer + 4 * i, words[i]);
    noise->at = 0;
}

/*
 * Of one number 9 candidates are drawn: all but the first take k = 0, j = 1 of sigma 2^16, and a
 * coin of 0, so X is 1 where the first is refused.
 */
static int64_t
judged(uint32_t k_bits, uint32_t j_bits, uint32_t coin, const uint32_t *more, size_t count)
{
    uint32_t words[27 + 16] = {0};
    struct fl_noise noise;
    int64_t x;

    for (size_t i = 0; i < 9; i++)
        words[9 + i] = 1 << 16;
    words[0] = k_bits;
    words[9] = j_bits;
    words[18] = coin;
    if (count)
        memcpy(words + 27, more, count * sizeof *more);
    write_words(&noise, words, 27 + count);
    fl_noise_dgauss_fill(&noise, 1 << 16, &x, 1);
    return x;
}

static void
test_doubt(void)
{
    uint32_t e[FL_NOISE_EXP];
    const uint32_t sigma = 1 << 16, j = 40000;

    /* k by its 33rd to 64th bit: the first cumulative constant is 92025b19482ce72b... */
    CHECK(judged(0x92025b19, j << 16, 0, (uint32_t[]){0x482ce72a}, 1) == j);
    CHECK(judged(0x92025b19, j << 16, 0, (uint32_t[]){0x482ce72c}, 1) == sigma + j);
    CHECK(judged(0xea917985, j << 16, 0, (uint32_t[]){0x47a0ef92}, 1) == sigma + j);
    CHECK(judged(0xea917985, j << 16, 1, (uint32_t[]){0x47a0ef94}, 1) == -(int64_t)(2 * sigma + j));
    CHECK(judged(0xffffffff, 0, 0, (uint32_t[]){0xf1a20da3}, 1) == 6 * (int64_t)sigma);
    CHECK(judged(0xffffffff, 0, 0, (uint32_t[]){0xf1a20da5}, 1) == 7 * (int64_t)sigma);
    /* a zero with a sign is none, also where k was in doubt */
    CHECK(judged(0x92025b19, 0, 1, (uint32_t[]){0x482ce72a}, 1) == 1);
    CHECK(judged(0x92025b19, 0, 0, (uint32_t[]){0x482ce72a}, 1) == 0);
    CHECK(judged(0, 0, 1, NULL, 0) == 1);
    CHECK(judged(0, 0, 0, NULL, 0) == 0);
    /* the coin has the bits of exp(-g), k = 1, and differs in the last but one word only */
    fl_noise_exp(1, j, sigma, e);
    for (int above = 0; above < 2; above++) {
        uint32_t more[9] = {0, e[7] & 1, e[6], e[5], e[4], e[3], e[2], e[1] + (above ? 1 : -1), 0};
        /* k_bits between the first two edges: k is 1, found again in doubt with one more word */
        CHECK(judged(0xa0000000, j << 16, (e[7] >> 1) << 1, more, 9) ==
              (above ? 1 : (int64_t)(sigma + j)));
    }
    /* and in its first 31 bits, near enough for doubt */
    for (int off = -300; off <= 300; off += 100)
        CHECK(judged(0xa0000000, j << 16, ((e[7] >> 1) + (uint32_t)off) << 1, NULL, 0) ==
              (off > 0 ? 1 : (int64_t)(sigma + j)));
}

/* The same whatever is drawn in one call: no; but the same call the same numbers. */
static void
test_repeats(void)
{
    int64_t x[2][1000];

    for (int i = 0; i < 2; i++) {
        struct fl_noise noise;
        fl_noise_start(&noise, key, 5, buffer);
        fl_noise_dgauss_fill(&noise, 1 << 20, x[i], 1000);
    }
    CHECK(!memcmp(x[0], x[1], sizeof x[0]));
}

int
main(void)
{
    RUN(test_exp);
    RUN(test_twin);
    RUN(test_doubt);
    RUN(test_repeats);
    return test_end();
}
