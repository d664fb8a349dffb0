/* Encoding many values at once is encoding them word by word, and the counts are the sums. */
#include "fed/encode.h"
#include "random.h"
#include "test.h"

enum { MOST = 3001 };

static float
any_value(uint32_t *seed)
{
    uint32_t pattern = random_next(seed) << 9 ^ random_next(seed);
    float value;

    memcpy(&value, &pattern, sizeof value); /* infinite, NaN and subnormal too */
    switch (random_next(seed) % 8) {
    case 0: return value;
    case 1: return 0;
    case 2: return 0.1F; /* the next above a clip of 0.1 */
    default: return (float)((double)random_next(seed) / 0x1p23 - 1) * 0.2F;
    }
}

static void
encode_both(unsigned bits, size_t n, const float *values)
{
    const struct fl_tensor_rule rule = {.bits = bits,
                                        .clip = 0.1,
                                        .scale = ldexp(1, (int)bits - (bits == 64 ? 8 : 1))};
    static uint64_t got[MOST + 1], want[MOST + 1];
    struct fl_encoded all = {0}, sum = {0};
    struct fl_lane_encoder e;
    size_t words = 0;

    fl_lane_encoder_init(&e, &rule, (UINT64_C(1) << 40) / 3);
    memset(got, 0x5a, sizeof got);
    memset(want, 0x5a, sizeof want);
    fl_lane_encode(&e, values, n, got, &all);
    for (size_t at = 0, step; at < n; at += step, words++) {
        step = n - at < e.lanes.count ? n - at : e.lanes.count;
        fl_lane_encode(&e, values + at, step, want + words, &sum);
    }
    CHECK(!memcmp(got, want, sizeof got)); /* and nothing beyond the last word */
    CHECK(!memcmp(&all, &sum, sizeof all) && all.values == n);
}

static void
test_long(void)
{
    static const size_t lens[] = {0, 1, 839, 840, 841, 847, 1680, 2999, MOST};
    static float values[MOST];
    uint32_t seed = 3;

    for (size_t i = 0; i < MOST; i++)
        values[i] = any_value(&seed);
    for (unsigned bits = 8; bits <= 64; bits = bits == 32 ? 64 : bits + 1)
        for (size_t i = 0; i < sizeof lens / sizeof *lens; i++)
            encode_both(bits, lens[i], values);
}

/* The clip as a double, which floats lie below and above. */
static void
test_clipped(void)
{
    const struct fl_tensor_rule rule = {.bits = 32, .clip = 0.1, .scale = 0x1p30};
    const float values[] = {0.1F, nextafterf(0.1F, 0), -0.1F, NAN, INFINITY};
    struct fl_encoded counts = {0};
    struct fl_lane_encoder e;
    uint64_t words[3];

    fl_lane_encoder_init(&e, &rule, UINT64_C(1) << 40);
    fl_lane_encode(&e, values, 5, words, &counts);
    CHECK(counts.clipped == 3 && counts.odd == 1 && counts.zeros == 0); /* 0.1F > 0.1 */
    CHECK(words[0] == (UINT64_C(107374182) | UINT64_C(107374176) << 32));
    CHECK(words[1] == UINT64_C(0xffffffff) - 107374182 + 1);
    CHECK(words[2] == 107374182); /* and the lane beyond is zero */
}

int
main(void)
{
    RUN(test_long);
    RUN(test_clipped);
    return test_end();
}
