/*
 * What a training needs to go on where it was: a stream of kind "checkpoint".
 *
 *   identity   metadata that must agree when it is read back: base (digest of the base model), shards
 *              (list of digests in hex), set.* (every setting that changes a byte of the result)
 *   progress   metadata that is read back: step, sums, losses
 *   tensors    f32, "weights/NAME", "adam.m/NAME", "adam.v/NAME"
 *
 * It is written beside its name, flushed and renamed: whenever a run dies, even by kill -9 or with
 * the machine, the file is the last one that was written whole.
 */
#ifndef FL_NN_CHECKPOINT_H
#define FL_NN_CHECKPOINT_H

#include "flt/format.h"

/* One tensor that a checkpoint holds; all borrowed. */
struct fl_checkpoint_part {
    const char *group; /* "weights" */
    const char *name;
    unsigned rank;
    const uint64_t *dims;
    float *data;
};

struct fl_checkpoint {
    const char *path;
    struct fl_meta identity;
    struct fl_meta progress; /* fl_checkpoint_read replaces it */
    struct fl_checkpoint_part *parts;
    size_t count;
};

/* Replace the file at C->path by this state. */
int fl_checkpoint_write(const struct fl_checkpoint *c);

/*
 * Read the state back into PROGRESS and the parts' data. Returns 1; 0 when there is no such file
 * (nothing is changed); -1 when it is damaged, and -1 with FL_REFUSED when it belongs to another
 * identity (the message names what differs). The parts' data is not to be used after -1.
 */
int fl_checkpoint_read(struct fl_checkpoint *c);

/* Frees both metadata and the array of parts, not their data. */
void fl_checkpoint_release(struct fl_checkpoint *c);

#endif
