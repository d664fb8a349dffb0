/* fl-aggregate: updates, masked ones, sums to a mean or a sum, or checked. See fl-aggregate(1). */
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "cli/program.h"
#include "cli/report.h"
#include "fed/adding.h"
#include "fed/verify.h"
#include "os/output.h"

static struct {
    const char *rule, *weights;
    struct fl_masked_settings masked;
    struct fl_verify_settings verify;
    double alpha;
    uint64_t memory;
    struct fl_option_list bandwidths, sites;
    int64_t least, stale;
    const char *lineage, *as;
    bool weights_given, alpha_given, explain, check, verifies, stale_given;
} opt = {.rule = "mean", .weights = "examples", .memory = 1 << 30, .stale = 3};

static const struct fl_option options[] = {
    FL_OPT_INPUT('p', "plan", "PLAN", "the round of masked updates", &opt.masked.plan),
    FL_OPT_INPUT('r', "roster", "ROSTER", "refuse a plan of another roster than this one",
                 &opt.masked.roster),
    FL_OPT_KEY('k', "key", "KEY", "the hub's, for --request; with --verify, who signs",
               &opt.masked.key),
    FL_OPT_OUTPUT(0, "request", "FILE", "ask the helpers for this sum", &opt.masked.request),
    FL_OPT_FLAG(0, "fit", "of the uploads the largest set that can be asked for", &opt.masked.fit),
    FL_OPT_FOLDER(0, "state", "DIR", "what KEY remembers (KEY.state)", &opt.masked.state),
    FL_OPT_FLAG(0, "check", "report which inputs are good, bad or missing, and add nothing",
                &opt.check),
    FL_OPT_TEXT(0, "as", "PARTY/KIND", "with --check: the input is what is due of it", &opt.as),
    FL_OPT_FLAG(0, "verify", "recompute the round in the folder DIR, and say what differs",
                &opt.verifies),
    FL_OPT_INPUT('m', "model", "MODEL", "with --verify: the plan's model", &opt.verify.model),
    FL_OPT_INPUT(0, "velocity", "FILE", "with --verify: the optimizer's state beside it",
                 &opt.verify.velocity),
    FL_OPT_INPUT(0, "next", "NEXT", "with --verify: the model that came of it", &opt.verify.next),
    FL_OPT_LIST(0, "sites", "NAME,...", "the sites that must all be in, and no others", &opt.sites),
    FL_OPT_I64(0, "min-sites", "N", 1, 65535, "how many sites must be in at least", &opt.least),
    FL_OPT_CHOICE(0, "rule", "RULE", "mean", "how updates become one (default: mean)", &opt.rule),
    FL_OPT_CHOICE(0, "weights", "RULE", FL_WEIGHT_CHOICES,
                  "what an update counts (default: examples)", &opt.weights,
                  .given = &opt.weights_given),
    FL_OPT_F64(0, "alpha", "X", 0, 4, "power of the bandwidth (default 0.5)", &opt.alpha,
               .given = &opt.alpha_given),
    FL_OPT_LIST(0, "bandwidth", "SITE=MBIT,...", "Mbit/s, for dynamic weights", &opt.bandwidths),
    FL_OPT_INPUT(0, "lineage", "FILE",
                 "digests of the last models, oldest first: updates of any of them are added",
                 &opt.lineage),
    FL_OPT_I64(0, "stale", "N", 0, FL_LINEAGE_AGES - 1,
               "with --lineage: models that may have come after an update's base (3)", &opt.stale,
               .given = &opt.stale_given),
    FL_OPT_FLAG(0, "partial", "write the sum, undivided, for another fl-aggregate to add",
                &opt.masked.partial),
    FL_OPT_FLAG(0, "explain", "report the weights, beside the result", &opt.explain),
    FL_OPT_SIZE(0, "mem", "SIZE", 1, 9.2e18, "memory for sums, then $TMPDIR (1G)", &opt.memory),
    FL_OPT_END,
};

/* What is at hand between parsing the line and committing the output. */
struct work {
    struct fl_cli *cli;
    struct fl_pool *pool;
    struct fl_progress progress;
    struct fl_weighting how;
    struct fl_lineage lineage;
    struct fl_expected expected;
    struct fl_adding adding;
    struct fl_output out; /* open before the inputs are read, so that nothing is added in vain */
};

static int
check_line(const struct fl_cli *cli)
{
    const struct fl_masked_settings *m = &opt.masked;
    const struct fl_verify_settings *v = &opt.verify;
    const bool verifies = opt.verifies, masked = m->plan != NULL;
    const bool hub = !verifies && (m->key || m->fit || m->state);
    const bool modes = m->plan || m->request || m->fit || m->partial || opt.check || opt.explain;
    const bool weighted = opt.weights_given || opt.alpha_given || opt.bandwidths.count ||
                          opt.lineage;
    const struct {
        bool wrong;
        const char *why;
    } rules[] = {
        {verifies && (modes || weighted || opt.sites.count || opt.least || cli->operand_count != 1),
         "--verify takes one folder, and -r, -k, --state, -m, --velocity, --next, --mem alone"},
        {verifies && (!m->key != !cli->output || (m->key && !v->model) || (m->state && !m->key)),
         "--verify: a party under replay signs with -k KEY, -m MODEL and -o OPENED; without -k "
         "nothing is written"},
        {!v->model && (v->next || v->velocity),
         "--next and --velocity need -m MODEL, from which the step begins"},
        {!verifies && v->model, "-m, --next and --velocity belong to --verify"},
        {!masked && !verifies && ((opt.masked.roster && !opt.as) || m->request || hub),
         "-r, -k, --request, --fit and --state belong to -p PLAN; plain updates have no roster"},
        {masked && (weighted || opt.sites.count || opt.least),
         "-p: the roster says which sites must be in and how their updates are weighted; leave out "
         "--sites, --min-sites, --weights, --alpha, --bandwidth and --lineage"},
        {opt.stale_given && !opt.lineage, "--stale belongs to --lineage, which has the ages"},
        {hub && !m->request, "-k, --fit and --state belong to --request; all else needs no key"},
        {m->request && (!m->key || !cli->output),
         "--request needs -k KEY, the hub's, and -o SUM, a file"},
        {m->request && m->partial, "--request writes a partial sum; leave out --partial"},
        {opt.check && (m->partial || m->request || opt.explain),
         "--check adds nothing; leave out --partial, --request and --explain"},
        {opt.as && (!opt.check || (!masked && !m->roster)),
         "--as belongs to --check with -p PLAN, or for keys with -r ROSTER, and one file"},
        {opt.sites.count && opt.least, "--sites says how many there are; leave out --min-sites"},
    };

    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].wrong)
            return fl_error(FL_USAGE, "%s", rules[i].why);
    return 0;
}

