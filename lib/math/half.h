/*
 * Floats of 16 bits as little-endian bytes: widened to f32 without rounding, and rounded from f32
 * to nearest, ties to even. What is too large becomes infinite; NaN stays NaN.
 */
#ifndef FL_MATH_HALF_H
#define FL_MATH_HALF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

/*
 * One value. A binary16 whose exponent and fraction are moved to their places in an f32 is too
 * small by 2^112, subnormals included; one exact multiplication repairs both. Infinities and NaN
 * keep an exponent of all ones. No branches, so that loops become vectors.
 */
static inline float
fl_f16_value(const unsigned char *p)
{
    uint32_t h = fl_get16(p), moved = (h & 0x7fff) << 13, bits;
    float v;

    memcpy(&v, &moved, sizeof v);
    v *= 0x1p112f;
    memcpy(&bits, &v, sizeof bits);
    bits |= (h & 0x7c00) == 0x7c00 ? 0x7f800000 : 0;
    bits |= (h & 0x8000) << 16;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static inline float
fl_bf16_value(const unsigned char *p)
{
    uint32_t bits = (uint32_t)fl_get16(p) << 16;
    float v;

    memcpy(&v, &bits, sizeof v);
    return v;
}

void fl_f16_to_f32(float *out, const void *in, size_t n);  /* IEEE 754 binary16 */
void fl_bf16_to_f32(float *out, const void *in, size_t n); /* the upper half of an f32 */

void fl_f32_to_f16(void *out, const float *in, size_t n);
void fl_f32_to_bf16(void *out, const float *in, size_t n);

#endif
