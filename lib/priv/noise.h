/*
 * Discrete Gaussian noise, exactly: whole numbers out of the bits of ChaCha20, by comparisons of
 * whole numbers. No floating point, whose holes tell what the noise hides (Mironov 2012). Noise
 * belongs to a key and a chunk, so that it does not depend on the number of threads. Time depends
 * on the bits drawn.
 */
#ifndef FL_PRIV_NOISE_H
#define FL_PRIV_NOISE_H

#include <stddef.h>
#include <stdint.h>

#include "crypt/chacha.h"

enum { FL_NOISE_BUFFER = 65536 };

#define FL_NOISE_SIGMA_MAX 2147483647 /* 2^31 - 1 */

/* A place in the bits of one chunk. */
struct fl_noise {
    const unsigned char *key; /* FL_STREAM_KEY bytes; borrowed */
    unsigned char *buffer;    /* FL_NOISE_BUFFER bytes, the caller's, to be wiped by him */
    uint64_t chunk;
    uint64_t block; /* of the chunk, that comes next */
    size_t at;      /* in the buffer */
};

/*
 * Begin the bits of CHUNK (below 2^44): those of fl_stream_fill(buffer, 65536, key, chunk << 20 |
 * i) for i = 0, 1, ..., taken in order, little-endian. KEY and BUFFER are borrowed.
 */
void fl_noise_start(struct fl_noise *noise, const unsigned char key[FL_STREAM_KEY], uint64_t chunk,
                    unsigned char buffer[FL_NOISE_BUFFER]);

/* The next 32 or 64 bits; a number below N (at least 1), uniform. */
uint32_t fl_noise_u32(struct fl_noise *noise);
uint64_t fl_noise_u64(struct fl_noise *noise);
void fl_noise_words(struct fl_noise *noise, uint32_t *words, size_t n); /* N times 32 bits */
uint32_t fl_noise_below(struct fl_noise *noise, uint32_t n);

/*
 * X with P[X = x] proportional to exp(-x^2 / (2 SIGMA^2)), to 2^-180; 1 <= SIGMA <=
 * FL_NOISE_SIGMA_MAX. |X| is below 17 SIGMA. About 35 bytes of the stream.
 * Source: Karney 2016, Algorithm D for whole SIGMA; Canonne, Kamath, Steinke 2020 for exp(-a/b).
 */
int64_t fl_noise_dgauss(struct fl_noise *noise, uint32_t sigma);

/*
 * COUNT of them into X, in a quarter of the time or less and from half the bits
 * (tests/bench/bench_account.c): other numbers than as many calls would draw, of the same
 * distribution. Takes 11 KiB of the stack, and wipes them.
 */
void fl_noise_dgauss_fill(struct fl_noise *noise, uint32_t sigma, int64_t *x, size_t count);

/*
 * For the above and its twin. k of P[K = k] proportional to exp(-k^2 / 2), from 0 to 16, of whose
 * bits the first 32 are FIRST; others are drawn. And exp(-g), g = K J / SIGMA + J^2 / (2 SIGMA^2),
 * in 2^-256 and to 2^-240; J < SIGMA. Words from the lowest; the last is 1 for exp(0) alone.
 */
enum { FL_NOISE_EXP = 9 };
uint32_t fl_noise_step(struct fl_noise *noise, uint32_t first);
void fl_noise_exp(uint32_t k, uint32_t j, uint32_t sigma, uint32_t words[FL_NOISE_EXP]);

#endif
