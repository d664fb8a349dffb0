/*
 * What a training needs to go on where it was: a stream of kind "checkpoint".
 *
 *   identity   metadata that must agree when it is read back: base (digest of the base model),
 *              shards (list of digests in hex), set.* (every setting that changes a byte)
 *   progress   metadata that is read back: step, sums, losses
 *   tensors    weights/NAME, m/NAME, v/NAME of what is trained: the model's numbers, f32 whatever
 *              its file has, and the moments of AdamW
 *
 * It is written beside its name, flushed and renamed: whenever a run dies, even by kill -9 or with
 * the machine, the file is the last one that was written whole.
 */
#ifndef FL_NN_CHECKPOINT_H
#define FL_NN_CHECKPOINT_H

#include <stdbool.h>

#include "base/must.h"
#include "flt/meta.h"
#include "nn/model.h"

struct fl_checkpoint {
    const char *path; /* borrowed, and so are model and arrays */
    struct fl_meta identity;
    struct fl_meta progress;      /* fl_checkpoint_read replaces it */
    const struct fl_model *model; /* its trained numbers are part of the state */
    float *m, *v;                 /* over the trained parameters */
    bool secret;                  /* the file is of mode 0600 */
};

/* Replace the file at C->path by this state. */
FL_MUST int fl_checkpoint_write(struct fl_checkpoint *c);

/* The bytes of that file; the arrays are not looked at. 0 or -1. */
FL_MUST int fl_checkpoint_bytes(const struct fl_checkpoint *c, uint64_t *bytes);

/*
 * Read the state back into PROGRESS and the arrays. Returns 1; 0 when there is no such file
 * (nothing is changed); -1 when it is damaged, and -1 with FL_REFUSED when it belongs to another
 * identity (the message names what differs). The arrays are not to be used after -1.
 */
FL_MUST int fl_checkpoint_read(struct fl_checkpoint *c);

/* Frees both metadata. */
void fl_checkpoint_release(struct fl_checkpoint *c);

#endif
