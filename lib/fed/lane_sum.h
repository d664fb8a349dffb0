/*
 * Sums of lanes: uploads added, answers subtracted, modulo 2^bits in each lane, tensor by tensor of
 * a plan. The sums lie in a store (fed/store.h), so that memory is bounded; each input is read
 * once.
 */
#ifndef FL_FED_LANE_SUM_H
#define FL_FED_LANE_SUM_H

#include "base/must.h"
#include "flt/reader.h"
#include "flt/writer.h"
#include "os/progress.h"
#include "sec/plan.h"

struct fl_lane_sum;

/* MEMORY: bytes of real memory, beyond it $TMPDIR. PLAN and PROGRESS (of bytes) are borrowed. */
struct fl_lane_sum *fl_lane_sum_new(const struct fl_plan *plan, uint64_t memory,
                                    struct fl_progress *progress);

/* One that keeps no sums: what it is given is checked in the same way, in no memory. */
struct fl_lane_sum *fl_lane_sum_inspector(const struct fl_plan *plan, struct fl_progress *progress);

void fl_lane_sum_free(struct fl_lane_sum *s);

/*
 * Add (SIGN 1) or subtract (-1) the tensors of the object at hand in IN: those of an upload, or
 * with MASKED_ONLY those of an answer. They must be what the plan says, and no bit may be set above
 * their lanes. 0, or -1 with an error; the sums are then of no use.
 */
FL_MUST int fl_lane_sum_add(struct fl_lane_sum *s, struct fl_reader *in, int sign,
                            bool masked_only);

/* The summed weight, Q * 2^40, as it is. */
uint64_t fl_lane_sum_weight(const struct fl_lane_sum *s);

/* Up to N coordinates of tensor I of the plan from AT on, as integers. -1 when a spare bit is set.
 */
FL_MUST int fl_lane_sum_decode(const struct fl_lane_sum *s, size_t i, uint64_t at, size_t n,
                               int64_t *values);

/* Write the tensors of an upload with the sums as their words. 0 or -1. */
FL_MUST int fl_lane_sum_write(const struct fl_lane_sum *s, struct fl_writer *out);

#endif
