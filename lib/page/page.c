/*
 * The page: what the journals tell, then charts that were asked for, then training, then each
 * table. What a file is, its columns say; names of files are as they were given.
 */
#include "page/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "page/chart.h"
#include "page/html.h"
#include "page/journal.h"
#include "page/sheet.h"

enum { TABLE_ROWS = 1000 };

int
fl_page_chart_parse(struct fl_page_chart *c, const char *text)
{
    char *x = fl_strdup(text), *y, *series;

    if (!x)
        return -1;
    *c = (struct fl_page_chart){.x = x};
    if ((y = strchr(x, ',')))
        *y++ = '\0';
    if (y && (series = strchr(y, ',')))
        *series++ = '\0', c->series = series;
    c->y = y;
    if (*x && y && *y && (!c->series || (*c->series && !strchr(c->series, ','))))
        return 0;
    free(x);
    *c = (struct fl_page_chart){0};
    return fl_error(FL_USAGE,
                    "--chart: \"%s\" names no chart; write X,Y or X,Y,SERIES, names of columns",
                    text);
}

/* The last part of a file's name, without .tsv: what a series of it is called. */
static char *
short_name(const char *file)
{
    const char *slash = strrchr(file, '/');
    const char *name = slash && slash[1] ? slash + 1 : file;
    size_t n = strlen(name);

    return fl_strndup(name, n > 4 && !strcmp(name + n - 4, ".tsv") ? n - 4 : n);
}

/* Add the points of a sheet that has both columns, each to the line that its cell of SERIES names;
 * where that is "-", not known, to the line of the file, or, if SERIES is what was ASKED for, to
 * none. */
static int
add_points(struct fl_chart *chart, const struct fl_sheet *s, const char *x, const char *y,
           const char *series, bool asked)
{
    int cx = fl_sheet_find(s, x), cy = fl_sheet_find(s, y);
    int cs = series ? fl_sheet_find(s, series) : -1;
    char *name = short_name(s->name);
    int failed = !name;

    for (size_t row = 0; !failed && cx >= 0 && cy >= 0 && row < s->rows; row++) {
        const char *line = fl_sheet_cell(s, row, cs);
        bool unknown = !strcmp(line, "-");
        double px, py;
        if (!(unknown && series && asked) && fl_sheet_number(fl_sheet_cell(s, row, cx), &px) &&
            fl_sheet_number(fl_sheet_cell(s, row, cy), &py))
            failed = fl_chart_add(chart, unknown ? name : line, px, py);
    }
    free(name);
    return failed ? -1 : 0;
}

/* A column's name as a heading: with spaces. */
static char *
heading(const char *column)
{
    char *text = fl_strdup(column);

    for (char *p = text; p && (p = strchr(p, '_'));)
        *p = ' ';
    return text;
}

static int
draw_asked(const struct fl_page *page, const struct fl_sheet *sheets, struct fl_buf *out)
{
    for (size_t i = 0; i < page->chart_count; i++) {
        const struct fl_page_chart *asked = &page->charts[i];
        struct fl_buf title = {0};
        char *x = heading(asked->x), *y = heading(asked->y);
        struct fl_chart chart = {.x = x, .y = y};
        int failed = !x || !y || fl_buf_printf(&title, "%s by %s", y, x) ||
                     (asked->series && fl_buf_printf(&title, ", for each %s", asked->series));
        chart.title = fl_buf_text(&title);
        for (size_t s = 0; !failed && s < page->file_count; s++)
            failed = add_points(&chart, &sheets[s], asked->x, asked->y, asked->series, true);
        if (!failed && !chart.count)
            failed = fl_error(FL_USAGE, "--chart: no file has numbers in columns \"%s\" and \"%s\"",
                              asked->x, asked->y);
        failed = failed || (page->picture ? fl_chart_svg : fl_chart_lines)(&chart, out);
        fl_chart_release(&chart);
        fl_buf_release(&title);
        free(x);
        free(y);
        if (failed)
            return -1;
    }
    return 0;
}

static int
draw_training(const struct fl_page *page, const struct fl_sheet *sheets, struct fl_buf *out)
{
    static const struct {
        const char *y, *title;
    } parts[] = {{"loss", "Loss in training"},
                 {"valid_loss", "Validation loss in training"},
                 {"tokens_per_second", "Speed of training"}};
    int failed = 0;

    for (size_t i = 0; !failed && i < sizeof parts / sizeof *parts; i++) {
        struct fl_chart chart = {.title = parts[i].title,
                                 .x = "step",
                                 .y = parts[i].y,
                                 .from_zero = i == 2};
        for (size_t s = 0; !failed && s < page->file_count; s++)
            failed = add_points(&chart, &sheets[s], "step", parts[i].y, NULL, false);
        failed = failed || fl_chart_lines(&chart, out);
        fl_chart_release(&chart);
    }
    return failed ? -1 : 0;
}

static int
add_losses(struct fl_chart *loss, const struct fl_sheet *s)
{
    const char *by = fl_sheet_find(s, "site") >= 0 ? "site" : "party";

    return fl_journal_is(s) ? 0 : add_points(loss, s, "round", "loss", by, false);
}

static int
write_sheets(const struct fl_page *page, const struct fl_sheet *sheets, struct fl_journal *journal,
             struct fl_buf *out)
{
    struct fl_chart loss = {.title = "Loss of rounds", .x = "round", .y = "loss"};
    bool tables = false;
    int failed = 0;

    for (size_t s = 0; !failed && s < page->file_count; s++)
        failed = add_losses(&loss, &sheets[s]) ||
                 (fl_journal_is(&sheets[s]) && fl_journal_add(journal, &sheets[s]));
    failed = failed || fl_html_begin(out, page->title) || fl_journal_write(journal, &loss, out) ||
             draw_asked(page, sheets, out) || draw_training(page, sheets, out);
    for (size_t s = 0; !failed && s < page->file_count; s++) {
        if (fl_journal_is(&sheets[s]))
            continue;
        failed = (!tables && fl_buf_add_text(out, "<h2>Tables</h2>\n")) ||
                 fl_html_sheet(out, &sheets[s], TABLE_ROWS);
        tables = true;
    }
    fl_chart_release(&loss);
    return failed || fl_html_end(out) ? -1 : 0;
}

int
fl_page_write(const struct fl_page *page, struct fl_buf *out)
{
    struct fl_sheet *sheets = fl_alloc(page->file_count, sizeof *sheets);
    struct fl_journal journal = {0};
    int failed = !sheets;

    for (size_t s = 0; !failed && s < page->file_count; s++)
        failed = fl_sheet_read(&sheets[s], page->files[s]);
    failed = failed || (page->picture ? draw_asked(page, sheets, out)
                                      : write_sheets(page, sheets, &journal, out));
    fl_journal_release(&journal);
    for (size_t s = 0; sheets && s < page->file_count; s++)
        fl_sheet_release(&sheets[s]);
    free(sheets);
    return failed ? -1 : 0;
}
