/*
 * Noise in lanes: one helper's is a discrete Gaussian of the sigma that was asked for, around what
 * the lanes held, whatever else was added to them; nothing else moves.
 */
#include "fed/lane_noise.h"

#include "base/least.h"

#include "federation.h"
#include "random.h"

static unsigned char key[FL_STREAM_KEY] = {5}, buffer[FL_NOISE_BUFFER];

static int64_t
signed_lane(uint64_t x, unsigned bits)
{
    uint64_t top = UINT64_C(1) << (bits - 1), mask = top | (top - 1);

    x &= mask;
    return x & top ? (int64_t)(x | ~mask) : (int64_t)x;
}

/* What was subtracted is the stream's next sample, in each width; other lanes and bits stay. */
static void
test_lanes(void)
{
    static const unsigned widths[] = {8, 12, 16, 20, 21, 24, 32, 64};
    uint64_t words[64], before[64];
    uint32_t seed = 4;

    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        struct fl_lanes lanes;
        struct fl_noise noise, again;
        unsigned char other[FL_NOISE_BUFFER];
        fl_lanes_init(&lanes, widths[i]);
        const size_t n = 40 * lanes.count - (lanes.count > 1); /* the last word is not full */
        for (size_t w = 0; w < 64; w++)
            before[w] = words[w] = (uint64_t)random_next(&seed) << 32 | random_next(&seed);
        fl_noise_start(&noise, key, i, buffer);
        fl_noise_start(&again, key, i, other);
        fl_lanes_noise(&lanes, words, n, 9, &noise);
        int64_t drawn[40 * 8];
        fl_noise_dgauss_fill(&again, 9, drawn, n);
        for (size_t k = 0; k < 64 * (size_t)lanes.count; k++) {
            unsigned at = (unsigned)(k % lanes.count) * widths[i];
            int64_t moved = signed_lane((before[k / lanes.count] >> at) -
                                            (words[k / lanes.count] >> at),
                                        widths[i]);
            CHECK(moved == (k < n ? drawn[k] : 0));
        }
        for (size_t w = 0; w < 64; w++) /* above the lanes */
            CHECK(((words[w] ^ before[w]) & ~lanes.used) == 0);
    }
}

/* The first tensor of a chunk has the first samples of the stream of that number. */
static void
check_first(const struct fl_lane_noise *n, const struct fl_lane_chunk *c, size_t number,
            const uint64_t *out)
{
    static uint64_t want[FL_CHUNK_WORDS];
    const size_t place = fl_plan_place(n->plan, c->from);
    const struct fl_plan_tensor *t = fl_plan_at(n->plan, place);
    struct fl_noise noise;

    if (!t || t->role != FL_MASKED)
        return;
    uint64_t words = fl_min_u64(t->word_at + t->words, c->to) - c->from;
    uint64_t held = fl_min_u64(words * t->lanes.count,
                               t->elements - (c->from - t->word_at) * t->lanes.count);
    memset(want, 0, sizeof want);
    fl_noise_start(&noise, n->key, number, buffer);
    fl_lanes_noise(&t->lanes, want, (size_t)held, t->noise->sigma, &noise);
    CHECK(!memcmp(out, want, (size_t)words * sizeof *want));
}

/* A plan of three tensors of two widths, one of them plain: each gets its own sigma or nothing. */
static void
test_plan(void)
{
    static uint64_t out[FL_CHUNK_WORDS], other[FL_CHUNK_WORDS];
    struct federation f;
    struct fl_plan plan;
    double square[64] = {0}, count[64] = {0};
    uint32_t sigma[64];
    struct fl_bound_part parts[64] = {{0}};
    size_t moved_else = 0, chunks = 0;

    fed_start(&f, 3, "");
    CHECK(!fed_roster(&f, "steps: 16\ntensors: [{match: embed, protect: mask, bits: 20, clip: 0.1},"
                          " {match: large, protect: mask, bits: 32, clip: 0.1},"
                          " {match: \"*\", protect: plain, bits: 16, clip: 0.1}]\n"));
    fed_plan(&f, &plan, 1);
    CHECK(plan.count <= 64);
    for (size_t i = 0; i < plan.count; i++)
        sigma[i] = (uint32_t)(20 + 15 * i);
    for (size_t i = 0; i < plan.count; i++) {
        parts[i].sigma = sigma[i];
        plan.tensors[i].noise = &parts[i];
    }
    const struct fl_lane_noise n = {&plan, key};
    for (uint64_t from = 0; from < plan.words; from += FL_CHUNK_WORDS, chunks++) {
        struct fl_lane_chunk c = {from, fl_min_u64(from + FL_CHUNK_WORDS, plan.words), 0, out};
        memset(out, 0, sizeof out);
        fl_lane_words_noise(&n, &c, buffer);
        c.out = other;
        memset(other, 0, sizeof other);
        fl_lane_words_noise(&n, &c, buffer);
        CHECK(!memcmp(out, other, sizeof out)); /* asked again: the same */
        check_first(&n, &c, chunks, out);
        for (uint64_t at = c.from; at < c.to; at++)
            for (size_t i = 0; i <= plan.count; i++) {
                const struct fl_plan_tensor *t = i < plan.count ? &plan.tensors[i] : NULL;
                if (t && t->role == FL_MASKED && at >= t->word_at && at < t->word_at + t->words) {
                    for (unsigned l = 0; l < t->lanes.count; l++) {
                        bool held = (at - t->word_at) * t->lanes.count + l < t->elements;
                        int64_t x = signed_lane(out[at - from] >> l * t->lanes.bits, t->lanes.bits);
                        square[i] += (double)x * (double)x;
                        count[i] += held;
                        moved_else += !held && x;
                    }
                    break;
                }
                if (!t)
                    moved_else += out[at - from] != 0; /* the weight's word, plain tensors */
            }
    }
    CHECK(moved_else == 0 && chunks > 1);
    for (size_t i = 0; i < plan.count; i++)
        if (count[i] > 100) { /* the variance within 6 of its deviations */
            double want = (double)sigma[i] * sigma[i];
            CHECK(fabs(square[i] / count[i] / want - 1) < 6 * sqrt(2 / count[i]));
        }
    fl_plan_release(&plan);
    fed_end(&f);
}

/* Two chunks, two keys: other noise, since the same in two places could be taken off. */
static void
test_apart(void)
{
    uint64_t a[256] = {0}, b[256] = {0}, c[256] = {0};
    unsigned char next[FL_STREAM_KEY] = {6};
    struct fl_lanes lanes;
    struct fl_noise noise;
    size_t same = 0;

    fl_lanes_init(&lanes, 64);
    fl_noise_start(&noise, key, 0, buffer);
    fl_lanes_noise(&lanes, a, 256, 1u << 30, &noise);
    fl_noise_start(&noise, key, 1, buffer);
    fl_lanes_noise(&lanes, b, 256, 1u << 30, &noise);
    fl_noise_start(&noise, next, 0, buffer);
    fl_lanes_noise(&lanes, c, 256, 1u << 30, &noise);
    for (size_t i = 0; i < 256; i++)
        same += (a[i] == b[i]) + (a[i] == c[i]) + (b[i] == c[i]);
    CHECK(same == 0);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_lanes);
    RUN(test_plan);
    RUN(test_apart);
    return test_end();
}
