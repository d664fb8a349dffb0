#include "data/source.h"

#include <lzma.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "data/transcode.h"
#include "os/output.h"
#include "test.h"

static char folder[] = "/tmp/fl-source-XXXXXX";
static char path[64];

static void
put_gzip(struct fl_buf *out, const void *data, size_t len)
{
    z_stream z = {0};

    CHECK(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    CHECK(!fl_buf_reserve(out, deflateBound(&z, len) + 64));
    z.next_in = (unsigned char *)(uintptr_t)data;
    z.avail_in = (uInt)len;
    z.next_out = out->data + out->len;
    z.avail_out = (uInt)(out->cap - out->len);
    CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
    out->len += z.total_out;
    deflateEnd(&z);
}

static void
put_zstd(struct fl_buf *out, const void *data, size_t len)
{
    CHECK(!fl_buf_reserve(out, ZSTD_compressBound(len)));
    out->len += ZSTD_compress(out->data + out->len, out->cap - out->len, data, len, 3);
}

static void
put_xz(struct fl_buf *out, const void *data, size_t len)
{
    size_t at = 0, room = lzma_stream_buffer_bound(len);

    CHECK(!fl_buf_reserve(out, room));
    CHECK(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, data, len, out->data + out->len, &at,
                                  room) == LZMA_OK);
    out->len += at;
}

static void (*const packers[])(struct fl_buf *, const void *, size_t) = {put_gzip, put_zstd,
                                                                         put_xz};

/* The text of the file, read STEP bytes at a time: 0, or -1. */
static int
read_all(const void *data, size_t len, const char *encoding, size_t step, struct fl_buf *text)
{
    struct fl_source *s;
    ssize_t n = -1;

    fl_buf_clear(text);
    CHECK(!fl_output_write_file(path, data, len, 0));
    s = fl_source_open(path, encoding);
    while (s && !fl_buf_reserve(text, step) &&
           (n = fl_source_read(s, text->data + text->len, step)) > 0)
        text->len += (size_t)n;
    fl_source_close(s);
    return n < 0 ? -1 : 0;
}

static void
make_text(struct fl_buf *text, size_t len)
{
    uint32_t seed = 3;

    while (text->len < len) {
        seed = seed * 1664525u + 1013904223u;
        fl_buf_printf(text, "line %u of %u\n", seed >> 20, seed >> 28);
    }
}

static void
test_packed(void)
{
    struct fl_buf text = {0}, packed = {0}, got = {0};

    make_text(&text, 700000);
    for (size_t k = 0; k < 3; k++)
        for (size_t members = 1; members <= 3; members += 2) {
            size_t part = text.len / members;
            fl_buf_clear(&packed);
            for (size_t i = 0; i < members; i++)
                packers[k](&packed, text.data + i * part,
                           i + 1 < members ? part : text.len - i * part);
            for (size_t step = 4097; step < 2000000; step *= 40) {
                CHECK(!read_all(packed.data, packed.len, NULL, step, &got));
                CHECK(got.len == text.len && !memcmp(got.data, text.data, text.len));
            }
        }
    fl_buf_release(&text);
    fl_buf_release(&packed);
    fl_buf_release(&got);
}

/* Cut at every 4,096th byte and at each of the last 40; a byte changed; bytes after the end. */
static void
test_damaged(void)
{
    struct fl_buf text = {0}, packed = {0}, got = {0};

    make_text(&text, 700000);
    for (size_t k = 0; k < 3; k++) {
        fl_buf_clear(&packed);
        packers[k](&packed, text.data, text.len);
        for (size_t cut = 16; cut < packed.len; cut += cut + 40 < packed.len ? 4096 : 1) {
            CHECK(read_all(packed.data, cut, NULL, 1 << 20, &got) == -1);
            CHECK(strstr(fl_error_text(), "ends early") != NULL);
        }
        packed.data[packed.len / 2] ^= 8;
        CHECK(read_all(packed.data, packed.len, NULL, 1 << 20, &got) == -1 || k == 1);
        packed.data[packed.len / 2] ^= 8;
        CHECK(!fl_buf_add_text(&packed, "more"));
        CHECK(read_all(packed.data, packed.len, NULL, 1 << 20, &got) == -1);
    }
    fl_buf_clear(&packed);
    put_gzip(&packed, text.data, text.len);
    CHECK(!fl_buf_add(&packed, "\0\0\0", 3)); /* padding, as of tapes */
    CHECK(!read_all(packed.data, packed.len, NULL, 1 << 20, &got) && got.len == text.len);
    fl_buf_release(&text);
    fl_buf_release(&packed);
    fl_buf_release(&got);
}

