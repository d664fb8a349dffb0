/*
 * Steps over windows of the shards: measure the base, then gradients, AdamW, rows of the report,
 * checkpoints; all that a result depends on is in the recipe and the data.
 */
#include "nn/trainer.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/choice.h"
#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "crypt/secret.h"
#include "math/vector.h"
#include "nn/hide.h"
#include "nn/layers.h"
#include "nn/trainer_state.h"
#include "nn/training.h"
#include "os/clock.h"
#include "os/memory.h"
#include "os/stop.h"

static void
release(struct fl_run *r)
{
    fl_engine_free(r->engine);
    fl_adamw_release(&r->adamw);
    fl_checkpoint_release(&r->saved);
    fl_dp_release(&r->dp);
    free(r->grads);
    free(r->x);
    free(r->start);
    free(r->y);
    free(r->loss);
}

/* A pass of the engine, which is part number DONE of COUNT, is done by SHARE. */
static void
tell_busy(void *arg, double share)
{
    const struct fl_run *r = arg;

    if (r->t->busy)
        r->t->busy(r->t->arg, r->busy, (r->busy_done + share * r->busy_part) / r->busy_count);
}

/* Of a training that hides documents: a new key, and what it is bound to. */
static int
prepare_dp(struct fl_run *r)
{
    const struct fl_training *t = r->t;
    const struct fl_recipe *recipe = &t->recipe;
    struct fl_buf about = {0};

    r->dp = (struct fl_dp){.settings = fl_hide_settings(recipe),
                           .documents = t->documents,
                           .model = t->model,
                           .pool = t->pool,
                           .B = (size_t)recipe->batch,
                           .T = (size_t)recipe->length};
    r->saved.secret = true;
    fl_memory_leave_no_core();
    fl_random_bytes(r->dp.key, sizeof r->dp.key);
    int failed = fl_meta_encode(&r->saved.identity, &about);
    if (!failed)
        fl_hash_once(r->dp.about, NULL, "fl1.dpabout", about.data, about.len);
    fl_buf_release(&about);
    return failed;
}

/* What a checkpoint holds, and the plan of the steps. */
static int
prepare(struct fl_run *r)
{
    const struct fl_training *t = r->t;
    const struct fl_recipe *recipe = &t->recipe;

    r->adamw = (struct fl_adamw)FL_ADAMW_INIT;
    r->adamw.beta1 = recipe->beta1;
    r->adamw.beta2 = recipe->beta2;
    r->adamw.decay = recipe->weight_decay;
    int kind = fl_choice_find(FL_SCHEDULE_CHOICES, recipe->schedule);
    r->schedule = (struct fl_schedule){.kind = kind > 0 ? FL_SCHEDULE_WSD : FL_SCHEDULE_COSINE,
                                       .lr = recipe->lr,
                                       .final = recipe->lr > 0 ? recipe->min_lr / recipe->lr : 1,
                                       .warmup = (uint64_t)recipe->warmup,
                                       .steps = (uint64_t)recipe->steps,
                                       .decay = (uint64_t)recipe->decay};
    fl_order_init(&r->order, fl_data_tokens(t->data), (uint64_t)recipe->length,
                  (uint64_t)recipe->seed);
    if (fl_adamw_start(&r->adamw, &t->model->layout))
        return -1;
    r->saved.path = t->checkpoint;
    r->saved.model = t->model;
    r->saved.m = r->adamw.m;
    r->saved.v = r->adamw.v;
    if (fl_training_describe(&r->saved.identity, t))
        return -1;
    return t->documents ? prepare_dp(r) : 0;
}

/* Room to compute in: after a checkpoint was read, whose pages are gone then. */
static int
make_room(struct fl_run *r)
{
    const struct fl_training *t = r->t;
    size_t B = (size_t)t->recipe.batch, T = (size_t)t->recipe.length, n;

    if (fl_mul_size(B, T, &n))
        return -1;
    r->engine = fl_engine_new(t->model, t->pool, B, T, fl_training_mode(t, t->recompute));
    if (r->engine)
        fl_engine_watch(r->engine, tell_busy, r);
    r->grads = r->engine ? fl_layout_array(&t->model->layout) : NULL;
    if (!r->grads)
        return -1;
    if (t->documents && fl_dp_start(&r->dp))
        return -1;
    if (t->recipe.document_mask && !(r->start = fl_alloc(n, sizeof *r->start)))
        return -1;
    r->x = fl_alloc(n, sizeof *r->x);
    r->y = fl_alloc(n, sizeof *r->y);
    r->loss = fl_alloc(n, sizeof *r->loss);
    return r->x && r->y && r->loss ? 0 : -1;
}

