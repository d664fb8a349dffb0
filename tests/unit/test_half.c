#include "test.h"

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

int
main(void)
{
    RUN(test_f16);
    RUN(test_bf16);
    return test_end();
}
