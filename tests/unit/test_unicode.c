#include "text/unicode.h"

#include <utf8proc.h>

#include "random.h"
#include "test.h"

static const struct {
    const char *text;
    size_t len, bad; /* offset of the first invalid byte; LEN when it is valid */
    const char *replaced;
} table[] = {
    {"", 0, 0, ""},
    {"a", 1, 1, "a"},
    {"a\0b", 3, 3, NULL},
    {"\xc2\x80\xdf\xbf", 4, 4, "\xc2\x80\xdf\xbf"},
    {"\xe0\xa0\x80\xef\xbf\xbf", 6, 6, "\xe0\xa0\x80\xef\xbf\xbf"},
    {"\xed\x9f\xbf\xee\x80\x80", 6, 6, "\xed\x9f\xbf\xee\x80\x80"},
    {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8, 8, "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
    {"x\x80", 2, 1, "x\xef\xbf\xbd"},
    {"\xc0\x80", 2, 0, "\xef\xbf\xbd\xef\xbf\xbd"}, /* overlong zero */
    {"\xc1\xbf", 2, 0, "\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xe0\x9f\xbf", 3, 0, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* overlong */
    {"\xed\xa0\x80", 3, 0, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* surrogate */
    {"\xf0\x8f\xbf\xbf", 4, 0, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xf4\x90\x80\x80", 4, 0, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xf5\x80", 2, 0, "\xef\xbf\xbd\xef\xbf\xbd"},
    {"ab\xe2\x82", 4, 2, "ab\xef\xbf\xbd"}, /* cut: one subpart */
    {"\xf0\x9f\x98", 3, 0, "\xef\xbf\xbd"},
    {"\xe2\x82z", 3, 0, "\xef\xbf\xbdz"},
    {"12345678\xff"
     "9",
     10, 8,
     "12345678\xef\xbf\xbd"
     "9"},
    /* Unicode 15, table 3-8: three examples of maximal subparts */
    {"\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64", 13, 1,
     "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
     "b\xef\xbf\xbd"
     "c\xef\xbf\xbd\xef\xbf\xbd"
     "d"},
    {"\xe0\x80\x80\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", 12, 0,
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
     "A"},
};

static void
test_table(void)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct fl_buf out = {0};
        uint64_t n = 0, bytes = 0;
        size_t bad = fl_unicode_check(table[i].text, table[i].len);
        if (bad != table[i].bad)
            printf("# row %zu: first invalid byte at %zu, not %zu\n", i, bad, table[i].bad);
        CHECK(bad == table[i].bad);
        CHECK(!fl_unicode_replace(table[i].text, table[i].len, &out, &n, &bytes));
        CHECK((n > 0) == (bad < table[i].len));
        CHECK(out.len == table[i].len - bytes + 3 * n);
        if (table[i].replaced)
            CHECK_TEXT(fl_buf_text(&out), table[i].replaced);
        CHECK(fl_unicode_check(out.data, out.len) == out.len);
        fl_buf_release(&out);
    }
}

/* Every code point, and every sequence of up to three bytes, against utf8proc's own decoder. */
static void
test_all(void)
{
    struct fl_buf buf = {0};

    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        size_t size;
        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        fl_buf_clear(&buf);
        if (fl_unicode_add(&buf, c) || fl_unicode_check(buf.data, buf.len) != buf.len ||
            fl_unicode_point(buf.data, &size) != c || size != buf.len) {
            printf("# U+%04X\n", (unsigned)c);
            CHECK(!"every code point goes there and back");
            break;
        }
    }
    for (uint32_t v = 0; v < 1 << 24; v += 1 + (v % 7 == 0)) {
        unsigned char p[3] = {(unsigned char)(v >> 16), (unsigned char)(v >> 8), (unsigned char)v};
        size_t at = 0;
        utf8proc_int32_t c;
        while (at < 3) {
            utf8proc_ssize_t n = utf8proc_iterate(p + at, (utf8proc_ssize_t)(3 - at), &c);
            if (n < 1)
                break;
            at += (size_t)n;
        }
        if (fl_unicode_check(p, 3) != at) {
            printf("# %02x %02x %02x: %zu, not %zu\n", p[0], p[1], p[2], fl_unicode_check(p, 3),
                   at);
            CHECK(!"agrees with utf8proc");
            break;
        }
    }
    fl_buf_release(&buf);
}

static void
test_boundary(void)
{
    const unsigned char *t = (const unsigned char *)"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
    static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};

    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        CHECK(fl_unicode_boundary(t, i) == want[i]);
    CHECK(fl_unicode_boundary((const unsigned char *)"\x80\x80\x80\x80\x80", 5) == 5);
}

static void
check_nfc(const char *from, const char *to)
{
    struct fl_buf buf = {0};
    struct fl_unicode_scratch scratch = {0};

    for (int again = 0; again < 2; again++) {
        fl_buf_clear(&buf);
        CHECK(!fl_buf_add_text(&buf, again ? to : from));
        CHECK(!fl_unicode_nfc(&buf, &scratch));
        CHECK_TEXT(fl_buf_text(&buf), to);
    }
    fl_buf_release(&buf);
    fl_unicode_scratch_release(&scratch);
}

