/*
 * A line of a round is found again by its session, so that a turn that was cut off costs nothing
 * the second time; an update that fl-train was paid for has a line without a price.
 */
#include "fed/round_paid.h"

#include <string.h>

#include "base/error.h"
#include "crypt/secret.h"
#include "fed/train_paid.h"

enum { HEX = 2 * FL_HASH_BYTES + 1 };

/* What a payment's words are made of. */
struct words {
    char tag[HEX], input[HEX];
    struct fl_buf event;
};

/* The update's own line, if it says that it was paid for. 0 or -1. */
static int
find_entry(const struct fl_round_payment *r, const unsigned char **entry)
{
    const struct fl_meta *meta = r->update ? &fl_object_head(r->update)->meta : NULL;

    *entry = NULL;
    if (!meta || !fl_meta_find(meta, "dp.entry"))
        return 0;
    return fl_meta_get_bytes(meta, "dp.entry", FL_HASH_BYTES, entry)
               ? fl_error_about(fl_object_name(r->update))
               : 0;
}

/* What an update that was paid for says of it; the unit is a word of a ledger. */
static int
find_claim(const struct fl_round_payment *r, struct fl_claim *c)
{
    const struct fl_meta *meta = &fl_object_head(r->update)->meta;

    if (fl_meta_get_text(meta, "dp.unit", &c->unit) || fl_meta_get_f64(meta, "dp.clip", &c->clip) ||
        fl_meta_get_f64(meta, "dp.noise", &c->noise) ||
        fl_meta_get_f64(meta, "dp.rate", &c->rate) ||
        fl_meta_get_i64(meta, "dp.steps", 0, INT64_MAX, &c->steps))
        return fl_error_about(fl_object_name(r->update));
    if (!strcmp(c->unit, "record") || !strcmp(c->unit, "passage"))
        return 0;
    return fl_error(FL_FAILED, "%s: its dp.unit is neither record nor passage",
                    fl_object_name(r->update));
}

/* The line ENTRY is of these numbers over this base: nobody gives it to another update. */
static int
find_paid_input(const struct fl_round_payment *r, unsigned char input[FL_HASH_BYTES])
{
    const unsigned char *base;

    if (fl_meta_get_bytes(&fl_object_head(r->update)->meta, "base", FL_HASH_BYTES, &base))
        return fl_error_about(fl_object_name(r->update));
    if (fl_object_params(r->update, r->pool, input))
        return -1;
    fl_train_paid_input(base, input, input);
    return 0;
}

/* Does the update hide its documents at least as well as the roster asks for? */
static int
check_noise(const struct fl_round_payment *r, const struct fl_payment *p)
{
    const struct fl_noise_policy *want = &r->plan->roster.noise;
    const char *file = fl_object_name(r->update), *may = r->plan->roster.recipe.dp_unit;
    const struct fl_claim *c = &p->claim;

    if (!p->entry)
        return fl_error(FL_REFUSED,
                        "%s: no ledger paid for it, and the roster asks for updates that hide the "
                        "documents of a site; train it with fl-train --dp-* --ledger",
                        file);
    if (c->clip == fl_decimal_f64(&want->clip) && c->noise >= fl_decimal_f64(&want->multiplier) &&
        c->rate <= fl_decimal_f64(&want->rate) && c->steps <= want->steps &&
        (!strcmp(c->unit, "record") || (may && !strcmp(may, c->unit))))
        return 0;
    return fl_error(FL_REFUSED,
                    "%s: hides a %s with clip %g, noise %g, rate %g and %lld steps, and the roster "
                    "asks for a %s with %g, %g, %g and %lld; train it as the roster says",
                    file, c->unit, c->clip, c->noise, c->rate, (long long)c->steps,
                    may ? may : "record", fl_decimal_f64(&want->clip),
                    fl_decimal_f64(&want->multiplier), fl_decimal_f64(&want->rate),
                    (long long)want->steps);
}

/* A site that helps paid for its own text when it masked; other sums have none of it. */
static bool
answers_as_site(const struct fl_round_payment *r)
{
    return r->answer && r->party < r->plan->roster.n;
}

