/*
 * A raw record made one clean document: UTF-8, its fields rendered (data/fields.h), cleaned
 * (data/clean.h), and without personal identifiers where the contract says so. What had to be
 * changed is counted, and every byte of the record has one fate (data/trace.h).
 */
#ifndef FL_DATA_DOCUMENT_H
#define FL_DATA_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"
#include "data/clean.h"
#include "data/fields.h"
#include "data/identifier.h"
#include "data/records.h"
#include "text/unicode.h"

enum { FL_ID_COLUMNS = FL_ID_TYPES + 1 }; /* the built-in types, and all own ones together */

/* What was found in a file or a part of it; a zeroed struct is nothing. */
struct fl_document_counts {
    uint64_t records;
    uint64_t empty;     /* dropped: nothing but white space */
    uint64_t malformed; /* dropped: no JSON, no row; the line of the first */
    uint64_t malformed_line;
    uint64_t fields; /* dropped: another number of fields than the table has; the first */
    uint64_t fields_line;
    uint64_t no_field; /* dropped: no such field, or no text in it; the line of the first */
    uint64_t no_field_line;
    uint64_t bad_code;      /* dropped: a code that is not in the table */
    uint64_t replaced;      /* U+FFFD put in place of what is not Unicode, in lines that are kept */
    uint64_t first_invalid; /* byte offset of the first such place in the file */
    uint64_t undecoded;     /* those of them that are bytes, not escapes of JSON */
    uint64_t sequences;     /* characters beyond ASCII, and bytes that begin none */
    uint64_t cuts;          /* documents that were too long and were cut */
    uint64_t passages;      /* records that are passages of a text */
    uint64_t withheld;      /* documents dropped by the policy of an identifier */
    uint64_t ids[FL_ID_COLUMNS];
    struct fl_clean_counts clean;
    struct fl_field_counts values;
    struct fl_fates fates; /* of the bytes of its records */
};

/* Add MORE, which lies after TO in the file. */
void fl_document_count(struct fl_document_counts *to, const struct fl_document_counts *more);

struct fl_document {          /* a zeroed struct is fine; of one thread */
    struct fl_traced made;    /* the document: made.text */
    struct fl_buf group;      /* the value that keeps it on one side of the split, or empty */
    struct fl_buf raw;        /* the record as UTF-8, where it was not, */
    struct fl_trace repaired; /* and where that came from */
    struct fl_fields fields;
    struct fl_unicode_scratch unicode;
    struct fl_id_scan ids;
    struct fl_document_counts found; /* of the record at hand */
    enum fl_fate fate;               /* KEPT, or why it was dropped */
};
void fl_document_release(struct fl_document *d);

/* How records of one file become documents. */
struct fl_document_way {
    const struct fl_reading *reading;
    const struct fl_columns *columns;
    const struct fl_clean_rules *rules;
    const struct fl_id_rules *identifiers; /* NULL: none are looked for */
};

/*
 * Make RECORD a document in D->made.text. Returns 1; 0 when it is dropped, D->fate says why; -1
 * with an error. D->found has what was found; its fates add up to the bytes of the record. The text
 * of a JSON line may be longer than what the records are cut to. Cost O(len), whatever is in it.
 */
FL_MUST int fl_document_make(struct fl_document *d, const struct fl_raw_record *record,
                             const struct fl_document_way *way);

/* The first half: the fields rendered, not yet cleaned. The same results. */
FL_MUST int fl_document_begin(struct fl_document *d, const struct fl_raw_record *record,
                              const struct fl_document_way *way);

#endif
