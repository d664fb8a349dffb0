/*
 * An update's values to integers in lanes of words, and summed lanes back.
 *
 * With w the site's weight, clamped into the roster's [floor, cap], q = round(w / cap * 2^40) /
 * 2^40 is what the site counts: it goes into the weight lane as q * 2^40 and into every value as x
 * = round(clip(u, +-c) * q * scale)      to nearest, ties to even; NaN is 0 so the quotient of the
 * sums is the mean with the weights q, whatever was lost between w and q. A sum of n values is
 * within n / 2 units of the exact one, so a coordinate of the opened mean is within n / (2 scale *
 * sum of q) of the weighted mean of the clipped values, plus one rounding to f32; and q is within
 * 2^-41 of w / cap.
 *
 * No value is refused: whatever a site's update holds, the same bytes are written in the same way.
 */
#ifndef FL_FED_ENCODE_H
#define FL_FED_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "sec/mask.h"
#include "sec/plan.h"

struct fl_lane_encoder {
    struct fl_lanes lanes;
    double clip, factor; /* factor = q * scale */
    float limit;         /* what lies beyond it is clipped */
    uint32_t lane;       /* the bits of one, as far as a number has them */
};

enum { FL_LANE_PIECE = 1680 }; /* values that make whole words, whatever the lanes */

/* What a site is told of its own values; nobody else. */
struct fl_encoded {
    uint64_t values, clipped, zeros, odd; /* odd: NaN */
};

/* Add COUNTS to *TO. */
void fl_encoded_add(struct fl_encoded *to, const struct fl_encoded *counts);

/* Q of WEIGHT, between floor and cap, times 2^40. */
uint64_t fl_encode_weight(const struct fl_weight_policy *policy, double weight);

/* For values of a tensor under RULE, of a site with that Q * 2^40. */
void fl_lane_encoder_init(struct fl_lane_encoder *e, const struct fl_tensor_rule *rule, uint64_t q);

/* N values to ceil(N / lanes) words; unused lanes are zero. Adds to *COUNTS. */
void fl_lane_encode(const struct fl_lane_encoder *e, const float *values, size_t n, uint64_t *words,
                    struct fl_encoded *counts);

/* N whole numbers, modulo 2^bits each, to ceil(N / lanes) words; unused lanes are zero. */
void fl_lane_pack(const struct fl_lanes *lanes, const int64_t *x, size_t n, uint64_t *words);

/* The same N values as numbers, of a rule of at most 32 bits: what is encrypted. */
void fl_lane_encode_numbers(const struct fl_lane_encoder *e, const float *values, size_t n,
                            int64_t *numbers, struct fl_encoded *counts);

/*
 * The lanes of ceil(N / lanes) words as N signed integers. -1 without an error when a lane or bit
 * that is not used is not zero.
 */
FL_MUST int fl_lane_decode(const struct fl_lanes *lanes, const uint64_t *words, size_t n,
                           int64_t *values);

#endif
