/*
 * How many lanes a coefficient of a ciphertext holds, and how large the noise is that hides the
 * helpers' secrets. Whole numbers throughout: all parties compute the same from the roster.
 *
 *     ct       = ceil(9.6 * 3.24 * sqrt(S (1 + 4 N K / 3)))  the noise of S ciphertexts under a key
 *                of K helpers is beyond it with probability 2^-69 a coefficient
 *     lambda   = 40 + ceil(log2(coefficients that the round opens))
 *     smudging = 2^lambda ct, of each helper's share
 *     t        = 2^(bits * slots)
 *     no wrap:   2 t (ct + K smudging + S) < q
 */
#ifndef FL_SEC_RLWE_SIZE_H
#define FL_SEC_RLWE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "math/big.h"

enum { FL_RLWE_MESSAGE_BITS = 192, FL_RLWE_SITES = 2047, FL_RLWE_HELPERS = 255 }; /* at most */

/* Lane j of coefficient i holds value i * slots + j; bits * slots <= FL_RLWE_MESSAGE_BITS. */
struct fl_rlwe_lanes {
    unsigned bits;  /* of a lane, sums included: 2 to 62 */
    unsigned slots; /* lanes of a coefficient, at least 1 */
};

/* Values of one ciphertext: 8192 * slots. */
uint64_t fl_rlwe_capacity(const struct fl_rlwe_lanes *lanes);

/* Coordinates that are encrypted with lanes of one width, in ciphertexts of their own. */
struct fl_rlwe_part {
    uint64_t coordinates;
    struct fl_rlwe_lanes lanes; /* in: bits; out: slots */
    uint64_t ciphertexts;       /* out */
};

struct fl_rlwe_size {
    size_t sites, helpers; /* S, K: all of the roster, whoever takes part */
    struct fl_rlwe_part *parts;
    size_t count;
    /* out: */
    uint64_t noise; /* ct */
    unsigned lambda;
    fl_u128 smudging;
};

/*
 * Fill what is out: the least lambda that covers all coefficients of all parts, with as many slots
 * as then fit. -1 (FL_USAGE) with what would be right when S, K or a width is out of range, or not
 * even one lane fits.
 */
FL_MUST int fl_rlwe_fit(struct fl_rlwe_size *size);

/* Whether lanes of that width and number fit at this lambda (the condition above, exactly). */
bool fl_rlwe_fits(const struct fl_rlwe_size *size, const struct fl_rlwe_lanes *lanes,
                  unsigned lambda);

#endif
