/* Names of weight rules, and the choices that options offer. */
#include "conf/weight_rule.h"

#include "test.h"

static void
test_names(void)
{
    size_t length = 0;

    for (int i = 0; i < FL_WEIGHT_RULES; i++) {
        const char *name = fl_weight_rule_name((enum fl_weight_rule)i);
        CHECK(fl_weight_rule_find(name) == i);
        CHECK(!strncmp(FL_WEIGHT_CHOICES + length, name, strlen(name)));
        length += strlen(name) + 1;
    }
    CHECK(length == sizeof FL_WEIGHT_CHOICES);
    CHECK(fl_weight_rule_find("median") == -1);
    CHECK(fl_weight_rule_find("") == -1);
}

int
main(void)
{
    RUN(test_names);
    return test_end();
}
