/*
 * One page of journals and tables: self-contained HTML with charts, in light and dark, for a
 * screen of any width and for paper, without scripts.
 */
#ifndef FL_PAGE_PAGE_H
#define FL_PAGE_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/must.h"

struct fl_page_chart {    /* a chart that was asked for: "X,Y" or "X,Y,SERIES", names of columns */
    char *x, *y, *series; /* its own; SERIES may be NULL: a series for each file */
};

/* Read what a chart shall show; free its X, which holds all. 0 or -1. */
FL_MUST int fl_page_chart_parse(struct fl_page_chart *chart, const char *text);

struct fl_page {
    const char *title;
    const char *const *files; /* journals and tables, "-" is standard input */
    size_t file_count;
    const struct fl_page_chart *charts;
    size_t chart_count;
    bool picture; /* nothing but the one chart, as a file of SVG */
};

/*
 * Add the page of all files to OUT. A file with the columns of fl-round's journal is one; of
 * others each is a table in the page, and besides, those with `round` and `loss` (and `site` or
 * `party`) are drawn with the losses of rounds, those with `step` and `loss` as training. A chart
 * that was asked for and has no points is an error (2). The files are in memory, O(bytes). The
 * same files give the same bytes.
 */
FL_MUST int fl_page_write(const struct fl_page *page, struct fl_buf *out);

#endif
