/*
 * What a thread does with one chunk: records are made documents, and a document is used at once
 * (made tokens, counted by words, written as a line) unless documents wait for a decision; then it
 * is kept as text and comes back in another chunk.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "data/harmonize_state.h"
#include "data/jsonl.h"
#include "flt/check.h"

const struct fl_reading *
fl_harmonize_reading(const struct fl_harmonize *h, size_t file)
{
    return h->set->readings ? h->set->readings[file] : h->set->reading;
}

static bool
is_valid_side(const struct fl_harmonize *h, const void *text, size_t len)
{
    unsigned char hash[FL_HASH_BYTES];

    if (!h->threshold)
        return false;
    fl_hash_once(hash, NULL, "fl1.split", text, len);
    return fl_get64(hash) < h->threshold;
}

static int
count_word(void *arg, const unsigned char *word, size_t len)
{
    struct fl_harmonize_worker *w = arg;

    if (len > FL_HARMONIZE_WORD)
        return 0;
    return fl_words_add(&w->chunk->words, word, len, fl_words_hash(word, len), 1);
}

static int
add_line(struct fl_chunk *c, const char *text, size_t len)
{
    return fl_buf_add_text(&c->lines, "{\"text\": ") || fl_jsonl_quote(&c->lines, text, len) ||
                   fl_buf_add_text(&c->lines, "}\n")
               ? -1
               : 0;
}

/* One whole document that stays goes to its side. */
static int
use_document(struct fl_harmonize *h, struct fl_harmonize_worker *w, const char *text, size_t len,
             bool valid)
{
    struct fl_chunk *c = w->chunk;
    struct fl_ids *ids = valid ? &c->valid : &c->train;
    size_t before = ids->len;

    c->row.documents++;
    c->row.bytes_out += len;
    c->row.train += !valid;
    c->row.valid += valid;
    *(valid ? &c->valid_bytes : &c->train_bytes) += len;
    if (h->lines_fd >= 0)
        return add_line(c, text, len);
    if (h->learning)
        return valid ? 0
                     : fl_pretokenizer_run(&h->cutter, &w->pretokenizer, text, len, true,
                                           count_word, w);
    if (fl_encode(w->encoder, text, len, FL_ENCODE_DOCUMENT, ids))
        return -1;
    c->row.tokens += ids->len - before;
    return 0;
}

/* The signature of a document that waits, into lanes of its own; none when it is too short. */
static int
sign(struct fl_harmonize *h, struct fl_harmonize_worker *w, struct fl_chunk_document *d,
     uint32_t *lanes)
{
    const struct fl_contract_conf *conf = &h->set->contract->conf;
    const unsigned char *text = w->chunk->text.data + d->at;

    d->hash = fl_check64(text, d->len);
    if (!conf->near)
        return 0;
    if (fl_shingles_make(&w->shingles, text, d->len, (size_t)conf->shingle, 0))
        return -1;
    d->lanes = w->shingles.count > 0;
    if (d->lanes)
        fl_minhash(&h->minhash, w->shingles.hash, w->shingles.count, lanes);
    return 0;
}

/* Put a document aside, with what is needed to decide about it. */
static int
hold(struct fl_harmonize *h, struct fl_harmonize_worker *w, struct fl_chunk_document document)
{
    struct fl_chunk *c = w->chunk;
    const char *text = fl_buf_text(&w->document.made.text) + document.at;
    size_t cap = c->document_cap;
    struct fl_chunk_document *all = fl_grow(c->documents, c->document_count, &c->document_cap,
                                            sizeof *all);

    if (!all)
        return -1;
    c->documents = all;
    if (c->document_cap > cap && h->set->contract->conf.near) {
        uint32_t *lanes = fl_resize(c->lanes, c->document_cap, FL_MINHASH_LANES * sizeof *lanes);
        if (!lanes)
            return -1;
        c->lanes = lanes;
    }
    document.at = c->text.len;
    if (fl_buf_add(&c->text, text, document.len))
        return -1;
    all[c->document_count] = document;
    size_t i = c->document_count++;
    return sign(h, w, &all[i], c->lanes + (c->lanes ? i * FL_MINHASH_LANES : 0));
}

