/* The lines of a state (sec/state_file.h) that say which sets were summed over which models. */
#ifndef FL_SEC_STATE_NEAR_H
#define FL_SEC_STATE_NEAR_H

#include <stdbool.h>

#include "base/must.h"
#include "sec/near.h"
#include "sec/vault.h"

/* Is the line at hand one of these? Then add what it says to NEAR. 0 or -1. */
bool fl_state_near_is(const struct fl_vault *v);
FL_MUST int fl_state_near_read(struct fl_vault *v, struct fl_near *near);

FL_MUST int fl_state_near_put(struct fl_vault *v, const struct fl_near *near);

#endif
