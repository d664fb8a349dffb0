/*
 * A set of texts with an id each: the names of tokens.
 */
#ifndef FL_TEXT_VOCAB_H
#define FL_TEXT_VOCAB_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"

struct fl_vocab_item {
    size_t at; /* in the blob */
    uint32_t len;
    uint32_t there;
};

struct fl_vocab { /* a zeroed struct is empty */
    struct fl_buf blob;
    struct fl_vocab_item *items; /* by id */
    size_t ids, cap;             /* largest id + 1 */
    uint32_t *slots;             /* id + 1 */
    size_t slot_count, used;
};

void fl_vocab_release(struct fl_vocab *v);

/* -1 with an error when the text or the id is there already, or the id is not below MAX. */
FL_MUST int fl_vocab_add(struct fl_vocab *v, const void *text, size_t len, uint64_t id,
                         uint64_t max);

/* The id of a text, or -1 (no error recorded). */
int64_t fl_vocab_find(const struct fl_vocab *v, const void *text, size_t len);

/* The text of an id with a zero after it; NULL when there is none. Valid until the next add. */
const char *fl_vocab_text(const struct fl_vocab *v, uint64_t id, size_t *len);

#endif
