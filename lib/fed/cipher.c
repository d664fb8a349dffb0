/* Ciphertexts made in batches by all threads, each batch written while the next one is made. */
#include "fed/cipher.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "crypt/secret.h"
#include "flt/values.h"

enum { BATCH_LEAST = 4 };

/* Elements FROM..TO of a payload, made or being made. */
struct batch {
    uint64_t from, to;
    uint64_t *words; /* (line.most, FL_RING_WORDS) */
};

/* What makes one element after the other, packed, and writes them in order. */
struct line {
    const struct fl_plan *plan;
    struct fl_pool *pool;
    size_t threads, most; /* elements of a batch */
    struct fl_ring ring;
    struct fl_rlwe_work **work; /* one a thread */
    struct batch filling, made;
    uint64_t *memory; /* of both */
    struct fl_writer *out;
    bool failed;
    struct fl_error_copy error;

    void *arg;
    void (*make)(void *arg, struct line *l, uint64_t index, size_t in_batch, int worker,
                 uint64_t *words);
    int (*prepare)(void *arg, struct line *l); /* before l->filling is made; may be NULL */
    struct fl_progress *progress;
    uint64_t done;
};

static void
line_release(struct line *l)
{
    for (size_t i = 0; l->work && i < l->threads; i++)
        fl_rlwe_work_free(l->work[i]);
    free(l->work);
    free(l->memory);
    fl_ring_release(&l->ring);
}

static int
line_start(struct line *l)
{
    l->threads = (size_t)fl_pool_threads(l->pool);
    l->most = fl_max(2 * l->threads, BATCH_LEAST);
    if (fl_ring_init(&l->ring))
        return -1;
    l->work = fl_alloc(l->threads, sizeof *l->work);
    l->memory = fl_alloc_aligned(2 * l->most * FL_RING_WORDS, sizeof *l->memory);
    if (!l->work || !l->memory)
        return -1;
    for (size_t i = 0; i < l->threads; i++)
        if (!(l->work[i] = fl_rlwe_work_new()))
            return -1;
    l->filling.words = l->memory;
    l->made.words = l->memory + l->most * FL_RING_WORDS;
    return 0;
}

static void
make_one(void *arg, size_t i, int worker)
{
    struct line *l = arg;

    l->make(l->arg, l, l->filling.from + i, i, worker, l->filling.words + i * FL_RING_WORDS);
}

static void
write_made(void *arg, size_t index, int worker)
{
    struct line *l = arg;
    const size_t words = (size_t)(l->made.to - l->made.from) * FL_RING_WORDS;

    (void)index;
    (void)worker;
    if (words && fl_writer_data(l->out, l->made.words, words * sizeof(uint64_t))) {
        l->failed = true;
        fl_error_save(&l->error);
        return;
    }
    l->done += words * sizeof(uint64_t);
    if (l->progress)
        fl_progress_show(l->progress, l->done, "%s", "");
}

/* All elements of the payload. */
static int
line_run(struct line *l)
{
    const uint64_t all = l->plan->ciphertexts;

    while (l->made.to < all) {
        l->filling.from = l->made.to;
        l->filling.to = fl_min_u64(all, l->filling.from + l->most);
        if (l->prepare && l->prepare(l->arg, l))
            return -1;
        const size_t count = (size_t)(l->filling.to - l->filling.from);
        const struct fl_job jobs[] = {{write_made, l, 1}, {make_one, l, count}};
        fl_pool_run_jobs(l->pool, jobs, 2);
        if (l->failed)
            return fl_error_restore(&l->error);
        const struct batch written = l->made;
        l->made = l->filling;
        l->filling = written;
    }
    write_made(l, 0, 0);
    return l->failed ? fl_error_restore(&l->error) : 0;
}

/* ---- an upload's ---- */

struct encrypting {
    struct fl_encryption *e;
    bool second;
    struct fl_rlwe_key *key;
    size_t capacity;           /* values of the fullest ciphertext */
    float *values;             /* (batch, capacity) of what is made next */
    int64_t **numbers;         /* (threads) (capacity) in secret memory */
    struct fl_encoded *counts; /* (threads) */
};

/* The update's values of the next batch, copied: views are one thread's. */
static int
prepare_values(void *arg, struct line *l)
{
    const struct encrypting *x = arg;
    const struct fl_plan *plan = l->plan;

    for (uint64_t index = l->filling.from; index < l->filling.to; index++) {
        const struct fl_plan_text text = fl_plan_text(plan, index);
        float *to = x->values + (size_t)(index - l->filling.from) * x->capacity;
        const struct fl_plan_tensor *t;
        struct fl_view v = {0};
        uint64_t from, end;
        int failed = 0;
        for (size_t i = 0; !failed && (t = fl_plan_text_next(plan, &text, &i, &from, &end));) {
            const size_t n = (size_t)(end - from);
            const size_t at = (size_t)fl_object_find(x->e->update, t->tensor->name);
            failed = fl_view_values(x->e->update, at, from, n, &v);
            if (!failed)
                memcpy(to, fl_view_f32(&v, from, n, to), n * sizeof *to);
            to += n;
        }
        fl_view_release(&v);
        if (failed)
            return -1;
    }
    return 0;
}

