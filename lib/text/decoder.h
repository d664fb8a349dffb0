/*
 * The decoder of a tokenizer.json: from token names to bytes. ByteLevel; or a Sequence of Replace
 * (of a string), ByteFallback, Fuse and, after Fuse, Strip.
 */
#ifndef FL_TEXT_DECODER_H
#define FL_TEXT_DECODER_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/must.h"

struct fl_decoder_replace {
    char *from, *to;
};

struct fl_decoder { /* a zeroed struct can be released */
    bool byte_level, fallback, fuse;
    struct fl_decoder_replace *replace;
    size_t replace_count, replace_cap;
    unsigned char strip;           /* this character goes, */
    size_t strip_start, strip_end; /* at most so often, at the ends of a text */
};

/* From the JSON value. What was read before an error is released too. */
FL_MUST int fl_decoder_read(struct fl_decoder *d, const json_t *spec);
void fl_decoder_release(struct fl_decoder *d);

/* Add the bytes that the token called NAME stands for. */
FL_MUST int fl_decoder_piece(const struct fl_decoder *d, const char *name, size_t len,
                             struct fl_buf *out);

/* How much of a whole text, begun at FROM of OUT, goes at its ends: it is taken off. */
void fl_decoder_strip(const struct fl_decoder *d, struct fl_buf *out, size_t from);

#endif
