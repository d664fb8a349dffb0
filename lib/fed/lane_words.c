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

/* Words FROM..TO of the upload, made or being made. */
struct batch {
    uint64_t from, to;
    uint64_t *words; /* (FL_LANE_WORDS_BATCH, FL_CHUNK_WORDS) */
};

/* One batch is filled while the one before is written: a writer digests and has one thread. */
struct line {
    const struct fl_lane_words *w;
    uint64_t words; /* of all places */
    struct batch filling, made;
    uint64_t *memory; /* of both */

    struct fl_writer *out;
    size_t place; /* at which the writer is */
    uint64_t at;  /* words written */
    bool begun;   /* the place's tensor */
    bool failed;  /* and why */
    struct fl_error_copy error;
};

static void
release(struct line *l)
{
    const size_t all = 2 * (size_t)FL_LANE_WORDS_BATCH * FL_CHUNK_WORDS;

    if (l->memory)
        fl_wipe(l->memory, all * sizeof *l->memory);
    free(l->memory);
}

static int
start(struct line *l, const struct fl_lane_words *w, struct fl_writer *out)
{
    const size_t one = (size_t)FL_LANE_WORDS_BATCH * FL_CHUNK_WORDS;

    *l = (struct line){.w = w, .out = out};
    l->words = w->places == w->plan->places ? w->plan->words : w->plan->masked_words;
    l->memory = fl_alloc_aligned(2 * one, sizeof *l->memory);
    if (!l->memory)
        return -1;
    l->filling.words = l->memory;
    l->made.words = l->memory + one;
    return 0;
}

static void
fill_chunk(void *arg, size_t index, int worker)
{
    const struct line *l = arg;
    const uint64_t from = l->filling.from + index * FL_CHUNK_WORDS;
    struct fl_lane_chunk chunk = {
        .from = from,
        .to = fl_min_u64(from + FL_CHUNK_WORDS, l->words),
        .in_batch = index,
        .out = l->filling.words + index * FL_CHUNK_WORDS,
    };

    (void)worker;
    l->w->fill(l->w->arg, &chunk);
}

/* What is made of the place at hand, whose words end at END; its tensor first. */
static int
write_place(struct line *l, uint64_t end)
{
    const uint64_t *from = l->made.words + (l->at - l->made.from);
    const size_t n = (size_t)(fl_min_u64(end, l->made.to) - l->at);
    struct fl_tensor t;

    if (!l->begun) {
        if (fl_plan_upload_tensor(l->w->plan, l->place, &t))
            return -1;
        int failed = fl_writer_tensor(l->out, &t);
        fl_meta_release(&t.attrs);
        if (failed)
            return -1;
        l->begun = true;
    }
    if (fl_writer_data(l->out, from, n * sizeof *from))
        return -1;
    l->at += n;
    if (l->w->progress)
        fl_progress_show(l->w->progress, l->at * sizeof *from, "%s", "");
    return 0;
}

/* As much of the places as the batch has that is made. */
static void
write_made(void *arg, size_t index, int worker)
{
    struct line *l = arg;

    (void)index;
    (void)worker;
    while (l->place < l->w->places) {
        const struct fl_plan_tensor *of = fl_plan_at(l->w->plan, l->place);
        const uint64_t end = of ? of->word_at + of->words : l->w->plan->masked_words;
        if (write_place(l, end)) {
            l->failed = true;
            fl_error_save(&l->error);
            return;
        }
        if (l->at < end)
            return;
        l->place++;
        l->begun = false;
    }
}

/* Fill the batch after the one that is made, and write that. */
static int
step(struct line *l)
{
    const uint64_t left = (l->words - l->made.to + FL_CHUNK_WORDS - 1) / FL_CHUNK_WORDS;
    const size_t chunks = fl_piece(left, FL_LANE_WORDS_BATCH);
    const struct fl_job jobs[] = {{write_made, l, l->made.to ? 1 : 0}, {fill_chunk, l, chunks}};

    l->filling.from = l->made.to;
    l->filling.to = l->made.to + chunks * FL_CHUNK_WORDS;
    if (l->w->prepare && l->w->prepare(l->w->arg, l->filling.from, l->filling.to))
        return -1;
    fl_pool_run_jobs(l->w->pool, jobs, 2);
    if (l->failed)
        return fl_error_restore(&l->error);
    const struct batch written = l->made;
    l->made = l->filling;
    l->filling = written;
    return 0;
}

int
fl_lane_words_write(const struct fl_lane_words *words, struct fl_writer *out)
{
    struct line l;
    int failed = start(&l, words, out);

    while (!failed && l.made.to < l.words)
        failed = step(&l);
    if (!failed)
        write_made(&l, 0, 0);
    release(&l);
    return failed || l.failed ? -1 : 0;
}
