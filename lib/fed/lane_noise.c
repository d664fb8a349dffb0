/*
 * A sample is drawn for each value in its order, and no more, since lanes without a value must say
 * zero when the sum is opened.
 */
#include "fed/lane_noise.h"

#include <assert.h>

#include "base/least.h"
#include "crypt/secret.h"

/* Subtract N numbers, of whole words but for the last, from the lanes of WORDS. */
static void
subtract(const struct fl_lanes *lanes, uint64_t *words, const int64_t *x, size_t n)
{
    const unsigned bits = lanes->bits, count = lanes->count;
    const uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;

    for (size_t at = 0; at < n; words++) {
        const unsigned now = (unsigned)fl_min(n - at, count);
        uint64_t word = *words;
        for (unsigned l = 0; l < now; l++, at++) {
            const unsigned shift = l * bits;
            assert(shift < 64);
            const uint64_t lane = ((word >> shift) - (uint64_t)x[at]) & mask; /* modulo 2^bits */
            word = (word & ~(mask << shift)) | lane << shift;
        }
        *words = word;
    }
}

void
fl_lanes_noise(const struct fl_lanes *lanes, uint64_t *words, size_t n, uint32_t sigma,
               struct fl_noise *noise)
{
    int64_t x[FL_LANE_NOISE_PIECE];

    for (size_t now; n; n -= now, words += now / lanes->count) {
        now = fl_min(n, FL_LANE_NOISE_PIECE);
        fl_noise_dgauss_fill(noise, sigma, x, now);
        subtract(lanes, words, x, now);
    }
    fl_wipe(x, sizeof x);
}

void
fl_lane_words_noise(const struct fl_lane_noise *n, const struct fl_lane_chunk *chunk,
                    unsigned char *buffer)
{
    const struct fl_plan *plan = n->plan;
    const uint64_t end = fl_min_u64(chunk->to, plan->masked_words - 1); /* the weight's word */
    uint64_t *out = chunk->out;
    struct fl_noise noise;

    fl_noise_start(&noise, n->key, chunk->from / FL_CHUNK_WORDS, buffer);
    for (uint64_t from = chunk->from; from < end;) {
        const size_t place = fl_plan_place(plan, from);
        const struct fl_plan_tensor *t = fl_plan_at(plan, place);
        const uint64_t to = fl_min_u64(t->word_at + t->words, end);
        const uint64_t element = (from - t->word_at) * t->lanes.count;
        const uint64_t held = fl_min_u64((to - from) * t->lanes.count, t->elements - element);
        fl_lanes_noise(&t->lanes, out, (size_t)held, t->noise->sigma, &noise);
        out += to - from;
        from = to;
    }
}
