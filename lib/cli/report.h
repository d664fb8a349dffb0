/*
 * Reports: rows of named columns, tab-separated behind one header line, or one JSON object a line.
 * Tabs, line feeds and backslashes in text are written \t \n \\ in the first form.
 */
#ifndef FL_CLI_REPORT_H
#define FL_CLI_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct fl_report {
    const char *const *columns; /* borrowed; NULL behind the last */
    bool json, begun;
    size_t at;         /* column that comes next */
    struct fl_buf out; /* complete and begun rows; errors of memory show in fl_report_end */
    bool failed;
};

void fl_report_start(struct fl_report *r, const char *const *columns, bool json);

/* The next cell of the row, in the order of the columns. The last one ends the row. */
void fl_report_text(struct fl_report *r, const char *value);
void fl_report_i64(struct fl_report *r, int64_t value);
void fl_report_f64(struct fl_report *r, double value, int digits); /* significant digits */
/* A number as text; what is not finite is null in JSON. */
void fl_report_number(struct fl_report *r, const char *text);
void fl_report_none(struct fl_report *r); /* "-", or null */

/* Write what is complete to FD, at least the header line, and empty the buffer. 0 or -1. */
int fl_report_flush(struct fl_report *r, int fd, const char *name);

/* The same to where a stream does not go: OUTPUT is that of -o, a file or (NULL, "-") the other. */
int fl_report_beside(struct fl_report *r, const char *output);

void fl_report_release(struct fl_report *r);

#endif
