/* Sorted by name, since every step asks for a few files out of those of all rounds. */
#include "fed/listed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "os/file.h"

enum { NAME = 300 };

static bool
is_plain(const char *name)
{
    for (const char *p = name; *p; p++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-", *p))
            return false;
    return *name && *name != '/' && !strstr(name, "..") && !strstr(name, "//");
}

int
fl_listed_number(const char *text, size_t len, int64_t *number)
{
    char copy[16];

    if (!len || len >= sizeof copy || (*text == '0' && len > 1) || strspn(text, "0123456789") < len)
        return -1;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return fl_parse_i64(copy, 0, 999999999999999, number);
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(((const struct fl_listed_file *)a)->name,
                  ((const struct fl_listed_file *)b)->name);
}

/* A line whose first N characters are a size, if it is of a file. */
static int
add_file(struct fl_listed *l, const char *line, size_t n)
{
    int64_t size;

    if (line[n] != ' ' || fl_listed_number(line, n, &size) || !is_plain(line + n + 1))
        return 0;
    struct fl_listed_file *files = fl_grow(l->files, l->count, &l->cap, sizeof *files);
    if (!files)
        return -1;
    l->files = files;
    files[l->count++] = (struct fl_listed_file){line + n + 1, size};
    return 0;
}

int
fl_listed_read(struct fl_listed *l, const char *path)
{
    *l = (struct fl_listed){.theirs = -1, .here = -1};
    if (fl_read_file(path, 256 << 20, &l->text) || fl_buf_add_byte(&l->text, 0))
        return -1;
    for (char *line = (char *)l->text.data, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        if (line == (char *)l->text.data && !strncmp(line, "time ", 5) &&
            fl_listed_number(line + 5, strlen(line + 5), &l->theirs))
            l->theirs = -1;
        if (!strncmp(line, "here ", 5) && fl_listed_number(line + 5, strlen(line + 5), &l->here))
            l->here = -1;
        if (add_file(l, line, strcspn(line, " \n")))
            return -1;
    }
    if (l->count)
        qsort(l->files, l->count, sizeof *l->files, by_name);
    return 0;
}

void
fl_listed_release(struct fl_listed *l)
{
    free(l->files);
    fl_buf_release(&l->text);
    *l = (struct fl_listed){0};
}

int64_t
fl_listed_size(const struct fl_listed *l, const char *name)
{
    const struct fl_listed_file key = {name, 0}, *found;

    found = l->count ? bsearch(&key, l->files, l->count, sizeof key, by_name) : NULL;
    return found ? found->size : -1;
}

int64_t
fl_listed_of_round(const struct fl_listed *l, uint64_t round, const char *name)
{
    char whole[NAME];

    snprintf(whole, sizeof whole, "pub/round/%llu/%s", (unsigned long long)round, name);
    return fl_listed_size(l, whole);
}

int64_t
fl_listed_between(const char *name, const char *before, const char *after)
{
    const size_t n = strlen(before);
    int64_t number;

    if (strncmp(name, before, n))
        return -1;
    name += n;
    const size_t digits = strspn(name, "0123456789");
    return !strcmp(name + digits, after) && !fl_listed_number(name, digits, &number) ? number : -1;
}

int64_t
fl_listed_greatest(const struct fl_listed *l, const char *before, const char *after, int64_t below)
{
    int64_t most = -1;

    for (size_t i = 0; i < l->count; i++) {
        const int64_t n = fl_listed_between(l->files[i].name, before, after);
        most = n > most && n < below ? n : most;
    }
    return most;
}
