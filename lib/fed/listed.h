/*
 * What the hub's gate listed for a party: a stranger's words. A line that is no number and plain
 * name is as if it were not there.
 */
#ifndef FL_FED_LISTED_H
#define FL_FED_LISTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"

struct fl_listed_file {
    const char *name; /* in the text; letters, digits and ._/- alone, no "..", no "/" first */
    int64_t size;
};

struct fl_listed {                /* a zeroed struct is empty */
    int64_t theirs, here;         /* times of the list, in seconds since 1970; -1: not known */
    struct fl_buf text;           /* its lines ended by zeros */
    struct fl_listed_file *files; /* by name */
    size_t count, cap;
};

/*
 * Read PATH: "time SECONDS" first, the hub's clock, "here SECONDS", this one, else SIZE NAME. 0 or
 * -1; FL_LISTED is to be released after both.
 */
FL_MUST int fl_listed_read(struct fl_listed *l, const char *path);
void fl_listed_release(struct fl_listed *l);

/* The size of what the hub has under this name, or as "pub/round/ROUND/NAME"; -1: it has not. */
int64_t fl_listed_size(const struct fl_listed *l, const char *name);
int64_t fl_listed_of_round(const struct fl_listed *l, uint64_t round, const char *name);

/* A number as shells count: no sign, no zero before it, at most 15 digits. 0; -1: it is none. */
FL_MUST int fl_listed_number(const char *text, size_t len, int64_t *number);

/* The number between BEFORE and AFTER, which are all else of NAME; -1: it is another name. */
int64_t fl_listed_between(const char *name, const char *before, const char *after);

/* The greatest of such numbers below BELOW in the list; -1: there is none. */
int64_t fl_listed_greatest(const struct fl_listed *l, const char *before, const char *after,
                           int64_t below);

#endif
