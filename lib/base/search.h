/*
 * Places in sorted arrays, where bsearch(3) does not do: of an item that may be missing, or of a
 * range that holds a number.
 */
#ifndef FL_BASE_SEARCH_H
#define FL_BASE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

/* Does ITEM lie before the place of KEY? True for the first items, false for all after them. */
typedef bool fl_lies_before(const void *item, const void *key);

/*
 * How many of COUNT items of SIZE bytes at ITEMS lie before the place of KEY: its index, or that at
 * which it would be put in. O(log COUNT).
 */
size_t fl_search(const void *items, size_t count, size_t size, const void *key,
                 fl_lies_before *before);

#endif
