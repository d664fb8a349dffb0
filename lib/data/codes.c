/* Lines sorted by their code; both sides point into the file's text. */
#include "data/codes.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "base/search.h"
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

struct code {
    const char *text;
    size_t len;
};

/* As strcmp, which the pairs are sorted by; CODE has a length and may have zeros in it. */
static int
compare(const char *known, const struct code *code)
{
    size_t size = strlen(known);
    int order = memcmp(known, code->text, fl_min(size, code->len));

    return order ? order : (size > code->len) - (size < code->len);
}

static bool
lies_before(const void *item, const void *key)
{
    return compare(((const struct pair *)item)->code, key) < 0;
}

const char *
fl_codes_find(const struct fl_codes *c, const char *code, size_t len)
{
    while (len && (*code == ' ' || *code == '\t')) {
        code++;
        len--;
    }
    while (len && (code[len - 1] == ' ' || code[len - 1] == '\t'))
        len--;
    const struct code key = {code, len};
    size_t i = fl_search(c->pairs, c->count, sizeof *c->pairs, &key, lies_before);
    return i < c->count && !compare(c->pairs[i].code, &key) ? c->pairs[i].to : NULL;
}
