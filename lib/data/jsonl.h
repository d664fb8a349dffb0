/*
 * One field of a line of JSON Lines (RFC 8259 a line), taken out without building a tree: the whole
 * line is checked, memory is that of the field. And text as a JSON string, for output.
 */
#ifndef FL_DATA_JSONL_H
#define FL_DATA_JSONL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"

enum fl_jsonl_result {
    FL_JSONL_NO_MEMORY = -1, /* the only one with an error recorded */
    FL_JSONL_FOUND,
    FL_JSONL_MISSING,  /* JSON, without such a field */
    FL_JSONL_NOT_TEXT, /* the field is not a string */
    FL_JSONL_MALFORMED /* no JSON */
};

struct fl_jsonl_note {
    size_t offset;       /* MALFORMED: where in the line */
    uint64_t surrogates; /* escapes of half a pair, each replaced by U+FFFD */
    size_t first;        /* offset of the first of them */
};

/*
 * Put the text of FIELD ("text", or "message.body" for an object within) into OUT, which is emptied
 * first. LINE is UTF-8. Of a key that stands twice the last counts.
 */
enum fl_jsonl_result fl_jsonl_field(const char *line, size_t len, const char *field,
                                    struct fl_buf *out, struct fl_jsonl_note *note);

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
