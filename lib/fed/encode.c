#include "fed/encode.h"

#include <math.h>

#include "base/bytes.h"
#include "crypt/chacha.h"
#include "crypt/hash.h"

uint64_t
fl_encode_weight(double weight, double cap)
{
    double share = weight < cap ? weight / cap : 1;

    return (uint64_t)rint(ldexp(share, FL_WEIGHT_BITS));
}

void
fl_lane_encoder_init(struct fl_lane_encoder *e, const struct fl_plan *plan, uint32_t index,
                     uint64_t q)
{
    struct fl_hash h;

    fl_lanes_init(&e->lanes, plan->bits);
    e->clip = plan->clip;
    e->factor = (double)q * ldexp(plan->scale, -FL_WEIGHT_BITS); /* exact: a power of two */
    e->stochastic = plan->stochastic;
    fl_hash_init(&h, NULL, "fl1.rounding");
    fl_hash_add(&h, plan->sid, 32);
    fl_hash_add32(&h, index);
    fl_hash_final(&h, e->key);
}

void
fl_lane_encoder_random(const struct fl_lane_encoder *e, uint64_t chunk, uint32_t *random, size_t n)
{
    if (!e->stochastic)
        return;
    fl_stream_fill(random, n * sizeof *random, e->key, chunk);
    for (size_t i = 0; i < n; i++)
        random[i] = fl_get32((const unsigned char *)&random[i]);
}

/* V, the clipped value times the factor, to an integer. |V| < 2^62. */
static inline int64_t
round_up_or_down(double v, uint32_t random)
{
    double below = floor(v);

    return (int64_t)below + (v - below > ((double)random + 0.5) * 0x1p-32);
}

int
fl_lane_encoder_words(const struct fl_lane_encoder *e, const float *values, size_t n,
                      const uint32_t *random, uint64_t *words, uint64_t *clipped)
{
    const uint64_t lane = e->lanes.used >> (e->lanes.bits * (e->lanes.count - 1));
    const double clip = e->clip, factor = e->factor;
    uint64_t beyond = 0;

    for (size_t at = 0; at < n; at += e->lanes.count, words++) {
        size_t lanes = n - at < e->lanes.count ? n - at : e->lanes.count;
        *words = 0;
        for (size_t l = 0; l < lanes; l++) {
            double u = (double)values[at + l];
            if (!isfinite(u))
                return -1;
            beyond += u > clip || u < -clip;
            u = u > clip ? clip : u < -clip ? -clip : u;
            u *= factor;
            int64_t x = random ? round_up_or_down(u, random[at + l]) : (int64_t)rint(u);
            *words |= ((uint64_t)x & lane) << (l * e->lanes.bits);
        }
    }
    *clipped += beyond;
    return 0;
}

int
fl_decode_words(const struct fl_lanes *lanes, const uint64_t *words, size_t n, int64_t *values)
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
