/* A plan from a model, and from the mean that led to it. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/version.h"
#include "flt/values.h"
#include "os/clock.h"
#include "os/progress.h"
#include "sec/pace.h"
#include "sec/plan.h"

/* No site could train from a model that holds one that is not. */
static int
check_finite(struct fl_object *model, size_t i, struct fl_view *v)
{
    const struct fl_tensor *t = fl_object_tensor(model, i);
    int got;

    while ((got = fl_object_next(model, i, v)) == 1) {
        uint64_t n = fl_dtype_count(t->dtype, v->to - v->from),
                 bad = fl_values_finite(t->dtype, v->data, n);
        if (bad < n)
            return fl_error(
                FL_FAILED, "%s: tensor \"%s\": value %llu is %g; only finite values can be trained",
                fl_object_name(model), t->name,
                (unsigned long long)(fl_dtype_count(t->dtype, v->from) + bad),
                fl_value(t->dtype, v->data, bad));
    }
    return got;
}

/* An adapter in q8_0 does not exist; a model in it is what one lies beside. */
static int
check_blocks(struct fl_object *model, const struct fl_tensor *t)
{
    return t->dtype != FL_Q8_0
               ? 0
               : fl_error(FL_FAILED,
                          "%s: tensor \"%s\" is in blocks of 8 bits, q8_0, which are not trained; "
                          "plan rounds over an adapter of the model, as fl-init --lora makes it",
                          fl_object_name(model), t->name);
}

/* All float tensors of the model. */
static int
draft_schema(struct fl_plan *plan, struct fl_object *model)
{
    struct fl_schema all = {0};
    struct fl_progress progress;
    struct fl_view v = {0};
    uint64_t done = 0;
    int failed = fl_schema_model(&all, model) || fl_schema_start(&plan->model, "the plan's model");

    fl_progress_start(&progress, "reading", "B", fl_object_total(model));
    for (size_t i = 0; i < all.count && !failed; i++) {
        failed = check_blocks(model, &all.items[i].tensor);
        if (!failed && all.items[i].trained)
            failed = check_finite(model, i, &v) ||
                     fl_schema_add(&plan->model, &all.items[i].tensor, true);
        done += fl_object_bytes(model, i);
        fl_progress_show(&progress, done, "%s", fl_object_name(model));
    }
    fl_progress_clear(&progress);
    fl_view_release(&v);
    fl_schema_release(&all);
    return failed ? -1 : 0;
}

/* MODEL must be what fl-apply made of AFTER. */
static int
check_after(struct fl_plan *plan, const struct fl_object *model, const struct fl_object *after)
{
    const struct fl_meta *m = &fl_object_head(model)->meta, *a = &fl_object_head(after)->meta;
    struct fl_pace_mean mean = {.file = fl_object_name(after)};
    const unsigned char *set;

    if (fl_meta_get_bytes(a, "base", 32, &mean.base) ||
        fl_meta_get_i64(a, "base.round", 0, INT64_MAX - 1, &mean.base_round) ||
        fl_meta_get_bytes(a, "sum.set", 32, &set))
        return fl_error(FL_FAILED,
                        "%s: is not the mean of a masked round; give what fl-aggregate -p wrote",
                        fl_object_name(after));
    if (fl_pace_check_follows(&plan->roster, fl_object_name(model), m, plan->base_round, &mean))
        return -1;
    plan->has_after = true;
    memcpy(plan->after, set, 32);
    return 0;
}

/* Without a mean it is the model that people agreed on. */
static int
check_first(const struct fl_plan *plan, const struct fl_object *model)
{
    if (!memcmp(plan->base, plan->roster.model, 32))
        return 0;
    return fl_error(FL_REFUSED,
                    "%s: is not the model that the roster begins with; give the mean that led to "
                    "it with --after",
                    fl_object_name(model));
}

/* Every round but an epoch's first begins with the velocity that its model came with. */
static int
draft_velocity(struct fl_plan *plan, const struct fl_plan_params *p)
{
    const bool needed = plan->roster.apply != FL_APPLY_SGD && p->after;
    const unsigned char *model;

    plan->has_velocity = p->velocity != NULL;
    if (needed != plan->has_velocity)
        return fl_error(FL_USAGE, needed ? "the roster's step has a velocity; name the file that "
                                           "fl-apply wrote beside the model with --velocity"
                                         : "this round's step begins without a velocity; leave out "
                                           "--velocity");
    if (!needed)
        return 0;
    if (fl_meta_get_bytes(&fl_object_head(p->velocity)->meta, "model", 32, &model))
        return fl_error_about(fl_object_name(p->velocity));
    if (memcmp(model, plan->base, 32))
        return fl_error(FL_REFUSED, "%s: is the velocity of another model than %s",
                        fl_object_name(p->velocity), fl_object_name(p->model));
    return fl_object_digest(p->velocity, p->pool, plan->velocity);
}

static int
draft_base(struct fl_plan *plan, const struct fl_plan_params *p)
{
    const struct fl_meta *meta = &fl_object_head(p->model)->meta;

    if (fl_object_digest(p->model, p->pool, plan->base) ||
        fl_object_params(p->model, p->pool, plan->params))
        return -1;
    if (fl_meta_get_i64(meta, "round", 0, INT64_MAX, &plan->base_round))
        return fl_error_about(fl_object_name(p->model));
    if (p->after ? check_after(plan, p->model, p->after) : check_first(plan, p->model))
        return -1;
    return draft_velocity(plan, p);
}

/* The number of two digits at P. */
static unsigned
two_digits(const char *p)
{
    return (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0');
}

int
fl_plan_deadline(const char *text)
{
    static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
    static const unsigned char days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    for (size_t i = 0; i < sizeof form; i++)
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return -1;
    unsigned month = two_digits(text + 5), day = two_digits(text + 8);
    if (month < 1 || month > 12 || day < 1 || day > days[month - 1])
        return -1;
    return two_digits(text + 11) < 24 && two_digits(text + 14) < 60 && two_digits(text + 17) <= 60
               ? 0
               : -1;
}

static int
draft_deadline(struct fl_plan *plan, const char *deadline)
{
    char now[FL_UTC_TEXT];

    *plan->deadline = '\0';
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
fl_plan_preview(struct fl_plan *plan, const struct fl_roster *r, struct fl_object *model)
{
    struct fl_schema all = {0};
    unsigned char digest[32];

    *plan = (struct fl_plan){0};
    if (fl_object_digest(model, NULL, digest))
        return -1;
    if (memcmp(digest, r->model, 32))
        return fl_error(FL_REFUSED, "%s: is not the roster's model", fl_object_name(model));
    int failed = fl_roster_decode(&plan->roster, r->canonical.data, r->canonical.len) ||
                 fl_schema_model(&all, model) || fl_schema_start(&plan->model, "the model");
    for (size_t i = 0; i < all.count && !failed; i++)
        if (all.items[i].trained)
            failed = fl_schema_add(&plan->model, &all.items[i].tensor, true);
    fl_schema_release(&all);
    if (!failed && !fl_plan_layout(plan))
        return 0;
    fl_plan_release(plan);
    return -1;
}

int
fl_plan_draft(struct fl_plan *plan, const struct fl_plan_params *p)
{
    plan->round = p->round;
    if (fl_plan_check_round(&plan->roster, p->round) || draft_deadline(plan, p->deadline))
        return -1;
    snprintf(plan->software, sizeof plan->software, "fl %s", FL_VERSION);
    return draft_schema(plan, p->model) || draft_base(plan, p) || fl_plan_layout(plan) ? -1 : 0;
}
