/*
 * The engine against references that were computed elsewhere in f64 (../shared/data, its README):
 * logits, losses, gradients, twenty steps of AdamW, and greedy continuations. Skipped where the
 * references are not. The models are imported as fl-import does it. (Of
 * hidden_after_layer_lastpos, which the engine does not show, nothing is looked at.)
 */
#include "floats.h"
#include "oracle.h"

#include "base/buf.h"
#include "base/mem.h"
#include "nn/adamw.h"
#include "nn/engine.h"
#include "nn/infer.h"
#include "math/products.h"
#include "math/vector.h"
#include "os/file.h"
#include "flt/emit.h"
#include "port/hf_folder.h"

static const char *const models[] = {"stories260K", "tiny-llama-untied", "tiny-qwen2", "tiny-gpt2"};

struct reference {
    struct fl_model *m;
    const struct fl_family *family;
    json_t *oracle;
};

static int
write_folder(void *arg, struct fl_writer *w)
{
    return fl_hf_folder_write(arg, 0, w);
}

static int
open_reference(struct reference *r, const char *model)
{
    char path[512], file[] = "/tmp/test_oracle.XXXXXX";
    struct fl_hf_folder folder;
    json_error_t why;

    *r = (struct reference){0};
    if (access(data_path("oracles/%s/%s", model, "oracle.json", path), R_OK))
        return -1;
    r->oracle = json_load_file(path, 0, &why);
    CHECK(r->oracle != NULL);
    CHECK(!fl_hf_folder_open(&folder, data_path("models/%s%s", model, "", path)));
    CHECK_TEXT(fl_buf_text(&folder.notes), "");
    r->family = folder.model.family;
    close(mkstemp(file));
    CHECK(!fl_emit(file, 0, write_folder, &folder));
    struct fl_object *o = fl_object_open(file, FL_KIND_MODEL);
    r->m = o ? fl_model_load(o) : NULL;
    CHECK(r->m != NULL);
    fl_object_free(o);
    unlink(file);
    fl_hf_folder_close(&folder);
    return 0;
}

static void
close_reference(struct reference *r)
{
    fl_model_free(r->m);
    json_decref(r->oracle);
}

/*
 * The family's tensor that parameter I begins, of VALUES (all parameters'), as its files lay it;
 * free() it. NULL when I begins none.
 */
static float *
foreign(const struct reference *r, size_t i, const float *values, struct fl_tensor *t,
        size_t *count)
{
    const struct fl_layout *layout = &r->m->layout;
    struct fl_place p;
    uint64_t elements, bytes, next = 0;

    fl_family_place(r->family, layout, i, &p);
    if (p.first)
        return NULL;
    *t = p.tensor;
    CHECK(!fl_tensor_size(t, &elements, &bytes));
    *count = (size_t)elements;
    float *out = fl_alloc(*count, sizeof *out);
    for (; i < layout->count; i++) {
        const struct fl_param *param = &layout->params[i];
        uint64_t columns = param->rank == 2 ? param->dims[1] : 1;
        fl_family_place(r->family, layout, i, &p);
        if (p.first != next || strcmp(p.tensor.name, t->name))
            break;
        for (uint64_t row = 0; row < param->dims[0]; row++)
            for (uint64_t c = 0; c < columns; c++)
                out[p.turned ? c * t->dims[1] + next + row : (next + row) * columns + c] =
                    values[param->offset + row * columns + c];
        next += param->dims[0];
    }
    return out;
}

/* Mean loss of a prompt's own tokens, and the log-probabilities of the likeliest after it. */
static void
check_losses(struct reference *r, struct fl_engine *e, const json_t *prompt, uint32_t *ids,
             size_t n)
{
    float *loss = fl_alloc(n, sizeof *loss);
    uint32_t *y = fl_alloc(n, sizeof *y), *best = fl_alloc(n, sizeof *best);
    const struct fl_batch batch = {1, n, ids, y, NULL};
    const json_t *pair, *top = json_object_get(prompt, "top5_last");
    double sum = 0;
    size_t k;

    CHECK(json_array_size(top) == 5);
    json_array_foreach(top, k, pair)
    {
        memcpy(y, ids + 1, (n - 1) * sizeof *y);
        y[n - 1] = (uint32_t)json_integer_value(json_array_get(pair, 0));
        CHECK(!fl_engine_loss(e, r->m->stored, &batch, loss, best));
        CHECK_NEAR(-loss[n - 1], json_number_value(json_array_get(pair, 1)), 1e-4);
        CHECK(k > 0 || best[n - 1] == y[n - 1]);
    }
    for (size_t i = 0; i + 1 < n; i++)
        sum += loss[i];
    if (n > 1)
        CHECK_NEAR(sum / (double)(n - 1), number(prompt, "mean_ce"), 1e-4);
    free(loss), free(y), free(best);
}

