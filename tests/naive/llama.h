/*
 * The slow twin of nn/engine: the same model in double precision and plain loops, one window at a
 * time, written from the architecture's description and not from the engine. The twin's gradients
 * are checked by finite differences of its own losses; the engine is checked against the twin.
 */
#ifndef FL_NAIVE_LLAMA_H
#define FL_NAIVE_LLAMA_H

#include "nn/engine.h"

/* Weights of M (or another array of its layout) in double, in malloc'd memory. */
double *naive_widen(const struct fl_model *m, const float *values);

/*
 * Losses (B,T), 0 where y is FL_IGNORE, and their sum as the result; LOSS and LOGITS (B,T,V) may be
 * NULL. With DW not NULL, d(sum)/d(weights) is added to it.
 */
double naive_llama(const struct fl_model *m, const double *w, const struct fl_batch *batch,
                   double *loss, double *logits, double *dw);

#endif
