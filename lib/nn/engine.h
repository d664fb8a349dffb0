/*
 * Losses, gradients and logits of a model, computed in float32.
 *
 * Results are the same for any number of threads: work is cut into tasks by shapes alone, a task is
 * single-threaded, and partial sums are added in the order of tasks. They may differ between
 * processors, and between batch shapes (a product of other height may add in another order).
 *
 * Weights are a store [fl_stored] of all parameters, and gradients an array over the trained ones;
 * both are always the caller's. A trained parameter need not be f32 for its gradient to be right,
 * but what is to be stepped is (fl_model_to_train).
 */
#ifndef FL_NN_ENGINE_H
#define FL_NN_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "nn/model.h"
#include "os/pool.h"

#define FL_IGNORE UINT32_MAX /* a target that is not counted: loss 0, no gradient */

struct fl_batch {
    size_t B, T;           /* at most those of the engine */
    const uint32_t *x;     /* (B,T) ids */
    const uint32_t *y;     /* (B,T) targets: ids or FL_IGNORE */
    const uint32_t *start; /* (B,T) the first place of its window that each sees, which does not
                              fall, and from which learned positions count; NULL: 0 for all */
};

enum fl_engine_mode {
    FL_ENGINE_SCORE,     /* losses and logits: activations of one layer */
    FL_ENGINE_TRAIN,     /* gradients too: activations of all layers */
    FL_ENGINE_RECOMPUTE, /* the same gradients to the bit in less memory: of each layer its input is
                           kept, and the rest computed once more on the way back, a third of the
                           forward and backward work on top (Chen et al. 2016) */
    FL_ENGINE_NORMS = 8, /* added to TRAIN or RECOMPUTE: fl_engine_norms too, not with BF16 */
    FL_ENGINE_BF16 = 16, /* added to one of these: products with weights and gradients of weights
                            are of numbers rounded to bf16, with sums in f32; all else, attention
                            too, is as it was (Micikevicius et al. 2018; Kalamkar et al. 2019). It
                            wants fl_products()->bf16 */
    FL_ENGINE_LEND = 32  /* added to TRAIN: GRADS are zeros when a call begins, and those of early
                            layers, which are made last, lend their memory to the activations of
                            as many of the last layers as fit: the same gradients to the bit in
                            less memory. Nothing changes in RECOMPUTE; not with NORMS */
};

struct fl_engine;

/*
 * Workspace for batches of up to B windows of up to T tokens (T <= ctx). Of M the layout is
 * borrowed, and of its numbers only the dtypes are looked at, which those of later calls have too.
 * POOL is borrowed (NULL: the caller's thread alone).
 * NULL with an error. All memory is taken here and touched; nothing is allocated later.
 */
struct fl_engine *fl_engine_new(const struct fl_model *m, struct fl_pool *pool, size_t B, size_t T,
                                enum fl_engine_mode mode);
void fl_engine_free(struct fl_engine *e);

/* Bytes that fl_engine_new would take with so many threads; -1 with an error on overflow. */
FL_MUST int fl_engine_bytes(const struct fl_model *m, int threads, size_t B, size_t T,
                            enum fl_engine_mode mode, uint64_t *bytes);

/*
 * From now on PASSED is called with ARG within each pass, after every layer, with the share of the
 * pass that is done, up to 1: a pass over a large model takes minutes.
 */
void fl_engine_watch(struct fl_engine *e, void (*passed)(void *arg, double share), void *arg);

/* The next call has the weights of the last one: they need no rounding to bf16 again. */
void fl_engine_weights_stay(struct fl_engine *e);

/*
 * Forward.
 *   weights  in
 *   loss     (B,T) out: -ln p(y | x up to and with it); 0 where y is FL_IGNORE
 *   best     (B,T) out: the most probable id, the lowest of equal ones; may be NULL
 * An id or target that is no id of the vocabulary is an error, and nothing is computed. Losses that
 * are not finite are the caller's to notice.
 */
FL_MUST int fl_engine_loss(struct fl_engine *e, const struct fl_stored *weights,
                           const struct fl_batch *batch, float *loss, uint32_t *best);

/*
 * Forward and backward: grads += scale * d(sum of losses)/d(weights). For a mean over several
 * batches, scale is 1 / (all counted targets). Not in mode FL_ENGINE_SCORE; in mode FL_ENGINE_LEND
 * one batch alone: grads are zeros.
 */
FL_MUST int fl_engine_grad(struct fl_engine *e, const struct fl_stored *weights,
                           const struct fl_batch *batch, float scale, float *grads, float *loss);

/* The same with a scale for each window, (B,): grads += d(sum of scale[b] losses of b). */
FL_MUST int fl_engine_grad_scaled(struct fl_engine *e, const struct fl_stored *weights,
                                  const struct fl_batch *batch, const float *scales, float *grads,
                                  float *loss);

/*
 * Square norms of those gradients, of each window's alone, over all trained parameters, without
 * making one: forward, and the way back through activations (Li et al. 2022, Bu et al. 2022).
 *   scales  (B,) in
 *   norm2   (B,) out: d(scale[b] sum of losses of b)/d(weights), squared and summed, to 2^-10 of it
 *           or from above; not finite where the window's computation left the range of 2^100
 *   loss    (B,T) out
 * Only in mode FL_ENGINE_NORMS, for whole windows: the batch's start is NULL. Windows do not touch
 * each other, whatever is in one of them.
 */
FL_MUST int fl_engine_norms(struct fl_engine *e, const struct fl_stored *weights,
                            const struct fl_batch *batch, const float *scales, double *norm2,
                            float *loss);

/* Logits of all positions, (B,T,V) out; the batch's y is not looked at. */
FL_MUST int fl_engine_logits(struct fl_engine *e, const struct fl_stored *weights,
                             const struct fl_batch *batch, float *logits);

#endif
