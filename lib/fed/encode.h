/*
 * An update's values to integers in lanes of words, and summed lanes back.
 *
 * With w the site's weight and cap the plan's, q = round(min(w, cap) / cap * 2^40) / 2^40 is what
 * the site counts: it goes into the weight lane as q * 2^40 and into every value as
 *     x = round(clip(u, +-c) * q * scale)
 * so the quotient of the sums is the mean with the weights q, whatever was lost between w and q. A
 * sum of n values is within n units of the exact one (n/2 with rounding to nearest), so a
 * coordinate of the opened mean is within n / (scale * sum of q) of the weighted mean of the
 * clipped values, plus one rounding to f32; and q is within 2^-41 of w / cap.
 *
 * Stochastic rounding goes up with the probability of the fraction (to 2^-32), so that errors of
 * many sites and rounds average out. Its random numbers are ChaCha20 of a key that anybody can
 * derive from session and site: an update is encoded to the same bytes again. They protect nothing.
 */
#ifndef FL_FED_ENCODE_H
#define FL_FED_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "sec/mask.h"
#include "sec/plan.h"

struct fl_lane_encoder {
    struct fl_lanes lanes;
    double clip, factor; /* factor = q * scale */
    bool stochastic;
    unsigned char key[32]; /* of the rounding's random numbers */
};

/* Q of WEIGHT under CAP, times 2^40: 0 to 2^40. WEIGHT is above zero. */
uint64_t fl_encode_weight(double weight, double cap);

/* For site INDEX with that Q * 2^40. */
void fl_lane_encoder_init(struct fl_lane_encoder *e, const struct fl_plan *plan, uint32_t index,
                          uint64_t q);

/*
 * Random numbers for the N lanes of chunk CHUNK, numbered from its first word on; nothing when
 * rounding is to nearest. RANDOM has room for N.
 */
void fl_lane_encoder_random(const struct fl_lane_encoder *e, uint64_t chunk, uint32_t *random,
                            size_t n);

/*
 * N values to ceil(N / lanes) words; unused lanes are zero. RANDOM: (n), for stochastic rounding.
 * *CLIPPED counts values beyond the clip. -1 without an error when a value is not finite.
 */
int fl_lane_encoder_words(const struct fl_lane_encoder *e, const float *values, size_t n,
                          const uint32_t *random, uint64_t *words, uint64_t *clipped);

/*
 * The lanes of ceil(N / lanes) words as N signed integers. -1 without an error when a lane or bit
 * that is not used is not zero.
 */
int fl_decode_words(const struct fl_lanes *lanes, const uint64_t *words, size_t n, int64_t *values);

#endif
