/* What no plan may do: one function for who makes a plan, who follows it, and who opens its sum. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "math/power.h"
#include "sec/plan.h"

uint64_t
fl_plan_largest(const struct fl_plan *plan)
{
    return (uint64_t)ceil(plan->clip * plan->scale);
}

double
fl_plan_largest_scale(const struct fl_plan *plan)
{
    const uint64_t most = ((UINT64_C(1) << (plan->bits - 1)) - 1) / plan->roster.n;
    struct fl_plan trial = *plan;
    int exponent;

    /* ceil(clip * scale) <= most: begin above and come down. */
    frexp((double)most / plan->clip, &exponent);
    for (; exponent > -60; exponent--) {
        trial.scale = ldexp(1, exponent);
        if (trial.clip * trial.scale < 0x1p62 && fl_plan_largest(&trial) <= most)
            return trial.scale;
    }
    return 0;
}

static int
check_encoding(const struct fl_plan *plan)
{
    const struct fl_policy *policy = &plan->roster.policy;
    uint64_t sum, most;
    int exponent;

    if (plan->bits < 8 || (plan->bits > 32 && plan->bits != 64) || plan->bits < policy->bits_min ||
        plan->bits > policy->bits_max)
        return fl_error(FL_REFUSED,
                        "lanes of %u bits are not allowed; the policy has %lld to %lld, and they "
                        "are 8 to 32 or 64",
                        plan->bits, (long long)policy->bits_min, (long long)policy->bits_max);
    if (!(plan->clip >= policy->clip_min && plan->clip <= policy->clip_max))
        return fl_error(FL_REFUSED, "a clip of %g is not allowed; the policy has %g to %g",
                        plan->clip, policy->clip_min, policy->clip_max);
    if (!(plan->scale > 0) || !isfinite(plan->scale) || frexp(plan->scale, &exponent) != 0.5)
        return fl_error(FL_REFUSED, "a scale of %g is no power of two", plan->scale);
    most = (UINT64_C(1) << (plan->bits - 1)) - 1;
    if (!(plan->clip * plan->scale < 0x1p62) ||
        fl_mul_u64(fl_plan_largest(plan), plan->roster.n, &sum) || sum > most) {
        fl_error(FL_REFUSED,
                 "the sum of %zu sites at clip %g and scale %g does not fit lanes of %u bits and "
                 "could wrap",
                 plan->roster.n, plan->clip, plan->scale, plan->bits);
        return fl_plan_largest_scale(plan) > 0
                   ? fl_error_cure("take a scale of at most %g, or leave it out",
                                   fl_plan_largest_scale(plan))
                   : fl_error_cure("take more bits");
    }
    if (plan->scale * 4 < fl_plan_largest_scale(plan))
        return fl_error(FL_REFUSED,
                        "a scale of %g is less than a quarter of %g, the largest that fits: "
                        "updates of small weight would vanish from the sum",
                        plan->scale, fl_plan_largest_scale(plan));
    return 0;
}

static int
check_weights(const struct fl_plan *plan)
{
    const struct fl_policy *policy = &plan->roster.policy;
    const char *name = fl_weight_rule_name(plan->rule);
    double low = plan->bandwidth ? plan->bandwidth[0] : 1, high = low;

    if (policy->cap[plan->rule] == 0)
        return fl_error(FL_REFUSED, "the weight rule %s is not allowed by the policy", name);
    if (!(plan->cap > 0 && plan->cap <= policy->cap[plan->rule]))
        return fl_error(
            FL_REFUSED,
            "a cap of %.10g on weights is not allowed; the policy has at most %.10g for %s",
            plan->cap, policy->cap[plan->rule], name);
    if (!(plan->alpha >= 0 && plan->alpha <= 4))
        return fl_error(FL_REFUSED, "alpha %g is not from 0 to 4", plan->alpha);
    for (size_t i = 0; plan->bandwidth && i < plan->roster.n; i++) {
        if (!(plan->bandwidth[i] >= 1e-6 && plan->bandwidth[i] <= 1e9))
            return fl_error(FL_REFUSED, "the bandwidth of \"%s\" is not from 1e-6 to 1e9 Mbit/s",
                            plan->roster.sites[i].name);
        low = plan->bandwidth[i] < low ? plan->bandwidth[i] : low;
        high = plan->bandwidth[i] > high ? plan->bandwidth[i] : high;
    }
    if (plan->bandwidth && plan->alpha > 0 && fl_power(high / low, plan->alpha) > policy->spread)
        return fl_error(
            FL_REFUSED,
            "bandwidths from %g to %g at alpha %g let one site count %g times another; the policy "
            "has a spread of %g: a sum that is one site's would be no secret",
            low, high, plan->alpha, fl_power(high / low, plan->alpha), policy->spread);
    return 0;
}

static int
check_tensors(const struct fl_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct fl_plan_tensor *t = &plan->tensors[i];
        if (t->role == FL_PLAIN && !fl_name_list_has(&plan->roster.policy.plain, t->name))
            return fl_error(FL_REFUSED,
                            "tensor \"%s\" would travel plain, which the policy does not allow",
                            t->name);
        if (!strcmp(t->name, FL_WEIGHT_TENSOR))
            return fl_error(FL_REFUSED, "the model has a tensor \"%s\"; that name is the weight's",
                            t->name);
    }
    return 0;
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

int
fl_plan_check(const struct fl_plan *plan)
{
    if (plan->round < (uint64_t)plan->roster.first_round)
        return fl_error(FL_REFUSED, "round %llu is before the first of this epoch, %lld",
                        (unsigned long long)plan->round, (long long)plan->roster.first_round);
    if (!(plan->roster.policy.protection & plan->protection))
        return fl_error(FL_REFUSED, "protection %s is not allowed by the policy",
                        plan->protection == FL_PROTECT_DOUBLE ? "double" : "pairwise");
    if (plan->protection == FL_PROTECT_DOUBLE)
        return fl_error(
            FL_REFUSED,
            "protection double is not there yet; use pairwise, in which all sites must finish");
    if (*plan->deadline && fl_plan_deadline(plan->deadline))
        return fl_error(FL_REFUSED, "the deadline \"%s\" is no time like 2026-11-24T18:00:00Z",
                        plan->deadline);
    if (check_encoding(plan) || check_weights(plan) || check_tensors(plan))
        return -1;
    return 0;
}
