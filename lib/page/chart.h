/*
 * Charts as SVG within a page: points of several series over two axes, or bars of named values.
 * Each is a figure with its title, a description for who cannot see it, and, closed, the table of
 * its numbers.
 */
#ifndef FL_PAGE_CHART_H
#define FL_PAGE_CHART_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/must.h"

struct fl_point {
    double x, y;
};

struct fl_series {
    char *name; /* its own */
    struct fl_point *points;
    size_t count, cap;
};

struct fl_chart {      /* a zeroed one is empty; its texts are borrowed */
    const char *title; /* "Validation loss" */
    const char *x, *y; /* what the axes show, with units; of bars x says what they are */
    bool from_zero;    /* y begins at 0: amounts, whose share of each other is looked at */
    struct fl_series *series;
    size_t count, cap;
};

void fl_chart_release(struct fl_chart *chart);

/* Add a point to the series of this NAME, made if there is none; one not finite is left out. */
FL_MUST int fl_chart_add(struct fl_chart *chart, const char *name, double x, double y);

/* Add VALUE to the last point's y of series NAME, or begin at it: sums for bars. */
FL_MUST int fl_chart_sum(struct fl_chart *chart, const char *name, double value);

/*
 * Of more than MOST series make three: the least, the median and the greatest value at each x.
 * For charts that nobody could read otherwise. O(n log n) of all points.
 */
FL_MUST int fl_chart_fold(struct fl_chart *chart, size_t most);

/*
 * Draw the points of each series in the order in which they were added, with lines between them;
 * a chart without points is nothing. Numbers are drawn as the table has them, to 6 digits.
 */
FL_MUST int fl_chart_lines(const struct fl_chart *chart, struct fl_buf *out);

/* Draw the same, without its table, as a file of its own: SVG 1.1 with its style in it. */
FL_MUST int fl_chart_svg(const struct fl_chart *chart, struct fl_buf *out);

/* Draw a bar for the last y of each series, from 0. Values are not below 0. */
FL_MUST int fl_chart_bars(const struct fl_chart *chart, struct fl_buf *out);

#endif
