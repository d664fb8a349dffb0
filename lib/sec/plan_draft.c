/*
 * A plan from settings that may all be absent. The defaults: lanes of 32 bits, values to +-1, the
 * largest scale whose sum cannot wrap, stochastic rounding, weights by examples, pairwise masks.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/choice.h"
#include "base/error.h"
#include "base/mem.h"
#include "flt/values.h"
#include "os/clock.h"
#include "os/progress.h"
#include "sec/plan.h"

#define DEFAULT_BITS 32
#define DEFAULT_CLIP 1.0

static double
within(double value, double min, double max)
{
    return value < min ? min : value > max ? max : value;
}

static int
draft_encoding(struct fl_plan *plan, const struct fl_round_conf *conf)
{
    const struct fl_policy *policy = &plan->roster.policy;

    plan->protection = FL_PROTECT_PAIRWISE;
    if (conf->protection && !strcmp(conf->protection, "double"))
        plan->protection = FL_PROTECT_DOUBLE;
    plan->bits = (unsigned)within(DEFAULT_BITS, (double)policy->bits_min, (double)policy->bits_max);
    if (plan->bits > 32)
        plan->bits = 64;
    if (conf->bits)
        plan->bits = (unsigned)conf->bits;
    plan->clip = conf->clip > 0 ? conf->clip
                                : within(DEFAULT_CLIP, policy->clip_min, policy->clip_max);
    plan->scale = conf->scale > 0 ? conf->scale : fl_plan_largest_scale(plan);
    plan->stochastic = !conf->rounding || !strcmp(conf->rounding, "stochastic");
    if (plan->scale == 0)
        return fl_error(FL_REFUSED,
                        "lanes of %u bits cannot hold a sum of %zu sites; take more bits",
                        plan->bits, plan->roster.n);
    return 0;
}

/* Bandwidths by site index; every site must have one when they count. */
static int
draft_bandwidth(struct fl_plan *plan, const struct fl_round_conf *conf)
{
    const struct fl_name_list *names = &conf->bandwidth_sites;

    for (size_t i = 0; i < names->count; i++) {
        int64_t index = fl_roster_find(&plan->roster, names->items[i]);
        if (index < 0 || index == (int64_t)FL_SIGNER_HUB) {
            fl_roster_no_site(&plan->roster, names->items[i]);
            return fl_error_about("bandwidth");
        }
    }
    if (plan->rule != FL_WEIGHT_DYNAMIC || plan->alpha == 0)
        return 0;
    plan->bandwidth = fl_alloc(plan->roster.n, sizeof *plan->bandwidth);
    if (!plan->bandwidth)
        return -1;
    for (size_t i = 0; i < names->count; i++)
        plan->bandwidth[fl_roster_find(&plan->roster, names->items[i])] = conf->bandwidth[i];
    for (size_t i = 0; i < plan->roster.n; i++)
        if (plan->bandwidth[i] == 0)
            return fl_error(FL_USAGE,
                            "bandwidth: \"%s\" has none, which weights: dynamic needs; give all "
                            "sites one, or alpha: 0",
                            plan->roster.sites[i].name);
    return 0;
}

/*
 * The weight that the most a site can count is. After a round, twice its summed weight, as a power
 * of two: no site exceeded the sum, and small weights keep more of their bits than under the
 * policy's cap, which holds for any size of site.
 */
static double
default_cap(const struct fl_plan *plan, const struct fl_object *after)
{
    const double most = plan->roster.policy.cap[plan->rule];
    double sum;
    int exponent;

    if (!after || fl_meta_get_f64(&fl_object_head(after)->meta, "sum.weight", &sum) || !(sum > 0))
        return most;
    frexp(2 * sum, &exponent);
    double cap = ldexp(1, exponent);
    return cap < most ? cap : most;
}

static int
draft_weights(struct fl_plan *plan, const struct fl_round_conf *conf, const struct fl_object *after)
{
    int rule = FL_WEIGHT_EXAMPLES;

    if (conf->weights)
        rule = fl_weight_rule_find(conf->weights);
    else
        while (rule < FL_WEIGHT_RULES - 1 && plan->roster.policy.cap[rule] == 0)
            rule++;
    plan->rule = (enum fl_weight_rule)rule;
    plan->alpha = rule != FL_WEIGHT_DYNAMIC ? 0 : conf->alpha_given ? conf->alpha : FL_WEIGHT_ALPHA;
    plan->cap = conf->cap > 0 ? conf->cap : default_cap(plan, after);
    return draft_bandwidth(plan, conf);
}

/* No site could train from a model that holds one that is not. */
static int
check_finite(struct fl_object *model, size_t i)
{
    const struct fl_tensor *t = fl_object_tensor(model, i);
    uint64_t count = fl_object_bytes(model, i) / fl_dtype_size(t->dtype);
    const void *values = fl_object_data(model, i);
    uint64_t bad = values ? fl_values_finite(t->dtype, values, count) : 0;

    if (values && bad < count)
        return fl_error(FL_FAILED,
                        "%s: tensor \"%s\": value %llu is %g; only finite values can be trained",
                        fl_object_name(model), t->name, (unsigned long long)bad,
                        fl_value(t->dtype, values, bad));
    fl_object_forget(model, i);
    return values ? 0 : -1;
}

