/*
 * Text, tables and style of a page that needs nothing but itself: no script, no font, no picture
 * from elsewhere. Tables scroll within themselves, so that a narrow screen shows the page without
 * moving it, and their first row and column stay in sight; colours follow the reader's choice of
 * light or dark, and paper is light.
 */
#include "page/html.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/visible.h"

static int
add_entities(struct fl_buf *out, const char *text)
{
    int failed = 0;

    while (!failed && *text) {
        size_t n = strcspn(text, "&<>\"'");
        failed = fl_buf_add(out, text, n);
        text += n;
        if (failed || !*text)
            break;
        failed = fl_buf_printf(out, "&#%d;", *text++);
    }
    return failed;
}

int
fl_html_text(struct fl_buf *out, const char *text)
{
    struct fl_buf safe = {0};
    int failed = fl_buf_add_visible(&safe, text, strlen(text), FL_VISIBLE_LINE) ||
                 add_entities(out, fl_buf_text(&safe));

    fl_buf_release(&safe);
    return failed ? -1 : 0;
}

int
fl_html_number(struct fl_buf *out, double value, int digits)
{
    return fl_buf_printf(out, "%.*g", digits, value);
}

/* The head of a table of N columns; MORE goes on after its caption. Columns of NUMBERS (may be
 * NULL) have their name over the digits. */
static int
begin_table(struct fl_buf *out, const char *caption, const char *more, const char *const *columns,
            size_t n, const bool *numbers)
{
    int failed = fl_buf_add_text(out, "<div class=scroll><table><caption>") ||
                 fl_html_text(out, caption) || fl_buf_add_text(out, more) ||
                 fl_buf_add_text(out, "</caption>\n<thead><tr>");

    for (size_t c = 0; !failed && c < n; c++)
        failed = fl_buf_add_text(out, numbers && numbers[c] ? "<th scope=col class=n>"
                                                            : "<th scope=col>") ||
                 fl_html_text(out, columns[c]);
    return failed || fl_buf_add_text(out, "</thead>\n<tbody>") ? -1 : 0;
}

int
fl_html_table(struct fl_buf *out, const char *caption, const char *const *columns)
{
    size_t n = 0;

    while (columns[n])
        n++;
    return begin_table(out, caption, "", columns, n, NULL);
}

int
fl_html_row(struct fl_buf *out)
{
    return fl_buf_add_text(out, "\n<tr>");
}

int
fl_html_cell(struct fl_buf *out, const char *text)
{
    double number;

    return fl_buf_add_text(out, fl_sheet_number(text, &number) ? "<td class=n>" : "<td>") ||
                   fl_html_text(out, text)
               ? -1
               : 0;
}

int
fl_html_cell_number(struct fl_buf *out, double value, int digits)
{
    return fl_buf_add_text(out, "<td class=n>") || fl_html_number(out, value, digits) ? -1 : 0;
}

int
fl_html_table_end(struct fl_buf *out)
{
    return fl_buf_add_text(out, "\n</tbody></table></div>\n");
}

/* Does a column hold numbers: is the first of its cells that is known one? */
static bool
of_numbers(const struct fl_sheet *s, int column)
{
    double number;
    size_t row = 0;

    while (row < s->rows && !strcmp(fl_sheet_cell(s, row, column), "-"))
        row++;
    return row < s->rows && fl_sheet_number(fl_sheet_cell(s, row, column), &number);
}

int
fl_html_sheet(struct fl_buf *out, const struct fl_sheet *s, size_t most)
{
    size_t first = s->rows > most ? s->rows - most : 0;
    bool *numbers = fl_alloc(s->columns, sizeof *numbers);
    char more[80] = "";

    if (!numbers)
        return -1;
    for (size_t c = 0; c < s->columns; c++)
        numbers[c] = of_numbers(s, (int)c);
    if (first)
        snprintf(more, sizeof more, ": the last %zu of %zu rows", most, s->rows);
    int failed = begin_table(out, s->name, more, s->cells, s->columns, numbers);
    for (size_t row = first; !failed && row < s->rows; row++) {
        failed = fl_html_row(out);
        for (size_t c = 0; !failed && c < s->columns; c++) {
            const char *text = fl_sheet_cell(s, row, (int)c);
            failed = numbers[c] && !strcmp(text, "-") ? fl_buf_add_text(out, "<td class=n>-")
                                                      : fl_html_cell(out, text);
        }
    }
    free(numbers);
    return failed || fl_html_table_end(out) ? -1 : 0;
}

