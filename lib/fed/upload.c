/* Of each tensor those values are viewed that the batch at hand is made of. */
#include "fed/upload.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "crypt/secret.h"
#include "fed/cipher.h"
#include "flt/size.h"
#include "flt/values.h"
#include "flt/writer.h"

struct job {
    struct fl_upload *u;
    struct fl_view *views; /* of each tensor of the plan: what the batch needs of it */
    size_t first, end;     /* places of the upload that the batch before needed, of [first, end) */
    struct fl_encoded counts[FL_LANE_WORDS_BATCH];
};

/* The same numbers that were found to be within the bound, in pieces of whole words. */
static void
encode_bounded(const struct fl_bounded *b, const struct fl_lanes *lanes, size_t index,
               uint64_t element, const float *values, size_t n, uint64_t *out,
               struct fl_encoded *counts)
{
    int64_t x[FL_LANE_PIECE];
    const double clip = b->parts[index].clip;

    for (size_t at = 0, step; at < n; at += step, out += step / lanes->count) {
        step = n - at < FL_LANE_PIECE ? n - at : FL_LANE_PIECE;
        fl_bounded_round(b, index, element + at, values + at, step, x);
        fl_lane_pack(lanes, x, step, out);
        for (size_t k = at; k < at + step; k++) {
            counts->clipped += fabs((double)values[k]) > clip;
            counts->zeros += values[k] == 0;
            counts->odd += values[k] != values[k];
        }
    }
    counts->values += n;
    fl_wipe(x, sizeof x);
}

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
    const float *values = fl_view_f32(&job->views[index], element, n, NULL);
    if (job->u->bounded) {
        encode_bounded(job->u->bounded, &t->lanes, index, element, values, n, out, counts);
        return;
    }
    fl_lane_encoder_init(&e, t->rule, job->u->q);
    fl_lane_encode(&e, values, n, out, counts);
}

/* Values AT and following, at most N, of what V shows are wanted soon. */
static void
expect(const struct fl_view *v, uint64_t at, size_t n, struct fl_masking *m)
{
    const uint64_t from = at * sizeof(float), left = v->to > from ? v->to - from : 0;

    m->soon = (const unsigned char *)v->data + (left ? from - v->from : 0);
    m->soon_bytes = fl_piece(left, n * sizeof(float));
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
        if (job->u->update)
            expect(&job->views[plan->order[place]], element + n, (size_t)n, &m);
        out += end - from;
        from = end;
    }
    fl_lane_words_mask(plan, chunk, m);
}

static void
add_counts(struct job *job)
{
    for (size_t i = 0; i < FL_LANE_WORDS_BATCH; i++) {
        struct fl_encoded *c = &job->counts[i];
        fl_encoded_add(&job->u->counts, c);
        *c = (struct fl_encoded){0};
    }
}

/* Of the tensor T, number INDEX of the plan, the values of the words FROM..TO. */
static int
look_at(const struct job *job, const struct fl_plan_tensor *t, size_t index, uint64_t from,
        uint64_t to)
{
    const size_t i = (size_t)fl_object_find(job->u->update, t->tensor->name);
    const uint64_t begin = from > t->word_at ? (from - t->word_at) * t->lanes.count : 0;
    const uint64_t last = to < t->word_at + t->words ? to - t->word_at : t->words;
    const uint64_t end = fl_min_u64(last * t->lanes.count, t->elements);

    return fl_view_values(job->u->update, i, begin, end - begin, &job->views[index]);
}

/* What the words FROM..TO, the next ones, are made of; what those before were is forgotten. */
static int
prepare(void *arg, uint64_t from, uint64_t to)
{
    struct job *job = arg;
    const struct fl_plan *plan = job->u->plan;
    const struct fl_plan_tensor *t;

    add_counts(job);
    if (!job->u->update)
        return 0;
    for (; job->first < job->end; job->first++) {
        t = fl_plan_at(plan, job->first);
        if (t && t->word_at + t->words > from)
            break;
        if (t)
            fl_view_release(&job->views[plan->order[job->first]]);
    }
    for (job->end = job->first; job->end < plan->places; job->end++) {
        t = fl_plan_at(plan, job->end);
        if (t && t->word_at >= to && t->words)
            break;
        if (t && look_at(job, t, plan->order[job->end], from, to))
            return -1;
    }
    return 0;
}

/* ---- ciphertexts ---- */

