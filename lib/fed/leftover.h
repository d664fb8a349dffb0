/*
 * What a party of a federation needs no more: large files of rounds that are over, models and
 * updates that no round which stays is over. The last "keep" rounds (conf/federation.h) stay, and
 * at the hub plans and means of all, by which somebody who was away follows.
 */
#ifndef FL_FED_LEFTOVER_H
#define FL_FED_LEFTOVER_H

#include <stdbool.h>

#include "base/must.h"
#include "fed/standing.h"

/* Told of a file or a folder, by its name from WORK on; true: that is enough. */
typedef bool fl_leftover_tell(void *arg, const char *path);

/* At a hub, or at another party: 1 when one was enough for TELL, else 0; or -1. */
FL_MUST int fl_leftover_find(struct fl_standing *s, fl_leftover_tell *tell, void *arg);

#endif
