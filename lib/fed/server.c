/*
 * Three row functions, one for each thing that is written: the velocity, and the model with it or
 * without. The state's three cases (in order, again, foreign) are told apart by digests alone,
 * never by times or names of files.
 */
#include "fed/server.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "fed/rows.h"
#include "fed/update.h"
#include "flt/schema.h"
#include "flt/values.h"
#include "os/kernel.h"
#include "sec/pace.h"

/* The update's base is the model; otherwise say what is most likely wrong. */
static int
check_base(const struct fl_server_step *s)
{
    const struct fl_meta *meta = &fl_object_head(s->model)->meta;
    const struct fl_meta_item *parent = fl_meta_find(meta, "parent");
    const char *file = fl_object_name(s->update);
    const unsigned char *base;

    if (fl_update_base(file, &fl_object_head(s->update)->meta, &base))
        return -1;
    if (parent && parent->type == FL_META_BYTES && parent->count == FL_HASH_BYTES &&
        !memcmp(parent->value.bytes, base, FL_HASH_BYTES))
        return fl_error(FL_REFUSED,
                        "%s: belongs to the model that %s was made from; it, or another one of its "
                        "round, is in there already",
                        file, fl_object_name(s->model));
    return fl_update_check_base(file, &fl_object_head(s->update)->meta, fl_object_name(s->model),
                                s->base);
}

static int
check_settings(const struct fl_server_step *s, const struct fl_meta *state)
{
    const char *rule;
    double lr, momentum;

    if (fl_meta_get_text(state, "optimizer", &rule) || fl_meta_get_f64(state, "lr", &lr) ||
        fl_meta_get_f64(state, "momentum", &momentum))
        return -1;
    if (strcmp(rule, fl_apply_rule_name(s->rule)) || lr != s->lr || momentum != s->momentum)
        return fl_error(FL_REFUSED,
                        "it has taken this step already, as --optimizer %s --lr %.17g --momentum "
                        "%.17g; a step is done again with the same only",
                        rule, lr, momentum);
    return 0;
}

/* Which step the state is ready for; the error does not name it. */
static int
check_state_model(struct fl_server_step *s)
{
    const struct fl_meta *state = &fl_object_head(s->state)->meta;
    const unsigned char *model, *parent, *update;
    char want[FL_UPDATE_HEX], got[FL_UPDATE_HEX];

    if (fl_meta_get_bytes(state, "model", FL_HASH_BYTES, &model) ||
        fl_meta_get_bytes(state, "parent", FL_HASH_BYTES, &parent) ||
        fl_meta_get_bytes(state, "update", FL_HASH_BYTES, &update))
        return -1;
    if (!memcmp(model, s->base, FL_HASH_BYTES))
        return 0;
    if (memcmp(parent, s->base, FL_HASH_BYTES))
        return fl_error(FL_REFUSED,
                        "belongs to the model %s..., and %s is %s...; take the state of this model",
                        fl_update_short(model, got), fl_object_name(s->model),
                        fl_update_short(s->base, want));
    if (memcmp(update, s->update_digest, FL_HASH_BYTES))
        return fl_error(FL_REFUSED,
                        "has taken another update of %s already; take the state of before, or the "
                        "model that it belongs to (%s...)",
                        fl_object_name(s->model), fl_update_short(model, got));
    s->again = true;
    return check_settings(s, state);
}

/* PART (an update or a state) has the tensors that are stepped and no others. */
static int
match(const struct fl_server_step *s, const struct fl_object *part)
{
    struct fl_schema trained = {0};

    if (s->plan)
        return fl_plan_match(s->plan, part);
    int failed = fl_schema_update(&trained, s->model) || fl_schema_match(&trained, part, 0);
    fl_schema_release(&trained);
    return failed ? -1 : 0;
}

/* The model is one that the plan's round may step, and the update is of that round. */
static int
check_plan(const struct fl_server_step *s)
{
    const char *file = fl_object_name(s->model);

    if (!s->plan)
        return check_base(s);
    if (fl_pace_check_step(s->plan, file, s->base, &fl_object_head(s->model)->meta))
        return -1;
    if (!s->plan->roster.delay)
        return check_base(s);
    return fl_update_check_base(fl_object_name(s->update), &fl_object_head(s->update)->meta,
                                "the plan's model", s->plan->base);
}

