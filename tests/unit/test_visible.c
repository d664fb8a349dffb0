#include "base/visible.h"

#include "test.h"

/* What each form makes of a text; NULL: the text itself. */
struct sample {
    const char *text, *line, *cell, *item, *shown, *json;
};

static const struct sample samples[] = {
    {"", 0, 0, 0, 0, 0},
    {"plain, \xc3\xa9 \xe4\xbd\xa0 \xf0\x9f\x98\x80", 0, 0,
     "plain\\, \xc3\xa9 \xe4\xbd\xa0 \xf0\x9f\x98\x80", 0, 0},
    {"a\tb\nc", "a\\tb\\nc", "a\\tb\\nc", "a\\tb\\nc", 0, "a\\tb\\nc"},
    {"C:\\x1b", 0, "C:\\\\x1b", "C:\\\\x1b", 0, "C:\\\\x1b"},
    {"say \"x\"", 0, 0, 0, 0, "say \\\"x\\\""},
    /* C0, DEL, C1 */
    {"\033[2J\r\a\x7f", "\\x1b[2J\\x0d\\x07\\x7f", "\\x1b[2J\\x0d\\x07\\x7f",
     "\\x1b[2J\\x0d\\x07\\x7f", "\\x1b[2J\\x0d\\x07\\x7f", "\\u001b[2J\\u000d\\u0007\\u007f"},
    {"\xc2\x80\xc2\x9b\x33\xc2\x9f\xc2\xa0", "\\u0080\\u009b3\\u009f\xc2\xa0",
     "\\u0080\\u009b3\\u009f\xc2\xa0", "\\u0080\\u009b3\\u009f\xc2\xa0",
     "\\u0080\\u009b3\\u009f\xc2\xa0", "\\u0080\\u009b3\\u009f\xc2\xa0"},
    /* direction: the first and the last of each range, and their neighbours */
    {"\xd8\x9b\xd8\x9c\xd8\x9d", "\xd8\x9b\\u061c\xd8\x9d", "\xd8\x9b\\u061c\xd8\x9d",
     "\xd8\x9b\\u061c\xd8\x9d", "\xd8\x9b\\u061c\xd8\x9d", "\xd8\x9b\\u061c\xd8\x9d"},
    {"\xe2\x80\x8d\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\x90", "\xe2\x80\x8d\\u200e\\u200f\xe2\x80\x90",
     "\xe2\x80\x8d\\u200e\\u200f\xe2\x80\x90", "\xe2\x80\x8d\\u200e\\u200f\xe2\x80\x90",
     "\xe2\x80\x8d\\u200e\\u200f\xe2\x80\x90", "\xe2\x80\x8d\\u200e\\u200f\xe2\x80\x90"},
    {"\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xaf",
     "\xe2\x80\xa7\\u2028\\u2029\\u202a\\u202e\xe2\x80\xaf",
     "\xe2\x80\xa7\\u2028\\u2029\\u202a\\u202e\xe2\x80\xaf",
     "\xe2\x80\xa7\\u2028\\u2029\\u202a\\u202e\xe2\x80\xaf",
     "\xe2\x80\xa7\\u2028\\u2029\\u202a\\u202e\xe2\x80\xaf",
     "\xe2\x80\xa7\\u2028\\u2029\\u202a\\u202e\xe2\x80\xaf"},
    {"\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa", "\xe2\x81\xa5\\u2066\\u2069\xe2\x81\xaa",
     "\xe2\x81\xa5\\u2066\\u2069\xe2\x81\xaa", "\xe2\x81\xa5\\u2066\\u2069\xe2\x81\xaa",
     "\xe2\x81\xa5\\u2066\\u2069\xe2\x81\xaa", "\xe2\x81\xa5\\u2066\\u2069\xe2\x81\xaa"},
    /* what is no UTF-8: a stray byte, C1 as one byte, an overlong form, a surrogate, a cut one */
    {"\xff\x9b[", "\\xff\\x9b[", "\\xff\\x9b[", "\\xff\\x9b[", "\\xff\\x9b[",
     "\xef\xbf\xbd\xef\xbf\xbd["},
    {"\xc0\x9b", "\\xc0\\x9b", "\\xc0\\x9b", "\\xc0\\x9b", "\\xc0\\x9b",
     "\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80",
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"x\xe2\x80", "x\\xe2\\x80", "x\\xe2\\x80", "x\\xe2\\x80", "x\\xe2\\x80",
     "x\xef\xbf\xbd\xef\xbf\xbd"},
};

static void
test_samples(void)
{
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const struct sample *s = &samples[i];
        const char *want[] = {s->line, s->cell, s->item, s->shown, s->json};
        for (int form = FL_VISIBLE_LINE; form <= FL_VISIBLE_JSON; form++) {
            struct fl_buf got = {0};
            CHECK(!fl_buf_add_text(&got, "<"));
            CHECK(!fl_buf_add_visible(&got, s->text, strlen(s->text), (enum fl_visible)form));
            CHECK_TEXT(fl_buf_text(&got) + 1, want[form] ? want[form] : s->text);
            fl_buf_release(&got);
        }
    }
}

/* A zero byte is one of them; the text need not end with one. */
static void
test_zero(void)
{
    struct fl_buf got = {0};

    CHECK(!fl_buf_add_visible(&got, "a\0bc", 3, FL_VISIBLE_LINE));
    CHECK_TEXT(fl_buf_text(&got), "a\\x00b");
    fl_buf_release(&got);
}

/* Every character: escaped when it is of the list in the header, and else as it is. */
static void
test_all(void)
{
    struct fl_buf got = {0};
    size_t escaped = 0;

    for (unsigned c = 0x80; c < 0x11000; c++) {
        char text[5] = {0};
        if (c >= 0xd800 && c < 0xe000)
            continue;
        if (c < 0x800)
            snprintf(text, sizeof text, "%c%c", 0xc0 | c >> 6, 0x80 | (c & 63));
        else if (c < 0x10000)
            snprintf(text, sizeof text, "%c%c%c", 0xe0 | c >> 12, 0x80 | (c >> 6 & 63),
                     0x80 | (c & 63));
        else
            snprintf(text, sizeof text, "%c%c%c%c", 0xf0 | c >> 18, 0x80 | (c >> 12 & 63),
                     0x80 | (c >> 6 & 63), 0x80 | (c & 63));
        fl_buf_clear(&got);
        CHECK(!fl_buf_add_visible(&got, text, strlen(text), FL_VISIBLE_TEXT));
        escaped += strcmp(fl_buf_text(&got), text) != 0;
    }
    CHECK(escaped == 32 + 1 + 2 + 7 + 4);
    fl_buf_release(&got);
}

int
main(void)
{
    RUN(test_samples);
    RUN(test_zero);
    RUN(test_all);
    return test_end();
}
