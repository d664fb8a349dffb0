/*
 * Adapters against references that were computed elsewhere in f64 (../shared/data, its README):
 * gradients at the start, twenty steps of AdamW at two rates, and the logits with the final adapter,
 * beside the model and merged into it. Skipped where the references are not.
 */
#include "oracle.h"

#include "base/buf.h"
#include "crypt/secret.h"
#include "fed/merge.h"
#include "math/vector.h"
#include "nn/adamw.h"
#include "nn/bundle.h"
#include "nn/engine.h"
#include "nn/infer.h"
#include "os/file.h"
#include "port/foreign.h"
#include "port/peft_names.h"

static const char *const models[] = {"stories260K", "tiny-llama-untied", "tiny-qwen2", "tiny-gpt2"};

struct reference {
    struct fl_bundle b;
    const struct fl_family *family;
    json_t *oracle, *lora;
    const char *model;
};

/* MODEL with its adapter in the folder ADAPTER beside it, in f32. -1 when there is no such data. */
static int
open_reference(struct reference *r, const char *model, const char *adapter)
{
    char path[512];
    struct fl_buf notes = {0};
    const char *family;
    json_error_t why;

    *r = (struct reference){.model = model};
    if (access(data_path("oracles/%s/%s", model, "oracle.json", path), R_OK))
        return -1;
    r->oracle = json_load_file(path, 0, &why);
    r->lora = json_object_get(r->oracle, "lora");
    CHECK(r->lora != NULL);
    r->b.object = fl_foreign_open(data_path("models/%s%s", model, "", path), &notes);
    CHECK(r->b.object && (r->b.model = fl_model_open(r->b.object)));
    struct fl_object *a = fl_foreign_open(data_path("oracles/%s/%s", model, adapter, path), &notes);
    CHECK(a && !fl_meta_get_text(&fl_object_head(a)->meta, "family", &family));
    r->family = fl_family_find(family);
    CHECK_TEXT(fl_buf_text(&notes), "");
    CHECK(a && !fl_bundle_adapt(&r->b, a, NULL));
    CHECK(!fl_model_to_train(r->b.model));
    CHECK(!fl_bundle_fill(&r->b));
    fl_buf_release(&notes);
    return 0;
}

static void
close_reference(struct reference *r)
{
    fl_bundle_release(&r->b);
    json_decref(r->oracle);
}

/* What OBJECT says of P, under PEFT's name. */
static double
of_param(const struct reference *r, const json_t *object, const struct fl_param *p)
{
    char name[256];

    return number(object, fl_peft_name(r->family, p->module, p->layer,
                                       p->kind == FL_PARAM_LORA_A ? 'A' : 'B', name, sizeof name));
}

static void
check_gradients(const struct reference *r, const float *grads)
{
    const struct fl_layout *t = &r->b.model->layout;
    const json_t *want = json_object_get(r->lora, "grads_at_init");
    size_t seen = 0;

    for (size_t i = 0; i < t->count; i++) {
        const struct fl_param *p = &t->params[i];
        CHECK(p->frozen == !fl_param_adapts(p));
        if (p->frozen)
            continue;
        double norm = of_param(r, want, p);
        double got = sqrt(fl_vec_sum_squares(grads + p->place, p->count));
        CHECK(fabs(got - norm) <= 1e-4 * norm);
        seen++;
    }
    CHECK(seen > 0 && seen == json_object_size(want));
}

/* Twenty steps at the rate that NAME says; under valgrind one. */
static void
train_like(const char *model, const char *name)
{
    struct reference r;
    size_t B, T, steps = test_under_valgrind() ? 1 : 20;

    CHECK(!open_reference(&r, model, "lora_init"));
    const json_t *train = json_object_get(r.oracle, "train"), *ref = json_object_get(r.lora, name);
    const json_t *losses = json_object_get(ref, "losses_before_each_step_then_final");
    const json_t *norms = json_object_get(ref, "grad_norms_preclip");
    struct fl_layout *t = &r.b.model->layout;
    uint32_t *x = rows_of(json_object_get(train, "x"), &B, &T);
    uint32_t *y = rows_of(json_object_get(train, "y"), &B, &T);
    const struct fl_batch batch = {B, T, x, y, NULL};
    float *grads = fl_layout_array(t), *loss = fl_alloc(B * T, sizeof *loss);
    struct fl_engine *e = fl_engine_new(r.b.model, NULL, B, T, FL_ENGINE_TRAIN);
    struct fl_adamw opt = FL_ADAMW_INIT;

    CHECK(e && json_array_size(losses) == 21 && !fl_adamw_start(&opt, t));
    for (size_t step = 0; e && step <= steps; step++) {
        double mean = 0, want = json_number_value(json_array_get(losses, step));
        CHECK(!fl_engine_grad(e, r.b.model->stored, &batch, 1 / (float)(B * T), grads, loss));
        for (size_t i = 0; i < B * T; i++)
            mean += loss[i] / (double)(B * T);
        if (!(fabs(mean - want) <= 1e-4 * want))
            printf("# %s %s step %zu: loss %.7f, want %.7f\n", model, name, step, mean, want);
        CHECK(fabs(mean - want) <= 1e-4 * want);
        if (step == steps)
            break;
        if (!step)
            check_gradients(&r, grads);
        double norm = fl_array_norm(NULL, grads, t->trained);
        want = json_number_value(json_array_get(norms, step));
        CHECK(fabs(norm - want) <= 1e-3 * want);
        fl_adamw_step(&opt, r.b.model, NULL, grads, 1, number(ref, "lr"));
    }
    for (size_t i = 0; steps == 20 && i < t->count; i++) {
        const struct fl_param *p = &t->params[i];
        if (p->frozen)
            continue;
        double want = of_param(&r, json_object_get(ref, "final_param_norms"), p);
        double got = sqrt(fl_vec_sum_squares(fl_model_floats(r.b.model, p), p->count));
        CHECK(fabs(got - want) <= 1e-3 * want);
    }
    fl_engine_free(e);
    fl_adamw_release(&opt);
    free(x), free(y), free(grads), free(loss);
    close_reference(&r);
}

