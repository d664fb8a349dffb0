/*
 * Copies lie one after the other in the layout's order, without gaps, so that [q;k;v] is one map
 * here too. A task takes a slice of all of them, which may end within a matrix.
 */
#include "nn/narrow.h"

#include <stdlib.h>

#include "base/least.h"
#include "base/mem.h"
#include "flt/values.h"

enum { SLICE = 1 << 18, ROW = 1024 };

struct fill {
    const struct fl_narrow *n;
    const struct fl_stored *weights;
};

/* Are rows multiplied with P, and is it not bf16 already? */
static bool
is_copied(const struct fl_layout *t, const struct fl_param *p, enum fl_dtype dtype)
{
    return dtype != FL_BF16 && fl_param_narrows(p) && (p->kind != FL_PARAM_EMBED || t->config.tied);
}

uint64_t
fl_narrow_size(const struct fl_model *m)
{
    uint64_t size = 0;

    for (size_t i = 0; i < m->layout.count; i++)
        if (is_copied(&m->layout, &m->layout.params[i], m->stored[i].dtype))
            size += m->layout.params[i].count;
    return size;
}

int
fl_narrow_start(struct fl_narrow *n, const struct fl_model *m, uint16_t *copies)
{
    *n = (struct fl_narrow){.layout = &m->layout, .copies = copies};
    n->stored = fl_alloc(m->layout.count, sizeof *n->stored);
    return n->stored ? 0 : -1;
}

void
fl_narrow_release(struct fl_narrow *n)
{
    free(n->stored);
}

static void
copy(const struct fl_stored *from, uint64_t at, uint64_t count, uint16_t *to)
{
    float row[ROW];

    for (uint64_t i = 0; i < count; i += ROW) {
        size_t k = (size_t)fl_min_u64(count - i, ROW);
        fl_values_from_f32(FL_BF16, to + i, fl_values_f32(from->dtype, from->data, at + i, k, row),
                           k);
    }
}

static void
fill_task(void *arg, size_t index, int worker)
{
    const struct fill *f = arg;
    const struct fl_layout *t = f->n->layout;
    uint64_t from = (uint64_t)index * SLICE, to = from + SLICE, at = 0;

    (void)worker;
    for (size_t i = 0; i < t->count && at < to; i++) {
        const struct fl_param *p = &t->params[i];
        if (!is_copied(t, p, f->weights[i].dtype))
            continue;
        uint64_t end = at + p->count, first = at < from ? from : at, last = fl_min_u64(end, to);
        if (first < last && !(p->frozen && f->n->filled))
            copy(&f->weights[i], first - at, last - first, f->n->copies + first);
        at = end;
    }
}

void
fl_narrow_fill(struct fl_narrow *n, const struct fl_stored *weights, struct fl_pool *pool)
{
    struct fill f = {n, weights};
    uint64_t at = 0;

    for (size_t i = 0; i < n->layout->count; i++) {
        n->stored[i] = weights[i];
        if (is_copied(n->layout, &n->layout->params[i], weights[i].dtype)) {
            n->stored[i] = (struct fl_stored){n->copies + at, FL_BF16};
            at += n->layout->params[i].count;
        }
    }
    fl_pool_run(pool, (size_t)((at + SLICE - 1) / SLICE), fill_task, &f);
    n->filled = true;
}
