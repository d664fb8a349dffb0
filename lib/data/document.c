/*
 * The order matters: encoding, fields, line ends and the rest of clean.c. Counts are of a run of
 * records, and runs are added in their order.
 */
#include "data/document.h"

#include <string.h>

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
    count_first(&to->fields, &to->fields_line, more->fields, more->fields_line);
    count_first(&to->no_field, &to->no_field_line, more->no_field, more->no_field_line);
    count_first(&to->replaced, &to->first_invalid, more->replaced, more->first_invalid);
    to->bad_code += more->bad_code;
    to->undecoded += more->undecoded;
    to->sequences += more->sequences;
    to->cuts += more->cuts;
    to->passages += more->passages;
    to->withheld += more->withheld;
    for (size_t i = 0; i < FL_ID_COLUMNS; i++)
        to->ids[i] += more->ids[i];
    to->clean.crlf += more->clean.crlf;
    to->clean.nul += more->clean.nul;
    to->clean.mojibake += more->clean.mojibake;
    fl_field_counts_add(&to->values, &more->values);
    fl_fates_add(&to->fates, &more->fates);
}

void
fl_document_release(struct fl_document *d)
{
    fl_traced_release(&d->made);
    fl_buf_release(&d->group);
    fl_buf_release(&d->raw);
    fl_trace_release(&d->repaired);
    fl_fields_release(&d->fields);
    fl_unicode_scratch_release(&d->unicode);
    fl_id_scan_release(&d->ids);
}

/* Bytes that begin a character beyond ASCII; the compiler makes it a vector loop. */
static uint64_t
count_sequences(const unsigned char *p, size_t len)
{
    uint64_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += p[i] >= 0xc0;
    return n;
}

/* The record from BAD on, where it is not UTF-8, with U+FFFD for each maximal subpart. */
static int
repair(struct fl_document *d, const struct fl_raw_record *record, size_t bad)
{
    const unsigned char *p = record->data;
    size_t at = 0, len = record->len;

    fl_buf_clear(&d->raw);
    fl_trace_clear(&d->repaired);
    d->found.first_invalid = record->offset + bad;
    for (;;) {
        size_t good = at ? fl_unicode_check(p + at, len - at) : bad;
        const struct fl_piece kept = {(uint32_t)at, (uint32_t)good, (uint32_t)good, FL_FATE_KEPT};
        if (fl_buf_add(&d->raw, p + at, good) || fl_trace_add(&d->repaired, kept))
            return -1;
        at += good;
        if (at == len)
            return 0;
        size_t subpart = fl_unicode_subpart(p + at, len - at);
        const struct fl_piece piece = {(uint32_t)at, (uint32_t)subpart, 3, FL_FATE_INVALID};
        if (fl_buf_add(&d->raw, "\xef\xbf\xbd", 3) || fl_trace_add(&d->repaired, piece))
            return -1;
        d->found.replaced++;
        d->found.undecoded++;
        at += subpart;
    }
}

/* Drop the record for this reason: all its bytes have it, and what was found in it is forgotten. */
static void
drop(struct fl_document *d, const struct fl_raw_record *record, enum fl_fate why)
{
    d->fate = why;
    if (why != FL_FATE_EMPTY && why < FL_FATE_PRIVATE)
        d->found = (struct fl_document_counts){.sequences = d->found.sequences};
    d->found.fates = (struct fl_fates){0};
    d->found.fates.bytes[why] = record->len;
    d->found.empty = why == FL_FATE_EMPTY;
    d->found.malformed = why == FL_FATE_MALFORMED;
    d->found.fields = why == FL_FATE_FIELDS;
    d->found.no_field = why == FL_FATE_NO_FIELD;
    d->found.withheld = why == FL_FATE_PRIVATE;
    d->found.bad_code = why == FL_FATE_BAD_CODE;
    d->found.malformed_line = d->found.fields_line = d->found.no_field_line = record->line;
    d->found.records = 1;
}

