#include "text/decoder.h"

#include "test.h"

static void
check(const char *spec, const char *const *names, const char *want)
{
    struct fl_decoder d = {0};
    struct fl_buf out = {0};
    json_t *json = json_loads(spec, 0, NULL);

    CHECK(json && !fl_decoder_read(&d, json));
    CHECK(!fl_buf_add_text(&out, "-"));
    for (; *names; names++)
        CHECK(!fl_decoder_piece(&d, *names, strlen(*names), &out));
    fl_decoder_strip(&d, &out, 1);
    CHECK_TEXT(fl_buf_text(&out) + 1, want);
    fl_decoder_release(&d);
    fl_buf_release(&out);
    json_decref(json);
}

#define SEQUENCE(middle, strip)                                                                    \
    "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"_\"},"   \
    "\"content\":\" \"}," middle "{\"type\":\"Fuse\"}" strip "]}"

static void
test_kinds(void)
{
    static const char *const level[] = {"\xc4\xa0"
                                        "a",
                                        "\xc3\x83", "\xc2\xa9", "\xe4\xb8\xad", NULL};
    static const char *const llama[] = {"__a", "<0xC3>", "<0xA9>", "<0x0g>", "b_", NULL};
    static const char *const none[] = {NULL};
    static const char strip[] = ",{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}";
    static const char both[] = ",{\"type\":\"Strip\",\"content\":\" \",\"start\":9,\"stop\":9}";
    char spec[600];

    check("{\"type\":\"ByteLevel\"}", level, " a\xc3\xa9\xe4\xb8\xad");
    check("{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"ByteLevel\"}]}", level,
          " a\xc3\xa9\xe4\xb8\xad");
    snprintf(spec, sizeof spec, SEQUENCE("{\"type\":\"ByteFallback\"},", "%s"), strip);
    check(spec, llama, " a\xc3\xa9<0x0g>b ");
    check(spec, none, "");
    snprintf(spec, sizeof spec, SEQUENCE("", "%s"), both);
    check(spec, llama, "a<0xC3><0xA9><0x0g>b");
}

static void
test_refusals(void)
{
    static const char *const bad[] =
        {"{}",
         "{\"type\":\"Metaspace\"}",
         "{\"type\":\"ByteLevel\",\"more\":1}",
         "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"ByteFallback\"}]}",
         "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Strip\",\"content\":\" "
         "\",\"start\":1,\"stop\":0},{\"type\":\"Fuse\"}]}",
         SEQUENCE("", ",{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"\"}"),
         SEQUENCE("", ",{\"type\":\"Strip\",\"content\":\"ab\",\"start\":1,\"stop\":0}"),
         SEQUENCE("", ",{\"type\":\"Strip\",\"content\":\" \",\"start\":-1,\"stop\":0}")};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fl_decoder d = {0};
        json_t *json = json_loads(bad[i], 0, NULL);
        CHECK(json && fl_decoder_read(&d, json) == -1 && !d.replace_count);
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
