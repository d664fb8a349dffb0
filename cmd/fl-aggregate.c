/* fl-aggregate: updates, masked ones, partial sums, to a mean or a larger sum. See fl-aggregate(1).
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "cli/program.h"
#include "cli/report.h"
#include "fed/inspect.h"
#include "fed/masked.h"
#include "os/file.h"
#include "os/output.h"

static struct {
    const char *rule, *weights;
    struct fl_masked_settings masked;
    double alpha;
    uint64_t memory;
    struct fl_option_list bandwidths, sites;
    int64_t least;
    bool weights_given, alpha_given, explain, check;
} opt = {.rule = "mean", .weights = "examples", .memory = 1 << 30};

static const struct fl_option options[] = {
    FL_OPT_INPUT('p', "plan", "PLAN", "the round of masked updates", &opt.masked.plan),
    FL_OPT_INPUT('r', "roster", "ROSTER", "refuse a plan of another roster than this one",
                 &opt.masked.roster),
    FL_OPT_KEY('k', "key", "KEY", "the hub's, for --request", &opt.masked.key),
    FL_OPT_OUTPUT(0, "request", "FILE", "ask the helpers for this sum", &opt.masked.request),
    FL_OPT_FLAG(0, "fit", "of the uploads the largest set that can be asked for", &opt.masked.fit),
    FL_OPT_FOLDER(0, "state", "DIR", "what KEY remembers (KEY.state)", &opt.masked.state),
    FL_OPT_FLAG(0, "check", "report which inputs are good, bad or missing, and add nothing",
                &opt.check),
    FL_OPT_LIST(0, "sites", "NAME,...", "the sites that must all be in, and no others", &opt.sites),
    FL_OPT_I64(0, "min-sites", "N", 1, 65535, "how many sites must be in at least", &opt.least),
    FL_OPT_CHOICE(0, "rule", "RULE", "mean", "how updates become one (default: mean)", &opt.rule),
    FL_OPT_CHOICE(0, "weights", "RULE", FL_WEIGHT_CHOICES,
                  "what an update counts (default: examples)", &opt.weights,
                  .given = &opt.weights_given),
    FL_OPT_F64(0, "alpha", "X", 0, 4, "power of the bandwidth (default 0.5)", &opt.alpha,
               .given = &opt.alpha_given),
    FL_OPT_LIST(0, "bandwidth", "SITE=MBIT,...", "Mbit/s, for dynamic weights", &opt.bandwidths),
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
    struct fl_expected expected;
    /* With -p the masked round; then one of a sum of plain updates, or a report of either. */
    struct fl_masked *masked;
    struct fl_aggregate *plain;
    struct fl_inspect *inspect;
    struct fl_output out; /* open before the inputs are read, so that nothing is added in vain */
};