/* What follows is part number DONE, to DONE + PART, of COUNT of WHAT. */
static void
be_busy(struct fl_run *r, const char *what, uint64_t done, uint64_t part, uint64_t count)
{
    r->busy = what;
    r->busy_done = (double)done;
    r->busy_part = (double)part;
    r->busy_count = (double)count;
    tell_busy(r, 0);
}

/* Window number B of a batch: T tokens of DATA from PLACE on. */
static int
read_window(struct fl_run *r, const struct fl_data *data, uint64_t place, size_t b, size_t T,
            uint64_t *counted)
{
    const struct fl_window w = {r->x + b * T, r->y + b * T, r->start ? r->start + b * T : NULL};

    return fl_data_window(data, place, T, &w, counted);
}

/*
 * Mean loss of the weights at hand over a fixed sample of at most MOST windows. 0, or 1 when a
 * signal ended it before its end, or -1.
 */
static int
measure(struct fl_run *r, const struct fl_data *data, uint64_t most, double *mean)
{
    uint64_t tokens = fl_data_tokens(data);
    size_t T = (size_t)r->t->recipe.length, B = (size_t)r->t->recipe.batch;
    struct fl_order order;
    uint64_t counted = 0;
    double sum = 0;

    if (tokens <= T)
        T = (size_t)tokens - 1;
    fl_order_init(&order, tokens, T, (uint64_t)r->t->recipe.seed);
    uint64_t count = fl_min_u64(order.windows, most);
    for (uint64_t i = 0; i < count; i += B) {
        struct fl_batch batch = {fl_piece(count - i, B), T, r->x, r->y, r->start};
        be_busy(r, data == r->t->data ? "measuring" : "validating", i, batch.B, count);
        for (size_t b = 0; b < batch.B; b++)
            if (read_window(r, data, fl_order_sample(&order, i + b), b, T, &counted))
                return -1;
        if (i)
            fl_engine_weights_stay(r->engine);
        if (fl_engine_loss(r->engine, r->t->model->stored, &batch, r->loss, NULL))
            return -1;
        sum += fl_loss_sum(r->loss, batch.B * T);
        if (fl_stop_signal())
            return 1;
    }
    *mean = sum / (counted ? (double)counted : 1);
    return 0;
}

static int
went_astray(const struct fl_run *r, const char *what)
{
    return fl_error(FL_FAILED,
                    "step %lld: the %s is not a finite number; lower --lr (it is %g) or lengthen "
                    "--warmup (it is %lld steps)%s",
                    (long long)r->step + 1, what, r->t->recipe.lr, (long long)r->t->recipe.warmup,
                    r->t->checkpoint ? ", with another --checkpoint" : "");
}

/* Where no step was taken yet, the base is at fault and no setting of the training. */
static int
not_finite(const struct fl_run *r, const char *what)
{
    return r->step
               ? went_astray(r, what)
               : fl_error(FL_FAILED,
                          "the base model's %s is not a finite number; train from another model",
                          what);
}

/* Batch number I of all steps; *COUNTED grows by its targets that are to be predicted. */
static int
fill_batch(struct fl_run *r, uint64_t i, uint64_t *counted)
{
    size_t B = (size_t)r->t->recipe.batch, T = (size_t)r->t->recipe.length;

    for (size_t b = 0; b < B; b++)
        if (read_window(r, r->t->data, fl_order_place(&r->order, i * B + b), b, T, counted))
            return -1;
    return 0;
}

/* Gradients of batch number I, of a step of TOKENS targets; *SUM grows by its losses. */
static int
add_batch(struct fl_run *r, uint64_t i, double tokens, double *sum)
{
    size_t B = (size_t)r->t->recipe.batch, T = (size_t)r->t->recipe.length;
    const struct fl_batch batch = {B, T, r->x, r->y, r->start};
    uint64_t counted = 0;

    if (fill_batch(r, i, &counted) || fl_engine_grad(r->engine, r->t->model->stored, &batch,
                                                     (float)(1 / tokens), r->grads, r->loss))
        return -1;
    *sum += fl_loss_sum(r->loss, B * T);
    return 0;
}

/*
 * Gradients of one step, added over its batches, of which the mean is; *MEAN is the loss before it.
 */
static int
add_gradients(struct fl_run *r, double *mean)
{
    const uint64_t batches = (uint64_t)r->t->recipe.accumulate;
    const uint64_t first = (uint64_t)r->step * batches;
    uint64_t counted = 0;
    double sum = 0;

    for (uint64_t a = 0; a < batches; a++)
        if (fill_batch(r, first + a, &counted))
            return -1;
    double tokens = counted ? (double)counted : 1;
    for (uint64_t a = 0; a < batches; a++) {
        be_busy(r, "", a, 1, batches);
        if (a)
            fl_engine_weights_stay(r->engine);
        if (add_batch(r, first + a, tokens, &sum))
            return -1;
    }
    *mean = sum / tokens;
    return isfinite(*mean) ? 0 : not_finite(r, "loss");
}

