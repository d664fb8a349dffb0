/*
 * What the forms of the transform (math/ntt.h) share: tables of roots, and multiplication by a
 * number whose quotient is known.
 */
#ifndef FL_MATH_NTT_TABLE_H
#define FL_MATH_NTT_TABLE_H

#include <stdint.h>

#include "math/big.h"
#include "math/ntt.h"

/*
 * Powers of the root, (n) each: number m + i is that by which block i of the m blocks of a layer is
 * turned, root^(the bits of m + i reversed); of the inverse, its reciprocal. Number 0 is 1 / n. A
 * quotient is floor(number 2^64 / p).
 */
struct fl_ntt_table {
    uint64_t *roots, *quotients;
    uint64_t *back_roots, *back_quotients;
};

/*
 * The transforms in one form each, for numbers as fl_ntt_forward and fl_ntt_inverse have them. The
 * faster ones run where fl_ntt_has says so; elsewhere they are the plain ones.
 */
void fl_ntt_forward_plain(const struct fl_ntt *ntt, uint64_t *x);
void fl_ntt_back_plain(const struct fl_ntt *ntt, uint64_t *x);
void fl_ntt_forward_avx2(const struct fl_ntt *ntt, uint64_t *x);
void fl_ntt_back_avx2(const struct fl_ntt *ntt, uint64_t *x);
void fl_ntt_forward_avx512(const struct fl_ntt *ntt, uint64_t *x);
void fl_ntt_back_avx512(const struct fl_ntt *ntt, uint64_t *x);

/* a w modulo p, plus p or nothing; A is any number, QUOTIENT that of W < p. Source: Shoup. */
static inline uint64_t
fl_ntt_times(uint64_t a, uint64_t w, uint64_t quotient, uint64_t p)
{
    return a * w - (uint64_t)((fl_u128)a * quotient >> 64) * p;
}

/* X, less M unless that is negative, without a branch; x - m and m below 2^63. */
static inline uint64_t
fl_ntt_less(uint64_t x, uint64_t m)
{
    uint64_t d = x - m;

    return d + (m & (uint64_t)((int64_t)d >> 63));
}

/* P with its top bit moved to the top of a word, and floor((2^128 - 1) / that) - 2^64. */
struct fl_ntt_divisor {
    uint64_t d, reciprocal;
    unsigned shift;
};

struct fl_ntt_divisor fl_ntt_divisor(uint64_t p);

/*
 * floor(w 2^64 / p) for w below p, in the same steps for all w.
 * Source: Moeller, Granlund 2011, "Improved division by invariant integers", algorithm 4.
 */
static inline uint64_t
fl_ntt_quotient(uint64_t w, const struct fl_ntt_divisor *by)
{
    uint64_t high = w << by->shift;
    fl_u128 product = (fl_u128)by->reciprocal * high + ((fl_u128)high << 64);
    uint64_t quotient = (uint64_t)(product >> 64) + 1, rest = -quotient * by->d;
    uint64_t over = -(uint64_t)(rest > (uint64_t)product);

    quotient += over;
    rest += over & by->d;
    return quotient + (uint64_t)(rest >= by->d);
}

/* x^e and a b modulo p, for x, a, b below p. Not in constant time. */
uint64_t fl_ntt_power(uint64_t x, uint64_t e, uint64_t p);
uint64_t fl_ntt_product(uint64_t a, uint64_t b, uint64_t p);

#endif
