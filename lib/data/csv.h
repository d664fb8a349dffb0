/*
 * Rows of comma-separated values, strictly as RFC 4180 has them, with any divider: a field is
 * quoted as a whole or not at all, and "" within quotes is one. libcsv's CSV_STRICT reads the same
 * (the unit test compares them); this reader says where in the row each field stands, which the
 * account of all bytes needs, and keeps nothing of the fields that nobody asked for.
 */
#ifndef FL_DATA_CSV_H
#define FL_DATA_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/must.h"

struct fl_csv_state { /* of a search; a zeroed struct begins one */
    size_t at;        /* bytes that were looked at, or the row's when its end was found */
    bool quoted;      /* AT is within quotes */
    bool closing;     /* and after a quote, which may have been the last */
    bool within;      /* AT is within a field that is not quoted */
};

/*
 * Is there a line end after the row at P? LEN bytes are there, of which S->at were looked at
 * before. Cost: all calls for a row together O(its bytes).
 */
bool fl_csv_row_end(struct fl_csv_state *s, const unsigned char *p, size_t len, char divider);

struct fl_csv_field {
    size_t at, len; /* in the row, without the quotes around it */
    bool escapes;   /* there is "" in it */
};

enum { FL_CSV_MALFORMED = -2 };

/*
 * Take a row (without its line end) apart: its field number I goes to FIELDS[SLOTS[I]] when I <
 * COLUMNS and SLOTS[I] is not negative. Returns the number of fields, or FL_CSV_MALFORMED. O(len).
 */
FL_MUST int fl_csv_fields(const unsigned char *row, size_t len, char divider, const int *slots,
                          size_t columns, struct fl_csv_field *fields);

/* The names of the columns of one file. */
struct fl_csv_header { /* a zeroed struct is empty */
    char **names;
    size_t count;
};
void fl_csv_header_release(struct fl_csv_header *h);

enum { FL_CSV_COLUMNS = 1 << 16 }; /* of a table, at most */

/*
 * The first row of a table. Refused: no row of CSV (FL_FAILED); two columns of one name, more than
 * FL_CSV_COLUMNS, a line of a spreadsheet program ("sep=;") (FL_USAGE).
 */
FL_MUST int fl_csv_header_read(struct fl_csv_header *h, const unsigned char *row, size_t len,
                               char divider);

/* The number of a column, or -1 (no error recorded). */
FL_MUST int fl_csv_header_find(const struct fl_csv_header *h, const char *name);

#endif
