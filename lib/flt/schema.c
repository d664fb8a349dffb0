/* Which tensors there are, and which are trained: decided and compared here for all of lib/. */
#include "flt/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

enum { SHAPE_TEXT = 220 };

int
fl_schema_start(struct fl_schema *s, const char *name)
{
    *s = (struct fl_schema){.name = fl_strdup(name)};
    return s->name ? 0 : -1;
}

void
fl_schema_release(struct fl_schema *s)
{
    for (size_t i = 0; i < s->count; i++)
        fl_meta_release(&s->items[i].tensor.attrs);
    free(s->items);
    free(s->by_name);
    free(s->name);
    *s = (struct fl_schema){0};
}

int
fl_schema_add(struct fl_schema *s, const struct fl_tensor *t, bool trained)
{
    struct fl_schema_tensor *items = fl_grow(s->items, s->count, &s->cap, sizeof *items);

    if (!items)
        return -1;
    s->items = items;
    free(s->by_name);
    s->by_name = NULL;
    struct fl_schema_tensor *item = &items[s->count];
    *item = (struct fl_schema_tensor){.tensor = *t, .trained = trained};
    item->tensor.attrs = (struct fl_meta){0};
    if (fl_meta_copy(&item->tensor.attrs, &t->attrs))
        return -1;
    s->count++;
    return 0;
}

static bool
is_float(enum fl_dtype dtype)
{
    return dtype == FL_F32 || dtype == FL_F16 || dtype == FL_BF16;
}

bool
fl_schema_trains(const struct fl_tensor *t)
{
    return t->role == FL_PLAIN && is_float(t->dtype);
}

/* Tensor T of FILE is trained or carried along. */
static int
check_use(const char *file, const struct fl_tensor *t)
{
    char shape[SHAPE_TEXT];

    if (t->role == FL_PLAIN && t->dtype != FL_F64)
        return 0;
    return fl_error(FL_FAILED,
                    "%s: tensor \"%s\" is %s %s; a model is made of plain f32, f16, bf16 and "
                    "q8_0",
                    file, t->name, fl_role_name(t->role), fl_tensor_shape(t, shape, sizeof shape));
}

int
fl_schema_model(struct fl_schema *s, const struct fl_object *o)
{
    if (fl_schema_start(s, fl_object_name(o)))
        return -1;
    for (size_t i = 0; i < fl_object_count(o); i++) {
        const struct fl_tensor *t = fl_object_tensor(o, i);
        if (check_use(s->name, t) || fl_schema_add(s, t, fl_schema_trains(t)))
            return -1;
    }
    return 0;
}

int
fl_schema_update(struct fl_schema *s, const struct fl_object *model)
{
    const char *file = fl_object_name(model);
    char name[600];

    snprintf(name, sizeof name, "the trained part of %.500s", file);
    if (fl_schema_start(s, name))
        return -1;
    for (size_t i = 0; i < fl_object_count(model); i++) {
        const struct fl_tensor *t = fl_object_tensor(model, i);
        struct fl_tensor plain;
        fl_tensor_init(&plain, t->name, FL_F32, t->rank, t->dims);
        if (check_use(file, t) || (fl_schema_trains(t) && fl_schema_add(s, &plain, true)))
            return -1;
    }
    if (!s->count)
        return fl_error(FL_FAILED, "%s: has no tensor that is trained: none is f32, f16 or bf16",
                        file);
    return 0;
}

struct fl_schema_name {
    const char *name; /* of the item */
    size_t index;
};

static int
compare(const void *a, const void *b)
{
    const struct fl_schema_name *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static int
sort(struct fl_schema *s)
{
    if (s->by_name)
        return 0;
    s->by_name = fl_alloc(s->count, sizeof *s->by_name);
    if (!s->by_name)
        return -1;
    for (size_t i = 0; i < s->count; i++)
        s->by_name[i] = (struct fl_schema_name){s->items[i].tensor.name, i};
    qsort(s->by_name, s->count, sizeof *s->by_name, compare);
    return 0;
}

const struct fl_schema_tensor *
fl_schema_find(struct fl_schema *s, const char *name)
{
    const struct fl_schema_name key = {.name = name}, *found;

    if (sort(s))
        return NULL;
    found = bsearch(&key, s->by_name, s->count, sizeof key, compare);
    return found ? &s->items[found->index] : NULL;
}

static bool
same_attributes(const struct fl_meta *a, const struct fl_meta *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct fl_meta_item *other = fl_meta_find(b, a->items[i].key);
        if (!other || !fl_meta_same_item(&a->items[i], other))
            return false;
    }
    return true;
}

