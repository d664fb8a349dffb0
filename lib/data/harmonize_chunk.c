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

/* The part from AT on, LEN bytes, of the document at hand. */
static int
take_part(struct fl_harmonize *h, struct fl_harmonize_worker *w, size_t at, size_t len)
{
    const struct fl_document *d = &w->document;
    const char *text = fl_buf_text(&d->made.text) + at;
    const struct fl_buf *side = &d->group;
    bool valid = side->len ? is_valid_side(h, side->data, side->len) : is_valid_side(h, text, len);

    return use_document(h, w, text, len, valid);
}

static int
take_record(struct fl_harmonize *h, struct fl_harmonize_worker *w,
            const struct fl_raw_record *record)
{
    struct fl_document *d = &w->document;
    const struct fl_document_way way = {fl_harmonize_reading(h, record->file),
                                        &h->columns[record->file], &h->set->rules};
    const size_t max = h->set->records.max;
    int got = fl_document_make(d, record, &way);
    size_t at = 0;

    if (got < 0)
        return -1;
    while (got && record->format != FL_RECORDS_TEXT && d->made.text.len - at > max) {
        size_t cut = fl_records_cut(d->made.text.data + at, max);
        d->found.cuts++;
        if (take_part(h, w, at, cut))
            return -1;
        at += cut;
    }
    if (got && take_part(h, w, at, d->made.text.len - at))
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
    for (size_t i = c->first; i < c->first + c->count && !c->failed; i++)
        if (take_record(h, w, &h->batch[i]))
            fail(h, c);
}
