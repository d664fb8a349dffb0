/*
 * Random numbers for everything but secrets: counter based, so that any number of a sequence can be
 * had without those before it, and the same on every machine (integers, and + - * / sqrt in a fixed
 * order; nothing of libm).
 *
 * Source: Philox4x32-10, Salmon, Moraes, Dror, Shaw: Parallel random numbers, as easy as 1, 2, 3
 * (SC 2011).
 */
#ifndef FL_MATH_RANDOM_H
#define FL_MATH_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* One block: 128 random bits from a counter under a key. */
void fl_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* 64 random bits: number I of sequence SEQUENCE of SEED. */
uint64_t fl_random_at(uint64_t seed, uint64_t sequence, uint64_t i);

/*
 * A place in a sequence. Fill it in (next = 0 for the start), copy it, store it: that is all its
 * state. Sequences are for separate uses of one seed: name them in one enum of the program.
 */
struct fl_random {
    uint64_t seed, sequence, next;
};

uint64_t fl_random_u64(struct fl_random *r);               /* the next number of the sequence */
uint64_t fl_random_below(struct fl_random *r, uint64_t n); /* unbiased, 0..n-1; n > 0 */
double fl_random_unit(struct fl_random *r);                /* [0, 1), a multiple of 2^-53 */

/*
 * x[i] = std * z, z standard normal from number FIRST + i of the sequence alone: a part of the
 * array, or another order, gives the same values.
 *   x  (n,) out
 */
void fl_random_normal(uint64_t seed, uint64_t sequence, uint64_t first, float *x, size_t n,
                      double std);

/*
 * The inverse of the standard normal distribution function, 0 < p < 1; relative error below 1e-15.
 * Source: Wichura 1988, Applied Statistics 37, AS 241 (PPND16).
 */
double fl_normal_quantile(double p);

#endif