static int
check(const struct fl_schema *want, const struct fl_tensor *right, const char *file,
      const struct fl_tensor *t, unsigned flags)
{
    struct fl_tensor like = *t;
    char got[SHAPE_TEXT], wanted[SHAPE_TEXT];

    if ((flags & FL_SCHEMA_ANY_FLOAT) && is_float(t->dtype) && is_float(right->dtype))
        like.dtype = right->dtype;
    if (!fl_tensor_same_shape(&like, right) || t->role != right->role)
        return fl_error(FL_FAILED, "%s: tensor \"%s\" is %s %s; in %s it is %s %s", file, t->name,
                        fl_role_name(t->role), fl_tensor_shape(t, got, sizeof got), want->name,
                        fl_role_name(right->role), fl_tensor_shape(right, wanted, sizeof wanted));
    if (!same_attributes(&t->attrs, &right->attrs))
        return fl_error(FL_FAILED, "%s: tensor \"%s\" has other attributes than in %s", file,
                        t->name, want->name);
    return 0;
}

static int
missing(const struct fl_schema *want, const struct fl_tensor *right, const char *file)
{
    char shape[SHAPE_TEXT];

    return fl_error(FL_FAILED, "%s: has no tensor \"%s\", which in %s is %s", file, right->name,
                    want->name, fl_tensor_shape(right, shape, sizeof shape));
}

static int
foreign(const struct fl_schema *want, const struct fl_tensor *t, const char *file)
{
    char shape[SHAPE_TEXT];

    return fl_error(FL_FAILED, "%s: has a tensor \"%s\", %s, that is not in %s", file, t->name,
                    fl_tensor_shape(t, shape, sizeof shape), want->name);
}

static int
match_place(const struct fl_schema *want, size_t i, const char *file, const struct fl_tensor *t,
            unsigned flags)
{
    if (i >= want->count)
        return foreign(want, t, file);
    const struct fl_tensor *right = &want->items[i].tensor;
    if (strcmp(right->name, t->name))
        return fl_error(FL_FAILED,
                        "%s: has tensor \"%s\" where %s has \"%s\"; the same tensors in the same "
                        "order would be right",
                        file, t->name, want->name, right->name);
    return check(want, right, file, t, flags);
}

int
fl_schema_match_tensor(const struct fl_schema *want, const struct fl_tensor *right,
                       const char *file, const struct fl_tensor *t, unsigned flags)
{
    if (!t)
        return missing(want, right, file);
    return right ? check(want, right, file, t, flags) : foreign(want, t, file);
}

int
fl_schema_match(struct fl_schema *want, const struct fl_object *o, unsigned flags)
{
    const char *file = fl_object_name(o);

    for (size_t i = 0; i < want->count; i++) {
        const struct fl_tensor *right = &want->items[i].tensor;
        int64_t k = fl_object_find(o, right->name);
        if (k < 0)
            return missing(want, right, file);
        if (check(want, right, file, fl_object_tensor(o, (size_t)k), flags))
            return -1;
    }
    if (sort(want))
        return -1;
    for (size_t k = 0; k < fl_object_count(o); k++) {
        const struct fl_tensor *t = fl_object_tensor(o, k);
        if (!fl_schema_find(want, t->name))
            return foreign(want, t, file);
        if ((flags & FL_SCHEMA_IN_ORDER) && match_place(want, k, file, t, flags))
            return -1;
    }
    return 0;
}

int
fl_schema_match_next(const struct fl_schema *want, size_t i, const char *file,
                     const struct fl_tensor *t)
{
    return match_place(want, i, file, t, 0);
}

int
fl_schema_match_end(const struct fl_schema *want, size_t n, const char *file)
{
    return n < want->count ? missing(want, &want->items[n].tensor, file) : 0;
}
