/*
 * Strings at which a text that comes in pieces ends. The text is cut before the stop string that is
 * complete first; of two that are complete with the same byte, before the longer one. So the cut
 * does not depend on where the pieces begin and end.
 */
#ifndef FL_NN_STOP_STRINGS_H
#define FL_NN_STOP_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"

struct fl_stop_string {
    const char *text; /* borrowed */
    size_t len;
};

struct fl_stop_strings { /* a zeroed struct has none */
    struct fl_stop_string *items;
    size_t count, cap;
};

void fl_stop_strings_release(struct fl_stop_strings *s);

/* -1 (FL_USAGE) when TEXT is empty or no UTF-8: a model could never or always write it. */
FL_MUST int fl_stop_strings_add(struct fl_stop_strings *s, const char *text, size_t len);

/* Those that options gave. */
FL_MUST int fl_stop_strings_add_texts(struct fl_stop_strings *s, const char *const *texts,
                                      size_t count);

/*
 * Is one of them in the LEN bytes of TEXT? Then *AT is where it begins and *WHICH its number. Cost
 * O(LEN) comparisons for each string.
 */
bool fl_stop_strings_find(const struct fl_stop_strings *s, const void *text, size_t len, size_t *at,
                          size_t *which);

/* Of TEXT, in which none is: the bytes at its end that may be the begin of one. */
size_t fl_stop_strings_held(const struct fl_stop_strings *s, const void *text, size_t len);

/* The number of the one that is just TEXT, or COUNT. */
size_t fl_stop_strings_is(const struct fl_stop_strings *s, const void *text, size_t len);

#endif
