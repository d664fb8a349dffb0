/*
 * What fl-round(1) needs to know before a turn, in one report: the party's own file
 * (conf/federation.h), and of the roster that it names what says who does what.
 */
#ifndef FL_SEC_SETUP_H
#define FL_SEC_SETUP_H

#include "base/must.h"
#include "cli/report.h"

/*
 * Fill R, a record that was started, from the federation's YAML in PATH and its roster. -1:
 * FL_USAGE for what is wrong in either, and for a name that is nobody's in the roster; FL_NOT_YET
 * when the roster is not there.
 */
FL_MUST int fl_setup_report(struct fl_report *r, const char *path);

#endif
