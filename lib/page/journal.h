/*
 * What journals of fl-round(1) tell of rounds: losses, arrivals, bytes, rates, seconds, who was
 * late. Any number of journals, of any parties and months, in any order, are gathered into one
 * story.
 */
#ifndef FL_PAGE_JOURNAL_H
#define FL_PAGE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/must.h"
#include "page/chart.h"
#include "page/sheet.h"

struct fl_journal_line; /* in journal.c */

struct fl_journal { /* a zeroed one is empty */
    struct fl_journal_line *lines;
    size_t count, cap;
};

/* Is this sheet a journal: has it its columns? */
bool fl_journal_is(const struct fl_sheet *sheet);

/* Gather a sheet that is one; its text is borrowed until the release. */
FL_MUST int fl_journal_add(struct fl_journal *journal, const struct fl_sheet *sheet);
void fl_journal_release(struct fl_journal *journal);

/*
 * Add what the journal tells to the page: a summary, charts, and tables of lateness and faults.
 * LOSS has losses that sites shared, and gets the hub's. Nothing of an empty journal. Costs
 * n log n for the order, then a line the parties, and the rounds opened since the one it tells of.
 */
FL_MUST int fl_journal_write(struct fl_journal *journal, struct fl_chart *loss, struct fl_buf *out);

#endif
