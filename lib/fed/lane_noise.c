/*
 * Lane by lane: a sample is drawn for each value in its order, and no more, since lanes without a
 * value must say zero when the sum is opened.
 */
#include "fed/lane_noise.h"

#include <assert.h>

#include "base/least.h"

void
fl_lanes_noise(const struct fl_lanes *lanes, uint64_t *words, size_t n, uint32_t sigma,
               struct fl_noise *noise)
{
    const unsigned bits = lanes->bits, count = lanes->count;
    const uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;

    for (size_t w = 0; n; w++) {
        uint64_t word = words[w];
        const unsigned now = (unsigned)fl_min(n, count);
        for (unsigned l = 0; l < now; l++) {
            const unsigned at = l * bits;
            assert(at < 64);
            uint64_t x = (uint64_t)fl_noise_dgauss(noise, sigma); /* modulo 2^64 */
            uint64_t lane = ((word >> at) - x) & mask;
            word = (word & ~(mask << at)) | lane << at;
        }
        words[w] = word;
        n -= now;
    }
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
