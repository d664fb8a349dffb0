/*
 * Reports: what a program found, for people and for other programs.
 *
 *   a table     rows of named columns: tab-separated with a header line, or one JSON object a row
 *   a record    one thing: lines of KEY TAB VALUE below the header "key TAB value", or one JSON
 *               object
 *
 * Cells are typed, and both forms show the same ones: text, numbers, true or false, lists, and what
 * is not known ("-", or null). Keys are lower-case words joined by "_", the same for the same thing
 * in every program, and those of sizes and times end with _bytes and _seconds. In tab-separated
 * form the items of a list have commas between them. What text could do to a terminal is escaped
 * (base/visible.h): a cell as FL_VISIBLE_CELL, an item of a list as FL_VISIBLE_ITEM.
 *
 *     fl_report_start(&r, columns, json);      fl_report_start_record(&r, json);
 *     fl_report_text(&r, name);                fl_report_text(fl_report_key(&r, "name"), name);
 *     fl_report_i64(&r, count);                fl_report_i64(fl_report_key(&r, "n"), count);
 *     fl_report_flush(&r, fd, file);           fl_report_flush(&r, fd, file);
 *
 * Nothing is written before a flush, and a failure to grow shows there.
 */
#ifndef FL_CLI_REPORT_H
#define FL_CLI_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"

struct fl_report {              /* its own; zeroed it is released */
    const char *const *columns; /* of a table; borrowed, NULL after the last */
    const char *key;            /* of a record, of the cell that comes next */
    const char *between;        /* cells */
    struct fl_buf out;
    size_t at;   /* column, key, or item of a list that comes next */
    size_t cell; /* AT outside a list */
    bool json, begun, in_list, failed;
};

/* Begin a report; fl_report_release it. COLUMNS are borrowed. */
void fl_report_start(struct fl_report *r, const char *const *columns, bool json);
void fl_report_start_record(struct fl_report *r, bool json);
void fl_report_release(struct fl_report *r);

/* Of a tab-separated table: write no header line, and BETWEEN (borrowed) in place of tabs. */
void fl_report_bare(struct fl_report *r, const char *between);

/* The key (borrowed) of the next cell of a record. Returns R. */
struct fl_report *fl_report_key(struct fl_report *r, const char *key);

/* The next cell: of a table in the order of its columns, the last of which ends the row. */
void fl_report_text(struct fl_report *r, const char *value); /* NULL: not known */
void fl_report_i64(struct fl_report *r, int64_t value);
void fl_report_u64(struct fl_report *r, uint64_t value);
void fl_report_bool(struct fl_report *r, bool value);
void fl_report_hex(struct fl_report *r, const void *bytes, size_t len); /* text: a digest */
void fl_report_none(struct fl_report *r);                               /* not known */

/*
 * A number with so many significant DIGITS (0: as few as read back to the same one). NaN is not
 * known; JSON has no infinity either, so that it is null there.
 */
void fl_report_f64(struct fl_report *r, double value, int digits);

/* The same of a number that is text already; "nan" is told in tab-separated form. */
void fl_report_number(struct fl_report *r, const char *text);

/* A cell that is a list: what is added until its end are its items. Lists hold no lists. */
void fl_report_list(struct fl_report *r);
void fl_report_list_end(struct fl_report *r);
void fl_report_list_u64(struct fl_report *r, const uint64_t *values, size_t n);
void fl_report_list_text(struct fl_report *r, const char *const *values, size_t n);

/*
 * Write what is complete to FD, at least the header line, and empty the buffer; a record is
 * complete then. NAME is the file's, for messages. 0 or -1.
 */
FL_MUST int fl_report_flush(struct fl_report *r, int fd, const char *name);

/* The same once there is much to write: between rows of long tables. */
FL_MUST int fl_report_drain(struct fl_report *r, int fd, const char *name);

/* The same at its end: R is released, also after -1. */
FL_MUST int fl_report_end(struct fl_report *r, int fd, const char *name);

#endif
