/*
 * The rules by which an update counts in a mean, as rosters, plans, sums and options name them.
 * What they compute is in fed/weights.h.
 */
#ifndef FL_CONF_WEIGHT_RULE_H
#define FL_CONF_WEIGHT_RULE_H

#include "base/must.h"

enum fl_weight_rule { FL_WEIGHT_EXAMPLES, FL_WEIGHT_UNIFORM, FL_WEIGHT_LOSS, FL_WEIGHT_DYNAMIC };
enum { FL_WEIGHT_RULES = FL_WEIGHT_DYNAMIC + 1 };

#define FL_WEIGHT_CHOICES "examples|uniform|loss|dynamic"
#define FL_WEIGHT_ALPHA   0.5 /* the default power of the bandwidth in dynamic weights */

const char *fl_weight_rule_name(enum fl_weight_rule rule);

/* The rule of a NAME, or -1 (no error recorded). */
FL_MUST int fl_weight_rule_find(const char *name);

#endif
