/*
 * Slow twins of math/ntt and sec/rlwe: products modulo X^n + 1 by the schoolbook, and opening by
 * whole numbers of 640 bits, for any n and q below 2^256.
 */
#ifndef NAIVE_RLWE_H
#define NAIVE_RLWE_H

#include <stddef.h>
#include <stdint.h>

#include "math/big.h"

/* OUT = A B modulo X^n + 1 and P; numbers below p < 2^61. O(n^2). */
void naive_negacyclic(uint64_t *out, const uint64_t *a, const uint64_t *b, size_t n, uint64_t p);

/* The same with B in {-1, 0, 1} and numbers below Q; OUT (n) is apart from A. */
void naive_times_ternary(struct fl_big *out, const struct fl_big *a, const int8_t *b, size_t n,
                         const struct fl_big *q);

/* A + B and A - B modulo Q, of numbers below q. */
struct fl_big naive_add(const struct fl_big *a, const struct fl_big *b, const struct fl_big *q);
struct fl_big naive_sub(const struct fl_big *a, const struct fl_big *b, const struct fl_big *q);

/* floor(A / B) and what is left. */
struct fl_big naive_divide(const struct fl_big *a, const struct fl_big *b, struct fl_big *rest);

/* Of a decimal number. */
struct fl_big naive_decimal(const char *digits);

/* round(T V / Q) mod T, halves up. */
struct fl_big naive_open(const struct fl_big *v, const struct fl_big *t, const struct fl_big *q);

#endif
