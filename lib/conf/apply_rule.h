/*
 * The rules by which a mean becomes the next model, as rosters, states and options name them. What
 * they compute is in fed/server.h.
 */
#ifndef FL_CONF_APPLY_RULE_H
#define FL_CONF_APPLY_RULE_H

#include "base/must.h"

enum fl_apply_rule { FL_APPLY_SGD, FL_APPLY_MOMENTUM, FL_APPLY_NESTEROV };

#define FL_APPLY_CHOICES "sgd|momentum|nesterov"

const char *fl_apply_rule_name(enum fl_apply_rule rule);

/* The rule of a NAME, or -1 (no error recorded). */
FL_MUST int fl_apply_rule_find(const char *name);

#endif