static void
check_prompt(struct reference *r, const char *model, const json_t *prompt)
{
    size_t n, V = r->m->layout.config.vocab;
    uint32_t *ids = ids_of(json_object_get(prompt, "ids"), &n);
    float *got = fl_alloc(n * V, sizeof *got);
    struct fl_batch batch = {1, n, ids, NULL, NULL};
    struct fl_engine *e = fl_engine_new(r->m, NULL, 1, n, FL_ENGINE_SCORE);
    struct fl_buf npy = {0};
    char path[512];
    double most = 0;

    CHECK(e && !fl_engine_logits(e, r->m->stored, &batch, got));
    data_path("oracles/%s/%s", model, json_string_value(json_object_get(prompt, "logits_file")),
              path);
    CHECK(!fl_read_file(path, 1 << 24, &npy) && npy.len >= n * V * sizeof *got);
    const unsigned char *want = npy.data + npy.len - n * V * sizeof *got;
    for (size_t i = 0; i < n * V; i++) {
        float v;
        memcpy(&v, want + i * sizeof v, sizeof v);
        most = fabs(got[i] - v) > most ? fabs(got[i] - v) : most;
    }
    if (!(most < 1e-4))
        printf("# %s: logits differ by %g\n", path, most);
    CHECK(most < 1e-4);
    check_losses(r, e, prompt, ids, n);
    fl_engine_free(e);
    fl_buf_release(&npy);
    free(got);
    free(ids);
}

static void
test_logits(void)
{
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct reference r;
        json_t *prompts, *prompt;
        size_t k;
        if (open_reference(&r, models[i]))
            SKIP("no shared data here");
        prompts = json_object_get(r.oracle, "prompts");
        CHECK(json_array_size(prompts) > 0);
        json_array_foreach(prompts, k, prompt) check_prompt(&r, models[i], prompt);
        close_reference(&r);
    }
}

/* What OBJECT says of a tensor, under its full name. */
static const json_t *
of_tensor(const struct reference *r, const json_t *object, const struct fl_tensor *t)
{
    char name[FL_FLT_NAME_MAX + 16];

    const json_t *v = json_object_get(object,
                                      fl_family_full_name(r->family, t->name, name, sizeof name));
    CHECK(v != NULL);
    return v;
}

/* Norm, sum against a cosine, and first values of a tensor's gradient. */
static void
check_gradient(const struct fl_tensor *t, const float *g, size_t count, const json_t *ref)
{
    double norm = 0, dot = 0;

    for (size_t i = 0; i < count; i++) {
        norm += (double)g[i] * g[i];
        dot += g[i] * cos(0.1 * (double)i);
    }
    double scale = number(ref, "norm");
    if (fabs(sqrt(norm) - scale) > 1e-4 * scale)
        printf("# %s: norm %g, want %g\n", t->name, sqrt(norm), scale);
    CHECK(fabs(sqrt(norm) - scale) <= 1e-4 * scale);
    CHECK(fabs(dot - number(ref, "dot_cos")) <= 1e-4 * scale);
    for (size_t i = 0; i < json_array_size(json_object_get(ref, "first4")); i++)
        CHECK(fabs(g[i] - json_number_value(json_array_get(json_object_get(ref, "first4"), i))) <=
              1e-4 * scale);
}

