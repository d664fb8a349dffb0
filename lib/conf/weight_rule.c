/*
 * The table is indexed by the enum; FL_WEIGHT_CHOICES lists the same names for options and
 * messages.
 */
#include "conf/weight_rule.h"

#include <string.h>

static const char *const names[FL_WEIGHT_RULES] = {
    [FL_WEIGHT_EXAMPLES] = "examples",
    [FL_WEIGHT_UNIFORM] = "uniform",
    [FL_WEIGHT_LOSS] = "loss",
    [FL_WEIGHT_DYNAMIC] = "dynamic",
};

const char *
fl_weight_rule_name(enum fl_weight_rule rule)
{
    return names[rule];
}

int
fl_weight_rule_find(const char *name)
{
    for (int i = 0; i < FL_WEIGHT_RULES; i++)
        if (!strcmp(names[i], name))
            return i;
    return -1;
}
