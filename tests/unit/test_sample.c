/* Sampling: frequencies against the softmax they should follow, cuts against what they leave. */
#include "nn/sample.h"

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
    compare(&(struct fl_sampling){1, 1, 0}, "111111");
    compare(&(struct fl_sampling){0.3, 1, 0}, "111111");
    compare(&(struct fl_sampling){5, 1, 0}, "111111");
}

static void
test_greedy(void)
{
    int times[6];

    count(&(struct fl_sampling){0, 1, 0}, times, 100);
    CHECK(times[1] == 100); /* the first of two equals */
}

static void
test_top_k(void)
{
    compare(&(struct fl_sampling){1, 1, 3}, "011100");
    compare(&(struct fl_sampling){1, 1, 1}, "010000");
    compare(&(struct fl_sampling){2, 1, 6}, "111111");
    compare(&(struct fl_sampling){2, 1, 1000}, "111111");
}

static void
test_top_p(void)
{
    /* softmax: 0.0526 0.3889 0.1431 0.3889 0.0071 0.0194 */
    compare(&(struct fl_sampling){1, 0.3, 0}, "010000");
    compare(&(struct fl_sampling){1, 0.5, 0}, "010100");
    compare(&(struct fl_sampling){1, 0.77, 0}, "010100");
    compare(&(struct fl_sampling){1, 0.85, 0}, "011100");
    compare(&(struct fl_sampling){1, 0.98, 0}, "111101");
    compare(&(struct fl_sampling){1, 0.9, 2}, "010100"); /* of what top_k left */
    compare(&(struct fl_sampling){1, 0, 0}, "010000");
}

static void
test_extremes(void)
{
    static const float hard[3] = {-INFINITY, 0, -INFINITY};
    static const float wide[3] = {-3e38f, 3e38f, 0};
    struct fl_sampler *s = fl_sampler_new(&(struct fl_sampling){1, 1, 0}, 3);

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
        struct fl_sampler *s = fl_sampler_new(&(struct fl_sampling){t, 1, 0}, 3);
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
    RUN(test_extremes);
    RUN(test_not_numbers);
    return test_end();
}
