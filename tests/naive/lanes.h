/* Lanes of words one after another, and encoding by whole numbers: the slow twin of sec/mask.h and
 * fed/encode.h. */
#ifndef FL_NAIVE_LANES_H
#define FL_NAIVE_LANES_H

#include <stddef.h>
#include <stdint.h>

/* X + SIGN * Y in every lane of BITS bits; what is above the lanes is zero. */
uint64_t naive_lanes_add(unsigned bits, uint64_t x, uint64_t y, int sign);

/* Put VALUE into lane I of words of such lanes, and get it as a signed number. */
void naive_lanes_put(unsigned bits, uint64_t *words, size_t i, int64_t value);
int64_t naive_lanes_get(unsigned bits, const uint64_t *words, size_t i);

/*
 * The whole number nearest to clip(u, +-clip) * q / 2^40 * scale, ties to even, NaN 0: computed
 * from the product, in one double, without a rounding function.
 */
int64_t naive_encode(float u, double clip, double scale, uint64_t q);

/* The largest power of two SCALE with n * ceil(clip * scale) <= 2^(bits-1) - 1; 0: none. */
double naive_scale(size_t n, unsigned bits, double clip);

#endif
