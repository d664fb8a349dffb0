/* Halving the range in which the first item lies that is not before the place. */
#include "base/search.h"

size_t
fl_search(const void *items, size_t count, size_t size, const void *key, fl_lies_before *before)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (before((const char *)items + middle * size, key))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
