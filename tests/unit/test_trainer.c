/*
 * Training against a slow twin in doubles; the same bytes however it is watched, threaded and
 * interrupted; what ends it.
 */
#include "nn/trainer.h"

#include <sys/stat.h>

#include "../naive/decoder.h"
#include "base/mem.h"
#include "crypt/secret.h"
#include "flt/object.h"
#include "nn/adamw.h"
#include "nn/order.h"
#include "nn/settings.h"
#include "shard.h"
#include "floats.h"
#include "test.h"

enum { TOKENS = 500, STEPS = 12 };

static char folder[] = "/tmp/test_trainer.XXXXXX";
static char checkpoint[64];

/* A training of a fresh model; what it calls notes here. */
struct bench {
    struct fl_training t;
    struct fl_train_result result;
    int64_t begun, steps, rows, valid_rows;
    int64_t fail_at; /* row that cannot be written */
    double last_loss, last_norm, row_loss[STEPS + 1];
};

static void
begin(void *arg, int64_t step)
{
    ((struct bench *)arg)->begun = step;
}

static void
step(void *arg, int64_t number, double loss)
{
    struct bench *b = arg;

    b->steps++;
    b->last_loss = loss;
    CHECK(number == b->begun + b->steps);
}

static int
row(void *arg, const struct fl_train_row *r)
{
    struct bench *b = arg;

    b->rows++;
    b->row_loss[r->step] = r->loss;
    b->last_norm = r->norm;
    b->valid_rows += !isnan(r->valid);
    CHECK(r->loss > 0 && r->lr > 0 && r->seconds >= 0);
    return r->step == b->fail_at ? fl_error(FL_FAILED, "the disk is full") : 0;
}

/* Of a training that hides documents: what would be a loss of the base is not measured. */
static int
row_dp(void *arg, const struct fl_train_row *r)
{
    struct bench *b = arg;

    CHECK(isnan(r->loss) == (r->step == 0));
    return r->step == b->fail_at ? fl_error(FL_FAILED, "the disk is full") : 0;
}

static void
make(struct bench *b, struct fl_data *data)
{
    *b = (struct bench){.begun = -1, .fail_at = -1};
    b->t = (struct fl_training){.model = shard_model(1, SHARD_VOCAB),
                                .data = data,
                                .recipe = FL_RECIPE_UNSET,
                                .base = "the digest of the base model",
                                .report_every = 1,
                                .begin = begin,
                                .step = step,
                                .row = row,
                                .arg = b};
    b->t.recipe.steps = STEPS;
    b->t.recipe.batch = 3;
    b->t.recipe.accumulate = 2;
    b->t.recipe.lr = 0.01;
    b->t.recipe.warmup = 3;
    b->t.recipe.weight_decay = 0.3;
    b->t.recipe.beta1 = 0.8;
    b->t.recipe.beta2 = 0.9;
    CHECK(!fl_settings_fill(&b->t.recipe, &b->t.model->layout.config, fl_data_tokens(data)));
    b->t.recipe.seed = 5;
}

/* Train and hand out the weights; NULL when it failed. */
static float *
train(struct bench *b)
{
    const struct fl_model *m = b->t.model;
    float *w = fl_train(&b->t, &b->result) ? NULL : fl_layout_array(&m->layout);

    if (w)
        memcpy(w, floats(m), m->layout.size * sizeof *w);
    return w;
}

static void
unmake(struct bench *b)
{
    fl_model_free(b->t.model);
}

static float *
plain_run(struct fl_data *data, struct fl_train_result *result)
{
    struct bench b;

    make(&b, data);
    float *w = train(&b);
    CHECK(w && b.begun == 0 && b.steps == STEPS && b.rows == STEPS + 1 && !b.result.stopped);
    CHECK(b.result.loss_last < b.result.loss_first - 0.3);
    if (result)
        *result = b.result;
    unmake(&b);
    return w;
}

static bool
same(const float *a, const float *b, const struct fl_model *m)
{
    return a && b && !memcmp(a, b, m->layout.size * sizeof *a);
}

