/*
 * The part of a roster that encrypted tensors need (sec/he_line.h): its canonical form, from that
 * to values, and what must hold. fl_roster_decode calls these.
 */
#ifndef FL_SEC_ROSTER_HE_H
#define FL_SEC_ROSTER_HE_H

#include "base/must.h"
#include "flt/meta.h"
#include "sec/roster.h"

/* "he" of META, left out where there are no lines: such rosters keep their bytes. */
FL_MUST int fl_roster_he_put(struct fl_meta *meta, const struct fl_name_list *lines);

/* One line for each helper, in any order, into r->he; its parties are there. -1: as fl_roster_read.
 */
FL_MUST int fl_roster_he_get(struct fl_roster *r, const struct fl_meta *meta);

/* Who must be there for encrypted tensors, and how many. -1 (FL_USAGE). */
FL_MUST int fl_roster_he_check(const struct fl_roster *r);

#endif
