/*
 * Source of the form and of the rounding: ggml, quantize_row_q8_0_ref and dequantize_row_q8_0
 * (ggml-quants.c).
 */
#include "math/q8.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>

#include "base/least.h"
#include "math/half.h"
#include "os/kernel.h"

FL_KERNEL void
fl_q8_to_f32(float *out, const void *in, size_t at, size_t n)
{
    const unsigned char *block = (const unsigned char *)in + at / FL_Q8_VALUES * FL_Q8_BYTES;
    size_t first = at % FL_Q8_VALUES;

    for (size_t i = 0, m; i < n; i += m, first = 0, block += FL_Q8_BYTES) {
        const float d = fl_f16_value(block);
        const int8_t *q = (const int8_t *)block + 2 + first;
        m = fl_min(n - i, FL_Q8_VALUES - first);
        for (size_t k = 0; k < m; k++)
            out[i + k] = d * (float)q[k];
    }
}

/* What ends a block is read as integers by whoever has NaN in it: d says so. */
static int
nearest(float v)
{
    if (!(v >= -127.5f && v <= 127.5f))
        return 0;
    int whole = (int)v;
    float rest = v - (float)whole; /* exact */
    return whole + (rest >= 0.5f) - (rest <= -0.5f);
}

void
fl_f32_to_q8(void *out, const float *in, size_t n)
{
    unsigned char *block = out;

    assert(n % FL_Q8_VALUES == 0);
    for (size_t i = 0; i < n; i += FL_Q8_VALUES, block += FL_Q8_BYTES) {
        float most = 0;
        for (size_t k = 0; k < FL_Q8_VALUES; k++) {
            float v = in[i + k] < 0 ? -in[i + k] : in[i + k];
            most = v > most || isnan(v) ? v : most;
        }
        const float d = most / 127, inverse = d > 0 ? 1 / d : 0;
        fl_f32_to_f16(block, &d, 1);
        for (size_t k = 0; k < FL_Q8_VALUES; k++)
            block[2 + k] = (unsigned char)nearest(in[i + k] * inverse);
    }
}
