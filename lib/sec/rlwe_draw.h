/*
 * What the encryption draws at random (sec/rlwe.h), out of the keystream of a 32-byte key and a
 * chunk. Addresses and steps do not depend on what is drawn, only on how often bits that stand for
 * nothing are passed over.
 */
#ifndef FL_SEC_RLWE_DRAW_H
#define FL_SEC_RLWE_DRAW_H

#include <stddef.h>
#include <stdint.h>

#include "priv/noise.h"
#include "sec/rlwe_size.h"

/*
 * X (n), uniform in {-1, 0, 1}: of each byte of the stream below 243, the five digits to the base
 * 3, the lowest first, less one.
 */
void fl_rlwe_draw_ternary(int8_t *x, size_t n, const unsigned char key[FL_STREAM_KEY],
                          uint64_t chunk);

/* X (n), centred binomial: the ones among bits 0 to 20 of a word, less those among 21 to 41. */
void fl_rlwe_draw_error(int8_t *x, size_t n, const unsigned char key[FL_STREAM_KEY],
                        uint64_t chunk);

/*
 * Numbers 2^64 HIGH[i] + LOW[i] (n), uniform from 0 to 2 SIZE->smudging - 1: of fl_noise_start of
 * CHUNK the lowest lambda + 1 bits of two words, and a number below ct times 2^(lambda + 1).
 * BUFFER: FL_NOISE_BUFFER bytes, to be wiped by the caller.
 */
void fl_rlwe_draw_smudging(uint64_t *low, uint64_t *high, size_t n, const struct fl_rlwe_size *size,
                           const unsigned char key[FL_STREAM_KEY], uint64_t chunk,
                           unsigned char buffer[FL_NOISE_BUFFER]);

#endif