/* The twin's gradient of one step, added over its windows; the mean loss. */
static double
naive_gradients(const struct bench *b, const double *w, uint64_t *sample, double *grads)
{
    const struct fl_recipe *r = &b->t.recipe;
    size_t T = (size_t)r->length, windows = (size_t)(r->batch * r->accumulate);
    struct fl_order order;
    uint32_t ids[16];
    double loss = 0;

    fl_order_init(&order, fl_data_tokens(b->t.data), T, (uint64_t)r->seed);
    for (size_t i = 0; i < windows; i++) {
        struct naive_batch batch = {1, T, ids, ids + 1, 1.0 / (double)(windows * T)};
        CHECK(!fl_data_read(b->t.data, fl_order_place(&order, (*sample)++), T + 1, ids));
        loss += naive_decoder(b->t.model, w, &batch, NULL, NULL, grads);
    }
    return loss / (double)(windows * T);
}

/* All steps by the definitions of AdamW and of the schedule; returns the last step's loss. */
static double
naive_train(const struct bench *b, double *w, double *last_norm)
{
    const struct fl_recipe *r = &b->t.recipe;
    const struct fl_model *m = b->t.model;
    double *g = fl_alloc(m->layout.size, sizeof *g), *mom = fl_alloc(m->layout.size, sizeof *mom);
    double *var = fl_alloc(m->layout.size, sizeof *var), loss = 0;
    uint64_t sample = 0;

    for (int64_t s = 0; s < r->steps; s++) {
        double norm = 0, pi = acos(-1), after = (double)(s - r->warmup);
        double part = after / (double)(r->steps - 1 - r->warmup);
        double lr = s < r->warmup ? r->lr * (double)(s + 1) / (double)r->warmup
                                  : r->min_lr + (r->lr - r->min_lr) * (1 + cos(pi * part)) / 2;
        memset(g, 0, m->layout.size * sizeof *g);
        loss = naive_gradients(b, w, &sample, g);
        for (size_t i = 0; i < m->layout.size; i++)
            norm += g[i] * g[i];
        *last_norm = sqrt(norm);
        double clip = sqrt(norm) > r->clip ? r->clip / (sqrt(norm) + 1e-6) : 1;
        for (size_t p = 0; p < m->layout.count; p++)
            for (size_t j = 0; j < m->layout.params[p].count; j++) {
                size_t i = m->layout.params[p].offset + j;
                double x = g[i] * clip, decay = m->layout.params[p].rank == 2 ? r->weight_decay : 0;
                mom[i] = r->beta1 * mom[i] + (1 - r->beta1) * x;
                var[i] = r->beta2 * var[i] + (1 - r->beta2) * x * x;
                double mh = mom[i] / (1 - pow(r->beta1, (double)s + 1));
                double vh = var[i] / (1 - pow(r->beta2, (double)s + 1));
                w[i] -= lr * (decay * w[i] + mh / (sqrt(vh) + 1e-8));
            }
    }
    free(g);
    free(mom);
    free(var);
    return loss;
}

static void
test_against_the_twin(void)
{
    struct fl_data *data = shard_data(1, TOKENS);
    struct bench b;
    double worst = 0, norm = 0;

    make(&b, data);
    double *w = fl_alloc(b.t.model->layout.size, sizeof *w);
    for (size_t i = 0; i < b.t.model->layout.size; i++)
        w[i] = (double)floats(b.t.model)[i];
    double loss = naive_train(&b, w, &norm);
    float *got = train(&b);
    CHECK(got);
    CHECK_NEAR(b.last_loss, loss, 1e-4);
    CHECK_NEAR(b.last_norm / norm, 1, 1e-2);
    for (size_t i = 0; got && i < b.t.model->layout.size; i++)
        worst = fmax(worst, fabs((double)got[i] - w[i]));
    CHECK(worst < 2e-3); /* the weights moved by up to 0.1; near-zero gradients differ in sign */
    free(w);
    free(got);
    unmake(&b);
    fl_data_free(data);
}

static void
test_threads_and_watchers(void)
{
    struct fl_data *data = shard_data(1, TOKENS), *valid = shard_data(2, 60);
    struct fl_train_result want;
    float *plain = plain_run(data, &want);

    for (int threads = 1; threads <= 3; threads++) {
        struct bench b;
        make(&b, data);
        b.t.pool = fl_pool_new(threads);
        b.t.valid = threads > 1 ? valid : NULL;
        b.t.report_every = threads;
        b.t.valid_every = 2;
        float *w = train(&b);
        CHECK(same(plain, w, b.t.model));
        CHECK(!memcmp(&want, &b.result, sizeof want));
        CHECK(b.rows == (STEPS + threads - 1) / threads + 1);
        CHECK(b.valid_rows == (threads == 1 ? 0 : threads == 2 ? 4 : 3));
        free(w);
        unmake(&b);
        fl_pool_free(b.t.pool);
    }
    free(plain);
    fl_data_free(valid);
    fl_data_free(data);
}

