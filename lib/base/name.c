/* The letters are listed: ranges and <ctype.h> would follow the locale. */
#include "base/name.h"

#include <string.h>

#include "base/error.h"

bool
fl_name_valid(const char *name)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    static const char more[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strlen(name);

    return len <= FL_SITE_MAX && strspn(name, first) && strspn(name, more) == len;
}

int
fl_name_check(const char *name)
{
    if (fl_name_valid(name))
        return 0;
    if (!*name)
        return fl_error(FL_USAGE, "an empty name; use " FL_NAME_RULE);
    return fl_error(FL_USAGE, "\"%.80s\" is no name; use " FL_NAME_RULE, name);
}
