/*
 * No document is slow under a contract either: identifiers, near duplicates, mojibake and the rest
 * of cleaning, a table's and a conversation's reader, against prose through the same. Bounds are
 * wide, as in test_hostile.c; what is quadratic misses them by factors of hundreds.
 */
#include <fcntl.h>
#include <time.h>

#include "data/contract.h"
#include "hostile.h"
#include "test.h"

enum { BOUND = 12, TIMES = 3, BYTES = 300000 };

static const char contract_text[] =
    "contract: linear\nrules: 1\nunicode: {mojibake: repair}\n"
    "identifiers: {own: {pattern: [\"A*3-9*4\", \"MRN-9999999\"]}}\nduplicates: {near: {}}\n";

/* Pieces that a file is made of, again and again. */
static const struct {
    const char *name, *piece;
    enum fl_records_format format;
} kinds[] = {
    {"at signs", "@", FL_RECORDS_TEXT},
    {"addresses without an end", "a@b.", FL_RECORDS_TEXT},
    {"1-1-1", "1-", FL_RECORDS_TEXT},
    {"digits", "4111111111111111", FL_RECORDS_TEXT},
    {"grouped digits", "12 34 ", FL_RECORDS_TEXT},
    {"capitals and digits", "ABC-1234 ", FL_RECORDS_TEXT},
    {"colons", "::1", FL_RECORDS_TEXT},
    {"schemes", "http://", FL_RECORDS_TEXT},
    {"words of context", "born on ", FL_RECORDS_TEXT},
    {"mojibake", "\xc3\x83\xc2\xa9", FL_RECORDS_TEXT},
    {"half of mojibake", "\xc3\x83", FL_RECORDS_TEXT},
    {"zero width", "\xe2\x80\x8b", FL_RECORDS_TEXT},
    {"marks", "\xcc\x81\xcc\xa3", FL_RECORDS_TEXT},
    {"controls", "\x01", FL_RECORDS_TEXT},
    {"CR", "\r", FL_RECORDS_TEXT},
    {"bytes that are no UTF-8", "\xff", FL_RECORDS_TEXT},
    {"blank lines", "\n", FL_RECORDS_TEXT},
    {"Han", "\xe6\xbc\xa2", FL_RECORDS_TEXT},
    {"one word again and again", "word ", FL_RECORDS_TEXT},
    {"quotes of a table", "\"\"", FL_RECORDS_CSV},
    {"fields of a table", ",", FL_RECORDS_CSV},
    {"rows of a table", "\"a\"\"b\",c\n", FL_RECORDS_CSV},
    {"braces", "{\"text\":", FL_RECORDS_JSONL},
    {"keys", "{\"text\":\"a\",\"text\":\"b\"}\n", FL_RECORDS_JSONL},
    {"escapes", "\\u00e9\\n", FL_RECORDS_JSONL},
    {"halves of pairs", "\\ud800", FL_RECORDS_JSONL},
};

static struct fl_contract contract;
static char path[] = "/tmp/fl-linear-XXXXXX";
static bool refused; /* the last run was */

static double
cpu_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The least seconds of a run over CONTENT, or -1; a run that is refused counts too. */
static double
seconds_of(const struct fl_buf *content, enum fl_records_format format)
{
    double t[TIMES];
    const char *paths[] = {path};
    int null = open("/dev/null", O_WRONLY);

    CHECK(null >= 0 && !fl_output_write_file(path, content->data, content->len, 0));
    for (int i = 0; i < TIMES; i++) {
        struct fl_harmonize_settings set = hostile_settings(false);
        set.records.format = format;
        set.contract = &contract;
        set.mem = 1 << 20;
        set.rules = (struct fl_clean_rules){false, true, true, true, true};
        double start = cpu_seconds();
        struct fl_harmonize *h = fl_harmonize_new(paths, 1, &set);
        CHECK(h != NULL);
        refused = h && fl_harmonize_write(h, null, "null");
        if (refused)
            fl_error_clear();
        t[i] = cpu_seconds() - start;
        fl_harmonize_free(h);
    }
    close(null);
    double low = t[0];
    for (int i = 1; i < TIMES; i++)
        low = t[i] < low ? t[i] : low;
    return low;
}

static void
test_linear(void)
{
    size_t bytes = test_under_valgrind() ? BYTES / 10 : BYTES;
    struct fl_buf content = {0};
    double worst = 0;

    hostile_prose(bytes, &content);
    double prose = seconds_of(&content, FL_RECORDS_TEXT) / (double)content.len;
    CHECK(!refused);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        bool value = kinds[k].piece[0] == '\\';
        fl_buf_clear(&content);
        if (kinds[k].format == FL_RECORDS_CSV)
            CHECK(!fl_buf_add_text(&content, "text,other\n\"x"));
        if (value)
            CHECK(!fl_buf_add_text(&content, "{\"text\": \""));
        while (content.len < bytes)
            CHECK(!fl_buf_add_text(&content, kinds[k].piece));
        if (value)
            CHECK(!fl_buf_add_text(&content, "\"}\n"));
        double ratio = seconds_of(&content, kinds[k].format) / (double)content.len / prose;
        if (ratio > BOUND)
            printf("# %s: %.1f times the time of prose\n", kinds[k].name, ratio);
        CHECK(ratio <= BOUND);
        worst = ratio > worst ? ratio : worst;
    }
    printf("# at most %.1f times the time of prose\n", worst);
    fl_buf_release(&content);
}

int
main(void)
{
    int fd = mkstemp(path);

    if (fd < 0 || fl_contract_parse(&contract, contract_text, sizeof contract_text - 1, "c.yaml"))
        return 1;
    RUN(test_linear);
    fl_contract_release(&contract);
    fl_reading_release(&hostile_plain);
    close(fd);
    unlink(path);
    return test_end();
}
