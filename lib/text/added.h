/*
 * Added tokens: names that stand for themselves when a text spells them. At every place the longest
 * one counts. A token that is guarded (a special one, an end mark) is taken from the text only when
 * that is asked for; else its name is text, and nothing within it is another token. Source: Hugging
 * Face tokenizers 0.22, added_vocabulary.rs (find_matches: Aho-Corasick, leftmost-longest).
 */
#ifndef FL_TEXT_ADDED_H
#define FL_TEXT_ADDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

struct fl_added_token {
    char *text;
    size_t len; /* at least 1 */
    uint32_t id;
    bool special;
    bool outside;     /* the model's vocabulary does not have it */
    bool guarded;     /* text does not become it unless asked */
    bool single_word; /* no word character stands at its left or right */
    bool left, right; /* takes the white space at its left, its right, with it */
};

struct fl_added {                  /* a zeroed struct is empty */
    struct fl_added_token *tokens; /* sorted by text after fl_added_finish */
    size_t count, cap;
    size_t plain;        /* tokens that are not guarded */
    uint32_t first[257]; /* tokens that begin with byte b: first[b] up to first[b + 1] */
};

void fl_added_release(struct fl_added *a);

/* TEXT is copied; what TOKEN says beside it is kept. */
FL_MUST int fl_added_add(struct fl_added *a, const char *text, size_t len,
                         const struct fl_added_token *token);
void fl_added_finish(struct fl_added *a);

/* How far a text was looked through; zeros are its begin. */
struct fl_added_place {
    size_t scanned; /* names are looked for from here on */
    size_t taken;   /* the end of the token before, white space included */
    size_t space;   /* the end of the white space that was looked through last */
};

/*
 * The next token in TEXT after *AT, which moves on: it takes [*START, *END), white space included.
 * GUARDED: those too. NULL when there is none. *START is before the end of the token before when
 * that took white space which is a token itself: the two overlap, as in the source.
 */
const struct fl_added_token *fl_added_next(const struct fl_added *a, const char *text, size_t len,
                                           bool guarded, struct fl_added_place *at, size_t *start,
                                           size_t *end);

#endif
