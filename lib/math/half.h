/*
 * Floats of 16 bits as little-endian bytes, widened to f32 without rounding.
 */
#ifndef FL_MATH_HALF_H
#define FL_MATH_HALF_H

#include <stddef.h>

void fl_f16_to_f32(float *out, const void *in, size_t n);  /* IEEE 754 binary16 */
void fl_bf16_to_f32(float *out, const void *in, size_t n); /* the upper half of an f32 */

#endif
