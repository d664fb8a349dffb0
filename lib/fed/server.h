/*
 * The server step: a model, an update that belongs to it, and perhaps the optimizer's state, to the
 * next model. With u the update, v the velocity (zero at first), b and n the old and new values:
 *
 *     sgd        n = b + lr u
 *     momentum   v = momentum v + u,  n = b + lr v
 *     nesterov   v = momentum v + u,  n = b + lr (u + momentum v)
 *
 * in doubles, in this order, v and n rounded to f32 each: the same bytes on every machine. With lr
 * 1 sgd is b + u rounded once.
 *
 * The state (kind "optimizer") holds v as f32 tensors and names the model that it belongs to, the
 * one before, the update between them, and the settings. Model and state are two files, and a crash
 * may leave one of them old. So the state is put in place first, and from it the last step can be
 * done AGAIN: the model before, with the same update and settings, gives the same model, as v is
 * there already. States of a file, by the model that a step is asked for:
 *
 *     its "model"    the step, and a new state            (also after a crash before any rename)
 *     its "parent"   the same step again, state untouched (after a crash between the renames)
 *     another        refused
 *
 * Sources: Hsu et al. 2019, "Measuring the effects of non-identical data distribution" (FedAvgM);
 * Reddi et al. 2021, "Adaptive federated optimization"; Sutskever et al. 2013 for Nesterov's form.
 */
#ifndef FL_FED_SERVER_H
#define FL_FED_SERVER_H

#include "base/must.h"
#include "conf/apply_rule.h"
#include "flt/object.h"
#include "flt/writer.h"
#include "os/progress.h"
#include "sec/plan.h"

struct fl_server_step {
    enum fl_apply_rule rule;
    double lr, momentum;
    const struct fl_plan *plan; /* of the round: what its roster freezes is copied; NULL: nothing */
    struct fl_object *model, *update, *state; /* borrowed; STATE NULL: zero, or the rule has none */
    struct fl_pool *pool;                     /* borrowed; may be NULL */
    /* from here on fl_server_check's */
    unsigned char base[FL_HASH_BYTES];          /* digest of MODEL */
    unsigned char update_digest[FL_HASH_BYTES]; /* not for sgd */
    bool again;
};

/*
 * Everything that can be refused before the first byte: kinds, shapes, that UPDATE belongs to MODEL
 * and STATE too (FL_REFUSED when not). Reads all of MODEL, and with a state all of UPDATE.
 */
FL_MUST int fl_server_check(struct fl_server_step *s);

/*
 * Write the new model, a whole object: metadata and other tensors of the old one, "round" one
 * higher, "parent" the old one's digest. -1 with an error, also at a value that is not finite.
 * PROGRESS, of bytes, may be NULL.
 */
FL_MUST int fl_server_write_model(const struct fl_server_step *s, struct fl_progress *progress,
                                  struct fl_writer *out);

/* When done AGAIN: the model that was written must be the one of the state. */
FL_MUST int fl_server_check_again(const struct fl_server_step *s,
                                  const unsigned char model[FL_HASH_BYTES]);

/* Otherwise, and not for sgd: write the state that belongs to the new model of this digest. */
FL_MUST int fl_server_write_state(const struct fl_server_step *s,
                                  const unsigned char model[FL_HASH_BYTES], struct fl_writer *out);

#endif
