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
#include "os/kernel.h"

static int
check_architecture(const struct fl_object *base, const struct fl_object *trained)
{
    const struct fl_meta *a = &fl_object_head(base)->meta, *b = &fl_object_head(trained)->meta;

    for (int turn = 0; turn < 2; turn++) {
        const struct fl_meta *mine = turn ? b : a, *other = turn ? a : b;
        for (size_t i = 0; i < mine->count; i++) {
            const char *key = mine->items[i].key;
            const struct fl_meta_item *theirs = fl_meta_find(other, key);
            if (!strncmp(key, "arch.", 5) &&
                (!theirs || !fl_meta_same_item(&mine->items[i], theirs)))
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

int
fl_diff_check(struct fl_object *base, struct fl_object *trained)
{
    struct fl_schema schema = {0};
    int failed = check_architecture(base, trained) || fl_schema_model(&schema, base) ||
                 fl_schema_match(&schema, trained, FL_SCHEMA_ANY_FLOAT);

    for (size_t i = 0; !failed && i < schema.count; i++)
        if (!schema.items[i].trained) {
            int64_t k = fl_object_find(trained, schema.items[i].tensor.name);
            failed = check_same_bytes(base, i, trained, (size_t)k);
        }
    fl_schema_release(&schema);
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
