/* Lines sorted by their code; both sides point into the file's text. */
#include "data/codes.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "os/file.h"
#include "text/unicode.h"

enum { BYTES_MAX = 16 << 20 };

struct pair {
    const char *code, *to;
    size_t line;
};

struct fl_codes {
    struct fl_buf text;
    struct pair *pairs;
    size_t count, cap;
};

static int
by_code(const void *a, const void *b)
{
    return strcmp(((const struct pair *)a)->code, ((const struct pair *)b)->code);
}

/* The text without spaces around it, ended by a zero. */
static char *
trimmed(char *from, char *end)
{
    while (from < end && (*from == ' ' || *from == '\t'))
        from++;
    while (end > from && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        end--;
    *end = '\0';
    return from;
}

static int
add_line(struct fl_codes *c, const char *path, char *line, size_t number)
{
    char *end = line + strlen(line), *tab = strchr(line, '\t');

    if (*line == '#' || !line[strspn(line, " \t\r")])
        return 0;
    if (!tab)
        return fl_error(FL_USAGE, "%s: line %zu: is no CODE TAB CODE", path, number);
    struct pair *pairs = fl_grow(c->pairs, c->count, &c->cap, sizeof *pairs);
    if (!pairs)
        return -1;
    c->pairs = pairs;
    const char *to = trimmed(tab + 1, end);
    pairs[c->count++] = (struct pair){trimmed(line, tab), to, number};
    return 0;
}

static int
read_lines(struct fl_codes *c, const char *path)
{
    size_t number = 0;

    if (fl_read_file(path, BYTES_MAX, &c->text))
        return -1;
    if (fl_unicode_check(fl_buf_text(&c->text), c->text.len) != c->text.len ||
        strlen(fl_buf_text(&c->text)) != c->text.len)
        return fl_error(FL_USAGE, "%s: is no text in UTF-8", path);
    for (char *line = (char *)c->text.data, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (add_line(c, path, line, ++number))
            return -1;
    }
    if (c->count)
        qsort(c->pairs, c->count, sizeof *c->pairs, by_code);
    for (size_t i = 1; i < c->count; i++)
        if (!strcmp(c->pairs[i].code, c->pairs[i - 1].code))
            return fl_error(FL_USAGE, "%s: line %zu: code \"%.40s\" is there twice", path,
                            c->pairs[i].line, c->pairs[i].code);
    return 0;
}

struct fl_codes *
fl_codes_read(const char *path)
{
    struct fl_codes *c = fl_alloc(1, sizeof *c);

    if (c && read_lines(c, path)) {
        fl_codes_free(c);
        return NULL;
    }
    return c;
}

void
fl_codes_free(struct fl_codes *c)
{
    if (!c)
        return;
    fl_buf_release(&c->text);
    free(c->pairs);
    free(c);
}

const char *
fl_codes_find(const struct fl_codes *c, const char *code, size_t len)
{
    size_t low = 0, high = c->count;

    while (len && (*code == ' ' || *code == '\t')) {
        code++;
        len--;
    }
    while (len && (code[len - 1] == ' ' || code[len - 1] == '\t'))
        len--;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const char *known = c->pairs[middle].code;
        size_t size = strlen(known);
        int order = memcmp(known, code, size < len ? size : len);
        if (!order)
            order = (size > len) - (size < len);
        if (!order)
            return c->pairs[middle].to;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
