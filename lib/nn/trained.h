/*
 * What a training hands on: the update, new minus base, bound to the base by its digest.
 */
#ifndef FL_NN_TRAINED_H
#define FL_NN_TRAINED_H

#include "base/must.h"
#include "flt/writer.h"
#include "nn/data.h"
#include "nn/model.h"
#include "nn/trainer.h"

struct fl_trained {
    const struct fl_training *training; /* its model holds the new weights */
    const struct fl_train_result *result;
    struct fl_object *base;     /* the file that what is trained was loaded from */
    const char *site;           /* or NULL */
    struct fl_object *beside;   /* where BASE is an adapter: its model; or NULL */
    const unsigned char *entry; /* hash of the line of a ledger that paid for it (32), or NULL */
};

/*
 * Write the update: the trained tensors in the model's order, f32; metadata base, base.params,
 * base.round, site, examples (documents), tokens (of the shards), tokens.seen, steps, loss.first,
 * loss.last; where documents are hidden, dp.unit, dp.clip, dp.noise, dp.rate, dp.steps and dp.entry
 * instead of the last five, which are exact figures of the data. Memory: one array over the trained
 * parameters.
 */
FL_MUST int fl_trained_write(const struct fl_trained *t, struct fl_writer *w);

/* The bytes of it, uncompressed; t->result may be NULL. 0 or -1. */
FL_MUST int fl_trained_bytes(const struct fl_trained *t, uint64_t *bytes);

#endif
