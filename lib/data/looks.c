/*
 * What text looks like. A wrong guess costs a user more than none: each rule asks for more than
 * prose, verse, lists or program text can have by chance, and tests/cli/16-kinds.sh has the cases.
 */
#include "data/looks.h"

#include <stdint.h>
#include <string.h>

#include <utf8proc.h>

#include "data/jsonl.h"
#include "text/unicode.h"

enum { UNITS_MIN = 4 }; /* of what is taken for UTF-16 or UTF-32 */

/* A unit of SIZE bytes at P. */
static uint32_t
unit(const unsigned char *p, size_t size, bool big)
{
    uint32_t c = 0;

    for (size_t i = 0; i < size; i++)
        c |= (uint32_t)p[i] << 8 * (big ? size - 1 - i : i);
    return c;
}

static bool
is_sign(uint32_t c)
{
    return (c >= 0x20 && c < 0x7f) || (c >= 9 && c <= 13) || (c >= 0x3000 && c <= 0x3002) ||
           c == 0xff0c;
}

static bool
is_assigned(uint32_t c)
{
    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return false;
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return category != UTF8PROC_CATEGORY_CN && category != UTF8PROC_CATEGORY_CO &&
           (category != UTF8PROC_CATEGORY_CC || (c >= 9 && c <= 13) || c == 0x1b || c == 0x85);
}

/* How many signs a text in units of SIZE bytes has; 0 when more than a hundredth is no character.
 */
static size_t
count_signs(const unsigned char *p, size_t n, size_t size, bool big)
{
    size_t signs = 0, bad = 0;

    for (size_t at = 0; at + size <= n; at += size) {
        uint32_t c = unit(p + at, size, big);
        if (size == 2 && c >= 0xd800 && c < 0xdc00) {
            if (at + 4 > n)
                break;
            uint32_t low = unit(p + at + 2, 2, big);
            if (low >= 0xdc00 && low <= 0xdfff) {
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                at += 2;
            }
        }
        bad += !is_assigned(c);
        signs += is_sign(c);
    }
    return signs * 100 >= n / size && bad * 100 <= n / size ? signs : 0;
}

const char *
fl_looks_wide(const void *p, size_t n)
{
    static const struct {
        const char *name;
        size_t size;
        bool big;
    } kinds[] = {{"UTF-32LE", 4, false},
                 {"UTF-32BE", 4, true},
                 {"UTF-16LE", 2, false},
                 {"UTF-16BE", 2, true}};
    const char *best = NULL;
    size_t most = 0, low[2] = {0, 0};

    if (!memchr(p, 0, n)) /* a line end, a space, a digit has a zero in it */
        return NULL;
    for (size_t i = 0; i < n; i++)
        low[i % 2] += ((const unsigned char *)p)[i] <= 0x20;
    size_t most_low = low[0] > low[1] ? low[0] : low[1]; /* the upper halves of units */
    if (most_low * 40 < n * 19 && fl_unicode_check(p, n) >= fl_unicode_boundary(p, n))
        return NULL; /* it is UTF-8, with a zero here and there */
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        size_t signs = n / kinds[k].size < UNITS_MIN
                           ? 0
                           : count_signs(p, n, kinds[k].size, kinds[k].big);
        if (signs > most) {
            most = signs;
            best = kinds[k].name;
        }
    }
    return best;
}

static size_t
skip_blank(const char *text, size_t at, size_t n)
{
    while (at < n && strchr(" \t\r\n", text[at]) && text[at])
        at++;
    return at;
}

static bool
has(const char *text, size_t n, char c)
{
    return memchr(text, c, n) != NULL;
}

enum fl_json_look
fl_looks_json(const void *p, size_t n, bool whole)
{
    const char *text = p;
    size_t at = skip_blank(text, 0, n), end;

    if (at == n || (text[at] != '{' && text[at] != '['))
        return FL_JSON_NONE;
    bool array = text[at] == '[';
    enum fl_jsonl_span span = fl_jsonl_span(text + at, n - at, &end);
    if (span == FL_JSONL_OTHER || (span == FL_JSONL_CUT && whole))
        return FL_JSON_NONE;
    bool lines = !has(text + at, end, '\n');
    if (array) {
        bool filled = has(text + at, end, '{') || has(text + at, end, '"') ||
                      has(text + at + 1, end - 1, '[');
        return filled && skip_blank(text, at + end, n) == n ? FL_JSON_ARRAY : FL_JSON_NONE;
    }
    if (span == FL_JSONL_CUT)
        return lines ? FL_JSON_LINES : FL_JSON_VALUES;
    size_t next = skip_blank(text, at + end, n);
    if (next == n)
        return end > 2 && (lines || whole) ? lines ? FL_JSON_LINES : FL_JSON_VALUES : FL_JSON_NONE;
    span = text[next] == '{' ? fl_jsonl_span(text + next, n - next, &end) : FL_JSONL_OTHER;
    if (span == FL_JSONL_OTHER || (span == FL_JSONL_CUT && whole))
        return FL_JSON_NONE;
    return lines && !has(text + next, end, '\n') ? FL_JSON_LINES : FL_JSON_VALUES;
}

/* What was seen of a table while its records were read with one divider. */
enum { COLUMNS = 64, NAME = 64, MANY = 10 };

