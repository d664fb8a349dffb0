/* Rows are made as text first, so that two rosters can be compared row by row. */
#include "sec/roster_show.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "sec/class.h"
#include "sec/fingerprint.h"
#include "sec/pace.h"

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
add_rule(struct rows *rows, const struct fl_roster *r, const struct fl_tensor_rule *rule,
         bool coarser)
{
    static const char *const words[] = {
        [FL_PROTECT_MASK] = "mask",
        [FL_PROTECT_PLAIN] = "plain (the hub reads each site's values)",
        [FL_PROTECT_FROZEN] = "frozen (not trained)",
        [FL_PROTECT_HE] = "he (encrypted; weaker than mask, see below)",
    };

    const bool exposed = rule->protect == FL_PROTECT_PLAIN || rule->protect == FL_PROTECT_HE;
    char bytes[40] = ""; /* of lanes in words of 8; those of a ciphertext depend on the model */

    if (rule->bits && rule->protect != FL_PROTECT_HE)
        snprintf(bytes, sizeof bytes, " (%.3g bytes a value)", 8.0 / (64 / rule->bits));
    if (!rule->bits) /* frozen, or of an update that travels as it is */
        add(rows, true, "tensors", "%s: %s", rule->match, words[rule->protect]);
    else
        add(rows, exposed, "tensors",
            "%s: %s, %u bits%s, values to +-%g in steps of %s%.3g to %.3g by weight", rule->match,
            words[rule->protect], rule->bits, bytes, rule->clip, coarser ? "at least " : "",
            1 / rule->scale, r->weights.cap / r->weights.floor / rule->scale);
}

/* Both halves of what encryption is worth, in one breath: the second is no footnote. */
static void
add_he(struct rows *rows, const struct fl_roster *r)
{
    if (!r->encrypts)
        return;
    add(rows, true, "he_holds",
        "against a hub that does anything: up to %lld sites, if they sent what fl-mask made, and "
        "%zu of the %zu helpers may tell it all that they know",
        (long long)r->min_sum - 2, r->m - 1, r->m);
    add(rows, true, "he_does_not_hold",
        "against one site that sends what fl-mask did not make: by that whoever reads uploads and "
        "answers (the hub; once there is a mean, any party) reads the encrypted values of every "
        "site; protect: mask does not have this weakness");
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

    if (r->protection == FL_PROTECTION_NONE) {
        add(rows, absent > 0, "absent", "%lld of %lld sites may be missing in a round", absent, n);
        add(rows, true, "collude", "nobody need: the hub reads every update by itself");
        return;
    }
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
        "%lld sites it cannot%s",
        r->m, (long long)r->min_sum - 2,
        r->encrypts ? ", but for encrypted values as he_does_not_hold says" : "");
    add(rows, r->replay_count == 0, "mean", "%s",
        r->replay_count
            ? "one of those named under replay must be honest, or the hub may publish a "
              "false mean"
            : "recomputed by each helper before it answers again; anybody else can with "
              "fl-aggregate --verify");
}

/* ---- noise ---- */

/* The noise of a mean beside the longest update, for a model of D values that are not rounded. */
static double
noise_length(const struct fl_roster *r, double d)
{
    return fl_decimal_f64(&r->noise.multiplier) * sqrt((double)r->m * d) / (double)r->n;
}

/* So that nobody buys a round whose mean is noise and nothing else. */
static void
add_noise_length(struct rows *rows, const struct fl_roster *r, const struct fl_bound *b)
{
    if (!b) {
        add(rows, true, "noise_length",
            "in a mean of %zu sites with the noise of %zu helpers it is %.3g times as long as the "
            "longest update of one for 10,000 values, %.3g times for 1,000,000; -m MODEL says it "
            "of the roster's model",
            r->n, r->m, noise_length(r, 1e4), noise_length(r, 1e6));
        return;
    }
    const double length = fl_bound_noise_length(b, r->n), price = fl_bound_price(b);
    add(rows, true, "noise_length",
        "in a mean of %zu sites with the noise of %zu helpers it is %.3g times as long as the "
        "longest update of one (%llu values)%s",
        r->n, r->m, length, (unsigned long long)b->d,
        length > 1 ? ": such a mean is noise more than anything else" : "");
    add(rows, price > 1.05, "noise_rounding",
        "to whole numbers makes the longest update %.3g times as long, and the noise with it%s",
        price, price > 1.05 ? ": more bits would make less of it" : "");
    add(rows, false, "noise_steps",
        "each helper's deviation is %lu steps of %.3g; a sum has room for all of it but once in "
        "2^40 rounds",
        (unsigned long)b->sigma, 1 / b->scale);
}

