/* The same steps for every value, so that how long they take says nothing either. */
#include "fed/encode.h"

#include <math.h>
#include <string.h>

#include "crypt/secret.h"
#include "os/kernel.h"

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

enum { STEP = 840 }; /* values that are encoded before they are packed: of whole words, any lanes */

/*
 * Values between -2^31 and 2^31 to whole numbers, as double holds them beside 1.5 * 2^52: the
 * addition rounds to nearest, ties to even, and the low bits are those of the number.
 */
FL_KERNEL static void
round_narrow(const struct fl_lane_encoder *e, uint64_t lane, const float *values, size_t n,
             uint64_t *x)
{
    const double clip = e->clip, factor = e->factor;

    for (size_t i = 0; i < n; i++) {
        double u = (double)values[i];
        u = u == u ? u : 0;
        u = u > clip ? clip : u;
        u = u < -clip ? -clip : u;
        u = u * factor + 0x1.8p52;
        memcpy(&x[i], &u, sizeof u);
        x[i] &= lane;
    }
}

/* Those beyond +-LIMIT are clipped. N below 2^31. */
FL_KERNEL static void
count_values(float limit, const float *values, size_t n, struct fl_encoded *counts)
{
    uint32_t clipped = 0, zeros = 0, odd = 0;

    for (size_t i = 0; i < n; i++) {
        clipped += (uint32_t)(values[i] > limit) + (uint32_t)(values[i] < -limit);
        zeros += values[i] == 0;
        odd += values[i] != values[i];
    }
    counts->clipped += clipped;
    counts->zeros += zeros;
    counts->odd += odd;
}

/* The same for lanes of 64 bits. */
static void
round_wide(const struct fl_lane_encoder *e, const float *values, size_t n, uint64_t *x)
{
    for (size_t i = 0; i < n; i++) {
        double u = (double)values[i];
        u = isnan(u) ? 0 : u;
        u = u > e->clip ? e->clip : u;
        u = u < -e->clip ? -e->clip : u;
        x[i] = (uint64_t)(int64_t)rint(u * e->factor);
    }
}

/* COUNT, which the caller knows, makes the inner loop a fixed one. */
static inline void
pack_words(const uint64_t *x, size_t n, unsigned bits, unsigned count, uint64_t *words)
{
    for (size_t w = 0; w < n; w++) {
        uint64_t word = x[w * count];
        for (unsigned l = 1; l < count; l++)
            word |= x[w * count + l] << (l * bits);
        words[w] = word;
    }
}

/* X, zero from the last value to the end of its word, to N words. */
FL_KERNEL static void
pack(const struct fl_lanes *lanes, const uint64_t *x, size_t n, uint64_t *words)
{
    switch (lanes->count) {
    case 2: pack_words(x, n, lanes->bits, 2, words); break;
    case 4: pack_words(x, n, lanes->bits, 4, words); break;
    default: pack_words(x, n, lanes->bits, lanes->count, words);
    }
}

void
fl_lane_encode(const struct fl_lane_encoder *e, const float *values, size_t n, uint64_t *words,
               struct fl_encoded *counts)
{
    const struct fl_lanes *lanes = &e->lanes;
    const uint64_t lane = lanes->used >> (lanes->bits * (lanes->count - 1));
    uint64_t x[STEP + 8];

    float limit = (float)e->clip; /* the largest float up to the clip */

    limit = (double)limit > e->clip ? nextafterf(limit, 0) : limit;
    counts->values += n;
    for (size_t at = 0, step; at < n; at += step, words += step / lanes->count) {
        step = n - at < STEP ? n - at : STEP;
        size_t whole = (step + lanes->count - 1) / lanes->count;
        memset(x + step, 0, (whole * lanes->count - step) * sizeof *x);
        count_values(limit, values + at, step, counts);
        if (lanes->bits <= 32)
            round_narrow(e, lane, values + at, step, x);
        else
            round_wide(e, values + at, step, x);
        pack(lanes, x, whole, words);
    }
    fl_wipe(x, sizeof x);
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
