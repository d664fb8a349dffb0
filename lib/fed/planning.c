/* The set of a round is recorded when its mean leads on: one that was only asked for may change. */
#include "fed/planning.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "fed/members.h"

/* The plan that this hub signed for the round of AFTER. */
static const struct fl_signed_plan *
signed_plan(const struct fl_state *s, const struct fl_object *after, int64_t *round)
{
    const struct fl_meta *meta = &fl_object_head(after)->meta;
    const unsigned char *base;

    if (fl_meta_get_i64(meta, "sum.round", 0, INT64_MAX, round) ||
        fl_meta_get_bytes(meta, "base", 32, &base)) {
        fl_error(FL_FAILED,
                 "%s: is not the mean of a masked round; give what fl-aggregate -p wrote",
                 fl_object_name(after));
        return NULL;
    }
    const struct fl_signed_plan *plan = fl_state_plan(s, (uint64_t)*round);
    if (plan && !memcmp(plan->object, base, 32))
        return plan;
    fl_error(FL_REFUSED,
             "%s: is the mean of round %lld over a model for which this hub signed no plan under "
             "the roster in force; the first plan of an epoch has no --after",
             fl_object_name(after), (long long)*round);
    return NULL;
}

static int
count_members(struct fl_state *s, const struct fl_plan *plan, const struct fl_members *m)
{
    const struct fl_roster *r = &plan->roster;

    for (size_t i = 0; i < m->count; i++)
        if (fl_state_count(s, r->parties[m->sites[i]].sign, false, &m->uploads[i]))
            return -1;
    for (size_t h = 0; h < m->answer_count; h++)
        if (fl_state_count(s, r->parties[r->helpers[h]].sign, true, &m->answers[h]))
            return -1;
    return 0;
}

static int
record_set(struct fl_state *s, const struct fl_plan *plan, const struct fl_signed_plan *before,
           const struct fl_members *m)
{
    struct fl_near_base *near = fl_near_add(&s->near, before->object, NULL);

    if (!near || fl_near_record(&s->near, near, plan, m->sites, m->count))
        return -1;
    fl_near_forget_asked(&s->near, before->digest);
    return 0;
}

int
fl_planning_follow(struct fl_state *s, const struct fl_plan *plan, const struct fl_object *after)
{
    const struct fl_roster *r = &plan->roster;
    const struct fl_meta *meta = &fl_object_head(after)->meta;
    const unsigned char *set;
    struct fl_members m;
    int64_t round;
    const struct fl_signed_plan *before = signed_plan(s, after, &round);

    if (!before)
        return -1;
    if (r->protection == FL_PROTECTION_NONE)
        return 0; /* nothing is masked: nobody is counted, and any set may be summed */
    if (fl_meta_get_bytes(meta, "sum.set", 32, &set))
        return fl_error_about(fl_object_name(after));
    if (r->protection == FL_PROTECTION_HELPERS && (!before->asked || memcmp(before->set, set, 32)))
        return fl_error(FL_REFUSED,
                        "%s: is the sum of another set of uploads than the one that this hub asked "
                        "for last in round %lld; ask for that set again with fl-aggregate "
                        "--request",
                        fl_object_name(after), (long long)round);
    int failed = fl_members_from_meta(&m, meta, r->n, r->m);
    if (failed)
        fl_error_about(fl_object_name(after));
    if (!failed)
        failed = count_members(s, plan, &m) || record_set(s, plan, before, &m);
    fl_members_release(&m);
    return failed ? -1 : 0;
}

int
fl_planning_base(struct fl_state *s, const struct fl_plan *plan, struct fl_object *model)
{
    return plan->roster.protection == FL_PROTECTION_NONE || fl_near_add(&s->near, plan->base, model)
               ? 0
               : -1;
}

static int
by_round(const void *a, const void *b)
{
    const struct fl_signed_plan *const *x = a, *const *y = b;

    return ((*x)->round > (*y)->round) - ((*x)->round < (*y)->round);
}

/* Is this model the plan's base, or one of its lineage already? */
static bool
is_there(const struct fl_plan *plan, const unsigned char model[32])
{
    bool there = !memcmp(model, plan->base, 32);

    for (size_t i = 0; i < plan->lineage_count; i++)
        there |= !memcmp(model, plan->lineage[i], 32);
    return there;
}

int
fl_planning_lineage(const struct fl_state *s, struct fl_plan *plan)
{
    const size_t stale = (size_t)plan->roster.stale;
    const struct fl_signed_plan **all = fl_alloc(s->plan_count, sizeof *all);
    size_t count = 0;

    if (stale)
        plan->lineage = fl_alloc(stale, sizeof *plan->lineage);
    if (!all || (stale && !plan->lineage)) {
        free(all);
        return -1;
    }
    for (size_t i = 0; i < s->plan_count; i++)
        if (!memcmp(s->plans[i].roster, plan->roster.digest, 32) && s->plans[i].round < plan->round)
            all[count++] = &s->plans[i];
    if (count)
        qsort(all, count, sizeof *all, by_round);
    while (count > 0 && plan->lineage_count < stale) { /* the newest first, and last in the list */
        const unsigned char *model = all[--count]->object;
        if (is_there(plan, model))
            continue;
        memmove(plan->lineage + 1, plan->lineage, 32 * plan->lineage_count++);
        memcpy(plan->lineage[0], model, 32);
    }
    free(all);
    return 0;
}

int
fl_planning_look(struct fl_state *s, const struct fl_plan *plan, struct fl_planning_view *view)
{
    const struct fl_near_base *base = fl_near_find(&s->near, plan->base);

    view->edge = fl_sketch_edge(plan);
    view->must = fl_alloc(plan->roster.n, sizeof *view->must);
    view->distance = INFINITY;
    if (view->must && plan->roster.protection == FL_PROTECTION_NONE)
        return 0;
    return view->must ? fl_near_view(&s->near, base, plan, view->must, &view->distance) : -1;
}
