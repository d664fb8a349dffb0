#include "fed/diff.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "fed/rows.h"
#include "fed/update.h"
#include "math/kernel.h"

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

static int
check_tensor(struct fl_object *base, size_t i, struct fl_object *trained)
{
    const struct fl_tensor *t = fl_object_tensor(base, i);
    int64_t k = fl_object_find(trained, t->name);
    char want[200], got[200];

    if (k < 0)
        return fl_error(FL_FAILED, "%s: has no tensor \"%s\", which %s has",
                        fl_object_name(trained), t->name, fl_object_name(base));
    const struct fl_tensor *other = fl_object_tensor(trained, (size_t)k);
    if (!fl_tensor_same_shape(t, other))
        return fl_error(FL_FAILED, "%s: tensor \"%s\" is %s; in %s it is %s",
                        fl_object_name(trained), t->name, fl_tensor_shape(other, got, sizeof got),
                        fl_object_name(base), fl_tensor_shape(t, want, sizeof want));
    int trains = fl_update_trains(fl_object_name(base), t);
    if (trains < 0)
        return -1;
    return trains ? 0 : check_same_bytes(base, i, trained, (size_t)k);
}

int
fl_diff_check(struct fl_object *base, struct fl_object *trained)
{
    if (check_architecture(base, trained))
        return -1;
    for (size_t i = 0; i < fl_object_count(base); i++)
        if (check_tensor(base, i, trained))
            return -1;
    for (size_t i = 0; i < fl_object_count(trained); i++) {
        const char *name = fl_object_tensor(trained, i)->name;
        if (fl_object_find(base, name) < 0)
            return fl_error(FL_FAILED, "%s: has a tensor \"%s\" that %s has not",
                            fl_object_name(trained), name, fl_object_name(base));
    }
    return 0;
}

struct pair {
    const float *base, *trained;
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

    subtract(out, p->trained + at, p->base + at, n);
}

static int
not_finite(struct fl_object *base, struct fl_object *trained, const char *tensor,
           const struct pair *p, uint64_t at)
{
    unsigned long long i = (unsigned long long)at;
    bool is_base = !isfinite(p->base[at]);

    if (!is_base && isfinite(p->trained[at]))
        return fl_error(FL_FAILED,
                        "%s: tensor \"%s\": value %llu differs by more than an f32 holds",
                        fl_object_name(trained), tensor, i);
    return fl_error(FL_FAILED,
                    "%s: tensor \"%s\": value %llu is %g; a model is made of finite numbers",
                    fl_object_name(is_base ? base : trained), tensor, i,
                    (double)(is_base ? p->base[at] : p->trained[at]));
}

int
fl_diff_write(struct fl_object *base, struct fl_object *trained, struct fl_pool *pool,
              struct fl_progress *progress, struct fl_writer *out)
{
    struct fl_rows *rows = fl_rows_new(pool, progress);
    int result = rows ? 0 : -1;

    for (size_t i = 0; !result && i < fl_object_count(base); i++) {
        const struct fl_tensor *t = fl_object_tensor(base, i);
        int64_t k = fl_object_find(trained, t->name);
        struct pair p = {0};
        struct fl_tensor plain;
        uint64_t bad;
        if (t->dtype != FL_F32)
            continue;
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