/* A window of 256 MiB is refused, by both that can have one. */
static void
test_windows(void)
{
    struct fl_buf packed = {0}, got = {0};
    ZSTD_CCtx *c = ZSTD_createCCtx();
    lzma_options_lzma options;
    lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, NULL}};
    size_t at = 0, len = (size_t)1 << 20;
    unsigned char *zeros = calloc(1, len);

    ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, 28);
    CHECK(!fl_buf_reserve(&packed, 1 << 20));
    ZSTD_inBuffer in = {zeros, len, 0};
    ZSTD_outBuffer out = {packed.data, packed.cap, 0};
    while (ZSTD_compressStream2(c, &out, &in, ZSTD_e_continue) && in.pos < in.size)
        ;
    in.pos = 0;
    while (ZSTD_compressStream2(c, &out, &in, ZSTD_e_end))
        ;
    packed.len = out.pos;
    CHECK(read_all(packed.data, packed.len, NULL, 1 << 20, &got) == -1);
    CHECK(strstr(fl_error_text(), "needs more than 128 MiB") != NULL);
    ZSTD_freeCCtx(c);
    CHECK(!lzma_lzma_preset(&options, 1));
    options.dict_size = (uint32_t)1 << 28;
    CHECK(lzma_stream_buffer_encode(filters, LZMA_CHECK_NONE, NULL, zeros, len, packed.data, &at,
                                    packed.cap) == LZMA_OK);
    CHECK(read_all(packed.data, at, NULL, 1 << 20, &got) == -1);
    CHECK(strstr(fl_error_text(), "needs more than 128 MiB") != NULL);
    free(zeros);
    fl_buf_release(&packed);
    fl_buf_release(&got);
}

static void
test_encodings(void)
{
    static const struct {
        const char *data;
        size_t len;
        const char *encoding, *text;
    } cases[] = {
        {"caf\xe9", 4, "ISO-8859-1", "caf\xc3\xa9"},
        {"caf\xe9", 4, NULL, "caf\xe9"},
        {"\x80 5", 3, "WINDOWS-1252", "\xe2\x82\xac 5"},
        {"\xff\xfe"
         "a\0\xe9\0",
         6, NULL, "a\xc3\xa9"},
        {"\xfe\xff\0a\0\xe9", 6, NULL, "a\xc3\xa9"},
        {"\xff\xfe\0\0a\0\0\0", 8, NULL, "a"},
        {"\xef\xbb\xbf"
         "a",
         4, NULL, "a"},
        {"\0a", 2, "UTF-16BE", "a"},
        {"a\0\0\xd8"
         "b\0",
         6, "UTF-16LE",
         "a\xff\xff"
         "b"},
        {"a\0b", 3, "UTF-16LE", "a\xff"},
        {"\x82\xa0", 2, "SHIFT_JIS", "\xe3\x81\x82"},
        {"\x1b$B$\"\x1b(B", 8, "ISO-2022-JP", "\xe3\x81\x82"},
    };
    struct fl_buf got = {0}, wide = {0};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(!read_all(cases[i].data, cases[i].len, cases[i].encoding, 100, &got));
        CHECK(!fl_buf_add_byte(&got, 0));
        CHECK_TEXT((char *)got.data, cases[i].text);
    }
    CHECK(read_all("a", 1, "NO-SUCH", 10, &got) == -1 && fl_error_status() == FL_USAGE);
    CHECK(read_all("a", 1, "UTF-16//IGNORE", 10, &got) == -1 && fl_error_status() == FL_USAGE);
    /* A sequence across the blocks of the reader: an odd byte before 100,000 characters. */
    for (int i = 0; i < 100000; i++)
        CHECK(!fl_buf_add(&wide, i ? "\x82\xa0" : "x", i ? 2 : 1));
    CHECK(!read_all(wide.data, wide.len, "SHIFT_JIS", 5000, &got) && got.len == 1 + 3 * 99999);
    CHECK(!memcmp(got.data + got.len - 3, "\xe3\x81\x82", 3));
    fl_buf_release(&got);
    fl_buf_release(&wide);
}

int
main(void)
{
    char command[80];

    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/x", folder);
    RUN(test_packed);
    RUN(test_damaged);
    RUN(test_windows);
    RUN(test_encodings);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) ? 1 : test_end();
}
