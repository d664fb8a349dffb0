/*
 * From opened sums of lanes to the mean: what no honest set of uploads can give is refused, and
 * each coordinate divided by the summed weight. Anybody who has the same files computes the same
 * bytes.
 */
#ifndef FL_FED_OPENED_H
#define FL_FED_OPENED_H

#include "base/must.h"
#include "fed/lane_sum.h"
#include "fed/members.h"

/*
 * Are these sums of the uploads of MEMBERS, all masks gone? The summed weight must be what the rule
 * gives (under uniform exactly), no coordinate beyond what so much weight can reach and the noise
 * of helpers (T of priv/bound.h, beyond which it is once in 2^40 rounds), no spare bit set. 0, or
 * -1 (FL_FAILED): some upload or answer was not made by the plan; masks do not show which.
 */
FL_MUST int fl_opened_check(const struct fl_plan *plan, const struct fl_lane_sum *sums,
                            const struct fl_members *members);

/* The object of kind update: the mean of the round, after fl_opened_check. 0 or -1. */
FL_MUST int fl_opened_write(const struct fl_plan *plan, const struct fl_lane_sum *sums,
                            const struct fl_members *members, struct fl_writer *out);

#endif
