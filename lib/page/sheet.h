/*
 * A table of a file as text: lines of cells with tabs between them, the first line their names.
 * It is what the reports of all programs are, and the journal of fl-round(1).
 */
#ifndef FL_PAGE_SHEET_H
#define FL_PAGE_SHEET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/must.h"

struct fl_sheet {
    const char *name;   /* of the file, for people; borrowed */
    struct fl_buf text; /* the cells lie in it, each ended by a zero */
    const char **cells; /* (rows + 1, columns); the first row holds the names of the columns */
    size_t rows, columns;
};

/*
 * Read PATH ("-" is standard input), of at most 256 MiB, which stay in memory; fl_sheet_release
 * it. A last line without its end is left out, since a journal may be looked at while it is
 * written. A line with another number of cells than the first, a zero byte, and a name that is
 * there twice are errors. O(bytes). 0, or -1 with an error that names file and line, and an empty
 * sheet.
 */
FL_MUST int fl_sheet_read(struct fl_sheet *sheet, const char *path);
void fl_sheet_release(struct fl_sheet *sheet);

/* The number of the column with this name, or -1. */
FL_MUST int fl_sheet_find(const struct fl_sheet *sheet, const char *column);

/* The cell of row ROW (from 0) in a column of the sheet; of column -1 it is "-", not known. */
const char *fl_sheet_cell(const struct fl_sheet *sheet, size_t row, int column);

/* Is the cell a finite number? Then *VALUE is it. Records no error. */
bool fl_sheet_number(const char *cell, double *value);

/* Is the cell a time as programs write it, 2026-11-27T16:00:00Z? Then seconds since 1970. */
bool fl_sheet_time(const char *cell, double *seconds);

#endif
