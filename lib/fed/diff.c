/*
 * Both models are viewed block by block and subtracted row by row on all threads, so memory does
 * not grow with them. Under a plan, frozen tensors must be the base's, and only those that travel
 * are written.
 */
#include "fed/diff.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "fed/rows.h"
#include "flt/schema.h"
#include "flt/values.h"
#include "nn/adapter.h"
#include "nn/model.h"
#include "os/kernel.h"

/* What says which model it is: its shape, or an adapter's scale. */
static bool
says_model(const char *key)
{
    return !strncmp(key, "arch.", 5) || !strncmp(key, "lora.", 5);
}

/* The base of an adapter, where both say it. */
static int
check_adapted(const struct fl_object *base, const struct fl_object *trained)
{
    const struct fl_meta_item *a = fl_meta_find(&fl_object_head(base)->meta, "base.params");
    const struct fl_meta_item *b = fl_meta_find(&fl_object_head(trained)->meta, "base.params");

    if (!a || !b || fl_meta_same_item(a, b))
        return 0;
    return fl_error(FL_REFUSED, "%s: is an adapter of another model than %s",
                    fl_object_name(trained), fl_object_name(base));
}

static int
check_architecture(const struct fl_object *base, const struct fl_object *trained)
{
    const struct fl_meta *a = &fl_object_head(base)->meta, *b = &fl_object_head(trained)->meta;

    for (int turn = 0; turn < 2; turn++) {
        const struct fl_meta *mine = turn ? b : a, *other = turn ? a : b;
        for (size_t i = 0; i < mine->count; i++) {
            const char *key = mine->items[i].key;
            const struct fl_meta_item *theirs = fl_meta_find(other, key);
            if (says_model(key) && (!theirs || !fl_meta_same_item(&mine->items[i], theirs)))
                return fl_error(
                    FL_FAILED,
                    "%s: \"%s\" differs from that of %s; they are not the same kind of model",
                    fl_object_name(trained), key, fl_object_name(base));
        }
    }
    return 0;
}

/* Are the payloads the same? 1, 0, or -1. */
static int
same_bytes(struct fl_object *base, size_t i, struct fl_object *trained, size_t k)
{
    const uint64_t bytes = fl_object_bytes(base, i);
    struct fl_view a = {0}, b = {0};
    int got = 1;

    for (uint64_t at = 0, to; got == 1 && at < bytes; at = to) {
        to = at + fl_piece(bytes - at, FL_FLT_BLOCK);
        if (fl_object_view(base, i, at, to, &a) || fl_object_view(trained, k, at, to, &b))
            got = -1;
        else
            got = !memcmp(a.data, b.data, to - at);
    }
    fl_view_release(&a);
    fl_view_release(&b);
    return got;
}

/* A tensor that is not trained must be the same. */
static int
check_same_bytes(struct fl_object *base, size_t i, struct fl_object *trained, size_t k)
{
    int got = same_bytes(base, i, trained, k);

    if (got)
        return got == 1 ? 0 : -1;
    return fl_error(FL_FAILED,
                    "%s: \"%s\" differs from that of %s; an update carries numbers of the "
                    "model only",
                    fl_object_name(trained), fl_object_tensor(base, i)->name, fl_object_name(base));
}

/* A file that is carried along, of which another trainer may write its own. */
static bool
is_carried(const char *name)
{
    bool carried = !strcmp(name, FL_ADAPTER_FILE);

    for (size_t i = 0; fl_model_files[i]; i++)
        carried |= !strcmp(name, fl_model_files[i]);
    return carried;
}

/* What TRAINED must have: BASE's tensors, and of carried files those that it has. */
static int
want_tensors(struct fl_schema *s, const struct fl_object *base, const struct fl_object *trained)
{
    if (fl_schema_start(s, fl_object_name(base)))
        return -1;
    for (size_t i = 0; i < fl_object_count(base); i++) {
        const struct fl_tensor *t = fl_object_tensor(base, i);
        if (!is_carried(t->name) && fl_schema_add(s, t, fl_schema_trains(t)))
            return -1;
    }
    for (size_t i = 0; i < fl_object_count(trained); i++) {
        const struct fl_tensor *t = fl_object_tensor(trained, i);
        if (is_carried(t->name) && t->dtype == FL_U8 && fl_schema_add(s, t, false))
            return -1;
    }
    return 0;
}

