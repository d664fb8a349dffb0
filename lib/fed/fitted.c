/* One block of one tensor is in view at a time, which many chunks are read from. */
#include "fed/fitted.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "crypt/secret.h"
#include "flt/values.h"

enum { BLOCK = FL_FLT_BLOCK / sizeof(float) };

struct reading {
    const struct fl_plan *plan;
    struct fl_object *update;
    struct fl_progress *progress;
    struct fl_view view;
    size_t viewed; /* the tensor of the plan that it is of; SIZE_MAX: of none */
};

static int
look_at(struct reading *r, size_t i, uint64_t at, size_t n)
{
    const struct fl_plan_tensor *t = &r->plan->tensors[i];
    const size_t in_update = (size_t)fl_object_find(r->update, t->tensor->name);
    const uint64_t left = t->elements - at;

    if (r->viewed == i && at * sizeof(float) >= r->view.from &&
        (at + n) * sizeof(float) <= r->view.to)
        return 0;
    r->viewed = SIZE_MAX;
    if (fl_view_values(r->update, in_update, at, fl_min_u64(left, BLOCK), &r->view))
        return -1;
    r->viewed = i;
    return 0;
}

static int
read_values(void *arg, size_t i, uint64_t at, size_t n, float *values)
{
    struct reading *r = arg;

    if (look_at(r, i, at, n))
        return -1;
    memcpy(values, fl_view_f32(&r->view, at, n, NULL), n * sizeof *values);
    if (r->progress)
        fl_progress_show(r->progress, 0, "%s", "measuring");
    return 0;
}

int
fl_fitted_make(struct fl_fitted *f, const struct fl_plan *plan, struct fl_object *update,
               const unsigned char key[FL_STREAM_KEY], struct fl_progress *progress)
{
    struct reading r = {plan, update, progress, {0}, SIZE_MAX};

    *f = (struct fl_fitted){.parts = fl_alloc(plan->count, sizeof *f->parts)};
    if (!f->parts)
        return -1;
    for (size_t i = 0; i < plan->count; i++) {
        const struct fl_plan_tensor *t = &plan->tensors[i];
        f->parts[i] = (struct fl_bounded_part){.clip = t->rule->clip,
                                               .scale = t->rule->scale,
                                               .shift = t->noise->shift,
                                               .elements = t->elements};
    }
    f->bounded = (struct fl_bounded){.parts = f->parts,
                                     .count = plan->count,
                                     .clip = fl_decimal_f64(&plan->noise.clip),
                                     .B2 = plan->noise.B2,
                                     .read = read_values,
                                     .arg = &r};
    memcpy(f->bounded.key, key, sizeof f->bounded.key);
    int failed = fl_bounded_fit(&f->bounded);
    fl_view_release(&r.view);
    f->bounded.arg = NULL;
    return failed ? -1 : 0;
}

void
fl_fitted_release(struct fl_fitted *f)
{
    free(f->parts);
    fl_wipe(f, sizeof *f);
}
