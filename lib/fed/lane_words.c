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

/* The weight's word is one lane. */
static const struct fl_lanes whole = {64, 1, UINT64_C(1) << 63, ~UINT64_C(0)};

/* Words FROM..TO of the upload that belong to one tensor, and their lanes. */
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

    return (struct span){at, end < limit ? end : limit, t ? &t->lanes : &whole};
}

/* The words OUT, AT..LIMIT, of a unit that several tensors share: one mask after the other. */
static void
mask_shared(const struct fl_plan *plan, const struct fl_masking *m, uint64_t *out, uint64_t at,
            uint64_t limit)
{
    unsigned char stream[FL_STREAM_UNIT];
    uint64_t words[FL_MASK_UNIT];

    for (size_t i = 0; i < m->count; i++) {
        fl_stream_part(stream, (size_t)(limit - at) * sizeof *words, m->masks[i].key, m->chunk,
                       at % FL_CHUNK_WORDS * sizeof *words);
        for (size_t k = 0; k < limit - at; k++)
            words[k] = fl_get64(stream + k * sizeof *words);
        for (struct span s = {.to = at}; s.to < limit;) {
            s = span_at(plan, s.to, limit);
            (m->masks[i].sign > 0 ? fl_lanes_add : fl_lanes_sub)(s.lanes, out + (s.from - at),
                                                                 words + (s.from - at),
                                                                 (size_t)(s.to - s.from));
        }
    }
    fl_wipe(stream, sizeof stream);
    fl_wipe(words, sizeof words);
}

void
fl_lane_words_mask(const struct fl_plan *plan, const struct fl_lane_chunk *chunk,
                   struct fl_masking m)
{
    const uint64_t limit = plan->masked_words < chunk->to ? plan->masked_words : chunk->to;

    m.chunk = chunk->from / FL_CHUNK_WORDS;
    for (uint64_t at = chunk->from, end; at < limit; at = end) {
        const struct span s = span_at(plan, at, limit);
        uint64_t *out = chunk->out + (at - chunk->from);
        end = s.to == limit ? limit : s.to - (s.to - at) % FL_MASK_UNIT;
        if (end > at) {
            fl_masks_add(&m, s.lanes, out, (size_t)(end - at), (size_t)(at % FL_CHUNK_WORDS));
            continue;
        }
        end = limit - at < FL_MASK_UNIT ? limit : at + FL_MASK_UNIT;
        mask_shared(plan, &m, out, at, end);
    }
}

/* ---- batches ---- */

struct batch {
    const struct fl_lane_words *w;
    uint64_t words, first; /* of all places; first word of the batch */
    uint64_t *made;        /* (FL_LANE_WORDS_BATCH, FL_CHUNK_WORDS) */
};

static void
release(struct batch *b)
{
    if (b->made)
        fl_wipe(b->made, FL_LANE_WORDS_BATCH * FL_CHUNK_WORDS * sizeof *b->made);
    free(b->made);
}

static int
start(struct batch *b, const struct fl_lane_words *w)
{
    *b = (struct batch){.w = w};
    b->words = w->places == w->plan->count + 1 ? w->plan->words : w->plan->masked_words;
    b->made = fl_alloc_aligned(FL_LANE_WORDS_BATCH * FL_CHUNK_WORDS, sizeof *b->made);
    return b->made ? 0 : -1;
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
    };

    (void)worker;
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
