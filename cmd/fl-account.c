/* What privacy costs: of planned steps, or of what a ledger says. See fl-account(1). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/choice.h"
#include "base/error.h"
#include "cli/program.h"
#include "conf/noise_terms.h"
#include "priv/budget.h"
#include "priv/steps.h"
#include "sec/spent.h"

#define SOLVE "noise|steps|rate"

static struct {
    const char *steps, *solve, *accountant, *ledger;
    struct fl_option_list events;
    double delta, target;
    bool delta_given, target_given;
} opt;

static const struct fl_option options[] = {
    FL_OPT_F64(0, "delta", "X", 0, 1, "epsilon at this delta (required)", &opt.delta,
               .given = &opt.delta_given),
    FL_OPT_INPUT('c', "config", "STEPS.yaml", "account for the steps of this file", &opt.steps),
    FL_OPT_LIST('e', "event", "EVENT", "and for this event; may be given many times", &opt.events),
    FL_OPT_F64(0, "target", "EPSILON", 0, 1e6, "with --solve: the epsilon to keep within",
               &opt.target, .given = &opt.target_given),
    FL_OPT_CHOICE(0, "solve", "WHAT", SOLVE,
                  "change the last event: least noise, most steps, largest rate", &opt.solve),
    FL_OPT_CHOICE(0, "accountant", "NAME", FL_ACCOUNTANT_CHOICES,
                  "who decides for --solve (default: rdp)", &opt.accountant),
    FL_OPT_OUTPUT(0, "new-ledger", "FILE", "make an empty ledger, for a text that has none",
                  &opt.ledger),
    FL_OPT_END,
};

static const char *const columns[] = {
    "unit",      "relation",   "sampling",    "releases", "delta",           "rdp_epsilon",
    "rdp_order", "rdp_orders", "pld_epsilon", "pld_grid", "pld_least_delta", "pld_is",
    "epsilon",   "accountant", "events",      NULL,
};

static void
put_eps(struct fl_report *r, bool has, double eps)
{
    if (has && isfinite(eps))
        fl_report_f64(r, eps, 12);
    else
        fl_report_none(r);
}

/* In the grammar, so that it can be given to -e again. */
static int
put_events(struct fl_report *r, const struct fl_events *events)
{
    struct fl_buf text = {0};
    int failed = 0;

    for (size_t i = 0; !failed && i < events->count; i++)
        failed = (i && fl_buf_add_byte(&text, '+')) || fl_event_print(&events->items[i], &text);
    fl_report_text(r, fl_buf_text(&text));
    fl_buf_release(&text);
    return failed ? -1 : 0;
}

/* One row: both accountants side by side, and all that their numbers depend on. */
static int
put_row(struct fl_report *r, const char *unit, const struct fl_events *events)
{
    struct fl_charge charge;
    uint64_t releases = 0;

    if (fl_charge(events, opt.delta, &charge))
        return -1;
    for (size_t i = 0; i < events->count; i++)
        releases += events->items[i].count;
    fl_report_text(r, unit);
    fl_report_text(r, fl_events_relation(events));
    fl_report_text(r, fl_events_sampling(events));
    fl_report_u64(r, releases);
    fl_report_f64(r, opt.delta, 0);
    put_eps(r, charge.has_rdp, charge.rdp.eps);
    put_eps(r, charge.has_rdp, charge.rdp.order);
    fl_report_text(r, charge.has_rdp ? fl_charge_orders(&charge) : NULL);
    put_eps(r, charge.has_pld, charge.pld);
    put_eps(r, charge.has_pld, charge.about_pld.grid);
    put_eps(r, charge.has_pld, charge.about_pld.floor);
    fl_report_text(r, !charge.has_pld               ? NULL
                      : charge.about_pld.continuous ? "continuous"
                                                    : "bound");
    put_eps(r, true, charge.eps);
    fl_report_text(r, !isfinite(charge.eps) ? NULL : charge.by == FL_ACCOUNT_PLD ? "pld" : "rdp");
    return put_events(r, events);
}