static int
give_row(struct fl_run *r, double lr, double norm, bool valid)
{
    const struct fl_training *t = r->t;
    const struct fl_recipe *recipe = &t->recipe;
    double now = fl_seconds();
    double windows = (double)((r->step - r->row_from) * recipe->batch * recipe->accumulate);
    double tokens = (t->documents ? (double)r->drawn : windows) * (double)recipe->length;
    struct fl_train_row row = {.step = r->step,
                               .loss = r->row_loss / (double)(r->step - r->row_step),
                               .lr = lr,
                               .norm = norm,
                               .valid = NAN,
                               .tokens_per_second = tokens / (now - r->row_began),
                               .seconds = now - r->began};

    r->row_loss = 0;
    r->row_step = r->row_from = r->step;
    r->drawn = 0;
    if (valid && t->valid) {
        if (measure(r, t->valid, FL_VALID_WINDOWS, &row.valid) < 0)
            return -1;
        row.seconds = fl_seconds() - r->began;
    }
    r->row_began = fl_seconds();
    return t->row ? t->row(t->arg, &row) : 0;
}

/* The step's gradient, the norm that a row tells, and what to multiply the gradient with. */
static int
make_gradient(struct fl_run *r, double *loss, double *norm, double *factor)
{
    const struct fl_training *t = r->t;

    if (add_gradients(r, loss))
        return -1;
    *norm = fl_array_norm(t->pool, r->grads, t->model->layout.trained);
    *factor = fl_clip(*norm, t->recipe.clip);
    return isfinite(*norm) ? 0 : not_finite(r, "gradient");
}

/* The same of documents that are hidden: NORM is a mean over theirs. */
static int
make_noised(struct fl_run *r, double *loss, double *norm, double *factor)
{
    struct fl_dp_step did;

    be_busy(r, "", 0, 1, 1);
    if (fl_dp_gradient(&r->dp, r->engine, (uint64_t)r->step, r->grads, &did))
        return -1;
    r->drawn += did.drawn;
    *loss = did.loss;
    *norm = did.norm;
    *factor = 1;
    return 0;
}

static int
take_step(struct fl_run *r)
{
    const struct fl_training *t = r->t;
    double loss, norm, factor, lr = fl_schedule_lr(&r->schedule, (uint64_t)r->step);

    if (t->documents ? make_noised(r, &loss, &norm, &factor)
                     : make_gradient(r, &loss, &norm, &factor))
        return -1;
    fl_adamw_step(&r->adamw, t->model, t->pool, r->grads, factor, lr);
    r->step++;
    r->row_loss += loss;
    if (t->step)
        t->step(t->arg, r->step, loss);
    bool last = r->step == t->recipe.steps;
    if (!last && r->step % t->report_every)
        return 0;
    /* a row that is not the last is at a multiple of REPORT_EVERY */
    return give_row(r, lr, norm,
                    last || (t->valid_every && r->step / t->report_every % t->valid_every == 0));
}

static bool
is_finite(const struct fl_model *m)
{
    for (size_t i = 0; i < m->layout.count; i++) {
        const struct fl_param *p = &m->layout.params[i];
        if (!p->frozen && fl_vec_finite(fl_model_floats(m, p), p->count) < p->count)
            return false;
    }
    return true;
}

static int
save(struct fl_run *r)
{
    if (is_finite(r->t->model))
        return fl_run_save(r);
    r->step--; /* the one that made them so */
    return went_astray(r, "weight");
}

/* Before the first step: the base's loss, and a row with the validation's. 0, 1 (signal) or -1. */
static int
measure_base(struct fl_run *r)
{
    const struct fl_training *t = r->t;
    struct fl_train_row row = {.step = 0, .norm = NAN, .tokens_per_second = NAN};
    int got = t->documents ? 0 : measure(r, t->data, FL_SAMPLE_WINDOWS, &r->loss_first);

    if (got)
        return got;
    if (!isfinite(r->loss_first))
        return not_finite(r, "loss");
    row.loss = t->documents ? NAN : r->loss_first;
    row.lr = fl_schedule_lr(&r->schedule, 0);
    row.valid = NAN;
    if (t->valid && (got = measure(r, t->valid, FL_VALID_WINDOWS, &row.valid)))
        return got;
    row.seconds = fl_seconds() - r->began;
    r->row_began = fl_seconds();
    return t->row ? t->row(t->arg, &row) : 0;
}

