/*
 * How the rounds of an epoch follow each other, by the roster's delay and stale.
 *
 * Let M(0) be the roster's model, and M(k+1) the k-th model that comes of a round; U(k) is the mean
 * of the round over M(k).
 *
 *     delay 0    M(k+1) = M(k) + step U(k)
 *     delay 1    M(k+1) = M(k) + step U(k-1), and M(1) = M(0) + step U(0)
 *
 * So with delay 1 the round over M(k+1) opens when U(k-1) is there, while the updates of U(k)
 * travel; only the second round waits for the first, whose mean makes M(1) and M(2): two models
 * must be at hand before two rounds can be, and no site masks two rounds over one. Each model says
 * in its metadata ("step.base") which model its mean was trained from.
 *
 * Buffered rounds (protection none, stale S): to a round over M(k) an update counts that began at
 * M(k), or at one of the S models before it, whose digests the plan lists.
 */
#ifndef FL_SEC_PACE_H
#define FL_SEC_PACE_H

#include "base/must.h"
#include "flt/meta.h"
#include "sec/plan.h"

/* What delay 1 means, for people. */
extern const char fl_pace_delay_words[];

/* What delay, stale and protection mean together: -1 (FL_USAGE). */
FL_MUST int fl_pace_check(const struct fl_roster *r);

/*
 * Under PLAN's roster, may the mean of PLAN's round step the model of this digest and METADATA,
 * which FILE holds? -1 (FL_REFUSED) otherwise.
 */
FL_MUST int fl_pace_check_step(const struct fl_plan *plan, const char *file,
                               const unsigned char model[32], const struct fl_meta *metadata);

/*
 * Did the model of FILE, whose METADATA and ROUND these are, come of a mean over the model BASE, of
 * round BASE_ROUND? -1 (FL_REFUSED) otherwise, naming the mean as AFTER.
 */
struct fl_pace_mean {
    const char *file; /* of the mean */
    const unsigned char *base;
    int64_t base_round;
};
FL_MUST int fl_pace_check_follows(const struct fl_roster *r, const char *file,
                                  const struct fl_meta *metadata, int64_t round,
                                  const struct fl_pace_mean *mean);

/* Let METADATA say, with delay 1 only, that its model's mean was trained from BASE. 0 or -1. */
FL_MUST int fl_pace_mark(const struct fl_roster *r, struct fl_meta *metadata,
                         const unsigned char base[32]);

/*
 * PLAN's lineage, from the "lineage" of its METADATA, if there is one: at most the roster's stale
 * digests, all different and none of them the base. -1 (FL_REFUSED) otherwise.
 */
FL_MUST int fl_pace_lineage(struct fl_plan *plan, const struct fl_meta *meta);

#endif
