/*
 * Sampling: frequencies against the softmax they should follow, cuts against what they leave; all
 * of it, penalty and cuts together, against the definitions taken one after another.
 */
#include "nn/sample.h"

#include <stdbool.h>

#include "math/random.h"
#include "test.h"

static const float logits[6] = {1, 3, 2, 3, -1, 0};

/* How often each id comes for U spread evenly over [0, 1). */
static void
count(const struct fl_sampling *how, int times[6], int draws)
{
    struct fl_sampler *s = fl_sampler_new(how, 6);

    memset(times, 0, 6 * sizeof *times);
    for (int i = 0; i < draws; i++) {
        int64_t id = fl_sampler_choose(s, logits, (i + 0.5) / draws);
        CHECK(id >= 0 && id < 6);
        times[id]++;
    }
    fl_sampler_free(s);
}

/* The same by the definition, for the ids in KEEP. */
static void
compare(const struct fl_sampling *how, const char *keep)
{
    int times[6];
    double sum = 0;

    count(how, times, 100000);
    for (int i = 0; i < 6; i++)
        sum += keep[i] == '1' ? exp(logits[i] / how->temperature) : 0;
    for (int i = 0; i < 6; i++)
        CHECK_NEAR(times[i] / 100000.0,
                   keep[i] == '1' ? exp(logits[i] / how->temperature) / sum : 0, 2e-5);
}

static void
test_temperature(void)
{
    compare(&(struct fl_sampling){1, 1, 0, 0, 1}, "111111");
    compare(&(struct fl_sampling){0.3, 1, 0, 0, 1}, "111111");
    compare(&(struct fl_sampling){5, 1, 0, 0, 1}, "111111");
}

static void
test_greedy(void)
{
    int times[6];

    count(&(struct fl_sampling){0, 1, 0, 0, 1}, times, 100);
    CHECK(times[1] == 100); /* the first of two equals */
}

static void
test_top_k(void)
{
    compare(&(struct fl_sampling){1, 1, 3, 0, 1}, "011100");
    compare(&(struct fl_sampling){1, 1, 1, 0, 1}, "010000");
    compare(&(struct fl_sampling){2, 1, 6, 0, 1}, "111111");
    compare(&(struct fl_sampling){2, 1, 1000, 0, 1}, "111111");
}

static void
test_top_p(void)
{
    /* softmax: 0.0526 0.3889 0.1431 0.3889 0.0071 0.0194 */
    compare(&(struct fl_sampling){1, 0.3, 0, 0, 1}, "010000");
    compare(&(struct fl_sampling){1, 0.5, 0, 0, 1}, "010100");
    compare(&(struct fl_sampling){1, 0.77, 0, 0, 1}, "010100");
    compare(&(struct fl_sampling){1, 0.85, 0, 0, 1}, "011100");
    compare(&(struct fl_sampling){1, 0.98, 0, 0, 1}, "111101");
    compare(&(struct fl_sampling){1, 0.9, 2, 0, 1}, "010100"); /* of what top_k left */
    compare(&(struct fl_sampling){1, 0, 0, 0, 1}, "010000");
}

static void
test_min_p(void)
{
    /* in parts of the likeliest: 0.1353 1 0.3679 1 0.0183 0.0498 */
    compare(&(struct fl_sampling){1, 1, 0, 0.01, 1}, "111111");
    compare(&(struct fl_sampling){1, 1, 0, 0.02, 1}, "111101");
    compare(&(struct fl_sampling){1, 1, 0, 0.2, 1}, "011100");
    compare(&(struct fl_sampling){1, 1, 0, 1, 1}, "010100");
    compare(&(struct fl_sampling){2, 1, 0, 0.2, 1}, "111101"); /* after the temperature */
    compare(&(struct fl_sampling){1, 1, 2, 0.01, 1}, "010100");
    compare(&(struct fl_sampling){1, 0.5, 0, 0.01, 1}, "010100");
}

enum { MANY = 50 };

struct ranked {
    double p;
    size_t id;
};

static int
by_rank(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    return x->p != y->p ? (x->p > y->p ? -1 : 1) : (x->id > y->id) - (x->id < y->id);
}

