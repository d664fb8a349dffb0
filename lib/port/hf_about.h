/*
 * The files of a Hugging Face folder that say what its weights are: config.json and those of the
 * tokenizer, as a model carries them, or made of what it knows.
 */
#ifndef FL_PORT_HF_ABOUT_H
#define FL_PORT_HF_ABOUT_H

#include <jansson.h>

#include "base/must.h"
#include "flt/object.h"
#include "os/output_folder.h"
#include "port/family.h"
#include "text/tokenizer.h"

struct fl_hf_about {
    struct fl_object *o;
    const struct fl_family *family;
    json_t *config; /* config.json */
    bool made;      /* it is not carried */
    uint32_t ctx;
    struct fl_tokenizer *tokenizer;
};

/*
 * Of O, a model of the configuration C. A carried config.json must say C; without one the family is
 * the first that can. -1 with an error, and nothing is open.
 */
FL_MUST int fl_hf_about_open(struct fl_hf_about *a, struct fl_object *o, const struct fl_config *c);
void fl_hf_about_close(struct fl_hf_about *a);

/* Write the files. DTYPE is that of all weights, or 0. */
FL_MUST int fl_hf_about_write(struct fl_hf_about *a, enum fl_dtype dtype,
                              struct fl_output_folder *out);

/*
 * The family of O, a model of the configuration C, as above, into *FAMILY; NULL when none can say
 * C. 0, or -1 with an error when a carried config.json says another model.
 */
FL_MUST int fl_hf_family_of(const struct fl_family **family, struct fl_object *o,
                            const struct fl_config *c);

/*
 * What files of weights say in "__metadata__" of where O comes from (port/hf_folder.h); json_decref
 * it. NULL with an error.
 */
json_t *fl_hf_origin_notes(const struct fl_object *o);

/* FILE as indented JSON with a newline at its end; numbers with as few digits as are exact. */
FL_MUST int fl_hf_write_json(struct fl_output_folder *out, const char *name, const json_t *file);

#endif
