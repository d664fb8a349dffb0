/* What files are called that were given by mistake. */
#include "flt/sniff.h"

#include "flt/writer.h"
#include "os/file.h"
#include "test.h"

#include <unistd.h>

#define CASE(bytes, what)                                                                          \
    {                                                                                              \
        bytes, sizeof bytes - 1, what                                                              \
    }

static void
test_kinds(void)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *what;
    } cases[] = {
        CASE("", "empty"),
        CASE("hello", "text"),
        CASE("h\xc3\xa9llo\t\r\n", "text"),
        CASE("cut in a letter: \xe2\x82", "text"),
        CASE("steps: 1\n", "text"),
        CASE(" \n{\"model\": 1}", "JSON text"),
        CASE("[1, 2]", "JSON text"),
        CASE("fl-key-v1\nname a\n", "a secret key of format 1"),
        CASE("fl-key-v27\nname a\n", "a secret key of format 27"),
        CASE("fl-key-v\nname a\n", "text"),
        CASE("fl-key-v1", "text"),
        CASE("fl-key-v1 is what keys begin with", "text"),
        CASE("fl-state-v1\nkey 00\n", "the state of a key of format 1"),
        CASE("fl1 a 1 00", "a member's public line"),
        CASE("fl", "text"),
        CASE("FLT", "text"),
        CASE("FLT1", "an FLT stream"),
        CASE("FLT1 and what is damaged after it ........................................"
             "....................................................",
             "an FLT stream"),
        CASE("\x1f\x8b\x08", "gzip data"),
        CASE("\x28\xb5\x2f\xfd", "zstd data"),
        CASE("PK\x03\x04", "a zip archive"),
        CASE("GGUF\x03", "a GGUF file"),
        CASE("\x20\0\0\0\0\0\0\0{\"a\":", "a safetensors file"),
        CASE("\xff\xfeh\0", "text in UTF-16"),
        CASE("a\0b", "data of an unknown kind"),
        CASE("a\x1b[2J", "data of an unknown kind"),
        CASE("\xe9t\xe9 en latin1", "data of an unknown kind"),
        CASE("\0\0\0\0", "data of an unknown kind"),
    };
    char text[FL_SNIFF_TEXT];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_TEXT(fl_sniff(cases[i].bytes, cases[i].len, text), cases[i].what);
}

/* The kind of a stream, as far as the bytes reach. */
static void
test_stream(void)
{
    unsigned char head[FL_SNIFF_BYTES] = {0};
    struct fl_meta meta = {0};
    char text[FL_SNIFF_TEXT];
    int fd = fl_spool_open();
    struct fl_writer *w = fl_writer_new(fd, "spool", 0);

    CHECK(w && !fl_writer_head(w, FL_KIND_CHECKPOINT, &meta) && !fl_writer_done(w));
    fl_writer_free(w);
    CHECK(fl_pread_full(fd, "spool", head, sizeof head, 0) > 80);
    close(fd);
    for (size_t len = 4; len <= sizeof head; len++) {
        CHECK(fl_sniff_own(head, len, text));
        CHECK_TEXT(text,
                   len < 64 + 6 + 10 ? "an FLT stream" : "an FLT stream of kind \"checkpoint\"");
    }
    CHECK(!fl_sniff_own("text", 4, text) && !fl_sniff_own(head, 3, text));
}

int
main(void)
{
    RUN(test_kinds);
    RUN(test_stream);
    return test_end();
}
