#include "sec/mask.h"

#include "crypt/chacha.h"
#include "crypt/secret.h"
#include "sec/plan.h"
#include "test.h"

enum { N = 200 };

/* Lane by lane. */
static uint64_t
add_slowly(unsigned bits, uint64_t x, uint64_t y, int sign)
{
    const uint64_t mask = bits == 64 ? ~UINT64_C(0) : (UINT64_C(1) << bits) - 1;
    uint64_t out = 0;

    for (unsigned l = 0; l < 64 / bits; l++) {
        uint64_t u = x >> (l * bits) & mask, v = y >> (l * bits) & mask;
        out |= ((sign > 0 ? u + v : u - v) & mask) << (l * bits);
    }
    return out;
}

static void
test_lanes(void)
{
    for (unsigned bits = 1; bits <= 64; bits++) {
        uint64_t x[N], y[N], sum[N], difference[N];
        struct fl_lanes lanes;
        fl_lanes_init(&lanes, bits);
        CHECK(lanes.count == 64 / bits);
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
            CHECK(sum[i] == add_slowly(bits, x[i], y[i], 1));
            CHECK(difference[i] == add_slowly(bits, x[i], y[i], -1));
            CHECK(!(sum[i] & ~lanes.used) && !(difference[i] & ~lanes.used));
        }
    }
}

/* Three sites; each pair's mask is added once and subtracted once. */
static void
test_cancel(void)
{
    static uint64_t words[3][FL_CHUNK_WORDS], scratch[FL_CHUNK_WORDS], sum[FL_CHUNK_WORDS];
    static const unsigned widths[] = {8, 10, 13, 16, 24, 32, 64};
    unsigned char keys[3][32]; /* of the pairs 01, 02, 12 */

    fl_random_bytes(keys, sizeof keys);
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        struct fl_lanes lanes;
        struct fl_mask masks[3][2];
        const size_t n = FL_CHUNK_WORDS, part = n - 1; /* the last word is the weight's */
        fl_lanes_init(&lanes, widths[w]);
        for (int i = 0; i < 3; i++)
            for (int j = 0, at = 0; j < 3; j++) {
                if (i == j)
                    continue;
                memcpy(masks[i][at].key, keys[i + j - 1], 32);
                masks[i][at++].sign = i < j ? 1 : -1;
            }
        for (int i = 0; i < 3; i++) {
            memset(words[i], 0, sizeof words[i]);
            words[i][5] = 7;
            words[i][part] = UINT64_C(1) << 60;
            fl_mask_chunk(&lanes, words[i], n, part, 3, masks[i], 2, scratch);
            size_t still = 0;
            for (size_t k = 0; k < n; k++) {
                CHECK(k == part || !(words[i][k] & ~lanes.used));
                still += words[i][k] == (k == 5 ? 7 : 0);
            }
            CHECK(still == 0 || widths[w] < 64);
            CHECK(still < 3);
        }
        memset(sum, 0, sizeof sum);
        for (int i = 0; i < 3; i++) {
            fl_lanes_add(&lanes, sum, words[i], part);
            sum[part] += words[i][part];
        }
        CHECK(sum[5] == 21 && sum[part] == UINT64_C(3) << 60);
        for (size_t k = 0; k < part; k++)
            CHECK(k == 5 || sum[k] == 0);
    }
}

/* The mask is the stream of the chunk, as words; another chunk has another. */
static void
test_stream(void)
{
    uint64_t words[4] = {0}, again[4] = {0}, scratch[4];
    unsigned char stream[32];
    struct fl_mask mask = {.sign = 1};
    struct fl_lanes lanes;

    fl_lanes_init(&lanes, 64);
    fl_random_bytes(mask.key, 32);
    fl_stream_fill(stream, 32, mask.key, 9);
    fl_mask_chunk(&lanes, words, 4, 3, 9, &mask, 1, scratch);
    CHECK(!memcmp(words, stream, 32));
    fl_mask_chunk(&lanes, again, 4, 3, 10, &mask, 1, scratch);
    CHECK(memcmp(words, again, 32));
    mask.sign = -1;
    fl_mask_chunk(&lanes, words, 4, 3, 9, &mask, 1, scratch);
    CHECK(fl_is_zero(words, 32));
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_lanes);
    RUN(test_cancel);
    RUN(test_stream);
    return test_end();
}
