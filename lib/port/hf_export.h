/*
 * A model as a Hugging Face folder that other tools load: what fl-import carried along comes out
 * as it came in, and what a model made here does not have is made of its configuration.
 */
#ifndef FL_PORT_HF_EXPORT_H
#define FL_PORT_HF_EXPORT_H

#include <stdint.h>

#include "base/must.h"
#include "flt/object.h"

/* Bytes of tensors of one file, as transformers splits them. */
#define FL_HF_SHARD_BYTES ((uint64_t)5000000000)

/*
 * Write O, of kind model, as the folder DIR (os/output_folder.h): config.json, tokenizer.json and
 * the other carried files, and model.safetensors, or several files with an index when one would
 * hold more than SHARD bytes. Tensors keep their dtypes, to the bit, but for q8_0,
 * which the format has not: f32 holds its values exactly; "round" and "parent" are noted
 * in the files (port/hf_folder.h). The family is that of the carried config.json, or the first that
 * can say the configuration. -1 with an error and no folder. Memory: the files but for the weights,
 * and a slice of a tensor.
 */
FL_MUST int fl_hf_export(struct fl_object *o, const char *dir, uint64_t shard);

#endif
