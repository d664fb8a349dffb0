/*
 * The fields of one record, brought to the form of the contract and rendered as one text, with
 * where each byte came from.
 */
#ifndef FL_DATA_FIELDS_H
#define FL_DATA_FIELDS_H

#include "base/must.h"
#include "data/jsonl.h"
#include "data/reading.h"
#include "data/traced.h"

struct fl_field_counts {                         /* what was done to values */
    uint64_t units, dates, codes;                /* brought to the form of the contract */
    uint64_t units_kept, dates_kept, codes_kept; /* not understood, and as they were */
    uint64_t ambiguous;                          /* dates whose order nobody said */
    uint64_t twice;                              /* keys that stand twice in a line */
};
void fl_field_counts_add(struct fl_field_counts *to, const struct fl_field_counts *more);

struct fl_fields {                 /* of one thread; a zeroed struct is fine */
    struct fl_jsonl_value *values; /* FL_JSONL_FIELDS, of the record at hand */
    struct fl_csv_field *cells;
    struct fl_buf mapped;
    struct fl_edits edits;
    bool surrogates;  /* half a pair was replaced */
    size_t surrogate; /* the first, in the record */
    uint64_t surrogate_count;
};
void fl_fields_release(struct fl_fields *f);

struct fl_record_text { /* a record as UTF-8 */
    const char *text;
    size_t len;
    enum fl_records_format format;
    char divider;
};

/*
 * Render a record into OUT. Returns FL_FATE_KEPT, or why the record is dropped: MALFORMED, FIELDS,
 * NO_FIELD, BAD_CODE; -1 with an error (FL_FAILED for a role or, as the contract says, a code that
 * nobody named). The source of OUT's trace is the record. The value that groups documents goes to
 * GROUP (empty: none). Cost O(len).
 */
FL_MUST int fl_fields_render(struct fl_fields *f, const struct fl_record_text *record,
                             const struct fl_reading *reading, const struct fl_columns *columns,
                             struct fl_field_counts *counts, struct fl_traced *out,
                             struct fl_buf *group);

/* Note what the dates of a record say about the order of day and month. O(len). */
FL_MUST int fl_fields_dates(struct fl_fields *f, const struct fl_record_text *record,
                            const struct fl_reading *reading, const struct fl_columns *columns,
                            struct fl_date_proof *proof);

#endif
