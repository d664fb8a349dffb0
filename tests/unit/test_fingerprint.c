/* Words of a roster: to text, and out of whatever people typed or kept. */
#include "sec/fingerprint.h"

#include "federation.h"

static void
test_fingerprint(void)
{
    char words[FL_FINGERPRINT_TEXT], typed[300];
    unsigned char rd[32] = {1, 2, 3};

    fl_fingerprint_text(words, rd);
    CHECK(strlen(words) == 71 && !fl_fingerprint_check(words, rd));
    for (size_t i = 0; i < 71; i++) {
        memcpy(typed, words, 72);
        typed[i] = typed[i] == 'b' ? 'd' : 'b';
        char which[20];
        snprintf(which, sizeof which, i % 6 < 5 ? "word %zu, \"" : "word", i / 6 + 1);
        CHECK_REFUSED(fl_fingerprint_check(typed, rd), FL_REFUSED, which);
        CHECK(!strstr(fl_error_text(), "somebody holds another"));
        char right[6] = {0};
        memcpy(right, words + i / 6 * 6, 5);
        CHECK(i % 6 == 5 || !strstr(fl_error_text(), right)); /* it is never told */
        memcpy(typed, words, 72);
        typed[i] = '\0';
        CHECK(fl_fingerprint_check(typed, rd) == -1);
    }
    snprintf(typed, sizeof typed, "\n %s \n", words);
    for (size_t i = 0; typed[i]; i++)
        typed[i] = typed[i] == ' ' && i % 2   ? '-'
                   : typed[i] >= 'a' && i % 3 ? (char)(typed[i] - 32)
                                              : typed[i];
    CHECK(!fl_fingerprint_check(typed, rd));
    snprintf(typed, sizeof typed, "words\t1. %.5s 2. %s!", words, words); /* in other text */
    CHECK(!fl_fingerprint_check(typed, rd));
    snprintf(typed, sizeof typed, "%sx", words);
    CHECK(fl_fingerprint_check(typed, rd) == -1);
    snprintf(typed, sizeof typed, "x%s", words);
    CHECK(fl_fingerprint_check(typed, rd) == -1);
    snprintf(typed, sizeof typed, "%.35s babab %s", words, words + 36); /* one between them */
    CHECK(fl_fingerprint_check(typed, rd) == -1);
    CHECK_REFUSED(fl_fingerprint_check("", rd), FL_REFUSED, "does not hold the 12 words");
    CHECK_REFUSED(fl_fingerprint_check("yes", rd), FL_REFUSED, "does not hold the 12 words");
    CHECK_REFUSED(fl_fingerprint_check(words + 6, rd), FL_REFUSED, "does not hold the 12 words");
    snprintf(typed, sizeof typed, "%.53s %s", words, words + 60); /* the tenth is left out */
    CHECK_REFUSED(fl_fingerprint_check(typed, rd), FL_REFUSED, "word 10, ");
    snprintf(typed, sizeof typed, "%.53s %s", words, words + 48); /* the ninth comes twice */
    CHECK_REFUSED(fl_fingerprint_check(typed, rd), FL_REFUSED, "word 10, ");
    snprintf(typed, sizeof typed, "a b c d e f g h i j k l m");
    CHECK_REFUSED(fl_fingerprint_check(typed, rd), FL_REFUSED, "does not hold the 12 words");
    for (int bit = 0; bit < 256; bit++) {
        rd[bit / 8] ^= (unsigned char)(1 << bit % 8);
        CHECK_REFUSED(fl_fingerprint_check(words, rd), FL_REFUSED, "somebody holds another one");
        rd[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
}

/* Words in a file, as --show prints them; another kind of file never holds some. */
static void
test_read(void)
{
    static const unsigned char rd[32] = {9};
    struct federation f;
    struct fl_buf text = {0};
    char words[FL_FINGERPRINT_TEXT], shown[200];

    fed_start(&f, 3, "");
    fl_fingerprint_text(words, rd);
    snprintf(shown, sizeof shown, "item\tvalue\nwords\t%s\n", words);
    CHECK(!fl_output_write_file(fed_path(&f, "words"), shown, strlen(shown), 0));
    CHECK(!fl_fingerprint_read(fed_path(&f, "words"), &text));
    CHECK(!fl_fingerprint_check(fl_buf_text(&text), rd));
    fl_buf_release(&text);
    CHECK_REFUSED(fl_fingerprint_read(fed_path(&f, "none"), &text), FL_FAILED, "none");
    CHECK_REFUSED(fl_fingerprint_read(fed_path(&f, "model.flt"), &text), FL_FAILED, "model.flt");
    CHECK_REFUSED(fl_fingerprint_read(fed_path(&f, "a.key"), &text), FL_FAILED, "a.key");
    fl_buf_release(&text);
    fed_end(&f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_fingerprint);
    RUN(test_read);
    return test_end();
}
