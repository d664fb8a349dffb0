/*
 * Memory follows from shapes (nn/engine.h counts its own) and from what the process holds when its
 * inputs are open; disk from the sizes of streams (flt/size.h); time from a probe.
 */
#include "nn/cost.h"

#include <math.h>

#include "base/error.h"
#include "base/least.h"
#include "flt/size.h"
#include "nn/dp.h"
#include "nn/training.h"
#include "os/resources.h"

enum {
    FAULT = 64 << 10, /* bytes of a mapped file that Linux makes present around a touched one */
    PROBE_SECONDS = 1,
    WRITER = 1 << 20, /* buffers of a checkpoint's writer and reader */
    KEPT_UPLOADS = 5  /* fl-mask(1): max_open, 4 by default, and the new one */
};

/* Ids of a step: where documents are drawn by chance, of as many as are to be expected. */
static double
step_tokens(const struct fl_training *t)
{
    const struct fl_recipe *r = &t->recipe;
    double windows = t->documents ? r->dp_rate * (double)t->documents->count
                                  : (double)(r->accumulate * r->batch);

    return windows * (double)r->length;
}

/* Windows of DATA that a loss is measured on: all, but at most MOST. */
static uint64_t
sample_of(const struct fl_training *t, const struct fl_data *data, uint64_t most)
{
    uint64_t tokens = fl_data_tokens(data), T = (uint64_t)t->recipe.length;

    return fl_min_u64(tokens <= T ? 1 : tokens / T, most);
}

/* How often the validation shards are measured: the ends, and rows between. */
static uint64_t
validations(const struct fl_training *t)
{
    if (!t->valid)
        return 0;
    uint64_t rows = t->recipe.steps ? (uint64_t)((t->recipe.steps - 1) / t->report_every) : 0;
    return 2 + (t->valid_every ? rows / (uint64_t)t->valid_every : 0);
}

/* Bytes of the pages of DATA that are present after so many windows. */
static uint64_t
touched(const struct fl_training *t, const struct fl_data *data, uint64_t windows)
{
    uint64_t all = fl_data_bytes(data), tokens = fl_data_tokens(data);
    double each = (double)all / (double)tokens * (double)t->recipe.length + FAULT;

    return (double)windows * each < (double)all ? (uint64_t)((double)windows * each) : all;
}

static uint64_t
sum_of(const struct fl_cost_memory *m)
{
    return m->weights + m->gradients + m->moments + m->activations + m->files + m->program;
}

/* The workspace in one of the two modes, and a batch. */
static int
count_activations(const struct fl_training *t, bool recompute, uint64_t *bytes)
{
    size_t B = (size_t)t->recipe.batch, T = (size_t)t->recipe.length;

    if (fl_engine_bytes(t->model, fl_pool_threads(t->pool), B, T, fl_training_mode(t, recompute),
                        bytes))
        return -1;
    if (t->documents) {
        const struct fl_dp dp = {.documents = t->documents, .B = B, .T = T};
        *bytes += fl_dp_bytes(&dp, fl_pool_threads(t->pool));
    }
    *bytes += B * T * (2 * sizeof(uint32_t) + sizeof(float)) + (T + 1) * sizeof(uint32_t);
    return 0;
}

static int
count_memory(const struct fl_training *t, const struct fl_cost *cost, struct fl_cost_memory *m)
{
    const struct fl_recipe *r = &t->recipe;
    int64_t now = fl_memory_resident();
    uint64_t kept, recomputed;

    if (count_activations(t, false, &kept) || count_activations(t, true, &recomputed))
        return -1;
    m->weights = fl_model_bytes(t->model);
    m->gradients = t->model->layout.trained * sizeof(float);
    m->moments = 2 * m->gradients;
    m->activations = t->recompute ? recomputed : kept;
    m->files = touched(t, t->data,
                       cost->tokens / (uint64_t)r->length +
                           sample_of(t, t->data, FL_SAMPLE_WINDOWS));
    if (t->valid)
        m->files += touched(t, t->valid, sample_of(t, t->valid, FL_VALID_WINDOWS));
    int64_t loaded = t->model->memory ? (int64_t)m->weights : 0;
    m->program = now > loaded ? (uint64_t)(now - loaded) : 0;
    m->program += t->checkpoint ? WRITER : 0;
    m->total = sum_of(m);
    m->kept = m->total - m->activations + kept;
    m->recomputed = m->total - m->activations + recomputed;
    m->available = fl_memory_available();
    if (m->available >= 0)
        m->available += now > 0 ? now : 0; /* what this process has is part of what it needs */
    m->lacking = m->available >= 0 && m->total > (uint64_t)m->available;
    return 0;
}

