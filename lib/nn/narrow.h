/*
 * The matrices of a model in bf16, for products of bf16: copies of those that are not bf16 in
 * memory, of the trained ones as they were when they were copied. All else is as it is.
 */
#ifndef FL_NN_NARROW_H
#define FL_NN_NARROW_H

#include "nn/model.h"
#include "os/pool.h"

struct fl_narrow {
    const struct fl_layout *layout; /* borrowed */
    struct fl_stored *stored;       /* (layout->count,): what products are given as weights */
    uint16_t *copies;               /* borrowed */
    bool filled;                    /* once, so that what is frozen is there */
};

/* Numbers of all copies, of M's dtypes. */
uint64_t fl_narrow_size(const struct fl_model *m);

/* COPIES has room for so many. -1 with an error. */
FL_MUST int fl_narrow_start(struct fl_narrow *n, const struct fl_model *m, uint16_t *copies);
void fl_narrow_release(struct fl_narrow *n);

/* Copy what WEIGHTS, of M's dtypes, has now, rounded to nearest, in tasks of POOL. */
void fl_narrow_fill(struct fl_narrow *n, const struct fl_stored *weights, struct fl_pool *pool);

#endif
