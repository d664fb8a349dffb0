/*
 * The hub asks its helpers for one set of sites: of the uploads that are there the set that may be
 * summed, the request that shows it, and the record of it, before a byte leaves.
 *
 * What the hub asked for is no promise: as long as no helper has answered it may ask for another
 * set. Helpers keep the rule of sets themselves; the hub's own list only tells it early. But a
 * round that was given up may have been answered by one helper, who answers over near models as
 * the rule says then: so a set that is chosen goes with what was asked for in other rounds too,
 * and who names the files may ask for any that goes with the sums that were made.
 */
#ifndef FL_FED_ASK_H
#define FL_FED_ASK_H

#include "base/must.h"
#include "fed/gather.h"
#include "sec/state.h"

/*
 * Of the COUNT files of uploads the largest set that the rule allows: WANTED (n) tells its sites,
 * LEFT_OUT names those that are here and not in it. Reads heads only. -1: FL_NOT_YET, naming for
 * whom it waits, when there is no set yet; FL_USAGE for standard input, which cannot be read twice.
 */
FL_MUST int fl_ask_fit(struct fl_state *s, const struct fl_plan *plan, const char *const *paths,
                       size_t count, bool *wanted, struct fl_buf *left_out);

/*
 * May the sites that G has gathered be asked for? 0, or -1: FL_NOT_YET below min_sum, naming who is
 * missing; FL_REFUSED by the rule of sets, or when S signed no such plan.
 */
FL_MUST int fl_ask_check(struct fl_state *s, const struct fl_gather *g);

/* Write G's request to FD, signed by the hub's KEY; then record it and what was counted, and save.
 */
FL_MUST int fl_ask_write(struct fl_state *s, const struct fl_gather *g, const struct fl_key *key,
                         int fd, const char *name, int level);

#endif
