/*
 * The base's weights are read from their file once more: during the training that memory belongs to
 * gradients and moments.
 */
#include "nn/trained.h"

#include <stdlib.h>

#include "base/error.h"
#include "flt/size.h"
#include "nn/hide.h"
#include "os/memory.h"

/* What was done to hide documents, and nothing that was counted or measured of them. */
static int
describe_dp(const struct fl_trained *t, struct fl_meta *m)
{
    const struct fl_recipe *r = &t->training->recipe;

    return fl_meta_set_text(m, "dp.unit", fl_hide_unit(r)) ||
                   fl_meta_set_f64(m, "dp.clip", r->dp_clip) ||
                   fl_meta_set_f64(m, "dp.noise", r->dp_noise) ||
                   fl_meta_set_f64(m, "dp.rate", r->dp_rate) ||
                   fl_meta_set_i64(m, "dp.steps", r->steps) ||
                   (t->entry && fl_meta_set_bytes(m, "dp.entry", t->entry, FL_HASH_BYTES))
               ? -1
               : 0;
}

/* Exact figures of the data. */
static int
describe_data(const struct fl_training *t, const struct fl_train_result *result, struct fl_meta *m)
{
    const struct fl_recipe *r = &t->recipe;

    return fl_meta_set_i64(m, "tokens", (int64_t)fl_data_tokens(t->data)) ||
                   fl_meta_set_i64(m, "tokens.seen",
                                   r->steps * r->batch * r->accumulate * r->length) ||
                   fl_meta_set_i64(m, "steps", r->steps) ||
                   fl_meta_set_f64(m, "loss.first", result->loss_first) ||
                   fl_meta_set_f64(m, "loss.last", result->loss_last)
               ? -1
               : 0;
}

static int
describe(const struct fl_trained *t, struct fl_meta *m)
{
    const struct fl_data *data = t->training->data;
    const struct fl_train_result none = {0}, *result = t->result ? t->result : &none;
    const unsigned char *contract;
    int64_t round;

    if (fl_model_round(t->base, &round) || fl_data_check_contract(data, NULL, &contract))
        return -1;
    return fl_meta_set_bytes(m, "base", t->training->base, FL_HASH_BYTES) ||
                   fl_meta_set_bytes(m, "base.params", t->training->params, FL_HASH_BYTES) ||
                   fl_meta_set_i64(m, "base.round", round) ||
                   (t->site && fl_meta_set_text(m, "site", t->site)) ||
                   (contract && fl_meta_set_bytes(m, "contract", contract, FL_HASH_BYTES)) ||
                   fl_meta_set_i64(m, "examples", (int64_t)fl_data_documents(data)) ||
                   (t->training->documents ? describe_dp(t, m)
                                           : describe_data(t->training, result, m))
               ? -1
               : 0;
}

/* VALUES, an array over the trained parameters, = M's weights - VALUES. */
static void
subtract_from_new(const struct fl_model *m, float *values)
{
    for (size_t i = 0; i < m->layout.count; i++) {
        const struct fl_param *p = &m->layout.params[i];
        const float *new = p->frozen ? NULL : fl_model_floats(m, p);
        for (size_t j = 0; !p->frozen && j < p->count; j++)
            values[p->place + j] = new[j] - values[p->place + j];
    }
}

int
fl_trained_write(const struct fl_trained *t, struct fl_writer *w)
{
    const struct fl_model *m = t->training->model;
    const struct fl_model_values v = {m, "", FL_TRAINED,
                                      fl_alloc_large(m->layout.trained, sizeof(float))};
    struct fl_meta meta = {0};
    int result = -1;

    if (v.values && !fl_model_read(&v, t->base) && !describe(t, &meta) &&
        !fl_writer_head(w, FL_KIND_UPDATE, &meta)) {
        subtract_from_new(m, v.values);
        if (!fl_model_write_values(&v, w))
            result = fl_writer_done(w);
    }
    fl_meta_release(&meta);
    free(v.values);
    return result;
}

int
fl_trained_bytes(const struct fl_trained *t, uint64_t *bytes)
{
    const struct fl_model_values v = {t->training->model, "", FL_TRAINED, NULL};
    struct fl_meta meta = {0};

    *bytes = 0;
    int failed = describe(t, &meta) || fl_size_head(FL_KIND_UPDATE, &meta, bytes) ||
                 fl_model_size_values(&v, bytes) || fl_size_done(bytes);
    fl_meta_release(&meta);
    return failed ? -1 : 0;
}
