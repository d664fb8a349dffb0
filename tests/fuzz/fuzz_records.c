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
check_document(struct fl_document *d, const struct fl_raw_record *record)
{
    struct fl_document_counts counts = {0};
    struct fl_buf before = {0};
    int got = fl_document_make(d, record, "a.b", false, &counts);

    must(got >= 0 && counts.records == 1);
    if (got == 1) {
        must(d->text.len && fl_unicode_check(d->text.data, d->text.len) == d->text.len);
        must(!fl_buf_add(&before, d->text.data, d->text.len));
        must(!fl_unicode_nfc(&d->text, &d->unicode)); /* normal text stays */
        must(before.len == d->text.len && !memcmp(before.data, d->text.data, before.len));
    }
    fl_buf_release(&before);
}

static void
read_records(const uint8_t *data, size_t size, enum fl_records_format format)
{
    const struct fl_records_settings set = {format, 64, size % 40, size % 3 == 0};
    struct fl_document document = {0};
    struct fl_raw_record record;
    char path[40];
    const char *paths[] = {path};
    uint64_t at = 0;
    int got, fd = fl_spool_open();

    must(fd >= 0 && !fl_pwrite_full(fd, "spool", data, size, 0));
    snprintf(path, sizeof path, "/dev/fd/%d", fd);
    struct fl_records *r = fl_records_open(paths, 1, &set);
    while ((got = fl_records_next(r, &record)) == 1) {
        must(record.len && record.offset >= at && record.offset + record.len <= size);
        must(!memcmp(record.data, data + record.offset, record.len));
        must(record.len <= (record.jsonl ? FL_RECORDS_LINE(64) : 64));
        at = record.offset + record.len;
        check_document(&document, &record);
    }
    must(got == 0 || *fl_error_text());
    fl_document_release(&document);
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