/* Name the first of PLAIN that is none of the plan's tensors, or is there twice. */
static int
refuse_plain(const struct fl_plan *plan, const struct fl_name_list *plain)
{
    struct fl_nearest nearest;
    char hint[FL_FLT_NAME_MAX + 40];

    for (size_t i = 0; i < plain->count; i++) {
        bool there = false;
        fl_nearest_start(&nearest, plain->items[i], strlen(plain->items[i]));
        for (size_t k = 0; k < plan->count; k++) {
            fl_nearest_try(&nearest, plan->tensors[k].name, strlen(plan->tensors[k].name));
            there |= !strcmp(plan->tensors[k].name, plain->items[i]);
        }
        if (!there)
            return fl_error(FL_USAGE, "plain: \"%.255s\" is none of the model's trained tensors%s",
                            plain->items[i], fl_nearest_hint(&nearest, "", hint, sizeof hint));
    }
    return fl_error(FL_USAGE, "plain: names a tensor twice; name each once");
}

static int
add_tensor(struct fl_plan *plan, const struct fl_tensor *t, enum fl_role role)
{
    struct fl_plan_tensor *to = &plan->tensors[plan->count];

    to->rank = t->rank;
    memcpy(to->dims, t->dims, t->rank * sizeof *t->dims);
    to->role = role;
    to->name = fl_strdup(t->name);
    if (!to->name)
        return -1;
    plan->count++;
    return 0;
}

/* The trained tensors of the model. */
static int
draft_tensors(struct fl_plan *plan, struct fl_object *model, const struct fl_name_list *plain)
{
    struct fl_schema trained;
    struct fl_progress progress;
    uint64_t done = 0;
    size_t found = 0;
    int failed = fl_schema_update(&trained, model) ||
                 !(plan->tensors = fl_alloc(trained.count, sizeof *plan->tensors));

    fl_progress_start(&progress, "reading", "B", fl_object_total(model));
    for (size_t i = 0; i < trained.count && !failed; i++) {
        const struct fl_tensor *t = &trained.items[i].tensor;
        size_t at = (size_t)fl_object_find(model, t->name);
        enum fl_role role = fl_name_list_has(plain, t->name) ? FL_PLAIN : FL_MASKED;
        found += role == FL_PLAIN;
        failed = check_finite(model, at) || add_tensor(plan, t, role);
        done += fl_object_bytes(model, at);
        fl_progress_show(&progress, done, "%s", fl_object_name(model));
    }
    fl_progress_clear(&progress);
    fl_schema_release(&trained);
    if (failed)
        return -1;
    return found == plain->count ? 0 : refuse_plain(plan, plain);
}

/* MODEL must be what fl-apply made of AFTER. */
static int
check_after(const struct fl_object *model, const struct fl_object *after)
{
    const struct fl_meta *m = &fl_object_head(model)->meta, *a = &fl_object_head(after)->meta;
    const unsigned char *parent, *base;
    int64_t round, before;

    if (fl_meta_get_bytes(a, "base", 32, &base) ||
        fl_meta_get_i64(a, "base.round", 0, INT64_MAX - 1, &before) ||
        !fl_meta_find(a, "sum.sites"))
        return fl_error(FL_FAILED, "%s: is not an aggregated update; give what fl-aggregate wrote",
                        fl_object_name(after));
    if (fl_meta_get_bytes(m, "parent", 32, &parent) || memcmp(parent, base, 32) ||
        fl_meta_get_i64(m, "round", 0, INT64_MAX, &round) || round != before + 1)
        return fl_error(FL_REFUSED,
                        "%s: does not follow from %s; give the model that fl-apply made of it",
                        fl_object_name(model), fl_object_name(after));
    return 0;
}

static int
draft_base(struct fl_plan *plan, const struct fl_plan_params *p)
{
    if (fl_object_digest(p->model, p->pool, plan->base))
        return -1;
    if (fl_meta_get_i64(&fl_object_head(p->model)->meta, "round", 0, INT64_MAX, &plan->base_round))
        return fl_error_about(fl_object_name(p->model));
    plan->has_after = p->after != NULL;
    if (!p->after)
        return 0;
    if (check_after(p->model, p->after))
        return -1;
    return fl_object_digest(p->after, p->pool, plan->after);
}

static int
draft_deadline(struct fl_plan *plan, const char *deadline)
{
    char now[FL_UTC_TEXT];

    if (!deadline)
        return 0;
    if (fl_plan_deadline(deadline))
        return fl_error(FL_USAGE, "--deadline: \"%.40s\" is no time like 2026-11-24T18:00:00Z",
                        deadline);
    if (strcmp(deadline, fl_utc_now(now)) <= 0)
        return fl_error(FL_USAGE, "--deadline: %s is over, now is %s; give a later time in UTC",
                        deadline, now);
    snprintf(plan->deadline, sizeof plan->deadline, "%s", deadline);
    return 0;
}

int
fl_plan_draft(struct fl_plan *plan, const struct fl_plan_params *p)
{
    plan->round = p->round;
    if (draft_deadline(plan, p->deadline) || draft_encoding(plan, p->conf) ||
        draft_weights(plan, p->conf, p->after) || draft_tensors(plan, p->model, &p->conf->plain) ||
        draft_base(plan, p) || fl_plan_check(plan) || fl_plan_layout(plan))
        return -1;
    return 0;
}
