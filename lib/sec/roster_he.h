/*
 * The part of a roster that encrypted tensors need (sec/he_line.h): its canonical form, from that
 * to values, and what must hold. fl_roster_decode calls these, but for fl_roster_he_commits.
 */
#ifndef FL_SEC_ROSTER_HE_H
#define FL_SEC_ROSTER_HE_H

#include <stdbool.h>

#include "base/must.h"
#include "flt/meta.h"
#include "sec/he_key.h"
#include "sec/roster.h"

/* "he" of META, left out where there are no lines: such rosters keep their bytes. */
FL_MUST int fl_roster_he_put(struct fl_meta *meta, const struct fl_name_list *lines);

/* One line for each helper, in any order, into r->he; its parties are there. -1: as fl_roster_read.
 */
FL_MUST int fl_roster_he_get(struct fl_roster *r, const struct fl_meta *meta);

/*
 * Is this the packed KEY (FL_HE_KEY bytes) that the line of helper number H commits it to for its
 * K-th round: what nobody could choose after seeing the others', as it was under the root when
 * people agreed?
 */
bool fl_roster_he_commits(const struct fl_roster *r, size_t h, uint64_t k, const void *key,
                          const unsigned char path[FL_HE_PATH]);

/* Who must be there for encrypted tensors, and how many. -1 (FL_USAGE). */
FL_MUST int fl_roster_he_check(const struct fl_roster *r);

#endif
