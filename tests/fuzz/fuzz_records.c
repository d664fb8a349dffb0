/*
 * Any bytes as text, as JSON Lines and as a tokenizer.json: no crash, no leak, and the promises of
 * text/ hold. The first byte says which: t, j, or k and then a text after a line feed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"
#include "data/document.h"
#include "data/jsonl.h"
#include "text/marks.h"
#include "text/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int holds)
{
    if (!holds)
        abort();
}

static void
check_document(struct fl_document *d, const struct fl_raw_record *record,
               const struct fl_reading *reading)
{
    const struct fl_clean_rules rules = {.refuse_invalid = false,
                                         .drop_controls = record->offset % 2,
                                         .drop_zero_width = record->len % 2,
                                         .find_mojibake = record->len % 3,
                                         .repair_mojibake = record->len % 4};
    const struct fl_columns columns = {0};
    const struct fl_document_way way = {reading, &columns, &rules, NULL};
    struct fl_buf before = {0};
    int got = fl_document_make(d, record, &way);

    must(got >= 0 && d->found.records == 1);
    must(fl_fates_sum(&d->found.fates, FL_FATE_KEPT, FL_FATES - 1) == record->len);
    if (got == 1) {
        must(d->made.text.len &&
             fl_unicode_check(d->made.text.data, d->made.text.len) == d->made.text.len);
        must(!fl_buf_add(&before, d->made.text.data, d->made.text.len));
        must(!fl_unicode_nfc(&d->made.text, &d->unicode)); /* normal text stays */
        must(before.len == d->made.text.len && !memcmp(before.data, d->made.text.data, before.len));
    }
    fl_buf_release(&before);
}

static void
read_records(const uint8_t *data, size_t size, enum fl_records_format format)
{
    const struct fl_records_settings set = {format, 64, size % 40, size % 3 == 0, false, NULL};
    struct fl_document document = {0};
    struct fl_reading reading;
    struct fl_raw_record record;
    char path[40];
    const char *paths[] = {path};
    uint64_t at = 0;
    int got, fd = fl_spool_open();

    must(!fl_reading_plain(&reading, "a.b"));
    must(fd >= 0 && !fl_pwrite_full(fd, "spool", data, size, 0));
    snprintf(path, sizeof path, "/dev/fd/%d", fd);
    struct fl_records *r = fl_records_open(paths, 1, &set);
    while ((got = fl_records_next(r, &record)) == 1) {
        must(record.len && record.offset >= at && record.offset + record.len <= size);
        must(!memcmp(record.data, data + record.offset, record.len));
        must(record.len <= (record.format == FL_RECORDS_JSONL ? FL_RECORDS_LINE(64) : 64));
        at = record.offset + record.len;
        check_document(&document, &record, &reading);
    }
    must(got == 0 || *fl_error_text());
    fl_document_release(&document);
    fl_reading_release(&reading);
    fl_records_free(r);
    close(fd);
}

static void
read_tokenizer(const uint8_t *data, size_t size)
{
    const uint8_t *nl = memchr(data, '\n', size);
    size_t len = nl ? (size_t)(nl - data) : size;
    struct fl_tokenizer *t = fl_tokenizer_parse("fuzz", data, len);
    struct fl_ids ids = {0};
    struct fl_buf text = {0};

    must(t || (!strncmp(fl_error_text(), "fuzz: ", 6) && fl_error_status() == FL_FAILED));
    if (t && nl) {
        struct fl_encoder *e = fl_encoder_new(t);
        for (unsigned flags = 0; flags < 16; flags++) {
            ids.len = 0;
            if ((flags & FL_ENCODE_END) && fl_tokenizer_marks(t)->end < 0)
                continue;
            if (fl_encode(e, (const char *)nl + 1, size - len - 1, flags, &ids))
                continue;
            for (size_t i = 0; i < ids.len; i++)
                must(ids.data[i] < fl_tokenizer_vocab(t));
            must(!fl_decode(t, ids.data, ids.len, true, &text));
        }
        fl_encoder_free(e);
    }
    fl_ids_release(&ids);
    fl_buf_release(&text);
    fl_tokenizer_free(t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    if (*data == 't')
        read_records(data + 1, size - 1, FL_RECORDS_TEXT);
    else if (*data == 'j')
        read_records(data + 1, size - 1, FL_RECORDS_JSONL);
    else
        read_tokenizer(data + 1, size - 1);
    return 0;
}
