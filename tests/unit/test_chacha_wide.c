/* The key stream as processors with AVX-512 make it, and as others do, on any little-endian one. */
#include "crypt/chacha_wide.h"

#include "../naive/chacha.h"
#include "random.h"
#include "test.h"

/* crypt/chacha.c under other names, of the form that is asked for. */
#include "os/kernel.h"
static bool wide_form;
#define fl_kernel_is_wide() wide_form
#define fl_stream_fill      other_stream_fill
#define fl_stream_part      other_stream_part
#define fl_box_seal         other_box_seal
#define fl_box_open         other_box_open
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include "../../lib/crypt/chacha.c"

enum { MOST = 4 * FL_STREAM_UNIT };

static void
make_key(unsigned char key[32], uint32_t *seed)
{
    for (size_t i = 0; i < 32; i++)
        key[i] = (unsigned char)random_next(seed);
}

/* Every unit of some to begin with, odd lengths, and no byte beyond them. */
static void
test_parts(void)
{
    static const size_t lengths[] = {0, 1, 8, 63, 64, 65, 1023, 1024, 1025, 2047, 2048, 2049, 4000};
    static unsigned char want[MOST + 4000], got[4001];
    unsigned char key[32];
    uint32_t seed = 11;

    for (int form = 0; form < 2; form++) {
        const uint64_t chunk = UINT64_C(0xfedcba9876543210) * (unsigned)form;
        wide_form = form;
        make_key(key, &seed);
        naive_stream(want, sizeof want, key, chunk);
        for (size_t at = 0; at <= MOST; at += FL_STREAM_UNIT)
            for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
                memset(got, 0x5a, sizeof got);
                fl_stream_part(got, lengths[l], key, chunk, at);
                CHECK(!memcmp(got, want + at, lengths[l]) && got[lengths[l]] == 0x5a);
            }
        fl_stream_fill(got, 4000, key, chunk);
        CHECK(!memcmp(got, want, 4000));
    }
}

/* Late in a chunk, where the counter has all its bytes. */
static void
test_late(void)
{
    const uint64_t at = UINT64_C(0x5abcdef) * FL_STREAM_UNIT;
    unsigned char key[32] = {9}, wide[3000], narrow[3000];

    wide_form = true;
    fl_stream_part(wide, sizeof wide, key, 5, at);
    wide_form = false;
    fl_stream_part(narrow, sizeof narrow, key, 5, at);
    CHECK(!memcmp(wide, narrow, sizeof wide));
}

/* Sums of streams may be turned for each of them: places in columns are the same ones. */
static void
test_columns(void)
{
    uint64_t sum[FL_WIDE_WORDS] = {0}, one[FL_WIDE_WORDS], want[FL_WIDE_WORDS] = {0};
    unsigned char key[32], stream[3 * FL_STREAM_UNIT];
    uint32_t seed = 4;
    struct fl_wide w;

    for (uint64_t k = 0; k < 5; k++) {
        make_key(key, &seed);
        fl_wide_start(&w, key, k);
        fl_wide_columns(one, &w, k % 3);
        naive_stream(stream, sizeof stream, key, k);
        for (size_t i = 0; i < FL_WIDE_WORDS; i++) {
            sum[i] += one[i];
            want[i] += fl_get64(stream + k % 3 * FL_STREAM_UNIT + 8 * i);
        }
    }
    fl_wide_turn(sum);
    CHECK(!memcmp(sum, want, sizeof sum));
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_parts);
    RUN(test_late);
    RUN(test_columns);
    return test_end();
}
