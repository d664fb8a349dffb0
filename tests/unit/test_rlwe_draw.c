/* sec/rlwe_draw: each number as the declaration has it, one after the other; and how often. */
#include "sec/rlwe_draw.h"

#include "test.h"

#include "../naive/chacha.h"
#include "crypt/secret.h"

enum { COUNT = 100000, BYTES = 2000000 };

static unsigned char key[32] = {9, 8, 7}, *stream;

static uint64_t
word_at(size_t at)
{
    uint64_t word = 0;

    for (size_t i = 0; i < 8; i++)
        word |= (uint64_t)stream[at + i] << 8 * i;
    return word;
}

static void
test_ternary(void)
{
    int8_t *x = malloc(COUNT);
    size_t at = 0, wrong = 0, count[3] = {0};

    fl_rlwe_draw_ternary(x, COUNT, key, 77);
    naive_stream(stream, BYTES, key, 77);
    for (size_t i = 0; i < COUNT; at++) {
        int power = 1;
        for (int d = 0; stream[at] < 243 && d < 5 && i < COUNT; d++, power *= 3)
            wrong += x[i++] != stream[at] / power % 3 - 1;
    }
    CHECK(wrong == 0);
    for (size_t i = 0; i < COUNT; i++)
        count[x[i] + 1]++;
    for (size_t i = 0; i < 3; i++)
        CHECK(fabs((double)count[i] - COUNT / 3.0) < 5 * sqrt(COUNT * 2 / 9.0));
    free(x);
}

static void
test_error(void)
{
    int8_t *x = malloc(COUNT);
    size_t wrong = 0;
    double sum = 0, square = 0, fourth = 0;

    fl_rlwe_draw_error(x, COUNT, key, 78);
    naive_stream(stream, BYTES, key, 78);
    for (size_t i = 0; i < COUNT; i++) {
        int want = 0;
        for (unsigned bit = 0; bit < 42; bit++)
            want += (word_at(8 * i) >> bit & 1) ? (bit < 21 ? 1 : -1) : 0;
        wrong += x[i] != want;
        sum += x[i];
        square += (double)x[i] * x[i];
        fourth += pow(x[i], 4);
    }
    CHECK(wrong == 0);
    CHECK(fabs(sum) < 5 * sqrt(COUNT * 10.5));
    CHECK_NEAR(square / COUNT / 10.5, 1, 0.03); /* 42 coins of variance 1 / 4 */
    CHECK_NEAR(fourth / COUNT / (3 * 10.5 * 10.5 - 10.5 / 2), 1, 0.1);
    free(x);
}

static void
test_smudging(void)
{
    enum { BINS = 64 };
    struct fl_rlwe_size size = {.noise = 201601, .lambda = 58, .smudging = (fl_u128)201601 << 58};
    uint64_t *low = malloc(2 * COUNT * sizeof *low), *high = low + COUNT;
    unsigned char *buffer = malloc(FL_NOISE_BUFFER);
    size_t count[BINS] = {0}, last[BINS] = {0}, wrong = 0, at = 0;

    fl_rlwe_draw_smudging(low, high, COUNT, &size, key, 5, buffer);
    for (size_t i = 0; i * 65536 + 65536 <= BYTES; i++)
        naive_stream(stream + i * 65536, 65536, key, (uint64_t)5 << 20 | i);
    for (size_t i = 0; i < COUNT; i++) {
        fl_u128 x = (fl_u128)high[i] << 64 | low[i];
        CHECK(x < 2 * size.smudging);
        count[(size_t)(x * BINS / (2 * size.smudging))]++;
        last[low[i] % BINS]++;
        if (at + 64 > BYTES / 65536 * 65536)
            continue;
        fl_u128 want = word_at(at) & (((uint64_t)1 << 59) - 1);
        for (at += 16;; at += 4) {
            uint64_t product = (word_at(at) & 0xffffffff) * size.noise;
            if ((uint32_t)product < ((uint64_t)1 << 32) % size.noise)
                continue;
            want += (fl_u128)(product >> 32) << 59;
            break;
        }
        at += 4;
        wrong += x != want;
    }
    CHECK(wrong == 0 && at > BYTES / 2);
    for (size_t i = 0; i < BINS; i++) {
        CHECK(fabs((double)count[i] - COUNT / (double)BINS) < 6 * sqrt(COUNT / (double)BINS));
        CHECK(fabs((double)last[i] - COUNT / (double)BINS) < 6 * sqrt(COUNT / (double)BINS));
    }
    /* the widest */
    size.lambda = 90;
    size.noise = 0xfffffff;
    size.smudging = (fl_u128)size.noise << 90;
    fl_rlwe_draw_smudging(low, high, COUNT, &size, key, 5, buffer);
    double mean = 0;
    for (size_t i = 0; i < COUNT; i++) {
        fl_u128 x = (fl_u128)high[i] << 64 | low[i];
        CHECK(x < 2 * size.smudging);
        mean += (double)x / (double)size.smudging - 1;
    }
    CHECK(fabs(mean) < 5 * sqrt(COUNT / 3.0));
    free(buffer);
    free(low);
}

int
main(void)
{
    stream = malloc(BYTES);
    if (fl_crypt_init() || !stream)
        return 1;
    RUN(test_ternary);
    RUN(test_error);
    RUN(test_smudging);
    return test_end();
}
