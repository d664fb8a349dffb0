/* Names of the rules of a step, and the choices that options and rosters offer. */
#include "conf/apply_rule.h"

#include "test.h"

static void
test_names(void)
{
    static const char *const words[] = {"sgd", "momentum", "nesterov"};
    size_t length = 0;

    for (int i = 0; i <= FL_APPLY_NESTEROV; i++) {
        const char *name = fl_apply_rule_name((enum fl_apply_rule)i);
        CHECK_TEXT(name, words[i]);
        CHECK(fl_apply_rule_find(name) == i);
        CHECK(!strncmp(FL_APPLY_CHOICES + length, name, strlen(name)));
        length += strlen(name) + 1;
    }
    CHECK(length == sizeof FL_APPLY_CHOICES);
    CHECK(fl_apply_rule_find("adam") == -1);
    CHECK(fl_apply_rule_find("") == -1);
    CHECK(fl_apply_rule_find("SGD") == -1);
}

int
main(void)
{
    RUN(test_names);
    return test_end();
}
