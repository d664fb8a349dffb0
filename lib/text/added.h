/*
 * Added tokens: names that stand for themselves when a text spells them. At every place the longest
 * one counts. Source: Hugging Face tokenizers, added_vocabulary.rs (Aho-Corasick,
 * leftmost-longest).
 */
#ifndef FL_TEXT_ADDED_H
#define FL_TEXT_ADDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fl_added_token {
    char *text;
    size_t len; /* at least 1 */
    uint32_t id;
    bool special;
    bool left, right; /* takes the white space at its left, its right, with it */
};

struct fl_added {                  /* a zeroed struct is empty */
    struct fl_added_token *tokens; /* sorted by text after fl_added_finish */
    size_t count, cap;
    uint32_t first[257]; /* tokens that begin with byte b: first[b] up to first[b + 1] */
};

void fl_added_release(struct fl_added *a);

/* TEXT is copied; what TOKEN says beside it is kept. */
int fl_added_add(struct fl_added *a, const char *text, size_t len,
                 const struct fl_added_token *token);
void fl_added_finish(struct fl_added *a);

/*
 * The next token in TEXT at or behind FROM, which is where the one before ended: it takes
 * [*START, *END), white space included. NULL when there is none.
 */
const struct fl_added_token *fl_added_find(const struct fl_added *a, const char *text, size_t len,
                                           size_t from, size_t *start, size_t *end);

#endif
