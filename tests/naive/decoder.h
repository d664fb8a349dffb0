/*
 * A decoder in doubles and plain loops, one window at a time, forward and backward written from the
 * formulas, with every switch of the configuration: the slow twin of lib/nn's engine. Nothing is
 * shared with it but the table of parameters.
 */
#ifndef FL_NAIVE_DECODER_H
#define FL_NAIVE_DECODER_H

#include <stddef.h>
#include <stdint.h>

#include "nn/model.h"

/*
 * Sum of losses over a batch (B,T), w (m->layout.size,) doubles. loss (B,T), logits (B,T,V) and grads
 * (m->layout.size,) are filled if not NULL; grads are added: scale * d(sum)/dw.
 */
struct naive_batch {
    size_t B, T;
    const uint32_t *x, *y;
    double scale;
};
double naive_decoder(const struct fl_model *m, const double *w, const struct naive_batch *batch,
                     double *loss, double *logits, double *grads);

#endif