/* Leave N of them and let them sum to 1 again. */
static size_t
leave(struct ranked r[MANY], size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += r[i].p;
    for (size_t i = 0; i < n; i++)
        r[i].p /= sum;
    return n;
}

/* Probabilities by the definitions, in the order of transformers; sorted, how many are left. */
static size_t
naive(const struct fl_sampling *how, const float *l, const char *seen, struct ranked r[MANY])
{
    double sum = 0;
    size_t n = MANY, keep = 1;

    for (size_t i = 0; i < MANY; i++) {
        double x = (double)l[i], penalty = seen[i] ? how->repetition_penalty : 1;
        r[i] = (struct ranked){exp((x > 0 ? x / penalty : x * penalty) / how->temperature), i};
    }
    qsort(r, MANY, sizeof *r, by_rank);
    n = leave(r, how->top_k > 0 && how->top_k < MANY ? (size_t)how->top_k : MANY);
    for (sum = r[0].p; keep < n && sum < how->top_p; keep++)
        sum += r[keep].p;
    n = leave(r, how->top_p < 1 ? keep : n);
    for (keep = 1; keep < n && r[keep].p >= how->min_p * r[0].p; keep++)
        ;
    return leave(r, keep);
}

static void
test_all_together(void)
{
    float l[MANY];
    char seen[MANY];
    struct ranked want[MANY];

    for (uint64_t seed = 0; seed < 400; seed++) {
        struct fl_random random = {seed, 1, 0};
        struct fl_sampling how = {.temperature = 0.3 + fl_random_unit(&random),
                                  .top_p = seed % 3 ? fl_random_unit(&random) : 1,
                                  .top_k = seed % 5 < 2 ? (int64_t)fl_random_below(&random, 60) : 0,
                                  .min_p = seed % 4 ? 0.3 * fl_random_unit(&random) : 0,
                                  .repetition_penalty = seed % 2 ? 0.5 + fl_random_unit(&random)
                                                                 : 1};
        struct fl_sampler *s = fl_sampler_new(&how, MANY);
        int times[MANY] = {0};
        enum { DRAWS = 2000 };
        for (size_t i = 0; i < MANY; i++) {
            l[i] = (float)(6 * fl_random_unit(&random) - 3);
            seen[i] = (char)fl_random_below(&random, 2);
            if (seen[i])
                fl_sampler_see(s, (uint32_t)i);
        }
        size_t n = naive(&how, l, seen, want);
        for (int i = 0; i < DRAWS; i++)
            times[fl_sampler_choose(s, l, (i + 0.5) / DRAWS)]++;
        int drawn = 0;
        for (size_t i = 0; i < n; drawn += times[want[i++].id])
            CHECK_NEAR(times[want[i].id] / (double)DRAWS, want[i].p, 1.1 / DRAWS);
        CHECK(drawn == DRAWS); /* none that was cut */
        fl_sampler_free(s);
    }
}

enum { LARGE = 20000 };

/*
 * Of a large vocabulary with many equal logits, flat or not: those that the definition leaves, each
 * where the sum of those of lower numbers says.
 */
