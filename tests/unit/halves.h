/* Models whose numbers are 16 bits, or 8 in blocks, beside the same ones in f32. */
#ifndef TEST_HALVES_H
#define TEST_HALVES_H

#include <stdlib.h>

#include "flt/values.h"
#include "nn/model.h"

/*
 * M as DTYPE: every parameter in its file that can be [fl_param_dtype], and in memory those that a loaded model narrows, if they
 * are frozen or TO_TRAIN is false. M itself, all f32, is rounded to the same numbers.
 */
static inline struct fl_model *
halves_of(struct fl_model *m, enum fl_dtype dtype, bool to_train)
{
    struct fl_model *h = fl_model_table(&m->layout.config);

    for (size_t i = 0; i < m->layout.count; i++) {
        struct fl_param *p = &h->layout.params[i];
        p->dtype = fl_param_dtype(p, dtype, FL_F32);
        p->frozen = m->layout.params[i].frozen;
        h->stored[i].dtype = fl_param_narrows(p) ? p->dtype : FL_F32;
    }
    fl_layout_trainables(&h->layout);
    if ((to_train && fl_model_to_train(h)) || fl_model_take_memory(h))
        abort();
    for (size_t i = 0; i < m->layout.count; i++) {
        const struct fl_param *p = &h->layout.params[i];
        float *values = fl_model_floats(m, p);
        void *narrow = malloc(p->count * sizeof *values);
        fl_values_from_f32(p->dtype, narrow, values, p->count);
        if (p->dtype != FL_F32)
            fl_values_f32(p->dtype, narrow, 0, p->count, values);
        fl_values_from_f32(h->stored[i].dtype, h->stored[i].data, values, p->count);
        free(narrow);
    }
    return h;
}

static inline struct fl_model *
halves(struct fl_model *m, enum fl_dtype dtype)
{
    return halves_of(m, dtype, false);
}

#endif
