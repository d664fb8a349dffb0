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
                                  "a\\tb\\nc\\\\d\"e\x01\t-9223372036854775808\t0.333333\n"
                                  "\t-\tnan\n"
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
    CHECK_TEXT(written(&r, &out), "{\"name\": \"a\\u0009b\\nc\\\\d\\\"e\\u0001\", \"n\": "
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
    RUN(test_empty);
    return test_end();
}
