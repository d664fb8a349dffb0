#include "fed/upload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "crypt/secret.h"
#include "fed/encode.h"
#include "flt/size.h"
#include "flt/writer.h"

/* Chunks of words that are made side by side before they are written in order. */
enum { BATCH = 32 };

struct worker {
    uint64_t *stream; /* a mask's words, in secret memory */
    uint32_t *random; /* one for each lane of a chunk */
};

struct job {
    struct fl_upload *u;
    struct fl_lane_encoder encoder;
    uint64_t q;         /* the weight lane */
    const float **data; /* payload of each tensor of the plan, when it is needed: */
    size_t seen, gone;  /* places of the upload looked at; forgotten again */
    uint64_t *words;    /* (BATCH, FL_CHUNK_WORDS) */
    uint64_t first;     /* chunk that the batch begins with */
    uint64_t clipped[BATCH];
    size_t bad[BATCH]; /* tensor with a value that is not finite, or SIZE_MAX */
    struct worker *workers;
};

static void
release(struct job *job)
{
    for (int i = 0; job->workers && i < fl_pool_threads(job->u->pool); i++) {
        fl_secret_free(job->workers[i].stream);
        free(job->workers[i].random);
    }
    if (job->words)
        fl_wipe(job->words, BATCH * FL_CHUNK_WORDS * sizeof *job->words);
    free(job->words);
    free(job->workers);
    free(job->data);
}

static int
prepare(struct job *job, struct fl_upload *u)
{
    const size_t threads = (size_t)fl_pool_threads(u->pool);

    *job = (struct job){.u = u, .q = fl_encode_weight(u->weight, u->plan->cap)};
    fl_lane_encoder_init(&job->encoder, u->plan, u->index, job->q);
    job->data = fl_alloc(u->plan->count, sizeof *job->data);
    job->words = fl_alloc_aligned(BATCH * FL_CHUNK_WORDS, sizeof *job->words);
    job->workers = fl_alloc(threads, sizeof *job->workers);
    if (!job->data || !job->words || !job->workers)
        return -1;
    for (size_t i = 0; i < threads; i++) {
        job->workers[i].stream = fl_secret_alloc(FL_CHUNK_WORDS, sizeof *job->workers->stream);
        job->workers[i].random = fl_alloc(FL_CHUNK_WORDS * job->encoder.lanes.count,
                                          sizeof *job->workers->random);
        if (!job->workers[i].stream || !job->workers[i].random)
            return -1;
    }
    return 0;
}

