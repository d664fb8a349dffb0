#include "test.h"

#include <float.h>
#include <stdint.h>

#include "base/bytes.h"
#include "math/half.h"

/* All 65536 values, by the definition. */
static void
test_f16(void)
{
    unsigned char in[2];
    float got;

    for (unsigned h = 0; h < 65536; h++) {
        int e = (int)(h >> 10 & 31), f = (int)(h & 1023);
        double want = e ? ldexp(1024 + f, e - 25) : ldexp(f, -24);
        if (h >> 15)
            want = -want;
        fl_put16(in, (uint16_t)h);
        fl_f16_to_f32(&got, in, 1);
        if (e == 31)
            CHECK(f ? isnan(got) : isinf(got) && !signbit(got) == !(h >> 15));
        else
            CHECK((double)got == want && !signbit(got) == !signbit(want));
    }
}

static void
test_bf16(void)
{
    float v[37], got[37];
    unsigned char in[2 * 37];

    for (int i = 0; i < 37; i++) {
        v[i] = ldexpf((float)(129 + i), i * 5 - 90) * (i & 1 ? -1 : 1); /* 8 bits: exact */
        uint32_t bits;
        memcpy(&bits, &v[i], sizeof bits);
        fl_put16(in + 2 * i, (uint16_t)(bits >> 16));
    }
    fl_bf16_to_f32(got, in, 37);
    CHECK(!memcmp(got, v, sizeof v));
}

/*
 * Rounding, by the definition: every value comes back, the middle between two neighbours goes to
 * the even one, and a step to either side of the middle to the nearer one.
 */
static void
check_rounding(void (*widen)(float *, const void *, size_t),
               void (*narrow)(void *, const float *, size_t), unsigned last)
{
    for (unsigned h = 0; h <= last; h++) {
        unsigned char pair[4], back[6];
        float v[2], x[3];
        fl_put16(pair, (uint16_t)h);
        fl_put16(pair + 2, (uint16_t)(h + 1));
        widen(v, pair, 2);
        float middle = (float)((double)v[0] / 2 + (double)v[1] / 2);
        if (h == last) { /* the largest: what lies half a step above it is infinite */
            fl_put16(pair, (uint16_t)(h - 1));
            widen(x, pair, 1);
            middle = (float)((double)v[0] + ((double)v[0] - (double)x[0]) / 2);
        }
        x[0] = nextafterf(middle, -INFINITY);
        x[1] = middle;
        x[2] = nextafterf(middle, INFINITY);
        narrow(back, x, 3);
        CHECK(fl_get16(back) == h && fl_get16(back + 4) == h + 1);
        CHECK(fl_get16(back + 2) == h + (h & 1));
        x[0] = v[0];
        x[1] = -v[0];
        narrow(back, x, 2);
        CHECK(fl_get16(back) == h && fl_get16(back + 2) == (h | 0x8000));
    }
}

static void
test_narrow(void)
{
    const float odd[] = {INFINITY, -INFINITY, NAN, 1e38f, -1e38f, 1e-45f, -1e-45f, FLT_MAX};
    const uint16_t f16[] = {0x7c00, 0xfc00, 0, 0x7c00, 0xfc00, 0, 0x8000, 0x7c00};
    const uint16_t bf16[] = {0x7f80, 0xff80, 0, 0x7e96, 0xfe96, 0, 0x8000, 0x7f80};
    unsigned char out[2 * 8];

    check_rounding(fl_f16_to_f32, fl_f32_to_f16, 0x7bff);
    check_rounding(fl_bf16_to_f32, fl_f32_to_bf16, 0x7f7f);
    fl_f32_to_f16(out, odd, 8);
    for (int i = 0; i < 8; i++)
        CHECK(i == 2 ? (fl_get16(out + 4) & 0x7fff) > 0x7c00 : fl_get16(out + 2 * i) == f16[i]);
    fl_f32_to_bf16(out, odd, 8);
    for (int i = 0; i < 8; i++)
        CHECK(i == 2 ? (fl_get16(out + 4) & 0x7fff) > 0x7f80 : fl_get16(out + 2 * i) == bf16[i]);
}

int
main(void)
{
    RUN(test_f16);
    RUN(test_bf16);
    RUN(test_narrow);
    return test_end();
}
