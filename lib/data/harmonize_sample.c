/*
 * Records that are drawn while all pass, each with the same chance, and two things that are done
 * with them afterwards: they are shown, or canaries are put into copies of them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/harmonize_state.h"
#include "data/jsonl.h"
#include "math/random.h"
#include "os/file.h"

enum { SEQUENCE_SAMPLE = 1 };

void
fl_sample_release(struct fl_harmonize *h)
{
    for (size_t i = 0; i < h->sample_count; i++)
        free((void *)(uintptr_t)h->sample[i].data);
    free(h->sample);
}

int
fl_sample_offer(struct fl_harmonize *h, const struct fl_raw_record *record)
{
    size_t place = h->sample_count;

    if (!h->only_sample && record->len > FL_RECALL_RECORD)
        return 0;
    if (!h->sample && !(h->sample = fl_alloc(h->set->sample, sizeof *h->sample)))
        return -1;
    uint64_t n = h->sample_seen++;
    if (place == h->set->sample) {
        struct fl_random random = {h->set->seed, SEQUENCE_SAMPLE, 2 * n};
        uint64_t drawn = fl_random_below(&random, n + 1);
        if (drawn >= place)
            return 0;
        place = (size_t)drawn;
    }
    unsigned char *data = fl_alloc(record->len, 1);
    if (!data)
        return -1;
    memcpy(data, record->data, record->len);
    if (place == h->sample_count)
        h->sample_count++;
    else
        free((void *)(uintptr_t)h->sample[place].data);
    h->sample[place] = *record;
    h->sample[place].data = data;
    return 0;
}

static int
by_place(const void *x, const void *y)
{
    const struct fl_raw_record *a = x, *b = y;

    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

/* ---- to show them ---- */

static int
by_source(const void *x, const void *y)
{
    const struct fl_piece *a = x, *b = y;

    return (a->from > b->from) - (a->from < b->from);
}

static int
add_change(struct fl_buf *out, const struct fl_raw_record *record, enum fl_fate fate, uint32_t from,
           uint32_t to)
{
    bool first = out->data[out->len - 1] == '[';

    return fl_buf_printf(out, "%s{\"rule\": \"%s\", \"from\": %llu, \"to\": %llu}",
                         first ? "" : ", ", fl_fate_name(fate),
                         (unsigned long long)(record->offset + from),
                         (unsigned long long)(record->offset + to));
}

/* Ranges of the record that are not kept as they are, in its order; what no piece has is unused. */
static int
add_changes(struct fl_buf *out, struct fl_document *d, const struct fl_raw_record *record)
{
    struct fl_trace *t = &d->made.trace;
    uint32_t at = 0;

    if (t->count)
        qsort(t->pieces, t->count, sizeof *t->pieces, by_source);
    for (size_t i = 0; i < t->count; i++) {
        const struct fl_piece *p = &t->pieces[i];
        if (!p->len)
            continue;
        if (p->from > at && add_change(out, record, FL_FATE_UNUSED, at, p->from))
            return -1;
        if (p->fate != FL_FATE_KEPT &&
            add_change(out, record, (enum fl_fate)p->fate, p->from, p->from + p->len))
            return -1;
        at = p->from + p->len;
    }
    return at < record->len ? add_change(out, record, FL_FATE_UNUSED, at, (uint32_t)record->len)
                            : 0;
}

/* The record as it came, as far as JSON can say it: U+FFFD for what is not UTF-8. */
static int
quote_record(struct fl_buf *out, const struct fl_raw_record *record)
{
    struct fl_buf text = {0};
    uint64_t replaced = 0, bytes = 0;
    int failed = fl_unicode_replace(record->data, record->len, &text, &replaced, &bytes) ||
                 fl_jsonl_quote(out, fl_buf_text(&text), text.len);

    fl_buf_release(&text);
    return failed ? -1 : 0;
}

