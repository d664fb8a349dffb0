/*
 * Names of rows stand in a column of their own, as an input may be called "mean". Sums are over
 * inputs in the order in which they came.
 */
#include "nn/score_table.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"

enum { DIGITS = 9 };

void
fl_table_start(struct fl_table *t, const struct fl_table_form *form, bool files, bool fairness,
               bool json)
{
    *t = (struct fl_table){.form = form, .files = files, .fairness = fairness};
    fl_report_start(&t->report, form->columns + (fairness ? 0 : 1), json);
}

void
fl_table_release(struct fl_table *t)
{
    fl_report_release(&t->report);
    free(t->rows);
    *t = (struct fl_table){.form = NULL};
}

static void
add_cells(struct fl_table *t, const char *kind, const char *name, const uint64_t *counts,
          const double *figures)
{
    if (t->fairness)
        fl_report_text(&t->report, kind);
    fl_report_text(&t->report, t->fairness || name ? name : kind);
    for (size_t i = 0; i < t->form->counts; i++)
        if (counts)
            fl_report_u64(&t->report, counts[i]);
        else
            fl_report_none(&t->report);
    for (size_t i = 0; i < t->form->figures; i++)
        fl_report_f64(&t->report, figures[i], DIGITS);
}

/* Keep the row of an input until all have come. */
static int
keep(struct fl_table *t, struct fl_table_row row)
{
    struct fl_table_row *rows = fl_grow(t->rows, t->count, &t->cap, sizeof *rows);

    if (!rows)
        return -1;
    t->rows = rows;
    t->rows[t->count++] = row;
    return 0;
}

int
fl_table_add(struct fl_table *t, const char *name, struct fl_table_row row, int fd,
             const char *file)
{
    if (t->fairness && keep(t, row))
        return -1;
    if (!t->files)
        return 0;
    add_cells(t, "file", name, row.counts, row.figures);
    return fl_report_flush(&t->report, fd, file);
}

void
fl_spread_of(const double *x, size_t k, bool less, double spread[FL_SPREADS])
{
    double least = x[0], greatest = x[0], sum = 0, squares = 0;
    bool known = true;

    for (size_t i = 0; i < k; i++) {
        known = known && !isnan(x[i]);
        least = x[i] < least ? x[i] : least;
        greatest = x[i] > greatest ? x[i] : greatest;
        sum += x[i];
    }
    double mean = sum / (double)k;
    for (size_t i = 0; i < k; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    spread[FL_SPREAD_MEAN] = known ? mean : NAN;
    spread[FL_SPREAD_WORST] = !known ? NAN : less ? greatest : least;
    spread[FL_SPREAD_SPREAD] = known ? greatest - least : NAN;
    spread[FL_SPREAD_DEVIATION] = known ? sqrt(squares / (double)k) : NAN;
}

static int
add_fairness(struct fl_table *t)
{
    static const char *const names[FL_SPREADS] = {"mean", "worst", "spread", "deviation"};
    double rows[FL_SPREADS][FL_TABLE_FIGURES] = {{0}}, spread[FL_SPREADS];
    double *x = fl_alloc(t->count, sizeof *x);

    if (!x)
        return -1;
    for (size_t f = 0; f < t->form->figures; f++) {
        for (size_t i = 0; i < t->count; i++)
            x[i] = t->rows[i].figures[f];
        fl_spread_of(x, t->count, t->form->less >> f & 1, spread);
        for (size_t s = 0; s < FL_SPREADS; s++)
            rows[s][f] = spread[s];
    }
    free(x);
    for (size_t s = 0; s < FL_SPREADS; s++)
        add_cells(t, names[s], NULL, NULL, rows[s]);
    return 0;
}

int
fl_table_end(struct fl_table *t, struct fl_table_row total, int fd, const char *file)
{
    add_cells(t, "total", NULL, total.counts, total.figures);
    return t->fairness && add_fairness(t) ? -1 : fl_report_flush(&t->report, fd, file);
}
