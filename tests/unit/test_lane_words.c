/* Words of an upload: masks added tensor by tensor against the slow twin, and all words in order.
 */
#include "fed/lane_words.h"

#include "../naive/lanes.h"
#include "crypt/chacha.h"
#include "federation.h"
#include "random.h"

/* Lanes of word AT of an upload: bits; 0 where nothing is masked. */
static unsigned
bits_at(const struct fl_plan *plan, uint64_t at)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct fl_plan_tensor *t = &plan->tensors[i];
        if (at >= t->word_at && at < t->word_at + t->words)
            return t->role == FL_MASKED ? t->lanes.bits : 0;
    }
    return at == plan->masked_words - 1 ? 64 : 0;
}

/* Each chunk of plans of several widths, with masks of both signs. */
static void
test_masks(void)
{
    static const char *const rules[] =
        {"steps: 16\ntensors: [{match: embed, protect: mask, bits: 9, clip: 0.1}, {match: large, "
         "protect: mask, bits: 21, clip: 0.1}, {match: \"*\", protect: mask, bits: 64, clip: 1}]\n",
         "steps: 16\ntensors: [{match: large, protect: plain, bits: 64, clip: 0.1}, {match: \"*\", "
         "protect: mask, bits: 12, clip: 0.1}]\n",
         "steps: 16\ntensors: [{match: large, protect: mask, bits: 64, clip: 0.1}, {match: \"*\", "
         "protect: plain, bits: 12, clip: 0.1}]\n"};
    static uint64_t out[FL_CHUNK_WORDS], before[FL_CHUNK_WORDS];
    static uint64_t streams[3][FL_CHUNK_WORDS];
    const struct fl_mask masks[3] = {{{1}, 1}, {{2}, -1}, {{3}, 1}};
    struct federation f;
    uint32_t seed = 3;

    fed_start(&f, 3, "");
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
        struct fl_plan plan;
        size_t wrong = 0, masked = 0;
        CHECK(!fed_roster(&f, rules[r]));
        fed_plan(&f, &plan, 1);
        for (uint64_t from = 0; from < plan.words; from += FL_CHUNK_WORDS) {
            struct fl_lane_chunk c = {from, from + FL_CHUNK_WORDS, 0, out};
            if (c.to > plan.words)
                c.to = plan.words;
            const size_t n = (size_t)(c.to - c.from);
            for (size_t i = 0; i < n; i++) {
                unsigned bits = bits_at(&plan, from + i);
                out[i] = (uint64_t)random_next(&seed) << 32 | random_next(&seed);
                if (bits && bits < 64 && 64 / bits * bits < 64)
                    out[i] &= ((uint64_t)1 << 64 / bits * bits) - 1;
            }
            memcpy(before, out, sizeof out);
            for (size_t m = 0; m < 3; m++)
                fl_stream_fill(streams[m], n * 8, masks[m].key, from / FL_CHUNK_WORDS);
            fl_lane_words_mask(&plan, &c, (struct fl_masking){.masks = masks, .count = 3});
            for (size_t i = 0; i < n; i++) {
                unsigned bits = bits_at(&plan, from + i);
                uint64_t want = before[i];
                for (size_t m = 0; m < 3 && bits; m++)
                    want = naive_lanes_add(bits, want, streams[m][i], masks[m].sign);
                wrong += out[i] != want;
                masked += bits != 0;
            }
            /* taken off again in another order */
            const struct fl_mask off[3] = {{{2}, 1}, {{3}, -1}, {{1}, -1}};
            fl_lane_words_mask(&plan, &c, (struct fl_masking){.masks = off, .count = 3});
            wrong += memcmp(out, before, n * 8) != 0;
        }
        CHECK(wrong == 0 && masked == plan.masked_words);
        fl_plan_release(&plan);
    }
    fed_end(&f);
}

/* ---- words in their order ---- */

struct filling {
    uint64_t prepared; /* up to this word */
    size_t gaps;
};

static void
fill(void *arg, const struct fl_lane_chunk *chunk)
{
    struct filling *f = arg;

    (void)f;
    for (uint64_t at = chunk->from; at < chunk->to; at++)
        chunk->out[at - chunk->from] = at * 0x9e3779b97f4a7c15u;
}

static int
prepare(void *arg, uint64_t from, uint64_t to)
{
    struct filling *f = arg;

    f->gaps += from != f->prepared;
    f->prepared = to;
    return 0;
}

static int
refuse(void *arg, uint64_t from, uint64_t to)
{
    (void)arg;
    (void)to;
    return from ? fl_error(FL_FAILED, "no more") : 0;
}

static int
write_to(const char *name, const struct fl_plan *plan, size_t places, int threads,
         int (*prepare_)(void *arg, uint64_t from, uint64_t to), struct filling *arg)
{
    struct fl_pool *pool = threads ? fl_pool_new(threads) : NULL;
    const struct fl_lane_words words = {.plan = plan,
                                        .places = places,
                                        .pool = pool,
                                        .arg = arg,
                                        .fill = fill,
                                        .prepare = prepare_};
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    struct fl_writer *w = fl_writer_new(fd, "words.flt", 0);
    int failed = fl_writer_head(w, FL_KIND_MASKED, NULL) || fl_lane_words_write(&words, w) ||
                 fl_writer_done(w);

    fl_writer_free(w);
    close(fd);
    fl_pool_free(pool);
    return failed ? -1 : 0;
}

