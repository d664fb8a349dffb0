/*
 * The formula is evaluated once, in doubles, and rounded to 2^-40 at the end: from there on a
 * weight is an integer, and sums of weights are exact.
 */
#include "fed/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/number.h"
#include "math/exact.h"
#include "math/power.h"

void
fl_weighting_release(struct fl_weighting *how)
{
    for (size_t i = 0; i < how->count; i++)
        free(how->bandwidths[i].site);
    free(how->bandwidths);
    *how = (struct fl_weighting){.rule = FL_WEIGHT_EXAMPLES};
}

double
fl_weighting_bandwidth(const struct fl_weighting *how, const char *site)
{
    for (size_t i = 0; site && i < how->count; i++)
        if (!strcmp(how->bandwidths[i].site, site))
            return how->bandwidths[i].mbit;
    return 0;
}

/* One "SITE=MBIT" of LEN characters. */
static int
add_bandwidth(struct fl_weighting *how, const char *text, size_t len)
{
    char *item = fl_strndup(text, len);
    char *equals = item ? strrchr(item, '=') : NULL;
    double mbit;

    if (!item)
        return -1;
    if (!equals || equals == item) {
        fl_error(FL_USAGE, "\"%s\" is not SITE=MBIT, a site and its Mbit/s", item);
        free(item);
        return -1;
    }
    *equals = '\0';
    if (fl_name_check(item)) {
        free(item);
        return -1;
    }
    struct fl_bandwidth *grown = fl_grow(how->bandwidths, how->count, &how->cap,
                                         sizeof *how->bandwidths);
    if (grown)
        how->bandwidths = grown;
    if (!grown || fl_parse_f64(equals + 1, 1e-6, 1e9, &mbit)) {
        free(item);
        return -1;
    }
    if (fl_weighting_bandwidth(how, item) > 0) {
        fl_error(FL_USAGE, "site \"%s\" is named twice; give it one bandwidth", item);
        free(item);
        return -1;
    }
    how->bandwidths[how->count++] = (struct fl_bandwidth){item, mbit};
    return 0;
}

int
fl_weighting_bandwidths(struct fl_weighting *how, const char *text)
{
    for (;;) {
        size_t len = strcspn(text, ",");
        if (add_bandwidth(how, text, len))
            return -1;
        if (!text[len])
            return 0;
        text += len + 1;
    }
}

int
fl_weighting_fill(struct fl_weighting *how, const char *rule, const double *alpha,
                  const char *const *bandwidths, size_t count)
{
    how->rule = (enum fl_weight_rule)fl_weight_rule_find(rule);
    how->alpha = alpha ? *alpha : FL_WEIGHT_ALPHA;
    if (how->rule != FL_WEIGHT_DYNAMIC && (alpha || count))
        return fl_error(FL_USAGE, "--alpha and --bandwidth belong to --weights dynamic");
    for (size_t i = 0; i < count; i++)
        if (fl_weighting_bandwidths(how, bandwidths[i]))
            return fl_error_about("--bandwidth");
    return 0;
}

static int
get_count(const struct fl_meta *update, const char *key, const char *rule, double *count)
{
    int64_t n;

    if (!fl_meta_find(update, key))
        return fl_error(FL_FAILED,
                        "has no \"%s\", which weights by %s need; make it with fl-train, or with "
                        "fl-diff --%s",
                        key, rule, key);
    if (fl_meta_get_i64(update, key, 1, (int64_t)1 << 53, &n))
        return -1;
    *count = (double)n;
    return 0;
}

static int
get_loss(const struct fl_meta *update, const char *rule, double *loss)
{
    if (!fl_meta_find(update, "loss.first"))
        return fl_error(FL_FAILED,
                        "has no \"loss.first\", which weights by %s need; make it with fl-train, "
                        "or with fl-diff --loss-first",
                        rule);
    return fl_meta_get_f64(update, "loss.first", loss);
}

static int
dynamic_weight(const struct fl_weighting *how, const struct fl_meta *update, double *raw)
{
    const struct fl_meta_item *site = fl_meta_find(update, "site");
    const char *name = site && site->type == FL_META_TEXT ? site->value.text : NULL;
    double bandwidth = fl_weighting_bandwidth(how, name);
    double loss = 0, tokens = 0;

    if (get_loss(update, "dynamic", &loss) || get_count(update, "tokens", "dynamic", &tokens))
        return -1;
    if (how->alpha != 0 && !name)
        return fl_error(FL_FAILED, "has no site, whose bandwidth would be its weight's; make it "
                                   "with --site NAME, or give --alpha 0 to leave bandwidths out");
    if (how->alpha != 0 && bandwidth == 0)
        return fl_error(
            FL_FAILED,
            "site \"%s\" has no bandwidth; give --bandwidth %s=MBIT, or --alpha 0 to leave it out",
            name, name);
    double factor = how->alpha != 0 ? fl_power(bandwidth, how->alpha) : 1;
    *raw = loss / (tokens / 1e6 * factor);
    if (*raw > 0 && *raw < FL_WEIGHT_DYNAMIC_MIN) {
        fl_error(FL_FAILED,
                 "its weight L / (D B^alpha) is %.3g, which steps of 2^-40 would distort", *raw);
        return how->alpha != 0 ? fl_error_cure("only ratios count, so give all bandwidths in a "
                                               "larger unit, Gbit/s say")
                               : fl_error_cure("weigh by examples, loss or uniformly");
    }
    return 0;
}

int
fl_weight_of(const struct fl_weighting *how, const struct fl_meta *update, double *weight)
{
    double raw = 1;
    int result = 0;

    switch (how->rule) {
    case FL_WEIGHT_EXAMPLES: result = get_count(update, "examples", "examples", &raw); break;
    case FL_WEIGHT_UNIFORM: break;
    case FL_WEIGHT_LOSS: result = get_loss(update, "loss", &raw); break;
    case FL_WEIGHT_DYNAMIC: result = dynamic_weight(how, update, &raw); break;
    }
    return result ? -1 : fl_exact_weight(raw, weight);
}

/* A number of the metadata, whole or not; NaN when it is not there. */
static double
number(const struct fl_meta *update, const char *key)
{
    const struct fl_meta_item *item = update ? fl_meta_find(update, key) : NULL;

    return !item                       ? NAN
           : item->type == FL_META_I64 ? (double)item->value.i64
           : item->type == FL_META_F64 ? item->value.f64
                                       : NAN;
}

double
fl_weight_raw(const struct fl_weight_policy *p, const struct fl_meta *update, double mbit)
{
    switch (p->rule) {
    case FL_WEIGHT_UNIFORM: return 1;
    case FL_WEIGHT_EXAMPLES: return number(update, "examples") / p->unit;
    case FL_WEIGHT_LOSS: return number(update, "loss.first");
    case FL_WEIGHT_DYNAMIC: break;
    }
    double factor = p->alpha != 0 ? fl_power(mbit / p->mbit, p->alpha) : 1;
    return number(update, "loss.first") / (number(update, "tokens") / p->tokens * factor);
}
