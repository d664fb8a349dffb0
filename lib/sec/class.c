/* Counts follow from a plan, or from what plans over a model will look like (fl_plan_preview). */
#include "sec/class.h"

#include "math/big.h"

const char *const fl_class_names[FL_CLASSES] = {"plain", "mask", "he", "frozen"};
const char *const fl_class_seen[FL_CLASSES] = {
    "each site's values",
    "the sum that is opened",
    "the sum that is opened; each site's values when one site cheats",
    "nothing",
};

enum fl_class
fl_class_of(const struct fl_plan_tensor *t)
{
    return t->role == FL_MASKED   ? FL_CLASS_MASK
           : t->role == FL_CIPHER ? FL_CLASS_HE
                                  : FL_CLASS_PLAIN;
}

/* Of ALL bytes of a part those of the coordinates below TO: whole bytes, none twice. */
static uint64_t
bytes_below(uint64_t all, uint64_t to, uint64_t coordinates)
{
    return (uint64_t)((fl_u128)all * to / coordinates);
}

/* Of one half of the ciphertexts. */
static uint64_t
cipher_bytes(const struct fl_plan *plan, const struct fl_plan_tensor *t)
{
    if (!t->elements)
        return 0;
    const struct fl_rlwe_part *part = &plan->he.parts[t->part];
    const uint64_t all = part->ciphertexts * FL_RING_WORDS * sizeof(uint64_t);
    return bytes_below(all, t->coordinate + t->elements, part->coordinates) -
           bytes_below(all, t->coordinate, part->coordinates);
}

enum fl_class
fl_class_tensor(const struct fl_plan *plan, size_t i, size_t *at, struct fl_class_cost *cost)
{
    const struct fl_tensor *tensor = &plan->model.items[i].tensor;
    const struct fl_plan_tensor *t = *at < plan->count ? &plan->tensors[*at] : NULL;
    uint64_t elements = 0, bytes;

    *cost = (struct fl_class_cost){0};
    if (!t || t->tensor != tensor) {
        cost->values = fl_tensor_size(tensor, &elements, &bytes) ? 0 : elements;
        return FL_CLASS_FROZEN;
    }
    ++*at;
    const enum fl_class class = fl_class_of(t);
    cost->values = t->elements;
    cost->down_bytes = t->elements * sizeof(float);
    if (class == FL_CLASS_HE) {
        cost->answer_bytes = cost->reading_bytes = cipher_bytes(plan, t);
        cost->up_bytes = 2 * cost->answer_bytes;
    } else {
        cost->up_bytes = plan->roster.protection == FL_PROTECTION_NONE
                             ? cost->down_bytes
                             : t->words * sizeof(uint64_t);
        cost->answer_bytes = class == FL_CLASS_MASK && plan->roster.m ? cost->up_bytes : 0;
    }
    return class;
}

void
fl_classes_count(const struct fl_plan *plan, struct fl_class_cost *costs)
{
    struct fl_class_cost one;
    size_t at = 0;

    for (int c = 0; c < FL_CLASSES; c++)
        costs[c] = (struct fl_class_cost){0};
    for (size_t i = 0; i < plan->model.count; i++) {
        struct fl_class_cost *c = &costs[fl_class_tensor(plan, i, &at, &one)];
        c->values += one.values;
        c->up_bytes += one.up_bytes;
        c->down_bytes += one.down_bytes;
        c->answer_bytes += one.answer_bytes;
        c->reading_bytes += one.reading_bytes;
    }
}
