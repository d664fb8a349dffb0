#include "text/vocab.h"

#include "test.h"

static void
test_add_and_find(void)
{
    struct fl_vocab v = {0};
    char text[16];
    size_t len;

    CHECK(fl_vocab_find(&v, "x", 1) == -1 && !fl_vocab_text(&v, 0, &len));
    for (int i = 0; i < 3000; i++) { /* ids with holes, in no order */
        int n = snprintf(text, sizeof text, "t%d", i);
        CHECK(!fl_vocab_add(&v, text, (size_t)n, (uint64_t)(i * 7 % 3001) * 2, 10000));
    }
    for (int i = 0; i < 3000; i++) {
        int n = snprintf(text, sizeof text, "t%d", i);
        CHECK(fl_vocab_find(&v, text, (size_t)n) == i * 7 % 3001 * 2);
        const char *back = fl_vocab_text(&v, (uint64_t)(i * 7 % 3001) * 2, &len);
        CHECK(back && len == (size_t)n && !strcmp(back, text));
    }
    CHECK(!fl_vocab_text(&v, 1, &len) && !fl_vocab_text(&v, 99999, &len));
    CHECK(fl_vocab_find(&v, "t3000", 5) == -1 && fl_vocab_find(&v, "t1", 1) == -1);
    CHECK(!fl_vocab_add(&v, "a\0b", 3, 1, 10000) && fl_vocab_find(&v, "a\0b", 3) == 1);
    CHECK(!fl_vocab_add(&v, "", 0, 3, 10000) && fl_vocab_find(&v, "", 0) == 3);
    fl_vocab_release(&v);
}

static void
test_refusals(void)
{
    struct fl_vocab v = {0};

    CHECK(!fl_vocab_add(&v, "a", 1, 5, 10));
    CHECK(fl_vocab_add(&v, "b", 1, 5, 10) == -1 && strstr(fl_error_text(), "two tokens"));
    CHECK(fl_vocab_add(&v, "a", 1, 6, 10) == -1 && strstr(fl_error_text(), "two ids"));
    CHECK(fl_vocab_add(&v, "c", 1, 10, 10) == -1 && strstr(fl_error_text(), "too large"));
    CHECK(fl_vocab_add(&v, "c", 1, UINT64_MAX, 10) == -1);
    CHECK(v.ids == 6 && v.used == 1);
    fl_vocab_release(&v);
}

int
main(void)
{
    RUN(test_add_and_find);
    RUN(test_refusals);
    return test_end();
}
