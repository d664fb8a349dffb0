/* What is checked of updates: base, site, metadata that two of them share. */
#include "fed/update.h"

#include "flt/writer.h"
#include "test.h"

static void
test_base(void)
{
    struct fl_meta meta = {0};
    unsigned char digest[FL_HASH_BYTES] = {0xab, 0xcd}, other[FL_HASH_BYTES] = {0xab, 0xce};
    const unsigned char *base;

    CHECK(fl_update_base("a.flt", &meta, &base) == -1 && fl_error_status() == FL_FAILED);
    CHECK(!fl_meta_set_bytes(&meta, "base", digest, 31));
    CHECK(fl_update_base("a.flt", &meta, &base) == -1);
    CHECK(!strncmp(fl_error_text(), "a.flt: ", 7));
    CHECK(!fl_meta_set_bytes(&meta, "base", digest, 32));
    CHECK(!fl_update_base("a.flt", &meta, &base) && !memcmp(base, digest, 32));
    CHECK(!fl_update_check_base("a.flt", &meta, "m.flt", digest));
    CHECK(fl_update_check_base("a.flt", &meta, "m.flt", other) == -1);
    CHECK(fl_error_status() == FL_REFUSED);
    CHECK(strstr(fl_error_text(), "abcd00000000...") && strstr(fl_error_text(), "abce00000000..."));
    fl_meta_release(&meta);
}

/* Equal ones, or none at both; all else is refused, and what is no digest is damage. */
static void
test_contract(void)
{
    static const unsigned char digests[2][FL_HASH_BYTES] = {{0xab}, {0xac}};

    for (int mine = 0; mine < 4; mine++)
        for (int first = 0; first < 3; first++) {
            struct fl_meta a = {0}, b = {0};
            if (mine)
                CHECK(!fl_meta_set_bytes(&a, "contract", digests[mine == 2], mine < 3 ? 32 : 31));
            if (first)
                CHECK(!fl_meta_set_bytes(&b, "contract", digests[first == 2], 32));
            int got = fl_update_check_contract("a.flt", &a, &b);
            CHECK(got == (mine == first ? 0 : -1));
            CHECK(!got || fl_error_status() == (mine < 3 ? FL_REFUSED : FL_FAILED));
            CHECK(!got || !strncmp(fl_error_text(), "a.flt: ", 7));
            fl_meta_release(&a);
            fl_meta_release(&b);
        }
}

static void
test_site(void)
{
    struct fl_meta meta = {0};
    const char *site = "x";

    CHECK(!fl_update_site("a.flt", &meta, &site) && !site);
    CHECK(!fl_meta_set_text(&meta, "site", ""));
    CHECK(fl_update_site("a.flt", &meta, &site) == -1);
    CHECK(!fl_meta_set_i64(&meta, "site", 3));
    CHECK(fl_update_site("a.flt", &meta, &site) == -1);
    CHECK(!fl_meta_set_text(&meta, "site", "aws"));
    CHECK(!fl_update_site("a.flt", &meta, &site) && !strcmp(site, "aws"));
    fl_meta_release(&meta);
}

static void
fill(struct fl_meta *meta, int change)
{
    const int64_t i64s[] = {1, change == 4 ? 3 : 2};
    const double f64s[] = {1, change == 5 ? 3 : 2};
    const char *const texts[] = {"a", change == 6 ? "c" : "b"};

    fl_meta_release(meta);
    CHECK(!fl_meta_set_i64(meta, "0", change == 0 ? 8 : 7));
    CHECK(!fl_meta_set_f64(meta, "1", change == 1 ? 0.0 : -0.0));
    CHECK(!fl_meta_set_text(meta, "2", change == 2 ? "ad" : "ab"));
    CHECK(!fl_meta_set_bytes(meta, "3", "a\0b", change == 3 ? 2 : 3));
    CHECK(!fl_meta_set_i64_list(meta, "4", i64s, 2));
    CHECK(!fl_meta_set_f64_list(meta, "5", f64s, 2));
    CHECK(!fl_meta_set_text_list(meta, "6", texts, 2));
    CHECK(!fl_meta_set_i64_list(meta, "7", i64s, change == 7));
    if (change == 8)
        CHECK(!fl_meta_set_text(meta, "8", "only here"));
}

static void
test_common(void)
{
    struct fl_meta a = {0}, b = {0};

    for (int change = 0; change <= 9; change++) {
        char key[2] = {(char)('0' + change), '\0'};
        fill(&a, -1);
        fill(&b, change);
        fl_update_keep_common(&b, &a);
        CHECK(b.count == (change <= 7 ? 7 : 8) && (change == 9 || !fl_meta_find(&b, key)));
        fill(&b, change);
        fl_update_keep_common(&a, &b);
        CHECK(a.count == (change <= 7 ? 7 : 8));
    }
    fl_meta_release(&a);
    fl_meta_release(&b);
}

static void
test_own_keys(void)
{
    static const char *const own[] = {"site", "examples", "tokens", "loss.first", "sum.anything"};
    static const char *const shared[] = {"base", "base.round", "steps", "summary", "loss", "sites"};

    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        CHECK(fl_update_own_key(own[i]));
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        CHECK(!fl_update_own_key(shared[i]));
}

int
main(void)
{
    RUN(test_base);
    RUN(test_contract);
    RUN(test_site);
    RUN(test_common);
    RUN(test_own_keys);
    return test_end();
}
