/*
 * The words of an upload or an answer, in their order, made by all threads in batches of chunks and
 * written tensor after tensor: by one thread, while the others make the next batch. Whoever fills a
 * chunk sees its words and where they lie; what fills them is an update encoded and masked
 * (fed/upload.h), or a sum of streams (fed/answer.h).
 */
#ifndef FL_FED_LANE_WORDS_H
#define FL_FED_LANE_WORDS_H

#include "base/must.h"
#include "flt/writer.h"
#include "os/pool.h"
#include "os/progress.h"
#include "sec/mask.h"
#include "sec/plan.h"

enum { FL_LANE_WORDS_BATCH = 128 }; /* chunks made side by side: 8 MiB, of which two are held */

struct fl_lane_chunk {
    uint64_t from, to; /* words of the upload, to - from at most FL_CHUNK_WORDS */
    size_t in_batch;   /* its place among the chunks that are made side by side */
    uint64_t *out;     /* to fill */
};

struct fl_lane_words {
    const struct fl_plan *plan;
    size_t places; /* of the upload: all of them, or those that are masked */
    struct fl_pool *pool;
    struct fl_progress *progress; /* in bytes of words; or NULL */
    void *arg;

    /* Fill a chunk; runs in any thread and does not fail. */
    void (*fill)(void *arg, const struct fl_lane_chunk *chunk);

    /* Before the chunks that cover the words FROM..TO are filled, in order; may be NULL. 0 or -1.
     */
    int (*prepare)(void *arg, uint64_t from, uint64_t to);
};

/*
 * Write the tensors of all places, which fl_plan_upload_tensor describes. FILL and the writer run
 * in any threads of the pool, PREPARE in the caller while nothing else does. 0 or -1.
 */
FL_MUST int fl_lane_words_write(const struct fl_lane_words *words, struct fl_writer *out);

/*
 * Add the masks of M, of which the chunk's number is set here, to the words of CHUNK that lie below
 * the plan's masked words: lanes of each tensor modulo 2^bits, the weight's word modulo 2^64. Cost
 * O(words masks).
 */
void fl_lane_words_mask(const struct fl_plan *plan, const struct fl_lane_chunk *chunk,
                        struct fl_masking m);

#endif