/* A stream, uncompressed. */
static int
object_bytes(const struct fl_object *o, uint64_t *bytes)
{
    const struct fl_head *head = fl_object_head(o);

    *bytes = 0;
    if (fl_size_head(head->kind, &head->meta, bytes) || fl_size_done(bytes))
        return -1;
    for (size_t i = 0; i < fl_object_count(o); i++)
        if (fl_size_tensor(fl_object_tensor(o, i), bytes))
            return -1;
    return 0;
}

static int
count_disk(const struct fl_trained *w, const char *output, struct fl_cost_disk *d)
{
    const struct fl_training *t = w->training;

    if (object_bytes(w->beside ? w->beside : w->base, &d->model) ||
        (w->beside && object_bytes(w->base, &d->adapter)) || fl_trained_bytes(w, &d->update) ||
        (t->checkpoint && fl_train_checkpoint_bytes(t, &d->checkpoint)))
        return -1;
    d->upload = d->update; /* two lanes a word of 8 bytes: as many bytes as its f32 */
    d->kept = KEPT_UPLOADS * d->upload;
    d->sum = d->model + d->adapter + d->update + d->checkpoint + d->upload + d->kept;
    d->output_free = fl_disk_free(output);
    d->checkpoint_free = fl_disk_free(t->checkpoint);
    return 0;
}

int
fl_cost(const struct fl_trained *w, const char *output, struct fl_cost *cost)
{
    const struct fl_training *t = w->training;
    const struct fl_recipe *r = &t->recipe;

    *cost = (struct fl_cost){.step_seconds = NAN, .seconds = NAN};
    cost->windows = fl_data_tokens(t->data) / (uint64_t)r->length;
    cost->tokens = (uint64_t)(r->steps * r->accumulate) * (uint64_t)(r->batch * r->length);
    if (t->documents)
        cost->tokens = (uint64_t)((double)r->steps * step_tokens(t));
    cost->flops = fl_config_train_flops(&t->model->layout.config, (uint32_t)r->length) *
                  (double)cost->tokens;
    return count_memory(t, cost, &cost->memory) || count_disk(w, output, &cost->disk) ? -1 : 0;
}

int
fl_cost_choose(struct fl_training *t, const struct fl_trained *w, const char *output,
               struct fl_cost *cost)
{
    if (fl_cost(w, output, cost))
        return -1;
    if (t->recompute || !cost->memory.lacking || cost->memory.recomputed >= cost->memory.kept)
        return 0;
    t->recompute = true;
    return fl_cost(w, output, cost);
}

/*
 * What no shape tells, the code and the buffers of BLAS that the computation touched, the probe's
 * peak does.
 */
static void
correct_program(const struct fl_training *t, uint64_t windows, struct fl_cost_memory *m)
{
    int64_t peak = fl_memory_peak();
    uint64_t known = sum_of(m) - m->files - m->program + touched(t, t->data, windows);

    if (peak > 0 && (uint64_t)peak > known + m->program)
        m->program = (uint64_t)peak - known + (t->checkpoint ? WRITER : 0);
    m->kept += sum_of(m) - m->total;
    m->recomputed += sum_of(m) - m->total;
    m->total = sum_of(m);
}

int
fl_cost_probe(const struct fl_training *t, struct fl_cost *cost)
{
    const struct fl_recipe *r = &t->recipe;
    struct fl_train_probe p;
    uint64_t measured = 2 * sample_of(t, t->data, FL_SAMPLE_WINDOWS);

    if (fl_train_probe(t, PROBE_SECONDS, &p))
        return -1;
    correct_program(t, p.windows, &cost->memory);
    if (t->documents)
        measured = 0;
    if (t->valid)
        measured += validations(t) * sample_of(t, t->valid, FL_VALID_WINDOWS);
    cost->step_seconds = (double)r->accumulate * p.gradient + p.optimizer;
    cost->seconds = (double)r->steps * cost->step_seconds +
                    (double)measured / (double)r->batch * p.loss;
    return 0;
}

