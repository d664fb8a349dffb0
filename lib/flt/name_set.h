/* The names seen so far in an object, to refuse one that comes twice. Inside flt/ only. */
#ifndef FL_FLT_NAME_SET_H
#define FL_FLT_NAME_SET_H

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

/*
 * A set of 64-bit check values of names, open addressing: 8 to 16 bytes a name however long it is.
 * Two names with one value would be refused wrongly, which happens to one object of a million
 * tensors in some ten million.
 */
struct fl_name_set { /* zeroed: empty */
    uint64_t *slots;
    size_t count, size;
};

void fl_name_set_release(struct fl_name_set *names);
void fl_name_set_clear(struct fl_name_set *names);

/* -1 when NAME is there already. */
FL_MUST int fl_name_set_add(struct fl_name_set *names, const char *name);

#endif
