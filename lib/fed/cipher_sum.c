/*
 * Residues are added as they come, without reduction: those of 256 sites and 15 helpers stay below
 * 2^62. What the blocks of a payload cut, a unit of 53 words, is put together again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "fed/cipher.h"

struct fl_cipher_sum {
    const struct fl_plan *plan;
    struct fl_store *store; /* NULL: none is kept */
    uint64_t *sums;         /* (ciphertexts, FL_RING_RESIDUES); without a store those of a block */

    /* for opening: */
    uint64_t index;  /* of the ciphertext whose values are at hand; UINT64_MAX: none */
    uint64_t *v;     /* (FL_RING_RESIDUES) */
    int64_t *values; /* of it, all that it has room for */
    bool odd;        /* where no value belongs is another number than 0 */
};

/* Units that a block of payload has, and one that it ends. */
enum { BLOCK_UNITS = FL_FLT_BLOCK / sizeof(uint64_t) / FL_RING_UNIT_WORDS + 1 };

struct fl_cipher_sum *
fl_cipher_sum_new(const struct fl_plan *plan, struct fl_store *store)
{
    struct fl_cipher_sum *s = fl_alloc(1, sizeof *s);

    if (!s)
        return NULL;
    *s = (struct fl_cipher_sum){.plan = plan, .store = store, .index = UINT64_MAX};
    s->sums = store ? fl_store_words(store, (size_t)plan->ciphertexts * FL_RING_RESIDUES)
                    : fl_alloc(BLOCK_UNITS * (size_t)FL_RING_UNIT, sizeof *s->sums);
    if (s->sums)
        return s;
    fl_cipher_sum_free(s);
    return NULL;
}

void
fl_cipher_sum_free(struct fl_cipher_sum *s)
{
    if (!s)
        return;
    if (!s->store)
        free(s->sums);
    free(s->v);
    free(s->values);
    free(s);
}

uint64_t *
fl_cipher_sum_at(const struct fl_cipher_sum *s, uint64_t index)
{
    return s->sums + index * FL_RING_RESIDUES;
}

void
fl_cipher_sum_rest(const struct fl_cipher_sum *s, uint64_t index)
{
    fl_store_rest(s->store, fl_cipher_sum_at(s, index), FL_RING_RESIDUES);
}

/* A payload on its way into the sums. */
struct filling {
    uint64_t unit;                     /* the next */
    uint64_t held[FL_RING_UNIT_WORDS]; /* a part of it */
    size_t count;                      /* words of that */
};

static int
add_units(struct fl_cipher_sum *s, struct filling *f, const uint64_t *words, size_t count)
{
    uint64_t *to = s->store ? s->sums + f->unit * FL_RING_UNIT : s->sums;

    if (fl_ring_add(to, words, f->unit, count))
        return -1;
    f->unit += count;
    return 0;
}

static int
add_block(struct fl_cipher_sum *s, struct filling *f, const uint64_t *words, size_t n)
{
    if (f->count) {
        const size_t more = fl_min(n, FL_RING_UNIT_WORDS - f->count);
        memcpy(f->held + f->count, words, more * sizeof *words);
        f->count += more;
        words += more;
        n -= more;
        if (f->count < FL_RING_UNIT_WORDS)
            return 0;
        f->count = 0;
        if (add_units(s, f, f->held, 1))
            return -1;
    }
    const size_t whole = n / FL_RING_UNIT_WORDS;
    if (whole && add_units(s, f, words, whole))
        return -1;
    f->count = n - whole * FL_RING_UNIT_WORDS;
    memcpy(f->held, words + whole * FL_RING_UNIT_WORDS, f->count * sizeof *words);
    return 0;
}

int
fl_cipher_sum_add(struct fl_cipher_sum *s, struct fl_reader *in, uint64_t *bytes)
{
    struct filling f = {0};
    const unsigned char *data;
    size_t len;
    int got;

    s->index = UINT64_MAX;
    while ((got = fl_reader_block(in, &data, &len)) == 1) {
        const uint64_t before = f.unit;
        if (add_block(s, &f, (const uint64_t *)(const void *)data, len / sizeof(uint64_t)))
            return fl_error_about(fl_reader_name(in));
        if (s->store)
            fl_store_rest(s->store, s->sums + before * FL_RING_UNIT,
                          (size_t)(f.unit - before) * FL_RING_UNIT);
        *bytes += len;
    }
    return got;
}

int
fl_cipher_sum_write(const struct fl_cipher_sum *s, struct fl_writer *out)
{
    uint64_t *x = fl_alloc_aligned(FL_RING_RESIDUES, sizeof *x);
    uint64_t *words = fl_alloc_aligned(FL_RING_WORDS, sizeof *words);
    int failed = !x || !words;

    for (uint64_t i = 0; i < s->plan->ciphertexts && !failed; i++) {
        memcpy(x, fl_cipher_sum_at(s, i), FL_RING_RESIDUES * sizeof *x);
        fl_cipher_sum_rest(s, i);
        fl_ring_reduce(x);
        fl_ring_pack(words, x);
        failed = fl_writer_data(out, words, FL_RING_WORDS * sizeof *words);
    }
    free(x);
    free(words);
    return failed ? -1 : 0;
}

/* ---- opening ---- */

static int
get_ready(struct fl_cipher_sum *s)
{
    size_t most = 0;

    if (s->v && s->values)
        return 0;
    for (size_t p = 0; p < s->plan->he.count; p++)
        most = fl_max(most, (size_t)fl_rlwe_capacity(&s->plan->he.parts[p].lanes));
    if (!s->v)
        s->v = fl_alloc_aligned(FL_RING_RESIDUES, sizeof *s->v);
    if (!s->values)
        s->values = fl_alloc(most, sizeof *s->values);
    return s->v && s->values ? 0 : -1;
}

/*
 * The values of ciphertext INDEX. Every honest one has zeros beyond them: a wrong share makes all
 * numbers random, and shows there even if the tensor is short and its values are in range.
 */
static void
open_text(struct fl_cipher_sum *s, uint64_t index, const struct fl_plan_text *text)
{
    const struct fl_rlwe_lanes *lanes = &s->plan->he.parts[text->part].lanes;
    const size_t all = (size_t)fl_rlwe_capacity(lanes);

    if (s->index == index)
        return;
    memcpy(s->v, fl_cipher_sum_at(s, index), FL_RING_RESIDUES * sizeof *s->v);
    fl_cipher_sum_rest(s, index);
    fl_rlwe_open(lanes, s->v, s->values, all);
    s->odd = false;
    for (size_t k = (size_t)text->count; k < all; k++)
        s->odd |= s->values[k] != 0;
    s->index = index;
}

int
fl_cipher_sum_open(struct fl_cipher_sum *s, const struct fl_plan_tensor *t, uint64_t at, size_t n,
                   int64_t *values)
{
    bool odd = false;

    if (get_ready(s))
        return -1;
    for (uint64_t from = t->coordinate + at; n;) {
        const uint64_t index = fl_plan_text_of(s->plan, t->part, from);
        const struct fl_plan_text text = fl_plan_text(s->plan, index);
        const size_t skip = (size_t)(from - text.at);
        const size_t here = fl_min(n, (size_t)text.count - skip);
        open_text(s, index, &text);
        odd |= s->odd;
        memcpy(values, s->values + skip, here * sizeof *values);
        values += here;
        from += here;
        n -= here;
    }
    return odd ? -1 : 0;
}
