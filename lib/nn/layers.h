/*
 * What is done to rows without weights: the activation of the feed-forward part, and the loss.
 */
#ifndef FL_NN_LAYERS_H
#define FL_NN_LAYERS_H

#include <stddef.h>
#include <stdint.h>

#include "nn/config.h"

/* Floats of a row that the activation of F channels reads: 2 F with SwiGLU, which has a gate. */
size_t fl_act_inputs(enum fl_act act, size_t F);

/* h (n,F) = act(u); with SwiGLU h = silu(gate) up, u (n,2F) = gate | up (Shazeer 2020). */
void fl_act_forward(enum fl_act act, float *h, const float *u, size_t n, size_t F);

/* u becomes its gradient, of dh (n,F); h (n,F) once more. */
void fl_act_backward(enum fl_act act, float *h, float *u, const float *dh, size_t n, size_t F);

/*
 * Cross-entropy of one row of logits (V,), which become their gradient times SCALE (of no use when
 * SCALE is 0). Returns -ln p(y); for FL_IGNORE 0, and the gradient is 0.
 */
float fl_cross_entropy(float *logits, size_t V, uint32_t y, float scale);

/* The sum of the losses of N rows, in doubles, added in their order. */
double fl_loss_sum(const float *loss, size_t n);

#endif