/* The last place of an upload that begins at or before word AT; the plan's order is theirs. */
static size_t
place_of(const struct fl_plan *plan, uint64_t at)
{
    size_t low = 0, high = plan->count + 1;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        const struct fl_plan_tensor *t = fl_plan_at(plan, middle);
        if ((t ? t->word_at : plan->masked_words - 1) <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/*
 * The words FROM..TO of the upload, unmasked, to OUT; RANDOM belongs to the word FROM and on.
 * Returns a tensor with a value that is not finite, or SIZE_MAX.
 */
static size_t
encode_span(const struct job *job, uint64_t from, uint64_t to, uint64_t *out,
            const uint32_t *random, uint64_t *clipped)
{
    const struct fl_plan *plan = job->u->plan;
    const size_t lanes = job->encoder.lanes.count;

    for (size_t place = place_of(plan, from); from < to; place++) {
        const struct fl_plan_tensor *t = fl_plan_at(plan, place);
        if (!t) {
            *out++ = job->q;
            from++;
            random += lanes;
            continue;
        }
        uint64_t end = t->word_at + t->words < to ? t->word_at + t->words : to;
        if (end <= from) /* an empty tensor */
            continue;
        uint64_t element = (from - t->word_at) * lanes;
        uint64_t n = (end - from) * lanes;
        if (n > t->elements - element)
            n = t->elements - element;
        if (fl_lane_encoder_words(&job->encoder, job->data[plan->order[place]] + element, (size_t)n,
                                  plan->stochastic ? random : NULL, out, clipped))
            return plan->order[place];
        out += end - from;
        random += (end - from) * lanes;
        from = end;
    }
    return SIZE_MAX;
}

/* Chunk INDEX of the batch: encode, then mask while it is in cache. */
static void
make_chunk(void *arg, size_t index, int worker)
{
    struct job *job = arg;
    const struct fl_plan *plan = job->u->plan;
    const struct worker *w = &job->workers[worker];
    const struct fl_lanes *lanes = &job->encoder.lanes;
    uint64_t chunk = job->first + index, from = chunk * FL_CHUNK_WORDS;
    uint64_t to = from + FL_CHUNK_WORDS < plan->words ? from + FL_CHUNK_WORDS : plan->words;
    uint64_t *out = job->words + index * FL_CHUNK_WORDS;

    fl_lane_encoder_random(&job->encoder, chunk, w->random, (size_t)(to - from) * lanes->count);
    job->clipped[index] = 0;
    job->bad[index] = encode_span(job, from, to, out, w->random, &job->clipped[index]);
    if (from >= plan->masked_words)
        return;
    uint64_t masked = plan->masked_words < to ? plan->masked_words : to;
    bool weight = masked == plan->masked_words; /* its word is the last masked one */
    fl_mask_chunk(lanes, out, (size_t)(masked - from), (size_t)(masked - from) - weight, chunk,
                  job->u->masks, plan->roster.n - 1, w->stream);
}

/* NEXT: the site's public line for the next epoch. */
static int
set_meta(struct fl_meta *meta, const struct fl_upload *u, const char *next)
{
    const struct fl_plan *plan = u->plan;

    return fl_meta_set_bytes(meta, "base", plan->base, 32) ||
           fl_meta_set_i64(meta, "base.round", plan->base_round) ||
           fl_meta_set_i64(meta, "ctr", (int64_t)u->ctr) || fl_meta_set_text(meta, "next", next) ||
           fl_meta_set_bytes(meta, "prev", u->prev, 32) ||
           fl_meta_set_bytes(meta, "roster", plan->roster.digest, 32) ||
           fl_meta_set_i64(meta, "round", (int64_t)plan->round) ||
           fl_meta_set_bytes(meta, "sid", plan->sid, 32) ||
           fl_meta_set_text(meta, "site", plan->roster.sites[u->index].name) ||
           fl_meta_set_i64(meta, "site.index", u->index) ||
           fl_meta_set_bytes(meta, "tags", u->tags, 32 * (plan->roster.n - 1));
}

/* Payloads for the words FROM..TO, the next ones; tensors that end before FROM are forgotten. */
static int
look_at(struct job *job, uint64_t from, uint64_t to)
{
    const struct fl_plan *plan = job->u->plan;
    const struct fl_plan_tensor *t;

    for (; job->seen <= plan->count; job->seen++) {
        size_t i = plan->order[job->seen];
        t = fl_plan_at(plan, job->seen);
        if (t && t->word_at >= to && t->words)
            break;
        if (t && !(job->data[i] = fl_object_data(job->u->update, i)))
            return -1;
    }
    for (; job->gone < job->seen; job->gone++) {
        t = fl_plan_at(plan, job->gone);
        if (t && t->word_at + t->words > from)
            break;
        if (t)
            fl_object_forget(job->u->update, plan->order[job->gone]);
    }
    return 0;
}

/* The batch of chunks that begins at word AT; *MADE is the word behind it. */
static int
make_batch(struct job *job, uint64_t at, uint64_t *made)
{
    const struct fl_plan *plan = job->u->plan;
    uint64_t left = (plan->words - at + FL_CHUNK_WORDS - 1) / FL_CHUNK_WORDS;
    size_t chunks = left < BATCH ? (size_t)left : BATCH;

    job->first = at / FL_CHUNK_WORDS;
    *made = at + chunks * FL_CHUNK_WORDS;
    if (look_at(job, at, *made))
        return -1;
    fl_pool_run(job->u->pool, chunks, make_chunk, job);
    for (size_t i = 0; i < chunks; i++) {
        job->u->clipped += job->clipped[i];
        if (job->bad[i] != SIZE_MAX)
            return fl_error(FL_FAILED,
                            "%s: tensor \"%s\" holds a value that is not finite; an update is made "
                            "of finite numbers",
                            fl_object_name(job->u->update), plan->tensors[job->bad[i]].name);
    }
    return 0;
}

static int
write_tensors(struct job *job, struct fl_writer *w)
{
    const struct fl_plan *plan = job->u->plan;
    uint64_t at = 0, made = 0; /* words written; words made */

    for (size_t place = 0; place <= plan->count; place++) {
        const struct fl_plan_tensor *of = fl_plan_at(plan, place);
        uint64_t end = at + (of ? of->words : 1);
        struct fl_tensor t;
        if (fl_plan_upload_tensor(plan, place, &t))
            return -1;
        int result = fl_writer_tensor(w, &t);
        fl_meta_release(&t.attrs);
        while (!result && at < end) {
            if (at == made && make_batch(job, at, &made))
                return -1;
            uint64_t stop = end < made ? end : made;
            const uint64_t *from = job->words + (at - job->first * FL_CHUNK_WORDS);
            result = fl_writer_data(w, from, (size_t)(stop - at) * sizeof *from);
            at = stop;
            if (job->u->progress)
                fl_progress_show(job->u->progress, at * sizeof *from, "%s", "");
        }
        if (result)
            return -1;
    }
    return 0;
}

int
fl_upload_write(struct fl_upload *u, int fd, const char *name)
{
    struct fl_meta meta = {0};
    struct fl_sign sign;
    struct fl_line next;
    struct job job;
    struct fl_writer *w = fl_writer_new(fd, name, u->level);

    fl_key_line(u->key, &next);
    int bad = prepare(&job, u) || !w || set_meta(&meta, u, next.text);
    u->clipped = 0;
    if (!bad) {
        fl_writer_want_digest(w);
        bad = fl_writer_head(w, FL_KIND_MASKED, &meta) || write_tensors(&job, w) ||
              fl_writer_done(w);
    }
    if (!bad) {
        fl_writer_digest(w, u->root);
        fl_roster_sign(&u->plan->roster, u->index, u->key, FL_KIND_MASKED, u->root, &sign);
        bad = fl_writer_sign(w, &sign);
    }
    fl_meta_release(&meta);
    fl_writer_free(w);
    release(&job);
    return bad ? -1 : 0;
}

/* The site whose name is the longest. */
static uint32_t
longest_name(const struct fl_roster *roster)
{
    uint32_t longest = 0;

    for (uint32_t i = 0; i < roster->n; i++)
        if (strlen(roster->sites[i].name) > strlen(roster->sites[longest].name))
            longest = i;
    return longest;
}

int
fl_upload_bytes(const struct fl_plan *plan, uint64_t *bytes)
{
    static const unsigned char prev[32];
    struct fl_upload u = {.plan = plan, .index = longest_name(&plan->roster), .prev = prev};
    struct fl_sign sign = {.signer = u.index};
    struct fl_meta meta = {0};
    unsigned char *tags = fl_alloc(plan->roster.n, 32);
    char next[FL_LINE_MAX];

    *bytes = 0;
    u.tags = tags;
    memset(next, 'x', sizeof next - 1);
    next[sizeof next - 1] = '\0';
    snprintf(sign.name, sizeof sign.name, "%s", plan->roster.sites[u.index].name);
    int bad = !tags || set_meta(&meta, &u, next) || fl_size_head(FL_KIND_MASKED, &meta, bytes);
    for (size_t place = 0; !bad && place <= plan->count; place++) {
        struct fl_tensor t;
        bad = fl_plan_upload_tensor(plan, place, &t) || fl_size_tensor(&t, bytes);
        fl_meta_release(&t.attrs);
    }
    bad = bad || fl_size_done(bytes) || fl_size_sign(&sign, bytes);
    fl_meta_release(&meta);
    free(tags);
    return bad ? -1 : 0;
}
