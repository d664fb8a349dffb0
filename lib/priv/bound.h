/*
 * How long a site's update can be as whole numbers, and the noise that hides it (fl-protocol(7),
 * NOISE). Everything is whole numbers and the decimal numbers that people wrote, so that all
 * parties compute the same: no double decides.
 *
 *     c     = C * scale           scale: of the finest part;  r = scale / scale of a part
 *     D     = sum of d r^2        d: the coordinates of a part
 *     B2    = floor(min(c^2 + D/4 + c + sqrt(D)/2, (c + sqrt(D))^2))
 *     sigma = least whole number with sigma^2 >= z^2 B2
 *     of a part: sigma_t = ceil(sigma / r), T_t = ceil(sqrt(2 m sigma_t^2 ln(2^41 d of all)))
 *     no wrap: n ceil(clip scale_t) + T_t <= 2^(bits - 1) - 1
 */
#ifndef FL_PRIV_BOUND_H
#define FL_PRIV_BOUND_H

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "math/big.h"

/* A number as people write it: MANTISSA * 10^-PLACES. */
struct fl_decimal {
    uint64_t mantissa; /* below 10^15 */
    unsigned places;   /* 0 to 15 */
};

/*
 * "0.5", "12", "1e-3": at most 15 digits and 15 places, above zero, below 10^15. -1 (FL_USAGE) with
 * an error that quotes it.
 */
FL_MUST int fl_decimal_parse(const char *text, struct fl_decimal *x);
double fl_decimal_f64(const struct fl_decimal *x);

/* The one way to write X, which fl_decimal_parse reads: "0.5", "12000". Returns TEXT. */
enum { FL_DECIMAL_TEXT = 40 };
const char *fl_decimal_print(const struct fl_decimal *x, char text[FL_DECIMAL_TEXT]);

/* Coordinates that travel in one way: all tensors under one rule. */
struct fl_bound_part {
    unsigned bits; /* of a lane */
    double clip;   /* of a coordinate */
    uint64_t d;    /* how many; 0: the part is left out of account */
    double scale;  /* a power of two: in, the largest without noise; out, that with noise */
    /* out: */
    unsigned shift; /* r = 2^shift */
    uint32_t sigma; /* of each helper's noise */
    uint64_t reach; /* T: the noise of all helpers is beyond it once in 2^40 rounds */
};

struct fl_bound {
    struct fl_decimal clip, multiplier; /* C, z */
    size_t n, m;                        /* sites, helpers */
    struct fl_bound_part *parts;
    size_t count;
    /* out: */
    uint64_t d;
    double scale; /* of the finest part */
    fl_u128 D, B2;
    uint32_t sigma;
};

/*
 * Fill what is out. Scales are halved until no part wraps, noise included. -1 (FL_USAGE) with the
 * numbers that would do when sigma is not from 2 to 2^31 - 1, or no scale is left.
 */
FL_MUST int fl_bound_compute(struct fl_bound *b);

/* B2 for c = CLIP * SCALE, a power of two up to 2^60, and D below 2^100; FL_U128_MAX: too much. */
fl_u128 fl_bound_square(const struct fl_decimal *clip, double scale, fl_u128 D);

/* The least sigma with sigma^2 >= z^2 B2; 2^32 when it is 2^31 or more. */
uint64_t fl_bound_sigma(const struct fl_decimal *multiplier, fl_u128 B2);

/* T for SIGMA of each of M helpers and D coordinates in all. */
uint64_t fl_bound_reach(uint64_t sigma, size_t m, uint64_t d);

/* Add the squares of N numbers, each times r^2 = 4^SHIFT, to SUM; FL_U128_MAX: that or more. */
fl_u128 fl_bound_add(fl_u128 sum, const int64_t *x, size_t n, unsigned shift);

/* B / c: what rounding to whole numbers adds to the longest update. */
double fl_bound_price(const struct fl_bound *b);

/* How long the noise of the mean of N sites is beside the longest update of one, C. */
double fl_bound_noise_length(const struct fl_bound *b, size_t n);

#endif
