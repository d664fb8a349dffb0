/*
 * Slow twin of math/exact: one count for every power of two, schoolbook division by bits.
 */
#ifndef NAIVE_EXACT_H
#define NAIVE_EXACT_H

#include <stdint.h>

enum { NAIVE_BITS = 400 };

struct naive_sum {
    int64_t count[NAIVE_BITS];  /* of 2^(i-189); any sign */
    int64_t weight[NAIVE_BITS]; /* of 2^(i-40) */
};

void naive_sum_add(struct naive_sum *s, float x, double weight); /* s zeroed at first */
float naive_sum_mean(const struct naive_sum *s);

#endif
