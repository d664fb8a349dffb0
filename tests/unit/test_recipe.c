/* Recipes: every key goes to its own value, options win over the file, wrong files are refused. */
#include "conf/recipe.h"

#include <unistd.h>

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
    RUN(test_wrong_files);
    return test_end();
}
