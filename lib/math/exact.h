/*
 * Exact weighted sums of f32 values: no rounding until the one at the end, so that neither the
 * order of the summands nor their grouping changes a bit of the result, or whether there is one.
 *
 * A coordinate is a 256-bit two's-complement integer in units of 2^-189, kept as four 64-bit words,
 * word 0 the lowest. A weight is a multiple of 2^-40, at most 2^40; an f32 is a multiple of 2^-149;
 * so their product is a whole number of units. Words lie apart ("planes"), one array each:
 *
 *     word       0         1         2         3
 *     bits    2^-189    2^-125     2^-61      2^3 .. 2^66
 *
 * A plane that no summand has reached is left out (NULL) and counts as zero, together with all
 * below it: updates of usual sizes with whole weights need words 2 and 3 only, 16 bytes a
 * coordinate.
 *
 * Range: a summand's magnitude, value times weight, is below 2^50, and there are at most 65535
 * summands; then no sum can leave its 256 bits, in whatever order and tree it was made.
 *
 * Source: the long accumulator of Kulisch, Computer Arithmetic and Validity, 2008, per coordinate.
 */
#ifndef FL_MATH_EXACT_H
#define FL_MATH_EXACT_H

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum {
    FL_EXACT_WORDS = 4,
    FL_EXACT_UNIT = -189,       /* exponent of the least significant bit of word 0 */
    FL_EXACT_WEIGHT_UNIT = -40, /* the same of a weight */
    FL_EXACT_TERMS = 65535,     /* summands at most */
    FL_EXACT_BITS = 50          /* a summand is below 2^50 */
};

/*
 * Round RAW to the nearest multiple of 2^-40, ties to even. -1 with an error when RAW is not
 * finite, not above zero (after rounding too), or above 2^40. The double that comes out is exact.
 */
FL_MUST int fl_exact_weight(double raw, double *weight);

/* A sum of weights, exact: (high * 2^64 + low) * 2^-40. A zeroed struct is zero. */
struct fl_exact_total {
    uint64_t low, high;
};
void fl_exact_total_add(struct fl_exact_total *total, double weight); /* one from fl_exact_weight */
void fl_exact_total_merge(struct fl_exact_total *total, const struct fl_exact_total *other);
double fl_exact_total_value(const struct fl_exact_total *total); /* rounded once, to nearest */

/* What a row of values spans. */
struct fl_exact_span {
    uint32_t largest; /* bits of the largest magnitude; 0x7f800000 and above: not finite */
    uint32_t lowest;  /* position of the lowest one bit above 2^-149; UINT32_MAX: all are zero */
};
void fl_exact_span(const float *x, size_t n, struct fl_exact_span *span);

/*
 * The lowest word that these values times WEIGHT reach: 0 to 3, FL_EXACT_WORDS when all are zero,
 * or one of:
 */
enum { FL_EXACT_NOT_FINITE = -1, FL_EXACT_TOO_LARGE = -2 };
FL_MUST int fl_exact_reach(const struct fl_exact_span *span, double weight);

/*
 * word += weight * x.
 *   word    four planes of (n,); those from fl_exact_reach upwards are there
 *   x       (n,) finite and within range, as fl_exact_reach said
 *   weight  from fl_exact_weight
 */
void fl_exact_add(uint64_t *const word[FL_EXACT_WORDS], const float *x, size_t n, double weight);

/*
 * The stored form: (n, FL_EXACT_WORDS - from) little-endian words, the lowest first.
 * Add N of them, each claimed to be the sum of TERMS summands. Planes FROM and above are there. -1
 * (no error recorded) when a value is too large for that many; the planes are then of no use.
 */
FL_MUST int fl_exact_add_stored(uint64_t *const word[FL_EXACT_WORDS], int from,
                                const unsigned char *stored, size_t n, uint64_t terms);
void fl_exact_store(unsigned char *stored, uint64_t *const word[FL_EXACT_WORDS], int from,
                    size_t n);

/* The lowest word, at most 3, that is not zero in all of N coordinates. */
FL_MUST int fl_exact_lowest(uint64_t *const word[FL_EXACT_WORDS], size_t n);

/*
 * mean = word / total, each rounded once to the nearest f32, ties to even; a zero is +0.
 *   mean   (n,)
 *   total  above zero, of at most FL_EXACT_TERMS weights
 */
void fl_exact_mean(float *mean, uint64_t *const word[FL_EXACT_WORDS], size_t n,
                   const struct fl_exact_total *total);

#endif
