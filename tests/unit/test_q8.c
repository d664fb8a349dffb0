#include "test.h"

#include <stdint.h>

#include "base/bytes.h"
#include "math/half.h"
#include "math/q8.h"
#include "math/random.h"

enum { BLOCKS = 2000, N = BLOCKS * FL_Q8_VALUES };

/* An f16 by its definition. */
static double
half_of(unsigned h)
{
    int e = (int)(h >> 10 & 31), f = (int)(h & 1023);

    return (h >> 15 ? -1 : 1) * (e ? ldexp(1024 + f, e - 25) : ldexp(f, -24));
}

/* Seeded blocks of every size from 2^-30 to 2^20; some values are 0, and so is block 7. */
static void
fill(float *x)
{
    fl_random_normal(4, 0, 0, x, N, 1);
    for (int i = 0; i < N; i++)
        x[i] = i / FL_Q8_VALUES == 7 || i % 41 == 3 ? 0 : ldexpf(x[i], i / FL_Q8_VALUES % 51 - 30);
}

/* ggml's quantize_row_q8_0_ref, with libm. */
static void
quantise(const float *x, unsigned char *out)
{
    float most = 0;

    for (int k = 0; k < 32; k++)
        most = fmaxf(most, fabsf(x[k]));
    const float d = most / 127, id = d != 0 ? 1.0f / d : 0.0f;
    fl_f32_to_f16(out, &d, 1);
    for (int k = 0; k < 32; k++)
        out[2 + k] = (unsigned char)(int8_t)roundf(x[k] * id);
}

/* To the bit what the formula says, and no value is further away than half a step and d's rounding. */
static void
test_quantise(void)
{
    float *x = malloc(N * sizeof *x), *back = malloc(N * sizeof *back);
    unsigned char *got = malloc(BLOCKS * FL_Q8_BYTES), want[FL_Q8_BYTES];

    fill(x);
    fl_f32_to_q8(got, x, N);
    fl_q8_to_f32(back, got, 0, N);
    for (int b = 0; b < BLOCKS; b++) {
        quantise(x + 32 * b, want);
        CHECK(!memcmp(got + (size_t)b * FL_Q8_BYTES, want, sizeof want));
        double most = 0;
        for (int k = 0; k < 32; k++)
            most = fmax(most, fabs(x[32 * b + k]));
        for (int k = 0; k < 32; k++) /* an f16 below 2^-14 has steps of 2^-24, and d is rounded */
            CHECK(fabs(back[32 * b + k] - x[32 * b + k]) <=
                  most / 127 * (0.5 + 127 * 0x1p-11) + 127 * 0x1p-25);
    }
    free(x), free(back), free(got);
}

/* Ties go away from zero; what is as good as one goes where it is nearer. */
static void
test_ties(void)
{
    float x[32] = {127, 0.5f, -0.5f, 1.5f, -2.5f, 63.5f, -126.5f, 0.49999997f, -0.49999997f, 2.4f};
    static const int want[10] = {127, 1, -1, 2, -3, 64, -127, 0, 0, 2};
    unsigned char got[FL_Q8_BYTES];

    fl_f32_to_q8(got, x, 32);
    CHECK(fl_get16(got) == 0x3c00); /* d = 1 */
    for (int k = 0; k < 10; k++)
        CHECK((int8_t)got[2 + k] == want[k]);
}

/* d q exactly, for every d that is finite and every q; from and to any place. */
static void
test_values(void)
{
    unsigned char blocks[2 * FL_Q8_BYTES];
    float got[64], part[64];

    for (unsigned h = 0; h < 65536; h++) {
        if ((h >> 10 & 31) == 31)
            continue;
        for (int b = 0; b < 2; b++) {
            fl_put16(blocks + b * FL_Q8_BYTES, (uint16_t)(b ? h ^ 0x8001 : h));
            for (int k = 0; k < 32; k++)
                blocks[b * FL_Q8_BYTES + 2 + k] = (unsigned char)(k * 8 + (int)(h % 8) + b);
        }
        fl_q8_to_f32(got, blocks, 0, 64);
        for (int i = 0; i < 64; i++) {
            unsigned d = i / 32 ? h ^ 0x8001 : h;
            int8_t q = (int8_t)(i % 32 * 8 + (int)(h % 8) + i / 32);
            CHECK((d >> 10 & 31) == 31 || (double)got[i] == half_of(d) * q);
        }
        size_t at = h % 61, n = 1 + h % (64 - at);
        fl_q8_to_f32(part, blocks, at, n);
        CHECK(!memcmp(part, got + at, n * sizeof *part) || (h & 0x7ffe) == 0x7bfe);
    }
}

/* What is no number, or too large for d, is seen in d: no block of it looks whole. */
static void
test_not_finite(void)
{
    static const float bad[] = {INFINITY, -INFINITY, NAN, 127 * 65536.0f, -3e38f};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        float x[32] = {1, 2, bad[i], 4}, d;
        unsigned char got[FL_Q8_BYTES];
        x[31] = i & 1 ? 5 : 0;
        fl_f32_to_q8(got, x, 32);
        fl_f16_to_f32(&d, got, 1);
        CHECK(!isfinite(d));
    }
}

int
main(void)
{
    RUN(test_quantise);
    RUN(test_ties);
    RUN(test_values);
    RUN(test_not_finite);
    return test_end();
}
