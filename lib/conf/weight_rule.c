/*
 * The table is indexed by the enum; FL_WEIGHT_CHOICES lists the same names for options and
 * messages.
 */
#include "conf/weight_rule.h"

#include <string.h>

static const struct {
    const char *name;
    double cap;
} rules[FL_WEIGHT_RULES] = {
    [FL_WEIGHT_EXAMPLES] = {"examples", 1e6},
    [FL_WEIGHT_UNIFORM] = {"uniform", 1},
    [FL_WEIGHT_LOSS] = {"loss", 100},
    [FL_WEIGHT_DYNAMIC] = {"dynamic", 1000},
};

const char *
fl_weight_rule_name(enum fl_weight_rule rule)
{
    return rules[rule].name;
}

int
fl_weight_rule_find(const char *name)
{
    for (int i = 0; i < FL_WEIGHT_RULES; i++)
        if (!strcmp(rules[i].name, name))
            return i;
    return -1;
}

double
fl_weight_rule_cap(enum fl_weight_rule rule)
{
    return rules[rule].cap;
}
