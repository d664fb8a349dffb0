/* What a recipe becomes when little is said, and when what is said does not fit. */
#include "nn/settings.h"

#include "nn/preset.h"
#include "test.h"

static struct fl_config
preset(const char *name)
{
    struct fl_config c = {.vocab = 257};

    CHECK(!fl_config_preset(&c, name));
    return c;
}

static void
test_nothing_said(void)
{
    for (unsigned i = 0; fl_preset_name(i); i++) {
        struct fl_config c = preset(fl_preset_name(i));
        struct fl_recipe r = FL_RECIPE_UNSET;
        uint64_t tokens = 10000003, windows = tokens / c.ctx;
        CHECK(!fl_settings_fill(&r, &c, tokens));
        int64_t a_step = r.batch * r.accumulate;
        CHECK(r.length == c.ctx && a_step * r.length >= 2048 && r.batch >= 1);
        CHECK(r.epochs == 1 && r.steps * a_step >= (int64_t)windows);
        CHECK((r.steps - 1) * a_step < (int64_t)windows);
        CHECK(r.lr > 0 && r.lr <= 0.01 && r.min_lr > 0 && r.min_lr < r.lr);
        CHECK(r.warmup > 0 && r.warmup <= 100 && r.warmup <= r.steps);
        CHECK(r.seed == 0 && r.clip == 1 && r.beta1 == 0.9 && r.beta2 == 0.95);
    }
}

/* A step never takes more windows than there are, whatever it is told. */
static void
test_few_tokens(void)
{
    struct fl_config c = preset("nano");

    for (uint64_t tokens = 2; tokens < 3000; tokens += 1 + tokens / 7) {
        struct fl_recipe r = FL_RECIPE_UNSET;
        CHECK(!fl_settings_fill(&r, &c, tokens));
        CHECK(r.length == (tokens > c.ctx ? c.ctx : (int64_t)tokens - 1));
        CHECK((uint64_t)(r.batch * r.accumulate) <= tokens / (uint64_t)r.length && r.steps >= 1);
    }
    for (uint64_t windows = 1; windows < 40; windows++)
        for (int64_t batch = 1; batch < 80; batch += 13)
            for (int64_t accumulate = 1; accumulate < 9; accumulate += 3) {
                struct fl_recipe r = FL_RECIPE_UNSET;
                r.length = 10;
                r.batch = batch;
                r.accumulate = accumulate;
                r.epochs = 1;
                CHECK(!fl_settings_fill(&r, &c, windows * 10 + 5));
                int64_t step = r.batch * r.accumulate, n = (int64_t)windows;
                bool fits = batch * accumulate <= n;
                CHECK(step >= 1 && step <= n && r.steps == (n + step - 1) / step);
                CHECK(!fits || (r.batch == batch && r.accumulate == accumulate));
                CHECK(batch < n || (step == n && r.steps == 1)); /* each window once */
                CHECK(batch > n || r.batch == batch);
            }
}

static void
test_what_is_said(void)
{
    struct fl_config c = preset("small");
    struct fl_recipe r = FL_RECIPE_UNSET;

    r.epochs = 3;
    r.batch = 2;
    r.length = 100;
    r.lr = 0.5;
    r.clip = 0;
    CHECK(!fl_settings_fill(&r, &c, 1001));
    CHECK(r.steps == 15 && r.accumulate == 1 && r.batch == 2 && r.length == 100);
    CHECK(r.lr == 0.5 && r.min_lr == 0.05 && r.clip == 0 && r.warmup == 1);
    r = (struct fl_recipe)FL_RECIPE_UNSET;
    r.steps = 0;
    r.warmup = 7;
    r.seed = 9;
    CHECK(!fl_settings_fill(&r, &c, 1001) && r.steps == 0 && r.warmup == 7 && r.seed == 9);
}

static void
refused(struct fl_recipe r, uint64_t tokens, enum fl_status status, const char *why)
{
    struct fl_config c = preset("nano");

    CHECK(fl_settings_fill(&r, &c, tokens) == -1 && fl_error_status() == status);
    if (!strstr(fl_error_text(), why))
        CHECK_TEXT(fl_error_text(), why);
}

static void
test_what_does_not_fit(void)
{
    struct fl_recipe r = FL_RECIPE_UNSET;

    refused(r, 0, FL_FAILED, "0 tokens; training needs at least 2");
    refused(r, 1, FL_FAILED, "1 tokens");
    r.length = 257;
    refused(r, 1000, FL_USAGE, "use -l 256 or less");
    r.length = 100;
    refused(r, 100, FL_FAILED, "use -l 99 or less");
    r.length = 99;
    r.min_lr = 0.1;
    r.lr = 0.01;
    refused(r, 100, FL_USAGE, "--min-lr 0.1");
    r.min_lr = -1;
    r.steps = INT64_MAX / 2;
    r.batch = 1000;
    refused(r, 100, FL_USAGE, "more than can be counted");
    r.steps = INT64_MAX / 99; /* of tokens, that is; a step takes the one window */
    struct fl_config c = preset("nano");
    struct fl_recipe most = r;
    CHECK(!fl_settings_fill(&most, &c, 100) && most.steps == r.steps);
    r.steps++;
    refused(r, 100, FL_USAGE, "windows of 99 tokens are more than can be counted");
}

int
main(void)
{
    RUN(test_nothing_said);
    RUN(test_few_tokens);
    RUN(test_what_is_said);
    RUN(test_what_does_not_fit);
    return test_end();
}
