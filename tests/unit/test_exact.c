/* math/exact against its slow twin, and against itself in every order and grouping. */
#include "math/exact.h"

#include <float.h>

#include "../naive/exact.h"
#include "test.h"

static uint64_t state = 1;

static uint64_t
draw(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) ^ state >> 13 << 31;
}

static float
float_of(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Kinds of rows: the sort of numbers that people meet, and the sort that breaks things. */
static float
draw_float(int kind)
{
    float x;

    do {
        uint64_t r = draw();
        switch (kind) {
        case 0: /* any bits: subnormals, huge ones */ x = float_of((uint32_t)r); break;
        case 1: /* small whole numbers: ties */ x = (float)((int)(r % 17) - 8); break;
        case 2: /* subnormals only */ x = float_of((uint32_t)(r & 0x807fffff)); break;
        case 3: /* near each other, cancelling */
            x = float_of((uint32_t)(0x3f800000 + r % 5) | (uint32_t)(r >> 32 & 1) << 31);
            break;
        default: /* an update */ x = (float)((double)((int64_t)r >> 24) * 0x1p-50); break;
        }
    } while (!isfinite(x) || fabsf(x) >= 0x1p30f);
    return x;
}

static double
draw_weight(int kind)
{
    double w = 1, raw = kind == 0   ? (double)(draw() % 1000 + 1)
                        : kind == 1 ? 1
                        : kind == 2 ? (double)(draw() % 100000 + 1) / 7919
                                    : (double)(draw() % 9 + 1) * 0x1p-40;

    CHECK(fl_exact_weight(raw, &w) == 0);
    return w;
}

enum { N = 67, TERMS = 23 };

static struct planes {
    uint64_t store[FL_EXACT_WORDS][N], *word[FL_EXACT_WORDS];
} sums[8];

static void
clear(struct planes *p)
{
    memset(p, 0, sizeof *p);
}

/* Planes appear when they are reached, as in lib/fed. */
static int
add(struct planes *p, const float *x, double w)
{
    struct fl_exact_span span;

    fl_exact_span(x, N, &span);
    int reach = fl_exact_reach(&span, w);
    if (reach < 0)
        return reach;
    for (int i = reach; i < FL_EXACT_WORDS; i++)
        p->word[i] = p->store[i];
    if (reach < FL_EXACT_WORDS)
        fl_exact_add(p->word, x, N, w);
    return reach;
}

static float values[TERMS][N];
static double weights[TERMS];

static void
fill(int kind, int weight_kind)
{
    for (int t = 0; t < TERMS; t++) {
        weights[t] = draw_weight(weight_kind);
        for (int i = 0; i < N; i++)
            values[t][i] = draw_float(kind);
    }
}

static void
test_twin(void)
{
    for (int round = 0; round < 40; round++) {
        struct planes *p = &sums[0];
        struct fl_exact_total total = {0, 0};
        float mean[N];
        int terms = 1 + (int)(draw() % TERMS), wrong = 0;

        fill(round % 5, round / 5 % 4);
        clear(p);
        for (int t = 0; t < terms; t++) {
            CHECK(add(p, values[t], weights[t]) >= 0);
            fl_exact_total_add(&total, weights[t]);
        }
        fl_exact_mean(mean, p->word, N, &total);
        for (int i = 0; i < N; i++) {
            struct naive_sum naive = {0};
            for (int t = 0; t < terms; t++)
                naive_sum_add(&naive, values[t][i], weights[t]);
            float want = naive_sum_mean(&naive);
            if (memcmp(&want, &mean[i], sizeof want) && !wrong++)
                printf("# round %d, coordinate %d: got %a, want %a\n", round, i, (double)mean[i],
                       (double)want);
        }
        CHECK(wrong == 0);
    }
}

/*
 * Means of TERMS values, half of them 2^23 + i and half the next f32, times 2^(e-23): half way
 * between the two. A term more of the smallest weight pulls that towards the lower (-1) or the
 * higher one (1), by less than a double can tell.
 */
static void
check_ties(int e, int terms, int pull, double tiny)
{
    struct naive_sum naive[2] = {{{0}, {0}}, {{0}, {0}}};
    struct fl_exact_total total = {0, 0};
    float x[N] = {0}, mean[N];

    clear(&sums[0]);
    for (int t = 0; t < terms + (pull != 0); t++) {
        double w = t < terms ? 1 : tiny;
        for (int i = 0; i < 2; i++) {
            x[i] = ldexpf(0x1p23f + (float)(i + (t < terms ? t % 2 : pull > 0)), e - 23);
            naive_sum_add(&naive[i], x[i], w);
        }
        CHECK(add(&sums[0], x, w) >= 0);
        fl_exact_total_add(&total, w);
    }
    fl_exact_mean(mean, sums[0].word, N, &total);
    for (int i = 0; i < 2; i++) {
        float low = ldexpf(0x1p23f + (float)i, e - 23);
        float want = pull < 0 || (pull == 0 && i == 0) ? low : nextafterf(low, INFINITY);
        CHECK(mean[i] == want && naive_sum_mean(&naive[i]) == want);
    }
}

static void
test_ties(void)
{
    double tiny = 0;

    CHECK(fl_exact_weight(0x1p-40, &tiny) == 0);
    for (int e = -126; e < 26; e++)
        for (int terms = 2; terms <= 8; terms *= 2)
            for (int pull = -1; pull <= 1; pull++)
                check_ties(e, terms, pull, tiny);
}

/* One sum in order; another backwards in three groups that are merged from their stored form. */
static void
test_order_and_groups(void)
{
    static unsigned char stored[N * FL_EXACT_WORDS * 8], other[N * FL_EXACT_WORDS * 8];

    for (int round = 0; round < 60; round++) {
        fill(round % 5, round / 5 % 4);
        for (int s = 0; s < 5; s++)
            clear(&sums[s]);
        for (int t = 0; t < TERMS; t++) {
            add(&sums[0], values[t], weights[t]);
            add(&sums[1 + draw() % 3], values[TERMS - 1 - t], weights[TERMS - 1 - t]);
        }
        for (int s = 3; s >= 1; s--) {
            int from = fl_exact_lowest(sums[s].word, N);
            fl_exact_store(stored, sums[s].word, from, N);
            for (int w = from; w < FL_EXACT_WORDS; w++)
                sums[4].word[w] = sums[4].store[w];
            CHECK(fl_exact_add_stored(sums[4].word, from, stored, N, TERMS) == 0);
        }
        CHECK(fl_exact_lowest(sums[0].word, N) == fl_exact_lowest(sums[4].word, N));
        fl_exact_store(stored, sums[0].word, 0, N);
        fl_exact_store(other, sums[4].word, 0, N);
        CHECK(!memcmp(stored, other, sizeof stored));
    }
}

/* What was added and taken away again leaves nothing, whatever came in between. */
static void
test_cancel(void)
{
    float minus[N];
    double w;

    for (int kind = 0; kind < 5; kind++) {
        fill(kind, 2);
        clear(&sums[0]);
        for (int t = 0; t < TERMS; t++)
            add(&sums[0], values[t], weights[t]);
        for (int t = 0; t < TERMS; t++) {
            w = weights[(t + 7) % TERMS];
            for (int i = 0; i < N; i++)
                minus[i] = -values[(t + 7) % TERMS][i];
            add(&sums[0], minus, w);
        }
        for (int k = 0; k < FL_EXACT_WORDS; k++)
            for (int i = 0; i < N; i++)
                CHECK(sums[0].store[k][i] == 0);
    }
}

static void
test_span(void)
{
    struct fl_exact_span span;
    float x[N] = {0};

    fl_exact_span(x, N, &span);
    CHECK(span.largest == 0 && span.lowest == UINT32_MAX);
    CHECK(fl_exact_reach(&span, 1) == FL_EXACT_WORDS);
    x[40] = -0x1p-149f;
    fl_exact_span(x, N, &span);
    CHECK(span.lowest == 0 && fl_exact_reach(&span, 0x1p-40) == 0);
    CHECK(fl_exact_reach(&span, 0x1p24) == 1);
    x[40] = 3;
    fl_exact_span(x, N, &span);
    CHECK(span.lowest == 149 && fl_exact_reach(&span, 1) == 2);
    CHECK(fl_exact_reach(&span, 8) == 3);
    x[66] = -INFINITY;
    fl_exact_span(x, N, &span);
    CHECK(fl_exact_reach(&span, 1) == FL_EXACT_NOT_FINITE);
    x[66] = 0;
    x[0] = NAN;
    fl_exact_span(x, N, &span);
    CHECK(fl_exact_reach(&span, 1) == FL_EXACT_NOT_FINITE);
    x[0] = FLT_MAX;
    fl_exact_span(x, N, &span);
    CHECK(fl_exact_reach(&span, 0x1p-40) == FL_EXACT_TOO_LARGE);
    x[0] = 0x1p50f;
    fl_exact_span(x, N, &span);
    CHECK(fl_exact_reach(&span, 1) == FL_EXACT_TOO_LARGE);
    CHECK(fl_exact_reach(&span, 0.5) == 2);
}

/* The most that may be added stays within 256 bits, and a forged sum of it does not pass. */
static void
test_range(void)
{
    float x[N], mean[N];
    unsigned char stored[N * 8];
    struct fl_exact_total total = {0, 0};

    for (int i = 0; i < N; i++)
        x[i] = i % 2 ? -nextafterf(0x1p50f, 0) : nextafterf(0x1p50f, 0);
    clear(&sums[0]);
    for (int t = 0; t < FL_EXACT_TERMS; t++) {
        add(&sums[0], x, 1);
        fl_exact_total_add(&total, 1);
    }
    fl_exact_mean(mean, sums[0].word, N, &total);
    CHECK(!memcmp(mean, x, sizeof x));
    CHECK(fl_exact_lowest(sums[0].word, N) == 3);
    fl_exact_store(stored, sums[0].word, 3, N);
    clear(&sums[1]);
    sums[1].word[3] = sums[1].store[3];
    CHECK(fl_exact_add_stored(sums[1].word, 3, stored, N, FL_EXACT_TERMS) == 0);
    CHECK(fl_exact_add_stored(sums[1].word, 3, stored, N, FL_EXACT_TERMS - 1) == -1);
}

static void
test_weights(void)
{
    double w = 0;
    struct fl_exact_total total = {0, 0}, twice;

    CHECK(fl_exact_weight(1.0 / 3, &w) == 0 && w == 366503875925.0 * 0x1p-40);
    CHECK(fl_exact_weight(0x1p-41, &w) == -1); /* a tie, to even: zero */
    CHECK(fl_exact_weight(0x1.8p-40, &w) == 0 && w == 0x1p-39);
    CHECK(fl_exact_weight(0x1p40, &w) == 0 && w == 0x1p40);
    CHECK(fl_exact_weight(0x1.0000000000001p40, &w) == -1);
    CHECK(fl_exact_weight(0, &w) == -1);
    CHECK(fl_exact_weight(-1, &w) == -1);
    CHECK(fl_exact_weight(NAN, &w) == -1);
    CHECK(fl_exact_weight(INFINITY, &w) == -1);

    for (int i = 0; i < 1000; i++)
        fl_exact_total_add(&total, 0x1p40);
    fl_exact_total_add(&total, 0x1p-40);
    CHECK(total.low == 1 && total.high == (uint64_t)1000 << 16);
    CHECK(fl_exact_total_value(&total) == 1000 * 0x1p40);
    twice = total;
    fl_exact_total_merge(&twice, &total);
    CHECK(twice.low == 2 && twice.high == (uint64_t)2000 << 16);
    /* above a tie by the lowest bit: rounds up, and only once */
    total = (struct fl_exact_total){.low = ((uint64_t)1 << 11) | 1, .high = 1};
    CHECK(fl_exact_total_value(&total) == 0x1.0000000000001p24);
    total.low--;
    CHECK(fl_exact_total_value(&total) == 0x1p24);
}

int
main(void)
{
    RUN(test_twin);
    RUN(test_ties);
    RUN(test_order_and_groups);
    RUN(test_cancel);
    RUN(test_span);
    RUN(test_range);
    RUN(test_weights);
    return test_end();
}
