#include "base/buf.h"

#include "base/bytes.h"
#include "test.h"

static void
test_add(void)
{
    struct fl_buf b = {0};

    CHECK_TEXT(fl_buf_text(&b), "");
    CHECK(!fl_buf_add(&b, NULL, 0) && b.len == 0);
    CHECK(!fl_buf_add_text(&b, "one") && !fl_buf_add_byte(&b, ',') && !fl_buf_add(&b, "two!", 3));
    CHECK_TEXT(fl_buf_text(&b), "one,two");
    CHECK(b.len == 7);
    CHECK(!fl_buf_printf(&b, "%c%05d", '=', 42));
    CHECK_TEXT(fl_buf_text(&b), "one,two=00042");
    fl_buf_clear(&b);
    CHECK(b.len == 0 && b.cap > 0);
    CHECK_TEXT(fl_buf_text(&b), "");
    fl_buf_release(&b);
    CHECK(!b.data && !b.len && !b.cap);
    fl_buf_release(&b);
}

static void
test_long(void)
{
    struct fl_buf b = {0};

    for (int i = 0; i < 100000; i++)
        CHECK(!fl_buf_printf(&b, "%d ", i));
    CHECK(b.len == 588890 && b.data[b.len] == 0 && b.cap > b.len);
    CHECK(!memcmp(b.data + b.len - 6, "99999 ", 6));
    fl_buf_release(&b);
}

static void
test_numbers(void)
{
    static const unsigned char want[] = {0x34, 0x12, 0xef, 0xcd, 0xab, 0x90, 8,
                                         7,    6,    5,    4,    3,    2,    1};
    struct fl_buf b = {0};

    CHECK(!fl_buf_add16(&b, 0x1234) && !fl_buf_add32(&b, 0x90abcdef) &&
          !fl_buf_add64(&b, 0x0102030405060708));
    CHECK(b.len == sizeof want && !memcmp(b.data, want, sizeof want));
    CHECK(fl_get16(want) == 0x1234 && fl_get32(want + 2) == 0x90abcdef);
    CHECK(fl_get64(want + 6) == 0x0102030405060708);
    unsigned char p[8];
    fl_put_f64(p, -2.5);
    CHECK(p[7] == 0xc0 && p[6] == 4 && p[0] == 0 && fl_get_f64(p) == -2.5);
    fl_buf_release(&b);
}

static void
test_no_room(void)
{
    struct fl_buf b = {0};

    CHECK(!fl_buf_add_text(&b, "kept"));
    CHECK(fl_buf_reserve(&b, SIZE_MAX - 10) == -1);
    CHECK(fl_error_status() == FL_FAILED);
    CHECK(fl_buf_reserve(&b, SIZE_MAX / 4) == -1);
    CHECK_TEXT(fl_buf_text(&b), "kept");
    fl_buf_release(&b);
}

int
main(void)
{
    RUN(test_add);
    RUN(test_long);
    RUN(test_numbers);
    RUN(test_no_room);
    return test_end();
}
