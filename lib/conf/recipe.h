/*
 * A training recipe: the settings of one local training, from a YAML file, from options, or both.
 * A number below zero has not been set; fl_settings_fill (nn/settings.h) sets what is left.
 */
#ifndef FL_CONF_RECIPE_H
#define FL_CONF_RECIPE_H

#include <stdint.h>

#include "base/must.h"

struct fl_recipe {
    int64_t steps, epochs; /* at most one of them is set */
    int64_t batch;         /* windows that go through the model at a time */
    int64_t accumulate;    /* batches whose gradients one step takes together */
    int64_t length;        /* tokens of a window */
    int64_t warmup;        /* steps in which the rate rises from 0 */
    int64_t seed;
    double lr, min_lr; /* highest and last rate */
    double weight_decay;
    double beta1, beta2;
    double clip; /* largest norm of the gradient; 0: not clipped */
};

#define FL_RECIPE_UNSET                                                                            \
    {                                                                                              \
        .steps = -1, .epochs = -1, .batch = -1, .accumulate = -1, .length = -1, .warmup = -1,      \
        .seed = -1, .lr = -1, .min_lr = -1, .weight_decay = -1, .beta1 = -1, .beta2 = -1,          \
        .clip = -1                                                                                 \
    }

/*
 * Set from PATH ("-": standard input) what is not set in R: keys steps epochs batch accumulate
 * length warmup seed lr min_lr weight_decay beta1 beta2 clip. -1 with the file's line when it is
 * wrong.
 */
FL_MUST int fl_recipe_read(const char *path, struct fl_recipe *r);

#endif
