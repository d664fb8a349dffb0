/*
 * How far two models are from each other, for a party that keeps neither: 256 sums of the
 * parameters with secret random signs (Alon, Matias, Szegedy 1999; Charikar, Chen, Farach-Colton
 * 2002). Each parameter goes, in order, into one of the sums by 9 bits of ChaCha20 under a key that
 * the keeper never shows, so nobody can choose a model that looks near or far to it. The distance
 * of two sketches is that of the models to about a sixteenth: standard deviation sqrt(2 / 256) of
 * its square.
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
