#include "text/alphabet.h"

#include "test.h"

static void
test_all_bytes(void)
{
    struct fl_buf text = {0}, back = {0};
    unsigned char all[256];
    unsigned seen[0x144] = {0};

    for (unsigned b = 0; b < 256; b++) {
        all[b] = (unsigned char)b;
        CHECK(fl_alphabet_point((unsigned char)b) < 0x144);
        CHECK(!seen[fl_alphabet_point((unsigned char)b)]++);
    }
    CHECK(!fl_alphabet_write(all, 256, &text));
    CHECK(fl_alphabet_read(fl_buf_text(&text), text.len, &back) == 1);
    CHECK(back.len == 256 && !memcmp(back.data, all, 256));
    /* GPT-2's table at its seams */
    CHECK(fl_alphabet_point(' ') == 0x120 && fl_alphabet_point('\n') == 0x10a);
    CHECK(fl_alphabet_point('!') == '!' && fl_alphabet_point('~') == '~');
    CHECK(fl_alphabet_point(0) == 0x100 && fl_alphabet_point(0x7f) == 0x121);
    CHECK(fl_alphabet_point(0xa0) == 0x142 && fl_alphabet_point(0xa1) == 0xa1);
    CHECK(fl_alphabet_point(0xad) == 0x143 && fl_alphabet_point(0xff) == 0xff);
    fl_buf_release(&text);
    fl_buf_release(&back);
}

static void
test_others(void)
{
    static const char *const no[] = {"a b", "\n", "\xc5\x84", "\xe4\xb8\xad", "\xc2\xad", "\x7f"};
    struct fl_buf out = {0};

    CHECK(!fl_buf_add_text(&out, "kept"));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        CHECK(fl_alphabet_read(no[i], strlen(no[i]), &out) == 0 && out.len == 4);
    fl_buf_release(&out);
}

int
main(void)
{
    RUN(test_all_bytes);
    RUN(test_others);
    return test_end();
}
