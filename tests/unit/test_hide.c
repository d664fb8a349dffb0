/* What a training that hides documents may be told, and what its dry run says. */
#include "nn/hide.h"

#include "documents.h"
#include "test.h"

static const struct fl_recipe good = {.steps = 20,
                                      .epochs = -1,
                                      .batch = -1,
                                      .accumulate = -1,
                                      .length = -1,
                                      .warmup = -1,
                                      .seed = -1,
                                      .lr = -1,
                                      .min_lr = -1,
                                      .weight_decay = -1,
                                      .beta1 = -1,
                                      .beta2 = -1,
                                      .clip = -1,
                                      .decay = -1,
                                      .dp_clip = 0.5,
                                      .dp_noise = 1,
                                      .dp_rate = 0.1};

static void
no_clip(struct fl_recipe *r)
{
    r->dp_clip = -1;
}

static void
no_noise(struct fl_recipe *r)
{
    r->dp_noise = -1;
}

static void
no_rate(struct fl_recipe *r)
{
    r->dp_rate = -1;
}

static void
seed(struct fl_recipe *r)
{
    r->seed = 0;
}

static void
epochs(struct fl_recipe *r)
{
    r->steps = -1, r->epochs = 1;
}

static void
accumulate(struct fl_recipe *r)
{
    r->accumulate = 1;
}

static void
clip(struct fl_recipe *r)
{
    r->clip = 0;
}

static void
precision(struct fl_recipe *r)
{
    r->precision = "bf16";
}

static void
no_steps(struct fl_recipe *r)
{
    r->steps = -1;
}

static void
test_recipes(void)
{
    static const struct {
        void (*change)(struct fl_recipe *r);
        const char *why;
    } bad[] = {{no_clip, "give all three"},
               {no_noise, "give all three"},
               {no_rate, "give all three"},
               {seed, "--seed"},
               {epochs, "--epochs"},
               {accumulate, "--accumulate"},
               {clip, "--clip"},
               {precision, "bf16"},
               {no_steps, "--steps"}};
    struct fl_recipe r = good, unset = FL_RECIPE_UNSET;

    CHECK(fl_hide_wanted(&r) && !fl_hide_check(&r) && !strcmp(r.precision, "f32"));
    CHECK(!fl_hide_check(&r)); /* again, with a plan's */
    CHECK(!fl_hide_wanted(&unset) && !fl_hide_check(&unset) && !unset.precision);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        r = good;
        bad[i].change(&r);
        CHECK(fl_hide_check(&r) == -1 && fl_error_status() == FL_USAGE);
        if (!strstr(fl_error_text(), bad[i].why))
            CHECK_TEXT(fl_error_text(), bad[i].why);
    }
}

/* What is left open is the model's and not the data's. */
static void
test_fill(void)
{
    struct fl_model *m = shard_model(1, SHARD_VOCAB);
    struct fl_recipe few = good, many = good;

    few.precision = many.precision = "f32";
    CHECK(!fl_hide_fill(&few, &m->layout.config, 3));
    CHECK(!fl_hide_fill(&many, &m->layout.config, 1000000));
    CHECK(few.length == 8 && few.batch == many.batch && few.batch > 10 && few.accumulate == 1);
    CHECK(few.lr == many.lr && few.steps == 20 && few.warmup == many.warmup);
    fl_model_free(m);
}

static void
test_units(void)
{
    static const struct {
        const char *unit, *said;
        int status; /* 0: it is taken */
    } cases[] = {{"record", NULL, 0},
                 {"record", "record", 0},
                 {"record", "passage", 0},
                 {"passage", NULL, FL_REFUSED},
                 {"passage", "record", FL_REFUSED},
                 {"passage", "passage", 0},
                 {NULL, NULL, FL_REFUSED},
                 {NULL, "record", 0},
                 {NULL, "passage", 0},
                 {"letter", "record", FL_REFUSED}};
    static const uint16_t ids[] = {1, 2, SHARD_EOT, 3, 4, SHARD_EOT};
    struct fl_model *m = shard_model(1, SHARD_VOCAB);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_data *data = documents_data(&(struct documents_shard){cases[i].unit, ids, 6});
        struct fl_documents d = {0};
        struct fl_training t = {.model = m, .data = data, .recipe = good};
        t.recipe.dp_unit = cases[i].said;
        int got = fl_hide_open(&t, &d);
        CHECK(got == (cases[i].status ? -1 : 0) && (t.documents != NULL) == !got);
        CHECK(!got || (int)fl_error_status() == cases[i].status);
        CHECK(got || d.count == 2);
        fl_documents_release(&d);
        fl_data_free(data);
    }
    struct fl_training plain = {.model = m, .recipe = FL_RECIPE_UNSET};
    struct fl_documents none = {0};
    CHECK(!fl_hide_open(&plain, &none) && !plain.documents);
    fl_model_free(m);
}

int
main(void)
{
    RUN(test_recipes);
    RUN(test_fill);
    RUN(test_units);
    return test_end();
}
