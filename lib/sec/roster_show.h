/*
 * A roster in words: everything that its members agree on, what differs from the defaults and from
 * the roster before, and what it means: who must not collude, how many may be absent, in which
 * steps and to which range values travel.
 */
#ifndef FL_SEC_ROSTER_SHOW_H
#define FL_SEC_ROSTER_SHOW_H

#include "cli/report.h"
#include "sec/roster.h"

extern const char *const fl_roster_show_columns[]; /* "item", "value" */

/*
 * Rows of all of R into REPORT, begun with the columns above. LAST: the roster in force, or NULL.
 * WORDS: those of its fingerprint too. Errors of memory show when the report is flushed.
 */
void fl_roster_show(const struct fl_roster *r, const struct fl_roster *last, bool words,
                    struct fl_report *report);

#endif
