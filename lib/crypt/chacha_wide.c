/*
 * 16 blocks lie side by side in a loop of which the compiler makes vectors, and two such groups are
 * made at once: the operations of one alone wait for each other. A column is a pair of a block's
 * numbers in all 16 blocks; the words come into their order by three perfect shuffles, each of
 * which turns the bits of an index (group, pair, block) by one. Source: RFC 8439, section 2.3.
 */
#include "crypt/chacha_wide.h"

#include <string.h>

#include "base/bytes.h"
#include "crypt/secret.h"
#include "os/kernel.h"

enum { SIDE = FL_WIDE_BLOCKS / 2, PAIRS = 8, HALF = FL_WIDE_WORDS / 2 };

#define ROTATE(x, n) ((x) << (n) | (x) >> (32 - (n)))

#define QUARTER(a, b, c, d)                                                                        \
    do {                                                                                           \
        (a) += (b), (d) ^= (a), (d) = ROTATE(d, 16);                                               \
        (c) += (d), (b) ^= (c), (b) = ROTATE(b, 12);                                               \
        (a) += (b), (d) ^= (a), (d) = ROTATE(d, 8);                                                \
        (c) += (d), (b) ^= (c), (b) = ROTATE(b, 7);                                                \
    } while (0)

/* The same of a block of either group. */
#define QUARTERS(a, b, c, d)                                                                       \
    do {                                                                                           \
        QUARTER(x[a], x[b], x[c], x[d]);                                                           \
        QUARTER(y[a], y[b], y[c], y[d]);                                                           \
    } while (0)

void
fl_wide_start(struct fl_wide *w, const unsigned char key[32], uint64_t chunk)
{
    static const char constant[] = "expand 32-byte k";

    for (size_t i = 0; i < 4; i++)
        w->state[i] = fl_get32((const unsigned char *)constant + 4 * i);
    for (size_t i = 0; i < 8; i++)
        w->state[4 + i] = fl_get32(key + 4 * i);
    w->state[12] = w->state[13] = 0; /* the counter; and the nonce: LE32 0 || LE64 CHUNK */
    w->state[14] = (uint32_t)chunk;
    w->state[15] = (uint32_t)(chunk >> 32);
}

FL_KERNEL void
fl_wide_columns(uint64_t words[FL_WIDE_WORDS], const struct fl_wide *w, uint64_t unit)
{
    const uint32_t first = (uint32_t)(unit * FL_WIDE_BLOCKS);
    uint64_t *restrict out = words;
    uint32_t state[16];

    memcpy(state, w->state, sizeof state);
    for (uint32_t b = 0; b < SIDE; b++) {
        uint32_t x[16], y[16];
        memcpy(x, state, sizeof x);
        memcpy(y, state, sizeof y);
        x[12] = first + b;
        y[12] = first + SIDE + b;
#pragma GCC unroll 10
        for (int r = 0; r < 10; r++) {
            QUARTERS(0, 4, 8, 12);
            QUARTERS(1, 5, 9, 13);
            QUARTERS(2, 6, 10, 14);
            QUARTERS(3, 7, 11, 15);
            QUARTERS(0, 5, 10, 15);
            QUARTERS(1, 6, 11, 12);
            QUARTERS(2, 7, 8, 13);
            QUARTERS(3, 4, 9, 14);
        }
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            x[i] += i == 12 ? first + b : state[i];
            y[i] += i == 12 ? first + SIDE + b : state[i];
        }
#pragma GCC unroll 8
        for (int i = 0; i < PAIRS; i++) {
            out[i * SIDE + b] = x[2 * i] | (uint64_t)x[2 * i + 1] << 32;
            out[HALF + i * SIDE + b] = y[2 * i] | (uint64_t)y[2 * i + 1] << 32;
        }
    }
    fl_wipe(state, sizeof state);
}

static inline void
shuffle(uint64_t *restrict out, const uint64_t *restrict in)
{
    for (size_t i = 0; i < HALF / 2; i++) {
        out[2 * i] = in[i];
        out[2 * i + 1] = in[i + HALF / 2];
    }
}

FL_KERNEL void
fl_wide_turn(uint64_t words[FL_WIDE_WORDS])
{
    _Alignas(64) uint64_t once[HALF], twice[HALF];

    for (size_t group = 0; group < 2; group++) {
        shuffle(once, words + group * HALF);
        shuffle(twice, once);
        shuffle(words + group * HALF, twice);
    }
}
