/*
 * config.json of a Hugging Face folder: what of it the model is made of, and the way back.
 * Source: transformers, PretrainedConfig, the configuration of each family (port/family.h), and
 * modeling_rope_utils (positions as versions 4 and 5 say them).
 */
#ifndef FL_PORT_HF_CONFIG_H
#define FL_PORT_HF_CONFIG_H

#include <jansson.h>

#include "base/buf.h"
#include "base/must.h"
#include "flt/format.h"
#include "nn/config.h"
#include "port/family.h"

/*
 * The configuration that FILE, an object, says, and its family. A key is read, or known to change
 * nothing that is computed, or refused by name because it would; of others that are used NOTES gets
 * a line, so that they do not vanish silently. NAME is for messages. -1 with FL_FAILED.
 */
FL_MUST int fl_hf_config(const struct fl_family **family, struct fl_config *c, const json_t *file,
                         const char *name, struct fl_buf *notes);

/*
 * An object that says C as FAMILY does, in the form of transformers 4, which version 5 reads too;
 * json_decref it. NULL with an error when the family has no way to say it: the reader of above
 * would not give C back.
 */
json_t *fl_hf_config_write(const struct fl_family *family, const struct fl_config *c);

/* What config.json calls a dtype, "float32"; NULL for one that weights cannot have. */
const char *fl_hf_dtype_name(enum fl_dtype dtype);

#endif
