/*
 * The same steps for every value, so that how long they take says nothing either: no branch, no
 * index and no function of the mathematical library, whose steps depend on their argument. Watched
 * by tests/secrets.
 */
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
    /* exact: a power of two; then to nearest, ties to even, as all below 2^52 can be */
    w = w / policy->cap * (double)(UINT64_C(1) << FL_WEIGHT_BITS) + 0x1p52 - 0x1p52;
    return (uint64_t)(int64_t)w; /* signed: an unsigned one is converted in a branch */
}

void
fl_encoded_add(struct fl_encoded *to, const struct fl_encoded *counts)
{
    to->values += counts->values;
    to->clipped += counts->clipped;
    to->zeros += counts->zeros;
    to->odd += counts->odd;
}

void
fl_lane_encoder_init(struct fl_lane_encoder *e, const struct fl_tensor_rule *rule, uint64_t q)
{
    fl_lanes_init(&e->lanes, rule->bits);
    e->clip = rule->clip;
    e->limit = (float)e->clip; /* the largest float up to the clip */
    e->limit = (double)e->limit > e->clip ? nextafterf(e->limit, 0) : e->limit;
    e->lane = (uint32_t)(e->lanes.used >> (e->lanes.bits * (e->lanes.count - 1)));
    e->factor = (double)(int64_t)q *
                ldexp(rule->scale, -FL_WEIGHT_BITS); /* exact: a power of two */
}

/* Then a word of two lanes of 32 bits is two numbers one after the other. */
#define LITTLE_ENDIAN_WORDS (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

/*
 * Values between -2^31 and 2^31 to whole numbers, as double holds them beside 1.5 * 2^52: the
 * addition rounds to nearest, ties to even, and the low bits are those of the number. Counted in
 * the same pass, which has the values at hand.
 */
FL_KERNEL static void
round_narrow(const struct fl_lane_encoder *e, const float *values, size_t n, unsigned char *x,
             struct fl_encoded *counts)
{
    const double clip = e->clip, factor = e->factor;
    const float limit = e->limit;
    const uint32_t lane = e->lane;
    uint32_t clipped = 0, zeros = 0, odd = 0;

    for (size_t i = 0; i < n; i++) {
        const float v = values[i];
        clipped += fabsf(v) > limit;
        zeros += v == 0;
        odd += v != v;
        double u = (double)(v == v ? v : 0);
        u = u > clip ? clip : u;
        u = u < -clip ? -clip : u;
        u = u * factor + 0x1.8p52;
        uint64_t whole;
        memcpy(&whole, &u, sizeof u);
        const uint32_t number = (uint32_t)whole & lane;
        memcpy(x + i * sizeof number, &number, sizeof number);
    }
    counts->clipped += clipped;
    counts->zeros += zeros;
    counts->odd += odd;
}

/* The same for lanes of 64 bits, of which a word is one. */
FL_KERNEL static void
round_wide(const struct fl_lane_encoder *e, const float *values, size_t n, uint64_t *x,
           struct fl_encoded *counts)
{
    const double clip = e->clip, factor = e->factor;
    const float limit = e->limit;
    uint32_t clipped = 0, zeros = 0, odd = 0;

    for (size_t i = 0; i < n; i++) {
        const float v = values[i];
        clipped += fabsf(v) > limit;
        zeros += v == 0;
        odd += v != v;
        double u = (double)(v == v ? v : 0);
        u = u > clip ? clip : u;
        u = u < -clip ? -clip : u;
        u *= factor;
        /* to nearest, ties to even: by the addition below 2^52, from which on all are whole */
        double far = copysign(0x1p52, u), whole = u + far - far;
        uint64_t near = 0 - (uint64_t)(fabs(u) < 0x1p52), a, b;
        memcpy(&a, &whole, sizeof a);
        memcpy(&b, &u, sizeof b);
        x[i] = (a & near) | (b & ~near);
    }
    for (size_t i = 0; i < n; i++) { /* apart, so that the loop above is one of vectors */
        double whole;
        memcpy(&whole, &x[i], sizeof whole);
        x[i] = (uint64_t)(int64_t)whole;
    }
    counts->clipped += clipped;
    counts->zeros += zeros;
    counts->odd += odd;
}

