/* One page of journals and tables, to look at. */
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "cli/program.h"
#include "os/output.h"
#include "page/page.h"

static struct {
    const char *title;
    struct fl_option_list charts;
    bool svg;
} opt = {.title = "Rounds"};

static const struct fl_option options[] = {
    FL_OPT_LIST(0, "chart", "X,Y[,SERIES]",
                "draw column Y by column X, a line for each value of SERIES, or for each file",
                &opt.charts),
    FL_OPT_FLAG(0, "svg", "write the one chart as a picture, and no page", &opt.svg),
    FL_OPT_TEXT(0, "title", "TEXT", "heading of the page (default: Rounds)", &opt.title),
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
run(struct fl_cli *cli)
{
    static const char *const standard[] = {"-"};
    size_t n = opt.charts.count, parsed = 0;

    if (opt.svg && n != 1)
        return fl_error(FL_USAGE, "--svg draws one chart; give --chart once");
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

int
main(int argc, char **argv)
{
    static const struct fl_program program = {
        .name = "fl-report",
        .summary = "Make one page with charts of journals and tables.",
        .operands = "[LOG...]",
        .max_operands = SIZE_MAX,
        .common = FL_HAS_OUTPUT,
        .options = options,
        .run = run,
    };

    return fl_main(argc, argv, &program);
}
