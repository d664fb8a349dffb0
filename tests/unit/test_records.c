#include "data/records.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/output.h"
#include "test.h"

static char folder[] = "/tmp/fl-records-XXXXXX";
static char path[64];

static struct fl_records *
open_text(const char *name, const void *data, size_t len, struct fl_records_settings set)
{
    static const char *paths[1];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    CHECK(!fl_output_write_file(path, data, len, 0));
    paths[0] = path;
    return fl_records_open(paths, 1, &set);
}

/* The records of TEXT, each after the one before with a '|' between, "\n" shown as '/'. */
static const char *
cut_up(const char *name, const char *text, struct fl_records_settings set)
{
    static char all[4096];
    struct fl_records *r = open_text(name, text, strlen(text), set);
    struct fl_raw_record rec;
    size_t n = 0;
    int got;

    while ((got = fl_records_next(r, &rec)) == 1) {
        if (n)
            all[n++] = '|';
        CHECK(!memcmp(rec.data, text + rec.offset, rec.len));
        for (size_t i = 0; i < rec.len; i++)
            all[n++] = rec.data[i] == '\n' ? '/' : (char)rec.data[i];
    }
    CHECK(!got);
    all[n] = '\0';
    fl_records_free(r);
    return all;
}

static void
test_passages(void)
{
    const struct fl_records_settings two = {FL_RECORDS_AUTO, 64, 2, false, false, NULL},
                                     none = {FL_RECORDS_AUTO, 64, 0, false, false, NULL},
                                     ten = {FL_RECORDS_AUTO, 64, 10, false, false, NULL};

    CHECK_TEXT(cut_up("a", "", two), "");
    CHECK_TEXT(cut_up("a", "\n\n \t\r\n\n", two), "");
    CHECK_TEXT(cut_up("a", "one", two), "one");
    CHECK_TEXT(cut_up("a", "one\n\ntwo\n", two), "one/|two/");
    CHECK_TEXT(cut_up("a", "one\n\ntwo\n\nthree\n\nfour\n", ten), "one//two//three/|four/");
    CHECK_TEXT(cut_up("a", "one\r\n\r\ntwo\r\n", two), "one\r/|two\r/");
    CHECK_TEXT(cut_up("a", "\n\n  one\n \t \ntwo", two), "  one/|two");
    CHECK_TEXT(cut_up("a", "one\f\ftwo\n\f\nthree\f", ten), "one|two/|three");
    CHECK_TEXT(cut_up("a", "one\n\n\ntwo\fx\n\n", none), "one///two\fx//");
    CHECK_TEXT(cut_up("a", "\xef\xbb\xbfone\xef\xbb\xbf", two), "one\xef\xbb\xbf");
}

static void
test_cuts(void)
{
    const struct fl_records_settings set = {FL_RECORDS_AUTO, 64, 0, false, false, NULL};
    char text[200];
    size_t lens[8] = {0};

    memset(text, 'x', sizeof text);
    text[199] = '\0';
    text[40] = ' ';       /* one space in the second half: cut after it */
    text[41 + 50] = '\n'; /* a line end there: taken before the space after it */
    text[41 + 60] = ' ';
    memcpy(text + 92 + 40, "\n\n", 2); /* a blank line is taken before a later line end */
    text[92 + 60] = '\n';
    memcpy(text + 134 + 62, "\xe2\x82\xac", 3); /* no place: between characters */
    struct fl_records *r = open_text("cuts", text, 199, set);
    struct fl_raw_record rec;
    size_t n = 0;
    while (n < 8 && fl_records_next(r, &rec) == 1) {
        lens[n++] = rec.len;
        CHECK(rec.cut == (rec.offset + rec.len < 199));
    }
    CHECK(n == 5 && lens[0] == 41 && lens[1] == 51 && lens[2] == 42);
    CHECK(lens[3] == 62 && lens[4] == 3);
    fl_records_free(r);
}

