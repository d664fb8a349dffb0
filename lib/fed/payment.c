/*
 * All that is refused is refused under the lock and before a byte is written; who only asks before
 * long work takes no lock, and is asked again.
 */
#include "fed/payment.h"

#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "os/file.h"

int
fl_purse_check(const struct fl_purse *purse)
{
    if (!purse->ledger)
        return purse->budget > 0
                   ? fl_error(FL_USAGE, "--budget limits what a ledger says is spent; name it with "
                                        "--ledger FILE")
                   : 0;
    return strcmp(purse->ledger, "-")
               ? 0
               : fl_error(FL_USAGE, "--ledger: is read again and replaced, so it must be a file");
}

void
fl_payment_limit(struct fl_payment *p, const struct fl_purse *purse)
{
    p->ledger = purse->ledger;
    if (purse->budget > 0)
        p->limits[p->limit_count++] = (struct fl_limit){"--budget", purse->budget, purse->delta,
                                                        FL_ACCOUNT_RDP};
    if (purse->agreed.whose)
        p->limits[p->limit_count++] = purse->agreed;
}

struct fl_limit
fl_payment_agreed(const struct fl_noise_policy *policy)
{
    return (struct fl_limit){"the roster's budget", fl_decimal_f64(&policy->epsilon),
                             fl_decimal_f64(&policy->delta), policy->accountant};
}

static int
check_limit(const struct fl_payment *p, const struct fl_spent *s, const struct fl_limit *limit)
{
    double spent, then;
    uint64_t releases;
    const char *more = strcmp(p->line.event, "-") ? p->line.event : NULL;

    if (fl_spent_epsilon(s, p->line.unit, NULL, limit->delta, limit->accountant, &spent,
                         &releases) ||
        fl_spent_epsilon(s, p->line.unit, more, limit->delta, limit->accountant, &then, NULL))
        return -1;
    if (then <= limit->epsilon)
        return 0;
    return fl_error(FL_REFUSED,
                    "%s: epsilon of a %s would be %.6g with this release, and %s is %.6g (delta "
                    "%g, by %s; %llu steps have spent %.6g); nothing was written: fewer steps or "
                    "more noise cost less",
                    p->ledger, p->line.unit, then, limit->whose, limit->epsilon, limit->delta,
                    fl_accountant_name(limit->accountant), (unsigned long long)releases, spent);
}

/* Is LINE of a training that hid as much as C says? */
static bool
bears_out(const struct fl_spent_line *line, const struct fl_claim *c)
{
    struct fl_events events = {0};
    const bool one = strcmp(line->event, "-") && !fl_events_parse(&events, line->event) &&
                     events.count == 1;
    const struct fl_event *e = events.items;
    /* sens was rounded up to a whole number, the noise is of what it was before (fl_dp_event) */
    const bool out = one && e->mechanism == FL_MECH_PDGAUSS && e->q <= c->rate && c->steps >= 0 &&
                     e->count <= (uint64_t)c->steps && e->noise >= c->noise * (e->sens - 1);

    fl_events_release(&events);
    return out;
}

static bool
is_entry(const struct fl_payment *p, const struct fl_spent_line *line)
{
    char input[2 * FL_HASH_BYTES + 1];

    fl_hex(input, p->entry_input, FL_HASH_BYTES);
    return !strcmp(line->kind, "train") && !strcmp(line->input, input) &&
           !strcmp(line->unit, p->claim.unit) && bears_out(line, &p->claim);
}

/* The line of an update that fl-train was paid for. */
static int
check_entry(const struct fl_payment *p, const struct fl_spent *s)
{
    if (!p->entry)
        return 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct fl_spent_line *line = &s->lines[i];
        if (memcmp(line->hash, p->entry, sizeof line->hash))
            continue;
        return is_entry(p, line)
                   ? 0
                   : fl_error(FL_REFUSED,
                              "%s: line %zu is of another update than this, which says that it was "
                              "paid for by it; send what fl-train wrote",
                              p->ledger, i + 1);
    }
    return fl_error(FL_REFUSED,
                    "%s: has no line of this update, which was paid for in another ledger or in a "
                    "newer copy of this one; put the newest copy back",
                    p->ledger);
}

static void
count_others(struct fl_payment *p, const struct fl_spent *s)
{
    p->others = 0;
    for (size_t i = 0; i < s->count; i++)
        p->others += strcmp(s->lines[i].event, "-") && !fl_spent_costs(&s->lines[i], p->line.unit);
}

static int
check(struct fl_payment *p, const struct fl_spent *s)
{
    p->paid = !p->line.kind;
    if (fl_spent_check_mark(s, &p->mark))
        return -1;
    if (p->paid)
        return 0;
    if (check_entry(p, s) || (p->line.tag && fl_spent_find(s, &p->line, &p->paid)))
        return -1;
    count_others(p, s);
    for (size_t i = 0; !p->paid && i < p->limit_count; i++)
        if (check_limit(p, s, &p->limits[i]))
            return -1;
    return 0;
}

int
fl_payment_check(struct fl_payment *p)
{
    struct fl_spent s;

    if (fl_check_one_name(p->ledger) || fl_spent_open(&s, p->ledger, false))
        return -1;
    int failed = check(p, &s) || (!p->paid && fl_output_check_folder(p->ledger));
    fl_spent_release(&s);
    return failed;
}

int
fl_payment_make(struct fl_payment *p)
{
    struct fl_spent s;

    if (fl_check_one_name(p->ledger) || fl_spent_open(&s, p->ledger, true))
        return -1;
    int failed = check(p, &s) || (!p->paid && fl_spent_add(&s, &p->line, &p->by));
    if (!failed) {
        fl_spent_get_mark(&s, &p->mark);
        p->paid = true;
    }
    fl_spent_release(&s);
    return failed ? -1 : 0;
}
