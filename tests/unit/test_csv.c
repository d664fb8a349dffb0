#include "data/csv.h"

#include <csv.h>

#include "test.h"

enum { FIELDS = 40 };

struct table { /* rows as text: fields between '|', rows between '\n' */
    char text[2000];
    size_t len, fields;
};

static void
add(struct table *t, const char *data, size_t len)
{
    if (t->len + len >= sizeof t->text)
        return;
    memcpy(t->text + t->len, data, len);
    t->len += len;
    t->text[t->len] = '\0';
}

static void
take_field(void *data, size_t len, void *arg)
{
    struct table *t = arg;

    add(t, "|", t->fields++ > 0);
    add(t, data, len);
}

static void
take_row(int c, void *arg)
{
    struct table *t = arg;

    (void)c;
    t->fields = 0;
    add(t, "\n", 1);
}

/* By libcsv: false when it refuses the text. */
static int
by_twin(const char *text, size_t len, struct table *t)
{
    struct csv_parser p;

    *t = (struct table){.len = 0};
    csv_init(&p, CSV_STRICT | CSV_STRICT_FINI);
    csv_set_delim(&p, ';');
    csv_set_space_func(&p, NULL);
    /* libcsv takes spaces around quotes away, which RFC 4180 has not: such texts are not made */
    int good = csv_parse(&p, text, len, take_field, take_row, t) == len &&
               !csv_fini(&p, take_field, take_row, t);
    csv_free(&p);
    return good;
}

/* By ours: rows are found, then taken apart. */
static int
by_ours(const char *text, size_t len, struct table *t)
{
    static int slots[FIELDS];
    struct fl_csv_field fields[FIELDS];
    const unsigned char *p = (const unsigned char *)text;

    for (int i = 0; i < FIELDS; i++)
        slots[i] = i;
    *t = (struct table){.len = 0};
    for (size_t at = 0; at < len;) {
        struct fl_csv_state s = {0};
        bool ended = fl_csv_row_end(&s, p + at, len - at, ';');
        if (!ended && s.quoted && !s.closing)
            return 0;
        size_t end = s.at, cr = ended && end && text[at + end - 1] == '\r';
        int n = end - cr ? fl_csv_fields(p + at, end - cr, ';', slots, FIELDS, fields) : 0;
        if (n < 0)
            return 0;
        for (int i = 0; i < n; i++) {
            add(t, "|", i > 0);
            for (size_t k = 0; k < fields[i].len; k++) {
                add(t, text + at + fields[i].at + k, 1);
                k += fields[i].escapes && text[at + fields[i].at + k] == '"';
            }
        }
        if (n)
            add(t, "\n", 1);
        at += end + ended;
    }
    return 1;
}

static void
test_against_libcsv(void)
{
    static const char *const pieces[] = {"a",          "b c",  ";",     ";",       "\n",
                                         "\r\n",       "\"\"", "\"x\"", "\"a;b\"", "\"l\nm\"",
                                         "\"q\"\"r\"", "\"",   "z"};
    uint32_t seed = 9;
    int good = 0, bad = 0;

    for (int round = 0; round < 100000; round++) {
        char text[200];
        struct table twin, ours;
        size_t len = 0;
        text[0] = '\0';
        for (int i = 0; i < 12; i++) {
            seed = seed * 1664525u + 1013904223u;
            len += (size_t)snprintf(text + len, sizeof text - len, "%s",
                                    pieces[(seed >> 16) % (sizeof pieces / sizeof *pieces)]);
        }
        int a = by_twin(text, len, &twin), b = by_ours(text, len, &ours);
        if (a != b || (a && strcmp(twin.text, ours.text)))
            printf("# %s\n# libcsv %d: %s\n# ours %d: %s\n", text, a, twin.text, b, ours.text);
        CHECK(a == b && (!a || !strcmp(twin.text, ours.text)));
        good += a;
        bad += !a;
    }
    CHECK(good > 5000 && bad > 5000);
}

/* The end of a row is the same wherever the text was cut before. */
static void
test_pieces(void)
{
    const char *text = "a;\"b\n\"\"c\";\"\";d\ne\n";
    const unsigned char *p = (const unsigned char *)text;

    for (size_t step = 1; step <= strlen(text); step++) {
        struct fl_csv_state s = {0};
        bool ended = false;
        for (size_t len = step; !ended && len < strlen(text) + step; len += step)
            ended = fl_csv_row_end(&s, p, len < strlen(text) ? len : strlen(text), ';');
        CHECK(ended && s.at == 14 && text[s.at] == '\n');
    }
}

static void
test_header(void)
{
    static const struct {
        const char *row, *why;
    } bad[] = {{"sep=;", "\"sep=\" is a spreadsheet program's"},
               {"a;b;a", "two columns are called \"a\""},
               {"a;b\"c", "is no row of names of columns"}};
    struct fl_csv_header h = {0};
    const char *row = " a ;\"b\"\"c\";;";

    CHECK(!fl_csv_header_read(&h, (const unsigned char *)row, strlen(row), ';'));
    CHECK(h.count == 4 && fl_csv_header_find(&h, "a") == 0 && fl_csv_header_find(&h, "b\"c") == 1);
    CHECK(fl_csv_header_find(&h, "c") == -1);
    fl_csv_header_release(&h);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        row = bad[i].row;
        CHECK(fl_csv_header_read(&h, (const unsigned char *)row, strlen(row), ';') == -1);
        CHECK(strstr(fl_error_text(), bad[i].why) != NULL);
        fl_csv_header_release(&h);
    }
}

int
main(void)
{
    RUN(test_against_libcsv);
    RUN(test_pieces);
    RUN(test_header);
    return test_end();
}
