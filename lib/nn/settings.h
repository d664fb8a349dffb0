/*
 * What a training does when nothing is said.
 */
#ifndef FL_NN_SETTINGS_H
#define FL_NN_SETTINGS_H

#include <stdint.h>

#include "base/must.h"
#include "conf/recipe.h"
#include "nn/config.h"

/*
 * Set what R leaves open, for a model of config C and shards of TOKENS tokens: rate and batch by
 * the size of the model, windows of the whole context (or of all tokens, if these are fewer), one
 * epoch; and turn epochs into steps. A step takes each window at most once: BATCH, and then
 * ACCUMULATE, are cut to the windows that the shards have. -1 when a setting and the model
 * (FL_USAGE), or a setting and the number of tokens (FL_FAILED), do not go together.
 */
FL_MUST int fl_settings_fill(struct fl_recipe *r, const struct fl_config *c, uint64_t tokens);

#endif
