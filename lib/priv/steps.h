/*
 * A file of steps that are planned, in YAML:
 *
 *     unit: document                          # what is hidden; any name, "unit" without it
 *     steps:                                  # events (priv/event.h), one or more an item
 *       - pgauss:q=0.01,nm=1*500
 *       - pgauss:q=0.02,nm=1.5*500+gauss:nm=5
 *
 * The list alone, or one event, will do too.
 */
#ifndef FL_PRIV_STEPS_H
#define FL_PRIV_STEPS_H

#include "base/must.h"
#include "priv/event.h"

/*
 * Add the events of a file ("-": standard input) to EVENTS; *UNIT is a copy, NULL if it has none,
 * free() it. -1 with an error that names the file and the line.
 */
FL_MUST int fl_steps_read(const char *path, struct fl_events *events, char **unit);

#endif