static int
write_words(const struct federation *f, const struct fl_plan *plan, size_t places, int threads,
            int (*prepare_)(void *arg, uint64_t from, uint64_t to), struct filling *arg)
{
    return write_to(fed_path(f, "words.flt"), plan, places, threads, prepare_, arg);
}

static uint64_t
whole_chunks(uint64_t words)
{
    return (words + FL_CHUNK_WORDS - 1) / FL_CHUNK_WORDS * FL_CHUNK_WORDS;
}

/* Tensors of all places or of the masked ones, each with its own words, for any number of threads.
 */
static void
test_order(void)
{
    struct federation f;
    struct fl_plan plan;

    fed_start(&f, 3,
              "steps: 16\ntensors: [{match: embed, protect: plain, bits: 16, clip: 0.1}, {match: "
              "\"*\", protect: mask, bits: 64, clip: 0.1}]\n");
    fed_plan(&f, &plan, 1);
    for (int threads = 0; threads < 4; threads++)
        for (size_t places = plan.count; places <= plan.count + 1; places++) {
            struct filling filling = {0, 0};
            size_t wrong = 0;
            uint64_t words = 0;
            CHECK(!write_words(&f, &plan, places, threads, prepare, &filling));
            struct fl_object *o = fl_object_open(fed_path(&f, "words.flt"), FL_KIND_MASKED);
            CHECK(o && fl_object_count(o) == places);
            for (size_t i = 0; o && i < fl_object_count(o); i++) {
                const struct fl_plan_tensor *t = fl_plan_at(&plan, i);
                const uint64_t *got = fl_object_data(o, i);
                uint64_t at = t ? t->word_at : plan.masked_words - 1, n = t ? t->words : 1;
                CHECK(fl_object_bytes(o, i) == 8 * n);
                for (uint64_t k = 0; k < n; k++)
                    wrong += got[k] != (at + k) * 0x9e3779b97f4a7c15u;
                words += n;
            }
            CHECK(wrong == 0 && filling.gaps == 0 && filling.prepared == whole_chunks(words));
            fl_object_free(o);
        }
    fl_plan_release(&plan);
    fed_end(&f);
}

/* Make the plan's first masked tensors longer than three batches, so that the end is in a fourth. */
static void
enlarge(struct fl_plan *plan)
{
    plan->tensors[1].words += 3 * (uint64_t)FL_CHUNK_WORDS * FL_LANE_WORDS_BATCH;
    plan->tensors[2].word_at = plan->tensors[3].word_at = plan->tensors[1].word_at +
                                                          plan->tensors[1].words;
    plan->masked_words = plan->words = plan->tensors[3].word_at + plan->tensors[3].words + 1;
}

/* Several batches, of which each is filled while the one before is written. */
static void
test_batches(void)
{
    struct federation f;
    struct fl_plan plan;

    fed_start(&f, 3, "");
    fed_plan(&f, &plan, 1);
    enlarge(&plan);
    for (int threads = 0; threads < 4; threads++) {
        struct filling filling = {0, 0};
        uint64_t wrong = 0, words = 0;
        CHECK(!write_words(&f, &plan, plan.count + 1, threads, prepare, &filling));
        CHECK(!filling.gaps && filling.prepared == whole_chunks(plan.words));
        struct fl_object *o = fl_object_open(fed_path(&f, "words.flt"), FL_KIND_MASKED);
        for (size_t i = 0; o && i < fl_object_count(o); i++) {
            const uint64_t *got = fl_object_data(o, i), n = fl_object_bytes(o, i) / 8;
            for (uint64_t k = 0; k < n; k++)
                wrong += got[k] != (words + k) * 0x9e3779b97f4a7c15u;
            words += n;
        }
        CHECK(words == plan.words && wrong == 0);
        fl_object_free(o);
    }
    fl_plan_release(&plan);
    fed_end(&f);
}

/* What prepares words may fail, and so may the writer, in whichever thread; its error is told. */
static void
test_refuses(void)
{
    struct federation f;
    struct fl_plan plan;
    struct filling filling = {0, 0};

    fed_start(&f, 3, "");
    fed_plan(&f, &plan, 1);
    enlarge(&plan);
    for (int threads = 0; threads < 4; threads++) {
        fl_error_clear();
        CHECK(write_words(&f, &plan, plan.count + 1, threads, refuse, &filling) == -1 &&
              fed_says("no more"));
        fl_error_clear();
        CHECK(write_to("/dev/full", &plan, plan.count + 1, threads, NULL, &filling) == -1 &&
              fed_says("words.flt"));
    }
    fl_plan_release(&plan);
    fed_end(&f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_masks);
    RUN(test_order);
    RUN(test_batches);
    RUN(test_refuses);
    return test_end();
}