static void
test_large(void)
{
    static const struct {
        double spread, top_p;
        int64_t top_k;
    } cases[] = {{8, 0.95, 0},   {8, 0.5, 0},     {0.01, 0.95, 0},  {0, 0.3, 0},
                 {40, 0.999, 0}, {8, 1, 50},      {0.01, 1, 12345}, {8, 0.9, 500},
                 {0, 0.5, 1000}, {200, 0.999, 0}, {8, 1, 0}};
    static float l[LARGE];
    static struct ranked r[LARGE];
    static bool kept[LARGE];

    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const struct fl_sampling how = {0.7, cases[c].top_p, cases[c].top_k, 0, 1};
        struct fl_sampler *s = fl_sampler_new(&how, LARGE);
        struct fl_random random = {c, 1, 0};
        double all = 0, sum = 0, passed = 0;
        size_t few = how.top_k ? (size_t)how.top_k : LARGE, n = 0;
        for (size_t i = 0; i < LARGE; i++) {
            l[i] = (float)(cases[c].spread * floor(1024 * fl_random_unit(&random)) / 1024);
            r[i] = (struct ranked){exp((double)l[i] / how.temperature), i};
        }
        qsort(r, LARGE, sizeof *r, by_rank);
        for (size_t i = 0; i < few; i++)
            all += r[i].p;
        memset(kept, 0, sizeof kept);
        for (; n < few && sum < how.top_p * all; n++) {
            kept[r[n].id] = true;
            sum += r[n].p;
        }
        if (how.top_p < 1 && cases[c].spread) /* the case can tell, and rounding is not in it */
            CHECK(sum > how.top_p * all * (1 + 1e-12) &&
                  sum - r[n - 1].p < how.top_p * all * (1 - 1e-12));
        size_t id = 0;
        int draws = 300, wrong = 0;
        for (int k = 0; k < draws; k++) {
            double at = (k + 0.5) / draws * sum;
            for (; id < LARGE; id++) {
                double p = kept[id] ? exp((double)l[id] / how.temperature) : 0;
                if (passed + p > at)
                    break;
                passed += p;
            }
            int64_t got = fl_sampler_choose(s, l, (k + 0.5) / draws);
            wrong += got != (int64_t)id && fabs(passed - at) > 1e-9 * sum;
            wrong += !kept[got];
        }
        CHECK(wrong == 0);
        fl_sampler_free(s);
    }
}

static void
test_repetition_penalty(void)
{
    static const float some[4] = {2, -1, 1.5f, -0.9f};
    struct fl_sampling how = {0, 1, 0, 0, 1.5};
    struct fl_sampler *s = fl_sampler_new(&how, 4);

    CHECK(fl_sampler_choose(s, some, 0) == 0);
    fl_sampler_see(s, 0); /* 2 / 1.5 < 1.5 */
    fl_sampler_see(s, 0); /* once is enough */
    CHECK(fl_sampler_choose(s, some, 0) == 2);
    fl_sampler_see(s, 2); /* 1.5 / 1.5 = 1 < 1.33 */
    CHECK(fl_sampler_choose(s, some, 0) == 0);
    static const float below[4] = {-1, -1.2f, -5, -5};
    CHECK(fl_sampler_choose(s, below, 0) == 1); /* -1 * 1.5: negative ones fall too */
    fl_sampler_restart(s, &how);
    CHECK(fl_sampler_choose(s, below, 0) == 0); /* nothing is seen any more */
    how.repetition_penalty = 0.5;
    fl_sampler_restart(s, &how);
    fl_sampler_see(s, 2);
    CHECK(fl_sampler_choose(s, some, 0) == 2); /* below 1 what was seen is likelier */
    fl_sampler_free(s);
}

static void
test_extremes(void)
{
    static const float hard[3] = {-INFINITY, 0, -INFINITY};
    static const float wide[3] = {-3e38f, 3e38f, 0};
    struct fl_sampler *s = fl_sampler_new(&(struct fl_sampling){1, 1, 0, 0, 1}, 3);

    CHECK(fl_sampler_choose(s, hard, 0) == 1 && fl_sampler_choose(s, hard, 0.99999999999) == 1);
    CHECK(fl_sampler_choose(s, wide, 0) == 1 && fl_sampler_choose(s, wide, 0.99999999999) == 1);
    fl_sampler_free(s);
}

static void
test_not_numbers(void)
{
    static const float bad[][3] = {{0, NAN, 1},
                                   {NAN, 0, 0},
                                   {0, 0, INFINITY},
                                   {-INFINITY, -INFINITY, -INFINITY}};

    for (int t = 0; t < 2; t++) {
        struct fl_sampler *s = fl_sampler_new(&(struct fl_sampling){t, 1, 0, 0, 1}, 3);
        for (size_t i = 0; i < 4; i++) {
            CHECK(fl_sampler_choose(s, bad[i], 0.5) == -1 && fl_error_status() == FL_FAILED);
            fl_error_clear();
        }
        fl_sampler_free(s);
    }
}

int
main(void)
{
    RUN(test_temperature);
    RUN(test_greedy);
    RUN(test_top_k);
    RUN(test_top_p);
    RUN(test_min_p);
    RUN(test_repetition_penalty);
    RUN(test_all_together);
    RUN(test_large);
    RUN(test_extremes);
    RUN(test_not_numbers);
    return test_end();
}
