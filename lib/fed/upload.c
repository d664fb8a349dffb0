/* The payload of each tensor is looked at when the batch that needs it is made, and then forgotten.
 */
#include "fed/upload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "flt/size.h"
#include "flt/writer.h"

struct job {
    struct fl_upload *u;
    const float **data; /* payload of each tensor of the plan, when it is needed: */
    size_t seen, gone;  /* places of the upload looked at; forgotten again */
    struct fl_encoded counts[FL_LANE_WORDS_BATCH];
};

/* N encoded zeros are words of zeros. */
static void
encode(const struct job *job, const struct fl_plan_tensor *t, size_t index, uint64_t element,
       size_t n, uint64_t *out, struct fl_encoded *counts)
{
    struct fl_lane_encoder e;

    if (!job->u->update) {
        memset(out, 0, (n + t->lanes.count - 1) / t->lanes.count * sizeof *out);
        counts->values += n;
        counts->zeros += n;
        return;
    }
    fl_lane_encoder_init(&e, t->rule, job->u->q);
    fl_lane_encode(&e, job->data[index] + element, n, out, counts);
}

/*
 * The words of a chunk, encoded and masked while they are in cache; the values that follow in its
 * last tensor come there meanwhile.
 */
static void
fill(void *arg, const struct fl_lane_chunk *chunk)
{
    struct job *job = arg;
    const struct fl_plan *plan = job->u->plan;
    struct fl_encoded *counts = &job->counts[chunk->in_batch];
    struct fl_masking m = {.masks = job->u->masks, .count = job->u->mask_count};
    uint64_t *out = chunk->out;

    *counts = (struct fl_encoded){0};
    for (uint64_t from = chunk->from; from < chunk->to;) {
        size_t place = fl_plan_place(plan, from);
        const struct fl_plan_tensor *t = fl_plan_at(plan, place);
        if (!t) {
            *out++ = job->u->q;
            from++;
            continue;
        }
        uint64_t end = t->word_at + t->words < chunk->to ? t->word_at + t->words : chunk->to;
        uint64_t element = (from - t->word_at) * t->lanes.count;
        uint64_t n = (end - from) * t->lanes.count;
        if (n > t->elements - element)
            n = t->elements - element;
        encode(job, t, plan->order[place], element, (size_t)n, out, counts);
        if (job->u->update) {
            const uint64_t rest = t->elements - element - n;
            m.soon = job->data[plan->order[place]] + element + n;
            m.soon_bytes = (size_t)(rest < n ? rest : n) * sizeof(float);
        }
        out += end - from;
        from = end;
    }
    fl_lane_words_mask(plan, chunk, m);
}

static void
add_counts(struct job *job)
{
    for (size_t i = 0; i < FL_LANE_WORDS_BATCH; i++) {
        struct fl_encoded *c = &job->counts[i], *to = &job->u->counts;
        to->values += c->values;
        to->clipped += c->clipped;
        to->zeros += c->zeros;
        to->odd += c->odd;
        *c = (struct fl_encoded){0};
    }
}

/* Payload of the tensor at place SEEN, by its name in the update. */
static int
look_at(struct job *job, const struct fl_plan_tensor *t, size_t index)
{
    int64_t i = fl_object_find(job->u->update, t->tensor->name);

    job->data[index] = fl_object_data(job->u->update, (size_t)i);
    return job->data[index] ? 0 : -1;
}

/* Of the tensor that word FROM lies within, what the batch before was made of. */
static void
forget_begin(const struct job *job, uint64_t from)
{
    const struct fl_plan_tensor *t = job->gone < job->seen ? fl_plan_at(job->u->plan, job->gone)
                                                           : NULL;

    if (!t || t->word_at >= from)
        return;
    const uint64_t words = from - t->word_at, before = FL_LANE_WORDS_BATCH * FL_CHUNK_WORDS;
    const uint64_t word = t->lanes.count * sizeof(float);
    fl_object_forget_part(job->u->update, (size_t)fl_object_find(job->u->update, t->tensor->name),
                          words > before ? (words - before) * word : 0, words * word);
}

