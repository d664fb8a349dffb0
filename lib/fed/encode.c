/* The same steps for every value, so that how long they take says nothing either. */
#include "fed/encode.h"

#include <math.h>

uint64_t
fl_encode_weight(const struct fl_weight_policy *policy, double weight)
{
    double w = weight >= policy->floor ? weight : policy->floor; /* NaN compares with nothing */

    w = w <= policy->cap ? w : policy->cap;
    return (uint64_t)rint(ldexp(w / policy->cap, FL_WEIGHT_BITS));
}

void
fl_lane_encoder_init(struct fl_lane_encoder *e, const struct fl_tensor_rule *rule, uint64_t q)
{
    fl_lanes_init(&e->lanes, rule->bits);
    e->clip = rule->clip;
    e->factor = (double)q * ldexp(rule->scale, -FL_WEIGHT_BITS); /* exact: a power of two */
}

void
fl_lane_encode(const struct fl_lane_encoder *e, const float *values, size_t n, uint64_t *words,
               struct fl_encoded *counts)
{
    const uint64_t lane = e->lanes.used >> (e->lanes.bits * (e->lanes.count - 1));
    const double clip = e->clip, factor = e->factor;
    uint64_t clipped = 0, zeros = 0, odd = 0;

    for (size_t at = 0; at < n; at += e->lanes.count, words++) {
        size_t used = n - at < e->lanes.count ? n - at : e->lanes.count;
        *words = 0;
        for (size_t l = 0; l < used; l++) {
            double u = (double)values[at + l];
            bool nan = isnan(u);
            clipped += u > clip || u < -clip;
            zeros += u == 0;
            odd += nan;
            u = nan ? 0 : u;
            u = u > clip ? clip : u;
            u = u < -clip ? -clip : u;
            *words |= ((uint64_t)(int64_t)rint(u * factor) & lane) << (l * e->lanes.bits);
        }
    }
    counts->values += n;
    counts->clipped += clipped;
    counts->zeros += zeros;
    counts->odd += odd;
}

int
fl_lane_decode(const struct fl_lanes *lanes, const uint64_t *words, size_t n, int64_t *values)
{
    const uint64_t lane = lanes->used >> (lanes->bits * (lanes->count - 1));
    const uint64_t sign = UINT64_C(1) << (lanes->bits - 1);

    for (size_t at = 0; at < n; at += lanes->count, words++) {
        size_t used = n - at < lanes->count ? n - at : lanes->count;
        uint64_t rest = *words;
        for (size_t l = 0; l < used; l++) {
            values[at + l] = (int64_t)(((rest & lane) ^ sign) - sign);
            rest = lanes->bits == 64 ? 0 : rest >> lanes->bits;
        }
        if (rest)
            return -1;
    }
    return 0;
}
