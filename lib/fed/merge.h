/*
 * A model with its adapter merged into it: W' = W + s B A for every adapted map, each value rounded
 * once to the dtype that W has. Of a model in blocks of 8 bits (q8_0) all of these become f32,
 * which holds what they are exactly: in blocks again, most of an adapter's small changes would be
 * rounded away. Source: Hu et al. 2021, section 4.1.
 */
#ifndef FL_FED_MERGE_H
#define FL_FED_MERGE_H

#include "base/must.h"
#include "flt/object.h"
#include "flt/writer.h"
#include "os/pool.h"
#include "os/progress.h"

/*
 * Write MODEL so, a whole object: its other tensors as they are, its metadata with the round of
 * ADAPTER and "parent", the digest of MODEL. -1: FL_REFUSED when the adapter belongs to another
 * model; FL_FAILED when it does not fit, or a value is not finite. POOL and PROGRESS (of bytes) may
 * be NULL. The same bytes for any number of threads. Memory: A and B of the largest map in f32.
 */
FL_MUST int fl_merge(struct fl_object *model, struct fl_object *adapter, struct fl_pool *pool,
                     struct fl_progress *progress, struct fl_writer *out);

#endif
