/*
 * Shapes of models by name, and from a YAML file.
 */
#ifndef FL_NN_PRESET_H
#define FL_NN_PRESET_H

#include "base/must.h"
#include "nn/config.h"

/*
 * Ours, from 0.1 million parameters (with 257 ids) to a thousand, and the shapes of models that
 * people have, without their vocabularies; fl-init --list-presets prints them.
 */
#define FL_PRESETS                                                                                 \
    "nano|micro|small|medium|gpt2-124m|smollm2-135m|base|large|qwen2.5-0.5b|llama3.2-1b|xl"

/* Name number I, the smallest first; NULL after the last. */
const char *fl_preset_name(unsigned i);

/* All but the vocabulary, which stays as it is. -1 with FL_USAGE when there is no such name. */
FL_MUST int fl_config_preset(struct fl_config *c, const char *name);

/*
 * A shape from PATH ("-": standard input): the keys of arch.* without that prefix, and "preset:
 * NAME" to begin with. Without a preset, layers, channels and heads are required; the others have
 * defaults (kv_heads = heads, head_dim = channels / heads, ffn = 8/3 channels rounded up to 32,
 * ctx 1024, tied). "vocab" may be larger than VOCAB, the tokenizer's, which it is by default.
 * Checked by fl_config_check; -1 with FL_USAGE and the line when something is wrong.
 */
FL_MUST int fl_config_read(struct fl_config *c, const char *path, uint32_t vocab);

#endif
