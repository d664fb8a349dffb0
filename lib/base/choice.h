/*
 * Words of a fixed list: is this one of them, and which was meant by somebody who wrote another?
 */
#ifndef FL_BASE_CHOICE_H
#define FL_BASE_CHOICE_H

#include <stddef.h>

#include "base/must.h"

/*
 * WORD is one of CHOICES, "a|b|c": 0, or -1 (FL_USAGE) with an error that lists them and names the
 * nearest.
 */
int fl_choice_check(const char *choices, const char *word);

/* The place of WORD among CHOICES, or -1 (no error recorded). */
FL_MUST int fl_choice_find(const char *choices, const char *word);

/* Word number I of CHOICES into TEXT, which has room for SIZE bytes; returns it. NULL: no such. */
const char *fl_choice_word(const char *choices, int i, char *text, size_t size);

struct fl_nearest {
    const char *word; /* what was written; borrowed */
    size_t length;    /* of it */
    const char *best; /* the nearest candidate so far, or NULL; borrowed, BEST_LENGTH bytes */
    size_t best_length;
    size_t distance; /* between the two */
};

/* Begin with WORD of LENGTH bytes and no candidate. */
void fl_nearest_start(struct fl_nearest *n, const char *word, size_t length);

/*
 * Compare with one known word. It becomes .best when it is nearer than those before and near enough
 * to be meant: at most a third of its letters inserted, dropped, replaced or swapped with their
 * neighbour (optimal string alignment; Damerau 1964), or the beginning of it is what was written.
 * Words above 64 bytes are left out. Cost O(length^2).
 */
void fl_nearest_try(struct fl_nearest *n, const char *candidate, size_t length);

/* All of "a|b|c". */
void fl_nearest_try_choices(struct fl_nearest *n, const char *choices);

/*
 * "; did you mean \"NAME\"?" with DASHES before NAME, or "" when no candidate is near: to end a
 * message with. TEXT has room for SIZE bytes; returns it.
 */
const char *fl_nearest_hint(const struct fl_nearest *n, const char *dashes, char *text,
                            size_t size);

#endif
