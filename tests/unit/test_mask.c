/* Arithmetic in lanes against its slow twin, for every width. */
#include "sec/mask.h"

#include "../naive/chacha.h"
#include "../naive/lanes.h"
#include "base/bytes.h"
#include "crypt/secret.h"
#include "test.h"

/* sec/mask.c under other names: as processors with AVX-512 run it, or as others do. */
#include "os/kernel.h"
static bool wide_form;
#define fl_kernel_is_wide() wide_form
#define fl_lanes_init       other_lanes_init
#define fl_lanes_add        other_lanes_add
#define fl_lanes_sub        other_lanes_sub
#define fl_masks_add        other_masks_add
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include "../../lib/sec/mask.c"

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

/* Chunk CHUNK of the masks on N words from word FROM on, by the slow twins. */
static void
naive_masks(unsigned bits, uint64_t *words, size_t n, const struct fl_masking *m, size_t from)
{
    static unsigned char stream[3 * FL_STREAM_UNIT + 8 * 700];

    for (size_t k = 0; k < m->count; k++) {
        naive_stream(stream, 8 * (from + n), m->masks[k].key, m->chunk);
        for (size_t i = 0; i < n; i++)
            words[i] = naive_lanes_add(bits, words[i], fl_get64(stream + 8 * (from + i)),
                                       m->masks[k].sign);
    }
}

/* Every width in both forms: whole units and odd ends, from any unit on, with both signs. */
static void
test_masks(void)
{
    static const size_t lengths[] = {0, 1, 7, 255, 256, 257, 700};
    static const char soon[3000];
    struct fl_mask masks[4] = {{{0}, 1}, {{0}, -1}, {{0}, 1}, {{0}, -1}};
    uint64_t before[701], want[701], got[701];

    for (int k = 0; k < 4; k++)
        fl_random_bytes(masks[k].key, sizeof masks[k].key);
    for (unsigned run = 0; run < 2 * 64; run++) {
        const unsigned bits = run / 2 + 1;
        const size_t n = lengths[bits % 7], from = bits % 4 * FL_MASK_UNIT;
        const struct fl_masking m = {.masks = masks + bits % 2, /* the first adds, or subtracts */
                                     .count = bits / 2 % 4,
                                     .chunk = UINT64_C(0x1020304050607) * bits,
                                     .soon = soon,
                                     .soon_bytes = sizeof soon};
        struct fl_lanes lanes;
        wide_form = run % 2;
        fl_lanes_init(&lanes, bits);
        fl_random_bytes(before, sizeof before);
        for (size_t i = 0; i < n; i++)
            before[i] &= lanes.used;
        memcpy(want, before, sizeof want);
        memcpy(got, before, sizeof got);
        naive_masks(bits, want, n, &m, from);
        fl_masks_add(&m, &lanes, got, n, from);
        CHECK(!memcmp(got, want, sizeof got));
    }
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_shape);
    RUN(test_lanes);
    RUN(test_masks);
    return test_end();
}
