/*
 * What a roster says of noise and of the budget that it is paid from (privacy in fl-protocol(7),
 * NOISE): in its canonical form, and checked against the rest of it.
 *
 * In the canonical form: "noise" none, site or local; the numbers of a kind as noise.KIND.KEY, text
 * in the one form that fl_decimal_print writes, steps as i64; budget.epsilon, budget.delta and
 * budget.accountant. Without noise there is "noise" alone.
 */
#ifndef FL_SEC_ROSTER_NOISE_H
#define FL_SEC_ROSTER_NOISE_H

#include "base/must.h"
#include "conf/noise_terms.h"
#include "flt/meta.h"
#include "priv/bound.h"
#include "priv/budget.h"

enum fl_noise_kind {
    FL_NOISE_NONE,
    FL_NOISE_SITE, /* each helper adds noise to the sum, which hides a site's whole update */
    FL_NOISE_LOCAL /* each site's training adds noise, which hides a document of its text */
};

const char *fl_noise_kind_name(enum fl_noise_kind kind); /* "none", "site", "local" */

struct fl_noise_policy {
    enum fl_noise_kind kind;
    struct fl_decimal clip, multiplier; /* longest update or gradient; noise / clip */
    struct fl_decimal rate;             /* local: chance of a document to come into a step */
    int64_t steps;                      /* local: of an update */
    struct fl_decimal epsilon, delta;   /* the budget: of a unit, over all releases */
    enum fl_accountant accountant;      /* who decides */
};

struct fl_roster;

FL_MUST int fl_noise_policy_to_meta(const struct fl_noise_terms *terms, struct fl_meta *meta);

/* *COUNT: items of META that were read, "noise" among them. -1 (FL_USAGE). */
FL_MUST int fl_noise_policy_from_meta(struct fl_noise_policy *policy, const struct fl_meta *meta,
                                      size_t *count);

/* Do its parties, weights, tensors and recipe allow the roster's noise? 0 or -1 (FL_USAGE). */
FL_MUST int fl_noise_policy_check(const struct fl_roster *r);

/*
 * What one round of COUNT costs a unit, before any rounding is known: of site, Gaussian noise of
 * MULTIPLIER; of local, as many steps of sampled noise.
 */
struct fl_event fl_noise_policy_event(const struct fl_noise_policy *policy, uint64_t rounds);

/* Epsilon of ROUNDS at the budget's delta by its accountant; infinite: no bound. 0 or -1. */
FL_MUST int fl_noise_policy_cost(const struct fl_noise_policy *policy, uint64_t rounds,
                                 double *epsilon);

/* The most rounds, up to MOST, that the budget pays for. 0 or -1. */
FL_MUST int fl_noise_policy_rounds(const struct fl_noise_policy *policy, uint64_t most,
                                   uint64_t *rounds);

#endif
