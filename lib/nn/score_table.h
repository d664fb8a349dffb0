/*
 * The table of an evaluation: a row for every input, one for all of them, and on demand what says
 * how fair the model is to them. Columns are the name of the input, counts, and figures.
 */
#ifndef FL_NN_SCORE_TABLE_H
#define FL_NN_SCORE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "cli/report.h"

enum { FL_TABLE_COUNTS = 2, FL_TABLE_FIGURES = 4 }; /* at most */

struct fl_table_form {
    const char *columns[2 + FL_TABLE_COUNTS + FL_TABLE_FIGURES + 1]; /* "row", "file", then */
    size_t counts, figures; /* so many columns of each, in this order */
    unsigned less;          /* bit I: of figure I less is better */
};

struct fl_table_row {
    uint64_t counts[FL_TABLE_COUNTS];
    double figures[FL_TABLE_FIGURES]; /* NAN: not known */
};

struct fl_table { /* zeroed it is released */
    const struct fl_table_form *form;
    struct fl_report report;
    bool files, fairness;
    struct fl_table_row *rows; /* of the inputs */
    size_t count, cap;
};

/*
 * Begin a table of FORM (borrowed): with FILES a row for every input, with FAIRNESS rows on all of
 * them and a first column that says what a row is.
 */
void fl_table_start(struct fl_table *t, const struct fl_table_form *form, bool files, bool fairness,
                    bool json);
void fl_table_release(struct fl_table *t);

/* The row of one input. Rows are written to FD as they come. */
FL_MUST int fl_table_add(struct fl_table *t, const char *name, struct fl_table_row row, int fd,
                         const char *file);

/*
 * The row of all inputs ("total"), and with fairness, of every figure over the inputs, each of
 * which counts once, the rows of fl_spread_of.
 */
FL_MUST int fl_table_end(struct fl_table *t, struct fl_table_row total, int fd, const char *file);

enum fl_spread {
    FL_SPREAD_MEAN,      /* sum of x / K */
    FL_SPREAD_WORST,     /* the greatest x; the least where more is better */
    FL_SPREAD_SPREAD,    /* greatest less least */
    FL_SPREAD_DEVIATION, /* sqrt(sum of (x - mean)^2 / K): these are all there are, not a sample */
    FL_SPREADS
};

/* Of K >= 1 values X, of which LESS or more is better; all NAN when one of them is. */
void fl_spread_of(const double *x, size_t k, bool less, double spread[FL_SPREADS]);

#endif
