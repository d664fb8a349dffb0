/*
 * The number-theoretic transform with which polynomials modulo X^n + 1 and a prime are multiplied.
 *
 * A polynomial is the array of its n coefficients, that of X^0 first; its transform are its values
 * at the odd powers of a primitive 2n-th root of unity, in an order of our own: it goes into no
 * file. Time depends on n and the form alone, not on the values, so secrets may be transformed.
 */
#ifndef FL_MATH_NTT_H
#define FL_MATH_NTT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

/* Of a prime, at most; and of one, and the least n, for which there are faster forms. */
enum { FL_NTT_BITS = 61, FL_NTT_FAST_BITS = 53, FL_NTT_FAST_LEAST = 64 };

/* All give the same numbers. */
enum fl_ntt_form { FL_NTT_PLAIN, FL_NTT_AVX2, FL_NTT_AVX512, FL_NTT_FORMS };

/* The tables of one n and p; fl_ntt_release it. Any number of threads may use them. */
struct fl_ntt {
    size_t n;              /* a power of two, at least 2 */
    uint64_t p;            /* a prime = 1 modulo 2n, below 2^FL_NTT_BITS */
    uint64_t root;         /* the least of the primitive 2n-th roots of unity modulo p */
    enum fl_ntt_form form; /* the fastest one here; a test may set another that the machine has */
    struct fl_ntt_table *table; /* math/ntt_table.h */
};

/* Whether this processor has the form for N and P: the fast ones are for n of 64 or more. */
bool fl_ntt_has(enum fl_ntt_form form, size_t n, uint64_t p);

/*
 * -1 when there is no memory, or (FL_USAGE) when n or p is not as above: that p is prime is not
 * tried out, but that it has a 2n-th root is. 64 n bytes; about 100 n products.
 */
FL_MUST int fl_ntt_init(struct fl_ntt *ntt, size_t n, uint64_t p);
void fl_ntt_release(struct fl_ntt *ntt);

/*
 * Transform X (n), numbers below p, in place, and back: numbers below p again. fl_ntt_inverse
 * undoes fl_ntt_forward. n log2(n) / 2 products each; at n 8192 about 65 us in plain C.
 * Source: Harvey 2014, "Faster arithmetic for number-theoretic transforms"; Shoup's quotients.
 */
void fl_ntt_forward(const struct fl_ntt *ntt, uint64_t *x);
void fl_ntt_inverse(const struct fl_ntt *ntt, uint64_t *x);

/*
 * A transform by which others are multiplied: QUOTIENTS (n) of B (n), once. Then OUT[i] = A[i] B[i]
 * modulo p, for numbers below p; OUT may be A. The product of the transforms of two polynomials is
 * the transform of their product modulo X^n + 1.
 */
void fl_ntt_quotients(const struct fl_ntt *ntt, uint64_t *quotients, const uint64_t *b);
void fl_ntt_multiply(const struct fl_ntt *ntt, uint64_t *out, const uint64_t *a, const uint64_t *b,
                     const uint64_t *quotients);

#endif