/* BITS and COUNT, which the caller may know, make the inner loop a fixed one. */
static inline void
pack_words(const uint32_t *x, size_t n, unsigned bits, unsigned count, uint64_t *words)
{
    for (size_t w = 0; w < n; w++) {
        uint64_t word = x[w * count];
        for (unsigned l = 1; l < count; l++)
            word |= (uint64_t)x[w * count + l] << (l * bits);
        words[w] = word;
    }
}

/* X, zero from the last value to the end of its word, to N words. */
FL_KERNEL static void
pack(const struct fl_lanes *lanes, const uint32_t *x, size_t n, uint64_t *words)
{
    if (lanes->bits == 16)
        pack_words(x, n, 16, 4, words);
    else if (lanes->count == 2)
        pack_words(x, n, lanes->bits, 2, words);
    else if (lanes->count == 4)
        pack_words(x, n, lanes->bits, 4, words);
    else
        pack_words(x, n, lanes->bits, lanes->count, words);
}

/* The values of WHOLE words, lanes having at most 32 bits; N <= FL_LANE_PIECE may be fewer. */
static void
encode_narrow(const struct fl_lane_encoder *e, const float *values, size_t n, size_t whole,
              uint64_t *words, struct fl_encoded *counts)
{
    _Alignas(64) uint32_t x[FL_LANE_PIECE + 8];
    const size_t places = whole * e->lanes.count;
    const bool packed = LITTLE_ENDIAN_WORDS && e->lanes.bits == 32;
    unsigned char *to = (unsigned char *)(packed ? (void *)words : (void *)x);

    round_narrow(e, values, n, to, counts);
    memset(to + n * sizeof *x, 0, (places - n) * sizeof *x);
    if (packed)
        return;
    pack(&e->lanes, x, whole, words);
    fl_wipe(x, sizeof x);
}

void
fl_lane_encode(const struct fl_lane_encoder *e, const float *values, size_t n, uint64_t *words,
               struct fl_encoded *counts)
{
    const size_t count = e->lanes.count;

    counts->values += n;
    for (size_t at = 0, step; at < n; at += step, words += step / count) {
        step = n - at < FL_LANE_PIECE ? n - at : FL_LANE_PIECE;
        if (e->lanes.bits > 32)
            round_wide(e, values + at, step, words, counts);
        else
            encode_narrow(e, values + at, step, (step + count - 1) / count, words, counts);
    }
}

void
fl_lane_pack(const struct fl_lanes *lanes, const int64_t *x, size_t n, uint64_t *words)
{
    const uint64_t lane = lanes->used >> (lanes->bits * (lanes->count - 1));

    for (size_t at = 0; at < n; at += lanes->count, words++) {
        const size_t used = n - at < lanes->count ? n - at : lanes->count;
        *words = 0;
        for (size_t l = 0; l < used; l++)
            *words |= ((uint64_t)x[at + l] & lane) << (l * lanes->bits);
    }
}

void
fl_lane_encode_numbers(const struct fl_lane_encoder *e, const float *values, size_t n,
                       int64_t *numbers, struct fl_encoded *counts)
{
    const int64_t sign = INT64_C(1) << (e->lanes.bits - 1);
    uint32_t x[FL_LANE_PIECE];

    counts->values += n;
    for (size_t at = 0, step; at < n; at += step) {
        step = n - at < FL_LANE_PIECE ? n - at : FL_LANE_PIECE;
        round_narrow(e, values + at, step, (unsigned char *)x, counts);
        for (size_t i = 0; i < step; i++)
            numbers[at + i] = ((int64_t)x[i] ^ sign) - sign;
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
