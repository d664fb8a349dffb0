/* Weights of updates: every rule, what it needs, and what it refuses. */
#include "fed/weights.h"

#include "math/exact.h"
#include "test.h"

static struct fl_meta meta;

static void
fill(void)
{
    fl_meta_release(&meta);
    CHECK(!fl_meta_set_text(&meta, "site", "north"));
    CHECK(!fl_meta_set_i64(&meta, "examples", 120));
    CHECK(!fl_meta_set_i64(&meta, "tokens", 250000));
    CHECK(!fl_meta_set_f64(&meta, "loss.first", 3.5));
}

static double
weight(const struct fl_weighting *how)
{
    double w = -1;

    return fl_weight_of(how, &meta, &w) ? -1 : w;
}

static void
test_rules(void)
{
    struct fl_weighting how = {.alpha = 0.5};

    fill();
    CHECK(weight(&how) == 120);
    how.rule = FL_WEIGHT_UNIFORM;
    CHECK(weight(&how) == 1);
    how.rule = FL_WEIGHT_LOSS;
    CHECK(weight(&how) == 3.5);
    how.rule = FL_WEIGHT_DYNAMIC;
    CHECK(!fl_weighting_bandwidths(&how, "south=10,north=100"));
    CHECK(weight(&how) == rint(3.5 / (0.25 * 10) * 0x1p40) * 0x1p-40);
    how.alpha = 0;
    CHECK(weight(&how) == 14);
    how.alpha = 1;
    CHECK(weight(&how) == rint(3.5 / 25 * 0x1p40) * 0x1p-40);
    fl_weighting_release(&how);
}

static void
test_missing(void)
{
    static const char *const needed[] = {"examples", NULL, "loss.first", "loss.first"};
    struct fl_weighting how = {.alpha = 0.5};

    CHECK(!fl_weighting_bandwidths(&how, "north=100"));
    for (int i = FL_WEIGHT_EXAMPLES; i <= FL_WEIGHT_DYNAMIC; i++) {
        fill();
        how.rule = (enum fl_weight_rule)i;
        if (!needed[i])
            continue;
        CHECK(weight(&how) > 0);
        fl_meta_remove(&meta, needed[i]);
        CHECK(weight(&how) == -1);
        CHECK(strstr(fl_error_text(), needed[i]) != NULL);
    }
    fill();
    fl_meta_remove(&meta, "tokens");
    CHECK(weight(&how) == -1 && strstr(fl_error_text(), "tokens"));
    fill();
    CHECK(!fl_meta_set_text(&meta, "site", "west"));
    CHECK(weight(&how) == -1 && strstr(fl_error_text(), "west"));
    how.alpha = 0;
    CHECK(weight(&how) == 14);
    fl_weighting_release(&how);
}

static void
test_refused(void)
{
    static const double losses[] = {0, -1, NAN, INFINITY, 0x1p41, 1e-30};
    struct fl_weighting how = {.rule = FL_WEIGHT_LOSS};

    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        fill();
        CHECK(!fl_meta_set_f64(&meta, "loss.first", losses[i]));
        CHECK(weight(&how) == -1);
    }
    how.rule = FL_WEIGHT_EXAMPLES;
    for (int64_t n = -1; n <= 0; n++) {
        CHECK(!fl_meta_set_i64(&meta, "examples", n));
        CHECK(weight(&how) == -1);
    }
    CHECK(!fl_meta_set_f64(&meta, "examples", 10)); /* of another type */
    CHECK(weight(&how) == -1);
}

/* A weight that the steps of 2^-40 would distort is refused; in another unit it is not. */
static void
test_too_fine(void)
{
    struct fl_weighting how = {.rule = FL_WEIGHT_DYNAMIC, .alpha = 3};

    fill();
    CHECK(!fl_meta_set_i64(&meta, "tokens", 100000000));
    CHECK(!fl_weighting_bandwidths(&how, "north=1000")); /* 3.5e-11, 38 steps */
    CHECK(weight(&how) == -1 && strstr(fl_error_text(), "a larger unit"));
    how.bandwidths[0].mbit = 1;
    CHECK_NEAR(weight(&how) / 0.035, 1, 1e-9);
    for (how.alpha = 0; how.alpha <= 4; how.alpha += 0.125) {
        double w, exact;
        how.bandwidths[0].mbit = 700;
        exact = 0.035 / pow(700, how.alpha);
        CHECK((w = weight(&how)) == -1 ? exact < 0x1.01p-27 : fabs(w / exact - 1) < 0x1p-13);
    }
    fl_weighting_release(&how);
}

static void
test_bandwidths(void)
{
    static const char *const bad[] = {"",     "a",      "=5",       "a=",     "a=0",   "a=-1",
                                      "a=1,", "a=x",    "a=1,a=2",  "a=nan",  "a=inf", "a=1e10",
                                      ",",    "a=1 ,b", "a=1,,b=2", "b=c=20", "a b=1"};
    struct fl_weighting how = {.alpha = 0.5};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(fl_weighting_bandwidths(&how, bad[i]) == -1);
        CHECK(fl_error_status() == FL_USAGE);
        fl_weighting_release(&how);
    }
    CHECK(!fl_weighting_bandwidths(&how, "a=1.5,b.c=20"));
    CHECK(!fl_weighting_bandwidths(&how, "d=3"));
    CHECK(fl_weighting_bandwidth(&how, "a") == 1.5);
    CHECK(fl_weighting_bandwidth(&how, "b.c") == 20);
    CHECK(fl_weighting_bandwidth(&how, "d") == 3);
    CHECK(fl_weighting_bandwidth(&how, "e") == 0);
    CHECK(fl_weighting_bandwidth(&how, NULL) == 0);
    CHECK(fl_weighting_bandwidths(&how, "d=3") == -1);
    fl_weighting_release(&how);
}

int
main(void)
{
    RUN(test_rules);
    RUN(test_missing);
    RUN(test_refused);
    RUN(test_too_fine);
    RUN(test_bandwidths);
    fl_meta_release(&meta);
    return test_end();
}
