/*
 * Fields of a line of JSON Lines (RFC 8259 a line), taken out in one pass without building a tree:
 * the whole line is checked, memory is that of the fields. And text as a JSON string, for output.
 */
#ifndef FL_DATA_JSONL_H
#define FL_DATA_JSONL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"
#include "data/trace.h"

enum fl_jsonl_result {
    FL_JSONL_NO_MEMORY = -1, /* the only one with an error recorded */
    FL_JSONL_FOUND,
    FL_JSONL_MISSING,  /* JSON, without such a field, or null there */
    FL_JSONL_NOT_TEXT, /* the field is not a string */
    FL_JSONL_MALFORMED /* no JSON */
};

enum { FL_JSONL_FIELDS = 64 };

struct fl_jsonl_value { /* a zeroed struct is fine */
    enum fl_jsonl_result result;
    struct fl_buf text;
    struct fl_trace trace; /* of the text; its source is the line */
    uint64_t surrogates;   /* escapes of half a pair, each replaced by U+FFFD */
    size_t first;          /* offset of the first of them */
    bool twice;            /* the key stands twice; the last one counts */
};
void fl_jsonl_value_release(struct fl_jsonl_value *v);

/*
 * What is wanted of a line: "text", or "message.body" for a field of an object within.
 *
 * LIST: the paths are within each item of the list at this path ("": the line itself is the list),
 * and ITEM is called after each with the values; items that are no objects, and no list there, make
 * the line's result FL_JSONL_NOT_TEXT.
 */
struct fl_jsonl_wanted {
    const char *const *paths;
    size_t count; /* at most FL_JSONL_FIELDS */
    bool scalars; /* numbers, true and false count as text, digit by digit as they stand */
    const char *list;
    int (*item)(void *arg, struct fl_jsonl_value *values); /* 0 or -1 with an error */
    void *arg;
};

/*
 * Put the values of a LINE, which is UTF-8, into VALUES, (count,). FL_JSONL_FOUND says that the
 * line is JSON; *OFFSET is where it is not. Cost O(len + members * count).
 */
enum fl_jsonl_result fl_jsonl_fields(const char *line, size_t len,
                                     const struct fl_jsonl_wanted *wanted,
                                     struct fl_jsonl_value *values, size_t *offset);

/* The same of one field: VALUE's own result, or FL_JSONL_MALFORMED, or FL_JSONL_NO_MEMORY. */
enum fl_jsonl_result fl_jsonl_field(const char *line, size_t len, const char *field,
                                    struct fl_jsonl_value *value, size_t *offset);

enum fl_jsonl_span {
    FL_JSONL_WHOLE, /* a value ends at *END */
    FL_JSONL_CUT,   /* the text ends within a value, at *END */
    FL_JSONL_OTHER  /* it is no JSON at *END */
};

/* The first value of TEXT, which may be no UTF-8. */
enum fl_jsonl_span fl_jsonl_span(const char *text, size_t len, size_t *end);

/* Add TEXT, which is UTF-8, as a JSON string with its quotes. */
FL_MUST int fl_jsonl_quote(struct fl_buf *out, const char *text, size_t len);

#endif