/* Eight colours that people with any kind of colour vision tell apart (Okabe and Ito 2008), darker
 * on white and lighter on black where a line of the original would be faint. */
static const char palette[] =
    ":root{color-scheme:light dark;--back:#fff;--ink:#1a1a1a;--faint:#667;--rule:#d5d8dc;"
    "--c0:#0072b2;--c1:#d55e00;--c2:#007a5a;--c3:#b0578d;--c4:#8a6d00;--c5:#2a8cc4;--c6:#444;"
    "--c7:#a33}\n"
    "@media(prefers-color-scheme:dark){:root{--back:#14171a;--ink:#e8e8e8;--faint:#9aa;"
    "--rule:#3a4046;--c0:#56b4e9;--c1:#ff8c42;--c2:#2fc79b;--c3:#e79ac6;--c4:#f0d442;"
    "--c5:#8ecbf0;--c6:#ccc;--c7:#f77}}\n"
    "@media print{:root{color-scheme:light;--back:#fff;--ink:#000;--faint:#444;--rule:#bbb;"
    "--c0:#0072b2;--c1:#d55e00;--c2:#007a5a;--c3:#b0578d;--c4:#8a6d00;--c5:#2a8cc4;--c6:#444;"
    "--c7:#a33}}\n";
static const char style[] =
    "@media print{figure,tr{break-inside:avoid}}\n"
    "body{background:var(--back);color:var(--ink);font:16px/1.45 system-ui,sans-serif;"
    "max-width:60rem;margin:0 auto;padding:1rem;overflow-wrap:anywhere}\n"
    "h1{font-size:1.6rem;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .3rem}\n"
    "figure{margin:1.5rem 0}svg{width:100%;max-width:40rem;height:auto;display:block}\n"
    "figcaption{font-weight:600;margin-bottom:.3rem}summary{cursor:pointer;color:var(--faint)}\n"
    ".scroll{overflow-x:auto;max-height:80vh;margin:.5rem 0}\n"
    "@media print{.scroll{overflow:visible;max-height:none}}\n"
    "table{border-collapse:collapse;font-size:.85rem}caption{text-align:left;color:var(--faint)}\n"
    "th,td{padding:.15rem .6rem;border-bottom:1px solid var(--rule);text-align:left;"
    "white-space:nowrap}td.n,th.n{text-align:right}"
    "td.n{font-variant-numeric:tabular-nums}\n"
    "thead th{position:sticky;top:0;background:var(--back)}thead th:first-child{left:0;z-index:1}\n"
    "tbody td:first-child{position:sticky;left:0;background:var(--back)}\n"
    "@media(max-width:30rem){svg text{font-size:15px!important}}\n";
static const char picture[] =
    "svg text{font:13px system-ui,sans-serif;fill:var(--ink)}"
    "svg .axis{stroke:var(--faint);fill:none}svg .grid{stroke:var(--rule);fill:none}\n"
    "svg .line{fill:none;stroke-width:2}\n";

int
fl_html_picture_style(struct fl_buf *out)
{
    return fl_buf_add_text(out, palette) || fl_buf_add_text(out, picture) ? -1 : 0;
}

int
fl_html_begin(struct fl_buf *out, const char *title)
{
    return fl_buf_add_text(out, "<!DOCTYPE html>\n<html lang=en>\n<head><meta charset=utf-8>\n"
                                "<meta name=viewport content=\"width=device-width\">\n"
                                "<link rel=icon href=\"data:,\">\n<title>") ||
                   fl_html_text(out, title) || fl_buf_add_text(out, "</title>\n<style>\n") ||
                   fl_buf_add_text(out, palette) || fl_buf_add_text(out, style) ||
                   fl_buf_add_text(out, picture) ||
                   fl_buf_add_text(out, "</style></head>\n<body>\n<main>\n<h1>") ||
                   fl_html_text(out, title) || fl_buf_add_text(out, "</h1>\n")
               ? -1
               : 0;
}

int
fl_html_end(struct fl_buf *out)
{
    return fl_buf_add_text(out, "</main>\n</body>\n</html>\n");
}