/* A run that dies at every step and goes on from its checkpoint ends as one that never died. */
static void
test_interrupted_everywhere(void)
{
    struct fl_data *data = shard_data(1, TOKENS);
    struct fl_train_result want;
    float *plain = plain_run(data, &want), *w;
    struct bench b;

    unlink(checkpoint);
    for (int64_t dies = 2; dies <= STEPS; dies++) {
        make(&b, data);
        b.t.checkpoint = checkpoint;
        b.fail_at = dies;
        CHECK(!train(&b) && !strcmp(fl_error_text(), "the disk is full"));
        CHECK(b.begun == (dies > 2 ? dies - 2 : 0) && b.steps == 2);
        unmake(&b);
    }
    for (int again = 0; again < 2; again++) { /* to its end, and from there */
        make(&b, data);
        b.t.checkpoint = checkpoint;
        w = train(&b);
        CHECK(same(plain, w, b.t.model) && !memcmp(&want, &b.result, sizeof want));
        CHECK(b.begun == (again ? STEPS : STEPS - 1) && b.steps == (again ? 0 : 1));
        free(w);
        unmake(&b);
    }
    free(plain);
    fl_data_free(data);
}

/* A row whose steps lie before and after an interruption has the mean of all of them. */
static void
test_rows_across_an_interruption(void)
{
    struct fl_data *data = shard_data(1, TOKENS);
    struct bench whole, b;

    unlink(checkpoint);
    make(&whole, data);
    whole.t.report_every = 5;
    free(train(&whole));
    for (int part = 0; part < 3; part++) { /* dies at row 5 with step 1 saved, then at 10 */
        make(&b, data);
        b.t.report_every = 5;
        b.t.checkpoint = checkpoint;
        b.fail_at = part < 2 ? 5 + 5 * part : -1;
        float *w = train(&b);
        CHECK(part < 2 ? !w : w != NULL);
        CHECK(b.begun >= part && b.begun < 12);
        for (int64_t s = b.begun + 1; s <= (part < 2 ? 5 + 5 * part : STEPS); s++)
            CHECK(b.row_loss[s] == whole.row_loss[s]);
        free(w);
        unmake(&b);
    }
    unmake(&whole);
    fl_data_free(data);
}

static void
refused(struct fl_data *data, void (*change)(struct bench *), const char *why)
{
    struct bench b;

    make(&b, data);
    b.t.checkpoint = checkpoint;
    change(&b);
    CHECK(!train(&b) && fl_error_status() == FL_REFUSED && b.begun == -1 && b.rows == 0);
    if (!strstr(fl_error_text(), why))
        CHECK_TEXT(fl_error_text(), why);
    unmake(&b);
}

static void
change_base(struct bench *b)
{
    b->t.base[31] ^= 1;
}

static void
change_seed(struct bench *b)
{
    b->t.recipe.seed++;
}

static void
change_clip(struct bench *b)
{
    b->t.recipe.clip = 2;
}

static void
change_nothing(struct bench *b)
{
    (void)b;
}

static void
test_checkpoint_of_another_training(void)
{
    struct fl_data *data = shard_data(1, TOKENS), *other = shard_data(2, TOKENS);

    CHECK(!access(checkpoint, F_OK)); /* of the test before */
    refused(data, change_base, "another base model");
    refused(data, change_seed, "seed was 5 and is 6 now");
    refused(data, change_clip, "clip was 1 and is 2 now");
    refused(other, change_nothing, "other shards");
    unlink(checkpoint);
    fl_data_free(data);
    fl_data_free(other);
}

