/* Recipes: every key goes to its own value, options win over the file, wrong files are refused. */
#include "conf/recipe.h"

#include <unistd.h>

#include "flt/meta.h"
#include "test.h"

static int
read_text(const char *text, struct fl_recipe *r)
{
    char path[] = "/tmp/test_recipe.XXXXXX";
    int fd = mkstemp(path);
    int result = -1;

    if (fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text))
        result = fl_recipe_read(path, r);
    if (fd >= 0)
        close(fd);
    unlink(path);
    return result;
}

static void
test_every_key(void)
{
    struct fl_recipe r = FL_RECIPE_UNSET;

    CHECK(!read_text("steps: 1\nbatch: 2\naccumulate: 3\nlength: 4\nwarmup: 5\nseed: 6\nlr: 0.7\n"
                     "min_lr: 0.08\nweight_decay: 0.9\nbeta1: 0.10\nbeta2: 0.11\nclip: 12\n",
                     &r));
    CHECK(r.steps == 1 && r.epochs == -1 && r.batch == 2 && r.accumulate == 3 && r.length == 4);
    CHECK(r.warmup == 5 && r.seed == 6 && r.lr == 0.7 && r.min_lr == 0.08);
    CHECK(r.weight_decay == 0.9 && r.beta1 == 0.10 && r.beta2 == 0.11 && r.clip == 12);
}

static void
test_what_is_set_stays(void)
{
    struct fl_recipe r = FL_RECIPE_UNSET;

    r.epochs = 2;
    r.lr = 0;
    CHECK(!read_text("steps: 10\nlr: 1\nclip: 0\n", &r));
    CHECK(r.steps == -1 && r.epochs == 2 && r.lr == 0 && r.clip == 0 && r.beta1 == -1);
}

static void
check_refused(const struct fl_meta *meta, enum fl_status status, const char *words)
{
    struct fl_recipe back;
    size_t count;

    fl_error_clear();
    CHECK(fl_recipe_from_meta(&back, meta, &count) && fl_error_status() == status);
    if (!strstr(fl_error_text(), words))
        CHECK_TEXT(fl_error_text(), words);
}

/* A roster's recipe goes through metadata and comes back; what is not in its range is named. */
static void
test_meta(void)
{
    struct fl_recipe r = FL_RECIPE_UNSET, back;
    struct fl_meta meta = {0};
    char words[FL_RECIPE_WORDS];
    size_t count;

    CHECK(!fl_recipe_to_meta(&r, &meta) && meta.count == 0);
    CHECK_TEXT(fl_recipe_words(&r, words), "");
    CHECK(!read_text("steps: 3\nlength: 4\nseed: 0\nlr: 0.1\nbeta2: 0.5\nschedule: wsd\n"
                     "document_mask: true\n",
                     &r));
    CHECK(!fl_recipe_to_meta(&r, &meta) && meta.count == 7);
    CHECK(!fl_recipe_from_meta(&back, &meta, &count) && count == 7);
    CHECK(back.steps == 3 && back.length == 4 && back.seed == 0 && back.lr == 0.1);
    CHECK(back.beta2 == 0.5 && back.document_mask && back.epochs == -1 && back.clip == -1);
    CHECK_TEXT(fl_recipe_words(&back, words), "steps 3, length 4, seed 0, lr 0.1, beta2 0.5, "
                                              "schedule wsd, document_mask");
    CHECK(!fl_meta_set_text(&meta, "other", "x") && !fl_recipe_from_meta(&back, &meta, &count));
    CHECK(count == 7);
    CHECK(!fl_meta_set_i64(&meta, "recipe.length", 0));
    check_refused(&meta, FL_FAILED, "recipe.length");
    CHECK(!fl_meta_set_i64(&meta, "recipe.length", 1) && !fl_meta_set_f64(&meta, "recipe.lr", -1));
    check_refused(&meta, FL_USAGE, "recipe.lr: -1");
    CHECK(!fl_meta_set_f64(&meta, "recipe.lr", 1) &&
          !fl_meta_set_text(&meta, "recipe.schedule", "x"));
    check_refused(&meta, FL_USAGE, "recipe.schedule");
    CHECK(!fl_meta_set_text(&meta, "recipe.schedule", "wsd"));
    CHECK(!fl_meta_set_i64(&meta, "recipe.document_mask", 0));
    check_refused(&meta, FL_FAILED, "recipe.document_mask");
    fl_meta_release(&meta);
}

static void
test_wrong_files(void)
{
    static const char *const bad[][2] = {
        {"steps: 10\nepochs: 1\n", "steps and epochs"},
        {"lr: fast\n", "line 1: lr"},
        {"lr: -1\n", "line 1: lr"},
        {"seed: 1\nrate: 1\n", "line 2: there is no key \"rate\""},
        {"beta1: 1\n", "line 1: beta1"},
        {"batch: 0\n", "line 1: batch"},
        {"- 1\n", "mapping"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fl_recipe r = FL_RECIPE_UNSET;
        CHECK(read_text(bad[i][0], &r) == -1 && fl_error_status() == FL_USAGE);
        if (!strstr(fl_error_text(), bad[i][1]))
            CHECK_TEXT(fl_error_text(), bad[i][1]);
        CHECK(r.lr == -1 && r.steps == -1);
    }
    struct fl_recipe r = FL_RECIPE_UNSET;
    CHECK(fl_recipe_read("/nonexistent/recipe.yaml", &r) == -1 && fl_error_status() == FL_FAILED);
}

int
main(void)
{
    RUN(test_every_key);
    RUN(test_what_is_set_stays);
    RUN(test_meta);
    RUN(test_wrong_files);
    return test_end();
}
