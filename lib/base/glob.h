/* Patterns over names: "*" stands for any characters, "?" for one; all others for themselves. */
#ifndef FL_BASE_GLOB_H
#define FL_BASE_GLOB_H

#include <stdbool.h>

/*
 * Does PATTERN match all of TEXT? Not fnmatch(3), whose brackets and locales differ from system to
 * system: what a pattern selects changes a sum, so it is the same everywhere. Cost O(pattern text).
 */
bool fl_glob(const char *pattern, const char *text);

#endif
