/*
 * What trainer.c (steps) and trainer_save.c (the way into a checkpoint and out of it) share.
 */
#ifndef FL_NN_TRAINER_STATE_H
#define FL_NN_TRAINER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"
#include "nn/adamw.h"
#include "nn/checkpoint.h"
#include "nn/dp.h"
#include "nn/order.h"
#include "nn/trainer.h"

/* A training while it runs. */
struct fl_run {
    const struct fl_training *t;
    struct fl_engine *engine;
    struct fl_adamw adamw;
    struct fl_schedule schedule;
    struct fl_order order;
    float *grads;
    uint32_t *x, *y; /* (B,T) */
    uint32_t *start; /* (B,T) of a batch, or NULL: documents are not kept apart */
    float *loss;     /* (B,T) */
    struct fl_checkpoint saved;
    struct fl_dp dp;                  /* where documents are hidden */
    unsigned char run[FL_HASH_BYTES]; /* hash of its key, when the run is finished */
    uint64_t drawn;                   /* documents since row_from */
    double loss_first, loss_last;
    double row_loss; /* sum over the steps since the last row */
    double began, row_began, saved_at, save_cost;
    int64_t step, row_step;
    int64_t row_from; /* ROW_STEP, or where this run began: what tokens/s counts from */
    bool finished;    /* LOSS_LAST is measured */
    const char *busy; /* with what, for who watches */
    double busy_done, busy_part, busy_count;
};

/* Write the checkpoint, and note what that took. 0 or -1. */
FL_MUST int fl_run_save(struct fl_run *r);

/* Is it time to? Often enough, and never more than a twentieth of the time. */
bool fl_run_save_is_due(const struct fl_run *r);

/* Go on from the checkpoint: 1, or 0 when there is none, or -1. */
FL_MUST int fl_run_restore(struct fl_run *r);

#endif