/* What a round, and all that the epoch may have, costs a unit; and how many the budget pays for. */
static void
add_budget(struct rows *rows, const struct fl_roster *r)
{
    const struct fl_noise_policy *p = &r->noise;
    const uint64_t all = (uint64_t)r->max_age;
    const char *unit = p->kind == FL_NOISE_SITE ? "a site" : "a document";
    const char *by = fl_accountant_name(p->accountant);
    const double delta = fl_decimal_f64(&p->delta);
    double one = INFINITY, epoch = INFINITY;
    uint64_t rounds = 0;

    if (fl_noise_policy_cost(p, 1, &one) || fl_noise_policy_cost(p, all, &epoch) ||
        fl_noise_policy_rounds(p, all, &rounds)) {
        rows->failed = true;
        return;
    }
    add(rows, true, "epsilon",
        "of %s, added or removed: %.4g for one round, %.4g for all %llu that the epoch may have, "
        "at delta %g by %s",
        unit, one, epoch, (unsigned long long)all, delta, by);
    add(rows, true, "budget", "epsilon %g at delta %g by %s: pays for %llu of %llu rounds%s",
        fl_decimal_f64(&p->epsilon), delta, by, (unsigned long long)rounds, (unsigned long long)all,
        rounds < all ? "; after these a site sends nothing more" : "");
}

static void
add_noise(struct rows *rows, const struct fl_roster *r, const struct fl_bound *b)
{
    const struct fl_noise_policy *p = &r->noise;
    const double clip = fl_decimal_f64(&p->clip), z = fl_decimal_f64(&p->multiplier);

    switch (p->kind) {
    case FL_NOISE_NONE: add(rows, false, "noise", "none"); return;
    case FL_NOISE_SITE:
        add(rows, true, "noise",
            "site: updates are cut to the length %g, and each helper adds noise of %g times that "
            "to every value of the sum, which hides one site's update from whoever reads sums; one "
            "honest helper is enough, and sites that are missing change nothing",
            clip, z);
        add_noise_length(rows, r, b);
        break;
    case FL_NOISE_LOCAL:
        add(rows, true, "noise",
            "local: each site trains with gradients of documents cut to %g, noise of %g times "
            "that, and each document in a step by the chance %g, %lld steps an update, which hides "
            "one document; a person with many is hidden as many times worse",
            clip, z, fl_decimal_f64(&p->rate), (long long)p->steps);
        break;
    }
    add_budget(rows, r);
}

/* ---- all of it ---- */

static void
add_pace(struct rows *rows, const struct fl_roster *r)
{
    if (r->delay)
        add(rows, true, "delay", "%s", fl_pace_delay_words);
    if (r->stale)
        add(rows, true, "stale",
            "%lld: a round is over when updates of %lld sites are there, or at its deadline; one "
            "that began A models before counts (1 + A)^-0.5 of its weight, of at most %lld",
            (long long)r->stale, (long long)r->min_sum, (long long)r->stale);
}

static void
add_limits(struct rows *rows, const struct fl_roster *r, const struct fl_bound *noise)
{
    add(rows, r->steps != 64, "steps", "%g", r->steps);
    if (r->move == 0)
        add(rows, true, "move",
            "0: only rounds over the same model are near; a hub that publishes "
            "nearly the same model twice can compare two sums");
    else
        add(rows, r->move != 1.0 / 64, "move", "%g", r->move);
    add_noise(rows, r, noise);
    add(rows, r->max_open != 4, "max_open", "%lld", (long long)r->max_open);
    add(rows, r->max_skip != 1024, "max_skip", "%lld", (long long)r->max_skip);
    add(rows, r->max_age != 1000, "max_age", "%lld", (long long)r->max_age);
}

static void
make_rows(struct rows *rows, const struct fl_roster *r, const struct fl_bound *noise)
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
    add(rows, r->protection != FL_PROTECTION_PAIRWISE, "protection", "%s%s",
        fl_protection_name(r->protection),
        r->protection == FL_PROTECTION_NONE ? ": the hub reads every site's update" : "");
    add_helpers(rows, r);
    add(rows, false, "min_sum", "%lld", (long long)r->min_sum);
    add_trust(rows, r);
    add_pace(rows, r);
    add_weights(rows, r);
    for (size_t i = 0; i < r->rule_count; i++)
        add_rule(rows, r, &r->rules[i], r->noise.kind == FL_NOISE_SITE && !noise);
    add_he(rows, r);
    add_limits(rows, r, noise);
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

