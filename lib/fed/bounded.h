/*
 * A site's update as whole numbers that are not longer than a bound (fl-protocol(7), NOISE): cut,
 * shortened, rounded, and checked as whole numbers, since what the noise of helpers hides is these
 * and not the update. The bound holds for all tensors together, each in its own steps.
 *
 *     attempt 0            f cut(u) scale, to nearest
 *     attempts 1 to 64     up or down by chance, in the mean the same: by a secret key
 *     attempt 65           toward zero, which cannot be too long but by what doubles round
 *     after that           zeros
 */
#ifndef FL_FED_BOUNDED_H
#define FL_FED_BOUNDED_H

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "crypt/chacha.h"
#include "priv/bound.h"

enum { FL_BOUNDED_CHUNK = 8192, FL_BOUNDED_TRIES = 64, FL_BOUNDED_ZEROS = FL_BOUNDED_TRIES + 2 };

struct fl_bounded_part { /* a tensor */
    double clip, scale;  /* the scale a power of two */
    unsigned shift;      /* of the finest scale over this one: r = 2^shift */
    uint64_t elements;
};

struct fl_bounded {
    const struct fl_bounded_part *parts; /* (count) at most 2^16, of at most 2^40 elements */
    size_t count;
    double clip;                      /* C: of the whole update's length */
    fl_u128 B2;                       /* of its whole numbers, in the finest steps */
    unsigned char key[FL_STREAM_KEY]; /* of the rounding; secret, of this update alone */

    /* Values AT and following, N, of part I into VALUES. 0, or -1 with an error. */
    int (*read)(void *arg, size_t i, uint64_t at, size_t n, float *values);
    void *arg;

    /* out, of fl_bounded_fit: */
    double norm, factor; /* of the cut update; f */
    unsigned attempt;    /* that was within the bound; FL_BOUNDED_ZEROS: none was */
};

/*
 * Find the factor and the first attempt within the bound: reads the update twice, and once more for
 * each attempt that was too long. 0, or -1 when reading failed.
 */
FL_MUST int fl_bounded_fit(struct fl_bounded *b);

/*
 * The whole numbers of N values (at most FL_BOUNDED_CHUNK) of part I from AT on, as the attempt
 * that b->attempt says makes them, wherever they are cut into pieces; NaN is zero.
 */
void fl_bounded_round(const struct fl_bounded *b, size_t i, uint64_t at, const float *values,
                      size_t n, int64_t *x);

#endif