static void
test_diverging(void)
{
    struct fl_data *data = shard_data(1, TOKENS);
    struct bench b;

    make(&b, data);
    b.t.checkpoint = checkpoint;
    b.t.recipe.lr = 1e30;
    b.t.recipe.min_lr = 1e30;
    CHECK(!train(&b) && fl_error_status() == FL_FAILED);
    CHECK(strstr(fl_error_text(), "step 2: the ") || strstr(fl_error_text(), "step 1: "));
    CHECK(strstr(fl_error_text(), "is not a finite number; lower --lr (it is 1e+30)"));
    unmake(&b);
    if (!access(checkpoint, F_OK)) { /* whatever is left must not be poisoned: it can be read */
        make(&b, data);
        b.t.checkpoint = checkpoint;
        b.t.recipe.lr = b.t.recipe.min_lr = 1e30;
        CHECK(!train(&b) && b.begun >= 0);
        unmake(&b);
    }
    unlink(checkpoint);

    make(&b, data); /* a base that is not finite */
    floats(b.t.model)[5] = NAN;
    b.t.checkpoint = checkpoint;
    CHECK(!train(&b) && strstr(fl_error_text(), "the base model's loss is not a finite number"));
    CHECK(access(checkpoint, F_OK));
    unmake(&b);
    fl_data_free(data);
}

static void
test_no_steps(void)
{
    struct fl_data *data = shard_data(1, TOKENS);
    struct bench b;

    make(&b, data);
    b.t.recipe.steps = 0;
    float *first = fl_layout_array(&b.t.model->layout);
    memcpy(first, floats(b.t.model), b.t.model->layout.size * sizeof *first);
    float *w = train(&b);
    CHECK(same(first, w, b.t.model) && b.result.loss_first == b.result.loss_last);
    free(first);
    free(w);
    unmake(&b);
    fl_data_free(data);
}

static void
freeze_some(struct fl_model *m)
{
    for (size_t i = 0; i < m->layout.count; i++)
        m->layout.params[i].frozen = i % 3 == 0;
    fl_layout_trainables(&m->layout);
}

/* What is frozen stays; the rest is trained, also across an interruption. */
static void
test_frozen(void)
{
    struct fl_data *data = shard_data(1, TOKENS);
    struct bench whole, first, second;

    make(&whole, data);
    freeze_some(whole.t.model);
    const struct fl_model *m = whole.t.model;
    float *before = fl_alloc(m->layout.size, sizeof *before);
    memcpy(before, floats(m), m->layout.size * sizeof *before);
    CHECK(!fl_train(&whole.t, &whole.result));
    for (size_t i = 0; i < m->layout.count; i++)
        CHECK(m->layout.params[i].frozen == !memcmp(before + m->layout.params[i].offset,
                                                    floats(m) + m->layout.params[i].offset,
                                                    m->layout.params[i].count * sizeof *before));
    make(&first, data);
    freeze_some(first.t.model);
    first.t.checkpoint = checkpoint;
    first.fail_at = 3;
    unlink(checkpoint);
    CHECK(fl_train(&first.t, &first.result) == -1);
    struct fl_object *o = fl_object_open(checkpoint, FL_KIND_CHECKPOINT);
    CHECK(o && fl_object_count(o) == 3 * (m->layout.count - (m->layout.count + 2) / 3));
    fl_object_free(o);
    make(&second, data);
    second.t.checkpoint = checkpoint; /* with nothing frozen: another training */
    CHECK(fl_train(&second.t, &second.result) == -1 && fl_error_status() == FL_REFUSED);
    CHECK(strstr(fl_error_text(),
                 "frozen tensors, and 0 are frozen now: \"embed_tokens.weight\" was and is not") !=
          NULL);
    freeze_some(second.t.model);
    CHECK(!fl_train(&second.t, &second.result) && second.begun > 0);
    CHECK(same(floats(second.t.model), floats(m), m));
    unlink(checkpoint);
    free(before);
    unmake(&whole), unmake(&first), unmake(&second);
    fl_data_free(data);
}