static void
put_all(const struct rows *now, const struct fl_roster *r, const struct fl_roster *last,
        struct fl_report *report)
{
    struct rows before = {0};

    for (size_t i = 0; i < now->count; i++)
        put(report, now->items[i].item, "", now->items[i].value);
    for (size_t i = 0; i < now->count; i++)
        if (now->items[i].differs)
            put(report, "not_default", now->items[i].item, now->items[i].value);
    if (!last)
        return;
    make_rows(&before, last, NULL);
    put_difference(report, "new", now, &before);
    put_difference(report, "gone", &before, now);
    put_keys(report, r, last);
    report->failed |= before.failed;
    release(&before);
}

/* ---- over the model ---- */

/* What a class or a tensor of it takes. */
static void
add_cost(struct rows *rows, const struct fl_roster *r, const char *item, const char *name,
         const char *class, const struct fl_class_cost *c)
{
    char helped[100] = "";

    if (r->m)
        snprintf(helped, sizeof helped,
                 ", %llu of a helper's answer, who reads %llu of each upload",
                 (unsigned long long)c->answer_bytes, (unsigned long long)c->reading_bytes);
    add(rows, false, item, "%s: %s%s%llu values, %llu bytes of an upload, %llu of the mean%s", name,
        class, *class ? ", " : "", (unsigned long long)c->values, (unsigned long long)c->up_bytes,
        (unsigned long long)c->down_bytes, helped);
}

/* What the hub's disk shows, and then who must work together to see more. */
static void
add_seen(struct rows *rows, const struct fl_roster *r, int class)
{
    static const char *const words[] = {
        "each site's values, which tell its weight, and, as rows of an embedding that moved, its "
        "tokens",
        "the sum that is opened; one site's values ",
        "the sum that is opened; one site's values with all helpers, or when one site cheats",
        "nothing: these do not travel",
    };
    char more[100] = "";

    if (class == FL_CLASS_MASK && r->m)
        snprintf(more, sizeof more, "with all helpers, but not with all but one and %lld sites",
                 (long long)r->min_sum - 2);
    else if (class == FL_CLASS_MASK)
        snprintf(more, sizeof more, "with the %zu others", r->n - 1);
    add(rows, false, "class_seen", "%s: who reads the hub's disk sees %s%s", fl_class_names[class],
        words[class], more);
}

static void
make_classes(struct rows *rows, const struct fl_plan *plan, bool tensors)
{
    struct fl_class_cost costs[FL_CLASSES], cost;
    size_t at = 0;

    fl_classes_count(plan, costs);
    for (int c = 0; c < FL_CLASSES; c++) {
        if (!costs[c].values)
            continue;
        add_cost(rows, &plan->roster, "class", fl_class_names[c], "", &costs[c]);
        add_seen(rows, &plan->roster, c);
    }
    for (size_t i = 0; tensors && i < plan->model.count; i++) {
        const char *class = fl_class_names[fl_class_tensor(plan, i, &at, &cost)];
        add_cost(rows, &plan->roster, "tensor", plan->model.items[i].tensor.name, class, &cost);
    }
}

int
fl_roster_show(const struct fl_roster *r, const struct fl_roster_view *view,
               struct fl_report *report)
{
    struct fl_object *model = view->model;
    char fingerprint[FL_FINGERPRINT_TEXT], digest[65];
    struct fl_plan plan = {0};
    struct rows now = {0}, over = {0};

    if (model && fl_plan_preview(&plan, r, model))
        return -1;
    make_rows(&now, model ? &plan.roster : r, plan.noise.sigma ? &plan.noise : NULL);
    put_all(&now, r, view->last, report);
    if (model)
        make_classes(&over, &plan, view->tensors);
    for (size_t i = 0; i < over.count; i++)
        put(report, over.items[i].item, "", over.items[i].value);
    if (view->words) {
        fl_fingerprint_text(fingerprint, r->digest);
        fl_hex(digest, r->digest, sizeof r->digest);
        put(report, "digest", "", digest);
        put(report, "words", "", fingerprint);
    }
    report->failed |= now.failed || over.failed;
    release(&now);
    release(&over);
    fl_plan_release(&plan);
    return 0;
}
