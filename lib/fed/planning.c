/* The set of a round is recorded when its mean leads on: one that was only asked for may change. */
#include "fed/planning.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "fed/classes.h"
#include "fed/members.h"
#include "fed/plain.h"
#include "fed/upload.h"
#include "sec/he_offer.h"

enum { WORD_BYTES = 64 << 10 }; /* of what is said and signed, ready or opened: at most */

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

/* ---- what people are told of a plan ---- */

/* Which model, and where it comes from. */
static void
explain_base(struct fl_report *r, const struct fl_plan *plan)
{
    fl_report_hex(fl_report_key(r, "base"), plan->base, sizeof plan->base);
    fl_report_hex(fl_report_key(r, "params"), plan->params, sizeof plan->params);
    fl_report_i64(fl_report_key(r, "base_round"), plan->base_round);
    fl_report_key(r, "after");
    if (plan->has_after)
        fl_report_hex(r, plan->after, sizeof plan->after);
    else
        fl_report_none(r);
    fl_report_text(fl_report_key(r, "deadline"), *plan->deadline ? plan->deadline : NULL);
}

/* Who must be there, and how far the model is from those before. */
static void
explain_sites(struct fl_report *r, const struct fl_plan *plan, const struct fl_planning_view *view)
{
    const struct fl_roster *roster = &plan->roster;
    const struct fl_weight_policy *w = &roster->weights;

    fl_report_list(fl_report_key(r, "sites"));
    for (size_t i = 0; i < roster->n; i++)
        fl_report_text(r, roster->parties[i].name);
    fl_report_list_end(r);
    fl_report_list(fl_report_key(r, "helpers"));
    for (size_t h = 0; h < roster->m; h++)
        fl_report_text(r, roster->parties[roster->helpers[h]].name);
    fl_report_list_end(r);
    fl_report_i64(fl_report_key(r, "min_sum"), roster->min_sum);
    fl_report_f64(fl_report_key(r, "largest_share"),
                  w->cap / (w->cap + ((double)roster->min_sum - 1) * w->floor), 4);
    fl_report_f64(fl_report_key(r, "distance"), isinf(view->distance) ? NAN : view->distance, 4);
    fl_report_f64(fl_report_key(r, "edge"), view->edge, 4);
    fl_report_list(fl_report_key(r, "must_come"));
    for (size_t i = 0; i < roster->n; i++)
        if (view->must[i])
            fl_report_text(r, roster->parties[i].name);
    fl_report_list_end(r);
}

/*
 * What the round takes at the hub. Disk: uploads, the mean, and the model before and after. Memory:
 * its programs run one after the other, and most is taken by the one that adds (its sums, 8 bytes a
 * word, up to its --mem) or the one that measures the model (its numbers in f32 and as stored, and
 * what products need; measured with fl-eval on models of 4 and 59 MB: 1.9 of the model and 47 MB).
 */
static int
explain_cost(struct fl_report *r, const struct fl_plan *plan, uint64_t model_bytes)
{
    const uint64_t words = plan->words + plan->ciphertexts * FL_RING_RESIDUES;
    const uint64_t most = UINT64_C(1) << 30, sums = words < most / 8 ? words * 8 : most;
    const uint64_t adding = sums + (16 << 20), measuring = 2 * model_bytes + (64 << 20);
    uint64_t upload;

    if (plan->roster.protection == FL_PROTECTION_NONE ? fl_plain_bytes(plan, &upload)
                                                      : fl_upload_bytes(plan, &upload))
        return -1;
    fl_report_u64(fl_report_key(r, "upload_bytes"), upload);
    fl_report_u64(fl_report_key(r, "answer_bytes"), upload);
    fl_report_u64(fl_report_key(r, "ready_bytes"), WORD_BYTES);
    fl_report_u64(fl_report_key(r, "keys_bytes"), plan->ciphertexts ? fl_he_batch_bytes() : 0);
    fl_report_u64(fl_report_key(r, "opened_bytes"), WORD_BYTES);
    fl_report_u64(fl_report_key(r, "disk_bytes"), plan->roster.n * upload + 3 * model_bytes);
    fl_report_u64(fl_report_key(r, "memory_bytes"), adding > measuring ? adding : measuring);
    return 0;
}

/* What the roster's noise means over this model. */
static int
explain_noise(struct fl_report *r, const struct fl_plan *plan)
{
    const struct fl_noise_policy *p = &plan->roster.noise;
    const bool some = p->kind != FL_NOISE_NONE, drawn = plan->noise.sigma;
    double epsilon = NAN;

    if (some && fl_noise_policy_cost(p, 1, &epsilon))
        return -1;
    fl_report_text(fl_report_key(r, "noise"), fl_noise_kind_name(p->kind));
    fl_report_f64(fl_report_key(r, "noise_multiplier"), some ? fl_decimal_f64(&p->multiplier) : NAN,
                  6);
    fl_report_f64(fl_report_key(r, "noise_epsilon"), epsilon, 4);
    fl_report_f64(fl_report_key(r, "noise_length"),
                  drawn ? fl_bound_noise_length(&plan->noise, plan->roster.n) : NAN, 4);
    fl_report_f64(fl_report_key(r, "noise_rounding"), drawn ? fl_bound_price(&plan->noise) : NAN,
                  4);
    return 0;
}

int
fl_planning_report(struct fl_report *r, const struct fl_plan *plan,
                   const struct fl_planning_view *view, uint64_t model_bytes)
{
    fl_report_text(fl_report_key(r, "federation"), plan->roster.federation);
    fl_report_i64(fl_report_key(r, "epoch"), plan->roster.epoch);
    fl_report_u64(fl_report_key(r, "round"), plan->round);
    fl_report_hex(fl_report_key(r, "session"), plan->sid, sizeof plan->sid);
    explain_base(r, plan);
    fl_report_text(fl_report_key(r, "protection"), fl_protection_name(plan->roster.protection));
    explain_sites(r, plan, view);
    return explain_cost(r, plan, model_bytes) || explain_noise(r, plan) ||
                   fl_classes_report(r, plan)
               ? -1
               : 0;
}