/* A probe takes steps, writes nothing, and tells nobody of them. */
static void
test_probe(void)
{
    struct fl_data *data = shard_data(1, TOKENS);
    struct fl_train_probe p;
    struct bench b;

    make(&b, data);
    b.t.checkpoint = checkpoint;
    float *before = fl_layout_array(&b.t.model->layout);
    memcpy(before, floats(b.t.model), b.t.model->layout.size * sizeof *before);
    for (int i = 0; i < 2; i++) { /* one step; many */
        CHECK(!fl_train_probe(&b.t, i * 0.05, &p));
        CHECK(p.gradient > 0 && p.optimizer > 0 && p.loss > 0);
        CHECK(i ? p.windows > 6 : p.windows == 3);
    }
    CHECK(!same(before, floats(b.t.model), b.t.model)); /* the real computation */
    CHECK(b.begun == -1 && b.steps == 0 && b.rows == 0 && access(checkpoint, F_OK));
    b.t.recipe.lr = 1e30;
    CHECK(fl_train_probe(&b.t, 0.5, &p) == -1 && strstr(fl_error_text(), "not a finite number"));
    CHECK(!strncmp(fl_error_text(), "step ", 5) && strstr(fl_error_text(), "; lower --lr "));
    CHECK(!strstr(fl_error_text(), "the the"));
    for (size_t i = 0; i < b.t.model->layout.size; i++)
        floats(b.t.model)[i] = 3e38f;
    CHECK(fl_train_probe(&b.t, 0, &p) == -1 &&
          strstr(fl_error_text(), "the base model's gradient is"));
    free(before);
    unmake(&b);
    fl_data_free(data);
}

/* What is told before is what is written. */
static void
test_checkpoint_bytes(void)
{
    struct fl_data *data = shard_data(1, TOKENS);
    uint64_t bytes = 0;
    struct stat st;
    struct bench b;

    make(&b, data);
    b.t.checkpoint = checkpoint;
    CHECK(!fl_train_checkpoint_bytes(&b.t, &bytes));
    float *w = train(&b);
    CHECK(w && !stat(checkpoint, &st) && (uint64_t)st.st_size == bytes);
    free(w);
    unlink(checkpoint);
    unmake(&b);
    fl_data_free(data);
}

/* The same with documents hidden. */
static void
make_dp(struct bench *b, struct fl_data *data, const struct fl_documents *documents)
{
    make(b, data);
    b->t.documents = documents;
    b->t.recipe.dp_clip = 0.5;
    b->t.recipe.dp_noise = 0.3;
    b->t.recipe.dp_rate = 0.4;
    b->t.checkpoint = checkpoint;
    b->t.row = row_dp;
}

static bool
file_has(const char *path, const void *bytes, size_t n)
{
    static char text[1 << 20];
    FILE *f = fopen(path, "rb");
    size_t len = f ? fread(text, 1, sizeof text, f) : 0;

    if (f)
        fclose(f);
    for (size_t i = 0; i + n <= len; i++)
        if (!memcmp(text + i, bytes, n))
            return true;
    return false;
}

/* The run's key, which a checkpoint holds. */
static void
take_key(const char *path, unsigned char key[FL_HASH_BYTES])
{
    struct fl_object *o = fl_object_open(path, FL_KIND_CHECKPOINT);
    const unsigned char *bytes;
    struct stat st;

    CHECK(o && !fl_meta_get_bytes(&fl_object_head(o)->meta, "dp.key", FL_HASH_BYTES, &bytes));
    memcpy(key, bytes, FL_HASH_BYTES);
    fl_object_free(o);
    CHECK(!stat(path, &st) && (st.st_mode & 0777) == 0600);
}

/*
 * A run that ends after each of its steps makes the bytes of one that goes through from the same
 * checkpoint, with any number of threads, and leaves no key.
 */
