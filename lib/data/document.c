/*
 * The order matters: encoding, line ends, white space at the ends, and normal form C on what is
 * left. Counts are of a run of records, and runs are added in their order.
 */
#include "data/document.h"

#include <string.h>

#include "data/jsonl.h"

/* The place of the first one; 0 is a place, so the number says whether there is one. */
static void
count_first(uint64_t *n, uint64_t *first, uint64_t more, uint64_t more_first)
{
    if (!*n && more)
        *first = more_first;
    *n += more;
}

void
fl_document_count(struct fl_document_counts *to, const struct fl_document_counts *more)
{
    to->records += more->records;
    to->empty += more->empty;
    count_first(&to->malformed, &to->malformed_line, more->malformed, more->malformed_line);
    count_first(&to->no_field, &to->no_field_line, more->no_field, more->no_field_line);
    count_first(&to->replaced, &to->first_invalid, more->replaced, more->first_invalid);
    to->malformed_bytes += more->malformed_bytes;
    to->no_field_bytes += more->no_field_bytes;
    to->replaced_bytes += more->replaced_bytes;
    to->nul += more->nul;
    to->crlf += more->crlf;
    to->cuts += more->cuts;
}

void
fl_document_release(struct fl_document *d)
{
    fl_buf_release(&d->text);
    fl_buf_release(&d->raw);
    fl_unicode_scratch_release(&d->unicode);
}

/* CR LF becomes LF in place. */
static void
unify_line_ends(struct fl_buf *text, struct fl_document_counts *counts)
{
    unsigned char *from = text->data, *end = text->data + text->len, *to = NULL;

    while (from < end) {
        unsigned char *cr = memchr(from, '\r', (size_t)(end - from));
        size_t run = (size_t)((cr ? cr : end) - from);
        if (to)
            memmove(to, from, run);
        to = (to ? to : from) + run;
        if (!cr)
            break;
        from = cr + 1;
        if (from < end && *from == '\n')
            counts->crlf++;
        else
            *to++ = '\r';
    }
    if (to)
        text->len = (size_t)(to - text->data);
}

static void
trim(struct fl_buf *text)
{
    size_t start = 0;

    while (text->len && strchr(" \t\n\r\f", text->data[text->len - 1]) && text->data[text->len - 1])
        text->len--;
    for (size_t i = 0;
         i < text->len && (text->data[i] == ' ' || text->data[i] == '\t' || text->data[i] == '\n');
         i++)
        if (text->data[i] == '\n')
            start = i + 1;
    memmove(text->data, text->data + start, text->len - start);
    text->len -= start;
    text->data[text->len] = '\0';
}

/* The record as UTF-8 into OUT; what was replaced is counted in FOUND. */
static int
repair(const struct fl_raw_record *record, bool refuse, struct fl_buf *out,
       struct fl_document_counts *found)
{
    size_t bad = fl_unicode_check(record->data, record->len);

    fl_buf_clear(out);
    if (bad < record->len && refuse)
        return fl_error(FL_FAILED,
                        "byte %llu is not UTF-8; --invalid replace would put U+FFFD there, iconv "
                        "converts other encodings",
                        (unsigned long long)(record->offset + bad));
    if (fl_unicode_replace(record->data, record->len, out, &found->replaced,
                           &found->replaced_bytes))
        return -1;
    found->first_invalid = record->offset + bad;
    return 0;
}

/* The field of a line in D->raw into D->text: 1, 0 when the line is dropped, -1. */
static int
take_field(struct fl_document *d, const struct fl_raw_record *record, const char *field,
           bool refuse, struct fl_document_counts *found)
{
    struct fl_jsonl_note note;

    switch (fl_jsonl_field((char *)d->raw.data, d->raw.len, field, &d->text, &note)) {
    case FL_JSONL_FOUND: break;
    case FL_JSONL_MALFORMED:
        *found = (struct fl_document_counts){.malformed = 1,
                                             .malformed_line = record->line,
                                             .malformed_bytes = record->len};
        return 0;
    case FL_JSONL_MISSING:
    case FL_JSONL_NOT_TEXT:
        *found = (struct fl_document_counts){.no_field = 1,
                                             .no_field_line = record->line,
                                             .no_field_bytes = record->len};
        return 0;
    case FL_JSONL_NO_MEMORY: return -1;
    }
    if (note.surrogates && refuse)
        return fl_error(FL_FAILED,
                        "line %llu has half of a surrogate pair, which is no character; --invalid "
                        "replace would put U+FFFD there",
                        (unsigned long long)record->line);
    count_first(&found->replaced, &found->first_invalid, note.surrogates,
                record->offset + note.first);
    found->replaced_bytes += strlen("\\ud800") * note.surrogates;
    return 1;
}

static uint64_t
count_nul(const struct fl_buf *text)
{
    const unsigned char *p = text->data, *end = p + text->len;
    uint64_t n = 0;

    while (p < end && (p = memchr(p, 0, (size_t)(end - p)))) {
        n++;
        p++;
    }
    return n;
}

int
fl_document_make(struct fl_document *d, const struct fl_raw_record *record, const char *field,
                 bool refuse_invalid, struct fl_document_counts *counts)
{
    struct fl_document_counts found = {0};
    int got = 1;

    if (repair(record, refuse_invalid, record->jsonl ? &d->raw : &d->text, &found))
        return -1;
    if (record->jsonl && (got = take_field(d, record, field, refuse_invalid, &found)) < 0)
        return -1;
    if (got && d->text.len) {
        unify_line_ends(&d->text, &found);
        trim(&d->text);
        found.nul = count_nul(&d->text);
        if (fl_unicode_nfc(&d->text, &d->unicode))
            return -1;
    }
    found.records = 1;
    found.cuts = record->cut;
    found.empty = got && !d->text.len;
    fl_document_count(counts, &found);
    return got && d->text.len;
}
