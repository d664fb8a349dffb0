/*
 * A raw record made one clean document: UTF-8, LF line ends, normal form C, no blank lines at its
 * start and no white space at its end. What had to be changed is counted.
 */
#ifndef FL_DATA_DOCUMENT_H
#define FL_DATA_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"
#include "data/records.h"
#include "text/unicode.h"

/* What was found in a file or a part of it; a zeroed struct is nothing. */
struct fl_document_counts {
    uint64_t records;
    uint64_t empty;     /* dropped: nothing but white space */
    uint64_t malformed; /* dropped: no JSON; the line of the first */
    uint64_t malformed_line, malformed_bytes;
    uint64_t no_field; /* dropped: no such field, or no text in it; the line of the first */
    uint64_t no_field_line, no_field_bytes;
    uint64_t replaced; /* U+FFFD put in place of what is not Unicode, in lines that are kept */
    uint64_t replaced_bytes; /* the bytes, or escapes, that it took the place of */
    uint64_t first_invalid;  /* byte offset of the first such place in the file */
    uint64_t nul;            /* NUL characters, which are kept */
    uint64_t crlf;           /* line ends made LF */
    uint64_t cuts;           /* documents that were too long and were cut */
};

/* Add MORE, which lies after TO in the file. */
void fl_document_count(struct fl_document_counts *to, const struct fl_document_counts *more);

struct fl_document {    /* a zeroed struct is fine; of one thread */
    struct fl_buf text; /* the document */
    struct fl_buf raw;
    struct fl_unicode_scratch unicode;
};
void fl_document_release(struct fl_document *d);

/*
 * Make RECORD a document in D->text. FIELD: of JSON lines. Returns 1; 0 when it is dropped; -1 with
 * an error, which with REFUSE_INVALID is also what is not UTF-8. Counts are added to COUNTS. The
 * text of a JSON line may be longer than what the records are cut to.
 */
FL_MUST int fl_document_make(struct fl_document *d, const struct fl_raw_record *record,
                             const char *field, bool refuse_invalid,
                             struct fl_document_counts *counts);

#endif
