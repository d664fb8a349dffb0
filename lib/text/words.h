/*
 * How often every word stands in a text: what a vocabulary is learnt from. Rare words are dropped
 * when there are too many, so that memory does not grow with the text.
 */
#ifndef FL_TEXT_WORDS_H
#define FL_TEXT_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"

struct fl_words_item {
    uint64_t hash, count;
    size_t at; /* in the blob */
    uint32_t len;
};

struct fl_words { /* a zeroed struct is empty */
    struct fl_buf blob;
    struct fl_words_item *items; /* in the order of their first addition */
    size_t count, cap;
    uint32_t *slots; /* index + 1 */
    size_t slot_count;
};

void fl_words_release(struct fl_words *w);
void fl_words_clear(struct fl_words *w); /* keeps the memory */

/* The word's hash decides where it belongs when tables are merged in parts. */
uint64_t fl_words_hash(const void *word, size_t len);

/* COUNT more of a word, which is copied; HASH is its fl_words_hash. 0, or -1: no memory. */
FL_MUST int fl_words_add(struct fl_words *w, const void *word, size_t len, uint64_t hash,
                         uint64_t count);

/*
 * When there are more than MAX words or more than MAX_BYTES bytes of them: drop the words that were
 * counted once, then up to two times, four, and so on, until there are at most half as many.
 */
FL_MUST int fl_words_prune(struct fl_words *w, size_t max, size_t max_bytes);

#endif