static void
test_lines(void)
{
    const struct fl_records_settings set = {FL_RECORDS_AUTO, 64, 0, false, false, NULL};
    struct fl_buf text = {0};
    struct fl_raw_record rec;

    CHECK_TEXT(cut_up("a.jsonl", "{1}\n\n \r\n{2}\r\n{3}", set), "{1}|{2}\r|{3}");
    CHECK_TEXT(cut_up("a.ndjson", "{1}\n{2}\n", set), "{1}|{2}");
    /* a line of the limit passes, one more byte does not; lines after it are found again */
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < FL_RECORDS_LINE(64) + (i == 1); k++)
            fl_buf_add_byte(&text, '0' + (unsigned)i);
        fl_buf_add_byte(&text, '\n');
    }
    fl_buf_add_text(&text, "end");
    struct fl_records *r = open_text("b.jsonl", text.data, text.len, set);
    CHECK(fl_records_next(r, &rec) == 1 && rec.line == 1 && rec.len == FL_RECORDS_LINE(64));
    CHECK(fl_records_next(r, &rec) == 1 && rec.line == 3 && rec.data[0] == '2');
    CHECK(fl_records_next(r, &rec) == 1 && rec.line == 4 && rec.len == 3);
    CHECK(fl_records_next(r, &rec) == 0);
    CHECK(fl_records_file(r, 0)->overlong == 1 && fl_records_file(r, 0)->overlong_line == 2);
    CHECK(fl_records_file(r, 0)->bytes == text.len);
    fl_records_free(r);
    fl_buf_release(&text);
}

static void
test_kinds(void)
{
    static const char *const bad[] = {"\x1f\x8b\x08",
                                      "\x28\xb5\x2f\xfd...",
                                      "FLT1....",
                                      "%PDF-1.7",
                                      "PK\x03\x04",
                                      "BZh91AY&SY",
                                      "\xfd"
                                      "7zXZ"};
    const struct fl_records_settings set = {FL_RECORDS_AUTO, 64, 0, false, false, NULL};
    struct fl_raw_record rec;
    struct fl_records_found found;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fl_records *r = open_text("bad", bad[i], strlen(bad[i]), set);
        const char *paths[] = {path};
        CHECK(fl_records_next(r, &rec) == -1);
        CHECK(strstr(fl_error_text(), path) == fl_error_text());
        fl_error_clear();
        CHECK(fl_records_check(paths, 1, &set, &found) == -1 && fl_error_status() == FL_FAILED);
        fl_records_free(r);
    }
    const char *paths[] = {"/nonexistent/x"}, *dir[] = {folder};
    CHECK(fl_records_check(paths, 1, &set, &found) == -1);
    CHECK(fl_records_check(dir, 1, &set, &found) == -1);
}

static uint32_t
next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/*
 * Random text over many reads: records lie one after the other, none is longer than the maximum,
 * what is between them is blank lines and form feeds only, and lines are counted right.
 */
static void
test_random(void)
{
    static const char letters[] = "aaaaaaaaab  \n\n\n\f\r\xc3\xa9";
    uint32_t seed = 1;

    for (int round = 0; round < 12; round++) {
        size_t len = 200000 + next(&seed) % 900000, line = 1, at = 0, n = 0;
        char *text = malloc(len);
        const struct fl_records_settings set = {FL_RECORDS_TEXT,
                                                64u << next(&seed) % 14,
                                                round % 4 ? next(&seed) % 3000 : 0,
                                                true,
                                                false,
                                                NULL};
        unsigned dense = 1 + next(&seed) % 200;
        for (size_t i = 0; i < len; i++)
            text[i] = next(&seed) % dense ? 'w' : letters[next(&seed) % (sizeof letters - 1)];
        struct fl_records *r = open_text("random", text, len, set);
        struct fl_raw_record rec;
        int good = 1;
        while (good && fl_records_next(r, &rec) == 1) {
            for (; at < rec.offset; at++) {
                good &= strchr(" \t\r\n\f", text[at]) != NULL;
                line += text[at] == '\n';
            }
            good &= at == rec.offset && rec.line == line && rec.len && rec.len <= set.max;
            good &= !memcmp(rec.data, text + at, rec.len);
            for (; at < rec.offset + rec.len; at++)
                line += text[at] == '\n';
            n++;
        }
        for (; good && at < len; at++)
            good &= strchr(" \t\r\n\f", text[at]) != NULL;
        if (!good)
            printf("# round %d: record %zu at %zu\n", round, n, at);
        CHECK(good && n >= len / set.max);
        fl_records_free(r);
        free(text);
    }
}

int
main(void)
{
    if (!mkdtemp(folder))
        return 1;
    RUN(test_passages);
    RUN(test_cuts);
    RUN(test_lines);
    RUN(test_kinds);
    RUN(test_random);
    char command[80];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command))
        return 1;
    return test_end();
}
