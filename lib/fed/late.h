/*
 * In a buffered round (sec/pace.h, stale) an update that came too late for its own round is sent in
 * a later one, where it counts by its age, before the site trains another.
 */
#ifndef FL_FED_LATE_H
#define FL_FED_LATE_H

#include <stdbool.h>

#include "base/must.h"
#include "fed/standing.h"

/*
 * At a site: is there an update that counts in ROUND, whose plan is here, and that the hub has
 * taken in no round? *FOUND, and BASE is the model that it began at, the newest there is. 0 or -1.
 */
FL_MUST int fl_late_find(struct fl_standing *s, uint64_t round, char base[65], bool *found);

#endif
