#include "base/number.h"

#include "test.h"

static void
test_i64(void)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "x",
                                      "1x",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "0x10",
                                      "--1",
                                      "1e3",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "+",
                                      "-"};
    int64_t v = 77;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(fl_parse_i64(bad[i], INT64_MIN, INT64_MAX, &v) == -1);
        CHECK(fl_error_status() == FL_USAGE && strstr(fl_error_text(), bad[i]));
    }
    CHECK(v == 77);
    CHECK(!fl_parse_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &v) && v == INT64_MIN);
    CHECK(!fl_parse_i64("9223372036854775807", INT64_MIN, INT64_MAX, &v) && v == INT64_MAX);
    CHECK(!fl_parse_i64("010", 0, 10, &v) && v == 10); /* not octal */
    CHECK(!fl_parse_i64("3", 3, 3, &v) && v == 3);
    CHECK(fl_parse_i64("2", 3, 5, &v) == -1);
    CHECK_TEXT(fl_error_text(), "\"2\" is not a whole number from 3 to 5");
    CHECK(fl_parse_i64("6", 3, 5, &v) == -1);
}

static void
test_u64(void)
{
    static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "x", "18446744073709551616"};
    uint64_t v = 77;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(fl_parse_u64(bad[i], 0, UINT64_MAX, &v) == -1 && fl_error_status() == FL_USAGE);
    CHECK(v == 77);
    CHECK(!fl_parse_u64("18446744073709551615", 0, UINT64_MAX, &v) && v == UINT64_MAX);
    CHECK(fl_parse_u64("9", 1, 8, &v) == -1 && fl_parse_u64("0", 1, 8, &v) == -1);
}

static void
test_f64(void)
{
    static const char *const bad[] = {"",       " ",   "x",   "1x",   " 1",    "1 ",  "0x10",
                                      "-0X1p3", "nan", "inf", "-inf", "1e999", "1,5", "1.5.5"};
    double v = 77;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(fl_parse_f64(bad[i], -1e308, 1e308, &v) == -1 && fl_error_status() == FL_USAGE);
    CHECK(v == 77);
    CHECK(!fl_parse_f64("-1.5e-3", -1, 1, &v) && v == -1.5e-3);
    CHECK(!fl_parse_f64(".5", -1, 1, &v) && v == 0.5);
    CHECK(!fl_parse_f64("1", -1, 1, &v) && v == 1);
    CHECK(fl_parse_f64("1.0000001", -1, 1, &v) == -1);
    CHECK_TEXT(fl_error_text(), "\"1.0000001\" is not a number from -1 to 1");
}

static void
test_size(void)
{
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {{"0", 0},           {"7", 7},
                {"3k", 3072},       {"3K", 3072},
                {"64M", 64 << 20},  {"2G", 2ull << 30},
                {"1T", 1ull << 40}, {"16777215T", 16777215ull << 40}};
    static const char *const bad[] = {"",    "k",   "-1", "1.5k",      "1kk",
                                      "1kB", "1 k", "1P", "16777216T", "18446744073709551616"};
    uint64_t v = 77;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(fl_parse_size(bad[i], 0, UINT64_MAX, &v) == -1 && fl_error_status() == FL_USAGE);
    CHECK(v == 77);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK(!fl_parse_size(good[i].text, 0, UINT64_MAX, &v) && v == good[i].value);
    CHECK(fl_parse_size("1k", 0, 1023, &v) == -1 && fl_parse_size("1k", 1025, 2048, &v) == -1);
}

int
main(void)
{
    RUN(test_i64);
    RUN(test_u64);
    RUN(test_f64);
    RUN(test_size);
    return test_end();
}
