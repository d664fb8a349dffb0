/* One accumulator for each tensor that travels, and one word for the weight. */
#include "fed/lane_sum.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "fed/cipher.h"
#include "fed/encode.h"
#include "fed/store.h"

enum { MEBI = FL_FLT_BLOCK / sizeof(uint64_t) }; /* words of a block of payload */

struct fl_lane_sum {
    const struct fl_plan *plan;
    struct fl_schema upload, masked; /* of an upload, of an answer */
    struct fl_store *store;
    struct fl_progress *progress;
    uint64_t bytes;  /* of words, added so far */
    uint64_t **sums; /* (count) words of each tensor of the plan; NULL: they are not kept */
    uint64_t weight;
    struct fl_cipher_sum *cipher; /* of the ciphertexts, where there are any */
};

/* Masked places come first, the weight's among them; ciphertexts are the last tensor. */
static int
make_schemas(struct fl_lane_sum *s)
{
    if (fl_schema_start(&s->upload, "an upload of this plan") ||
        fl_plan_upload_schema(s->plan, &s->upload) ||
        fl_schema_start(&s->masked, "an answer of this plan"))
        return -1;
    for (size_t place = 0; place < s->upload.count; place++) {
        const struct fl_tensor *t = &s->upload.items[place].tensor;
        if (t->role != FL_PLAIN && fl_schema_add(&s->masked, t, false))
            return -1;
    }
    return 0;
}

struct fl_lane_sum *
fl_lane_sum_inspector(const struct fl_plan *plan, struct fl_progress *progress)
{
    struct fl_lane_sum *s = fl_alloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->plan = plan;
    s->progress = progress;
    if (!make_schemas(s) && (!plan->ciphertexts || (s->cipher = fl_cipher_sum_new(plan, NULL))))
        return s;
    fl_lane_sum_free(s);
    return NULL;
}

struct fl_lane_sum *
fl_lane_sum_new(const struct fl_plan *plan, uint64_t memory, struct fl_progress *progress)
{
    struct fl_lane_sum *s = fl_lane_sum_inspector(plan, progress);

    if (!s)
        return NULL;
    s->store = fl_store_new(memory);
    s->sums = fl_alloc(plan->count, sizeof *s->sums);
    int failed = !s->store || !s->sums;
    for (size_t i = 0; i < plan->count && !failed; i++) {
        s->sums[i] = fl_store_words(s->store, (size_t)plan->tensors[i].words);
        failed = !s->sums[i];
    }
    if (!failed && plan->ciphertexts) {
        fl_cipher_sum_free(s->cipher);
        failed = !(s->cipher = fl_cipher_sum_new(plan, s->store));
    }
    if (!failed)
        return s;
    fl_lane_sum_free(s);
    return NULL;
}

void
fl_lane_sum_free(struct fl_lane_sum *s)
{
    if (!s)
        return;
    fl_schema_release(&s->upload);
    fl_schema_release(&s->masked);
    fl_cipher_sum_free(s->cipher);
    fl_store_free(s->store);
    free(s->sums);
    free(s);
}

uint64_t
fl_lane_sum_weight(const struct fl_lane_sum *s)
{
    return s->weight;
}

