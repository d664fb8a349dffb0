/*
 * What a training will take, before it is begun: time, memory, and room on disks.
 */
#ifndef FL_NN_COST_H
#define FL_NN_COST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"
#include "cli/report.h"
#include "nn/trained.h"

/* Bytes of memory at the peak; TOTAL is the sum of the parts. */
struct fl_cost_memory {
    uint64_t weights;            /* f32 where they are trained, else as they are stored */
    uint64_t gradients, moments; /* arrays over what is trained: 1 and 2 */
    uint64_t activations;        /* the engine's workspace, and a batch */
    uint64_t files;   /* mapped pages of shards, which the system takes back where it must */
    uint64_t program; /* code, libraries with their buffers, tables, tokenizer */
    uint64_t total;
    uint64_t kept, recomputed; /* TOTAL when activations are kept, and when they are not */
    int64_t available;         /* now; -1: the system does not say */
    bool lacking;              /* TOTAL is known to be more */
};

/*
 * Bytes on disks, uncompressed; SUM of the parts. While a checkpoint is replaced the old and the
 * new one are there, but then the update and what follows it are not yet.
 */
struct fl_cost_disk {
    uint64_t model, adapter; /* the second 0 where the model itself is trained */
    uint64_t update;
    uint64_t checkpoint; /* 0: none is written */
    uint64_t upload;     /* fl-mask's, in lanes of 32 bits */
    uint64_t kept;       /* uploads in the state of a key: five, while the fifth is made */
    uint64_t sum;
    int64_t output_free, checkpoint_free; /* where these go; -1: no file, or not known */
};

struct fl_cost {
    uint64_t windows; /* of one epoch */
    uint64_t tokens;  /* seen in all steps */
    double flops;     /* of all steps, as fl_config_train_flops counts them */
    struct fl_cost_memory memory;
    struct fl_cost_disk disk;
    double step_seconds, seconds; /* of a step, and of all; NaN until fl_cost_probe */
};

/*
 * For a training whose inputs are open, whose recipe is complete (fl_settings_fill) and whose
 * result is not there: in W it is not looked at. OUTPUT names the update's file (NULL: none). 0, or
 * -1 when sizes overflow.
 */
FL_MUST int fl_cost(const struct fl_trained *w, const char *output, struct fl_cost *cost);

/*
 * The same; and where the training, which is T, would lack memory and recomputing activations
 * (t->recompute) takes less, it is told to, and that is what is counted.
 */
FL_MUST int fl_cost_choose(struct fl_training *t, const struct fl_trained *w, const char *output,
                           struct fl_cost *cost);

/*
 * Measure the time by the real computation, for about a second or as many steps as the training
 * has, at the number of threads of the training (fl_train_probe). The model's numbers are in
 * memory, and not the base's afterwards. Writing checkpoints is not in it: at most a twentieth
 * more. 0 or -1.
 */
FL_MUST int fl_cost_probe(const struct fl_training *t, struct fl_cost *cost);

/* All of it as a record; see fl-train(1). */
void fl_cost_report(const struct fl_training *t, const struct fl_cost *cost, struct fl_report *r);

#endif
