/* Lines of JSON: what is taken, and what is said of each that is not. */
#include "data/json_rows.h"

#include <unistd.h>

#include "test.h"

static char path[] = "/tmp/test_json_rows.XXXXXX";

static int
read_rows(struct fl_json_rows *r, const char *text, size_t len)
{
    FILE *f = fopen(path, "wb");

    *r = (struct fl_json_rows){.name = NULL};
    CHECK(f && fwrite(text, 1, len, f) == len && !fclose(f));
    return fl_json_rows_read(r, path);
}

static void
test_rows(void)
{
    static const char text[] = "\xef\xbb\xbf{\"a\": \"x\\u0000\\u00e9\", \"a\": \"y\\u0000z\"}\r\n"
                               "\n"
                               "{\"n\": 3, \"x\": 0.5, \"nothing\": null}";
    struct fl_json_rows r;
    struct fl_json_text t;
    int64_t n = 7;
    double x = 7;

    CHECK(!read_rows(&r, text, sizeof text - 1));
    CHECK(r.count == 2 && r.rows[0].line == 1 && r.rows[1].line == 3);
    CHECK(!fl_json_text(r.rows[0].object, "a", &t) && t.len == 3 && !memcmp(t.data, "y\0z", 3));
    CHECK(!fl_json_whole(r.rows[0].object, "n", 0, 9, &n) && n == 7); /* absent: it stays */
    CHECK(!fl_json_whole(r.rows[1].object, "nothing", 0, 9, &n) && n == 7);
    CHECK(!fl_json_whole(r.rows[1].object, "n", 0, 9, &n) && n == 3);
    CHECK(!fl_json_number(r.rows[1].object, "n", 0, 9, &x) && x == 3);
    CHECK(!fl_json_number(r.rows[1].object, "x", 0, 9, &x) && x == 0.5);
    CHECK(fl_json_whole(r.rows[1].object, "x", 0, 9, &n) == -1);
    CHECK(fl_json_whole(r.rows[1].object, "n", 0, 2, &n) == -1);
    CHECK(fl_json_number(r.rows[1].object, "n", 4, 9, &x) == -1);
    CHECK(fl_json_number(r.rows[0].object, "a", 4, 9, &x) == -1);
    CHECK(fl_json_text(r.rows[1].object, "n", &t) == -1);
    CHECK(fl_json_text(r.rows[1].object, "none", &t) == -1 && fl_json_rows_fail(&r, 1) == -1);
    CHECK(strstr(fl_error_text(), ": line 3: has no field \"none\""));
    fl_error_clear();
    fl_json_rows_release(&r);
}

static void
test_refused(void)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "has no line"},
        {"\n\n", "has no line"},
        {"{\"a\": 1}\n[1]\n", ": line 2: is JSON, but no object"},
        {"{\"a\": 1}\n\"text\"\n", ": line 2: is no JSON object at byte"},
        {"{\"a\": 1}\n{\"a\": \n", ": line 2: is no JSON object at byte"},
        {"{\"a\": 1} {\"a\": 2}\n", ": line 1: is no JSON object at byte"},
        {"{\"a\": \"\xff\"}\n", ": line 1: is no JSON object at byte"},
        {"{\"a\": \"\\ud800\"}\n", ": line 1: is no JSON object at byte"},
        {"plain text\n", "line 1"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_json_rows r;
        CHECK(read_rows(&r, cases[i].text, strlen(cases[i].text)) == -1);
        CHECK(fl_error_status() == FL_FAILED && strstr(fl_error_text(), cases[i].says));
        CHECK(strstr(fl_error_text(), path) == fl_error_text());
        fl_error_clear();
        fl_json_rows_release(&r);
    }
}

int
main(void)
{
    close(mkstemp(path));
    RUN(test_rows);
    RUN(test_refused);
    unlink(path);
    return test_end();
}
