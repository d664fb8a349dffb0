#include "flt/values.h"

#include "base/bytes.h"
#include "test.h"

static const char *
text_of(enum fl_dtype dtype, uint64_t bits)
{
    static char text[64];
    unsigned char p[8];

    fl_put64(p, bits);
    return fl_value_text(dtype, p, 0, text, sizeof text);
}

static void
test_text(void)
{
    CHECK_TEXT(text_of(FL_F64, 0x3fb999999999999a), "0.1");
    CHECK_TEXT(text_of(FL_F64, 0x3fd5555555555555), "0.3333333333333333");
    CHECK_TEXT(text_of(FL_F64, 0x8000000000000000), "-0");
    CHECK_TEXT(text_of(FL_F32, 0x3dcccccd), "0.1");
    CHECK_TEXT(text_of(FL_F32, 0x3dccccce), "0.10000001");
    CHECK_TEXT(text_of(FL_F32, 0x7f800000), "inf");
    CHECK_TEXT(text_of(FL_F32, 0xffc00000), "nan");
    CHECK_TEXT(text_of(FL_F16, 0x3555), "0.33325");
    CHECK_TEXT(text_of(FL_F16, 0xfbff), "-65504");
    CHECK_TEXT(text_of(FL_F16, 0x0001), "5.9605e-08");
    CHECK_TEXT(text_of(FL_BF16, 0x3f80), "1");
    CHECK_TEXT(text_of(FL_BF16, 0xc049), "-3.141");
    CHECK_TEXT(text_of(FL_I64, 0x8000000000000000), "-9223372036854775808");
    CHECK_TEXT(text_of(FL_U64, UINT64_MAX), "18446744073709551615");
    CHECK_TEXT(text_of(FL_I32, 0xffffffff), "-1");
    CHECK_TEXT(text_of(FL_U32, 0xffffffff), "4294967295");
    CHECK_TEXT(text_of(FL_I16, 0x8000), "-32768");
    CHECK_TEXT(text_of(FL_U16, 0x8000), "32768");
    CHECK_TEXT(text_of(FL_I8, 0x80), "-128");
    CHECK_TEXT(text_of(FL_U8, 0x80), "128");
}

/* Whatever f32 is printed reads back as the same. */
static void
test_read_back(void)
{
    uint32_t bits = 1;

    for (int i = 0; i < 100000; i++) {
        float want, got;
        bits = bits * 1664525 + 1013904223;
        memcpy(&want, &bits, sizeof want);
        if (want != want)
            continue;
        got = strtof(text_of(FL_F32, bits), NULL);
        CHECK(got == want);
    }
}

static void
test_stats(void)
{
    static const float values[] = {3, -1, NAN, 2, INFINITY, 0};
    struct fl_stats s = {0};

    fl_stats_add(&s, FL_F32, values, 6);
    CHECK(s.count == 6 && s.odd == 2 && s.min == -1 && s.max == 3 && s.mean == 1);
    CHECK_NEAR(s.rms, sqrt(14.0 / 4), 1e-15);
    s = (struct fl_stats){0};
    fl_stats_add(&s, FL_F32, values + 2, 1); /* and in parts, of which the first has no number */
    CHECK(s.count == 1 && s.odd == 1 && isnan(s.min) && isnan(s.max) && isnan(s.rms));
    fl_stats_add(&s, FL_F32, values + 3, 3);
    fl_stats_add(&s, FL_F32, values, 2);
    CHECK(s.count == 6 && s.odd == 2 && s.min == -1 && s.max == 3 && s.mean == 1);
    CHECK_NEAR(s.rms, sqrt(14.0 / 4), 1e-15);
    s = (struct fl_stats){0};
    fl_stats_add(&s, FL_U8, "\x05\x07", 2);
    CHECK(s.min == 5 && s.max == 7 && s.mean == 6);
    s = (struct fl_stats){0};
    fl_stats_add(&s, FL_U8, "", 0);
    CHECK(s.count == 0 && isnan(s.mean));
}

static void
test_places(void)
{
    struct fl_tensor t = {.rank = 3, .dims = {2, 3, 4}};
    static const struct {
        uint64_t i, at[3];
    } places[] = {{0, {0, 0, 0}}, {23, {1, 2, 3}}, {13, {1, 0, 1}}};
    uint64_t at[FL_FLT_RANK_MAX];

    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        fl_index(&t, places[i].i, at);
        CHECK(!memcmp(at, places[i].at, sizeof places[i].at));
    }
    at[0] = 7;
    t.rank = 0;
    fl_index(&t, 0, at);
    CHECK(at[0] == 7);
}

int
main(void)
{
    RUN(test_text);
    RUN(test_read_back);
    RUN(test_stats);
    RUN(test_places);
    return test_end();
}
