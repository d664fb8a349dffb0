/*
 * A file is read twice when its own dates have to say whether the day or the month comes first: the
 * proof is one of the whole file, and the first record already needs it.
 */
#include <string.h>
#include <sys/stat.h>

#include "data/harmonize_state.h"
#include "os/file.h"

struct proving {
    const struct fl_reading *reading;
    struct fl_columns columns;
    struct fl_fields fields;
    struct fl_date_proof proof;
    struct fl_buf raw;
};

static bool
has_dates(const struct fl_reading *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->fields[i].kind == FL_VALUE_DATE && !r->chat)
            return true;
    return false;
}

static int
take_columns(struct proving *p, const struct fl_raw_record *record)
{
    struct fl_csv_header header = {0};
    int result = 0;

    if (record && fl_csv_header_read(&header, record->data, record->len, record->divider))
        result = -1;
    if (!result)
        result = fl_columns_find(&p->columns, p->reading, record ? &header : NULL);
    fl_csv_header_release(&header);
    return result;
}

static int
take_record(struct proving *p, const struct fl_raw_record *record)
{
    uint64_t replaced = 0, bytes = 0;

    if (record->format == FL_RECORDS_CSV && !p->columns.slots) {
        if (take_columns(p, record->header ? record : NULL))
            return -1;
        if (record->header)
            return 0;
    }
    fl_buf_clear(&p->raw);
    if (fl_unicode_replace(record->data, record->len, &p->raw, &replaced, &bytes))
        return -1;
    const struct fl_record_text text = {fl_buf_text(&p->raw), p->raw.len, record->format,
                                        record->divider};
    return fl_fields_dates(&p->fields, &text, p->reading, &p->columns, &p->proof);
}

int
fl_harmonize_prove_dates(struct fl_harmonize *h, size_t file)
{
    const char *path = h->paths ? h->paths[file] : "-";
    struct proving p = {.reading = fl_harmonize_reading(h, file)};
    struct fl_records_settings set = h->set->records;
    struct fl_raw_record record;
    struct stat st;
    int got;

    if (!has_dates(p.reading) || !strcmp(path, "-") || stat(path, &st) || !S_ISREG(st.st_mode))
        return 0;
    set.forms = set.forms ? set.forms + file : NULL;
    struct fl_records *records = fl_records_open(&path, 1, &set);
    got = records ? 1 : -1;
    while (got == 1 && (got = fl_records_next(records, &record)) == 1)
        if (take_record(&p, &record))
            got = fl_error_about(path);
    fl_records_free(records);
    fl_columns_release(&p.columns);
    fl_fields_release(&p.fields);
    fl_buf_release(&p.raw);
    h->columns[file].order = fl_date_proved(&p.proof);
    h->columns[file].proof = p.proof.first_above + p.proof.second_above;
    return got;
}
