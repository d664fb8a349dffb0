/*
 * How far two models are from each other, for a party that keeps neither: 256 sums of the
 * parameters with secret random signs. Of each block of 256 parameters, in order, the vector x
 * becomes y = S H R x / 16, with H the Hadamard matrix and R, S rows of random signs, and the sums
 * are those of all y (Alon, Matias, Szegedy 1999; Ailon, Chazelle 2009). The signs are bits of
 * ChaCha20 under a key that the keeper never shows, so nobody can choose a model that looks near
 * or far to it. Whatever the difference d of two models is, if it was chosen without the key: the
 * square of the distance of their sketches is |d|^2 in the mean, with a standard deviation of at
 * most sqrt(2 / 256) of it, since signs of different blocks are independent and H R spreads each
 * block evenly; for one block it is exact. No access to memory depends on the key.
 */
#ifndef FL_SEC_SKETCH_H
#define FL_SEC_SKETCH_H

#include "base/must.h"
#include "flt/object.h"
#include "sec/plan.h"

enum { FL_SKETCH_SUMS = 256, FL_SKETCH_KEY = 32 };

struct fl_sketch {
    double sum[FL_SKETCH_SUMS];
};

/*
 * The sketch of MODEL's float tensors f32, f16 and bf16, in their order, under KEY. Reads all of it
 * once, in fixed memory. -1 with an error when a payload is damaged. (Sums are in the order of the
 * tensors: the same machine gives the same bytes; a keeper compares with its own sketches only.)
 */
FL_MUST int fl_sketch_make(struct fl_sketch *s, struct fl_object *model,
                           const unsigned char key[FL_SKETCH_KEY]);

/* The L2 distance of the two models, as far as their sketches tell. */
double fl_sketch_distance(const struct fl_sketch *a, const struct fl_sketch *b);

/*
 * Below this distance two models are near: move * sqrt(sum over trained coordinates of clip^2), the
 * size of an update all of whose values are a share MOVE of the clip.
 */
double fl_sketch_edge(const struct fl_plan *plan);

#endif