/* All steps: 0, or 1 when a signal ended them, or -1. */
static int
take_steps(struct fl_run *r)
{
    const struct fl_training *t = r->t;

    while (r->step < t->recipe.steps) {
        if (fl_stop_signal())
            return 1;
        if (take_step(r))
            return -1;
        if (r->step < t->recipe.steps && fl_run_save_is_due(r) && save(r))
            return -1;
    }
    int got = t->documents ? 0 : measure(r, t->data, FL_SAMPLE_WINDOWS, &r->loss_last);
    if (got)
        return got;
    r->finished = true;
    if (t->documents)
        fl_hash_once(r->run, r->dp.key, "fl1.run", NULL, 0);
    if (isfinite(r->loss_last))
        return 0;
    r->step--;
    return went_astray(r, "loss");
}

/* From where it begins to its end or to a signal: 0, 1 or -1. */
static int
go(struct fl_run *r)
{
    const struct fl_training *t = r->t;
    int got = fl_run_restore(r);

    if (got < 0 || (!r->finished && make_room(r)))
        return -1;
    if (t->begin)
        t->begin(t->arg, r->step);
    r->began = r->row_began = r->saved_at = fl_seconds();
    if (r->finished)
        return 0;
    if (got == 0 && (got = measure_base(r)))
        return got; /* nothing is done that could be saved */
    got = take_steps(r);
    if (got >= 0 && t->checkpoint && save(r))
        return -1;
    return got;
}

int
fl_train(const struct fl_training *t, struct fl_train_result *result)
{
    struct fl_run r = {.t = t};

    if (t->busy)
        t->busy(t->arg, "preparing", -1);
    int got = prepare(&r) ? -1 : go(&r);

    *result =
        (struct fl_train_result){r.loss_first, r.loss_last, got == 1 ? fl_stop_signal() : 0, {0}};
    memcpy(result->run, r.run, sizeof r.run);
    release(&r);
    return got < 0 ? -1 : 0;
}

/* A batch and a step of the optimizer, and how long each took. */
static int
time_step(struct fl_run *r, struct fl_train_probe *p)
{
    const struct fl_training *t = r->t;
    double targets = (double)(t->recipe.batch * t->recipe.length);
    double loss = 0, norm = 0, factor = 1, began = fl_seconds();

    if (t->documents ? make_noised(r, &loss, &norm, &factor)
                     : add_batch(r, (uint64_t)r->step, targets, &loss))
        return -1;
    if (!isfinite(loss))
        return not_finite(r, "loss");
    double then = fl_seconds();
    if (!t->documents) {
        norm = fl_array_norm(t->pool, r->grads, t->model->layout.trained);
        factor = fl_clip(norm, t->recipe.clip);
    }
    if (!isfinite(norm))
        return not_finite(r, "gradient");
    fl_adamw_step(&r->adamw, t->model, t->pool, r->grads, factor, fl_schedule_lr(&r->schedule, 0));
    p->gradient = then - began;
    p->optimizer = fl_seconds() - then;
    return 0;
}

/*
 * The first step touches memory that the others find ready: it counts only where it is alone. No
 * more steps than the training has: a look at a short one takes no longer than the training.
 */
static int
probe(struct fl_run *r, double seconds, struct fl_train_probe *p)
{
    const struct fl_recipe *recipe = &r->t->recipe;
    const struct fl_batch batch = {(size_t)recipe->batch, (size_t)recipe->length, r->x, r->y,
                                   r->start};
    struct fl_train_probe sum = {0}, one;
    double began = fl_seconds();
    uint64_t passes = 0;

    for (;; r->step++) {
        if (time_step(r, &one))
            return -1;
        if (r->step || fl_seconds() - began > seconds) {
            sum.gradient += one.gradient;
            sum.optimizer += one.optimizer;
        }
        if (fl_seconds() - began > seconds || r->step >= recipe->steps)
            break;
    }
    double counted = r->step ? (double)r->step : 1;
    *p = (struct fl_train_probe){.gradient = sum.gradient / counted,
                                 .optimizer = sum.optimizer / counted,
                                 .windows = (uint64_t)((r->step + 1) * recipe->batch)};
    began = fl_seconds();
    for (; !passes || (passes < (uint64_t)recipe->steps && fl_seconds() - began < seconds / 4);
         passes++)
        if (fl_engine_loss(r->engine, r->t->model->stored, &batch, r->loss, NULL))
            return -1;
    p->loss = (fl_seconds() - began) / (double)passes;
    return 0;
}

int
fl_train_probe(const struct fl_training *t, double seconds, struct fl_train_probe *p)
{
    struct fl_run r = {.t = t};
    int result = prepare(&r) || make_room(&r) ? -1 : probe(&r, seconds, p);

    release(&r);
    return result;
}
