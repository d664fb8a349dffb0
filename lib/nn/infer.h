/*
 * One text continued token by token: keys and values of what was read are kept, so that a new token
 * costs one pass over the weights.
 */
#ifndef FL_NN_INFER_H
#define FL_NN_INFER_H

#include "base/must.h"
#include "nn/model.h"
#include "os/pool.h"

struct fl_infer;

/*
 * Room for T tokens (T <= ctx): 2 L T kv_heads D floats; with a sliding window of w keys that do
 * not fill T, 5/4 w + 64 of them are kept in place of T. M (with its weights) and POOL are
 * borrowed. NULL with an error.
 */
struct fl_infer *fl_infer_new(const struct fl_model *m, struct fl_pool *pool, size_t T);
void fl_infer_free(struct fl_infer *d);

/*
 * Read N >= 1 more tokens.
 *   logits  (V,) out, of what follows the last of them
 * -1 with an error when an id is none of the vocabulary or there is no room; nothing is read then.
 * The same tokens give the same logits however they are divided into calls of one token; a call
 * with many tokens agrees up to rounding.
 */
FL_MUST int fl_infer_read(struct fl_infer *d, const uint32_t *ids, size_t n, float *logits);

size_t fl_infer_length(const struct fl_infer *d); /* tokens read */

/*
 * Forget all but the first LENGTH tokens, or all, where a window has moved past what the next token
 * would see. Returns how many are left: what is to follow them is read again.
 */
size_t fl_infer_rewind(struct fl_infer *d, size_t length);

#endif
