/*
 * A roster in words: everything that its members agree on, what differs from the defaults and from
 * the roster before, and what it means: who must not collude, how many may be absent, in which
 * steps and to which range values travel.
 */
#ifndef FL_SEC_ROSTER_SHOW_H
#define FL_SEC_ROSTER_SHOW_H

#include "cli/report.h"
#include "sec/plan.h"

extern const char *const fl_roster_show_columns[]; /* "item", "value" */

/*
 * Rows of all of R into REPORT, begun with the columns above. MODEL: the roster's, for what noise
 * of helpers means over it, or NULL: then for two sizes of a model. LAST: the roster in force, or
 * NULL. WORDS: those of its fingerprint too. 0, or -1 as fl_plan_preview; errors of memory show
 * when the report is flushed.
 */
FL_MUST int fl_roster_show(const struct fl_roster *r, struct fl_object *model,
                           const struct fl_roster *last, bool words, struct fl_report *report);

#endif
