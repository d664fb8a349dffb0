/*
 * A site's update under a plan with noise of helpers: measured as a whole, shortened to the
 * roster's length, and rounded to whole numbers within the plan's bound (fed/bounded.h).
 */
#ifndef FL_FED_FITTED_H
#define FL_FED_FITTED_H

#include "base/must.h"
#include "fed/bounded.h"
#include "flt/object.h"
#include "os/progress.h"
#include "sec/plan.h"

struct fl_fitted {             /* a zeroed struct is empty */
    struct fl_bounded bounded; /* for the tensors of the plan, in its order; its key is secret */
    struct fl_bounded_part *parts;
};

/*
 * KEY: of rounding by chance, secret, the same for the same update in every round. Reads UPDATE,
 * which matches PLAN, twice and more (fl_bounded_fit). 0, or -1 when that failed: no update does.
 */
FL_MUST int fl_fitted_make(struct fl_fitted *f, const struct fl_plan *plan,
                           struct fl_object *update, const unsigned char key[FL_STREAM_KEY],
                           struct fl_progress *progress);
void fl_fitted_release(struct fl_fitted *f); /* wipes */

#endif
