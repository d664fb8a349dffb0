/*
 * What a roster's numbers mean together. Every refusal says which numbers would do: people who
 * write a roster cannot know how bits, clip, sites and weights limit each other.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "sec/pace.h"
#include "sec/roster_he.h"
#include "sec/roster.h"

double
fl_roster_scale(size_t n, unsigned bits, double clip)
{
    const uint64_t most = ((UINT64_C(1) << (bits - 1)) - 1) / n;
    int exponent;

    frexp((double)most / clip, &exponent);
    for (; exponent > -60; exponent--) { /* begin above and come down */
        double scale = ldexp(1, exponent);
        if (clip * scale < 0x1p62 && (uint64_t)ceil(clip * scale) <= most)
            return most ? scale : 0;
    }
    return 0;
}

double
fl_roster_steps(const struct fl_roster *r, const struct fl_tensor_rule *rule)
{
    return rule->clip * rule->scale * r->weights.floor / r->weights.cap;
}

static int
compare_names(const void *a, const void *b)
{
    const struct fl_line *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static int
compare_sign(const void *a, const void *b)
{
    const struct fl_line *const *x = a, *const *y = b;

    return memcmp((*x)->sign, (*y)->sign, sizeof(*x)->sign);
}

static int
compare_dh(const void *a, const void *b)
{
    const struct fl_line *const *x = a, *const *y = b;

    return memcmp((*x)->dh, (*y)->dh, sizeof(*x)->dh);
}

/* No name and no key is there twice, the hub's included. O(n log n). */
static int
check_unique(const struct fl_roster *r)
{
    int (*const order[])(const void *, const void *) = {compare_names, compare_sign, compare_dh};
    const size_t count = r->party_count + 1;
    const struct fl_line **lines = fl_alloc(count, sizeof *lines);
    int failed = !lines;

    for (int k = 0; k < 3 && !failed; k++) {
        for (size_t i = 0; i < count; i++)
            lines[i] = i < r->party_count ? &r->parties[i] : &r->hub;
        qsort(lines, count, sizeof *lines, order[k]);
        for (size_t i = 1; i < count && !failed; i++) {
            if (order[k](&lines[i - 1], &lines[i]))
                continue;
            failed = k ? fl_error(FL_REFUSED,
                                  "\"%s\" and \"%s\" have the same key; each makes its own with "
                                  "fl-keygen",
                                  lines[i - 1]->name, lines[i]->name)
                       : fl_error(FL_REFUSED, "the name \"%s\" is there twice; names must differ",
                                  lines[i]->name);
        }
    }
    free(lines);
    return failed ? -1 : 0;
}

static int
check_parties(const struct fl_roster *r)
{
    const long long n = (long long)r->n, min_sum = (long long)r->min_sum;

    if (r->n < FL_SITES_MIN)
        return fl_error(FL_USAGE,
                        "has %lld sites; at least %d are needed, since each of two would learn the "
                        "other's update from the sum",
                        n, FL_SITES_MIN);
    if (r->protection != FL_PROTECTION_HELPERS && (r->m || r->replay_count))
        return fl_error(FL_USAGE,
                        "protection %s has neither helpers nor replay; write "
                        "protection: helpers, or leave them out",
                        fl_protection_name(r->protection));
    if (r->protection == FL_PROTECTION_PAIRWISE && min_sum != n)
        return fl_error(
            FL_USAGE,
            "min_sum: with protection pairwise a sum opens only when all %lld sites are "
            "in it; leave min_sum out, or write protection: helpers",
            n);
    if (r->protection == FL_PROTECTION_HELPERS && r->m < FL_HELPERS_MIN)
        return fl_error(FL_USAGE,
                        "has %zu helpers; protection helpers needs %d to %d, since one alone and "
                        "the hub together could read every update",
                        r->m, FL_HELPERS_MIN, FL_HELPERS_MAX);
    const int least = r->protection == FL_PROTECTION_NONE ? 1 : FL_SITES_MIN;
    if (min_sum < least || min_sum > n)
        return fl_error(FL_USAGE, "min_sum: %lld is not from %d to the number of sites, %lld",
                        min_sum, least, n);
    return fl_pace_check(r);
}

static int
check_weights(const struct fl_roster *r)
{
    const struct fl_weight_policy *w = &r->weights;
    const bool uniform = w->rule == FL_WEIGHT_UNIFORM;

    if (!(w->floor >= 1e-9 && w->cap <= 1e9 && w->floor <= w->cap))
        return fl_error(FL_USAGE,
                        "weights: floor %g and cap %g; floor must be at most cap, both from 1e-9 "
                        "to 1e9",
                        w->floor, w->cap);
    if (uniform && (w->floor != 1 || w->cap != 1))
        return fl_error(FL_USAGE, "weights: under rule uniform every site counts 1; leave out "
                                  "floor and cap");
    if (!(w->alpha >= 0 && w->alpha <= 4) || !(w->tokens >= 1 && w->tokens <= 1e15) ||
        !(w->mbit >= 1e-6 && w->mbit <= 1e9) || !(w->unit >= 1 && w->unit <= 1e15))
        return fl_error(FL_USAGE, "weights: alpha, tokens, mbit or unit is out of its range");
    if (r->protection != FL_PROTECTION_NONE && w->cap / w->floor > (double)(r->min_sum - 1))
        return fl_error(FL_USAGE,
                        "weights: cap %g is %g times floor %g; at most %lld times (min_sum - 1) "
                        "would do, so that no site is more than half of a least sum of %lld",
                        w->cap, w->cap / w->floor, w->floor, (long long)r->min_sum - 1,
                        (long long)r->min_sum);
    return 0;
}

/* The fewest bits with which RULE has the steps that are asked for; 0 when no lane has. */
static unsigned
enough_bits(const struct fl_roster *r, const struct fl_tensor_rule *rule)
{
    for (unsigned bits = rule->bits; bits < 64;) {
        struct fl_tensor_rule trial = *rule;
        bits = bits < 32 ? bits + 1 : 64;
        trial.scale = fl_roster_scale(r->n, bits, rule->clip);
        if (fl_roster_steps(r, &trial) >= r->steps)
            return bits;
    }
    return 0;
}

/* X, from 1 on, with its first three digits: not above it, so that what is advised will do. */
static double
three_digits(double x)
{
    double unit = pow(10, floor(log10(x)) - 2);

    return floor(x / unit * (1 + 1e-12)) * unit;
}

/* Where nothing is masked, a rule that promises it would be a lie. */
static int
check_plain_rule(const struct fl_tensor_rule *rule)
{
    if (rule->protect == FL_PROTECT_PLAIN && !rule->bits && rule->clip == 0)
        return 0;
    return fl_error(FL_USAGE,
                    "tensors: \"%s\": with protection none updates travel as they are; a rule is "
                    "{match: \"*\", protect: plain}, or frozen",
                    rule->match);
}

static int
check_rule(const struct fl_roster *r, struct fl_tensor_rule *rule)
{
    if (!*rule->match || strlen(rule->match) > FL_FLT_NAME_MAX)
        return fl_error(FL_USAGE, "tensors: a pattern is empty or longer than %d bytes",
                        FL_FLT_NAME_MAX);
    if (rule->protect == FL_PROTECT_FROZEN)
        return rule->bits || rule->clip != 0
                   ? fl_error(FL_USAGE, "tensors: \"%s\": frozen has no bits and clip", rule->match)
                   : 0;
    if (r->protection == FL_PROTECTION_NONE)
        return check_plain_rule(rule);
    if (rule->bits < 8 || (rule->bits > 32 && rule->bits != 64) ||
        !(rule->clip >= 1e-9 && rule->clip <= 1e9))
        return fl_error(FL_USAGE,
                        "tensors: \"%s\": bits %u, clip %g; bits are 8 to 32 or 64, a clip is from "
                        "1e-9 to 1e9",
                        rule->match, rule->bits, rule->clip);
    rule->scale = fl_roster_scale(r->n, rule->bits, rule->clip);
    double steps = fl_roster_steps(r, rule);
    if (steps >= r->steps)
        return 0;
    unsigned bits = enough_bits(r, rule);
    if (!bits)
        return fl_error(FL_USAGE,
                        "tensors: \"%s\": no lane has %g steps for a site of the least "
                        "weight; weights: a cap nearer to floor would do",
                        rule->match, r->steps);
    double cap = steps * r->weights.cap / r->weights.floor / r->steps;
    fl_error(
        FL_USAGE,
        "tensors: \"%s\": with %u bits and %zu sites one of the least weight has %.3g steps up "
        "to the clip, and %g are asked for",
        rule->match, rule->bits, r->n, steps, r->steps);
    return cap < 1 ? fl_error_cure("bits: %u would do", bits)
                   : fl_error_cure("bits: %u would do, or a cap of at most %.3g times floor", bits,
                                   three_digits(cap));
}

static int
check_he_rule(struct fl_roster *r, const struct fl_tensor_rule *rule)
{
    if (rule->bits > 32)
        return fl_error(
            FL_USAGE,
            "tensors: \"%s\": protect he with %u bits; lanes of 8 to 32 bits are packed "
            "into ciphertexts",
            rule->match, rule->bits);
    r->encrypts = true;
    return 0;
}

static int
check_rules(struct fl_roster *r)
{
    size_t masked = 0;

    for (size_t i = 0; i < r->rule_count; i++) {
        if (check_rule(r, &r->rules[i]))
            return -1;
        if (r->rules[i].protect == FL_PROTECT_HE && check_he_rule(r, &r->rules[i]))
            return -1;
        masked += r->rules[i].protect == FL_PROTECT_MASK || r->rules[i].protect == FL_PROTECT_HE;
    }
    if (!masked && r->protection != FL_PROTECTION_NONE)
        return fl_error(FL_USAGE, "tensors: no rule masks anything; a rule with protect: mask is "
                                  "what the sites' updates are hidden by");
    return 0;
}

int
fl_roster_check(struct fl_roster *r)
{
    if (!(r->lr > 0 && r->lr <= 1e6) || !(r->momentum >= 0 && r->momentum < 1))
        return fl_error(FL_USAGE, "apply: lr %g must be above 0, momentum %g from 0 to below 1",
                        r->lr, r->momentum);
    if (r->apply == FL_APPLY_SGD && r->momentum != 0)
        return fl_error(FL_USAGE, "apply: momentum belongs to rules momentum and nesterov");
    if (!(r->steps >= FL_STEPS_MIN) || !(r->move >= 0))
        return fl_error(FL_USAGE, "steps: %g must be at least %d, and move: %g at least 0",
                        r->steps, FL_STEPS_MIN, r->move);
    char words[FL_RECIPE_WORDS];
    if (*fl_recipe_words(&r->recipe, words) && (r->recipe.steps < 0 || r->recipe.epochs >= 0))
        return fl_error(FL_USAGE, "recipe: says %s; needed are steps, and no epochs", words);
    return check_parties(r) || check_unique(r) || check_weights(r) || check_rules(r) ||
                   fl_roster_he_check(r) || fl_noise_policy_check(r)
               ? -1
               : 0;
}
