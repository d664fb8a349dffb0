/* Updates, masked ones, or partial sums, to their weighted mean or a larger partial sum. */
#include <stdint.h>

#include "base/error.h"
#include "cli/program.h"
#include "cli/report.h"
#include "fed/inspect.h"
#include "fed/open.h"
#include "os/file.h"
#include "os/output.h"

static struct {
    const char *rule, *weights, *plan, *roster;
    double alpha;
    uint64_t memory;
    struct fl_option_list bandwidths, sites;
    int64_t least;
    bool weights_given, alpha_given, partial, explain, check;
} opt = {.rule = "mean", .weights = "examples", .alpha = FL_WEIGHT_ALPHA, .memory = 1 << 30};

static const struct fl_option options[] = {
    FL_OPT_INPUT('p', "plan", "PLAN", "open the sum of the masked updates of this round",
                 &opt.plan),
    FL_OPT_INPUT('r', "roster", "ROSTER", "refuse a plan of another roster than this one",
                 &opt.roster),
    FL_OPT_FLAG(0, "check", "report which inputs are good, bad or missing, and add nothing",
                &opt.check),
    FL_OPT_LIST(0, "sites", "NAME,...", "the sites that must all be in, and no others", &opt.sites),
    FL_OPT_I64(0, "min-sites", "N", 1, 65535, "how many sites must be in at least", &opt.least),
    FL_OPT_CHOICE(0, "rule", "RULE", "mean", "how updates become one (default: mean)", &opt.rule),
    FL_OPT_CHOICE(0, "weights", "RULE", FL_WEIGHT_CHOICES,
                  "what an update counts (default: examples)", &opt.weights,
                  .given = &opt.weights_given),
    FL_OPT_F64(0, "alpha", "X", 0, 4,
               "power of the bandwidth in dynamic weights, 0 to 4 (default 0.5)", &opt.alpha,
               .given = &opt.alpha_given),
    FL_OPT_LIST(0, "bandwidth", "SITE=MBIT,...",
                "bandwidths of sites in Mbit/s, for dynamic weights", &opt.bandwidths),
    FL_OPT_FLAG(0, "partial", "write the sum, undivided, for another fl-aggregate to add",
                &opt.partial),
    FL_OPT_FLAG(0, "explain",
                "report the weights (on standard error when the result goes to standard output)",
                &opt.explain),
    FL_OPT_SIZE(0, "mem", "SIZE", 1, 9.2e18,
                "of the sums, hold so much in memory, the rest in files in $TMPDIR (default 1G)",
                &opt.memory),
    FL_OPT_END,
};

/* What is at hand between parsing the line and committing the output. */
struct work {
    struct fl_cli *cli;
    struct fl_pool *pool;
    struct fl_progress progress;
    struct fl_weighting how;
    struct fl_expected expected;
    struct fl_plan plan; /* with -p */
    /* One of these three is there: a sum of plain updates, of masked ones, or a report of both. */
    struct fl_aggregate *plain;
    struct fl_open *masked;
    struct fl_inspect *inspect;
    struct fl_output out; /* open before the inputs are read, so that nothing is added in vain */
};

static int
check_line(void)
{
    if (!opt.plan && opt.roster)
        return fl_error(FL_USAGE, "-r ROSTER belongs to -p PLAN; plain updates have no roster");
    if (opt.plan && (opt.partial || opt.explain || opt.weights_given || opt.alpha_given ||
                     opt.bandwidths.count || opt.sites.count || opt.least))
        return fl_error(FL_USAGE,
                        "-p: the plan says which sites must be in and how their updates are "
                        "weighted, and they open as a whole; leave out --sites, --min-sites, "
                        "--weights, --alpha, --bandwidth, --explain and --partial");
    if (opt.sites.count && opt.least)
        return fl_error(FL_USAGE, "--sites says how many there are; leave out --min-sites");
    if (opt.check && (opt.partial || opt.explain))
        return fl_error(FL_USAGE, "--check adds nothing; leave out --partial and --explain");
    return 0;
}

static int
read_options(struct work *w)
{
    struct fl_weighting *how = &w->how;

    how->rule = (enum fl_weight_rule)fl_weight_rule_find(opt.weights);
    how->alpha = opt.alpha;
    if (how->rule != FL_WEIGHT_DYNAMIC && (opt.alpha_given || opt.bandwidths.count))
        return fl_error(FL_USAGE, "--alpha and --bandwidth belong to --weights dynamic");
    for (size_t i = 0; i < opt.bandwidths.count; i++)
        if (fl_weighting_bandwidths(how, opt.bandwidths.items[i]))
            return fl_error_about("--bandwidth");
    for (size_t i = 0; i < opt.sites.count; i++)
        if (fl_expected_sites(&w->expected, opt.sites.items[i]))
            return fl_error_about("--sites");
    w->expected.least = (uint64_t)opt.least;
    return 0;
}

