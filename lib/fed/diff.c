/*
 * Both models are mapped and subtracted row by row on all threads, so memory does not grow with
 * them. Under a plan, frozen tensors must be the base's, and only those that travel are written.
 */
#include "fed/diff.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
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

/* A tensor that is not trained must be the same. */
static int
check_same_bytes(struct fl_object *base, size_t i, struct fl_object *trained, size_t k)
{
    const void *a = fl_object_data(base, i), *b = a ? fl_object_data(trained, k) : NULL;

    if (!b)
        return -1;
    if (memcmp(a, b, fl_object_bytes(base, i)))
        return fl_error(
            FL_FAILED,
            "%s: \"%s\" differs from that of %s; an update carries numbers of the model only",
            fl_object_name(trained), fl_object_tensor(base, i)->name, fl_object_name(base));
    return 0;
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
    const void *base, *trained;
    enum fl_dtype base_dtype, trained_dtype;
};

FL_KERNEL static void
subtract(float *restrict out, const float *restrict a, const float *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = a[i] - b[i];
}

static void
diff_row(const void *arg, uint64_t at, size_t n, float *out)
{
    const struct pair *p = arg;
    float a[FL_ROWS_ROW], b[FL_ROWS_ROW];

    subtract(out, fl_values_f32(p->trained_dtype, p->trained, at, n, a),
             fl_values_f32(p->base_dtype, p->base, at, n, b), n);
}

static int
not_finite(struct fl_object *base, struct fl_object *trained, const char *tensor,
           const struct pair *p, uint64_t at)
{
    unsigned long long i = (unsigned long long)at;
    double old = fl_value(p->base_dtype, p->base, at);
    double now = fl_value(p->trained_dtype, p->trained, at);
    bool is_base = !isfinite(old);

    if (!is_base && isfinite(now))
        return fl_error(FL_FAILED,
                        "%s: tensor \"%s\": value %llu differs by more than an f32 holds",
                        fl_object_name(trained), tensor, i);
    return fl_error(FL_FAILED,
                    "%s: tensor \"%s\": value %llu is %g; a model is made of finite numbers",
                    fl_object_name(is_base ? base : trained), tensor, i, is_base ? old : now);
}

int
fl_diff_write(struct fl_object *base, struct fl_object *trained, const struct fl_plan *plan,
              struct fl_pool *pool, struct fl_progress *progress, struct fl_writer *out)
{
    struct fl_rows *rows = fl_rows_new(pool, progress);
    int result = rows ? 0 : -1;

    for (size_t i = 0; !result && i < fl_object_count(base); i++) {
        const struct fl_tensor *t = fl_object_tensor(base, i);
        int64_t k = fl_object_find(trained, t->name);
        struct pair p = {.base_dtype = t->dtype};
        struct fl_tensor plain;
        uint64_t bad;
        if (!fl_schema_trains(t) || (plan && !fl_plan_travels(plan, t->name)))
            continue;
        p.trained_dtype = fl_object_tensor(trained, (size_t)k)->dtype;
        p.base = fl_object_data(base, i);
        p.trained = p.base ? fl_object_data(trained, (size_t)k) : NULL;
        fl_tensor_init(&plain, t->name, FL_F32, t->rank, t->dims);
        result = p.trained ? fl_rows_write(rows, out, &plain, diff_row, &p, &bad) : -1;
        if (result == 1)
            result = not_finite(base, trained, t->name, &p, bad);
    }
    fl_rows_free(rows);
    return result;
}
