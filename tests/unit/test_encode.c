#include "fed/encode.h"

#include "crypt/secret.h"
#include "test.h"

static struct fl_plan
plan_of(unsigned bits, double clip, double scale, bool stochastic)
{
    struct fl_plan plan = {.bits = bits, .clip = clip, .scale = scale, .stochastic = stochastic};

    return plan;
}

static void
test_weight(void)
{
    const uint64_t one = UINT64_C(1) << 40;

    CHECK(fl_encode_weight(5, 5) == one && fl_encode_weight(6, 5) == one);
    CHECK(fl_encode_weight(2.5, 5) == one / 2 && fl_encode_weight(1, 1e6) == 1099512);
    CHECK(fl_encode_weight(0x1p-40, 1) == 1 && fl_encode_weight(0x1p-42, 1) == 0);
}

/* Every width: back and forth, at both ends, with n that does not fill the last word. */
static void
test_there_and_back(void)
{
    for (unsigned bits = 8; bits <= 64; bits = bits == 32 ? 64 : bits + 1) {
        const double scale = ldexp(1, (int)bits - 3);
        struct fl_plan plan = plan_of(bits, 1, scale, false);
        struct fl_lane_encoder e;
        float values[23];
        uint64_t words[23], clipped = 0;
        int64_t back[23];
        fl_lane_encoder_init(&e, &plan, 0, UINT64_C(1) << 40);
        for (int i = 0; i < 23; i++)
            values[i] = i % 5 == 0 ? 1.0F : i % 5 == 1 ? -1.0F : (float)(i - 11) / 32;
        CHECK(!fl_lane_encoder_words(&e, values, 23, NULL, words, &clipped) && clipped == 0);
        CHECK(!fl_decode_words(&e.lanes, words, 23, back));
        for (int i = 0; i < 23; i++)
            CHECK(back[i] == (int64_t)rint((double)values[i] * scale));
        size_t used = (23 + e.lanes.count - 1) / e.lanes.count;
        if (23 % e.lanes.count) { /* a lane that holds no value */
            words[used - 1] |= UINT64_C(1) << (bits * (23 % e.lanes.count));
            CHECK(fl_decode_words(&e.lanes, words, 23, back) == -1);
        }
        if (bits * e.lanes.count < 64) { /* a bit above the lanes */
            words[0] |= UINT64_C(1) << 63;
            CHECK(fl_decode_words(&e.lanes, words, 23, back) == -1);
        }
    }
}

static void
test_clip(void)
{
    struct fl_plan plan = plan_of(32, 0.1, 1024, false);
    const float values[] = {0.1F, 0.2F, -5, 1e30F, -1e30F, 0.09F, -0.0F, 1e-45F};
    const int64_t want[] = {102, 102, -102, 102, -102, 92, 0, 0};
    struct fl_lane_encoder e;
    uint64_t words[8], clipped = 0;
    int64_t back[8];

    fl_lane_encoder_init(&e, &plan, 0, UINT64_C(1) << 40);
    CHECK(!fl_lane_encoder_words(&e, values, 8, NULL, words, &clipped));
    CHECK(clipped == 5); /* 0.1F is above 0.1 */
    CHECK(!fl_decode_words(&e.lanes, words, 8, back));
    for (int i = 0; i < 8; i++)
        CHECK(back[i] == want[i]);
}

static void
test_not_finite(void)
{
    struct fl_plan plan = plan_of(16, 1, 1024, false);
    const float bad[] = {NAN, INFINITY, -INFINITY};
    struct fl_lane_encoder e;
    uint64_t words[4], clipped = 0;

    fl_lane_encoder_init(&e, &plan, 0, UINT64_C(1) << 40);
    for (int i = 0; i < 3; i++)
        for (int at = 0; at < 9; at++) {
            float values[9] = {0};
            values[at] = bad[i];
            CHECK(fl_lane_encoder_words(&e, values, 9, NULL, words, &clipped) == -1);
        }
}

/* Stochastic rounding: one of the two neighbours, exact values untouched, no bias. */
static void
test_stochastic(void)
{
    enum { TRIES = 1 << 16 };
    static float values[TRIES];
    static uint64_t words[TRIES];
    static int64_t back[TRIES];
    static uint32_t random[TRIES];
    const double fractions[] = {0, 0.03, 0.25, 0.5, 0.9};
    struct fl_plan plan = plan_of(64, 1, 1024, true);
    struct fl_lane_encoder e;
    uint64_t clipped = 0;

    fl_lane_encoder_init(&e, &plan, 1, UINT64_C(1) << 40);
    fl_lane_encoder_random(&e, 0, random, TRIES);
    for (size_t f = 0; f < sizeof fractions / sizeof *fractions; f++) {
        int64_t sum = 0;
        for (int sign = -1; sign <= 1; sign += 2) {
            for (int i = 0; i < TRIES; i++)
                values[i] = (float)(sign * (7 + fractions[f]) / 1024);
            double exact = (double)values[0] * 1024;
            CHECK(!fl_lane_encoder_words(&e, values, TRIES, random, words, &clipped));
            CHECK(!fl_decode_words(&e.lanes, words, TRIES, back));
            sum = 0;
            for (int i = 0; i < TRIES; i++) {
                CHECK(back[i] == (int64_t)floor(exact) || back[i] == (int64_t)ceil(exact));
                sum += back[i];
            }
            /* five standard deviations of the mean of 65536 draws with variance at most 1/4 */
            CHECK(fabs((double)sum / TRIES - exact) < 5 * 0.5 / 256);
        }
    }
}

/* Another site or session rounds with other numbers; the same ones again are the same. */
static void
test_random(void)
{
    struct fl_plan plan = plan_of(8, 1, 1, true);
    struct fl_lane_encoder e;
    uint32_t one[64], two[64];

    fl_lane_encoder_init(&e, &plan, 0, 1);
    fl_lane_encoder_random(&e, 5, one, 64);
    fl_lane_encoder_random(&e, 5, two, 64);
    CHECK(!memcmp(one, two, sizeof one));
    fl_lane_encoder_random(&e, 6, two, 64);
    CHECK(memcmp(one, two, sizeof one));
    fl_lane_encoder_init(&e, &plan, 1, 1);
    fl_lane_encoder_random(&e, 5, two, 64);
    CHECK(memcmp(one, two, sizeof one));
    plan.sid[0] = 1;
    fl_lane_encoder_init(&e, &plan, 0, 1);
    fl_lane_encoder_random(&e, 5, two, 64);
    CHECK(memcmp(one, two, sizeof one));
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_weight);
    RUN(test_there_and_back);
    RUN(test_clip);
    RUN(test_not_finite);
    RUN(test_stochastic);
    RUN(test_random);
    return test_end();
}