/* A plan brings its roster along; whose signatures count is for people to say. */
static int
read_plan(struct work *w)
{
    if (!opt.plan)
        return 0;
    if (fl_plan_read(&w->plan, opt.plan, w->pool))
        return -1;
    return opt.roster ? fl_plan_check_roster(&w->plan, opt.plan, opt.roster) : 0;
}

/* Everything that can be refused before the inputs are read. */
static int
prepare(struct work *w)
{
    const struct fl_aggregate_settings settings = {.weighting = &w->how,
                                                   .weighting_given = opt.weights_given,
                                                   .expected = &w->expected,
                                                   .partial = opt.partial,
                                                   .memory = opt.memory,
                                                   .pool = w->pool,
                                                   .progress = &w->progress};
    const struct fl_inspect_settings inspect = {opt.plan ? &w->plan : NULL, settings, &w->progress};

    if (opt.check)
        w->inspect = fl_inspect_new(&inspect);
    else if (opt.plan)
        w->masked = fl_open_new(&w->plan, opt.memory, &w->progress);
    else
        w->plain = fl_aggregate_new(&settings);
    if (!w->inspect && !w->masked && !w->plain)
        return -1;
    fl_progress_start(&w->progress, "fl-aggregate", "B",
                      opt.plan ? w->plan.roster.n * w->plan.words * 8
                               : fl_input_bytes(w->cli->operands, w->cli->operand_count));
    return fl_output_open(&w->out, w->cli->output, opt.check ? 0 : FL_OUTPUT_BINARY);
}

/* Where it is known who must be in, a file that is not there yet is only not in. */
static int
add_input(struct work *w, const char *path)
{
    if (w->inspect)
        return fl_inspect_add(w->inspect, path);
    if ((opt.plan || fl_expected_any(&w->expected)) && fl_input_missing(path)) {
        fl_warn(w->cli, "%s: is not there yet", path);
        return 0;
    }
    struct fl_reader *in = fl_reader_open(path);
    int result = !in ? -1 : w->masked ? fl_open_add(w->masked, in) : fl_aggregate_add(w->plain, in);
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
    return w->masked ? fl_open_check(w->masked) : fl_aggregate_check(w->plain);
}

static int
write_result(struct work *w)
{
    struct fl_writer *writer = fl_writer_new(w->out.fd, w->out.name, w->cli->level);
    int result = !writer     ? -1
                 : w->masked ? fl_open_write(w->masked, writer)
                             : fl_aggregate_write(w->plain, writer);
    fl_writer_free(writer);
    return result ? -1 : fl_output_commit(&w->out);
}

static int
report_states(struct work *w)
{
    struct fl_report report;

    fl_report_start(&report, fl_inspect_columns, w->cli->json);
    fl_inspect_report(w->inspect, &report);
    int result = fl_report_flush(&report, w->out.fd, w->out.name) || fl_output_commit(&w->out);
    fl_report_release(&report);
    return result ? -1 : fl_inspect_result(w->inspect);
}

static int
explain(const struct work *w)
{
    struct fl_report report;

    fl_report_start(&report, fl_aggregate_columns, w->cli->json);
    bool bad = fl_aggregate_explain(w->plain, &report) || fl_report_beside(&report, w->cli);
    fl_report_release(&report);
    return bad ? -1 : 0;
}

static int
finish(struct work *w)
{
    fl_progress_end(&w->progress, w->plain ? fl_aggregate_bytes(w->plain) : w->progress.total,
                    NULL);
    if (w->inspect)
        return report_states(w);
    if (write_result(w) || (opt.explain && explain(w)))
        return -1;
    if (w->plain && !opt.partial && !fl_expected_any(&w->expected) &&
        fl_aggregate_updates(w->plain) == 1)
        fl_warn(w->cli, "the mean is of a single update; --min-sites says how many must be in");
    return 0;
}

static int
run(struct fl_cli *cli)
{
    struct work w = {.cli = cli, .how = {.rule = FL_WEIGHT_EXAMPLES}, .out = FL_OUTPUT_INIT};
    int failed = check_line() || read_options(&w) || !(w.pool = fl_pool_new(cli->threads)) ||
                 read_plan(&w) || prepare(&w) || add_inputs(&w) || finish(&w);

    fl_output_abort(&w.out);
    fl_inspect_free(w.inspect);
    fl_open_free(w.masked);
    fl_aggregate_free(w.plain);
    fl_plan_release(&w.plan);
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
        .operands = "[UPDATE|SUM|MASKED...]",
        .max_operands = SIZE_MAX,
        .common = FL_HAS_OUTPUT | FL_HAS_THREADS | FL_HAS_LEVEL | FL_HAS_JSON,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
