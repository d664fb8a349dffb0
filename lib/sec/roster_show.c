/* Rows are made as text first, so that two rosters can be compared row by row. */
#include "sec/roster_show.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "sec/fingerprint.h"

const char *const fl_roster_show_columns[] = {"item", "value", NULL};

struct row {
    const char *item;
    char *value;
    bool differs; /* from the default, where there is one */
};

struct rows {
    struct row *items;
    size_t count, cap;
    bool failed;
};

static void add(struct rows *rows, bool differs, const char *item, const char *format, ...)
    FL_PRINTF(4, 5);

static void
add(struct rows *rows, bool differs, const char *item, const char *format, ...)
{
    struct row *grown = fl_grow(rows->items, rows->count, &rows->cap, sizeof *grown);
    char text[1200];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (grown)
        rows->items = grown;
    char *value = grown ? fl_strdup(text) : NULL;
    if (!value) {
        rows->failed = true;
        return;
    }
    grown[rows->count++] = (struct row){item, value, differs};
}

static void
release(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        free(rows->items[i].value);
    free(rows->items);
}

static void
add_weights(struct rows *rows, const struct fl_roster *r)
{
    const struct fl_weight_policy *w = &r->weights;
    const bool uniform = w->rule == FL_WEIGHT_UNIFORM;

    switch (w->rule) {
    case FL_WEIGHT_UNIFORM:
        add(rows, false, "weights", "uniform: every site counts the same");
        break;
    case FL_WEIGHT_EXAMPLES:
        add(rows, true, "weights", "examples: a site's documents / %g, from %g to %g", w->unit,
            w->floor, w->cap);
        break;
    case FL_WEIGHT_LOSS:
        add(rows, true, "weights", "loss: a site's loss before training, from %g to %g", w->floor,
            w->cap);
        break;
    case FL_WEIGHT_DYNAMIC:
        add(rows, true, "weights",
            "dynamic: loss / ((tokens / %g) * (Mbit/s / %g)^%g), from %g to %g", w->tokens, w->mbit,
            w->alpha, w->floor, w->cap);
        break;
    }
    if (!uniform)
        add(rows, !w->hide, "weights_hide", "%s",
            w->hide
                ? "yes: no two sums of the epoch show the weight of who is missing in one"
                : "no: a changed set of sites shows the weight (count, loss) of who is missing");
    double ratio = w->cap / w->floor;
    add(rows, false, "largest_share", "%.3g of a sum of %lld sites, %.3g of two sites",
        ratio / (ratio + (double)r->min_sum - 1), (long long)r->min_sum, ratio / (ratio + 1));
}

static void
add_rule(struct rows *rows, const struct fl_roster *r, const struct fl_tensor_rule *rule)
{
    static const char *const words[] = {
        [FL_PROTECT_MASK] = "mask",
        [FL_PROTECT_PLAIN] = "plain (the hub reads each site's values)",
        [FL_PROTECT_FROZEN] = "frozen (not trained)",
        [FL_PROTECT_HE] = "he (encrypted; weaker than mask, see below)",
    };

    const int lanes = rule->bits ? 64 / (int)rule->bits : 1; /* of a word of 8 bytes */
    const bool exposed = rule->protect == FL_PROTECT_PLAIN || rule->protect == FL_PROTECT_HE;

    if (rule->protect == FL_PROTECT_FROZEN)
        add(rows, true, "tensors", "%s: %s", rule->match, words[rule->protect]);
    else
        add(rows, exposed, "tensors",
            "%s: %s, %u bits (%.3g bytes a value), values to +-%g in steps of %.3g to %.3g by "
            "weight",
            rule->match, words[rule->protect], rule->bits, 8.0 / lanes, rule->clip, 1 / rule->scale,
            r->weights.cap / r->weights.floor / rule->scale);
}

/* Both halves of what encryption is worth, in one breath: the second is no footnote. */
static void
add_he(struct rows *rows, const struct fl_roster *r)
{
    if (!r->encrypts)
        return;
    add(rows, true, "he_holds",
        "against a hub that does anything, or against sites that cheat: up to %lld sites and %zu "
        "of "
        "the %zu helpers may tell the hub all that they know",
        (long long)r->n - 2, r->m - 1, r->m);
    add(rows, true, "he_does_not_hold",
        "against the hub and one site that sends what fl-mask did not make: together they read the "
        "encrypted values of any other site; protect: mask does not have this weakness");
}

static void
add_helpers(struct rows *rows, const struct fl_roster *r)
{
    for (size_t h = 0; h < r->m; h++)
        add(rows, true, "helper", "%s%s", r->parties[r->helpers[h]].name,
            r->helpers[h] < r->n ? "" : " (no site)");
    for (size_t i = 0; i < r->replay_count; i++)
        add(rows, true, "replay", "%s", r->parties[r->replay[i]].name);
}

static void
add_trust(struct rows *rows, const struct fl_roster *r)
{
    const long long n = (long long)r->n, absent = n - (long long)r->min_sum;

    if (r->protection == FL_PROTECTION_PAIRWISE) {
        add(rows, false, "absent", "none: a sum opens when all %lld sites are in it", n);
        add(rows, false, "collude",
            "the hub and %lld sites together can read the update of the one that is left; with "
            "fewer sites it reads sums of at least two",
            n - 1);
        return;
    }
    add(rows, false, "absent",
        "%lld of %lld sites may be missing in a round; none of the %zu helpers, without whom no "
        "sum "
        "opens",
        absent, n, r->m);
    add(rows, false, "collude",
        "the hub together with all %zu helpers can read every update; with all helpers but one and "
        "%lld sites it cannot",
        r->m, (long long)r->min_sum - 2);
    add(rows, r->replay_count == 0, "mean", "%s",
        r->replay_count
            ? "one of those named under replay must be honest, or the hub may publish a "
              "false mean"
            : "recomputed by each helper before it answers again; anybody else can with "
              "fl-aggregate --verify");
}

