/*
 * The settings of a training that are not of its steps: what a checkpoint of it is known by, and in
 * which precision it multiplies.
 */
#include "nn/training.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "math/products.h"
#include "nn/hide.h"

/* What is frozen, in runs where anything is. */
static int
name_frozen(struct fl_meta *meta, const struct fl_model *m)
{
    const char **names = fl_alloc(m->layout.count, sizeof *names);
    size_t count = 0;

    for (size_t i = 0; names && i < m->layout.count; i++)
        if (m->layout.params[i].frozen)
            names[count++] = m->layout.params[i].name;
    int failed = !names || (count && fl_meta_set_text_list(meta, "set.frozen", names, count));
    free(names);
    return failed ? -1 : 0;
}

/* In runs that hide documents. */
static int
describe_dp(struct fl_meta *m, const struct fl_recipe *r)
{
    return fl_meta_set_f64(m, "set.dp_clip", r->dp_clip) ||
                   fl_meta_set_f64(m, "set.dp_noise", r->dp_noise) ||
                   fl_meta_set_f64(m, "set.dp_rate", r->dp_rate) ||
                   fl_meta_set_text(m, "set.dp_unit", fl_hide_unit(r))
               ? -1
               : 0;
}

int
fl_training_describe(struct fl_meta *m, const struct fl_training *t)
{
    const struct fl_recipe *r = &t->recipe;
    size_t count = fl_data_count(t->data);
    const struct fl_products *products = fl_products();
    char(*hex)[2 * FL_HASH_BYTES + 1] = fl_alloc(count, sizeof *hex);
    const char **shards = fl_alloc(count, sizeof *shards);
    int result = -1;

    for (size_t i = 0; hex && shards && i < count; i++) {
        fl_hex(hex[i], fl_data_shard(t->data, i)->digest, FL_HASH_BYTES);
        shards[i] = hex[i];
    }
    if (products && hex && shards)
        result = fl_meta_set_bytes(m, "base", t->base, FL_HASH_BYTES) ||
                         fl_meta_set_text_list(m, "shards", shards, count) ||
                         fl_meta_set_i64(m, "set.steps", r->steps) ||
                         fl_meta_set_i64(m, "set.batch", r->batch) ||
                         fl_meta_set_i64(m, "set.accumulate", r->accumulate) ||
                         fl_meta_set_i64(m, "set.length", r->length) ||
                         fl_meta_set_i64(m, "set.warmup", r->warmup) ||
                         fl_meta_set_i64(m, "set.seed", r->seed) ||
                         fl_meta_set_text(m, "set.schedule", r->schedule) ||
                         fl_meta_set_text(m, "set.products", products->name) ||
                         fl_meta_set_text(m, "set.precision", r->precision) ||
                         fl_meta_set_i64(m, "set.decay", r->decay) ||
                         fl_meta_set_i64(m, "set.document_mask", r->document_mask) ||
                         fl_meta_set_f64(m, "set.lr", r->lr) ||
                         fl_meta_set_f64(m, "set.min_lr", r->min_lr) ||
                         fl_meta_set_f64(m, "set.weight_decay", r->weight_decay) ||
                         fl_meta_set_f64(m, "set.beta1", r->beta1) ||
                         fl_meta_set_f64(m, "set.beta2", r->beta2) ||
                         fl_meta_set_f64(m, "set.clip", r->clip) || name_frozen(m, t->model) ||
                         (t->documents && describe_dp(m, r))
                     ? -1
                     : 0;
    free(hex);
    free(shards);
    return result;
}

static bool
is_bf16(const struct fl_recipe *r)
{
    return r->precision && !strcmp(r->precision, "bf16");
}

enum fl_engine_mode
fl_training_mode(const struct fl_training *t, bool recompute)
{
    int mode = recompute ? FL_ENGINE_RECOMPUTE : FL_ENGINE_TRAIN;

    if (t->documents)
        mode |= FL_ENGINE_NORMS;
    else if (t->recipe.accumulate == 1)
        mode |= FL_ENGINE_LEND;
    return (enum fl_engine_mode)(mode | (is_bf16(&t->recipe) ? FL_ENGINE_BF16 : 0));
}

/* Beside adapters, which are f32, is all that is multiplied frozen and bf16? */
static bool
is_frozen_bf16(const struct fl_model *m)
{
    bool any = false;

    for (size_t i = 0; i < m->layout.count; i++) {
        const struct fl_param *p = &m->layout.params[i];
        if (!fl_param_narrows(p) || fl_param_adapts(p))
            continue;
        if (!p->frozen || m->stored[i].dtype != FL_BF16)
            return false;
        any = true;
    }
    return any;
}

int
fl_precision_fill(struct fl_recipe *r, const struct fl_model *m)
{
    const struct fl_products *p = fl_products();

    if (!p)
        return -1;
    if (!r->precision)
        r->precision = p->bf16 && is_frozen_bf16(m) ? "bf16" : "f32";
    if (is_bf16(r) && !p->bf16)
        return fl_error(FL_USAGE,
                        "--precision bf16 wants a processor that multiplies bf16 (AVX512-BF16) and "
                        "oneDNN, and products are %s's here (fl-info --build tells more); leave it "
                        "out",
                        p->name);
    return 0;
}

int
fl_training_fill(struct fl_training *t, struct fl_buf *advice)
{
    struct fl_recipe *r = &t->recipe;
    const int64_t batch = r->batch, accumulate = r->accumulate;
    const uint64_t tokens = fl_data_tokens(t->data);

    if (fl_precision_fill(r, t->model) || fl_hide_fill(r, &t->model->layout.config, tokens))
        return -1;
    if (!t->report_every)
        t->report_every = r->steps > 100 ? (r->steps + 99) / 100 : 1;
    if (batch <= r->batch && accumulate <= r->accumulate)
        return 0;
    return fl_buf_printf(advice,
                         "the shards have only %llu windows of %lld tokens: a step takes %lld at a "
                         "time, %lld times, each window at most once\n",
                         (unsigned long long)tokens / (unsigned long long)r->length,
                         (long long)r->length, (long long)r->batch, (long long)r->accumulate);
}