static int
solve(struct fl_events *events)
{
    if (!opt.solve)
        return 0;
    return fl_budget_solve(events, opt.delta, opt.target,
                           (enum fl_accountant)fl_choice_find(FL_ACCOUNTANT_CHOICES,
                                                              opt.accountant),
                           (enum fl_solve)fl_choice_find(SOLVE, opt.solve));
}

/* What is planned: of the file, then of -e. */
static int
read_planned(struct fl_events *planned, char **unit)
{
    if (opt.steps && fl_steps_read(opt.steps, planned, unit))
        return -1;
    for (size_t i = 0; i < opt.events.count; i++)
        if (fl_events_parse(planned, opt.events.items[i]))
            return -1;
    return 0;
}

/* The row of UNIT: what was SPENT, to which what is PLANNED is added. */
static int
account(struct fl_report *r, const char *unit, struct fl_events *spent,
        const struct fl_events *planned)
{
    for (size_t i = 0; i < planned->count; i++)
        if (fl_events_add(spent, &planned->items[i]))
            return -1;
    return fl_events_check(spent) || solve(spent) || put_row(r, unit, spent) ? -1 : 0;
}

/* Is line I the first of its unit? */
static bool
first_of_unit(const struct fl_spent *s, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (!strcmp(s->lines[k].unit, s->lines[i].unit))
            return false;
    return true;
}

/* A row for each unit of a ledger, which is only read; *ROWS is their number. */
static int
account_ledger(struct fl_report *r, const char *path, const struct fl_events *planned, size_t *rows)
{
    struct fl_spent s;

    if (fl_spent_open(&s, path, false))
        return -1;
    int failed = 0;
    for (size_t i = 0; !failed && i < s.count; i++) {
        struct fl_events spent = {0};
        if (!first_of_unit(&s, i))
            continue;
        failed = fl_spent_events(&s, s.lines[i].unit, &spent) ||
                 account(r, s.lines[i].unit, &spent, planned);
        fl_events_release(&spent);
        ++*rows;
    }
    fl_spent_release(&s);
    return failed ? -1 : 0;
}

/* Of no ledger, and of one without lines, the row is that of what is planned. */
static int
account_all(struct fl_report *r, const char *ledger)
{
    struct fl_events planned = {0}, spent = {0};
    char *unit = NULL;
    size_t rows = 0;
    int failed = read_planned(&planned, &unit) ||
                 (ledger && account_ledger(r, ledger, &planned, &rows)) ||
                 (!rows && account(r, unit ? unit : "unit", &spent, &planned));

    fl_events_release(&planned);
    fl_events_release(&spent);
    free(unit);
    return failed ? -1 : 0;
}

static int
check_options(const struct fl_cli *cli)
{
    if (opt.ledger)
        return cli->operand_count || opt.delta_given || opt.steps || opt.events.count
                   ? fl_error(FL_USAGE, "--new-ledger only makes a file; leave out the rest")
                   : 0;
    if (!opt.delta_given)
        return fl_error(FL_USAGE, "--delta X is missing; take one below 1 / (number of units)");
    if (!opt.steps && !opt.events.count && !cli->operand_count)
        return fl_error(FL_USAGE,
                        "nothing to account for; give -c STEPS.yaml, -e EVENT or a LEDGER");
    if (!opt.solve != !opt.target_given)
        return fl_error(FL_USAGE, "--target and --solve go together; give %s too",
                        opt.solve ? "--target EPSILON" : "--solve noise, steps or rate");
    if (!opt.accountant)
        opt.accountant = "rdp";
    return 0;
}

static int
run(struct fl_cli *cli)
{
    struct fl_report report;

    if (check_options(cli))
        return -1;
    if (opt.ledger)
        return fl_spent_create(opt.ledger);
    fl_report_start(&report, columns, cli->json);
    int failed = account_all(&report, cli->operand_count ? cli->operands[0] : NULL) ||
                 fl_report_end(&report, 1, "standard output");
    fl_report_release(&report);
    return failed ? -1 : 0;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-account",
        .summary = "Account for differential privacy: epsilon of what is planned or was spent.",
        .operands = "[LEDGER]",
        .max_operands = 1,
        .common = FL_HAS_JSON,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
