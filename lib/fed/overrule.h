/*
 * What only people decide at the hub of a federation: that a round is given up, from which number
 * on rounds are counted, who is in the next epoch. Each says what it did in SAID, for its output.
 */
#ifndef FL_FED_OVERRULE_H
#define FL_FED_OVERRULE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/must.h"
#include "fed/standing.h"

/*
 * Give ROUND up for REASON, one line: the next one is over the same model. -1: FL_USAGE when it is
 * not open or there is no reason, FL_REFUSED when only one more round could be opened over the
 * model and SURE is not set.
 */
FL_MUST int fl_overrule_round(struct fl_standing *s, uint64_t round, const char *reason, bool sure,
                              struct fl_buf *said);

/* The next round has this number, or a later one. 0 or -1. */
FL_MUST int fl_overrule_number(struct fl_standing *s, uint64_t round, struct fl_buf *said);

/*
 * The roster of the next epoch: the file of this one, its words and comments kept, with the epoch,
 * first round and model that come next, the next lines that all parties told in their last uploads
 * and answers, the lines of the files named "+FILE" and without the sites named "-NAME" in CHANGES
 * (COUNT). A party that told nothing keeps its line, with a comment. -1: FL_FAILED before any round
 * was closed, FL_USAGE for a change that is none, or of nobody.
 */
FL_MUST int fl_overrule_roster(struct fl_standing *s, const char *const *changes, size_t count,
                               struct fl_buf *roster);

#endif
