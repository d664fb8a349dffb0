/*
 * Ternary numbers by digits of bytes, binomial ones by counting bits with sums of halves, both
 * without tables, branches on secrets, or divisions that some processors end early.
 */
#include "sec/rlwe_draw.h"

#include "base/bytes.h"
#include "crypt/secret.h"

enum { BUFFER = 4 * FL_STREAM_UNIT, DIGITS = 5, POWER = 243, SIDE_BITS = 21 };

void
fl_rlwe_draw_ternary(int8_t *x, size_t n, const unsigned char key[FL_STREAM_KEY], uint64_t chunk)
{
    unsigned char buffer[BUFFER];
    size_t done = 0;

    for (uint64_t at = 0; done < n; at += BUFFER) {
        fl_stream_part(buffer, BUFFER, key, chunk, at);
        for (size_t i = 0; i < BUFFER && done < n; i++) {
            if (buffer[i] >= POWER)
                continue;
            uint32_t rest = buffer[i];
            for (size_t d = 0; d < DIGITS && done < n; d++) {
                uint32_t third = rest * 171 >> 9; /* floor(rest / 3) up to 255 */
                x[done++] = (int8_t)(rest - 3 * third) - 1;
                rest = third;
            }
        }
    }
    fl_wipe(buffer, sizeof buffer);
}

/* Ones among 21 bits: in pairs, in fours, in eights, and the three of those added up. */
static uint32_t
ones(uint32_t x)
{
    x -= x >> 1 & 0x55555555;
    x = (x & 0x33333333) + (x >> 2 & 0x33333333);
    x = (x + (x >> 4)) & 0x0f0f0f0f;
    return x * 0x01010101 >> 24;
}

void
fl_rlwe_draw_error(int8_t *x, size_t n, const unsigned char key[FL_STREAM_KEY], uint64_t chunk)
{
    const uint32_t side = (1U << SIDE_BITS) - 1;
    unsigned char buffer[BUFFER];

    for (size_t i = 0; i < n; i++) {
        size_t at = 8 * i % BUFFER;
        if (at == 0)
            fl_stream_part(buffer, BUFFER, key, chunk, 8 * i);
        uint64_t word = fl_get64(buffer + at);
        x[i] = (int8_t)(ones((uint32_t)word & side) - ones((uint32_t)(word >> SIDE_BITS) & side));
    }
    fl_wipe(buffer, sizeof buffer);
}

void
fl_rlwe_draw_smudging(uint64_t *low, uint64_t *high, size_t n, const struct fl_rlwe_size *size,
                      const unsigned char key[FL_STREAM_KEY], uint64_t chunk,
                      unsigned char buffer[FL_NOISE_BUFFER])
{
    const unsigned bits = size->lambda + 1;
    const fl_u128 mask = ((fl_u128)1 << bits) - 1;
    struct fl_noise noise;

    fl_noise_start(&noise, key, chunk, buffer);
    for (size_t i = 0; i < n; i++) {
        fl_u128 x = fl_noise_u64(&noise);
        x |= (fl_u128)fl_noise_u64(&noise) << 64;
        x = (x & mask) + ((fl_u128)fl_noise_below(&noise, (uint32_t)size->noise) << bits);
        low[i] = (uint64_t)x;
        high[i] = (uint64_t)(x >> 64);
    }
}
