#include "cli/report.h"

#include <unistd.h>

#include "os/file.h"
#include "test.h"

static const char *const columns[] = {"name", "n", "x", NULL};

/* What a report writes, read back; freed by the caller's release of OUT. */
static const char *
written(struct fl_report *r, struct fl_buf *out)
{
    int fd = fl_spool_open();

    CHECK(!fl_report_flush(r, fd, "spool"));
    off_t n = lseek(fd, 0, SEEK_CUR);
    fl_buf_clear(out);
    CHECK(!fl_buf_reserve(out, (size_t)n));
    CHECK(fl_pread_full(fd, "spool", out->data, (size_t)n, 0) == n);
    out->len = (size_t)n;
    out->data[n] = '\0';
    close(fd);
    return fl_buf_text(out);
}

static void
fill(struct fl_report *r)
{
    fl_report_text(r, "a\tb\nc\\d\"e\x01");
    fl_report_i64(r, INT64_MIN);
    fl_report_f64(r, 1.0 / 3, 6);
    fl_report_text(r, "");
    fl_report_none(r);
    fl_report_f64(r, NAN, 6);
    fl_report_text(r, "h\xc3\xa9");
    fl_report_number(r, "17");
    fl_report_number(r, "-inf");
}

static void
test_tsv(void)
{
    struct fl_report r;
    struct fl_buf out = {0};

    fl_report_start(&r, columns, false);
    fill(&r);
    CHECK_TEXT(written(&r, &out), "name\tn\tx\n"
                                  "a\\tb\\nc\\\\d\"e\\x01\t-9223372036854775808\t0.333333\n"
                                  "\t-\t-\n"
                                  "h\xc3\xa9\t17\t-inf\n");
    fl_report_text(&r, "later");
    fl_report_i64(&r, 1);
    fl_report_i64(&r, 2);
    CHECK_TEXT(written(&r, &out), "later\t1\t2\n"); /* one header line */
    fl_report_release(&r);
    fl_buf_release(&out);
}

static void
test_json(void)
{
    struct fl_report r;
    struct fl_buf out = {0};

    fl_report_start(&r, columns, true);
    fill(&r);
    CHECK_TEXT(written(&r, &out), "{\"name\": \"a\\tb\\nc\\\\d\\\"e\\u0001\", \"n\": "
                                  "-9223372036854775808, \"x\": 0.333333}\n"
                                  "{\"name\": \"\", \"n\": null, \"x\": null}\n"
                                  "{\"name\": \"h\xc3\xa9\", \"n\": 17, \"x\": null}\n");
    fl_report_release(&r);
    fl_buf_release(&out);
}

/* JSON is UTF-8 even where a file's name is not: every byte that does not belong is U+FFFD. */
static void
test_json_of_bytes(void)
{
    struct fl_report r;
    struct fl_buf out = {0};
    static const char *const one[] = {"f", NULL};

    fl_report_start(&r, one, true);
    fl_report_text(&r, "a\xff\xfe"
                       "b\xed\xa0\x80\xc3");
    fl_report_text(&r, "\xc3\xa9");
    CHECK_TEXT(written(&r, &out), "{\"f\": \"a\xef\xbf\xbd\xef\xbf\xbd"
                                  "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                                  "\xef\xbf\xbd\"}\n{\"f\": \"\xc3\xa9\"}\n");
    fl_report_release(&r);
    fl_buf_release(&out);
}

/* A list is one cell; in a tab-separated one a comma of an item is escaped. */
static void
fill_lists(struct fl_report *r)
{
    static const char *const sites[] = {"north", "a,b\\\t", "\xe2\x80\xae"};
    static const uint64_t dims[] = {0, UINT64_MAX};

    fl_report_list_text(r, sites, 3);
    fl_report_list_u64(r, dims, 2);
    fl_report_bool(r, true);
    fl_report_list_text(r, NULL, 0);
    fl_report_list(r);
    fl_report_f64(r, 0.1, 0);
    fl_report_f64(r, NAN, 0);
    fl_report_bool(r, false);
    fl_report_list_end(r);
    fl_report_hex(r, "\x00\xab", 2);
}

static void
test_lists(void)
{
    struct fl_report r;
    struct fl_buf out = {0};

    fl_report_start(&r, columns, false);
    fill_lists(&r);
    CHECK_TEXT(written(&r, &out), "name\tn\tx\n"
                                  "north,a\\,b\\\\\\t,\\u202e\t0,18446744073709551615\ttrue\n"
                                  "\t0.1,-,false\t00ab\n");
    fl_report_release(&r);
    fl_report_start(&r, columns, true);
    fill_lists(&r);
    CHECK_TEXT(written(&r, &out), "{\"name\": [\"north\", \"a,b\\\\\\t\", \"\\u202e\"], "
                                  "\"n\": [0, 18446744073709551615], \"x\": true}\n"
                                  "{\"name\": [], \"n\": [0.1, null, false], \"x\": \"00ab\"}\n");
    fl_report_release(&r);
    fl_buf_release(&out);
}

