/*
 * Numbers are compared as they were written: two parties that read "0.1" in two ways would compute
 * two bounds. What noise needs of the model is checked where a model is at hand (sec/plan.h).
 */
#include "sec/roster_noise.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "sec/roster.h"

static const char *const kinds[] = {"none", "site", "local", NULL};
static const char *const accountants[] = {"rdp", "pld", NULL};

enum { KEY = 40 };

/* "noise.KIND.NAME" */
static const char *
key_of(char key[KEY], enum fl_noise_kind kind, const char *name)
{
    snprintf(key, KEY, "noise.%s.%s", kinds[kind], name);
    return key;
}

const char *
fl_noise_kind_name(enum fl_noise_kind kind)
{
    return kinds[kind];
}

static int
find(const char *const *words, const char *text)
{
    for (int i = 0; words[i]; i++)
        if (!strcmp(words[i], text))
            return i;
    return -1;
}

/* ---- to the canonical form ---- */

static int
set_decimal(struct fl_meta *meta, const char *key, const char *written)
{
    char text[FL_DECIMAL_TEXT];
    struct fl_decimal x;

    return fl_decimal_parse(written, &x) ? fl_error_about(key)
                                         : fl_meta_set_text(meta, key, fl_decimal_print(&x, text));
}

int
fl_noise_policy_to_meta(const struct fl_noise_terms *terms, struct fl_meta *meta)
{
    const int found = find(kinds, terms->kind);
    const enum fl_noise_kind kind = found < 0 ? FL_NOISE_NONE : (enum fl_noise_kind)found;
    char clip[KEY], multiplier[KEY], rate[KEY], steps[KEY];

    if (fl_meta_set_text(meta, "noise", terms->kind))
        return -1;
    if (kind == FL_NOISE_NONE)
        return 0;
    if (set_decimal(meta, key_of(clip, kind, "clip"), terms->clip) ||
        set_decimal(meta, key_of(multiplier, kind, "multiplier"), terms->multiplier) ||
        set_decimal(meta, "budget.epsilon", terms->epsilon) ||
        set_decimal(meta, "budget.delta", terms->delta) ||
        fl_meta_set_text(meta, "budget.accountant", terms->accountant))
        return -1;
    if (kind == FL_NOISE_SITE)
        return 0;
    return set_decimal(meta, key_of(rate, kind, "rate"), terms->rate) ||
                   fl_meta_set_i64(meta, key_of(steps, kind, "steps"), terms->steps)
               ? -1
               : 0;
}

/* ---- from it ---- */

static int
get_decimal(const struct fl_meta *meta, const char *key, struct fl_decimal *x)
{
    char again[FL_DECIMAL_TEXT];
    const char *text;

    if (fl_meta_get_text(meta, key, &text))
        return -1;
    if (fl_decimal_parse(text, x))
        return fl_error_about(key);
    if (strcmp(fl_decimal_print(x, again), text))
        return fl_error(FL_USAGE, "%s: \"%.40s\" is written in the canonical form as %s", key, text,
                        again);
    return 0;
}

int
fl_noise_policy_from_meta(struct fl_noise_policy *p, const struct fl_meta *meta, size_t *count)
{
    int kind, accountant;
    char clip[KEY], multiplier[KEY], rate[KEY], steps[KEY];

    *p = (struct fl_noise_policy){0};
    *count = 1;
    if (fl_meta_get_word(meta, "noise", kinds, &kind))
        return -1;
    p->kind = (enum fl_noise_kind)kind;
    if (p->kind == FL_NOISE_NONE)
        return 0;
    if (get_decimal(meta, key_of(clip, p->kind, "clip"), &p->clip) ||
        get_decimal(meta, key_of(multiplier, p->kind, "multiplier"), &p->multiplier) ||
        get_decimal(meta, "budget.epsilon", &p->epsilon) ||
        get_decimal(meta, "budget.delta", &p->delta) ||
        fl_meta_get_word(meta, "budget.accountant", accountants, &accountant))
        return -1;
    p->accountant = (enum fl_accountant)accountant;
    *count += 5;
    if (p->kind == FL_NOISE_SITE)
        return 0;
    *count += 2;
    return get_decimal(meta, key_of(rate, p->kind, "rate"), &p->rate) ||
                   fl_meta_get_i64(meta, key_of(steps, p->kind, "steps"), 1, 1000000000, &p->steps)
               ? -1
               : 0;
}

/* ---- what it costs ---- */

struct fl_event
fl_noise_policy_event(const struct fl_noise_policy *p, uint64_t rounds)
{
    const double z = fl_decimal_f64(&p->multiplier), grid = 0x1p24;

    if (p->kind == FL_NOISE_SITE)
        return (struct fl_event){.mechanism = FL_MECH_GAUSS, .q = 1, .noise = z, .count = rounds};
    return (struct fl_event){.mechanism = FL_MECH_PDGAUSS,
                             .q = fl_decimal_f64(&p->rate),
                             .noise = z * grid,
                             .sens = grid,
                             .count = rounds * (uint64_t)p->steps};
}