static bool
is_missing(void)
{
    char path[512];

    return access(data_path("oracles/%s/%s", models[0], "oracle.json", path), R_OK) != 0;
}

static void
test_training(void)
{
    if (is_missing())
        SKIP("no shared data here");
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        train_like(models[i], "lr1e-3");
        train_like(models[i], "lr1e-2");
    }
}

/* Logits GOT (n,V) are those of the oracle's prompt 0 with the final adapter. */
static void
check_logits(const struct reference *r, const float *got, size_t n, size_t V, const char *how)
{
    char path[512];
    struct fl_buf npy = {0};
    double most = 0;

    data_path("oracles/%s/%s", r->model,
              json_string_value(json_object_get(r->lora, "logits_with_final_adapter_prompt0")),
              path);
    CHECK(!fl_read_file(path, 1 << 24, &npy) && npy.len >= n * V * sizeof *got);
    const unsigned char *want = npy.data + npy.len - n * V * sizeof *got;
    for (size_t i = 0; i < n * V; i++) {
        float v;
        memcpy(&v, want + i * sizeof v, sizeof v);
        most = fabs(got[i] - v) > most ? fabs(got[i] - v) : most;
    }
    if (!(most < 1e-4))
        printf("# %s, %s: logits differ by %g\n", path, how, most);
    CHECK(most < 1e-4);
    fl_buf_release(&npy);
}

struct merging {
    struct fl_object *model, *adapter;
};

static int
write_merged(void *arg, struct fl_writer *w)
{
    const struct merging *m = arg;

    return fl_merge(m->model, m->adapter, NULL, NULL, w);
}

/* By the engine, by inference a token at a time, and by the engine with the merged model. */
static void
check_final(const char *model)
{
    struct reference r;
    size_t n, V;

    CHECK(!open_reference(&r, model, "lora_final_lr1e-2"));
    const json_t *prompt = json_array_get(json_object_get(r.oracle, "prompts"), 0);
    uint32_t *ids = ids_of(json_object_get(prompt, "ids"), &n);
    V = r.b.model->layout.config.vocab;
    float *got = fl_alloc(n * V, sizeof *got);
    const struct fl_batch batch = {1, n, ids, NULL, NULL};
    struct fl_engine *e = fl_engine_new(r.b.model, NULL, 1, n, FL_ENGINE_SCORE);
    CHECK(e && !fl_engine_logits(e, r.b.model->stored, &batch, got));
    check_logits(&r, got, n, V, "beside the model");
    fl_engine_free(e);

    struct fl_pool *pool = fl_pool_new(2);
    struct fl_infer *d = fl_infer_new(r.b.model, pool, n);
    for (size_t i = 0; d && i < n; i++)
        CHECK(!fl_infer_read(d, &ids[i], 1, got + i * V));
    check_logits(&r, got, n, V, "a token at a time");
    fl_infer_free(d);
    fl_pool_free(pool);

    struct merging merging = {r.b.object, r.b.adapter};
    struct fl_object *o = fl_object_open_made(write_merged, &merging, "merged", FL_KIND_MODEL);
    struct fl_model *m = o ? fl_model_load(o) : NULL;
    e = m ? fl_engine_new(m, NULL, 1, n, FL_ENGINE_SCORE) : NULL;
    CHECK(e && !fl_engine_logits(e, m->stored, &batch, got));
    check_logits(&r, got, n, V, "merged");
    fl_engine_free(e);
    fl_model_free(m);
    fl_object_free(o);
    free(ids);
    free(got);
    close_reference(&r);
}

static void
test_logits(void)
{
    if (is_missing())
        SKIP("no shared data here");
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        check_final(models[i]);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_training);
    RUN(test_logits);
    return test_end();
}