/* From UAX 15 (figures 3 to 6) and NormalizationTest.txt of the Unicode database. */
static void
test_nfc(void)
{
    check_nfc("plain", "plain");
    check_nfc("e\xcc\x81", "\xc3\xa9");
    check_nfc("\xe2\x84\xab", "\xc3\x85");     /* Angstrom sign */
    check_nfc("\xe2\x84\xa6", "\xce\xa9");     /* Ohm sign */
    check_nfc("\xef\xac\x81", "\xef\xac\x81"); /* fi stays */
    check_nfc("2\xe2\x81\xb5", "2\xe2\x81\xb5");
    check_nfc("\xe1\xba\x9b\xcc\xa3", "\xe1\xba\x9b\xcc\xa3");
    check_nfc("\xe1\xb8\x8a\xcc\xa3", "\xe1\xb8\x8c\xcc\x87"); /* D dot above, below */
    check_nfc("D\xcc\x87\xcc\xa3", "\xe1\xb8\x8c\xcc\x87");
    check_nfc("\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8", "\xea\xb0\x81"); /* Hangul */
    check_nfc("\xe3\x81\x8b\xe3\x82\x99", "\xe3\x81\x8c");             /* ka + voicing */
    check_nfc("\xe0\xa4\x95\xe0\xa4\xbc", "\xe0\xa4\x95\xe0\xa4\xbc"); /* excluded */
    check_nfc("\xe0\xa5\x98", "\xe0\xa4\x95\xe0\xa4\xbc");
    check_nfc("\xef\xa4\x80", "\xe8\xb1\x88");                         /* CJK compatibility */
    check_nfc("\xf0\x9d\x85\x9e", "\xf0\x9d\x85\x97\xf0\x9d\x85\xa5"); /* musical half note */
    check_nfc("\xcd\xbe", ";");                                        /* Greek question mark */
}

/* Runs of marks and of what decomposes into marks, short and long, against utf8proc as a whole. */
static void
test_marks(void)
{
    static const char *const lists[] = {
        "a|e| |\xcc\x81|\xcc\xa3|\xcc\x87|\xcd\x84|\xe1\xb8\x8d|\xc3\xa9|\xcc\xb8",
        "\xcc\x81|\xcc\xa3|\xcd\x9c|\xd6\xb0|\xd9\x90|\xe3\x82\x99|\xe0\xa5\x8d|\xcd\x85",
        "\xe0\xbd\xb3|\xe0\xbe\x81|\xe0\xbd\xb1|\xe0\xbd\xb2|x", /* starters that become marks */
        "\xf0\x9d\x85\xa0|\xf0\x9d\x85\xad|\xcc\x81|\xf0\x9d\x85\xbb",
        "\xe1\x84\x80|\xe1\x85\xa1|\xe1\x86\xa8|\xea\xb0\x80|\xea\xb0\x81|\xcc\x81",
    };
    struct fl_unicode_scratch scratch = {0};
    struct fl_buf buf = {0};
    uint32_t seed = 3;
    static char text[4000];

    for (int round = 0; round < 4000; round++) {
        size_t len = random_text(&seed, lists[round % 5], round % 10 < 5 ? 12 : 700, text);
        unsigned char *want = utf8proc_NFC((unsigned char *)text);
        fl_buf_clear(&buf);
        CHECK(!fl_buf_add(&buf, text, len) && !fl_unicode_nfc(&buf, &scratch));
        CHECK_TEXT(fl_buf_text(&buf), (char *)want);
        free(want);
    }
    fl_buf_release(&buf);
    fl_unicode_scratch_release(&scratch);
}

/*
 * The table of plain blocks: a code point that fl_unicode_nfc leaves alone without looking must be
 * its own NFC, have class 0, and end no decomposition (it then never joins with what stands
 * before).
 */
static void
test_plain_blocks(void)
{
    static unsigned char joins[0x110000];
    struct fl_buf buf = {0};
    struct fl_unicode_scratch scratch = {0};
    utf8proc_int32_t points[64];
    const utf8proc_option_t nfd = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE;

    for (utf8proc_int32_t c = 0; c <= 0x10ffff; c++) {
        unsigned char text[4];
        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        utf8proc_ssize_t n = utf8proc_encode_char(c, text);
        utf8proc_ssize_t got = utf8proc_decompose(text, n, points, 64, nfd);
        for (utf8proc_ssize_t i = 1; i < got; i++)
            joins[points[i]] = 1;
    }
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        fl_buf_clear(&buf);
        fl_unicode_add(&buf, c);
        size_t before = scratch.cap;
        fl_unicode_nfc(&buf, &scratch);
        int looked = scratch.cap != before; /* the slow way needs scratch memory */
        size_t size;
        int same = fl_unicode_point(buf.data, &size) == c && size == buf.len;
        fl_unicode_scratch_release(&scratch);
        if (!looked && (joins[c] || !same || utf8proc_get_property((int32_t)c)->combining_class)) {
            printf("# U+%04X is not plain\n", (unsigned)c);
            CHECK(!"plain blocks are plain");
        }
    }
    fl_buf_release(&buf);
}

/* \w as Rust's regex crate and ECMAScript with \p{Alphabetic} and so on have it. */
static void
test_words(void)
{
    static const uint32_t word[] = {'a',    'Z',     '_',    '7',     0xaa,   0xe9,
                                    0x300,  0x660,   0x2160, 0x203f,  0x200d, 0x24b6,
                                    0x24e9, 0x1f130, 0x4e2d, 0x1d7ce, 0xfe33};
    static const uint32_t other[] = {' ',     '-',     '@',    '[',    '`',    '{',
                                     0xa0,    0xb2,    0xbd,   0x2014, 0x2460, 0x24ea,
                                     0x1f110, 0x1f600, 0xfffd, 0x200b, 0x2581};

    for (size_t i = 0; i < sizeof word / sizeof *word; i++)
        CHECK(fl_unicode_is_word(word[i]));
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        CHECK(!fl_unicode_is_word(other[i]));
}

int
main(void)
{
    RUN(test_words);
    RUN(test_table);
    RUN(test_all);
    RUN(test_boundary);
    RUN(test_nfc);
    RUN(test_marks);
    RUN(test_plain_blocks);
    return test_end();
}