int
fl_document_begin(struct fl_document *d, const struct fl_raw_record *record,
                  const struct fl_document_way *way)
{
    struct fl_record_text text = {(const char *)record->data, record->len, record->format,
                                  record->divider};
    size_t bad = fl_unicode_check(record->data, record->len);
    bool whole = bad == record->len;

    d->found = (struct fl_document_counts){0};
    d->found.sequences = count_sequences(record->data, record->len);
    if (!whole && way->rules->refuse_invalid)
        return fl_error(FL_FAILED,
                        "byte %llu is not UTF-8; --invalid replace would put U+FFFD there, iconv "
                        "converts other encodings",
                        (unsigned long long)(record->offset + bad));
    if (!whole) {
        if (repair(d, record, bad))
            return -1;
        text.text = fl_buf_text(&d->raw);
        text.len = d->raw.len;
    }
    int fate = fl_fields_render(&d->fields, &text, way->reading, way->columns, &d->found.values,
                                &d->made, &d->group);
    if (fate < 0)
        return -1;
    d->fate = (enum fl_fate)fate;
    if (d->fate != FL_FATE_KEPT) {
        drop(d, record, d->fate);
        return 0;
    }
    if (d->fields.surrogate_count && way->rules->refuse_invalid)
        return fl_error(FL_FAILED,
                        "line %llu has half of a surrogate pair, which is no character; --invalid "
                        "replace would put U+FFFD there",
                        (unsigned long long)record->line);
    count_first(&d->found.replaced, &d->found.first_invalid, d->fields.surrogate_count,
                record->offset + d->fields.surrogate);
    return !whole && fl_trace_through(&d->made.trace, &d->repaired) ? -1 : 1;
}

/* Placeholders end with the first bracket that closes. */
static size_t
placeholder_len(const struct fl_buf *text, size_t at)
{
    const unsigned char *end = memchr(text->data + at, ']', text->len - at);

    return end ? (size_t)(end - text->data) + 1 - at : text->len - at;
}

/* Find identifiers, and let placeholders stand for them: 1, 0 when the document goes, -1. */
static int
identify(struct fl_document *d, const struct fl_id_rules *rules)
{
    struct fl_traced *t = &d->made;
    size_t shift = 0; /* of the new text against the old one, modulo 2^64 */

    if (fl_id_find(rules, &d->ids, t->text.data, t->text.len))
        return -1;
    for (size_t i = 0; i < d->ids.count; i++)
        d->found.ids[d->ids.spans[i].type < FL_ID_TYPES ? d->ids.spans[i].type : FL_ID_TYPES]++;
    if (d->ids.drop)
        return 0;
    if (!d->ids.count)
        return 1;
    fl_buf_clear(&t->other);
    if (fl_id_replace(rules, &d->ids, t->text.data, t->text.len, &t->other))
        return -1;
    for (size_t i = 0; i < d->ids.count; i++) {
        const struct fl_id_span *span = &d->ids.spans[i];
        size_t out = placeholder_len(&t->other, span->at + shift);
        if (fl_edits_add(&t->edits, span->at, span->len, out, FL_FATE_IDENTIFIER))
            return -1;
        shift += out - span->len;
    }
    return fl_traced_take(t) ? -1 : 1;
}

/* What is not in the text is the record's other fields, and what divides them. */
static int
account(struct fl_document *d, const struct fl_raw_record *record)
{
    struct fl_fates *f = &d->found.fates;

    fl_trace_sum(&d->made.trace, 0, UINT64_MAX, f);
    uint64_t sum = fl_fates_sum(f, FL_FATE_KEPT, FL_FATES - 1);
    if (sum > record->len)
        return fl_error(
            FL_FAILED,
            "line %llu: %llu bytes are accounted for, and the record has %zu; this is a "
            "fault of the program",
            (unsigned long long)record->line, (unsigned long long)sum, record->len);
    f->bytes[FL_FATE_UNUSED] += record->len - sum;
    return 0;
}

/* The second half: clean the text, find identifiers, and account for the record's bytes. */
static int
finish(struct fl_document *d, const struct fl_raw_record *record, const struct fl_document_way *way)
{
    if (fl_clean(&d->made, way->rules, &d->unicode, &d->found.clean))
        return -1;
    d->found.records = 1;
    d->found.cuts = record->cut;
    d->found.passages = record->passage;
    if (!d->made.text.len) {
        drop(d, record, FL_FATE_EMPTY);
        return 0;
    }
    int stays = way->identifiers ? identify(d, way->identifiers) : 1;
    if (!stays)
        drop(d, record, FL_FATE_PRIVATE);
    return stays < 1 ? stays : account(d, record) ? -1 : 1;
}

int
fl_document_make(struct fl_document *d, const struct fl_raw_record *record,
                 const struct fl_document_way *way)
{
    int got = fl_document_begin(d, record, way);

    return got == 1 ? finish(d, record, way) : got;
}