static int
read_options(struct work *w)
{
    if (fl_weighting_fill(&w->how, opt.weights, opt.alpha_given ? &opt.alpha : NULL,
                          opt.bandwidths.items, opt.bandwidths.count))
        return -1;
    if (opt.lineage && fl_lineage_read(&w->lineage, opt.lineage, (size_t)opt.stale))
        return -1;
    for (size_t i = 0; i < opt.sites.count; i++)
        if (fl_expected_sites(&w->expected, opt.sites.items[i]))
            return fl_error_about("--sites");
    w->expected.least = (uint64_t)opt.least;
    return 0;
}

static void
tell_absent(void *cli, const char *path)
{
    fl_warn(cli, "%s: is not there yet", path);
}

static int
explain(const struct work *w)
{
    struct fl_report report;

    fl_report_start(&report, fl_aggregate_columns, w->cli->json);
    fl_aggregate_explain(w->adding.plain, &report);
    return fl_report_beside(&report, w->cli);
}

static void
warn(const struct work *w)
{
    const struct fl_adding *a = &w->adding;

    if (a->plain && !opt.masked.partial && !fl_expected_any(&w->expected) &&
        fl_aggregate_updates(a->plain) == 1)
        fl_warn(w->cli, "the mean is of a single update; --min-sites says how many must be in");
    if (a->masked && *fl_masked_left_out(a->masked))
        fl_warn(w->cli, "left out, since the rule of sets does not allow them now: %s",
                fl_masked_left_out(a->masked));
}

static int
aggregate(struct work *w)
{
    const struct fl_cli *cli = w->cli;
    const struct fl_adding_settings set = {.paths = cli->operands,
                                           .count = cli->operand_count,
                                           .check = opt.check,
                                           .explain = opt.explain,
                                           .as = opt.as,
                                           .masked = opt.masked,
                                           .level = cli->level,
                                           .plain = {.weighting = &w->how,
                                                     .weighting_given = opt.weights_given,
                                                     .lineage = opt.lineage ? &w->lineage : NULL,
                                                     .expected = &w->expected,
                                                     .partial = opt.masked.partial,
                                                     .memory = opt.memory,
                                                     .pool = w->pool,
                                                     .progress = &w->progress},
                                           .program = "fl-aggregate",
                                           .absent = tell_absent,
                                           .arg = w->cli};

    if (fl_adding_start(&w->adding, &set) ||
        fl_output_open(&w->out, cli->output, opt.check ? 0 : FL_OUTPUT_BINARY) ||
        fl_adding_read(&w->adding) || fl_adding_write(&w->adding, &w->out, cli->json) ||
        (opt.explain && explain(w)))
        return -1;
    if (!opt.check)
        warn(w);
    return 0;
}

static int
verify(struct work *w)
{
    struct fl_verify_settings *v = &opt.verify;

    v->folder = w->cli->operands[0];
    v->roster = opt.masked.roster;
    v->key = opt.masked.key;
    v->state = opt.masked.state;
    v->memory = opt.memory;
    v->pool = w->pool;
    v->progress = &w->progress;
    v->program = "fl-aggregate";
    v->json = w->cli->json;
    if (!v->roster && !v->key)
        fl_warn(w->cli, "the plan's own roster is believed; -r says which one people agreed on");
    return (v->key && fl_output_open(&w->out, w->cli->output, FL_OUTPUT_BINARY)) ||
                   fl_verify(v, &w->out)
               ? -1
               : 0;
}

static int
run(struct fl_cli *cli)
{
    struct work w = {.cli = cli, .how = {.rule = FL_WEIGHT_EXAMPLES}, .out = FL_OUTPUT_INIT};
    int failed = check_line(cli) || read_options(&w) || !(w.pool = fl_pool_new(cli->threads)) ||
                 (opt.verifies ? verify : aggregate)(&w);

    fl_output_abort(&w.out);
    fl_adding_release(&w.adding);
    fl_pool_free(w.pool);
    fl_expected_release(&w.expected);
    fl_lineage_release(&w.lineage);
    fl_weighting_release(&w.how);
    return failed ? -1 : 0;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-aggregate",
        .summary = "Add updates, exactly, and write their weighted mean or a partial sum.",
        .operands = "[UPDATE|SUM|MASKED|ANSWER...|DIR]",
        .max_operands = SIZE_MAX,
        .common = FL_HAS_OUTPUT | FL_HAS_THREADS | FL_HAS_LEVEL | FL_HAS_JSON,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
