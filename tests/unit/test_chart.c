#include "page/chart.h"

#include "test.h"

static size_t
times(const char *text, const char *word)
{
    size_t n = 0;

    for (; (text = strstr(text, word)); text++)
        n++;
    return n;
}

static void
test_lines(void)
{
    struct fl_chart c = {.title = "a<b", .x = "round", .y = "loss", .from_zero = true};
    struct fl_buf out = {0};

    CHECK(!fl_chart_lines(&c, &out) && !out.len);
    CHECK(!fl_chart_add(&c, "s\"1", 1, 10) && !fl_chart_add(&c, "s\"1", 3, 20));
    CHECK(!fl_chart_add(&c, "two", 2, 15));
    CHECK(!fl_chart_lines(&c, &out));
    const char *text = fl_buf_text(&out);
    /* the frame is 520 by 290 with margins 70, 16, 10, 46: 1 is at its left, 3 at its right end */
    CHECK(strstr(text, "d=\"M70.0 127.0L504.0 10.0\""));
    CHECK(strstr(text, "d=\"M287.0 68.5\""));
    CHECK(times(text, "<title>") == 1 && times(text, "a&#60;b") == 3 && !strstr(text, "a<b"));
    CHECK(!strstr(text, "s\"1") && times(text, "s&#34;1") == 3); /* key, and two rows */
    CHECK(times(text, "<tr>") == 4);
    /* rounds are whole: 1, 2 and 3 stand below the axis, and nothing between them */
    CHECK(times(text, "y=\"261.0\" text-anchor=\"middle\"") == 3 && !strstr(text, ">1.5<"));
    fl_chart_release(&c);
    fl_buf_release(&out);
}

/* One value, equal ones, tiny and huge ones: no NaN and nothing outside of the frame. */
static void
test_ranges(void)
{
    static const double cases[][2] = {{0, 0},           {5, 5},          {-1, -1},   {1e-9, 2e-9},
                                      {1e15, 1e15 + 1}, {-1e300, 1e300}, {0, 1e-300}};
    struct fl_buf out = {0};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_chart c = {.title = "t", .x = "x", .y = "y"};
        CHECK(!fl_chart_add(&c, "s", cases[i][0], cases[i][0]));
        CHECK(!fl_chart_add(&c, "s", cases[i][1], cases[i][1]));
        fl_buf_clear(&out);
        CHECK(!fl_chart_lines(&c, &out));
        CHECK(!strstr(fl_buf_text(&out), "nan") && !strstr(fl_buf_text(&out), "inf"));
        CHECK(out.len < 10000);
        fl_chart_release(&c);
    }
    fl_buf_release(&out);
}

static void
test_bars(void)
{
    struct fl_chart c = {.title = "t", .x = "step", .y = "seconds"};
    struct fl_buf out = {0};

    CHECK(!fl_chart_sum(&c, "train", 3) && !fl_chart_sum(&c, "mask", 1.5));
    CHECK(!fl_chart_sum(&c, "train", 4));
    CHECK(!fl_chart_bars(&c, &out));
    /* 520 less 150 for names and 80 for values */
    CHECK(strstr(fl_buf_text(&out), "width=\"290.0\"") && strstr(fl_buf_text(&out), ">7</text>"));
    CHECK(strstr(fl_buf_text(&out), "width=\"62.1\""));
    fl_chart_release(&c);
    fl_buf_release(&out);
}

static void
test_fold(void)
{
    static const char *const names[] = {"greatest", "median", "least"};
    struct fl_chart c = {.title = "t", .x = "x", .y = "y", .from_zero = true};
    char name[8];

    for (int s = 0; s < 21; s++)
        for (int x = 0; x < 5; x++) {
            snprintf(name, sizeof name, "%d", s);
            CHECK(!fl_chart_add(&c, name, x, 100 * x + (s * 8) % 21));
        }
    CHECK(!fl_chart_fold(&c, 21) && c.count == 21);
    CHECK(!fl_chart_fold(&c, 20) && c.count == 3 && c.from_zero);
    for (int s = 0; s < 3; s++) {
        CHECK_TEXT(c.series[s].name, names[s]);
        CHECK(c.series[s].count == 5 && c.series[s].points[4].x == 4);
        CHECK(c.series[s].points[4].y == 400 + 20 - 10 * s);
    }
    fl_chart_release(&c);
}

int
main(void)
{
    RUN(test_lines);
    RUN(test_ranges);
    RUN(test_bars);
    RUN(test_fold);
    return test_end();
}
