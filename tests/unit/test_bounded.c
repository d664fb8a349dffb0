/*
 * The whole numbers of a site: never longer than the bound, at its edge, in every attempt, over
 * tensors of unlike steps; and the mean of what chance rounds is what was to be rounded.
 */
#include "fed/bounded.h"

#include "test.h"

#include "math/random.h"

enum { MOST = 20000 };

static float update[2][MOST];

static int
reading(void *arg, size_t i, uint64_t at, size_t n, float *values)
{
    (void)arg;
    memcpy(values, update[i] + at, n * sizeof *values);
    return 0;
}

static int
failing(void *arg, size_t i, uint64_t at, size_t n, float *values)
{
    (void)arg;
    (void)n;
    memset(values, 0, n * sizeof *values);
    return i || at ? fl_error(FL_FAILED, "gone") : 0;
}

/* The squares of all that is sent, each in the finest steps: what a verifier would add up. */
static fl_u128
length_of(const struct fl_bounded *b)
{
    static int64_t x[FL_BOUNDED_CHUNK];
    fl_u128 sum = 0;

    for (size_t i = 0; i < b->count; i++)
        for (uint64_t at = 0; at < b->parts[i].elements; at += FL_BOUNDED_CHUNK) {
            uint64_t n = b->parts[i].elements - at;
            n = n < FL_BOUNDED_CHUNK ? n : FL_BOUNDED_CHUNK;
            fl_bounded_round(b, i, at, update[i] + at, (size_t)n, x);
            for (uint64_t k = 0; k < n; k++)
                sum += (fl_u128)((uint64_t)(x[k] * x[k])) << 2 * b->parts[i].shift;
        }
    return sum;
}

static void
fill(size_t i, size_t n, uint64_t seed, double size)
{
    for (size_t k = 0; k < n; k++)
        update[i][k] = (float)((double)(int64_t)fl_random_at(seed, i, k) * 0x1p-63 * size);
}

/* One tensor and two of unlike scales; updates far too long, just too long, and short. */
static void
test_holds(void)
{
    const struct fl_decimal C = {5, 1};
    static const size_t sizes[] = {1, 2, 3, 100, 8192, 8193, 20000};
    size_t retried = 0;

    for (size_t s = 0; s < 7; s++)
        for (int unlike = 0; unlike < 2; unlike++)
            for (int length = 0; length < 20; length++) {
                const unsigned shift = unlike ? 6 : 0;
                struct fl_bounded_part parts[2] =
                    {{.clip = 0.25, .scale = 1024, .elements = sizes[s]},
                     {.clip = 0.5, .scale = 1024 >> shift, .shift = shift, .elements = sizes[s]}};
                fl_u128 D = (fl_u128)sizes[s] + ((fl_u128)sizes[s] << 2 * shift);
                struct fl_bounded b = {.parts = parts,
                                       .count = 2,
                                       .clip = 0.5,
                                       .read = reading,
                                       .key = {(unsigned char)length},
                                       .B2 = fl_bound_square(&C, 1024, D)};
                fill(0, sizes[s], 100 * s + (uint64_t)length, pow(2, length - 14));
                fill(1, sizes[s], 100 * s + (uint64_t)length + 50, pow(2, length - 14));
                CHECK(!fl_bounded_fit(&b));
                CHECK(length_of(&b) <= b.B2);
                CHECK(b.norm <= 0.5 ? b.factor == 1 : b.factor < 1);
                CHECK(b.factor == 1 || fabs(b.factor * b.norm - 0.5) < 1e-12);
                CHECK(b.factor * b.norm <= 0.5);
                CHECK(b.attempt < FL_BOUNDED_ZEROS);
                retried += b.attempt > 0;
            }
    printf("# %zu of 280 needed another attempt\n", retried);
}

