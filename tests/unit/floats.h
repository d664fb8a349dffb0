/* The numbers of a model that is all f32 in memory: an array by its layout's offsets. */
#ifndef TEST_FLOATS_H
#define TEST_FLOATS_H

#include "nn/model.h"

static inline float *
floats(const struct fl_model *m)
{
    return m->memory;
}

#endif
