/*
 * Candidates of all scanners made spans that do not overlap: sorted, then one pass.
 */
#include "data/id_parts.h"

#include <stdlib.h>

#include "base/least.h"
#include "base/mem.h"

int
fl_id_add(struct fl_id_state *s, unsigned type, size_t at, size_t end, enum fl_id_evidence evidence,
          size_t distance)
{
    if (type < FL_ID_TYPES) {
        if (!fl_id_wants(s, type) || at < s->taken[type])
            return 0;
        s->taken[type] = end;
    }
    struct fl_id_found *found = fl_grow(s->found, s->found_count, &s->found_cap, sizeof *found);
    if (!found)
        return -1;
    s->found = found;
    found[s->found_count++] =
        (struct fl_id_found){.at = at,
                             .end = end,
                             .type = (uint16_t)type,
                             .rank = (uint16_t)((unsigned)evidence << 8 |
                                                (255 - (unsigned)fl_min(distance, 255)))};
    return 0;
}

static int
by_place(const void *a, const void *b)
{
    const struct fl_id_found *x = a, *y = b;

    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    if (x->end != y->end)
        return x->end > y->end ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank > y->rank ? -1 : 1;
    return (x->type > y->type) - (x->type < y->type);
}

/* Is B to be taken before A, which begins no later? */
static bool
is_better(const struct fl_id_found *a, const struct fl_id_found *b)
{
    size_t x = a->end - a->at, y = b->end - b->at;

    return y > x || (y == x && b->rank > a->rank);
}

void
fl_id_resolve(struct fl_id_state *s)
{
    struct fl_id_found *f = s->found, best = {0};
    size_t kept = 0;

    for (size_t i = 1; i < s->found_count; i++)
        if (by_place(&f[i - 1], &f[i]) > 0) {
            qsort(f, s->found_count, sizeof *f, by_place);
            break;
        }
    for (size_t i = 0; i < s->found_count; i++) {
        if (!kept || f[kept - 1].end <= f[i].at) {
            best = f[i];
            f[kept++] = f[i];
            continue;
        }
        struct fl_id_found *last = &f[kept - 1];
        if (is_better(&best, &f[i]))
            best = f[i];
        last->end = fl_max(last->end, f[i].end);
        last->type = best.type;
        last->rank = best.rank;
    }
    s->found_count = kept;
}
