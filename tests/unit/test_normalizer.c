#include "text/normalizer.h"

#include "test.h"

static void
check(const char *spec, const char *text, const char *want)
{
    struct fl_normalizer n = {0};
    struct fl_normalizer_scratch s = {0};
    struct fl_buf buf = {0};
    json_t *json = json_loads(spec, JSON_DECODE_ANY, NULL);

    CHECK(json && !fl_normalizer_read(&n, json));
    CHECK(!fl_buf_add_text(&buf, text) && !fl_normalizer_run(&n, &s, &buf));
    CHECK_TEXT(fl_buf_text(&buf), want);
    fl_normalizer_release(&n);
    fl_normalizer_scratch_release(&s);
    fl_buf_release(&buf);
    json_decref(json);
}

static void
test_kinds(void)
{
    static const char llama[] =
        "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"_\"},{"
        "\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"_\"}]}";
    static const char longer[] =
        "{\"type\":\"Replace\",\"pattern\":{\"String\":\"aa\"},\"content\":\"bcd\"}";

    check("null", "e\xcc\x81", "e\xcc\x81");
    check("{\"type\":\"NFC\"}", "e\xcc\x81", "\xc3\xa9");
    check(llama, "a b ", "_a_b_");
    check(llama, "", "");
    check(longer, "aaaaa", "bcdbcda");
    check(longer, "xaax", "xbcdx");
    check(longer, "a", "a");
    check("{\"type\":\"Sequence\",\"normalizers\":[]}", "a", "a");
}

static void
test_refusals(void)
{
    static const char *const bad[] =
        {"{}",
         "1",
         "{\"type\":\"NFKC\"}",
         "{\"type\":\"Prepend\"}",
         "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"a\"},\"content\":\"\"}",
         "{\"type\":\"Replace\",\"pattern\":{\"String\":\"\"},\"content\":\"\"}",
         "{\"type\":\"Sequence\"}",
         "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Sequence\",\"normalizers\":[]}]}"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fl_normalizer n = {0};
        json_t *json = json_loads(bad[i], JSON_DECODE_ANY, NULL);
        CHECK(json && fl_normalizer_read(&n, json) == -1 && n.count == 0);
        json_decref(json);
    }
}

int
main(void)
{
    RUN(test_kinds);
    RUN(test_refusals);
    return test_end();
}
