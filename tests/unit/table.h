/* Tables of references (../shared/data): tab-separated lines, "#" before comments, a header. */
#ifndef TEST_TABLE_H
#define TEST_TABLE_H

#include "oracle.h"

enum { TABLE_CELLS = 24 };

struct table {
    FILE *file;
    char names[2048], line[4096];
    char *name[TABLE_CELLS], *cell[TABLE_CELLS], empty[1];
    size_t columns;
};

static inline size_t
table_split(char *line, char **cells)
{
    size_t n = 0;

    line[strcspn(line, "\r\n")] = '\0';
    for (char *at = line; at && n < TABLE_CELLS; n++) {
        cells[n] = at;
        if ((at = strchr(at, '\t')))
            *at++ = '\0';
    }
    return n;
}

/* One line that is no comment; false at the end. */
static inline int
table_line(struct table *t, char *line, size_t size)
{
    while (fgets(line, (int)size, t->file))
        if (*line != '#')
            return 1;
    fclose(t->file);
    return 0;
}

/* Open data/privacy/NAME; false when it is not there. */
static inline int
table_open(struct table *t, const char *name)
{
    char path[512];

    *t->empty = '\0';
    t->file = fopen(data_path("%s/%s", "privacy", name, path), "r");
    if (!t->file || !table_line(t, t->names, sizeof t->names))
        return 0;
    t->columns = table_split(t->names, t->name);
    return 1;
}

static inline int
table_next(struct table *t)
{
    if (!table_line(t, t->line, sizeof t->line))
        return 0;
    size_t n = table_split(t->line, t->cell);
    for (; n < t->columns; n++)
        t->cell[n] = t->empty;
    return 1;
}

static inline const char *
table_text(const struct table *t, const char *name)
{
    for (size_t i = 0; i < t->columns; i++)
        if (!strcmp(t->name[i], name))
            return t->cell[i];
    printf("# no column %s\n", name);
    exit(2);
}

static inline double
table_f64(const struct table *t, const char *name)
{
    const char *text = table_text(t, name);

    return *text ? strtod(text, NULL) : NAN;
}

#endif
