/*
 * Models of the Llama family as Hugging Face folders hold them: config.json and model.safetensors.
 * Source: transformers, LlamaConfig and LlamaForCausalLM (tensor names, rotate-half positions).
 */
#ifndef FL_PORT_LLAMA_H
#define FL_PORT_LLAMA_H

#include "base/buf.h"
#include "base/must.h"
#include "nn/config.h"
#include "nn/model.h"
#include "port/safetensors.h"

/*
 * Read config.json. A feature that this toolkit does not compute (another family, biases, scaled
 * positions, quantised weights) is refused by name; of keys that are not known NOTES gets a line.
 */
FL_MUST int fl_llama_config(struct fl_config *c, const char *path, struct fl_buf *notes);

/*
 * The model of CONFIG with the weights of S (f32, f16 or bf16 to f32). Every tensor must be there
 * in the right shape, and none that is not known. A tensor may be there twice (with and without
 * "model." before its name, a tied head beside the embedding) when both say the same, and stored
 * rotary frequencies when they are those of CONFIG. NULL with an error.
 */
struct fl_model *fl_llama_model(const struct fl_config *config, const struct fl_safetensors *s);

#endif