/* The part from AT on, LEN bytes, of the document at hand; the last part of it when LAST. */
static int
take_part(struct fl_harmonize *h, struct fl_harmonize_worker *w, size_t at, size_t len, bool last)
{
    struct fl_document *d = &w->document;
    const char *text = fl_buf_text(&d->made.text) + at;
    const struct fl_buf *side = &d->group;
    struct fl_chunk_document part = {.at = at, .len = len};

    part.valid = side->len ? is_valid_side(h, side->data, side->len) : is_valid_side(h, text, len);
    if (!h->held)
        return use_document(h, w, text, len, part.valid);
    fl_trace_sum(&d->made.trace, at, last ? UINT64_MAX : at + len, &part.fates);
    if (!at) /* what the record has besides its text goes with the first part */
        part.fates.bytes[FL_FATE_UNUSED] = d->found.fates.bytes[FL_FATE_UNUSED];
    return hold(h, w, part);
}

struct fl_document_way
fl_harmonize_way(const struct fl_harmonize *h, size_t file)
{
    return (struct fl_document_way){fl_harmonize_reading(h, file), &h->columns[file],
                                    &h->set->rules,
                                    h->set->contract ? h->set->contract->identifiers : NULL};
}

static int
take_record(struct fl_harmonize *h, struct fl_harmonize_worker *w,
            const struct fl_raw_record *record)
{
    struct fl_document *d = &w->document;
    const struct fl_document_way way = fl_harmonize_way(h, record->file);
    const size_t max = h->set->records.max;
    int got = fl_document_make(d, record, &way);
    size_t at = 0;

    if (got < 0)
        return -1;
    while (got && !(record->format == FL_RECORDS_TEXT && !way.reading->chat && !way.identifiers) &&
           d->made.text.len - at > max) {
        size_t cut = fl_records_cut(d->made.text.data + at, max);
        d->found.cuts++;
        if (take_part(h, w, at, cut, false))
            return -1;
        at += cut;
    }
    if (got && take_part(h, w, at, d->made.text.len - at, true))
        return -1;
    fl_document_count(&w->chunk->row.counts, &d->found);
    return 0;
}

static void
clear(struct fl_chunk *c)
{
    c->row = (struct fl_harmonize_row){0};
    c->train.len = c->valid.len = 0;
    c->train_bytes = c->valid_bytes = 0;
    fl_buf_clear(&c->lines);
    fl_words_clear(&c->words);
    c->failed = false;
}

static void
fail(struct fl_harmonize *h, struct fl_chunk *c)
{
    fl_error_about(fl_records_name(h->records, c->file));
    fl_error_save(&c->error);
    c->failed = true;
}

void
fl_chunk_run(void *harmonize, size_t index, int worker)
{
    struct fl_harmonize *h = harmonize;
    struct fl_harmonize_worker *w = &h->workers[worker];
    struct fl_chunk *c = &h->chunks[index];

    w->chunk = c;
    clear(c);
    fl_buf_clear(&c->text);
    c->document_count = 0;
    for (size_t i = c->first; i < c->first + c->count && !c->failed; i++)
        if (take_record(h, w, &h->batch[i]))
            fail(h, c);
}

void
fl_chunk_run_held(void *harmonize, size_t index, int worker)
{
    struct fl_harmonize *h = harmonize;
    struct fl_harmonize_worker *w = &h->workers[worker];
    struct fl_chunk *c = &h->chunks[index];

    w->chunk = c;
    clear(c);
    for (size_t i = 0; i < c->document_count && !c->failed; i++) {
        const struct fl_chunk_document *d = &c->documents[i];
        if (use_document(h, w, fl_buf_text(&c->text) + d->at, d->len, d->valid))
            fail(h, c);
    }
}