/* The second halves, an object of their own; its digest into the upload's HEAD. */
static int
write_second(struct fl_encryption *e, struct fl_upload_head *head, struct fl_writer *w)
{
    struct fl_meta meta = {0};
    struct fl_tensor t = {.attrs = {0}};
    int failed = fl_cipher_head_encode(head->from.party, e->plan, &meta) ||
                 fl_writer_head(w, FL_KIND_CIPHER, &meta) ||
                 fl_plan_cipher_tensor(e->plan, FL_CIPHER_C1, &t) || fl_writer_tensor(w, &t) ||
                 fl_cipher_encrypt(e, true, w) || fl_writer_done(w);

    if (!failed)
        fl_writer_digest(w, head->cipher);
    fl_meta_release(&meta);
    fl_meta_release(&t.attrs);
    return failed ? -1 : 0;
}

/* The first halves, the upload's last tensor. */
static int
write_first(struct fl_encryption *e, struct fl_writer *w)
{
    struct fl_tensor t;

    if (fl_plan_cipher_tensor(e->plan, FL_CIPHER_TENSOR, &t))
        return -1;
    int failed = fl_writer_tensor(w, &t) || fl_cipher_encrypt(e, false, w);
    fl_meta_release(&t.attrs);
    return failed ? -1 : 0;
}

int
fl_upload_write(struct fl_upload *u, int fd, const char *name)
{
    struct fl_encryption e = {.plan = u->plan,
                              .seed = u->seed,
                              .update = u->update,
                              .q = u->q,
                              .pool = u->pool,
                              .progress = u->progress,
                              .done = u->plan->words * sizeof(uint64_t)};
    struct fl_upload_head head = *u->head;
    const bool ciphers = u->plan->ciphertexts > 0;
    struct job job = {.u = u, .views = fl_alloc(u->plan->count, sizeof *job.views)};
    const struct fl_lane_words words = {.plan = u->plan,
                                        .places = u->plan->places,
                                        .pool = u->pool,
                                        .progress = u->progress,
                                        .arg = &job,
                                        .fill = fill,
                                        .prepare = prepare};
    struct fl_meta meta = {0};
    struct fl_sign sign;
    struct fl_writer *w = fl_writer_new(fd, name, u->level);
    int failed = !job.views || !w;

    u->counts = (struct fl_encoded){0};
    if (!failed) {
        fl_writer_want_digest(w);
        failed = (ciphers && write_second(&e, &head, w)) ||
                 fl_upload_head_encode(&head, u->plan, &meta) ||
                 fl_writer_head(w, FL_KIND_MASKED, &meta) || fl_lane_words_write(&words, w) ||
                 (ciphers && write_first(&e, w)) || fl_writer_done(w);
    }
    add_counts(&job);
    fl_encoded_add(&u->counts, &e.counts);
    if (!failed) {
        fl_writer_digest(w, u->root);
        fl_roster_sign(&u->plan->roster, u->head->from.party, u->key, FL_KIND_MASKED, u->root,
                       &sign);
        failed = fl_writer_sign(w, &sign);
    }
    fl_meta_release(&meta);
    fl_writer_free(w);
    for (size_t i = 0; job.views && i < u->plan->count; i++)
        fl_view_release(&job.views[i]);
    free(job.views);
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

/* And those of the object before it. */
static int
add_cipher_bytes(const struct fl_plan *plan, uint32_t site, uint64_t *bytes)
{
    struct fl_tensor t = {.attrs = {0}};
    struct fl_meta meta = {0};
    int failed = fl_cipher_head_encode(site, plan, &meta) ||
                 fl_size_head(FL_KIND_CIPHER, &meta, bytes) ||
                 fl_plan_cipher_tensor(plan, FL_CIPHER_C1, &t) || fl_size_tensor(&t, bytes) ||
                 fl_size_done(bytes);

    fl_meta_release(&meta);
    fl_meta_release(&t.attrs);
    return failed ? -1 : 0;
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
    head.ledger = true;
    memset(head.from.next, 'x', sizeof head.from.next - 1);
    snprintf(sign.name, sizeof sign.name, "%s", plan->roster.parties[sign.signer].name);
    int failed = !tags || fl_upload_head_encode(&head, plan, &meta) ||
                 fl_size_head(FL_KIND_MASKED, &meta, bytes);
    for (size_t place = 0; !failed && place < fl_plan_upload_tensors(plan); place++) {
        struct fl_tensor t;
        failed = fl_plan_upload_tensor(plan, place, &t) || fl_size_tensor(&t, bytes);
        fl_meta_release(&t.attrs);
    }
    failed = failed || fl_size_done(bytes) || fl_size_sign(&sign, bytes) ||
             (plan->ciphertexts && add_cipher_bytes(plan, head.from.party, bytes));
    fl_meta_release(&meta);
    free(tags);
    return failed ? -1 : 0;
}
