/*
 * No tables and no branches, so that the loops become vectors; each trick is told above its
 * function. Source of the formats: IEEE 754-2008 (binary16); bfloat16 is the upper half of
 * binary32.
 */
#include "math/half.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "os/kernel.h"

FL_KERNEL void
fl_f16_to_f32(float *out, const void *in, size_t n)
{
    const unsigned char *p = in;

    for (size_t i = 0; i < n; i++)
        out[i] = fl_f16_value(p + 2 * i);
}

FL_KERNEL void
fl_bf16_to_f32(float *out, const void *in, size_t n)
{
    const unsigned char *p = in;

    for (size_t i = 0; i < n; i++)
        out[i] = fl_bf16_value(p + 2 * i);
}

/*
 * To binary16: adding 2^e of the right size pushes the bits that do not fit out of an f32's
 * fraction, rounded as every sum is (to nearest, ties to even). The exponent of a value below 2^-14
 * is the smallest, so subnormals need no case of their own.
 */
FL_KERNEL void
fl_f32_to_f16(void *out, const float *in, size_t n)
{
    unsigned char *p = out;

    for (size_t i = 0; i < n; i++) {
        uint32_t bits, base, sum;
        memcpy(&bits, in + i, sizeof bits);
        uint32_t magnitude = bits & 0x7fffffff, exponent = bits & 0x7f800000;
        uint32_t least = 0x38800000; /* 2^-14 */
        base = (exponent > least ? exponent : least) + (13u << 23);
        float v, b;
        memcpy(&v, &magnitude, sizeof v);
        memcpy(&b, &base, sizeof b);
        v += b;
        memcpy(&sum, &v, sizeof sum);
        /* the fraction's low bits, and above them the carry of a round up */
        uint32_t h = (exponent > least ? (exponent - least) >> 13 : 0) + (sum - base);
        h = magnitude >= 0x477ff000 ? 0x7c00 : h; /* from 65520 on */
        h = magnitude > 0x7f800000 ? 0x7e00 : h;
        fl_put16(p + 2 * i, (uint16_t)(h | bits >> 31 << 15));
    }
}

FL_KERNEL void
fl_f32_to_bf16(void *out, const float *in, size_t n)
{
    unsigned char *p = out;

    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, in + i, sizeof bits);
        uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
        bool nan = (bits & 0x7fffffff) > 0x7f800000;
        fl_put16(p + 2 * i, (uint16_t)(nan ? bits >> 16 | 0x40 : rounded));
    }
}