int
fl_server_check(struct fl_server_step *s)
{
    s->again = false;
    if (fl_object_digest(s->model, s->pool, s->base) || check_plan(s) || match(s, s->update))
        return -1;
    if (s->rule == FL_APPLY_SGD)
        return 0;
    if (fl_object_digest(s->update, s->pool, s->update_digest))
        return -1;
    if (!s->state)
        return 0;
    if (match(s, s->state))
        return -1;
    return check_state_model(s) ? fl_error_about(fl_object_name(s->state)) : 0;
}

/* What a row of the new model or state is computed from: a tensor's part in all objects. */
struct step {
    const struct fl_server_step *s;
    size_t of_b, of_u, of_v; /* which tensors of their objects */
    struct fl_view *b, *u, *v;
    bool has_v; /* else it is zeros */
};

FL_KERNEL static void
accumulate(float *restrict v, const float *restrict old, const float *restrict u, size_t n,
           double momentum)
{
    for (size_t i = 0; i < n; i++)
        v[i] = (float)(momentum * (double)old[i] + (double)u[i]);
}

FL_KERNEL static void
advance(float *restrict out, const float *restrict b, const float *restrict v, size_t n, double lr)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (float)((double)b[i] + lr * (double)v[i]);
}

FL_KERNEL static void
look_ahead(float *restrict out, const float *restrict b, const float *restrict v,
           const float *restrict u, size_t n, double lr, double momentum)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (float)((double)b[i] + lr * ((double)u[i] + momentum * (double)v[i]));
}

/* v = momentum v + u, or the v that is there when the step is done again. */
static void
velocity_row(const void *arg, uint64_t at, size_t n, float *out)
{
    const struct step *p = arg;
    const float *u = fl_view_f32(p->u, at, n, NULL); /* f32 both */
    const float *v = p->has_v ? fl_view_f32(p->v, at, n, NULL) : NULL;

    if (v && p->s->again)
        memcpy(out, v, n * sizeof *out);
    else if (v)
        accumulate(out, v, u, n, p->s->momentum);
    else
        memcpy(out, u, n * sizeof *out);
}

static void
model_row(const void *arg, uint64_t at, size_t n, float *out)
{
    const struct step *p = arg;
    float v[FL_ROWS_ROW], wide[FL_ROWS_ROW];
    const float *b = fl_view_f32(p->b, at, n, wide), *u = fl_view_f32(p->u, at, n, NULL);

    if (p->s->rule == FL_APPLY_SGD) {
        advance(out, b, u, n, p->s->lr);
        return;
    }
    velocity_row(arg, at, n, v);
    if (p->s->rule == FL_APPLY_NESTEROV)
        look_ahead(out, b, v, u, n, p->s->lr, p->s->momentum);
    else
        advance(out, b, v, n, p->s->lr);
}

static int
show(const void *arg, uint64_t at, size_t n)
{
    const struct step *p = arg;

    return fl_view_values(p->s->model, p->of_b, at, n, p->b) ||
                   fl_view_values(p->s->update, p->of_u, at, n, p->u) ||
                   (p->has_v && fl_view_values(p->s->state, p->of_v, at, n, p->v))
               ? -1
               : 0;
}

static int
not_finite(const struct step *p, const char *tensor, uint64_t at)
{
    const struct fl_server_step *s = p->s;
    const struct fl_object *o = !isfinite(fl_view_value(p->b, at))               ? s->model
                                : !isfinite(fl_view_value(p->u, at))             ? s->update
                                : p->has_v && !isfinite(fl_view_value(p->v, at)) ? s->state
                                                                                 : NULL;
    unsigned long long i = (unsigned long long)at;

    if (o)
        return fl_error(FL_FAILED, "%s: tensor \"%s\": value %llu is not a finite number",
                        fl_object_name(o), tensor, i);
    return fl_error(
        FL_FAILED,
        "%s: tensor \"%s\": value %llu makes a step out of the range of %s; use a smaller --lr",
        fl_object_name(s->update), tensor, i,
        fl_dtype_name(fl_object_tensor(s->model, p->of_b)->dtype));
}