/* Of all tensors, and none of the reference's is left out. */
static void
check_gradients(const struct reference *r, const float *grads, const json_t *want)
{
    size_t seen = 0, count;
    struct fl_tensor t;

    for (size_t i = 0; i < r->m->layout.count; i++) {
        float *g = foreign(r, i, grads, &t, &count);
        if (!g)
            continue;
        check_gradient(&t, g, count, of_tensor(r, want, &t));
        seen++;
        free(g);
    }
    CHECK(seen == json_object_size(want));
}

static void
check_norms(const struct reference *r, const json_t *want)
{
    struct fl_tensor t;
    size_t count;

    for (size_t i = 0; i < r->m->layout.count; i++) {
        float *w = foreign(r, i, floats(r->m), &t, &count);
        if (!w)
            continue;
        double norm = json_number_value(of_tensor(r, want, &t));
        /* A key's bias without rotation changes no softmax, and hardly any in channels that turn
         * slowly: its gradient is rounding there, which Adam makes as large as any other. */
        bool key = strstr(t.name, "c_attn.bias") || strstr(t.name, "k_proj.bias");
        double most = key ? 1e-3 : 1e-4;
        double got = sqrt(fl_vec_sum_squares(w, count));
        if (!(fabs(got - norm) <= most * norm))
            printf("# %s: norm %.7g, want %.7g\n", t.name, got, norm);
        CHECK(fabs(got - norm) <= most * norm);
        free(w);
    }
}

/* Twenty steps; under valgrind one, its losses and norm. */
static void
train_like(struct reference *r, const char *name, double clip, const struct fl_batch *batch,
           bool bf16)
{
    const double most = bf16 ? 2e-2 : 1e-4; /* of a loss: fl-train(1), --precision */
    const int mode = FL_ENGINE_TRAIN | (bf16 ? FL_ENGINE_BF16 : 0);
    const json_t *ref =
        json_object_get(json_object_get(json_object_get(r->oracle, "train"), "adamw"), name);
    const json_t *losses = json_object_get(ref, "losses_before_each_step_then_final");
    struct fl_adamw opt = FL_ADAMW_INIT;
    size_t n = batch->B * batch->T, steps = test_under_valgrind() ? 1 : 20;
    float *grads = fl_layout_array(&r->m->layout), *loss = fl_alloc(n, sizeof *loss);
    float *keep = fl_layout_array(&r->m->layout);
    struct fl_engine *e = fl_engine_new(r->m, NULL, batch->B, batch->T, (enum fl_engine_mode)mode);

    CHECK(json_array_size(losses) == 21);
    memcpy(keep, floats(r->m), r->m->layout.size * sizeof *keep);
    CHECK(!fl_adamw_start(&opt, &r->m->layout));
    for (size_t step = 0; e && step <= steps; step++) {
        double mean = 0, want = json_number_value(json_array_get(losses, step));
        CHECK(!fl_engine_grad(e, r->m->stored, batch, 1 / (float)n, grads, loss));
        for (size_t i = 0; i < n; i++)
            mean += loss[i] / (double)n;
        if (!(fabs(mean - want) <= most * want))
            printf("# %s step %zu: loss %.7f, want %.7f\n", name, step, mean, want);
        CHECK(fabs(mean - want) <= most * want);
        if (step == steps)
            break;
        double norm = fl_array_norm(NULL, grads, r->m->layout.trained);
        want = json_number_value(json_array_get(json_object_get(ref, "grad_norms_preclip"), step));
        CHECK(fabs(norm - want) <= (bf16 ? 0.1 : 1e-3) * want);
        fl_adamw_step(&opt, r->m, NULL, grads, fl_clip(norm, clip), 1e-3);
    }
    if (steps == 20 && !bf16)
        check_norms(r, json_object_get(ref, "final_param_norms"));
    memcpy(floats(r->m), keep, r->m->layout.size * sizeof *keep);
    fl_engine_free(e);
    fl_adamw_release(&opt);
    free(grads);
    free(loss);
    free(keep);
}

