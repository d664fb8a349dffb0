/*
 * Who must be in a sum before it counts: exactly these sites, or at least so many. What is not here
 * yet is FL_NOT_YET, so that a script that waits can tell it from damage.
 */
#ifndef FL_FED_EXPECTED_H
#define FL_FED_EXPECTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

struct fl_expected { /* zeroed: anybody */
    char **sites;    /* sorted; exactly these */
    size_t count, cap;
    uint64_t least; /* or at least so many; 0: any number */
};

void fl_expected_release(struct fl_expected *e);

/* Something is expected at all. */
bool fl_expected_any(const struct fl_expected *e);

/* Add the sites of "a,b,c". -1 (FL_USAGE) when one is no name, or is named twice. */
FL_MUST int fl_expected_sites(struct fl_expected *e, const char *text);

/*
 * The update in FILE is of SITE, NULL when it names none. 0, or -1: FL_REFUSED when others are
 * expected, FL_FAILED when it must have a name and has none.
 */
FL_MUST int fl_expected_admit(const struct fl_expected *e, const char *file, const char *site);

/*
 * Is everybody in, when SITES (COUNT, sorted) are, and updates of TOTAL sites? 0, or -1
 * (FL_NOT_YET) with an error that names who is missing.
 */
FL_MUST int fl_expected_check(const struct fl_expected *e, const char *const *sites, size_t count,
                              uint64_t total);

#endif
