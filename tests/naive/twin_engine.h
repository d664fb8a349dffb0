/* The engine of lib/nn in doubles, as its users see it; see twin.h. */
#ifndef NAIVE_TWIN_ENGINE_H
#define NAIVE_TWIN_ENGINE_H

#include "nn/engine.h"
#include "nn/infer.h"

/* What is FL_F32 in a store is doubles here. */
struct fl_engine *twin_engine_new(const struct fl_model *m, struct fl_pool *pool, size_t B,
                                  size_t T, enum fl_engine_mode mode);
void twin_engine_free(struct fl_engine *e);
int twin_engine_loss(struct fl_engine *e, const struct fl_stored *weights,
                     const struct fl_batch *batch, double *loss, uint32_t *best);
int twin_engine_grad(struct fl_engine *e, const struct fl_stored *weights,
                     const struct fl_batch *batch, double scale, double *grads, double *loss);
int twin_engine_norms(struct fl_engine *e, const struct fl_stored *weights,
                      const struct fl_batch *batch, const double *scales, double *norm2,
                      double *loss);

struct fl_infer *twin_infer_new(const struct fl_model *m, struct fl_pool *pool, size_t T);
void twin_infer_free(struct fl_infer *d);
int twin_infer_read(struct fl_infer *d, const uint32_t *ids, size_t n, double *logits);

#endif
