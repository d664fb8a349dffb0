/* Updates: base and update together are the new weights; bundles of model and tokenizer. */
#include "nn/trained.h"
#include "os/memory.h"

#include <fcntl.h>
#include <unistd.h>

#include "nn/bundle.h"
#include "nn/cost.h"
#include "os/file.h"
#include "floats.h"
#include "shard.h"
#include "test.h"

static char folder[] = "/tmp/test_trained.XXXXXX";
static char model_path[64], update_path[64];

/* A model of VOCAB ids in model_path, with the byte tokenizer; ROUND unless it is -1. */
static void
write_model_as(int64_t round, uint32_t vocab, enum fl_dtype dtype)
{
    struct fl_model *m = shard_model(1, vocab);
    struct fl_tokenizer *t = fl_tokenizer_bytes();
    int fd = open(model_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    struct fl_writer *w = fl_writer_new(fd, model_path, 0);
    struct fl_meta meta = {0};
    size_t len;
    const char *json = fl_tokenizer_json(t, &len);

    for (size_t i = 0; i < m->layout.count; i++)
        m->layout.params[i].dtype = dtype;
    CHECK(round < 0 || !fl_meta_set_i64(&meta, "round", round));
    CHECK(m && w && !fl_model_write(m, w, &meta, json, len));
    fl_writer_free(w);
    close(fd);
    fl_meta_release(&meta);
    fl_tokenizer_free(t);
    fl_model_free(m);
}

static void
write_model(int64_t round, uint32_t vocab)
{
    write_model_as(round, vocab, FL_F32);
}

static void
check_meta(const struct fl_meta *meta, int64_t round, const char *site, int64_t documents)
{
    const struct {
        const char *key;
        int64_t want;
    } numbers[] = {{"examples", documents},
                   {"tokens", 300},
                   {"tokens.seen", 7 * 2 * 3 * 8},
                   {"steps", 7}};
    const char *text;
    int64_t n;
    double x;

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        CHECK(!fl_meta_get_i64(meta, numbers[i].key, 0, INT64_MAX, &n) && n == numbers[i].want);
    CHECK(!fl_meta_get_i64(meta, "base.round", 0, INT64_MAX, &n) && n == (round < 0 ? 0 : round));
    CHECK(!fl_meta_get_f64(meta, "loss.first", &x) && x == 5.5);
    CHECK(!fl_meta_get_f64(meta, "loss.last", &x) && x == 2.25);
    if (site)
        CHECK(!fl_meta_get_text(meta, "site", &text) && !strcmp(text, site));
    else
        CHECK(!fl_meta_find(meta, "site"));
}

static void
write_update(const struct fl_trained *trained)
{
    int fd = open(update_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    struct fl_writer *w = fl_writer_new(fd, update_path, 0);

    CHECK(w && !fl_trained_write(trained, w));
    fl_writer_free(w);
    close(fd);
}

static void
update(int64_t round, const char *site, size_t frozen)
{
    struct fl_data *data = shard_data(1, 300);
    struct fl_train_result result = {5.5, 2.25, 0, {0}};
    struct fl_bundle b;
    const unsigned char *base;

    write_model(round, FL_BYTE_VOCAB);
    CHECK(!fl_bundle_open(&b, model_path, NULL));
    struct fl_training t = {.model = b.model,
                            .data = data,
                            .recipe = {.steps = 7,
                                       .batch = 2,
                                       .accumulate = 3,
                                       .length = 8,
                                       .schedule = "cosine",
                                       .precision = "f32"}};
    CHECK(!fl_object_digest(b.object, NULL, t.base));
    for (size_t i = 0; i < b.model->layout.size; i++)
        floats(b.model)[i] += (float)(i % 7) * 0.01f;
    for (size_t i = 0; i < frozen; i++)
        b.model->layout.params[2 * i].frozen = true;
    fl_layout_trainables(&b.model->layout);
    write_update(&(struct fl_trained){&t, &result, b.object, site, NULL, NULL});

    struct fl_object *o = fl_object_open(update_path, FL_KIND_UPDATE);
    float *values = fl_layout_array(&b.model->layout);
    float *old = fl_layout_array(&b.model->layout);
    CHECK(o && !fl_model_read(&(struct fl_model_values){b.model, "", FL_TRAINED, values}, o) &&
          !fl_model_read(&(struct fl_model_values){b.model, "", FL_TRAINED, old}, b.object));
    check_meta(&fl_object_head(o)->meta, round, site, (int64_t)fl_data_documents(data));
    CHECK(!fl_meta_get_bytes(&fl_object_head(o)->meta, "base", 32, &base) &&
          !memcmp(base, t.base, 32));
    CHECK(fl_object_count(o) == b.model->layout.count - frozen);
    size_t wrong = 0;
    for (size_t i = 0; i < b.model->layout.count; i++) {
        const struct fl_param *p = &b.model->layout.params[i];
        const float *new = floats(b.model) + p->offset;
        for (size_t j = 0; !p->frozen && j < p->count; j++)
            wrong += values[p->place + j] != new[j] - old[p->place + j];
    }
    CHECK(wrong == 0);
    free(values);
    free(old);
    fl_object_free(o);
    fl_bundle_release(&b);
    fl_data_free(data);
}

static void
test_update(void)
{
    update(3, "north", 0);
    update(-1, NULL, 0);
    update(3, "north", 4);
}

/* Of a training that hides documents: nothing that was counted or measured of them. */
static void
test_hidden(void)
{
    static const char *const keys[] = {"base",     "base.params", "base.round",
                                       "dp.clip",  "dp.noise",    "dp.rate",
                                       "dp.steps", "dp.unit",     "examples"};
    struct fl_data *data = shard_data(1, 300);
    struct fl_documents documents = {.data = data};
    struct fl_train_result result = {5.5, 2.25, 0, {0}};
    struct fl_bundle b;
    double clip, noise, rate;
    const char *unit;
    int64_t steps;

    write_model(3, FL_BYTE_VOCAB);
    CHECK(!fl_bundle_open(&b, model_path, NULL));
    struct fl_training t = {.model = b.model,
                            .data = data,
                            .documents = &documents,
                            .recipe = {.steps = 7,
                                       .batch = 2,
                                       .accumulate = 1,
                                       .length = 8,
                                       .dp_clip = 0.5,
                                       .dp_noise = 1.25,
                                       .dp_rate = 0.125,
                                       .dp_unit = "passage"}};
    write_update(&(struct fl_trained){&t, &result, b.object, NULL, NULL, NULL});
    struct fl_object *o = fl_object_open(update_path, FL_KIND_UPDATE);
    const struct fl_meta *meta = &fl_object_head(o)->meta;
    CHECK(meta->count == sizeof keys / sizeof *keys);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        CHECK(fl_meta_find(meta, keys[i]));
    CHECK(!fl_meta_get_f64(meta, "dp.clip", &clip) && clip == 0.5);
    CHECK(!fl_meta_get_f64(meta, "dp.noise", &noise) && noise == 1.25);
    CHECK(!fl_meta_get_f64(meta, "dp.rate", &rate) && rate == 0.125);
    CHECK(!fl_meta_get_i64(meta, "dp.steps", 0, 100, &steps) && steps == 7);
    CHECK(!fl_meta_get_text(meta, "dp.unit", &unit) && !strcmp(unit, "passage"));
    fl_object_free(o);
    fl_bundle_release(&b);
    fl_data_free(data);
}

static void
test_bundle(void)
{
    struct fl_bundle b;

    write_model(0, 300); /* more ids than the tokenizer has: padding */
    CHECK(!fl_bundle_open(&b, model_path, NULL) && b.model->layout.config.vocab == 300);
    fl_bundle_release(&b);
    CHECK(!b.model && !b.tokenizer && !b.object);
    write_model(0, 256);
    CHECK(fl_bundle_open(&b, model_path, NULL) == -1 && fl_error_status() == FL_FAILED);
    CHECK(strstr(fl_error_text(), "its tokenizer has 257 ids and the model 256"));
    CHECK(!b.model && !b.tokenizer && !b.object);
    CHECK(fl_bundle_open(&b, update_path, NULL) == -1 && strstr(fl_error_text(), update_path));
    CHECK(fl_bundle_open(&b, "/nonexistent", NULL) == -1);
}

/* The size of a file; 0 when there is none. */
static uint64_t
size_of(const char *path)
{
    int fd = open(path, O_RDONLY);
    int64_t n = fd < 0 ? 0 : fl_regular_size(fd);

    if (fd >= 0)
        close(fd);
    return (uint64_t)n;
}

static void
check_memory(const struct fl_cost_memory *m, uint64_t parameters)
{
    CHECK(m->weights == 4 * parameters && m->gradients == m->weights &&
          m->moments == 2 * m->weights);
    CHECK(m->activations > 0 && m->files > 0);
    CHECK(m->total == 4 * m->weights + m->activations + m->files + m->program);
}

/* Of a model in bf16: f32 where it is trained; what is frozen has no gradient and stays bf16. */
static void
test_memory_of_halves(void)
{
    struct fl_data *data = shard_data(1, 300);
    struct fl_training t = {.data = data,
                            .report_every = 1,
                            .recipe = {.steps = 7,
                                       .batch = 2,
                                       .accumulate = 3,
                                       .length = 8,
                                       .schedule = "cosine",
                                       .precision = "f32"}};
    struct fl_cost all, few;
    struct fl_bundle b;

    write_model_as(3, FL_BYTE_VOCAB, FL_BF16);
    for (int k = 0; k < 2; k++) {
        CHECK(!fl_bundle_look(&b, model_path));
        struct fl_layout *l = &b.model->layout;
        for (size_t i = 0; k && i < l->count; i++)
            l->params[i].frozen = l->params[i].rank == 2;
        fl_layout_trainables(l);
        CHECK(!fl_model_to_train(b.model));
        t.model = b.model;
        const struct fl_trained planned = {&t, NULL, b.object, "north", NULL, NULL};
        CHECK(!fl_cost(&planned, update_path, k ? &few : &all));
        if (!k)
            check_memory(&all.memory, l->size);
        else
            CHECK(few.memory.weights < 2 * l->size + 2 * l->trained + 1000 &&
                  few.memory.gradients == 4 * l->trained && few.memory.moments == 8 * l->trained &&
                  l->trained < l->size / 20);
        CHECK(!fl_model_fill(b.model, b.object) && !fl_cost_probe(&t, k ? &few : &all));
        fl_bundle_release(&b);
    }
    CHECK(few.memory.activations > all.memory.activations); /* a tile is widened */
    fl_data_free(data);
}

static void
check_disk(const struct fl_cost_disk *d, const struct fl_trained *planned)
{
    const struct fl_train_result result = {5.5, 2.25, 0, {0}};
    struct fl_trained made = *planned;

    made.result = &result;
    write_update(&made);
    CHECK(d->model == size_of(model_path) && d->update == size_of(update_path));
    CHECK(d->checkpoint > 3 * d->update / 2 && d->upload == d->update && d->kept == 5 * d->upload);
    CHECK(d->sum == d->model + d->update + d->checkpoint + d->upload + d->kept);
    CHECK(d->output_free >= 0 && d->checkpoint_free >= 0);
}

static void
test_cost(void)
{
    struct fl_data *data = shard_data(1, 300);
    struct fl_bundle b;
    struct fl_cost one, more;

    write_model(3, FL_BYTE_VOCAB);
    CHECK(!fl_bundle_open(&b, model_path, NULL));
    struct fl_training t = {.model = b.model,
                            .data = data,
                            .checkpoint = "/tmp/no-checkpoint",
                            .report_every = 1,
                            .recipe = {.steps = 7,
                                       .batch = 2,
                                       .accumulate = 3,
                                       .length = 8,
                                       .schedule = "cosine",
                                       .precision = "f32"}};
    const struct fl_trained planned = {&t, NULL, b.object, "north", NULL, NULL};
    CHECK(!fl_cost(&planned, update_path, &one));
    CHECK(one.windows == 37 && one.tokens == 7 * 6 * 8 && isnan(one.seconds));
    CHECK(one.flops > 6.0 * (double)b.model->layout.size * (double)one.tokens * 0.9);
    check_memory(&one.memory, b.model->layout.size);
    check_disk(&one.disk, &planned);
    CHECK(!fl_cost_probe(&t, &one) && one.step_seconds > 0 && one.seconds > 6 * one.step_seconds);
    check_memory(&one.memory, b.model->layout.size);
    CHECK(access(t.checkpoint, F_OK));
    struct fl_train_probe probe; /* a look at a short training ends with it, not after an hour */
    CHECK(!fl_train_probe(&t, 3600, &probe) && probe.windows == (7 + 1) * 2);
    t.recipe.batch = 20;
    t.checkpoint = NULL;
    CHECK(!fl_cost(&planned, NULL, &more) && more.tokens == 10 * one.tokens);
    CHECK(more.memory.activations > one.memory.activations);
    CHECK(more.disk.checkpoint == 0 && more.disk.output_free < 0 && more.disk.checkpoint_free < 0);
    t.recipe.batch = INT64_MAX / 16;
    CHECK(fl_cost(&planned, NULL, &more) == -1);
    fl_bundle_release(&b);
    fl_data_free(data);
}

int
main(void)
{
    if (!mkdtemp(folder))
        return 1;
    snprintf(model_path, sizeof model_path, "%s/m.flt", folder);
    snprintf(update_path, sizeof update_path, "%s/u.flt", folder);
    RUN(test_update);
    RUN(test_hidden);
    RUN(test_bundle);
    RUN(test_cost);
    RUN(test_memory_of_halves);
    unlink(model_path);
    unlink(update_path);
    rmdir(folder);
    return test_end();
}
