/* Encoding and decoding against their slow twin; what no value and no weight can do. */
#include "fed/encode.h"

#include "../naive/lanes.h"
#include "random.h"
#include "test.h"

static const uint64_t one = UINT64_C(1) << 40;

static void
test_weight(void)
{
    static const struct {
        double floor, cap, weight;
        uint64_t q;
    } cases[] = {{1, 1, 1, UINT64_C(1) << 40},
                 {1, 1, 7, UINT64_C(1) << 40},
                 {0.5, 2, 0.5, UINT64_C(1) << 38},
                 {0.5, 2, 2, UINT64_C(1) << 40},
                 {0.5, 2, 1, UINT64_C(1) << 39},
                 {0.5, 2, 1e300, UINT64_C(1) << 40}, /* above the cap: the cap */
                 {0.5, 2, INFINITY, UINT64_C(1) << 40},
                 {0.5, 2, 0.49, UINT64_C(1) << 38}, /* below the floor: the floor */
                 {0.5, 2, 0, UINT64_C(1) << 38},
                 {0.5, 2, -1.5, UINT64_C(1) << 38},
                 {0.5, 2, -INFINITY, UINT64_C(1) << 38},
                 {0.5, 2, NAN, UINT64_C(1) << 38},
                 {1, 3, 1, 366503875925},    /* 2^40 / 3 = 366503875925.33 */
                 {1, 3, 2, 733007751851},    /* 733007751850.67 */
                 {1e-9, 1, 0x1.8p-40, 1100}, /* the floor: 1099.51 */
                 {1e-12, 1, 0x1.8p-40, 2},   /* 1.5: to even */
                 {1e-12, 1, 0x1.4p-39, 2},   /* 2.5: to even */
                 {1e-12, 1, 0x1.400002p-39, 3}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct fl_weight_policy policy = {.floor = cases[i].floor, .cap = cases[i].cap};
        uint64_t q = fl_encode_weight(&policy, cases[i].weight);
        CHECK(q == cases[i].q);
        if (q != cases[i].q)
            printf("# case %zu: %llu\n", i, (unsigned long long)q);
    }
}

static uint64_t
words_of(unsigned bits, size_t n)
{
    return (n + 64 / bits - 1) / (64 / bits);
}

/* Every width, every number of values that does or does not fill a word, all kinds of values. */
static void
test_against_twin(void)
{
    enum { MOST = 23 };
    uint32_t seed = 5;
    size_t wrong = 0, clipped = 0;

    for (unsigned bits = 8; bits <= 64; bits = bits == 32 ? 64 : bits + 1)
        for (size_t n = 0; n <= MOST; n++)
            for (int trial = 0; trial < 20; trial++) {
                const double clip = trial % 3 ? 0.1 : 3;
                const struct fl_tensor_rule rule = {.bits = bits,
                                                    .clip = clip,
                                                    .scale = naive_scale(3, bits, clip)};
                const uint64_t q = trial % 4 ? one >> trial % 7 : one / 3;
                struct fl_lane_encoder e;
                struct fl_encoded counts = {0};
                float values[MOST + 1];
                uint64_t words[MOST + 1], want[MOST + 1] = {0}, more = 0;
                int64_t back[MOST + 1];
                for (size_t i = 0; i < n; i++) {
                    uint32_t pattern = random_next(&seed) << 9 ^ random_next(&seed);
                    memcpy(&values[i], &pattern, 4); /* infinite, NaN and subnormal too */
                    if (i % 3)
                        values[i] = (float)((double)random_next(&seed) / 0x1p23 - 1) * 0.2F;
                    naive_lanes_put(bits, want, i, naive_encode(values[i], clip, rule.scale, q));
                    more += fabs((double)values[i]) > clip;
                }
                memset(words, 0xAA, sizeof words);
                fl_lane_encoder_init(&e, &rule, q);
                fl_lane_encode(&e, values, n, words, &counts);
                wrong += memcmp(words, want, words_of(bits, n) * sizeof *words) != 0;
                wrong += words[words_of(bits, n)] != UINT64_C(0xAAAAAAAAAAAAAAAA);
                wrong += counts.values != n || counts.clipped != more;
                clipped += more;
                wrong += fl_lane_decode(&e.lanes, words, n, back) != 0;
                for (size_t i = 0; i < n; i++)
                    wrong += back[i] != naive_lanes_get(bits, words, i);
            }
    CHECK(wrong == 0);
    CHECK(clipped > 1000);
}

