/*
 * A chunk is what one stream of a mask covers; it may hold the end of one tensor and the beginning
 * of the next, whose lanes differ.
 */
#include "fed/lane_words.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "crypt/chacha.h"
#include "crypt/secret.h"

/* Words FROM..TO of the chunk that belong to one tensor: their lanes; NULL for the weight's word.
 */
struct span {
    uint64_t from, to;
    const struct fl_lanes *lanes;
};

/* The span at word AT, below LIMIT. */
static struct span
span_at(const struct fl_plan *plan, uint64_t at, uint64_t limit)
{
    size_t place = fl_plan_place(plan, at);
    const struct fl_plan_tensor *t = fl_plan_at(plan, place);
    uint64_t end = t ? t->word_at + t->words : at + 1;

    return (struct span){at, end < limit ? end : limit, t ? &t->lanes : NULL};
}

static void
add_span(uint64_t *words, const uint64_t *stream, size_t n, const struct fl_lanes *lanes, int sign)
{
    if (lanes && sign > 0)
        fl_lanes_add(lanes, words, stream, n);
    else if (lanes)
        fl_lanes_sub(lanes, words, stream, n);
    else
        for (size_t i = 0; i < n; i++)
            words[i] += sign > 0 ? stream[i] : -stream[i];
}

/*
 * Keystream bytes are little-endian words, whatever the machine; nothing to do where they are so.
 */
static void
to_host(uint64_t *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        words[i] = fl_get64((const unsigned char *)&words[i]);
}

void
fl_lane_words_mask(const struct fl_plan *plan, const struct fl_lane_chunk *chunk,
                   const struct fl_mask *masks, size_t count)
{
    const uint64_t limit = plan->masked_words < chunk->to ? plan->masked_words : chunk->to;
    const size_t n = limit > chunk->from ? (size_t)(limit - chunk->from) : 0;

    for (size_t m = 0; m < count && n; m++) {
        fl_stream_fill(chunk->scratch, n * sizeof *chunk->scratch, masks[m].key,
                       chunk->from / FL_CHUNK_WORDS);
        to_host(chunk->scratch, n);
        for (uint64_t at = chunk->from; at < limit;) {
            struct span s = span_at(plan, at, limit);
            size_t offset = (size_t)(at - chunk->from);
            add_span(chunk->out + offset, chunk->scratch + offset, (size_t)(s.to - s.from), s.lanes,
                     masks[m].sign);
            at = s.to;
        }
    }
}

/* ---- batches ---- */

struct batch {
    const struct fl_lane_words *w;
    uint64_t words, first; /* of all places; first word of the batch */
    uint64_t *made;        /* (FL_LANE_WORDS_BATCH, FL_CHUNK_WORDS) */
    uint64_t **scratch;    /* of each worker */
    int threads;
};

static void
release(struct batch *b)
{
    for (int i = 0; b->scratch && i < b->threads; i++)
        fl_secret_free(b->scratch[i]);
    if (b->made)
        fl_wipe(b->made, FL_LANE_WORDS_BATCH * FL_CHUNK_WORDS * sizeof *b->made);
    free(b->made);
    free(b->scratch);
}

static int
start(struct batch *b, const struct fl_lane_words *w)
{
    *b = (struct batch){.w = w, .threads = fl_pool_threads(w->pool)};
    b->words = w->places == w->plan->count + 1 ? w->plan->words : w->plan->masked_words;
    b->made = fl_alloc_aligned(FL_LANE_WORDS_BATCH * FL_CHUNK_WORDS, sizeof *b->made);
    b->scratch = fl_alloc((size_t)b->threads, sizeof *b->scratch);
    if (!b->made || !b->scratch)
        return -1;
    for (int i = 0; i < b->threads; i++)
        if (!(b->scratch[i] = fl_secret_alloc(FL_CHUNK_WORDS, sizeof **b->scratch)))
            return -1;
    return 0;
}

static void
fill_chunk(void *arg, size_t index, int worker)
{
    struct batch *b = arg;
    uint64_t from = b->first + index * FL_CHUNK_WORDS;
    struct fl_lane_chunk chunk = {
        .from = from,
        .to = from + FL_CHUNK_WORDS < b->words ? from + FL_CHUNK_WORDS : b->words,
        .in_batch = index,
        .out = b->made + index * FL_CHUNK_WORDS,
        .scratch = b->scratch[worker],
    };

    b->w->fill(b->w->arg, &chunk);
}

/* The batch of chunks that begins at word AT; *MADE is the word after it. */
static int
make_batch(struct batch *b, uint64_t at, uint64_t *made)
{
    uint64_t left = (b->words - at + FL_CHUNK_WORDS - 1) / FL_CHUNK_WORDS;
    size_t chunks = fl_piece(left, FL_LANE_WORDS_BATCH);

    b->first = at;
    *made = at + chunks * FL_CHUNK_WORDS;
    if (b->w->prepare && b->w->prepare(b->w->arg, at, *made))
        return -1;
    fl_pool_run(b->w->pool, chunks, fill_chunk, b);
    return 0;
}

static int
write_places(struct batch *b, struct fl_writer *out)
{
    const struct fl_lane_words *w = b->w;
    uint64_t at = 0, made = 0; /* words written; words made */

    for (size_t place = 0; place < w->places; place++) {
        const struct fl_plan_tensor *of = fl_plan_at(w->plan, place);
        uint64_t end = at + (of ? of->words : 1);
        struct fl_tensor t;
        if (fl_plan_upload_tensor(w->plan, place, &t))
            return -1;
        int failed = fl_writer_tensor(out, &t);
        fl_meta_release(&t.attrs);
        while (!failed && at < end) {
            if (at == made && make_batch(b, at, &made))
                return -1;
            uint64_t stop = end < made ? end : made;
            const uint64_t *from = b->made + (at - b->first);
            failed = fl_writer_data(out, from, (size_t)(stop - at) * sizeof *from);
            at = stop;
            if (w->progress)
                fl_progress_show(w->progress, at * sizeof *from, "%s", "");
        }
        if (failed)
            return -1;
    }
    return 0;
}

int
fl_lane_words_write(const struct fl_lane_words *words, struct fl_writer *out)
{
    struct batch b;
    int failed = start(&b, words) || write_places(&b, out);

    release(&b);
    return failed ? -1 : 0;
}
