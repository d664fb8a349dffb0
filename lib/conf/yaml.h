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

#include "base/must.h"

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
 * The one document of a file ("-": standard input): at most 8 MiB of UTF-8 (a roster of 10,000
 * sites has 3), nested at most 32 deep, with or without a byte order mark, lines ended by LF, CR LF
 * or CR. NULL with an error; fl_yaml_free it.
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

enum fl_key_type {
    FL_KEY_END_TYPE,
    FL_KEY_I64_TYPE,
    FL_KEY_F64_TYPE,
    FL_KEY_BOOL_TYPE,
    FL_KEY_TEXT_TYPE,
    FL_KEY_CHOICE_TYPE,
    FL_KEY_NODE_TYPE
};

/* A key that a mapping may have, as a row of a table: made by one macro a kind. */
struct fl_yaml_key {
    const char *key;
    enum fl_key_type type;
    double min, max;
    const char *choices;
    union {
        int64_t *i64;
        double *f64;
        bool *flag;
        char **text;
        const struct fl_yaml **node;
    } value;
    bool *given; /* set when the key is there; may be NULL */
};

/*
 *     FL_KEY_I64("key", min, max, &i64)       and F64; min and max both 0: any
 *     FL_KEY_BOOL("key", &bool)               true or false
 *     FL_KEY_TEXT("key", &text)               a copy, the caller's to free; an earlier one is freed
 *     FL_KEY_CHOICE("key", "a|b|c", &text)    the same
 *     FL_KEY_NODE("key", &node)               the node itself, for lists and nested mappings
 *     FL_KEY_END
 */
#define FL_KEY_I64(name, min_, max_, ...)                                                          \
    {                                                                                              \
        .key = (name), .type = FL_KEY_I64_TYPE, .min = (double)(min_), .max = (double)(max_),      \
        .value.i64 = __VA_ARGS__                                                                   \
    }
#define FL_KEY_F64(name, min_, max_, ...)                                                          \
    {                                                                                              \
        .key = (name), .type = FL_KEY_F64_TYPE, .min = (double)(min_), .max = (double)(max_),      \
        .value.f64 = __VA_ARGS__                                                                   \
    }
#define FL_KEY_BOOL(name, ...)                                                                     \
    {                                                                                              \
        .key = (name), .type = FL_KEY_BOOL_TYPE, .value.flag = __VA_ARGS__                         \
    }
#define FL_KEY_TEXT(name, ...)                                                                     \
    {                                                                                              \
        .key = (name), .type = FL_KEY_TEXT_TYPE, .value.text = __VA_ARGS__                         \
    }
#define FL_KEY_CHOICE(name, words, ...)                                                            \
    {                                                                                              \
        .key = (name), .type = FL_KEY_CHOICE_TYPE, .choices = (words), .value.text = __VA_ARGS__   \
    }
#define FL_KEY_NODE(name, ...)                                                                     \
    {                                                                                              \
        .key = (name), .type = FL_KEY_NODE_TYPE, .value.node = __VA_ARGS__                         \
    }
#define FL_KEY_END                                                                                 \
    {                                                                                              \
        .type = FL_KEY_END_TYPE                                                                    \
    }

/*
 * Fill the table's values from MAP; keys that are absent leave theirs as they were. After an error
 * some values may be set already; texts among them are still the caller's to free.
 */
FL_MUST int fl_yaml_fill(const char *name, const struct fl_yaml *map,
                         const struct fl_yaml_key *fields);

/*
 * The text of a scalar NODE into *TO, borrowed of it; with CHOICES, "a|b", one of them. NODE NULL
 * leaves *TO. 0, or -1 with an error that names FILE and the line.
 */
FL_MUST int fl_yaml_text(const char *file, const struct fl_yaml *node, const char *choices,
                         const char **to);

/* Where one thing may stand for a list of it: how many NODE (NULL: none) has, and item I. */
size_t fl_yaml_items(const struct fl_yaml *node);
const struct fl_yaml *fl_yaml_item(const struct fl_yaml *node, size_t i);

/*
 * The texts of them, each borrowed: (*COUNT,) of *TEXTS, the caller's to free, after an error too.
 * NODE NULL leaves both. A list with nothing in it is an error that says WRONG.
 */
FL_MUST int fl_yaml_texts(const char *file, const struct fl_yaml *node, const char *wrong,
                          const char ***texts, size_t *count);

#endif