static void
add_limits(struct rows *rows, const struct fl_roster *r)
{
    add(rows, r->steps != 64, "steps", "%g", r->steps);
    if (r->move == 0)
        add(rows, true, "move",
            "0: only rounds over the same model are near; a hub that publishes "
            "nearly the same model twice can compare two sums");
    else
        add(rows, r->move != 1.0 / 64, "move", "%g", r->move);
    add(rows, false, "noise", "none");
    add(rows, r->max_open != 4, "max_open", "%lld", (long long)r->max_open);
    add(rows, r->max_skip != 1024, "max_skip", "%lld", (long long)r->max_skip);
    add(rows, r->max_age != 1000, "max_age", "%lld", (long long)r->max_age);
}

static void
make_rows(struct rows *rows, const struct fl_roster *r)
{
    char model[65], recipe[FL_RECIPE_WORDS];

    fl_hex(model, r->model, sizeof r->model);
    add(rows, false, "federation", "%s", r->federation);
    add(rows, false, "epoch", "%lld", (long long)r->epoch);
    add(rows, r->first_round != 0, "first_round", "%lld", (long long)r->first_round);
    add(rows, false, "model", "%s", model);
    if (r->contracted) {
        fl_hex(model, r->contract, sizeof r->contract);
        add(rows, false, "contract", "%s", model);
    }
    if (r->apply == FL_APPLY_SGD)
        add(rows, r->lr != 1, "apply", "sgd, lr %g", r->lr);
    else
        add(rows, true, "apply", "%s, lr %g, momentum %g", fl_apply_rule_name(r->apply), r->lr,
            r->momentum);
    add(rows, false, "hub", "%s", r->hub.name);
    for (size_t i = 0; i < r->n; i++)
        add(rows, false, "site", "%s", r->parties[i].name);
    add(rows, r->protection != FL_PROTECTION_PAIRWISE, "protection", "%s",
        r->protection == FL_PROTECTION_PAIRWISE ? "pairwise" : "helpers");
    add_helpers(rows, r);
    add(rows, false, "min_sum", "%lld", (long long)r->min_sum);
    add_trust(rows, r);
    add_weights(rows, r);
    for (size_t i = 0; i < r->rule_count; i++)
        add_rule(rows, r, &r->rules[i]);
    add_he(rows, r);
    add_limits(rows, r);
    if (*fl_recipe_words(&r->recipe, recipe))
        add(rows, true, "recipe", "%s", recipe);
    add(rows, r->psk, "psk", "%s", r->psk ? "yes: a secret that all parties shared before" : "no");
}

static bool
has(const struct rows *rows, const struct row *row)
{
    for (size_t i = 0; i < rows->count; i++)
        if (!strcmp(rows->items[i].item, row->item) && !strcmp(rows->items[i].value, row->value))
            return true;
    return false;
}

static void
put(struct fl_report *report, const char *item, const char *about, const char *value)
{
    struct fl_buf text = {0};

    fl_report_text(report, item);
    if (!fl_buf_printf(&text, "%s%s%s", about, *about ? ": " : "", value))
        fl_report_text(report, fl_buf_text(&text));
    else
        fl_report_text(report, value);
    fl_buf_release(&text);
}

/* Rows of A that B has not. O(rows^2) of short texts; 10,000 sites take a second. */
static void
put_difference(struct fl_report *report, const char *item, const struct rows *a,
               const struct rows *b)
{
    for (size_t i = 0; i < a->count; i++)
        if (!has(b, &a->items[i]))
            put(report, item, a->items[i].item, a->items[i].value);
}

static void
put_key(struct fl_report *report, const struct fl_roster *last, const struct fl_line *line)
{
    int64_t party = fl_roster_find(last, line->name);
    const struct fl_line *before = party < 0 ? NULL : fl_roster_line(last, (uint32_t)party);
    char text[FL_SITE_MAX + 40];

    if (!before || !memcmp(before->sign, line->sign, sizeof line->sign))
        return;
    snprintf(text, sizeof text, "%s: not the one of before", line->name);
    put(report, "new", "signing key", text);
}

/* A name that is there in both may hide that somebody else has it now. */
static void
put_keys(struct fl_report *report, const struct fl_roster *r, const struct fl_roster *last)
{
    for (size_t i = 0; i < r->party_count; i++)
        put_key(report, last, &r->parties[i]);
    put_key(report, last, &r->hub);
}

void
fl_roster_show(const struct fl_roster *r, const struct fl_roster *last, bool words,
               struct fl_report *report)
{
    struct rows now = {0}, before = {0};
    char fingerprint[FL_FINGERPRINT_TEXT], digest[65];

    make_rows(&now, r);
    for (size_t i = 0; i < now.count; i++)
        put(report, now.items[i].item, "", now.items[i].value);
    for (size_t i = 0; i < now.count; i++)
        if (now.items[i].differs)
            put(report, "not_default", now.items[i].item, now.items[i].value);
    if (last) {
        make_rows(&before, last);
        put_difference(report, "new", &now, &before);
        put_difference(report, "gone", &before, &now);
        put_keys(report, r, last);
    }
    if (words) {
        fl_fingerprint_text(fingerprint, r->digest);
        fl_hex(digest, r->digest, sizeof r->digest);
        put(report, "digest", "", digest);
        put(report, "words", "", fingerprint);
    }
    report->failed |= now.failed || before.failed;
    release(&now);
    release(&before);
}
