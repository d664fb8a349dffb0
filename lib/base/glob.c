/*
 * After a "*" the shortest match is tried first; when what follows does not fit, the last "*" takes
 * one character more. Earlier ones need not be tried again.
 */
#include "base/glob.h"

#include <stddef.h>

bool
fl_glob(const char *pattern, const char *text)
{
    const char *star = NULL, *from = NULL; /* after the last "*", and where its match ends */

    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            from = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star;
            text = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}
