/*
 * A Hugging Face folder as a model: its configuration, where in its files each parameter is, and
 * its values, which are written a slice at a time. Memory: the tables.
 */
#ifndef FL_PORT_HF_MODEL_H
#define FL_PORT_HF_MODEL_H

#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"
#include "flt/writer.h"
#include "nn/layout.h"
#include "port/family.h"
#include "port/safetensors.h"

struct fl_hf_source {
    size_t tensor; /* in FILES */
    struct fl_place place;
};

struct fl_hf_model {
    const struct fl_family *family;
    struct fl_layout layout;
    struct fl_safetensors *files;
    struct fl_hf_source *sources; /* (layout.count,) */
};

/*
 * Open DIR. Every parameter has its tensor, of its shape, in f32, f16 or bf16, and every tensor its
 * place: a second one of a parameter (with and without the family's prefix, a tied head) says the
 * same values, rotary frequencies and causal masks that older versions stored are those that the
 * configuration gives. NOTES gets lines for what is not taken over. -1 with an error;
 * fl_hf_model_close it in any case.
 */
FL_MUST int fl_hf_model_open(struct fl_hf_model *m, const char *dir, struct fl_buf *notes);
void fl_hf_model_close(struct fl_hf_model *m);

/*
 * All parameters as tensors of a stream, in the layout's order; to the bit, or those that can be
 * [fl_param_dtype] in DTYPE unless that is 0. -1, too, when a value is too large for it. Memory: a
 * slice of one, three of them with DTYPE.
 */
FL_MUST int fl_hf_model_write(const struct fl_hf_model *m, enum fl_dtype dtype,
                              struct fl_writer *w);

#endif