static void
put_known(struct fl_report *r, const char *key, int64_t bytes)
{
    fl_report_key(r, key);
    if (bytes < 0)
        fl_report_none(r);
    else
        fl_report_i64(r, bytes);
}

static void
report_memory(const struct fl_cost_memory *m, struct fl_report *r)
{
    fl_report_u64(fl_report_key(r, "memory_bytes"), m->total);
    fl_report_u64(fl_report_key(r, "memory_weights_bytes"), m->weights);
    fl_report_u64(fl_report_key(r, "memory_gradients_bytes"), m->gradients);
    fl_report_u64(fl_report_key(r, "memory_moments_bytes"), m->moments);
    fl_report_u64(fl_report_key(r, "memory_activations_bytes"), m->activations);
    fl_report_u64(fl_report_key(r, "memory_files_bytes"), m->files);
    fl_report_u64(fl_report_key(r, "memory_program_bytes"), m->program);
    fl_report_u64(fl_report_key(r, "memory_kept_bytes"), m->kept);
    fl_report_u64(fl_report_key(r, "memory_recomputed_bytes"), m->recomputed);
    put_known(r, "memory_available_bytes", m->available);
}

static void
report_disk(const struct fl_cost_disk *d, struct fl_report *r)
{
    fl_report_u64(fl_report_key(r, "disk_bytes"), d->sum);
    fl_report_u64(fl_report_key(r, "model_bytes"), d->model);
    fl_report_u64(fl_report_key(r, "adapter_bytes"), d->adapter);
    fl_report_u64(fl_report_key(r, "update_bytes"), d->update);
    fl_report_u64(fl_report_key(r, "checkpoint_bytes"), d->checkpoint);
    fl_report_u64(fl_report_key(r, "upload_bytes"), d->upload);
    fl_report_u64(fl_report_key(r, "kept_bytes"), d->kept);
    put_known(r, "output_free_bytes", d->output_free);
    put_known(r, "checkpoint_free_bytes", d->checkpoint_free);
}

void
fl_cost_report(const struct fl_training *t, const struct fl_cost *cost, struct fl_report *r)
{
    const struct fl_recipe *recipe = &t->recipe;
    double tokens = step_tokens(t);

    fl_report_u64(fl_report_key(r, "parameters"), t->model->layout.size);
    fl_report_u64(fl_report_key(r, "examples"), fl_data_documents(t->data));
    fl_report_u64(fl_report_key(r, "tokens"), fl_data_tokens(t->data));
    fl_report_u64(fl_report_key(r, "windows"), cost->windows);
    fl_report_i64(fl_report_key(r, "length"), recipe->length);
    fl_report_i64(fl_report_key(r, "batch"), recipe->batch);
    fl_report_i64(fl_report_key(r, "accumulate"), recipe->accumulate);
    fl_report_i64(fl_report_key(r, "steps"), recipe->steps);
    fl_report_f64(fl_report_key(r, "lr"), recipe->lr, 6);
    fl_report_bool(fl_report_key(r, "recompute"), t->recompute);
    fl_report_text(fl_report_key(r, "precision"), recipe->precision);
    fl_report_u64(fl_report_key(r, "tokens_seen"), cost->tokens);
    fl_report_f64(fl_report_key(r, "flops"), cost->flops, 6);
    fl_report_i64(fl_report_key(r, "threads"), fl_pool_threads(t->pool));
    fl_report_f64(fl_report_key(r, "seconds"), cost->seconds, 4);
    fl_report_f64(fl_report_key(r, "step_seconds"), cost->step_seconds, 4);
    fl_report_f64(fl_report_key(r, "tokens_per_second"), tokens / cost->step_seconds, 4);
    report_memory(&cost->memory, r);
    report_disk(&cost->disk, r);
}
