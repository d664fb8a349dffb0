/* The order of windows: permutations by what one is, epochs by the tokens that they cover. */
#include "nn/order.h"

#include "base/mem.h"
#include "test.h"

static void
test_permutation_of_every_small_count(void)
{
    unsigned char seen[700];

    for (uint64_t n = 1; n < 700; n++) {
        struct fl_permutation p;
        size_t hit = 0;
        fl_permutation_init(&p, n, 42, n);
        memset(seen, 0, sizeof seen);
        for (uint64_t i = 0; i < n; i++) {
            uint64_t j = fl_permutation_at(&p, i);
            if (j < n)
                hit += !seen[j]++;
        }
        if (hit != n)
            printf("# count %llu: %zu of its values come up\n", (unsigned long long)n, hit);
        CHECK(hit == n);
    }
}

static void
test_permutation_of_large_counts(void)
{
    struct fl_permutation p;
    const uint64_t big = (UINT64_C(1) << 62) - 12345;

    fl_permutation_init(&p, big, 1, 0);
    for (uint64_t i = 0; i < 1000; i++)
        CHECK(fl_permutation_at(&p, i) < big &&
              fl_permutation_at(&p, i) != fl_permutation_at(&p, big - 1 - i));
    const uint64_t n = 100003;
    unsigned char *seen = fl_alloc(n, 1);
    size_t hit = 0;
    fl_permutation_init(&p, n, 1, 0);
    for (uint64_t i = 0; seen && i < n; i++)
        hit += !seen[fl_permutation_at(&p, i)]++;
    CHECK(hit == n);
    free(seen);
}

/* Where each of 16 inputs goes, over many seeds: all 256 cells near their expectation. */
static void
test_permutation_is_even(void)
{
    int cells[16][16] = {{0}};
    const int draws = 16000;
    double chi = 0;

    for (int s = 0; s < draws; s++) {
        struct fl_permutation p;
        fl_permutation_init(&p, 16, (uint64_t)s, 3);
        for (uint64_t i = 0; i < 16; i++)
            cells[i][fl_permutation_at(&p, i)]++;
    }
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 16; j++)
            chi += pow(cells[i][j] - draws / 16.0, 2) / (draws / 16.0);
    CHECK(chi < 225 + 5 * sqrt(2 * 225)); /* 15 * 15 degrees of freedom, five deviations */
}

static void
test_permutations_differ(void)
{
    struct fl_permutation a, b, c;
    int same_b = 0, same_c = 0, fixed = 0;

    fl_permutation_init(&a, 1000, 7, 0);
    fl_permutation_init(&b, 1000, 8, 0);
    fl_permutation_init(&c, 1000, 7, 1);
    for (uint64_t i = 0; i < 1000; i++) {
        same_b += fl_permutation_at(&a, i) == fl_permutation_at(&b, i);
        same_c += fl_permutation_at(&a, i) == fl_permutation_at(&c, i);
        fixed += fl_permutation_at(&a, i) == i;
    }
    CHECK(same_b < 10 && same_c < 10 && fixed < 10); /* one each is expected */
}

/* Within an epoch no token is a target twice, and fewer than T are left out. */
static void
test_epoch_covers_the_ring(void)
{
    static const uint64_t shapes[][2] = {{2, 1}, {10, 9}, {64, 8}, {65, 8}, {71, 8}, {1000, 17}};

    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        uint64_t tokens = shapes[s][0], length = shapes[s][1];
        struct fl_order o;
        fl_order_init(&o, tokens, length, 5);
        CHECK(o.windows == tokens / length);
        for (uint64_t epoch = 0; epoch < 5; epoch++) {
            unsigned char target[1000] = {0};
            uint64_t hit = 0;
            for (uint64_t i = 0; i < o.windows; i++) {
                uint64_t place = fl_order_place(&o, epoch * o.windows + i);
                CHECK(place < tokens);
                for (uint64_t t = 1; t <= length; t++)
                    hit += !target[(place + t) % tokens]++;
            }
            CHECK(hit == o.windows * length && tokens - hit < length);
        }
    }
}

static void
test_place_does_not_depend_on_history(void)
{
    struct fl_order a, b;
    uint64_t places[300], first = 0, others = 0;

    fl_order_init(&a, 997, 10, 9);
    for (uint64_t i = 0; i < 300; i++)
        places[i] = fl_order_place(&a, i);
    for (int i = 299; i >= 0; i--) {
        fl_order_init(&b, 997, 10, 9);
        CHECK(fl_order_place(&b, (uint64_t)i) == places[i]);
        fl_order_init(&b, 997, 10, 10);
        others += fl_order_place(&b, (uint64_t)i) == places[i];
        CHECK(fl_order_place(&a, (uint64_t)i) == places[i]);
    }
    for (uint64_t i = 0; i < 98; i++) /* the way from each window to the next */
        first += (997 + places[i + 1] - places[i]) % 997 ==
                 (997 + places[i + 100] - places[i + 99]) % 997;
    CHECK(first < 10 && others < 20); /* another epoch, another seed: another order */
}

/* The borders between windows are elsewhere in every epoch. */
static void
test_borders_move(void)
{
    struct fl_order o;
    int seen[10] = {0}, places = 0;

    fl_order_init(&o, 1000, 10, 9);
    for (uint64_t epoch = 0; epoch < 40; epoch++)
        places += !seen[fl_order_place(&o, epoch * o.windows) % 10]++;
    CHECK(places >= 8);
}

static void
test_sample_is_distinct_windows(void)
{
    struct fl_order o;
    unsigned char seen[99] = {0};
    int hit = 0;

    fl_order_init(&o, 997, 10, 9);
    for (uint64_t i = 0; i < 99; i++) {
        uint64_t place = fl_order_sample(&o, i);
        CHECK(place % 10 == 0 && place / 10 < 99);
        hit += !seen[place / 10]++;
    }
    CHECK(hit == 99);
}

int
main(void)
{
    RUN(test_permutation_of_every_small_count);
    RUN(test_permutation_of_large_counts);
    RUN(test_permutation_is_even);
    RUN(test_permutations_differ);
    RUN(test_epoch_covers_the_ring);
    RUN(test_place_does_not_depend_on_history);
    RUN(test_borders_move);
    RUN(test_sample_is_distinct_windows);
    return test_end();
}
