/* A plan tells a training what is not trained: by the roster's rules, over its own model only. */
#include "fed/freeze.h"

#include "federation.h"
#include "shard.h"

/* A model with a tokenizer in FILE; its digest into DIGEST. */
static void
write_bundle(const struct federation *f, const char *file, int64_t round, unsigned char digest[32])
{
    struct fl_model *m = shard_model(1, 300);
    struct fl_tokenizer *t = fl_tokenizer_bytes();
    int fd = open(fed_path(f, file), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    struct fl_writer *w = fl_writer_new(fd, file, 0);
    struct fl_meta meta = {0};
    size_t len;
    const char *json = fl_tokenizer_json(t, &len);

    CHECK(!fl_meta_set_i64(&meta, "round", round));
    CHECK(m && w && !fl_model_write(m, w, &meta, json, len));
    fl_writer_free(w);
    close(fd);
    fl_meta_release(&meta);
    fl_tokenizer_free(t);
    fl_model_free(m);
    struct fl_object *o = fl_object_open(fed_path(f, file), FL_KIND_MODEL);
    CHECK(o && !fl_object_digest(o, NULL, digest));
    fl_object_free(o);
}

static void
test_frozen(void)
{
    static const struct {
        const char *rules, *frozen; /* a part of the names of those that are */
    } cases[] = {{"{match: \"*\", protect: mask, bits: 32, clip: 0.5}", NULL},
                 {"{match: \"*norm*\", protect: frozen}, {match: \"*\", protect: mask, bits: 32, "
                  "clip: 0.5}",
                  "norm"},
                 {"{match: \"*embed*\", protect: plain, bits: 32, clip: 0.5}, {match: \"*mlp*\", "
                  "protect: frozen}, {match: \"*\", protect: mask, bits: 32, clip: 0.5}",
                  "mlp"}};
    struct federation f;
    struct fl_plan plan;
    struct fl_bundle b = {0};
    struct fl_recipe recipe = FL_RECIPE_UNSET;
    struct fl_limit agreed = {0};

    fed_start(&f, 3, "");
    write_bundle(&f, "model.flt", 4, f.model);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char more[400];
        size_t wrong = 0, frozen = 0, trained = 0;
        snprintf(more, sizeof more, "tensors: [%s]\n", cases[i].rules);
        CHECK(!fed_roster(&f, more));
        fed_plan(&f, &plan, 1);
        CHECK(!fl_bundle_open(&b, fed_path(&f, "model.flt"), NULL));
        for (size_t k = 0; k < b.model->layout.count; k++)
            b.model->layout.params[k].frozen = k % 2; /* whatever was before */
        CHECK(!fl_freeze_by_plan(&b, fed_path(&f, "plan.flt"), NULL, &recipe, &agreed));
        for (size_t k = 0; k < b.model->layout.count; k++) {
            const struct fl_param *p = &b.model->layout.params[k];
            const bool want = cases[i].frozen && strstr(p->name, cases[i].frozen);
            wrong += p->frozen != want || p->frozen == fl_plan_travels(&plan, p->name);
            wrong += p->place != (want ? FL_UNTRAINED : trained);
            trained += want ? 0 : p->count;
            frozen += want;
        }
        CHECK(wrong == 0 && (frozen > 0) == (cases[i].frozen != NULL));
        CHECK(b.model->layout.trained == trained);
        CHECK(frozen < b.model->layout.count);
        fl_bundle_release(&b);
        fl_plan_release(&plan);
    }
    fed_end(&f);
}

/* What the roster says of the training goes where nothing is set. */
static void
test_recipe(void)
{
    struct federation f;
    struct fl_plan plan;
    struct fl_bundle b = {0};
    struct fl_recipe recipe = FL_RECIPE_UNSET;
    struct fl_limit agreed = {0};

    recipe.lr = 0.5;
    fed_start(&f, 3, "");
    write_bundle(&f, "model.flt", 4, f.model);
    CHECK(!fed_roster(&f, "recipe: {steps: 7, length: 20, lr: 0.25, schedule: wsd}\n"));
    fed_plan(&f, &plan, 1);
    CHECK(!fl_bundle_open(&b, fed_path(&f, "model.flt"), NULL));
    CHECK(!fl_freeze_by_plan(&b, fed_path(&f, "plan.flt"), NULL, &recipe, &agreed));
    CHECK(recipe.steps == 7 && recipe.length == 20 && recipe.lr == 0.5 && recipe.batch == -1);
    CHECK_TEXT(recipe.schedule, "wsd");
    fl_bundle_release(&b);
    fl_plan_release(&plan);
    fed_end(&f);
}

/* Another model than the plan's, be it of the same numbers; no plan; then nothing is frozen. */
static void
test_refused(void)
{
    struct federation f;
    struct fl_plan plan;
    struct fl_bundle b = {0};
    struct fl_recipe recipe = FL_RECIPE_UNSET;
    struct fl_limit agreed = {0};
    unsigned char other[32];
    size_t frozen = 0;

    fed_start(&f, 3, "");
    write_bundle(&f, "model.flt", 4, f.model);
    write_bundle(&f, "other.flt", 5, other);
    CHECK(!fed_roster(&f, "tensors: [{match: \"*norm*\", protect: frozen}, {match: \"*\", protect: "
                          "mask, bits: 32, clip: 0.5}]\n"));
    fed_plan(&f, &plan, 1);
    CHECK(!fl_bundle_open(&b, fed_path(&f, "other.flt"), NULL));
    CHECK_REFUSED(fl_freeze_by_plan(&b, fed_path(&f, "plan.flt"), NULL, &recipe, &agreed),
                  FL_REFUSED, "is not the model of the plan");
    CHECK_REFUSED(fl_freeze_by_plan(&b, fed_path(&f, "model.flt"), NULL, &recipe, &agreed),
                  FL_FAILED, "model.flt");
    CHECK_REFUSED(fl_freeze_by_plan(&b, fed_path(&f, "none.flt"), NULL, &recipe, &agreed),
                  FL_FAILED, "none.flt");
    for (size_t k = 0; k < b.model->layout.count; k++)
        frozen += b.model->layout.params[k].frozen;
    CHECK(frozen == 0);
    fl_bundle_release(&b);
    fl_plan_release(&plan);
    fed_end(&f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_frozen);
    RUN(test_recipe);
    RUN(test_refused);
    return test_end();
}
