/*
 * How much an update counts in a mean. With n the examples, L the loss before training, D the
 * tokens in millions, and B the site's bandwidth in Mbit/s:
 *
 *     examples   n
 *     uniform    1
 *     loss       L
 *     dynamic    L / (D * B^alpha)
 *
 * Only the ratios of weights matter. The weight as used is the rule's value rounded to a multiple
 * of 2^-40 (D is in millions so that this loses nothing that matters); one that is not finite, not
 * above zero, or above 2^40 is refused.
 */
#ifndef FL_FED_WEIGHTS_H
#define FL_FED_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"
#include "conf/weight_rule.h"
#include "flt/meta.h"
#include "sec/roster.h"

#define FL_WEIGHT_DYNAMIC_MIN 0x1p-27

struct fl_bandwidth {
    char *site;
    double mbit; /* Mbit/s, above zero */
};

struct fl_weighting { /* zeroed: examples */
    enum fl_weight_rule rule;
    double alpha; /* 0 to 4; used by dynamic */
    struct fl_bandwidth *bandwidths;
    size_t count, cap;
};

void fl_weighting_release(struct fl_weighting *how);

/* Add "SITE=MBIT,SITE=MBIT,..."; a site that is named twice is an error (FL_USAGE). */
FL_MUST int fl_weighting_bandwidths(struct fl_weighting *how, const char *text);

/*
 * From the words of a command line: RULE, ALPHA (NULL: FL_WEIGHT_ALPHA), COUNT texts of bandwidths
 * as above. FL_USAGE when alpha or bandwidths are given for a rule that does not use them.
 */
FL_MUST int fl_weighting_fill(struct fl_weighting *how, const char *rule, const double *alpha,
                              const char *const *bandwidths, size_t count);

/* Bandwidth of SITE (NULL: of no name), or 0 when it was not given. */
double fl_weighting_bandwidth(const struct fl_weighting *how, const char *site);

/*
 * The weight of an update with this metadata, exactly as it is used: the double is a multiple of
 * 2^-40, above zero and at most 2^40. -1 with an error that names the missing or wrong key and the
 * cure, but not the file (fl_error_about adds it).
 */
FL_MUST int fl_weight_of(const struct fl_weighting *how, const struct fl_meta *update,
                         double *weight);

/*
 * The same under a roster's policy, for a masked round: what a site of this bandwidth counts,
 * before it is clamped (fl_encode_weight does). NaN when the update does not say what the rule
 * needs: nothing is refused for what an update says. UPDATE may be NULL.
 */
double fl_weight_raw(const struct fl_weight_policy *policy, const struct fl_meta *update,
                     double mbit);

#endif
