/* Updates, masked ones, or partial sums, to their weighted mean or a larger partial sum. */
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/program.h"
#include "cli/report.h"
#include "fed/aggregate.h"
#include "fed/open.h"
#include "os/output.h"

static struct {
    const char *rule, *weights, *plan, *roster;
    double alpha;
    uint64_t memory;
    struct fl_option_list bandwidths;
    bool weights_given, alpha_given, partial, explain;
} opt = {.rule = "mean", .weights = "examples", .alpha = FL_WEIGHT_ALPHA, .memory = 1 << 30};

static const struct fl_option options[] = {
    FL_OPT_INPUT('p', "plan", "PLAN", "open the sum of the masked updates of this round",
                 &opt.plan),
    FL_OPT_INPUT('r', "roster", "ROSTER", "refuse a plan of another roster than this one",
                 &opt.roster),
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

static int
weighting_from_options(struct fl_weighting *how)
{
    how->rule = (enum fl_weight_rule)fl_weight_rule_find(opt.weights);
    how->alpha = opt.alpha;
    if (how->rule != FL_WEIGHT_DYNAMIC && (opt.alpha_given || opt.bandwidths.count))
        return fl_error(FL_USAGE, "--alpha and --bandwidth belong to --weights dynamic");
    for (size_t i = 0; i < opt.bandwidths.count; i++)
        if (fl_weighting_bandwidths(how, opt.bandwidths.items[i]))
            return fl_error_about("--bandwidth");
    return 0;
}

/* The two ways to a result: of plain updates and sums, or of masked updates. */
struct way {
    struct fl_aggregate *plain;
    struct fl_open *masked; /* NULL: plain */
    struct fl_output out;   /* open before the inputs are read, so that nothing is added in vain */
};

/* Bytes of all inputs, or 0 when one is not a file. */
static uint64_t
input_bytes(const struct fl_cli *cli)
{
    uint64_t bytes = 0;
    struct stat st;

    for (size_t i = 0; i < cli->operand_count; i++) {
        if (stat(cli->operands[i], &st) || !S_ISREG(st.st_mode))
            return 0;
        bytes += (uint64_t)st.st_size;
    }
    return bytes;
}

static int
add_inputs(struct fl_cli *cli, struct way *way)
{
    size_t count = cli->operand_count ? cli->operand_count : 1;

    for (size_t i = 0; i < count; i++) {
        struct fl_reader *in = fl_reader_open(cli->operands[i]);
        int result = !in           ? -1
                     : way->masked ? fl_open_add(way->masked, in)
                                   : fl_aggregate_add(way->plain, in);
        fl_reader_free(in);
        if (result)
            return -1;
    }
    return way->masked ? fl_open_check(way->masked) : 0;
}

static int
write_result(struct fl_cli *cli, struct way *way)
{
    struct fl_writer *writer = fl_writer_new(way->out.fd, way->out.name, cli->level);
    int result = !writer       ? -1
                 : way->masked ? fl_open_write(way->masked, writer)
                               : fl_aggregate_write(way->plain, writer);
    fl_writer_free(writer);
    return result ? -1 : fl_output_commit(&way->out);
}

/* Where the stream does not go. */
static int
explain(struct fl_cli *cli, const struct fl_aggregate *a)
{
    bool to_file = cli->output && *cli->output && (cli->output[0] != '-' || cli->output[1]);
    struct fl_report report;

    fl_report_start(&report, fl_aggregate_columns, cli->json);
    fl_aggregate_explain(a, &report);
    int result = to_file ? fl_report_flush(&report, STDOUT_FILENO, "standard output")
                         : fl_report_flush(&report, STDERR_FILENO, "standard error");
    fl_report_release(&report);
    return result;
}

static int
aggregate(struct fl_cli *cli, struct fl_pool *pool, const struct fl_weighting *how)
{
    struct fl_progress progress;
    struct fl_aggregate_settings settings = {
        .weighting = how,
        .weighting_given = opt.weights_given,
        .partial = opt.partial,
        .memory = opt.memory,
        .pool = pool,
        .progress = &progress,
    };
    struct way way = {.plain = fl_aggregate_new(&settings), .out = FL_OUTPUT_INIT};

    fl_progress_start(&progress, "fl-aggregate", "B", input_bytes(cli));
    bool ready = way.plain && !fl_output_open(&way.out, cli->output, FL_OUTPUT_BINARY);
    int result = ready ? add_inputs(cli, &way) : -1;
    if (!result) {
        fl_progress_end(&progress, fl_aggregate_bytes(way.plain), NULL);
        result = write_result(cli, &way) || (opt.explain && explain(cli, way.plain)) ? -1 : 0;
    }
    fl_output_abort(&way.out);
    fl_aggregate_free(way.plain);
    return result;
}

/* A plan brings its roster along; whose signatures count is for people to say. */
static int
check_roster(const struct fl_plan *plan)
{
    struct fl_roster roster;

    if (!opt.roster)
        return 0;
    if (fl_roster_read(&roster, opt.roster))
        return -1;
    int same = !memcmp(roster.digest, plan->roster.digest, sizeof roster.digest);
    fl_roster_release(&roster);
    return same ? 0
                : fl_error(FL_REFUSED, "%s: is a plan of another roster than %s; ask the hub",
                           opt.plan, opt.roster);
}

/* The mean of a round. The plan says how updates were weighted; single weights are hidden. */
static int
open_masked(struct fl_cli *cli, struct fl_pool *pool)
{
    struct fl_progress progress;
    struct fl_plan plan;
    struct way way = {NULL, NULL, FL_OUTPUT_INIT};

    if (opt.partial || opt.explain || opt.weights_given || opt.alpha_given || opt.bandwidths.count)
        return fl_error(FL_USAGE,
                        "-p: the plan says how its updates are weighted, and they open as a whole; "
                        "leave out --weights, --alpha, --bandwidth, --explain and --partial");
    if (fl_plan_read(&plan, opt.plan, pool))
        return -1;
    if (check_roster(&plan)) {
        fl_plan_release(&plan);
        return -1;
    }
    const uint64_t bytes = plan.roster.n * plan.words * 8;
    fl_progress_start(&progress, "fl-aggregate", "B", bytes);
    way.masked = fl_open_new(&plan, opt.memory, &progress);
    bool ready = way.masked && !fl_output_open(&way.out, cli->output, FL_OUTPUT_BINARY);
    int result = ready ? add_inputs(cli, &way) : -1;
    if (!result) {
        fl_progress_end(&progress, bytes, NULL);
        result = write_result(cli, &way);
    }
    fl_output_abort(&way.out);
    fl_open_free(way.masked);
    fl_plan_release(&plan);
    return result;
}

static int
run(struct fl_cli *cli)
{
    struct fl_weighting how = {.rule = FL_WEIGHT_EXAMPLES};
    struct fl_pool *pool = NULL;
    int result = weighting_from_options(&how);

    if (!result && opt.roster && !opt.plan)
        result = fl_error(FL_USAGE, "-r ROSTER belongs to -p PLAN; plain updates have no roster");
    if (!result && !(pool = fl_pool_new(cli->threads)))
        result = -1;
    if (!result)
        result = opt.plan ? open_masked(cli, pool) : aggregate(cli, pool, &how);
    fl_pool_free(pool);
    fl_weighting_release(&how);
    return result;
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
