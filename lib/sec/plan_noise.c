/*
 * Where noise of helpers meets a model: how many values travel in which lanes says how fine their
 * steps can be, how long a site's whole numbers, and how wide the noise. Everybody computes the
 * same from roster and model, so no message carries any of it.
 */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "sec/plan.h"

/* The parts of B, one for each rule; the largest steps without noise. */
static void
fill_parts(const struct fl_plan *plan, struct fl_bound_part *parts)
{
    const struct fl_roster *r = &plan->roster;

    for (size_t k = 0; k < r->rule_count; k++) {
        const struct fl_tensor_rule *rule = &r->rules[k];
        parts[k] = (struct fl_bound_part){.bits = rule->bits, .clip = rule->clip};
        if (rule->protect == FL_PROTECT_MASK)
            parts[k].scale = fl_roster_scale(r->n, rule->bits, rule->clip);
    }
    for (size_t i = 0; i < plan->count; i++)
        parts[plan->tensors[i].rule - r->rules].d += plan->tensors[i].elements;
}

static double
steps_of(const struct fl_bound_part *part)
{
    return part->clip * part->scale;
}

/* The fewest bits with which rule K has the roster's steps, others being as they are; 0: none. */
static unsigned
enough_bits(const struct fl_plan *plan, size_t k)
{
    const struct fl_roster *r = &plan->roster;
    struct fl_bound trial = plan->noise;
    unsigned found = 0;

    trial.parts = fl_alloc(r->rule_count, sizeof *trial.parts);
    for (unsigned bits = r->rules[k].bits + 1; trial.parts && !found && bits <= 32; bits++) {
        fill_parts(plan, trial.parts);
        trial.parts[k].bits = bits;
        trial.parts[k].scale = fl_roster_scale(r->n, bits, r->rules[k].clip);
        if (!fl_bound_compute(&trial) && steps_of(&trial.parts[k]) >= r->steps)
            found = bits;
    }
    free(trial.parts);
    return found;
}

/* Noise takes room of the lanes, and what is left for values must still be fine enough. */
static int
check_steps(const struct fl_plan *plan)
{
    const struct fl_roster *r = &plan->roster;

    for (size_t k = 0; k < r->rule_count; k++) {
        const struct fl_bound_part *part = &plan->noise.parts[k];
        const struct fl_tensor_rule *rule = &r->rules[k];
        if (!part->d || steps_of(part) >= r->steps)
            continue;
        const unsigned bits = enough_bits(plan, k);
        fl_error(FL_USAGE,
                 "tensors: \"%s\": with %u bits, %zu sites and the noise of %zu helpers there are "
                 "%.3g steps up to the clip, and %g are asked for",
                 rule->match, rule->bits, r->n, r->m, steps_of(part), r->steps);
        return bits ? fl_error_cure("bits: %u would do", bits)
                    : fl_error_cure("a smaller multiplier or clip of noise would do");
    }
    return 0;
}

int
fl_plan_noise(struct fl_plan *plan)
{
    struct fl_roster *r = &plan->roster;
    const struct fl_noise_policy *p = &r->noise;

    free(plan->noise.parts);
    plan->noise = (struct fl_bound){0};
    if (p->kind != FL_NOISE_SITE)
        return 0;
    plan->noise = (struct fl_bound){.clip = p->clip,
                                    .multiplier = p->multiplier,
                                    .n = r->n,
                                    .m = r->m,
                                    .count = r->rule_count,
                                    .parts = fl_alloc(r->rule_count, sizeof *plan->noise.parts)};
    if (!plan->noise.parts)
        return -1;
    fill_parts(plan, plan->noise.parts);
    if (fl_bound_compute(&plan->noise) || check_steps(plan))
        return -1;
    for (size_t k = 0; k < r->rule_count; k++)
        if (plan->noise.parts[k].d)
            r->rules[k].scale = plan->noise.parts[k].scale;
    for (size_t i = 0; i < plan->count; i++)
        plan->tensors[i].noise = &plan->noise.parts[plan->tensors[i].rule - r->rules];
    return 0;
}

/* X as a double that is not below it, or not above. */
static double
to_double(fl_u128 x, bool up)
{
    double d = (double)x;

    if (up ? (fl_u128)d < x : (fl_u128)d > x)
        d = nextafter(d, up ? INFINITY : 0);
    return d;
}

int
fl_plan_event(const struct fl_plan *plan, struct fl_buf *out)
{
    const struct fl_bound *b = &plan->noise;
    const struct fl_event event = {.mechanism = FL_MECH_DGAUSS,
                                   .q = 1,
                                   .squares = true,
                                   .noise = to_double((fl_u128)b->sigma * b->sigma, false),
                                   .sens = to_double(b->B2, true),
                                   .count = 1};

    return fl_event_print(&event, out);
}
