/*
 * YAML into checked values. A table says which keys a mapping may have and where each value goes;
 * an unknown key, a wrong type or a value out of range is an error (FL_USAGE) that names file and
 * line.
 */
#ifndef FL_CONF_YAML_H
#define FL_CONF_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fl_yaml_type { FL_YAML_SCALAR, FL_YAML_LIST, FL_YAML_MAP };

struct fl_yaml {
    enum fl_yaml_type type;
    size_t line;            /* of the file, from 1 */
    char *text;             /* SCALAR */
    size_t count;           /* items of a LIST, pairs of a MAP */
    struct fl_yaml **items; /* values */
    char **keys;            /* MAP: unique scalars */
    size_t *key_lines;      /* MAP: their lines */
};

/*
 * The one document of a file ("-": standard input): at most 1 MiB of UTF-8, nested at most 32 deep,
 * with or without a byte order mark, lines ended by LF, CR LF or CR. NULL with an error;
 * fl_yaml_free it.
 */
struct fl_yaml *fl_yaml_read(const char *path);

/* The same from memory; NAME is for messages. No anchors, aliases or tags: they are refused. */
struct fl_yaml *fl_yaml_parse(const char *text, size_t len, const char *name);
void fl_yaml_free(struct fl_yaml *node);

/* The value of a key, or NULL (no error recorded). */
const struct fl_yaml *fl_yaml_get(const struct fl_yaml *map, const char *key);

/* Record "NAME: line N: ..." with FL_USAGE; returns -1. */
int fl_yaml_error(const char *name, const struct fl_yaml *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

enum fl_field_type {
    FL_FIELD_END,
    FL_FIELD_I64,    /* int64_t within min..max (both 0: any) */
    FL_FIELD_F64,    /* double within min..max (both 0: any) */
    FL_FIELD_BOOL,   /* bool: true or false */
    FL_FIELD_TEXT,   /* char *: a copy, freed by the caller; an earlier value is freed */
    FL_FIELD_CHOICE, /* char *: a copy, one of "a|b|c" */
    FL_FIELD_NODE    /* const struct fl_yaml *: the node itself, for lists and nested maps */
};

struct fl_field {
    const char *key;
    enum fl_field_type type;
    void *value;
    double min, max;
    const char *choices;
    bool *given; /* may be NULL */
};

/*
 * Fill the table's values from MAP; keys that are absent leave theirs as they were. After an error
 * some values may be set already; texts among them are still the caller's to free.
 */
int fl_yaml_fill(const char *name, const struct fl_yaml *map, const struct fl_field *fields);

#endif