/* Whole numbers and bytes are the base's; of carried files only the tokenizer, if it is there. */
static int
check_untrained(struct fl_object *base, struct fl_object *trained)
{
    for (size_t i = 0; i < fl_object_count(base); i++) {
        const struct fl_tensor *t = fl_object_tensor(base, i);
        int64_t k = fl_object_find(trained, t->name);
        bool other = is_carried(t->name) && strcmp(t->name, fl_model_files[0]) != 0;
        if (k >= 0 && !fl_schema_trains(t) && !other &&
            check_same_bytes(base, i, trained, (size_t)k))
            return -1;
    }
    return 0;
}

int
fl_diff_check(struct fl_object *base, struct fl_object *trained)
{
    struct fl_schema all = {0}, want = {0};
    int failed = check_architecture(base, trained) || check_adapted(base, trained) ||
                 fl_schema_model(&all, base) || want_tensors(&want, base, trained) ||
                 fl_schema_match(&want, trained, FL_SCHEMA_ANY_FLOAT) ||
                 check_untrained(base, trained);

    fl_schema_release(&all);
    fl_schema_release(&want);
    return failed ? -1 : 0;
}

int
fl_diff_check_plan(struct fl_object *base, struct fl_object *trained, const struct fl_plan *plan,
                   struct fl_pool *pool)
{
    if (!plan)
        return 0;
    if (fl_plan_check_base(plan, base, pool))
        return -1;
    for (size_t i = 0; i < fl_object_count(base); i++) {
        const struct fl_tensor *t = fl_object_tensor(base, i);
        if (fl_schema_trains(t) && !fl_plan_travels(plan, t->name) &&
            check_same_bytes(base, i, trained, (size_t)fl_object_find(trained, t->name)))
            return -1;
    }
    return 0;
}

struct pair {
    struct fl_object *base, *trained;
    size_t of_base, of_trained;
    struct fl_view *old, *now;
};

FL_KERNEL static void
subtract(float *restrict out, const float *restrict a, const float *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = a[i] - b[i];
}

static int
show(const void *arg, uint64_t at, size_t n)
{
    const struct pair *p = arg;

    return fl_view_values(p->base, p->of_base, at, n, p->old) ||
                   fl_view_values(p->trained, p->of_trained, at, n, p->now)
               ? -1
               : 0;
}

static void
diff_row(const void *arg, uint64_t at, size_t n, float *out)
{
    const struct pair *p = arg;
    float a[FL_ROWS_ROW], b[FL_ROWS_ROW];

    subtract(out, fl_view_f32(p->now, at, n, a), fl_view_f32(p->old, at, n, b), n);
}

static int
not_finite(const struct pair *p, const char *tensor, uint64_t at)
{
    unsigned long long i = (unsigned long long)at;
    double old = fl_view_value(p->old, at), now = fl_view_value(p->now, at);
    bool is_base = !isfinite(old);

    if (!is_base && isfinite(now))
        return fl_error(FL_FAILED,
                        "%s: tensor \"%s\": value %llu differs by more than an f32 holds",
                        fl_object_name(p->trained), tensor, i);
    return fl_error(FL_FAILED,
                    "%s: tensor \"%s\": value %llu is %g; a model is made of finite numbers",
                    fl_object_name(is_base ? p->base : p->trained), tensor, i, is_base ? old : now);
}

int
fl_diff_write(struct fl_object *base, struct fl_object *trained, const struct fl_plan *plan,
              struct fl_pool *pool, struct fl_progress *progress, struct fl_writer *out)
{
    struct fl_rows *rows = fl_rows_new(pool, progress);
    struct fl_view old = {0}, now = {0};
    int result = rows ? 0 : -1;

    if (rows)
        fl_rows_before(rows, show);
    for (size_t i = 0; !result && i < fl_object_count(base); i++) {
        const struct fl_tensor *t = fl_object_tensor(base, i);
        struct fl_tensor plain;
        uint64_t bad;
        if (!fl_schema_trains(t) || (plan && !fl_plan_travels(plan, t->name)))
            continue;
        const struct pair p = {.base = base,
                               .trained = trained,
                               .of_base = i,
                               .of_trained = (size_t)fl_object_find(trained, t->name),
                               .old = &old,
                               .now = &now};
        fl_tensor_init(&plain, t->name, FL_F32, t->rank, t->dims);
        result = fl_rows_write(rows, out, &plain, diff_row, &p, &bad);
        if (result == 1)
            result = not_finite(&p, t->name, bad);
    }
    fl_view_release(&old);
    fl_view_release(&now);
    fl_rows_free(rows);
    return result;
}
