/*
 * A party's own file (conf/federation.h) and the roster that it names: what fl-round(1) needs to
 * know before a turn.
 */
#ifndef FL_SEC_SETUP_H
#define FL_SEC_SETUP_H

#include "base/must.h"
#include "cli/report.h"
#include "conf/federation.h"
#include "sec/roster.h"

struct fl_setup { /* a zeroed struct is empty */
    struct fl_federation_conf conf;
    struct fl_roster roster;
};

/*
 * Read both. -1, with S released: FL_USAGE for what is wrong in either, and for a name that is
 * nobody's in the roster; FL_NOT_YET when the roster is not there.
 */
FL_MUST int fl_setup_read(struct fl_setup *s, const char *path);
void fl_setup_release(struct fl_setup *s);

/*
 * Fill R, a record that was started, with both. -1 as above, and FL_USAGE for a site whose recipe
 * gives no steps.
 */
FL_MUST int fl_setup_report(struct fl_report *r, const char *path);

#endif
