/* Arithmetic in lanes against its slow twin, for every width. */
#include "sec/mask.h"

#include "../naive/lanes.h"
#include "crypt/secret.h"
#include "test.h"

enum { N = 200 };

static void
test_shape(void)
{
    for (unsigned bits = 1; bits <= 64; bits++) {
        struct fl_lanes lanes;
        uint64_t top = 0, used = 0;
        fl_lanes_init(&lanes, bits);
        for (unsigned i = 0; i < 64; i++) {
            used |= i < 64 / bits * bits ? UINT64_C(1) << i : 0;
            top |= i < 64 / bits * bits && i % bits == bits - 1 ? UINT64_C(1) << i : 0;
        }
        CHECK(lanes.bits == bits && lanes.count == 64 / bits);
        CHECK(lanes.used == used && lanes.top == top);
    }
}

static void
test_lanes(void)
{
    for (unsigned bits = 1; bits <= 64; bits++) {
        uint64_t x[N], y[N], sum[N], difference[N];
        struct fl_lanes lanes;
        fl_lanes_init(&lanes, bits);
        fl_random_bytes(x, sizeof x);
        fl_random_bytes(y, sizeof y);
        for (int i = 0; i < N; i++) {
            if (i % 4 == 1) /* ends of the range */
                x[i] = i % 8 == 1 ? 0 : lanes.used;
            if (i % 4 == 2)
                y[i] = i % 8 == 2 ? lanes.top : ~UINT64_C(0);
            x[i] &= lanes.used;
        }
        memcpy(sum, x, sizeof x);
        memcpy(difference, x, sizeof x);
        fl_lanes_add(&lanes, sum, y, N);
        fl_lanes_sub(&lanes, difference, y, N);
        for (int i = 0; i < N; i++) {
            CHECK(sum[i] == naive_lanes_add(bits, x[i], y[i], 1));
            CHECK(difference[i] == naive_lanes_add(bits, x[i], y[i], -1));
            CHECK(!(sum[i] & ~lanes.used) && !(difference[i] & ~lanes.used));
        }
        fl_lanes_sub(&lanes, sum, y, N);
        CHECK(!memcmp(sum, x, sizeof x));
    }
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_shape);
    RUN(test_lanes);
    return test_end();
}
