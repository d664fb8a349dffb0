#include "base/name.h"

#include "test.h"

static void
test_names(void)
{
    static const char *const good[] =
        {"a", "aws", "Site-7", "0.x_y-Z",
         "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz01234567890"};
    static const char *const bad[] =
        {"",    "-a",
         ".a",  "_a",
         "a b", "a/b",
         "a:b", "\xc3\xa9",
         "a\n", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz012345678901"};

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK(fl_name_valid(good[i]) && !fl_name_check(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(!fl_name_valid(bad[i]));
        CHECK(fl_name_check(bad[i]) == -1 && fl_error_status() == FL_USAGE);
        CHECK(strstr(fl_error_text(), *bad[i] ? "is no name; use 1 to 63" : "an empty name"));
    }
}

int
main(void)
{
    RUN(test_names);
    return test_end();
}
