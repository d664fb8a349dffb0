#include "data/document.h"

#include "test.h"

static struct fl_document doc;
static struct fl_reading reading;

static int
make(const char *data, size_t len, bool jsonl, bool refuse, struct fl_document_counts *counts)
{
    const struct fl_raw_record record = {.data = (const unsigned char *)data,
                                         .len = len,
                                         .offset = 100,
                                         .line = 7,
                                         .format = jsonl ? FL_RECORDS_JSONL : FL_RECORDS_TEXT};
    const struct fl_columns columns = {0};
    const struct fl_clean_rules rules = {.refuse_invalid = refuse};
    const struct fl_document_way way = {&reading, &columns, &rules, NULL};
    int got = fl_document_make(&doc, &record, &way);

    *counts = doc.found;
    CHECK(got < 0 || fl_fates_sum(&counts->fates, FL_FATE_KEPT, FL_FATES - 1) == len);
    return got;
}

static void
check_text(const char *data, size_t len, const char *want)
{
    struct fl_document_counts counts;

    CHECK(make(data, len, false, false, &counts) == (*want != '\0'));
    CHECK_TEXT(fl_buf_text(&doc.made.text), want);
    CHECK(counts.records == 1 && counts.empty == !*want);
}

static void
test_text(void)
{
    struct fl_document_counts counts;

    check_text("a", 1, "a");
    check_text(" \t\n\n  a b \n \t\n", 13, "  a b");
    check_text(" \n\t\r\n\f", 6, "");
    check_text("a\r\nb\rc\r\r\nd\n", 11, "a\nb\rc\r\nd");
    check_text("e\xcc\x81", 3, "\xc3\xa9");
    check_text("a\xff", 2, "a\xef\xbf\xbd");
    CHECK(make("a\0b\r\n\xe2\x82z\xff.\r\n", 12, false, false, &counts) == 1);
    CHECK(doc.made.text.len == 12 &&
          !memcmp(doc.made.text.data, "a\0b\n\xef\xbf\xbdz\xef\xbf\xbd.", 12));
    CHECK(counts.clean.crlf == 2 && counts.replaced == 2 && counts.first_invalid == 105);
    CHECK(make("ab\xff", 3, false, true, &counts) == -1 && strstr(fl_error_text(), "byte 102 "));
}

static void
test_json(void)
{
    struct fl_document_counts counts;
    static const char half[] = "{\"text\": \"a\\ud800\"}";

    CHECK(make("{\"text\": \" a\\r\\n\"}", 18, true, false, &counts) == 1);
    CHECK_TEXT(fl_buf_text(&doc.made.text), " a");
    CHECK(make("{\"text\": \" \"}", 13, true, false, &counts) == 0 && counts.empty == 1);
    CHECK(make("{\"text\": 5}", 11, true, false, &counts) == 0);
    CHECK(counts.no_field == 1 && counts.no_field_line == 7);
    CHECK(make("{\"text\"", 7, true, false, &counts) == 0);
    CHECK(counts.malformed == 1 && counts.malformed_line == 7);
    CHECK(make("{\"text\": \"\xff\"}", 13, true, false, &counts) == 1);
    CHECK(counts.replaced == 1 && counts.first_invalid == 110);
    CHECK(make(half, sizeof half - 1, true, false, &counts) == 1);
    CHECK_TEXT(fl_buf_text(&doc.made.text), "a\xef\xbf\xbd");
    CHECK(counts.replaced == 1 && counts.first_invalid == 111);
    CHECK(make(half, sizeof half - 1, true, true, &counts) == -1);
}

static void
test_counts(void)
{
    struct fl_document_counts a = {0}, b = {.records = 1, .replaced = 2, .first_invalid = 0},
                              c = {.records = 1, .replaced = 1, .first_invalid = 9, .cuts = 1};

    fl_document_count(&a, &b);
    fl_document_count(&a, &c);
    CHECK(a.records == 2 && a.replaced == 3 && a.first_invalid == 0 && a.cuts == 1);
}

int
main(void)
{
    if (fl_reading_plain(&reading, "text"))
        return 1;
    RUN(test_text);
    RUN(test_json);
    RUN(test_counts);
    fl_document_release(&doc);
    fl_reading_release(&reading);
    return test_end();
}
