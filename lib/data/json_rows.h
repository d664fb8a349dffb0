/*
 * A file of JSON Lines whose every line is an object, read whole: for prompts and questions, all of
 * which are checked before the first is answered. Blank lines are passed over. Fields that nobody
 * asks for are ignored; of a key that stands twice the last counts.
 */
#ifndef FL_DATA_JSON_ROWS_H
#define FL_DATA_JSON_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/must.h"

struct fl_json_row {
    json_t *object;
    uint64_t line; /* from 1 */
};

struct fl_json_rows { /* a zeroed struct has none */
    const char *name; /* of the file, for messages; borrowed from the path */
    struct fl_json_row *rows;
    size_t count, cap;
};

/* All rows of PATH (NULL or "-": standard input), at least one; release them also after -1. */
FL_MUST int fl_json_rows_read(struct fl_json_rows *r, const char *path);
void fl_json_rows_release(struct fl_json_rows *r);

/* Put "FILE: line N: " before the recorded error; returns -1. */
int fl_json_rows_fail(const struct fl_json_rows *r, size_t row);

struct fl_json_text {
    const char *data; /* UTF-8, borrowed from the row; zero bytes may be in it */
    size_t len;
};

/* The string KEY of an OBJECT. -1 when it is none, or absent. */
FL_MUST int fl_json_text(const json_t *object, const char *key, struct fl_json_text *text);

/* A number, when KEY is there and not null; else *VALUE stays. -1 outside MIN to MAX. */
FL_MUST int fl_json_whole(const json_t *object, const char *key, int64_t min, int64_t max,
                          int64_t *value);
FL_MUST int fl_json_number(const json_t *object, const char *key, double min, double max,
                           double *value);

/* Text number I of a list VALUE of strings called KEY. */
FL_MUST int fl_json_item(const json_t *value, const char *key, size_t i, struct fl_json_text *text);

#endif
