/*
 * Tables of files, read whole: the text is cut where it lies, so that a cell costs a pointer.
 * Days of a date by arithmetic of the civil calendar: POSIX has no function that makes seconds of
 * UTC.
 */
#include "page/sheet.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "os/file.h"

enum { MOST = 256 << 20 };

static size_t
count(const char *from, const char *to, char c)
{
    size_t n = 0;

    for (; from < to; from++)
        n += *from == c;
    return n;
}

/* Cut line ROW at its tabs. */
static int
cut(struct fl_sheet *s, size_t row, char *line, char *end)
{
    size_t cells = count(line, end, '\t') + 1;

    if (cells != s->columns)
        return fl_error(
            FL_FAILED,
            "%s: line %zu has %zu cells, its header line %zu; give a file of cells with "
            "tabs between them",
            s->name, row + 1, cells, s->columns);
    *end = '\0';
    for (size_t c = 0; c < cells; c++) {
        s->cells[row * s->columns + c] = line;
        line += strcspn(line, "\t");
        *line++ = '\0';
    }
    return 0;
}

static int
check_names(const struct fl_sheet *s)
{
    for (size_t c = 0; c < s->columns; c++)
        if (fl_sheet_find(s, s->cells[c]) != (int)c)
            return fl_error(FL_FAILED, "%s: has two columns \"%s\"; each needs a name of its own",
                            s->name, s->cells[c]);
    return 0;
}

static int
parse(struct fl_sheet *s)
{
    char *line = (char *)s->text.data, *end = line + s->text.len;
    size_t lines = count(line, end, '\n');

    if (!lines)
        return fl_error(FL_FAILED, "%s: has no header line; give a table as programs write it",
                        s->name);
    if (memchr(line, '\0', s->text.len))
        return fl_error(FL_FAILED, "%s: holds a zero byte, so it is no table; give a TSV file",
                        s->name);
    s->columns = count(line, strchr(line, '\n'), '\t') + 1;
    size_t cells;
    if (s->columns > 1000)
        return fl_error(FL_FAILED, "%s: has %zu columns; a table may have 1000", s->name,
                        s->columns);
    if (fl_mul_size(lines, s->columns, &cells) || !(s->cells = fl_alloc(cells, sizeof *s->cells)))
        return -1;
    for (size_t row = 0; row < lines; row++) {
        end = strchr(line, '\n');
        if (cut(s, row, line, end))
            return -1;
        line = end + 1;
    }
    s->rows = lines - 1;
    return check_names(s);
}

int
fl_sheet_read(struct fl_sheet *s, const char *path)
{
    *s = (struct fl_sheet){.name = fl_input_name(path)};
    if (fl_read_file(path, MOST, &s->text) || parse(s)) {
        fl_sheet_release(s);
        return -1;
    }
    return 0;
}

void
fl_sheet_release(struct fl_sheet *s)
{
    free(s->cells);
    fl_buf_release(&s->text);
    *s = (struct fl_sheet){0};
}

int
fl_sheet_find(const struct fl_sheet *s, const char *column)
{
    for (size_t c = 0; c < s->columns; c++)
        if (!strcmp(s->cells[c], column))
            return (int)c;
    return -1;
}

const char *
fl_sheet_cell(const struct fl_sheet *s, size_t row, int column)
{
    return column < 0 ? "-" : s->cells[(row + 1) * s->columns + (size_t)column];
}

bool
fl_sheet_number(const char *cell, double *value)
{
    if (!strspn(cell, "+-.0123456789"))
        return false;
    if (!fl_parse_f64(cell, -1e300, 1e300, value))
        return true;
    fl_error_clear();
    return false;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar; years begin in March here. */
static int64_t
days(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719468;
}

bool
fl_sheet_time(const char *cell, double *seconds)
{
    static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
    int part[6] = {0}, at = 0; /* year to second */

    if (strlen(cell) != sizeof form - 1)
        return false;
    for (const char *f = form; *f; f++, cell++) {
        if (*f == 'd' ? *cell < '0' || *cell > '9' : *cell != *f)
            return false;
        at += *f != 'd';
        if (*f == 'd')
            part[at] = part[at] * 10 + (*cell - '0');
    }
    *seconds = (double)days(part[0], part[1], part[2]) * 86400 + part[3] * 3600 + part[4] * 60 +
               part[5];
    return true;
}