int
fl_noise_policy_cost(const struct fl_noise_policy *p, uint64_t rounds, double *epsilon)
{
    const struct fl_event event = fl_noise_policy_event(p, rounds);
    struct fl_events events = {0};
    int failed = fl_events_add(&events, &event) ||
                 fl_charge_by(&events, fl_decimal_f64(&p->delta), p->accountant, epsilon);

    fl_events_release(&events);
    return failed ? -1 : 0;
}

int
fl_noise_policy_rounds(const struct fl_noise_policy *p, uint64_t most, uint64_t *rounds)
{
    const double budget = fl_decimal_f64(&p->epsilon);
    uint64_t low = 0, high = most + 1; /* low is within the budget, high is not */
    double epsilon;

    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;
        if (fl_noise_policy_cost(p, middle, &epsilon))
            return -1;
        *(epsilon <= budget ? &low : &high) = middle;
    }
    *rounds = low;
    return 0;
}

/* ---- beside the rest of the roster ---- */

/* Helpers see the sum; what the hub reads beside it, or weighs by, is not hidden by their noise. */
static int
check_site(const struct fl_roster *r)
{
    if (r->protection != FL_PROTECTION_HELPERS)
        return fl_error(FL_USAGE, "noise: {site} is what helpers add; write protection: helpers, "
                                  "helpers and min_sum");
    if (r->weights.rule != FL_WEIGHT_UNIFORM)
        return fl_error(FL_USAGE, "noise: {site} hides what a site sends, and its weight travels "
                                  "beside it; write weights: {rule: uniform}");
    if (r->noise.accountant != FL_ACCOUNT_RDP)
        return fl_error(FL_USAGE,
                        "budget: accountant pld has no bound for discrete noise on many values; "
                        "write accountant: rdp with noise: {site}");
    for (size_t i = 0; i < r->rule_count; i++) {
        if (r->rules[i].protect == FL_PROTECT_HE)
            return fl_error(
                FL_USAGE,
                "tensors: \"%s\": protect he, where others can multiply what a site sent "
                "before noise: {site} is added; write mask, or noise: {local}",
                r->rules[i].match);
        if (r->rules[i].protect != FL_PROTECT_MASK && r->rules[i].protect != FL_PROTECT_FROZEN)
            return fl_error(FL_USAGE,
                            "tensors: \"%s\": protect %s, where noise: {site} adds none; write "
                            "mask or frozen",
                            r->rules[i].match, fl_protect_name(r->rules[i].protect));
    }
    return 0;
}

/* What the recipe says of noise is the same; LIKE, a decimal number, is what it must say. */
static int
check_setting(const char *key, double is, const struct fl_decimal *like)
{
    char text[FL_DECIMAL_TEXT];

    return is == fl_decimal_f64(like)
               ? 0
               : fl_error(FL_USAGE, "recipe: %s is not that of noise: {local}; write %s: %s", key,
                          key, fl_decimal_print(like, text));
}

static int
check_local(const struct fl_roster *r)
{
    const struct fl_noise_policy *p = &r->noise;
    const struct fl_recipe *recipe = &r->recipe;

    if (fl_decimal_f64(&p->rate) > 1)
        return fl_error(FL_USAGE, "noise: rate is the chance of a document to come into a step, "
                                  "at most 1");
    if (!(fl_decimal_f64(&p->multiplier) <= 127))
        return fl_error(FL_USAGE, "noise: multiplier of {local} is at most 127");
    if (r->weights.rule != FL_WEIGHT_UNIFORM && r->weights.rule != FL_WEIGHT_EXAMPLES)
        return fl_error(FL_USAGE, "weights: a loss tells of the text, and noise: {local} lets none "
                                  "leave; write rule uniform or examples");
    if (recipe->steps < 0)
        return 0;
    if (recipe->steps != p->steps)
        return fl_error(FL_USAGE, "recipe: has %lld steps, and noise: {local} %lld; write the same",
                        (long long)recipe->steps, (long long)p->steps);
    return check_setting("dp_clip", recipe->dp_clip, &p->clip) ||
                   check_setting("dp_noise", recipe->dp_noise, &p->multiplier) ||
                   check_setting("dp_rate", recipe->dp_rate, &p->rate)
               ? -1
               : 0;
}

int
fl_noise_policy_check(const struct fl_roster *r)
{
    const struct fl_noise_policy *p = &r->noise;
    double epsilon = 0;

    if (p->kind == FL_NOISE_NONE)
        return 0;
    if (!(fl_decimal_f64(&p->delta) <= 0.1))
        return fl_error(FL_USAGE, "budget: delta is the chance that epsilon says nothing; at most "
                                  "0.1, better below one in the number of units: 1e-6");
    if (p->kind == FL_NOISE_LOCAL)
        return check_local(r);
    if (check_site(r) || fl_noise_policy_cost(p, 1, &epsilon))
        return -1;
    if (epsilon <= fl_decimal_f64(&p->epsilon))
        return 0;
    return fl_error(FL_USAGE,
                    "budget: one round costs epsilon %.4g at delta %g, and the budget is %g: no "
                    "site could send anything; write a larger multiplier or epsilon",
                    epsilon, fl_decimal_f64(&p->delta), fl_decimal_f64(&p->epsilon));
}