/* What the roster says of noise, and its budget. */
static int
add_policy(struct fl_round_payment *r, struct fl_payment *p, struct words *w)
{
    const struct fl_noise_policy *policy = &r->plan->roster.noise;

    if (policy->kind == FL_NOISE_NONE || answers_as_site(r))
        return 0;
    p->limits[p->limit_count++] = fl_payment_agreed(policy);
    if (policy->kind == FL_NOISE_SITE) {
        if (fl_plan_event(r->plan, &w->event) || fl_buf_add_byte(&w->event, '\0'))
            return -1;
        p->line.event = (const char *)w->event.data;
        p->line.unit = "site";
        return 0;
    }
    if (r->answer)
        return 0;
    if (!p->entry) /* the budget is that of what the update hides, where it is known */
        p->line.unit = r->plan->roster.recipe.dp_unit ? r->plan->roster.recipe.dp_unit : "record";
    if (!r->input)
        return 0;
    return r->update
               ? check_noise(r, p)
               : fl_error(FL_REFUSED, "zeros say that this site did not train, and the roster "
                                      "hides its documents: a site without an update sends "
                                      "nothing");
}

static int
no_ledger(const struct fl_round_payment *r)
{
    if (r->answer)
        return 0;
    if (r->plan->roster.noise.kind != FL_NOISE_NONE)
        return fl_error(FL_USAGE, "--ledger FILE is missing: the roster hides people and says what "
                                  "may be told of them, which is counted for the whole life of "
                                  "their text; fl-account --new-ledger FILE makes one");
    if (fl_is_zero(r->state->ledger.id, sizeof r->state->ledger.id))
        return 0;
    return fl_error(FL_REFUSED, "--ledger FILE is missing: earlier rounds of this key are in the "
                                "ledger of its text; give the newest copy of it");
}

static int
prepare(struct fl_round_payment *r, struct fl_payment *p, struct words *w)
{
    *p = (struct fl_payment){.by = {r->key, r->plan->roster.digest, r->party},
                             .mark = r->state->ledger};
    fl_payment_limit(p, r->purse);
    fl_hex(w->tag, r->plan->sid, sizeof r->plan->sid);
    p->line = (struct fl_spent_line){.kind = r->answer ? "answer" : "round",
                                     .tag = w->tag,
                                     .unit = "site",
                                     .event = "-"};
    if (r->input) {
        fl_hex(w->input, r->input, FL_HASH_BYTES);
        p->line.input = w->input;
    }
    if (find_entry(r, &p->entry) ||
        (p->entry && (find_claim(r, &p->claim) || find_paid_input(r, p->entry_input))))
        return -1;
    if (p->entry)
        p->line.unit = p->claim.unit;
    r->bare = !p->entry && r->plan->roster.noise.kind == FL_NOISE_NONE;
    if (r->bare && r->update && r->purse->budget > 0)
        return fl_error(FL_REFUSED,
                        "%s: nothing hides what it tells, which no --budget allows; train it with "
                        "fl-train --dp-*, or leave out --budget",
                        fl_object_name(r->update));
    if (add_policy(r, p, w))
        return -1;
    if (r->bare || (r->answer && !strcmp(p->line.event, "-")))
        p->line.kind = NULL; /* nothing that a ledger could count: only that it is whole */
    return 0;
}

static int
pay(struct fl_round_payment *r, bool now)
{
    struct fl_payment p;
    struct words w = {.event = {0}};

    r->bare = false;
    if (r->purse && fl_purse_check(r->purse))
        return -1;
    if (!r->purse || !r->purse->ledger)
        return no_ledger(r);
    int failed = prepare(r, &p, &w) || (now ? fl_payment_make(&p) : fl_payment_check(&p));
    if (!failed && now)
        r->state->ledger = p.mark;
    fl_buf_release(&w.event);
    return failed ? -1 : 0;
}

int
fl_round_may_pay(struct fl_round_payment *r)
{
    return pay(r, false);
}

int
fl_round_pay(struct fl_round_payment *r)
{
    return pay(r, true);
}