/* To nearest, ties to even, on both sides of zero; NaN is 0, infinite the clip. */
static void
test_values(void)
{
    static const struct {
        float value;
        int64_t want;
    } cases[] = {{0.5F, 0},   {1.5F, 2},   {2.5F, 2},       {3.5F, 4},         {-0.5F, 0},
                 {-1.5F, -2}, {-2.5F, -2}, {-3.5F, -4},     {0.75F, 1},        {-0.75F, -1},
                 {0.25F, 0},  {NAN, 0},    {INFINITY, 100}, {-INFINITY, -100}, {99.6F, 100},
                 {100, 100},  {101, 100},  {-1e30F, -100},  {1e-45F, 0},       {-0.0F, 0}};
    const struct fl_tensor_rule rule = {.bits = 16, .clip = 100, .scale = 1};
    struct fl_encoded counts = {0};
    struct fl_lane_encoder e;
    size_t n = sizeof cases / sizeof *cases;
    float values[32];
    uint64_t words[32];
    int64_t back[32];

    for (size_t i = 0; i < n; i++)
        values[i] = cases[i].value;
    fl_lane_encoder_init(&e, &rule, one);
    fl_lane_encode(&e, values, n, words, &counts);
    CHECK(!fl_lane_decode(&e.lanes, words, n, back));
    for (size_t i = 0; i < n; i++)
        CHECK(back[i] == cases[i].want);
    CHECK(counts.values == n && counts.odd == 1 && counts.clipped == 4 && counts.zeros == 1);
    fl_lane_encode(&e, values, n, words, &counts); /* counts add up */
    CHECK(counts.values == 2 * n && counts.odd == 2 && counts.clipped == 8 && counts.zeros == 2);
}

/* The largest sum that the scale lets happen is the last that fits. */
static void
test_extremes(void)
{
    for (unsigned bits = 8; bits <= 64; bits = bits == 32 ? 64 : bits + 1)
        for (size_t n = 3; n <= 20; n++) {
            const double scale = naive_scale(n, bits, 0.7);
            const struct fl_tensor_rule rule = {.bits = bits, .clip = 0.7, .scale = scale};
            const float ends[] = {1, -1};
            struct fl_encoded counts = {0};
            struct fl_lane_encoder e;
            uint64_t words[2], sum[2] = {0};
            int64_t back[2], each[2];
            fl_lane_encoder_init(&e, &rule, one);
            fl_lane_encode(&e, ends, 2, words, &counts);
            CHECK(!fl_lane_decode(&e.lanes, words, 2, each));
            for (size_t i = 0; i < n; i++)
                fl_lanes_add(&e.lanes, sum, words, bits == 64 ? 2 : 1);
            CHECK(!fl_lane_decode(&e.lanes, sum, 2, back));
            CHECK(back[0] == each[0] * (int64_t)n && back[1] == each[1] * (int64_t)n);
            CHECK(each[0] > 0 && each[1] == -each[0]);
        }
}

/* A lane that holds no value, and a bit above the lanes, are seen. */
static void
test_spare_bits(void)
{
    for (unsigned bits = 8; bits <= 64; bits = bits == 32 ? 64 : bits + 1)
        for (size_t n = 1; n <= 17; n++) {
            struct fl_lanes lanes;
            fl_lanes_init(&lanes, bits);
            for (uint64_t bit = 0; bit < 64 * words_of(bits, n); bit++) {
                uint64_t words[17] = {0};
                int64_t back[17];
                const uint64_t lane = bit % 64 / bits + bit / 64 * lanes.count;
                const bool used = bit % 64 < bits * lanes.count && lane < n;
                words[bit / 64] |= UINT64_C(1) << bit % 64;
                CHECK(fl_lane_decode(&lanes, words, n, back) == (used ? 0 : -1));
            }
        }
}

int
main(void)
{
    RUN(test_weight);
    RUN(test_against_twin);
    RUN(test_values);
    RUN(test_extremes);
    RUN(test_spare_bits);
    return test_end();
}
