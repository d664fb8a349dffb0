/*
 * The training of one site: AdamW on windows of its tokens, from the base model's weights on.
 *
 * Where documents are hidden, steps are those of nn/dp.h, by a secret key of the run, which the
 * checkpoint holds (mode 0600) until the last one, and nothing of the data ends the training.
 *
 * Else the result depends on base, data and recipe alone: not on the number of threads, on
 * validation, on where it was interrupted and started again from its checkpoint, or on the clock.
 */
#ifndef FL_NN_TRAINER_H
#define FL_NN_TRAINER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"
#include "conf/recipe.h"
#include "nn/data.h"
#include "nn/documents.h"
#include "nn/engine.h"

enum {
    FL_SAMPLE_WINDOWS = 32, /* at most, on which loss.first and loss.last are measured */
    FL_VALID_WINDOWS = 256  /* at most, of the validation shards */
};

/* One line of a report. */
struct fl_train_row {
    int64_t step;    /* steps done */
    double loss;     /* mean over the steps since the row before, of the weights before each */
    double lr, norm; /* of the last of them; the norm before clipping */
    double tokens_per_second, seconds; /* since the row before; since this run began */
    double valid;                      /* validation loss; NAN when it was not measured */
};

struct fl_training {
    struct fl_model *model; /* the base's weights before, the trained ones after: f32 where they
                               are trained (fl_model_to_train) */
    struct fl_pool *pool;
    const struct fl_data *data, *valid;   /* VALID may be NULL */
    const struct fl_documents *documents; /* those of DATA, where each is hidden by noise (nn/dp.h)
                                             as the recipe's dp_* say; else NULL */
    struct fl_recipe recipe;              /* complete (fl_settings_fill) */
    unsigned char base[FL_HASH_BYTES];    /* digest of the base model */
    unsigned char params[FL_HASH_BYTES];  /* and of its numbers alone (fl_object_params) */
    bool recompute;                       /* FL_ENGINE_RECOMPUTE: the same result in less memory */
    const char *checkpoint;               /* file, or NULL */
    double checkpoint_every;              /* seconds */
    int64_t report_every;                 /* steps between rows */
    int64_t valid_every; /* rows between validations, beside the first and last; 0: none */

    /* Called with ARG; each may be NULL. A row that cannot be written (-1) ends the training. */
    void (*begin)(void *arg, int64_t step);             /* where it starts: 0, or a checkpoint's */
    void (*step)(void *arg, int64_t step, double loss); /* after each */
    /* within what may take long, a step ("") or WHAT, with its share that is done; below 0: unknown
     */
    void (*busy)(void *arg, const char *what, double share);
    int (*row)(void *arg, const struct fl_train_row *row);
    void *arg;
};

struct fl_train_result {
    double loss_first, loss_last; /* of base and trained weights on the same windows; 0 where
                                     documents are hidden, of which they would tell */
    int stopped;                  /* by this signal (os/stop.h), its state saved; 0: it is done */
    unsigned char run[FL_HASH_BYTES]; /* where documents are hidden: a hash of the run's key, by
                                         which it is known when it is done; else zeros */
};

/*
 * Train. When a signal arrives, the step at hand is finished and the checkpoint written. -1 when a
 * loss or a gradient is not finite: the checkpoint is then of before. A checkpoint of another base,
 * other shards or another recipe is FL_REFUSED.
 */
FL_MUST int fl_train(const struct fl_training *t, struct fl_train_result *result);

/*
 * Is T's checkpoint one of a training that hides documents and is done? 1, and RUN as in the
 * result; 0: not so, or there is none; -1 with an error. Reads its head only.
 */
FL_MUST int fl_train_was_done(const struct fl_training *t, unsigned char run[FL_HASH_BYTES]);

/* What parts of a training take, in seconds. */
struct fl_train_probe {
    double gradient;  /* of one batch: losses and gradients */
    double optimizer; /* norm of the gradients and step of the weights */
    double loss;      /* of one batch: losses alone */
    uint64_t windows; /* that were read */
};

/*
 * Train for about so many SECONDS, at least one batch and at most one step more than the training
 * has, in the memory of a whole training, and forget it but for how long it took: no file is
 * written, but the weights of t->model are not the base's any more. -1 as by fl_train.
 */
FL_MUST int fl_train_probe(const struct fl_training *t, double seconds,
                           struct fl_train_probe *probe);

/* The bytes of a checkpoint. 0 or -1. */
FL_MUST int fl_train_checkpoint_bytes(const struct fl_training *t, uint64_t *bytes);

#endif
