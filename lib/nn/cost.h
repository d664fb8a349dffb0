/*
 * What a training will take, before it is begun.
 */
#ifndef FL_NN_COST_H
#define FL_NN_COST_H

#include <stdbool.h>
#include <stdint.h>

#include "nn/trainer.h"

struct fl_cost {
    uint64_t windows; /* of one epoch */
    uint64_t tokens;  /* seen in all steps */
    uint64_t memory;  /* bytes: parameters, gradients, moments, activations; no mapped files */
    double flops;     /* of all steps, as fl_config_train_flops counts them */
};

/* For a complete recipe (fl_settings_fill). 0, or -1 when the memory overflows. */
int fl_cost(const struct fl_training *t, struct fl_cost *cost);

/* One row of a report on standard output. */
int fl_cost_print(const struct fl_training *t, bool json);

#endif