static void
fill_record(struct fl_report *r)
{
    fl_report_text(fl_report_key(r, "site"), "a\tb");
    fl_report_text(fl_report_key(r, "after"), NULL);
    fl_report_list_u64(fl_report_key(r, "shape"), (const uint64_t[]){2, 3}, 2);
    fl_report_f64(fl_report_key(r, "loss"), INFINITY, 9);
}

static void
test_record(void)
{
    struct fl_report r;
    struct fl_buf out = {0};

    fl_report_start_record(&r, false);
    fill_record(&r);
    CHECK_TEXT(written(&r, &out), "key\tvalue\nsite\ta\\tb\nafter\t-\nshape\t2,3\nloss\tinf\n");
    fl_report_release(&r);
    fl_report_start_record(&r, true);
    fill_record(&r);
    CHECK_TEXT(written(&r, &out),
               "{\"site\": \"a\\tb\", \"after\": null, \"shape\": [2, 3], \"loss\": null}\n");
    fl_report_release(&r);
    fl_report_start_record(&r, true);
    CHECK_TEXT(written(&r, &out), "{}\n");
    fl_report_release(&r);
    fl_buf_release(&out);
}

static void
test_bare(void)
{
    struct fl_report r;
    struct fl_buf out = {0};

    for (int json = 0; json < 2; json++) {
        fl_report_start(&r, columns, json);
        fl_report_bare(&r, "  ");
        fl_report_text(&r, "a");
        fl_report_u64(&r, 1);
        fl_report_none(&r);
        CHECK_TEXT(written(&r, &out),
                   json ? "{\"name\": \"a\", \"n\": 1, \"x\": null}\n" : "a  1  -\n");
        fl_report_release(&r);
    }
    fl_buf_release(&out);
}

/* As few digits as read back; with a number of digits, not more. */
static void
test_digits(void)
{
    static const struct {
        double value;
        int digits;
        const char *text;
    } cases[] = {{0.1, 0, "0.1"},         {1.0 / 3, 0, "0.3333333333333333"},
                 {1e300, 0, "1e+300"},    {-0.0, 0, "-0"},
                 {100, 9, "100"},         {2.0 / 3, 3, "0.667"},
                 {1 << 24, 0, "16777216"}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_report r;
        struct fl_buf out = {0};
        char want[60];
        fl_report_start_record(&r, true);
        fl_report_f64(fl_report_key(&r, "x"), cases[i].value, cases[i].digits);
        snprintf(want, sizeof want, "{\"x\": %s}\n", cases[i].text);
        CHECK_TEXT(written(&r, &out), want);
        fl_report_release(&r);
        fl_buf_release(&out);
    }
}

/* A long table is written in pieces, the header once. */
static void
test_drain(void)
{
    struct fl_report r;
    struct fl_buf out = {0};
    int fd = fl_spool_open();
    off_t before = 0, pieces = 0;

    fl_report_start(&r, columns, false);
    for (int i = 0; i < 30000; i++) {
        fl_report_text(&r, "a row");
        fl_report_i64(&r, i);
        fl_report_bool(&r, true);
        CHECK(!fl_report_drain(&r, fd, "spool"));
        off_t now = lseek(fd, 0, SEEK_CUR);
        pieces += now != before;
        before = now;
    }
    CHECK(pieces > 3 && pieces < 30);
    fl_report_release(&r);
    fl_buf_release(&out);
    close(fd);
}

static void
test_empty(void)
{
    struct fl_report r;
    struct fl_buf out = {0};

    fl_report_start(&r, columns, false);
    CHECK_TEXT(written(&r, &out), "name\tn\tx\n"); /* a table without rows has its header */
    CHECK_TEXT(written(&r, &out), "");
    fl_report_release(&r);
    fl_report_start(&r, columns, true);
    CHECK_TEXT(written(&r, &out), "");
    fl_report_release(&r);
    fl_buf_release(&out);
}

int
main(void)
{
    RUN(test_tsv);
    RUN(test_json);
    RUN(test_json_of_bytes);
    RUN(test_lists);
    RUN(test_record);
    RUN(test_bare);
    RUN(test_digits);
    RUN(test_drain);
    RUN(test_empty);
    return test_end();
}
