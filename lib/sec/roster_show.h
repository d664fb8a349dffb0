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
 * MODEL: the roster's, or NULL: then noise of helpers is told for two sizes of a model, and what
 * classes of tensors take is not. LAST: the roster in force, or NULL.
 */
struct fl_roster_view {
    struct fl_object *model;
    const struct fl_roster *last;
    bool words;   /* those of the roster's fingerprint too */
    bool tensors; /* with MODEL: each tensor too */
};

/*
 * Rows of all of R into REPORT, begun with the columns above. 0, or -1 as fl_plan_preview; errors
 * of memory show when the report is flushed.
 */
FL_MUST int fl_roster_show(const struct fl_roster *r, const struct fl_roster_view *view,
                           struct fl_report *report);

#endif
