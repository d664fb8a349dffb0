/*
 * What the first bytes of a file say it is, when it is not the text that it would be taken for:
 * another kind of file that is known by its mark, text in another encoding, one JSON value, a
 * table.
 */
#ifndef FL_DATA_KIND_H
#define FL_DATA_KIND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"

enum {
    FL_KIND_SAMPLE = 64 << 10
}; /* bytes of a file that are looked at, fewer when it has fewer */

enum fl_kind_as {
    FL_KIND_AS_IS,    /* text that may be anything: only what is no text at all is refused */
    FL_KIND_AS_TEXT,  /* plain text: nor may it look like JSON or a table */
    FL_KIND_AS_LINES, /* JSON Lines: nor may it be one JSON value that is written over lines */
    FL_KIND_AS_TABLE  /* CSV or TSV: nor may it have a NUL */
};

struct fl_kind_sample { /* the start of a file, LEN bytes of it; all it has when WHOLE */
    const void *data;
    size_t len;
    bool whole;
};

/*
 * May the file called NAME, which begins with these LEN bytes (all of it when WHOLE), be taken so?
 * 0, or -1 with an error that says what it is and what would help. Cost O(len).
 */
FL_MUST int fl_kind_check(const char *name, const void *data, size_t len, bool whole,
                          enum fl_kind_as as);

#endif
