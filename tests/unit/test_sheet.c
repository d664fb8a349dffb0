#include "page/sheet.h"

#include <unistd.h>

#include "os/output.h"
#include "test.h"

/* A file with this text; its name, until the next call. */
static const char *
file_of(const char *text, size_t n)
{
    static char name[64];

    snprintf(name, sizeof name, "/tmp/test_sheet.%d", (int)getpid());
    CHECK(!fl_output_write_file(name, text, n, 0));
    return name;
}

static void
test_cells(void)
{
    struct fl_sheet s;
    double v;

    CHECK(!fl_sheet_read(&s, file_of("a\tb\n1\t\n-\tx y\nhalf a li", 22)));
    CHECK(s.rows == 2 && s.columns == 2);
    CHECK(fl_sheet_find(&s, "b") == 1 && fl_sheet_find(&s, "c") == -1);
    CHECK_TEXT(fl_sheet_cell(&s, 0, 0), "1");
    CHECK_TEXT(fl_sheet_cell(&s, 0, 1), "");
    CHECK_TEXT(fl_sheet_cell(&s, 1, 1), "x y");
    CHECK_TEXT(fl_sheet_cell(&s, 1, -1), "-");
    CHECK(fl_sheet_number("-2.5e3", &v) && v == -2500);
    CHECK(!fl_sheet_number("", &v) && !fl_sheet_number("-", &v) && !fl_sheet_number("1x", &v));
    CHECK(!fl_sheet_number("nan", &v) && !fl_sheet_number("1e999", &v));
    fl_sheet_release(&s);
    unlink(file_of("", 0));
}

static void
test_refused(void)
{
    static const struct {
        const char *text, *says;
        size_t len;
    } cases[] = {
        {"", "has no header line", 0},
        {"a\tb", "has no header line", 3},
        {"a\tb\n1\n", "line 2 has 1 cells, its header line 2", 6},
        {"a\tb\n1\t2\t3\n", "line 2 has 3 cells", 10},
        {"a\ta\n", "has two columns \"a\"", 4},
        {"a\n\0\n", "holds a zero byte", 4},
    };
    struct fl_sheet s;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(fl_sheet_read(&s, file_of(cases[i].text, cases[i].len)) == -1);
        CHECK(strstr(fl_error_text(), cases[i].says));
        CHECK(!s.cells && !s.text.data);
    }
    unlink(file_of("", 0));
}

/* Seconds from date(1) of another machine's C library: leap years, ends of months and centuries. */
static void
test_time(void)
{
    static const struct {
        const char *text;
        double seconds;
    } cases[] = {{"1970-01-01T00:00:00Z", 0},          {"2000-02-29T12:00:00Z", 951825600},
                 {"2000-03-01T00:00:00Z", 951868800},  {"2026-11-27T16:07:47Z", 1795795667},
                 {"2100-02-28T23:59:59Z", 4107542399}, {"2100-03-01T00:00:00Z", 4107542400}};
    double v;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK(fl_sheet_time(cases[i].text, &v) && v == cases[i].seconds);
    CHECK(!fl_sheet_time("2026-11-27", &v) && !fl_sheet_time("2026-11-27T16:07:47", &v));
    CHECK(!fl_sheet_time("-", &v) && !fl_sheet_time("ZZZZ-11-27T16:07:47Z", &v));
}

int
main(void)
{
    RUN(test_cells);
    RUN(test_refused);
    RUN(test_time);
    return test_end();
}