static void
test_hidden_resumes(void)
{
    struct fl_data *data = shard_data(1, TOKENS);
    struct fl_documents documents;
    unsigned char key[FL_HASH_BYTES];
    char begun[96], copy[256];
    float *w[3] = {0};
    struct bench b;

    CHECK(!fl_documents_find(&documents, data) && documents.count > 10);
    unlink(checkpoint);
    snprintf(begun, sizeof begun, "%s.begun", checkpoint);
    make_dp(&b, data, &documents);
    b.fail_at = 2;
    CHECK(!train(&b));
    unmake(&b);
    take_key(checkpoint, key);
    CHECK(file_has(checkpoint, key, sizeof key));
    snprintf(copy, sizeof copy, "cp -p %s %s", checkpoint, begun);
    CHECK(!system(copy));
    for (int64_t dies = 3; dies <= STEPS; dies++) {
        make_dp(&b, data, &documents);
        b.fail_at = dies;
        CHECK(!train(&b) && b.steps == 2 && b.begun == dies - 2);
        unmake(&b);
    }
    for (int k = 0; k < 3; k++) { /* to its end; from there; at once with three threads */
        make_dp(&b, data, &documents);
        b.t.pool = k == 2 ? fl_pool_new(3) : NULL;
        b.t.checkpoint = k == 2 ? begun : checkpoint;
        w[k] = train(&b);
        CHECK(b.steps == (k == 0 ? 1 : k == 1 ? 0 : STEPS - 1));
        CHECK(same(w[0], w[k], b.t.model));
        CHECK(b.result.loss_first == 0 && b.result.loss_last == 0);
        CHECK(!file_has(b.t.checkpoint, key, sizeof key));
        fl_pool_free(b.t.pool);
        unmake(&b);
    }
    unlink(checkpoint);
    make_dp(&b, data, &documents); /* another run has another key */
    float *other = train(&b);
    CHECK(other && !same(w[0], other, b.t.model));
    unmake(&b);
    for (int k = 0; k < 3; k++)
        free(w[k]);
    free(other);
    unlink(begun);
    unlink(checkpoint);
    fl_documents_release(&documents);
    fl_data_free(data);
}

/* The key of a run is of no use for anything that differs: a second sum under one noise. */
static void
test_hidden_is_bound(void)
{
    struct fl_data *data = shard_data(1, TOKENS), *more = shard_data(1, TOKENS + 30);
    struct fl_documents documents, others;
    static const char *const why[] = {"other shards",     "dp_clip was 0.5 and is 0.25 now",
                                      "dp_noise was 0.3", "dp_rate was 0.4",
                                      "dp_clip was 0.5",  "dp_unit was record"};
    struct bench b;

    CHECK(!fl_documents_find(&documents, data) && !fl_documents_find(&others, more));
    unlink(checkpoint);
    make_dp(&b, data, &documents);
    b.fail_at = 3;
    CHECK(!train(&b));
    unmake(&b);
    for (int k = 0; k < 6; k++) {
        make_dp(&b, k ? data : more, k ? &documents : &others);
        b.t.recipe.dp_clip *= k == 1 ? 0.5 : 1;
        b.t.recipe.dp_noise *= k == 2 ? 0.5 : 1;
        b.t.recipe.dp_rate *= k == 3 ? 0.5 : 1;
        b.t.documents = k == 4 ? NULL : b.t.documents;
        b.t.recipe.dp_unit = k == 5 ? "passage" : NULL;
        CHECK(!train(&b) && fl_error_status() == FL_REFUSED && b.begun == -1);
        if (!strstr(fl_error_text(), why[k]))
            CHECK_TEXT(fl_error_text(), why[k]);
        unmake(&b);
    }
    unlink(checkpoint);
    fl_documents_release(&documents);
    fl_documents_release(&others);
    fl_data_free(data);
    fl_data_free(more);
}

/* Weights of the base that make no document's gradient finite end nothing. */
static void
test_hidden_never_ends(void)
{
    struct fl_data *data = shard_data(1, TOKENS);
    struct fl_documents documents;
    struct bench b;

    CHECK(!fl_documents_find(&documents, data));
    make_dp(&b, data, &documents);
    b.t.checkpoint = NULL;
    for (size_t i = 0; i < 16; i++)
        floats(b.t.model)[2 * 16 + i] = 1e30F; /* id 2's row, of a tied head */
    float *w = train(&b);
    CHECK(w && b.steps == STEPS);
    free(w);
    unmake(&b);
    fl_documents_release(&documents);
    fl_data_free(data);
}

int
main(void)
{
    CHECK(!fl_crypt_init());
    if (!mkdtemp(folder))
        return 1;
    snprintf(checkpoint, sizeof checkpoint, "%s/c.flt", folder);
    RUN(test_against_the_twin);
    RUN(test_threads_and_watchers);
    RUN(test_rows_across_an_interruption);
    unlink(checkpoint);
    RUN(test_interrupted_everywhere);
    RUN(test_checkpoint_of_another_training);
    RUN(test_diverging);
    RUN(test_no_steps);
    unlink(checkpoint);
    RUN(test_frozen);
    RUN(test_probe);
    RUN(test_checkpoint_bytes);
    RUN(test_hidden_resumes);
    RUN(test_hidden_is_bound);
    RUN(test_hidden_never_ends);
    rmdir(folder);
    return test_end();
}