/* The numbers of a ciphertext, as masked lanes would have them. */
static void
encode(const struct encrypting *x, const struct fl_plan *plan, const struct fl_plan_text *text,
       const float *values, int64_t *numbers, struct fl_encoded *counts)
{
    const struct fl_plan_tensor *t;
    uint64_t from, to;

    for (size_t i = 0; (t = fl_plan_text_next(plan, text, &i, &from, &to));) {
        const size_t n = (size_t)(to - from);
        struct fl_lane_encoder e;
        if (!x->e->update) {
            memset(numbers, 0, n * sizeof *numbers);
            counts->values += n;
            counts->zeros += n;
        } else {
            fl_lane_encoder_init(&e, t->rule, x->e->q);
            fl_lane_encode_numbers(&e, values, n, numbers, counts);
            values += n;
        }
        numbers += n;
    }
}

static void
encrypt_one(void *arg, struct line *l, uint64_t index, size_t in_batch, int worker, uint64_t *words)
{
    const struct encrypting *x = arg;
    const struct fl_plan_text at = fl_plan_text(l->plan, index);
    const struct fl_rlwe_text text = {.lanes = l->plan->he.parts[at.part].lanes,
                                      .seed = x->e->seed,
                                      .index = index,
                                      .values = x->second ? NULL : x->numbers[worker],
                                      .count = x->second ? 0 : (size_t)at.count};

    if (!x->second)
        encode(x, l->plan, &at, x->e->update ? x->values + in_batch * x->capacity : NULL,
               x->numbers[worker], &x->counts[worker]);
    fl_rlwe_encrypt(x->key, l->work[worker], &text, x->second ? NULL : words,
                    x->second ? words : NULL);
}

static int
encrypting_start(struct encrypting *x, const struct line *l)
{
    const struct fl_rlwe_size *size = &l->plan->he;

    for (size_t p = 0; p < size->count; p++)
        x->capacity = fl_max(x->capacity,
                             (size_t)fl_min_u64(size->parts[p].coordinates,
                                                fl_rlwe_capacity(&size->parts[p].lanes)));
    if (!(x->key = fl_plan_he_key(l->plan, &l->ring)))
        return -1;
    if (x->second)
        return 0;
    x->numbers = fl_alloc(l->threads, sizeof *x->numbers);
    x->counts = fl_alloc(l->threads, sizeof *x->counts);
    if (x->e->update)
        x->values = fl_alloc(l->most * x->capacity, sizeof *x->values);
    if (!x->numbers || !x->counts || (x->e->update && !x->values))
        return -1;
    for (size_t i = 0; i < l->threads; i++)
        if (!(x->numbers[i] = fl_secret_alloc(x->capacity, sizeof **x->numbers)))
            return -1;
    return 0;
}

static void
encrypting_end(struct encrypting *x, const struct line *l)
{
    for (size_t i = 0; x->counts && i < l->threads; i++)
        fl_encoded_add(&x->e->counts, &x->counts[i]);
    for (size_t i = 0; x->numbers && i < l->threads; i++)
        fl_secret_free(x->numbers[i]);
    free(x->numbers);
    free(x->counts);
    if (x->values)
        fl_wipe(x->values, l->most * x->capacity * sizeof *x->values);
    free(x->values);
    fl_rlwe_key_free(x->key);
}

int
fl_cipher_encrypt(struct fl_encryption *e, bool second, struct fl_writer *out)
{
    struct encrypting x = {.e = e, .second = second};
    struct line l = {.plan = e->plan,
                     .pool = e->pool,
                     .out = out,
                     .arg = &x,
                     .make = encrypt_one,
                     .prepare = second || !e->update ? NULL : prepare_values,
                     .progress = e->progress,
                     .done = e->done};
    int failed = line_start(&l) || encrypting_start(&x, &l) || line_run(&l);

    e->done = l.done;
    encrypting_end(&x, &l);
    line_release(&l);
    return failed ? -1 : 0;
}

int
fl_cipher_length(const char *file, uint64_t *bytes)
{
    struct fl_reader *in = fl_reader_open(file);
    const struct fl_head *head;
    int got = in ? fl_reader_expect(in, FL_KIND_CIPHER, &head) : -1;

    if (got == 1)
        got = fl_reader_expect(in, FL_KIND_MASKED, &head);
    if (got == 1)
        *bytes = fl_reader_object_offset(in);
    else if (!got)
        got = fl_error(FL_FAILED, "%s: ends before its upload; ask for a whole copy", file);
    fl_reader_free(in);
    return got == 1 ? 0 : -1;
}

/* ---- a helper's ---- */

struct sharing {
    const struct fl_sharing *s;
    struct fl_rlwe_secret *secret;
};

static void
share_one(void *arg, struct line *l, uint64_t index, size_t in_batch, int worker, uint64_t *words)
{
    const struct sharing *x = arg;

    (void)in_batch;
    fl_rlwe_share(x->secret, l->work[worker], &l->plan->he, x->s->smudge, index,
                  fl_cipher_sum_at(x->s->c1, index), words);
    fl_cipher_sum_rest(x->s->c1, index);
}

int
fl_cipher_share(struct fl_sharing *s, struct fl_writer *out)
{
    struct sharing x = {.s = s};
    struct line l = {.plan = s->plan,
                     .pool = s->pool,
                     .out = out,
                     .arg = &x,
                     .make = share_one,
                     .progress = s->progress,
                     .done = s->done};
    int failed = line_start(&l) || !(x.secret = fl_rlwe_secret_new(&l.ring, s->secret)) ||
                 line_run(&l);

    s->done = l.done;
    fl_rlwe_secret_free(x.secret);
    line_release(&l);
    return failed ? -1 : 0;
}