struct table {
    char divider;
    size_t columns, records; /* of the first record; that were complete */
    size_t fields, quoted;   /* of all records */
    size_t dividers, spaced; /* outside of quotes; with a space after them */
    size_t numbers;          /* fields that are numbers, or empty */
    bool names;              /* the fields of the first record could be names of columns, */
    bool ascii;              /* and are ASCII */
    struct {
        const char *text;
        size_t len;
    } name[COLUMNS];
    bool number_column[COLUMNS]; /* after the first record all of them are numbers */
};

static bool
is_number(const char *text, size_t len)
{
    size_t digits = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] >= '0' && text[i] <= '9')
            digits++;
        else if (!strchr("+-.eE:/ %", text[i]) || !text[i])
            return false;
    }
    return digits > 0;
}

/* A short word or a few, brackets closed, that no sentence ends with. */
static bool
is_name(const char *text, size_t len)
{
    int depth = 0;

    if (!len || len > NAME || text[0] == ' ' || text[len - 1] == ' ' || is_number(text, len) ||
        (text[0] >= '0' && text[0] <= '9') || strchr(".!?", text[len - 1]))
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        depth += (c == '(') - (c == ')');
        if (depth < 0 || c < 32 || strchr("\"';:=<>{}[]|*!?\\`", c))
            return false;
    }
    return !depth;
}

static void
take_field(struct table *t, size_t column, const char *text, size_t len, bool quoted)
{
    bool number = !len || is_number(text, len);

    t->fields++;
    t->quoted += quoted;
    t->numbers += number;
    if (!t->records) {
        t->names = t->names && is_name(text, len);
        for (size_t c = 0; c < column && c < COLUMNS; c++) /* no name stands twice */
            t->names = t->names && (t->name[c].len != len || memcmp(t->name[c].text, text, len));
        for (size_t i = 0; i < len; i++)
            t->ascii = t->ascii && (unsigned char)text[i] < 0x80;
        if (column < COLUMNS) {
            t->name[column].text = text;
            t->name[column].len = len;
        }
    }
    if (column < COLUMNS)
        t->number_column[column] = t->number_column[column] && (!t->records || number);
}

/* The end of the field at AT, or N + 1 when it is none; *CLOSED: the sample holds all of it. */
static size_t
field_end(const char *text, size_t at, size_t n, char divider, bool whole, bool *closed)
{
    *closed = true;
    if (text[at] != '"') {
        while (at < n && text[at] != divider && text[at] != '\n') {
            if (text[at] == '"')
                return n + 1;
            at++;
        }
        *closed = at < n || whole;
        return at;
    }
    for (at++; at < n; at++) {
        if (text[at] != '"')
            continue;
        if (at + 1 < n && text[at + 1] == '"') {
            at++;
            continue;
        }
        size_t next = at + 1;
        if (next < n && text[next] == '\r')
            next++;
        *closed = next < n || whole;
        return next == n || text[next] == divider || text[next] == '\n' ? at + 1 : n + 1;
    }
    *closed = false;
    return whole ? n + 1 : n;
}

/* Read records; false at the first thing by which it is no table of T->divider. */
static bool
read_table(struct table *t, const char *text, size_t n, bool whole)
{
    size_t column = 0, at = 0;
    bool closed;

    t->names = t->ascii = true;
    memset(t->number_column, true, sizeof t->number_column);
    while (at < n) {
        size_t end = field_end(text, at, n, t->divider, whole, &closed);
        if (end > n)
            return false;
        if (!closed)
            return true;
        bool quoted = text[at] == '"';
        size_t len = end - at;
        while (!quoted && len && text[at + len - 1] == '\r')
            len--;
        take_field(t, column++, text + at + quoted, quoted ? len - 2 : len, quoted);
        at = end + (end < n && text[end] == '\r');
        if (at < n && text[at] == t->divider) {
            at++;
            t->dividers++;
            t->spaced += at < n && text[at] == ' ';
            if (at < n || !whole)
                continue;
            take_field(t, column++, text + at, 0, false); /* an empty one ends the file */
        }
        if (column == 1 && !len) /* a blank line, which is one at the end only */
            return skip_blank(text, at, n) == n;
        if (!t->records)
            t->columns = column;
        if (column != t->columns || column < 2)
            return false;
        t->records++;
        column = 0;
        at++;
    }
    return true;
}

/* Is what was read a table and no list, no verse, no talk? */
static bool
is_table(const struct table *t)
{
    bool tab = t->divider == '\t', numbers = false;

    for (size_t c = 0; c < t->columns && c < COLUMNS; c++)
        numbers |= t->number_column[c];
    if (t->records < (t->names && numbers && !tab ? 2 : 3) ||
        (!tab && t->spaced * 10 > t->dividers))
        return false;
    if (t->numbers == t->fields || (t->quoted * 2 >= t->fields && (t->names || t->records >= MANY)))
        return true;
    if (!t->names || (tab && !numbers))
        return false;
    if (numbers || t->quoted)
        return true;
    return t->ascii &&
           (t->columns > 2 || t->records >= MANY); /* verse in Chinese has commas, too */
}

char
fl_looks_table(const void *p, size_t n, bool whole)
{
    static const char dividers[] = ",;\t";
    const char *text = p;

    if (n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
        text += 3;
        n -= 3;
    }
    for (size_t i = 0; dividers[i]; i++) {
        struct table t = {.divider = dividers[i]};
        if (read_table(&t, text, n, whole) && is_table(&t))
            return dividers[i];
    }
    return 0;
}