/* At the edge of the bound: attempts are refused one after the other, as it shrinks. */
static void
test_edge(void)
{
    struct fl_bounded_part part = {.clip = 1, .scale = 16, .elements = 1000};
    struct fl_bounded b = {.parts = &part, .count = 1, .clip = 1e9, .read = reading, .key = {3}};
    fl_u128 nearest, zero;

    fill(0, 1000, 7, 0.4);
    b.B2 = FL_U128_MAX;
    CHECK(!fl_bounded_fit(&b) && b.attempt == 0 && b.factor == 1);
    nearest = length_of(&b);
    b.B2 = nearest;
    CHECK(!fl_bounded_fit(&b) && b.attempt == 0);
    b.attempt = FL_BOUNDED_TRIES + 1;
    zero = length_of(&b);
    CHECK(zero < nearest);
    b.B2 = nearest - 1;
    CHECK(!fl_bounded_fit(&b) && b.attempt > 0 && length_of(&b) <= b.B2);
    b.B2 = zero;
    CHECK(!fl_bounded_fit(&b) && b.attempt == FL_BOUNDED_TRIES + 1 && length_of(&b) == b.B2);
    b.B2 = zero - 1;
    CHECK(!fl_bounded_fit(&b) && b.attempt == FL_BOUNDED_ZEROS && length_of(&b) == 0);
    /* of one coordinate, too */
    part.elements = 1;
    update[0][0] = 0.5f; /* 8 steps */
    b.B2 = 64;
    CHECK(!fl_bounded_fit(&b) && b.attempt == 0);
    b.B2 = 63;
    CHECK(!fl_bounded_fit(&b) && b.attempt == FL_BOUNDED_ZEROS);
    /* a coarse step counts as many fine ones: a plain sum of squares would let it pass */
    struct fl_bounded_part two[2] = {{.clip = 1, .scale = 16, .elements = 1},
                                     {.clip = 1, .scale = 1, .shift = 4, .elements = 1}};
    b.parts = two;
    b.count = 2;
    update[0][0] = 0;
    update[1][0] = 1; /* one step of 16 */
    b.B2 = 256;
    CHECK(!fl_bounded_fit(&b) && b.attempt == 0 && length_of(&b) == 256);
    b.B2 = 255;
    CHECK(!fl_bounded_fit(&b) && b.attempt == FL_BOUNDED_ZEROS);
}

/* Values that are no numbers count as zero, those beyond the clip as the clip; nothing is refused. */
static void
test_odd(void)
{
    struct fl_bounded_part part = {.clip = 0.5, .scale = 64, .elements = 5};
    struct fl_bounded b = {.parts = &part,
                           .count = 1,
                           .clip = 1e9,
                           .read = reading,
                           .B2 = FL_U128_MAX};
    int64_t x[5];

    memcpy(update[0], (float[]){NAN, INFINITY, -INFINITY, 3e38f, -0.25f}, 5 * sizeof(float));
    CHECK(!fl_bounded_fit(&b));
    fl_bounded_round(&b, 0, 0, update[0], 5, x);
    CHECK(x[0] == 0 && x[1] == 32 && x[2] == -32 && x[3] == 32 && x[4] == -16);
    CHECK_NEAR(b.norm, sqrt(0.75 + 0.0625), 1e-15);
    memset(update[0], 0, 5 * sizeof(float));
    CHECK(!fl_bounded_fit(&b) && b.attempt == 0 && b.factor == 1);
    b.read = failing;
    part.elements = 9000;
    CHECK(fl_bounded_fit(&b) && !strcmp(fl_error_text(), "gone"));
}

/* By chance: in the mean what was to be rounded, another way in each attempt and under each key. */
static void
test_chance(void)
{
    struct fl_bounded_part part = {.clip = 1, .scale = 4, .elements = MOST};
    struct fl_bounded b = {.parts = &part, .count = 1, .clip = 1e9, .factor = 1, .read = reading};
    static int64_t x[FL_BOUNDED_CHUNK], y[FL_BOUNDED_CHUNK];
    double sum = 0, want = 0;
    size_t same = 0;

    for (size_t k = 0; k < MOST; k++)
        update[0][k] = 0.3f; /* 1.2 steps */
    for (b.attempt = 1; b.attempt <= FL_BOUNDED_TRIES; b.attempt++) {
        fl_bounded_round(&b, 0, 0, update[0], FL_BOUNDED_CHUNK, x);
        for (size_t k = 0; k < FL_BOUNDED_CHUNK; k++) {
            CHECK(x[k] == 1 || x[k] == 2);
            sum += (double)x[k];
            want += 4 * (double)0.3f;
        }
    }
    CHECK(fabs(sum - want) < 5 * sqrt(0.16 * FL_BOUNDED_TRIES * FL_BOUNDED_CHUNK));
    b.attempt = 1;
    fl_bounded_round(&b, 0, 0, update[0], FL_BOUNDED_CHUNK, x);
    for (int way = 0; way < 4; way++) {
        struct fl_bounded c = b;
        c.attempt = way == 0 ? 2 : 1;
        c.key[0] = way == 1;
        size_t place = way == 2 ? FL_BOUNDED_CHUNK : 0;
        fl_bounded_round(&c, 0, place, update[0], FL_BOUNDED_CHUNK, y);
        same = 0;
        for (size_t k = 0; k < FL_BOUNDED_CHUNK; k++)
            same += x[k] == y[k];
        CHECK(way == 3 ? same == FL_BOUNDED_CHUNK
                       : fabs((double)same / FL_BOUNDED_CHUNK - 0.68) < 0.05);
    }
}

int
main(void)
{
    RUN(test_holds);
    RUN(test_edge);
    RUN(test_odd);
    RUN(test_chance);
    return test_end();
}
