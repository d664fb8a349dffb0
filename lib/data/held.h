/*
 * Documents that wait until it is decided which of them stay: in a sealed file (crypt/sealed.h), in
 * the order in which they were added, read once from the start.
 */
#ifndef FL_DATA_HELD_H
#define FL_DATA_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "data/trace.h"

struct fl_held_document {
    const unsigned char *text; /* of what is read: valid until the next call */
    size_t len;
    size_t file;
    bool valid;            /* on that side of the split */
    struct fl_fates fates; /* of the bytes of its source */
};

struct fl_held;

/* NULL with an error. */
struct fl_held *fl_held_new(void);
void fl_held_free(struct fl_held *h);

FL_MUST int fl_held_add(struct fl_held *h, const struct fl_held_document *d);

/* 1 with the next document, 0 after the last one, -1 with an error. Nothing is added afterwards. */
FL_MUST int fl_held_next(struct fl_held *h, struct fl_held_document *d);

#endif
