/* A site that was away long looks a model up for each round that it missed: hence the order. */
#include "fed/links.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fed/listed.h"
#include "os/file.h"

enum { DIGITS = 64 };

/* The next cell of *LINE, ended by a zero, of at most LEN bytes; NULL when there is none. */
static char *
cell(char **line)
{
    char *at = *line;

    if (!at)
        return NULL;
    char *end = strchr(at, '\t');
    *line = end ? end + 1 : NULL;
    if (end)
        *end = '\0';
    return at;
}

static bool
is_model(const char *text)
{
    return text && strlen(text) == DIGITS && strspn(text, "0123456789abcdef") == DIGITS;
}

/* LINE is number of the round, model, mean, next model. */
static int
add_line(struct fl_links *l, char *line, int64_t number, bool overlap)
{
    struct fl_link link = {0};
    const char *round = cell(&line);

    if (fl_listed_number(round, strlen(round), &link.round))
        return 0;
    link.from = cell(&line);
    const char *mean = cell(&line);
    link.to = cell(&line);
    if (!is_model(link.from) || !mean || !is_model(link.to))
        return 0;
    link.order = overlap ? number : link.round;
    struct fl_link *links = fl_grow(l->links, l->count, &l->cap, sizeof *links);
    if (!links)
        return -1;
    l->links = links;
    links[l->count++] = link;
    return 0;
}

/* Of two lines of one round the first one counts, which is the last here. */
static int
compare(const void *a, const void *b)
{
    const struct fl_link *x = a, *y = b;
    const int models = strcmp(x->to, y->to);

    if (models)
        return models;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return x->to > y->to ? -1 : x->to < y->to;
}

int
fl_links_read(struct fl_links *l, const char *path, bool overlap)
{
    int64_t number = 0;

    *l = (struct fl_links){0};
    if (fl_read_file(path, 256 << 20, &l->text) || fl_buf_add(&l->text, "\n", 2))
        return -1;
    for (char *line = (char *)l->text.data, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        if (add_line(l, line, number++, overlap))
            return -1;
    }
    if (l->count)
        qsort(l->links, l->count, sizeof *l->links, compare);
    return 0;
}

void
fl_links_release(struct fl_links *l)
{
    fl_buf_release(&l->text);
    free(l->links);
    *l = (struct fl_links){0};
}

const struct fl_link *
fl_links_find(const struct fl_links *l, const char *to, int64_t below)
{
    size_t from = 0, end = l->count;

    /* those before FROM are before it, those from END on are not */
    while (from < end) {
        const size_t middle = from + (end - from) / 2;
        const int models = strcmp(l->links[middle].to, to);
        if (models < 0 || (!models && l->links[middle].order < below))
            from = middle + 1;
        else
            end = middle;
    }
    return from && !strcmp(l->links[from - 1].to, to) ? &l->links[from - 1] : NULL;
}