/* Payloads for the words FROM..TO, the next ones; tensors that end before FROM are forgotten. */
static int
prepare(void *arg, uint64_t from, uint64_t to)
{
    struct job *job = arg;
    const struct fl_plan *plan = job->u->plan;
    const struct fl_plan_tensor *t;

    add_counts(job);
    for (; job->u->update && job->seen <= plan->count; job->seen++) {
        t = fl_plan_at(plan, job->seen);
        if (t && t->word_at >= to && t->words)
            break;
        if (t && look_at(job, t, plan->order[job->seen]))
            return -1;
    }
    for (; job->gone < job->seen; job->gone++) {
        t = fl_plan_at(plan, job->gone);
        if (t && t->word_at + t->words > from)
            break;
        if (t)
            fl_object_forget(job->u->update,
                             (size_t)fl_object_find(job->u->update, t->tensor->name));
    }
    forget_begin(job, from);
    return 0;
}

int
fl_upload_write(struct fl_upload *u, int fd, const char *name)
{
    struct job job = {.u = u, .data = fl_alloc(u->plan->count, sizeof *job.data)};
    const struct fl_lane_words words = {.plan = u->plan,
                                        .places = u->plan->count + 1,
                                        .pool = u->pool,
                                        .progress = u->progress,
                                        .arg = &job,
                                        .fill = fill,
                                        .prepare = prepare};
    struct fl_meta meta = {0};
    struct fl_sign sign;
    struct fl_writer *w = fl_writer_new(fd, name, u->level);
    int failed = !job.data || !w || fl_upload_head_encode(u->head, u->plan, &meta);

    u->counts = (struct fl_encoded){0};
    if (!failed) {
        fl_writer_want_digest(w);
        failed = fl_writer_head(w, FL_KIND_MASKED, &meta) || fl_lane_words_write(&words, w) ||
                 fl_writer_done(w);
    }
    add_counts(&job);
    if (!failed) {
        fl_writer_digest(w, u->root);
        fl_roster_sign(&u->plan->roster, u->head->from.party, u->key, FL_KIND_MASKED, u->root,
                       &sign);
        failed = fl_writer_sign(w, &sign);
    }
    fl_meta_release(&meta);
    fl_writer_free(w);
    free(job.data);
    return failed ? -1 : 0;
}

/* The site whose name is the longest. */
static uint32_t
longest_name(const struct fl_roster *r)
{
    uint32_t longest = 0;

    for (uint32_t i = 0; i < r->n; i++)
        if (strlen(r->parties[i].name) > strlen(r->parties[longest].name))
            longest = i;
    return longest;
}

int
fl_upload_bytes(const struct fl_plan *plan, uint64_t *bytes)
{
    struct fl_upload_head head = {.from = {.party = longest_name(&plan->roster), .ctr = 1}};
    unsigned char *tags = fl_alloc(fl_upload_tags(plan), FL_PAIR_TAG);
    struct fl_sign sign = {.signer = head.from.party};
    struct fl_meta meta = {0};

    *bytes = 0;
    head.tags = tags;
    memset(head.from.next, 'x', sizeof head.from.next - 1);
    snprintf(sign.name, sizeof sign.name, "%s", plan->roster.parties[sign.signer].name);
    int failed = !tags || fl_upload_head_encode(&head, plan, &meta) ||
                 fl_size_head(FL_KIND_MASKED, &meta, bytes);
    for (size_t place = 0; !failed && place <= plan->count; place++) {
        struct fl_tensor t;
        failed = fl_plan_upload_tensor(plan, place, &t) || fl_size_tensor(&t, bytes);
        fl_meta_release(&t.attrs);
    }
    failed = failed || fl_size_done(bytes) || fl_size_sign(&sign, bytes);
    fl_meta_release(&meta);
    free(tags);
    return failed ? -1 : 0;
}
