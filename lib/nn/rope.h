/*
 * Rotary positions: pairs of channels of queries and keys are turned by angles that grow with the
 * position. Source: Su et al. 2021, in the order of pairs that Hugging Face's models have.
 */
#ifndef FL_NN_ROPE_H
#define FL_NN_ROPE_H

#include <stddef.h>

#include "nn/config.h"

/*
 * Angle by which pair I of C's fl_config_rotated(c) / 2 pairs turns from one position to the next:
 * base^(-2 i / rotated), scaled as the configuration says:
 *   linear   divided by the factor (Chen et al. 2023)
 *   Llama 3  waves longer than ctx / low divided by the factor, those shorter than ctx / high left,
 *            those between mixed of both (Meta 2024, as transformers' modeling_rope_utils)
 */
double fl_rope_frequency(const struct fl_config *c, size_t i);

/* (T, rotated / 2) cosines and sines of position times frequency. */
void fl_rope_table(float *cosine, float *sine, size_t T, const struct fl_config *c);

struct fl_rope {
    const float *cosine, *sine; /* NULL: positions are not rotary, and nothing is turned */
    size_t T;                   /* row i is at position (start + i) mod T */
    size_t start;
    size_t D, rotated; /* of a head; the first ROTATED of its channels are turned */
};

/* N rows STRIDE apart, from number FIRST on: turn COUNT heads at the start of each, or back. */
void fl_rope_forward(const struct fl_rope *rope, float *x, size_t stride, size_t count,
                     size_t first, size_t n);
void fl_rope_backward(const struct fl_rope *rope, float *dx, size_t stride, size_t count,
                      size_t first, size_t n);

#endif
