/*
 * What a training that hides documents (nn/dp.h) may be told, and what it costs in epsilon.
 */
#ifndef FL_NN_HIDE_H
#define FL_NN_HIDE_H

#include <stdbool.h>

#include "base/must.h"
#include "cli/report.h"
#include "nn/dp.h"
#include "nn/trainer.h"

/* Is any of dp_* set? */
bool fl_hide_wanted(const struct fl_recipe *r);

/* Where it is, what R says, and what it takes a document for: "record" where it does not say. */
struct fl_dp_settings fl_hide_settings(const struct fl_recipe *r);
const char *fl_hide_unit(const struct fl_recipe *r);

/*
 * Where it is: clip, noise, rate and steps are set, and nothing that would have the data decide how
 * often a document comes, or that would cut the sum again: seed, epochs, accumulate, clip; products
 * are of f32. -1 (FL_USAGE) otherwise. Sets precision.
 */
FL_MUST int fl_hide_check(struct fl_recipe *r);

/*
 * Set what R leaves open (fl_settings_fill); where it hides documents, as if there were no end of
 * TOKENS, so that nothing of the data decides.
 */
FL_MUST int fl_hide_fill(struct fl_recipe *r, const struct fl_config *c, uint64_t tokens);

/*
 * Where T's recipe hides documents, find those of its data into D, and make them T's. -1:
 * (FL_REFUSED) a shard whose documents are passages, or that does not say what they are, where the
 * recipe's dp_unit does not take them as they are; (FL_USAGE) noise that cannot be drawn.
 */
FL_MUST int fl_hide_open(struct fl_training *t, struct fl_documents *d);

/* Then add to a record of what it will take: epsilon at DELTA by RDP, and of what it is. */
FL_MUST int fl_hide_report(const struct fl_training *t, double delta, struct fl_report *r);

#endif
