/*
 * Floats of 16 bits as little-endian bytes: widened to f32 without rounding, and rounded from f32
 * to nearest, ties to even. What is too large becomes infinite; NaN stays NaN.
 */
#ifndef FL_MATH_HALF_H
#define FL_MATH_HALF_H

#include <stddef.h>

void fl_f16_to_f32(float *out, const void *in, size_t n);  /* IEEE 754 binary16 */
void fl_bf16_to_f32(float *out, const void *in, size_t n); /* the upper half of an f32 */

void fl_f32_to_f16(void *out, const float *in, size_t n);
void fl_f32_to_bf16(void *out, const float *in, size_t n);

#endif
