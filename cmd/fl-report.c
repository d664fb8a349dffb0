/* One page of journals and tables, to look at; or where the rounds of a federation stand. */
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "cli/program.h"
#include "fed/errand.h"
#include "fed/standing.h"
#include "os/clock.h"
#include "os/output.h"
#include "page/page.h"

static struct {
    const char *title;
    const char *list, *tried;
    struct fl_option_list charts;
    bool svg, title_given, status, step;
} opt = {.title = "Rounds"};

static const struct fl_option options[] = {
    FL_OPT_LIST(0, "chart", "X,Y[,SERIES]",
                "draw column Y by column X, a line for each value of SERIES, or for each file",
                &opt.charts),
    FL_OPT_FLAG(0, "svg", "write the one chart as a picture, and no page", &opt.svg),
    FL_OPT_TEXT(0, "title", "TEXT", "heading of the page (default: Rounds)", &opt.title,
                .given = &opt.title_given),
    FL_OPT_FLAG(0, "status", "no page: a table of where the rounds of FEDERATION.yaml stand",
                &opt.status),
    FL_OPT_FLAG(0, "step", "no page: what the party of FEDERATION.yaml does next", &opt.step),
    FL_OPT_INPUT(0, "list", "FILE", "with --step, of a site or helper: what the hub has",
                 &opt.list),
    FL_OPT_INPUT(0, "tried", "FILE", "with --list: steps that were tried, which come no more",
                 &opt.tried),
    FL_OPT_END,
};

static int
write_page(const char *output, const struct fl_page *page)
{
    struct fl_buf text = {0};
    struct fl_output out = FL_OUTPUT_INIT;
    int failed = fl_page_write(page, &text) || fl_output_open(&out, output, 0) ||
                 fl_output_write(&out, text.data, text.len) || fl_output_commit(&out);

    fl_output_abort(&out);
    fl_buf_release(&text);
    return failed ? -1 : 0;
}

static int
make_page(const struct fl_cli *cli)
{
    static const char *const standard[] = {"-"};
    size_t n = opt.charts.count, parsed = 0;

    if (opt.svg && (n != 1 || opt.title_given))
        return fl_error(FL_USAGE, "--svg draws one chart; give --chart once, and no --title");
    struct fl_page_chart *charts = fl_alloc(n, sizeof *charts);
    struct fl_page page = {.title = opt.title,
                           .files = cli->operand_count ? cli->operands : standard,
                           .file_count = cli->operand_count ? cli->operand_count : 1,
                           .charts = charts,
                           .chart_count = n,
                           .picture = opt.svg};
    int failed = !charts;

    while (!failed && parsed < n)
        failed = fl_page_chart_parse(&charts[parsed], opt.charts.items[parsed]) || !++parsed;
    failed = failed || write_page(cli->output, &page);
    while (parsed)
        free(charts[--parsed].x);
    free(charts);
    return failed ? -1 : 0;
}

/* What --step asks for. */
static int
tell_step(struct fl_standing *s, bool json, struct fl_report *r)
{
    fl_report_start(r, opt.list ? fl_errand_columns : fl_standing_step_columns, json);
    return opt.list ? fl_errand_next(s, opt.list, opt.tried, r)
                    : fl_standing_step(s, (int64_t)(fl_realtime_ns() / 1000000000), r);
}

/* The table that --status or --step asks for. */
static int
tell(const struct fl_cli *cli)
{
    struct fl_standing standing;
    struct fl_report r = {0};
    struct fl_output out = FL_OUTPUT_INIT;
    int failed = fl_standing_open(&standing, cli->operands[0]);

    if (!failed && opt.step) {
        failed = tell_step(&standing, cli->json, &r);
    } else if (!failed) {
        fl_report_start(&r, fl_standing_columns, cli->json);
        failed = fl_standing_report(&standing, &r);
    }
    failed = failed || fl_output_open(&out, cli->output, 0) ||
             fl_report_flush(&r, out.fd, out.name) || fl_output_commit(&out);
    fl_output_abort(&out);
    fl_report_release(&r);
    fl_standing_release(&standing);
    return failed ? -1 : 0;
}

static int
run(struct fl_cli *cli)
{
    if (!opt.status && !opt.step && !opt.list && !opt.tried)
        return cli->json ? fl_error(FL_USAGE, "--json belongs to --status and --step")
                         : make_page(cli);
    if (opt.status == opt.step || (opt.list && !opt.step) || (opt.tried && !opt.list) ||
        opt.charts.count || opt.svg || opt.title_given || cli->operand_count != 1)
        return fl_error(FL_USAGE, "--status or --step goes with one operand, FEDERATION.yaml, and "
                                  "neither --chart nor --title");
    return tell(cli);
}

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-report",
        .summary = "Make one page with charts of journals and tables, or tell how rounds stand.",
        .operands = "[LOG...|FEDERATION.yaml]",
        .max_operands = SIZE_MAX,
        .common = FL_HAS_OUTPUT | FL_HAS_JSON,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
