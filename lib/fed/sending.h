/*
 * When an upload may leave that hides the documents of its site (noise: {local}). The moment in
 * which a training ends tells how many tokens were drawn, which costs epsilon up to twice as much
 * at few documents; so the upload leaves at a time that was fixed before.
 */
#ifndef FL_FED_SENDING_H
#define FL_FED_SENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "fed/standing.h"

/*
 * Does this party's file of KIND stay at home for now: an upload ("up") of ROUND under such noise,
 * until conf's send before the plan's deadline? Where the plan cannot be read it stays too.
 */
bool fl_sending_waits(struct fl_standing *s, uint64_t round, const char *kind);

#endif
