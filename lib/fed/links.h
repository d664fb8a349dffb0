/*
 * The lines of a hub's chain.tsv, by the model that each led to. The hub may write anything there:
 * what is no line of a chain is passed over, and what is found is checked by a plan's signature.
 */
#ifndef FL_FED_LINKS_H
#define FL_FED_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"

struct fl_link {
    int64_t round;
    int64_t order;         /* the round, or where rounds overlap the line's number */
    const char *from, *to; /* models, of 64 hexadecimal digits, in the text */
};

struct fl_links {
    struct fl_buf text;
    struct fl_link *links; /* by model, then by order */
    size_t count, cap;
};

/*
 * Read the file, of at most 256 MiB. OVERLAP: numbers of rounds say nothing of their order. 0 or
 * -1; release L in each case. Costs a sort.
 */
FL_MUST int fl_links_read(struct fl_links *l, const char *path, bool overlap);
void fl_links_release(struct fl_links *l);

/*
 * The line of the last round below BELOW that led to model TO, the last line of all where rounds
 * overlap (BELOW INT64_MAX); NULL: none. O(log lines).
 */
const struct fl_link *fl_links_find(const struct fl_links *l, const char *to, int64_t below);

#endif
