/*
 * Whole numbers of 128 bits, which the compiler has, and of 640, for comparing and dividing
 * products of them exactly. Not fast: for few numbers, not for tensors.
 */
#ifndef FL_MATH_BIG_H
#define FL_MATH_BIG_H

#include <stdint.h>

#include "base/must.h"

__extension__ typedef unsigned __int128 fl_u128;

#define FL_U128_MAX (~(fl_u128)0)

enum { FL_BIG_WORDS = 20 };

struct fl_big { /* words from the lowest */
    uint32_t word[FL_BIG_WORDS];
};

struct fl_big fl_big_of(fl_u128 x);

/* Sum and product; what does not fit into 640 bits is cut off: callers bound what they give. */
struct fl_big fl_big_add(const struct fl_big *a, const struct fl_big *b);
struct fl_big fl_big_mul(const struct fl_big *a, const struct fl_big *b);

/* a - b, for a not below b. */
struct fl_big fl_big_sub(const struct fl_big *a, const struct fl_big *b);

/* Divide *A in place, by at least 1. Returns what remained. */
uint32_t fl_big_divide(struct fl_big *a, uint32_t by);

/* Below, at or above zero as a is below, equal to or above b. */
FL_MUST int fl_big_compare(const struct fl_big *a, const struct fl_big *b);

/* a * b or a + b, FL_U128_MAX where that is more. */
fl_u128 fl_u128_mul(fl_u128 a, fl_u128 b);
fl_u128 fl_u128_add(fl_u128 a, fl_u128 b);

#endif
