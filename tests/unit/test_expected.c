/* Who must be in a sum: names once each, in any order, and exit 4 while some are missing. */
#include "fed/expected.h"

#include "test.h"

static void
test_names(void)
{
    static const char *const bad[] = {"", "a,", ",a", "a,,b", "a b", "../a", "c,d,c", "z"};
    struct fl_expected e = {0};

    CHECK(!fl_expected_any(&e));
    CHECK(!fl_expected_sites(&e, "z,b,y") && e.count == 3 && fl_expected_any(&e));
    CHECK_TEXT(e.sites[0], "b");
    CHECK_TEXT(e.sites[2], "z");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(fl_expected_sites(&e, bad[i]) == -1 && fl_error_status() == FL_USAGE);
    fl_expected_release(&e);
    CHECK(!e.count && !fl_expected_any(&e));
}

static void
test_admit(void)
{
    struct fl_expected e = {0};

    CHECK(!fl_expected_admit(&e, "u.flt", "a") && !fl_expected_admit(&e, "u.flt", NULL));
    e.least = 3;
    CHECK(!fl_expected_admit(&e, "u.flt", "a") && !fl_expected_admit(&e, "u.flt", NULL));
    e.least = 0;
    CHECK(!fl_expected_sites(&e, "north,south"));
    CHECK(!fl_expected_admit(&e, "u.flt", "south"));
    CHECK(fl_expected_admit(&e, "u.flt", "nort") == -1 && fl_error_status() == FL_REFUSED);
    CHECK_TEXT(fl_error_text(), "u.flt: is of site \"nort\", which is not one of --sites; did you "
                                "mean \"north\"?");
    CHECK(fl_expected_admit(&e, "u.flt", NULL) == -1 && fl_error_status() == FL_FAILED);
    fl_expected_release(&e);
}

static void
test_complete(void)
{
    static const char *const in[] = {"a", "c", "d"};
    struct fl_expected e = {0};

    CHECK(!fl_expected_check(&e, NULL, 0, 0));
    CHECK(!fl_expected_sites(&e, "d,a,c") && !fl_expected_check(&e, in, 3, 3));
    CHECK(!fl_expected_sites(&e, "e,b"));
    CHECK(fl_expected_check(&e, in, 3, 3) == -1 && fl_error_status() == FL_NOT_YET);
    CHECK(strstr(fl_error_text(), "2 of 5 sites missing: b, e; "));
    CHECK(fl_expected_check(&e, NULL, 0, 0) == -1 && strstr(fl_error_text(), "a, b, c, d, e; "));
    fl_expected_release(&e);
    e.least = 3;
    CHECK(!fl_expected_check(&e, in, 3, 3) && !fl_expected_check(&e, NULL, 0, 4));
    CHECK(fl_expected_check(&e, in, 2, 2) == -1 && fl_error_status() == FL_NOT_YET);
}

int
main(void)
{
    RUN(test_names);
    RUN(test_admit);
    RUN(test_complete);
    return test_end();
}
