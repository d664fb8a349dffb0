/*
 * Two readers of one grammar: one finds where a row ends [fl_csv_row_end], on one thread, fast over
 * rows without quotes; the other one takes a row apart [next_field], on all of them.
 */
#include "data/csv.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/* One byte of the search; true when the row ends before it. */
static bool
look(struct fl_csv_state *s, unsigned char c, unsigned char divider)
{
    if (s->quoted && !s->closing) {
        s->closing = c == '"';
        return false;
    }
    if (s->quoted && c == '"') { /* "" */
        s->closing = false;
        return false;
    }
    bool opens = c == '"' && !s->within && !s->quoted;
    s->closing = false;
    s->quoted = opens;
    s->within = c != divider && !opens;
    return c == '\n';
}

bool
fl_csv_row_end(struct fl_csv_state *s, const unsigned char *p, size_t len, char divider)
{
    while (s->at < len) {
        if (!s->quoted) {
            const unsigned char *nl = memchr(p + s->at, '\n', len - s->at);
            size_t stop = nl ? (size_t)(nl - p) : len;
            if (!memchr(p + s->at, '"', stop - s->at)) {
                if (stop > s->at)
                    s->within = p[stop - 1] != (unsigned char)divider;
                s->at = stop;
                if (nl)
                    return true;
                break;
            }
        }
        const unsigned char *quote = s->quoted && !s->closing ? memchr(p + s->at, '"', len - s->at)
                                                              : p + s->at;
        if (!quote) {
            s->at = len;
            break;
        }
        s->at = (size_t)(quote - p);
        do {
            if (look(s, p[s->at], (unsigned char)divider))
                return true;
            s->at++;
        } while (s->at < len && (!s->quoted || s->closing));
    }
    return false;
}

/* The field at *AT of ROW; *AT is after its divider then, or LEN + 1. False: it is malformed. */
static bool
next_field(const unsigned char *row, size_t len, char divider, size_t *at,
           struct fl_csv_field *field)
{
    size_t i = *at;

    if (i == len || row[i] != '"') {
        const unsigned char *end = memchr(row + i, divider, len - i);
        size_t stop = end ? (size_t)(end - row) : len;
        *field = (struct fl_csv_field){i, stop - i, false};
        *at = stop + 1;
        return !memchr(row + i, '"', stop - i) && !memchr(row + i, '\r', stop - i);
    }
    *field = (struct fl_csv_field){++i, 0, false};
    for (;; i += 2) {
        const unsigned char *quote = memchr(row + i, '"', len - i);
        if (!quote)
            return false;
        i = (size_t)(quote - row);
        if (i + 1 == len || row[i + 1] != '"')
            break;
        field->escapes = true;
    }
    field->len = i - field->at;
    *at = i + 2;
    return i + 1 == len || row[i + 1] == (unsigned char)divider;
}

int
fl_csv_fields(const unsigned char *row, size_t len, char divider, const int *slots, size_t columns,
              struct fl_csv_field *fields)
{
    struct fl_csv_field field;
    size_t count = 0;

    for (size_t at = 0; at <= len; count++) {
        if (!next_field(row, len, divider, &at, &field))
            return FL_CSV_MALFORMED;
        if (count < columns && slots[count] >= 0)
            fields[slots[count]] = field;
    }
    return count < INT_MAX ? (int)count : INT_MAX;
}

void
fl_csv_header_release(struct fl_csv_header *h)
{
    for (size_t i = 0; i < h->count; i++)
        free(h->names[i]);
    free(h->names);
    *h = (struct fl_csv_header){0};
}

int
fl_csv_header_find(const struct fl_csv_header *h, const char *name)
{
    for (size_t i = 0; i < h->count; i++)
        if (!strcmp(h->names[i], name))
            return (int)i;
    return -1;
}

/* The name of a column: its quotes, and the spaces around it, are gone. */
static char *
name_of(const unsigned char *p, size_t len)
{
    char *name;
    size_t n = 0;

    while (len && (*p == ' ' || *p == '\t')) {
        p++;
        len--;
    }
    while (len && (p[len - 1] == ' ' || p[len - 1] == '\t'))
        len--;
    name = fl_alloc(len + 1, 1);
    for (size_t i = 0; name && i < len; i++) {
        name[n++] = (char)p[i];
        i += p[i] == '"';
    }
    return name;
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, so that many columns are not compared each with each. */
static int
check_names(const struct fl_csv_header *h)
{
    char **sorted = fl_alloc(h->count, sizeof *sorted);
    const char *twice = NULL;

    if (!sorted)
        return -1;
    memcpy(sorted, h->names, h->count * sizeof *sorted);
    qsort(sorted, h->count, sizeof *sorted, by_text);
    for (size_t i = 1; i < h->count && !twice; i++)
        if (*sorted[i] && !strcmp(sorted[i], sorted[i - 1]))
            twice = sorted[i];
    free(sorted);
    if (twice)
        return fl_error(FL_USAGE,
                        "line 1: two columns are called \"%.60s\"; name the columns in a site file "
                        "(columns:)",
                        twice);
    return 0;
}

int
fl_csv_header_read(struct fl_csv_header *h, const unsigned char *row, size_t len, char divider)
{
    struct fl_csv_field field;
    size_t cap = 0;

    if (len >= 4 && !memcmp(row, "sep=", 4))
        return fl_error(FL_USAGE, "line 1: \"sep=\" is a spreadsheet program's, no names of "
                                  "columns; leave it out with: tail -n +2 FILE |");
    for (size_t at = 0; at <= len; h->count++) {
        if (!next_field(row, len, divider, &at, &field))
            return fl_error(FL_FAILED, "line 1: is no row of names of columns, divided by \"%c\"",
                            divider);
        if (h->count == FL_CSV_COLUMNS)
            return fl_error(FL_USAGE, "line 1: has more than %d columns", FL_CSV_COLUMNS);
        char **names = fl_grow(h->names, h->count, &cap, sizeof *names);
        if (!names)
            return -1;
        h->names = names;
        if (!(names[h->count] = name_of(row + field.at, field.len)))
            return -1;
    }
    return check_names(h);
}
