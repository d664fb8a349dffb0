/*
 * Floats in blocks of 8 bits, the form q8_0 of GGUF: 32 values are a binary16 d and 32 signed bytes
 * q, 34 bytes, and value i is d q[i], which an f32 holds exactly.
 */
#ifndef FL_MATH_Q8_H
#define FL_MATH_Q8_H

#include <stddef.h>

enum { FL_Q8_VALUES = 32, FL_Q8_BYTES = 34 };

/* Values AT to AT + N - 1 of the blocks at IN. */
void fl_q8_to_f32(float *out, const void *in, size_t at, size_t n);

/*
 * N values, whole blocks. Of a block whose largest magnitude is m, d is m / 127, and q the value
 * divided by that (before d becomes a binary16), rounded to nearest, halves away from zero; all as
 * ggml computes it in f32, so the same bytes. Where m is above 127 * 65504, or a value is not
 * finite, d is not finite.
 */
void fl_f32_to_q8(void *out, const float *in, size_t n);

#endif
