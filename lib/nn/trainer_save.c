/*
 * Where a training is, as its checkpoint has it beside weights and moments: written, read again,
 * and measured before there is one.
 */
#include <string.h>

#include "base/error.h"
#include "flt/object.h"
#include "nn/trainer_state.h"
#include "nn/training.h"
#include "os/clock.h"
#include "os/file.h"

/* The key of the run, while it is of use; at the end the hash by which the run is known. */
static int
note_key(const struct fl_run *r, struct fl_meta *p)
{
    if (!r->finished)
        return fl_meta_set_bytes(p, "dp.key", r->dp.key, sizeof r->dp.key);
    fl_meta_remove(p, "dp.key");
    return fl_meta_set_bytes(p, "dp.run", r->run, sizeof r->run);
}

/* Where a training is, for its checkpoint. */
static int
note_progress(struct fl_run *r)
{
    struct fl_meta *p = &r->saved.progress;

    if (r->t->documents && note_key(r, p))
        return -1;
    return fl_meta_set_i64(p, "step", r->step) || fl_meta_set_i64(p, "row.step", r->row_step) ||
                   fl_meta_set_f64(p, "row.loss", r->row_loss) ||
                   fl_meta_set_f64(p, "loss.first", r->loss_first) ||
                   (r->finished && fl_meta_set_f64(p, "loss.last", r->loss_last))
               ? -1
               : 0;
}

int
fl_run_save(struct fl_run *r)
{
    double began = fl_seconds();

    if (r->t->busy)
        r->t->busy(r->t->arg, "writing the checkpoint", -1);
    if (note_progress(r) || fl_checkpoint_write(&r->saved))
        return -1;
    r->saved_at = fl_seconds();
    r->save_cost = r->saved_at - began;
    return 0;
}

bool
fl_run_save_is_due(const struct fl_run *r)
{
    double every = r->t->checkpoint_every;

    if (every < 20 * r->save_cost)
        every = 20 * r->save_cost;
    return r->t->checkpoint && fl_seconds() - r->saved_at >= every;
}

int
fl_run_restore(struct fl_run *r)
{
    const struct fl_meta *p = &r->saved.progress;
    int got = r->t->checkpoint ? fl_checkpoint_read(&r->saved) : 0;

    if (got <= 0)
        return got;
    if (fl_meta_get_i64(p, "step", 0, r->t->recipe.steps, &r->step) ||
        fl_meta_get_i64(p, "row.step", 0, r->step, &r->row_step) ||
        fl_meta_get_f64(p, "row.loss", &r->row_loss) ||
        fl_meta_get_f64(p, "loss.first", &r->loss_first))
        return fl_error_about(r->t->checkpoint);
    r->finished = fl_meta_find(p, "loss.last");
    const unsigned char *bytes;
    if (r->t->documents) {
        if (fl_meta_get_bytes(p, r->finished ? "dp.run" : "dp.key", FL_HASH_BYTES, &bytes))
            return fl_error_about(r->t->checkpoint);
        memcpy(r->finished ? r->run : r->dp.key, bytes, FL_HASH_BYTES);
    }
    if (r->finished && fl_meta_get_f64(p, "loss.last", &r->loss_last))
        return fl_error_about(r->t->checkpoint);
    r->adamw.step = (uint64_t)r->step;
    r->row_from = r->step;
    return 1;
}

int
fl_train_was_done(const struct fl_training *t, unsigned char run[FL_HASH_BYTES])
{
    const unsigned char *bytes;

    if (!t->checkpoint || fl_input_missing(t->checkpoint))
        return 0;
    struct fl_object *o = fl_object_open(t->checkpoint, FL_KIND_CHECKPOINT);
    if (!o)
        return -1;
    const struct fl_meta *meta = &fl_object_head(o)->meta;
    int result = fl_meta_find(meta, "dp.run") != NULL;
    if (result && fl_meta_get_bytes(meta, "dp.run", FL_HASH_BYTES, &bytes))
        result = fl_error_about(t->checkpoint);
    else if (result)
        memcpy(run, bytes, FL_HASH_BYTES);
    fl_object_free(o);
    return result;
}

int
fl_train_checkpoint_bytes(const struct fl_training *t, uint64_t *bytes)
{
    struct fl_run r = {.t = t, .finished = true};

    r.saved.model = t->model;
    int result = fl_training_describe(&r.saved.identity, t) || note_progress(&r) ||
                         fl_checkpoint_bytes(&r.saved, bytes)
                     ? -1
                     : 0;
    fl_checkpoint_release(&r.saved);
    return result;
}
