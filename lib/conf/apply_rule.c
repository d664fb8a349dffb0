/* Names of the rules of the server's step. */
#include "conf/apply_rule.h"

#include <string.h>

static const char *const names[] = {"sgd", "momentum", "nesterov"};

const char *
fl_apply_rule_name(enum fl_apply_rule rule)
{
    return names[rule];
}

int
fl_apply_rule_find(const char *name)
{
    for (int i = 0; i <= FL_APPLY_NESTEROV; i++)
        if (!strcmp(names[i], name))
            return i;
    return -1;
}