static int
check_line(const struct fl_cli *cli)
{
    const struct fl_masked_settings *m = &opt.masked;
    const bool masked = m->plan != NULL, hub = m->key || m->fit || m->state;
    const bool weighted = opt.weights_given || opt.alpha_given || opt.bandwidths.count;
    const struct {
        bool wrong;
        const char *why;
    } rules[] = {
        {!masked && (opt.masked.roster || m->request || hub),
         "-r, -k, --request, --fit and --state belong to -p PLAN; plain updates have no roster"},
        {masked && (opt.explain || weighted || opt.sites.count || opt.least),
         "-p: the roster says which sites must be in and how their updates are weighted; leave out "
         "--sites, --min-sites, --weights, --alpha, --bandwidth and --explain"},
        {hub && !m->request, "-k, --fit and --state belong to --request; all else needs no key"},
        {m->request && (!m->key || !cli->output),
         "--request needs -k KEY, the hub's, and -o SUM, a file"},
        {m->request && m->partial, "--request writes a partial sum; leave out --partial"},
        {opt.check && (m->partial || m->request || opt.explain),
         "--check adds nothing; leave out --partial, --request and --explain"},
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
    for (size_t i = 0; i < opt.sites.count; i++)
        if (fl_expected_sites(&w->expected, opt.sites.items[i]))
            return fl_error_about("--sites");
    w->expected.least = (uint64_t)opt.least;
    return 0;
}

/* A plan brings its roster along; whose signatures count is for people to say. */
static int
open_masked(struct work *w)
{
    struct fl_masked_settings *m = &opt.masked;

    if (!m->plan)
        return 0;
    m->memory = opt.check ? 0 : opt.memory;
    m->pool = w->pool;
    m->progress = &w->progress;
    m->level = w->cli->level;
    w->masked = fl_masked_open(m);
    return w->masked ? 0 : -1;
}

/* Everything that can be refused before the inputs are read. */
static int
prepare(struct work *w)
{
    const struct fl_plan *plan = w->masked ? fl_masked_plan(w->masked) : NULL;
    const struct fl_aggregate_settings settings = {.weighting = &w->how,
                                                   .weighting_given = opt.weights_given,
                                                   .expected = &w->expected,
                                                   .partial = opt.masked.partial,
                                                   .memory = opt.memory,
                                                   .pool = w->pool,
                                                   .progress = &w->progress};
    const struct fl_inspect_settings inspect = {plan, settings, &w->progress};

    fl_progress_start(&w->progress, "fl-aggregate", "B",
                      plan ? plan->roster.n * plan->words * 8
                           : fl_input_bytes(w->cli->operands, w->cli->operand_count));
    if (opt.check && !(w->inspect = fl_inspect_new(&inspect)))
        return -1;
    if (!opt.check && !plan && !(w->plain = fl_aggregate_new(&settings)))
        return -1;
    if (opt.masked.fit && fl_masked_fit(w->masked, w->cli->operands, w->cli->operand_count))
        return -1;
    return fl_output_open(&w->out, w->cli->output, opt.check ? 0 : FL_OUTPUT_BINARY);
}

/* Where it is known who must be in, a file that is not there yet is only not in. */
static int
add_input(struct work *w, const char *path)
{
    if (w->inspect)
        return fl_inspect_add(w->inspect, path);
    if ((w->masked || fl_expected_any(&w->expected)) && fl_input_missing(path)) {
        fl_warn(w->cli, "%s: is not there yet", path);
        return 0;
    }
    struct fl_reader *in = fl_reader_open(path);
    int result = !in         ? -1
                 : w->masked ? fl_masked_add(w->masked, in)
                             : fl_aggregate_add(w->plain, in);
    fl_reader_free(in);
    return result;
}

static int
add_inputs(struct work *w)
{
    size_t count = w->cli->operand_count ? w->cli->operand_count : 1;

    for (size_t i = 0; i < count; i++)
        if (add_input(w, w->cli->operands[i]))
            return -1;
    if (w->inspect)
        return fl_inspect_end(w->inspect);
    return w->masked ? fl_masked_check(w->masked) : fl_aggregate_check(w->plain);
}

static int
write_result(struct work *w)
{
    if (w->masked)
        return fl_masked_write(w->masked, &w->out);
    struct fl_writer *writer = fl_writer_new(w->out.fd, w->out.name, w->cli->level);
    int result = writer ? fl_aggregate_write(w->plain, writer) : -1;
    fl_writer_free(writer);
    return result ? -1 : fl_output_commit(&w->out);
}

static int
explain(const struct work *w)
{
    struct fl_report report;

    fl_report_start(&report, fl_aggregate_columns, w->cli->json);
    fl_aggregate_explain(w->plain, &report);
    return fl_report_beside(&report, w->cli);
}

static int
finish(struct work *w)
{
    fl_progress_end(&w->progress, w->plain ? fl_aggregate_bytes(w->plain) : w->progress.total,
                    NULL);
    if (w->inspect)
        return fl_inspect_write(w->inspect, w->cli->json, &w->out);
    if (write_result(w) || (opt.explain && explain(w)))
        return -1;
    if (w->plain && !opt.masked.partial && !fl_expected_any(&w->expected) &&
        fl_aggregate_updates(w->plain) == 1)
        fl_warn(w->cli, "the mean is of a single update; --min-sites says how many must be in");
    if (w->masked && *fl_masked_left_out(w->masked))
        fl_warn(w->cli, "left out, since the rule of sets does not allow them now: %s",
                fl_masked_left_out(w->masked));
    return 0;
}

static int
run(struct fl_cli *cli)
{
    struct work w = {.cli = cli, .how = {.rule = FL_WEIGHT_EXAMPLES}, .out = FL_OUTPUT_INIT};
    int failed = check_line(cli) || read_options(&w) || !(w.pool = fl_pool_new(cli->threads)) ||
                 open_masked(&w) || prepare(&w) || add_inputs(&w) || finish(&w);

    fl_output_abort(&w.out);
    fl_inspect_free(w.inspect);
    fl_masked_free(w.masked);
    fl_aggregate_free(w.plain);
    fl_pool_free(w.pool);
    fl_expected_release(&w.expected);
    fl_weighting_release(&w.how);
    return failed ? -1 : 0;
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-aggregate",
        .summary = "Add updates, exactly, and write their weighted mean or a partial sum.",
        .operands = "[UPDATE|SUM|MASKED|ANSWER...]",
        .max_operands = SIZE_MAX,
        .common = FL_HAS_OUTPUT | FL_HAS_THREADS | FL_HAS_LEVEL | FL_HAS_JSON,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
