#include "math/half.h"

#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "math/kernel.h"

/*
 * A binary16 whose exponent and fraction are moved to their places in an f32 is too small by
 * 2^112, subnormals included; one exact multiplication repairs both. Infinities and NaN keep an
 * exponent of all ones.
 */
FL_KERNEL void
fl_f16_to_f32(float *out, const void *in, size_t n)
{
    const unsigned char *p = in;

    for (size_t i = 0; i < n; i++) {
        uint32_t h = fl_get16(p + 2 * i), moved = (h & 0x7fff) << 13, bits;
        float v;

        memcpy(&v, &moved, sizeof v);
        v *= 0x1p112f;
        memcpy(&bits, &v, sizeof bits);
        bits |= (h & 0x7c00) == 0x7c00 ? 0x7f800000 : 0;
        bits |= (h & 0x8000) << 16;
        memcpy(out + i, &bits, sizeof bits);
    }
}

FL_KERNEL void
fl_bf16_to_f32(float *out, const void *in, size_t n)
{
    const unsigned char *p = in;

    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)fl_get16(p + 2 * i) << 16;
        memcpy(out + i, &bits, sizeof bits);
    }
}
