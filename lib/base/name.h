/*
 * Names of federations, sites and hubs: one rule wherever a name is read, so that what a key is
 * called can stand in every file, message, option and file name.
 */
#ifndef FL_BASE_NAME_H
#define FL_BASE_NAME_H

#include <stdbool.h>

#include "base/must.h"

enum { FL_SITE_MAX = 63 }; /* characters of a name */

#define FL_NAME_RULE "1 to 63 of A-Z a-z 0-9 . _ -, a letter or digit first" /* for messages */

bool fl_name_valid(const char *name);

/* The same for a name that was typed: 0, or -1 (FL_USAGE) with an error that tells the rule. */
FL_MUST int fl_name_check(const char *name);

#endif