static int
explain_one(struct fl_harmonize *h, const struct fl_raw_record *record, struct fl_buf *out)
{
    struct fl_document *d = &h->workers[0].document;
    const struct fl_document_way way = fl_harmonize_way(h, record->file);
    const char *name = fl_records_name(h->records, record->file);
    int got = fl_document_make(d, record, &way);

    if (got < 0)
        return fl_error_about(name);
    if (fl_buf_add_text(out, "{\"file\": ") || fl_jsonl_quote(out, name, strlen(name)) ||
        fl_buf_printf(out,
                      ", \"line\": %llu, \"from\": %llu, \"to\": %llu, \"fate\": \"%s\", "
                      "\"before\": ",
                      (unsigned long long)record->line, (unsigned long long)record->offset,
                      (unsigned long long)(record->offset + record->len), fl_fate_name(d->fate)) ||
        quote_record(out, record))
        return -1;
    if (!got)
        return fl_buf_add_text(out, "}\n");
    return fl_buf_add_text(out, ", \"after\": ") ||
                   fl_jsonl_quote(out, fl_buf_text(&d->made.text), d->made.text.len) ||
                   fl_buf_add_text(out, ", \"changes\": [") || add_changes(out, d, record) ||
                   fl_buf_add_text(out, "]}\n")
               ? -1
               : 0;
}

int
fl_harmonize_explain(struct fl_harmonize *h, int fd, const char *name)
{
    struct fl_buf out = {0};
    int failed;

    h->only_sample = true;
    failed = fl_harmonize_read(h);
    if (!failed && h->sample_count)
        qsort(h->sample, h->sample_count, sizeof *h->sample, by_place);
    for (size_t i = 0; i < h->sample_count && !failed; i++) {
        fl_buf_clear(&out);
        failed = explain_one(h, &h->sample[i], &out) || fl_write_full(fd, name, out.data, out.len);
    }
    fl_buf_release(&out);
    return failed ? -1 : 0;
}

/* ---- to measure with them ---- */

/* Put canary INDEX of TYPE into a copy of RECORD and see whether it is found: 1, 0 or -1. */
static int
try_canary(struct fl_harmonize *h, unsigned type, uint64_t index,
           const struct fl_raw_record *record)
{
    struct fl_document *d = &h->workers[0].document;
    const struct fl_document_way way = fl_harmonize_way(h, record->file);
    struct fl_recall *recall = &h->recall[type];
    struct fl_canary canary;
    bool placed;
    int got = fl_document_begin(d, record, &way);

    if (got < 1)
        return got;
    fl_canary_make(h->set->seed, type, index, &canary);
    fl_buf_clear(&d->made.other);
    if (fl_canary_insert(h->set->seed, index, &canary, fl_buf_text(&d->made.text), d->made.text.len,
                         &d->made.other))
        return -1;
    struct fl_buf swap = d->made.text;
    d->made.text = d->made.other;
    d->made.other = swap;
    fl_trace_clear(&d->made.trace);
    if (fl_clean(&d->made, way.rules, &d->unicode, &d->found.clean) ||
        fl_id_find(way.identifiers, &d->ids, fl_buf_text(&d->made.text), d->made.text.len))
        return -1;
    recall->found += fl_canary_found(&canary, &d->ids, fl_buf_text(&d->made.text), d->made.text.len,
                                     &placed) &&
                     placed;
    recall->placed += placed;
    return 1;
}

static int
measure_type(struct fl_harmonize *h, unsigned type)
{
    uint64_t wanted = (uint64_t)h->set->contract->conf.canaries, tried = 0;

    for (uint64_t index = 0; index < wanted && tried < h->sample_count;) {
        int got = try_canary(h, type, index, &h->sample[(index + tried) % h->sample_count]);
        if (got < 0)
            return -1;
        if (got) {
            index++;
            tried = 0;
        } else {
            tried++; /* that record makes no document; the next one may */
        }
    }
    return 0;
}

int
fl_harmonize_recall(struct fl_harmonize *h)
{
    const struct fl_contract *c = h->set->contract;
    int failed = 0;

    if (!c || !c->conf.canaries || !h->sample_count)
        return 0;
    qsort(h->sample, h->sample_count, sizeof *h->sample, by_place);
    h->recalled = true;
    for (unsigned t = 0; t < FL_ID_TYPES && !failed; t++)
        if (fl_id_policy(c->identifiers, t) != FL_ID_KEEP)
            failed = measure_type(h, t);
    for (unsigned t = 0; t < FL_ID_TYPES && !failed; t++) {
        double floor = c->conf.floor >= 0 ? c->conf.floor : fl_recall_promise(t) - 0.03;
        if (h->recall[t].placed)
            failed = fl_recall_check(fl_id_name(c->identifiers, t), &h->recall[t], floor);
    }
    return failed ? -1 : 0;
}

const struct fl_recall *
fl_harmonize_recalled(const struct fl_harmonize *h, unsigned type)
{
    return h->recalled && h->recall[type].placed ? &h->recall[type] : NULL;
}