static int
write_row_tensor(const struct fl_server_step *s, struct fl_rows *rows, const struct fl_tensor *t,
                 fl_row *row, struct fl_writer *out)
{
    struct fl_view b = {0}, u = {0}, v = {0};
    struct step p = {.s = s,
                     .of_b = (size_t)fl_object_find(s->model, t->name),
                     .of_u = (size_t)fl_object_find(s->update, t->name),
                     .b = &b,
                     .u = &u,
                     .v = &v,
                     .has_v = s->state && s->rule != FL_APPLY_SGD};
    uint64_t bad;

    if (p.has_v)
        p.of_v = (size_t)fl_object_find(s->state, t->name);
    fl_rows_before(rows, show);
    int result = fl_rows_write(rows, out, t, row, &p, &bad);
    if (result == 1)
        result = not_finite(&p, t->name, bad);
    fl_view_release(&b);
    fl_view_release(&u);
    fl_view_release(&v);
    return result;
}

static int
model_meta(const struct fl_server_step *s, struct fl_meta *meta)
{
    int64_t round = 0;

    if (fl_meta_copy(meta, &fl_object_head(s->model)->meta))
        return -1;
    if (fl_meta_find(meta, "round") && fl_meta_get_i64(meta, "round", 0, INT64_MAX - 1, &round))
        return fl_error_about(fl_object_name(s->model));
    return fl_meta_set_i64(meta, "round", round + 1) ||
                   fl_meta_set_bytes(meta, "parent", s->base, sizeof s->base) ||
                   (s->plan && fl_pace_mark(&s->plan->roster, meta, s->plan->base))
               ? -1
               : 0;
}

/* Is this tensor of the model one that the update changes? The others are copied. */
static bool
steps(const struct fl_server_step *s, const struct fl_tensor *t)
{
    return fl_object_find(s->update, t->name) >= 0;
}

int
fl_server_write_model(const struct fl_server_step *s, struct fl_progress *progress,
                      struct fl_writer *out)
{
    struct fl_meta meta = {NULL, 0, 0};
    struct fl_rows *rows = fl_rows_new(s->pool, progress);
    int failed = !rows || model_meta(s, &meta) ||
                 fl_writer_head(out, fl_object_head(s->model)->kind, &meta);

    fl_meta_release(&meta);
    for (size_t i = 0; !failed && i < fl_object_count(s->model); i++) {
        const struct fl_tensor *t = fl_object_tensor(s->model, i);
        failed = steps(s, t) ? write_row_tensor(s, rows, t, model_row, out)
                             : fl_object_copy(s->model, i, out);
    }
    fl_rows_free(rows);
    return failed || fl_writer_done(out) ? -1 : 0;
}

int
fl_server_check_again(const struct fl_server_step *s, const unsigned char model[FL_HASH_BYTES])
{
    const unsigned char *want;

    if (fl_meta_get_bytes(&fl_object_head(s->state)->meta, "model", FL_HASH_BYTES, &want))
        return fl_error_about(fl_object_name(s->state));
    if (memcmp(want, model, FL_HASH_BYTES))
        return fl_error(
            FL_REFUSED,
            "%s: the step done again gives another model than it names; take the state of before",
            fl_object_name(s->state));
    return 0;
}

static int
state_meta(const struct fl_server_step *s, const unsigned char model[FL_HASH_BYTES],
           struct fl_meta *meta)
{
    return fl_meta_set_text(meta, "optimizer", fl_apply_rule_name(s->rule)) ||
                   fl_meta_set_f64(meta, "lr", s->lr) ||
                   fl_meta_set_f64(meta, "momentum", s->momentum) ||
                   fl_meta_set_bytes(meta, "model", model, FL_HASH_BYTES) ||
                   fl_meta_set_bytes(meta, "parent", s->base, sizeof s->base) ||
                   fl_meta_set_bytes(meta, "update", s->update_digest, sizeof s->update_digest)
               ? -1
               : 0;
}

int
fl_server_write_state(const struct fl_server_step *s, const unsigned char model[FL_HASH_BYTES],
                      struct fl_writer *out)
{
    struct fl_meta meta = {NULL, 0, 0};
    struct fl_rows *rows = fl_rows_new(s->pool, NULL);
    int failed = !rows || state_meta(s, model, &meta) ||
                 fl_writer_head(out, FL_KIND_OPTIMIZER, &meta);

    fl_meta_release(&meta);
    for (size_t i = 0; !failed && i < fl_object_count(s->model); i++) {
        const struct fl_tensor *t = fl_object_tensor(s->model, i);
        struct fl_tensor velocity;
        fl_tensor_init(&velocity, t->name, FL_F32, t->rank, t->dims);
        if (steps(s, t))
            failed = write_row_tensor(s, rows, &velocity, velocity_row, out);
    }
    fl_rows_free(rows);
    return failed || fl_writer_done(out) ? -1 : 0;
}