/* Words of tensor OF (NULL: the weight) into SUM (NULL: nowhere). Returns bits that no lane has. */
static uint64_t
add_words(struct fl_lane_sum *s, const struct fl_plan_tensor *of, uint64_t *sum,
          const uint64_t *words, size_t n, int sign)
{
    uint64_t stray = 0;

    if (!of) {
        s->weight += sign > 0 ? *words : -*words;
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        stray |= words[i] & ~of->lanes.used;
    if (sum && sign > 0)
        fl_lanes_add(&of->lanes, sum, words, n);
    else if (sum)
        fl_lanes_sub(&of->lanes, sum, words, n);
    return stray;
}

/*
 * The words up to END were looked at, MEBI at the last: they, and the page between them and those
 * before, need not stay in memory.
 */
static void
rest(const struct fl_lane_sum *s, const uint64_t *sum, const uint64_t *end)
{
    const size_t both = 2 * MEBI, done = (size_t)(end - sum);

    fl_store_rest(s->store, done < both ? sum : end - both, done < both ? done : both);
}

/* The payload at hand, of that place of an upload. */
static int
add_payload(struct fl_lane_sum *s, struct fl_reader *in, size_t place, int sign)
{
    const struct fl_plan_tensor *of = fl_plan_at(s->plan, place);
    uint64_t *sum = of && s->sums ? s->sums[s->plan->order[place]] : NULL, stray = 0;
    const uint64_t *begin = sum;
    const unsigned char *data;
    size_t len;
    int got;

    while ((got = fl_reader_block(in, &data, &len)) == 1) {
        const uint64_t *words = (const uint64_t *)(const void *)data;
        stray |= add_words(s, of, sum, words, len / sizeof *words, sign);
        sum = sum ? sum + len / sizeof *words : NULL;
        if (sum)
            rest(s, begin, sum);
        s->bytes += len;
        if (s->progress)
            fl_progress_show(s->progress, s->bytes, "%s", "");
    }
    if (stray && of)
        return fl_error(
            FL_FAILED,
            "%s: tensor \"%s\" has bits where the plan has no lanes; it was not made by "
            "fl-mask",
            fl_reader_name(in), of->tensor->name);
    return got;
}

/* Shares are added where streams are subtracted: the sum of all is what is opened. */
static int
add_cipher(struct fl_lane_sum *s, struct fl_reader *in)
{
    if (fl_cipher_sum_add(s->cipher, in, &s->bytes))
        return -1;
    if (s->progress)
        fl_progress_show(s->progress, s->bytes, "%s", "");
    return 0;
}

/* The tensor at hand, number I of those that WANT has. */
static int
add_tensor(struct fl_lane_sum *s, struct fl_reader *in, const struct fl_tensor *t, size_t i,
           int sign)
{
    return t->role == FL_CIPHER ? add_cipher(s, in) : add_payload(s, in, i, sign);
}

int
fl_lane_sum_add(struct fl_lane_sum *s, struct fl_reader *in, int sign, bool masked_only)
{
    const struct fl_schema *want = masked_only ? &s->masked : &s->upload;
    const char *file = fl_reader_name(in);
    const struct fl_tensor *t;
    size_t place = 0;
    int got;

    for (; (got = fl_reader_tensor(in, &t)) == 1; place++)
        if (fl_schema_match_next(want, place, file, t) || add_tensor(s, in, t, place, sign))
            return -1;
    return got ? got : fl_schema_match_end(want, place, file);
}

int
fl_lane_sum_decode(const struct fl_lane_sum *s, size_t i, uint64_t at, size_t n, int64_t *values)
{
    const struct fl_plan_tensor *t = &s->plan->tensors[i];
    const struct fl_lanes *lanes = &t->lanes;

    if (t->role == FL_CIPHER)
        return fl_cipher_sum_open(s->cipher, t, at, n, values);
    const uint64_t *words = s->sums[i] + at / lanes->count;
    int result = fl_lane_decode(lanes, words, n, values);

    rest(s, s->sums[i], words + (n + lanes->count - 1) / lanes->count);
    return result;
}

static int
write_words(const struct fl_lane_sum *s, const uint64_t *words, uint64_t count,
            struct fl_writer *out)
{
    for (uint64_t at = 0; at < count;) {
        size_t n = fl_piece(count - at, MEBI);
        if (fl_writer_data(out, words + at, n * sizeof *words))
            return -1;
        at += n;
        rest(s, words, words + at);
    }
    return 0;
}

int
fl_lane_sum_write(const struct fl_lane_sum *s, struct fl_writer *out)
{
    for (size_t place = 0; place < s->plan->places; place++) {
        const struct fl_plan_tensor *of = fl_plan_at(s->plan, place);
        const uint64_t *words = of ? s->sums[s->plan->order[place]] : &s->weight;
        if (fl_writer_tensor(out, &s->upload.items[place].tensor) ||
            (of ? write_words(s, words, of->words, out)
                : fl_writer_data(out, words, sizeof *words)))
            return -1;
    }
    return s->plan->ciphertexts &&
                   (fl_writer_tensor(out, &s->upload.items[s->plan->places].tensor) ||
                    fl_cipher_sum_write(s->cipher, out))
               ? -1
               : 0;
}