/* Only some targets counted. */
static void
check_masked(struct reference *r, struct fl_engine *e, const struct fl_batch *batch)
{
    const json_t *train = json_object_get(r->oracle, "train");
    size_t B, T, counted = 0;
    uint32_t *mask = rows_of(json_object_get(train, "loss_mask_on_y"), &B, &T);
    uint32_t *y = fl_alloc(B * T, sizeof *y);
    float *loss = fl_alloc(B * T, sizeof *loss);
    struct fl_batch masked = {B, T, batch->x, y, NULL};
    double sum = 0;

    for (size_t i = 0; i < B * T; i++) {
        y[i] = mask[i] ? batch->y[i] : FL_IGNORE;
        counted += mask[i];
    }
    CHECK(counted > 0 && counted < B * T);
    CHECK(!fl_engine_loss(e, r->m->stored, &masked, loss, NULL));
    for (size_t i = 0; i < B * T; i++)
        sum += loss[i];
    CHECK_NEAR(sum / (double)counted, number(train, "masked_loss"), 1e-4);
    free(mask), free(y), free(loss);
}

static void
test_training(void)
{
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct reference r;
        size_t B, T;
        if (open_reference(&r, models[i]))
            SKIP("no shared data here");
        const json_t *train = json_object_get(r.oracle, "train");
        uint32_t *x = rows_of(json_object_get(train, "x"), &B, &T);
        uint32_t *y = rows_of(json_object_get(train, "y"), &B, &T);
        struct fl_batch batch = {B, T, x, y, NULL};
        float *grads = fl_layout_array(&r.m->layout), *loss = fl_alloc(B * T, sizeof *loss);
        struct fl_engine *e = fl_engine_new(r.m, NULL, B, T, FL_ENGINE_TRAIN);
        CHECK(e && !fl_engine_grad(e, r.m->stored, &batch, 1 / (float)(B * T), grads, loss));
        double norm = fl_array_norm(NULL, grads, r.m->layout.trained),
               want = number(train, "grad_global_norm");
        CHECK(fabs(norm - want) <= 1e-4 * want);
        check_gradients(&r, grads, json_object_get(train, "grads"));
        check_masked(&r, e, &batch);
        fl_engine_free(e);
        train_like(&r, "decay_2d", 0, &batch, false);
        if (fl_products()->bf16)
            train_like(&r, "decay_2d", 0, &batch, true);
        train_like(&r, "decay_2d_clip1", 1, &batch, false);
        if (fl_products()->bf16)
            train_like(&r, "decay_2d_clip1", 1, &batch, true);
        for (size_t p = 0; p < r.m->layout.count; p++)
            if (r.m->layout.params[p].rank == 1) { /* a row, so that it decays too */
                r.m->layout.params[p].rank = 2;
                r.m->layout.params[p].dims[1] = 1;
            }
        train_like(&r, "decay_all", 0, &batch, false); /* in bf16 such rows would be products' */
        free(x);
        free(y);
        free(grads);
        free(loss);
        close_reference(&r);
    }
}

/* Greedy continuation, as long as the margin is not within rounding. */
static void
check_greedy(const struct reference *r, const json_t *prompt)
{
    const json_t *margins = json_object_get(prompt, "greedy_margins");
    size_t n, count, V = r->m->layout.config.vocab;
    uint32_t *ids = ids_of(json_object_get(prompt, "ids"), &n);
    uint32_t *want = ids_of(json_object_get(prompt, "greedy_new_ids"), &count);
    float *logits = fl_alloc(V, sizeof *logits);
    struct fl_infer *d = fl_infer_new(r->m, NULL, n + count);

    CHECK(count > 0 && json_array_size(margins) == count);
    CHECK(d && !fl_infer_read(d, ids, n, logits));
    for (size_t i = 0; d && i < count; i++) {
        if (json_number_value(json_array_get(margins, i)) < 1e-4)
            break;
        CHECK(fl_vec_largest(logits, V) == want[i]);
        CHECK(!fl_infer_read(d, &want[i], 1, logits));
    }
    fl_infer_free(d);
    free(ids), free(want), free(logits);
}

static void
test_greedy(void)
{
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct reference r;
        json_t *prompts, *prompt;
        size_t k;
        if (open_reference(&r, models[i]))
            SKIP("no shared data here");
        prompts = json_object_get(r.oracle, "prompts");
        json_array_foreach(prompts, k, prompt) check_greedy(&r, prompt);
        close_reference(&r);
    }
}

int
main(void)
{
    RUN(test_logits);
    RUN(test_training);
    RUN(test_greedy);
    return test_end();
}
