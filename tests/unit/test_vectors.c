/* The writer makes the golden vectors byte for byte, as tests/vectors/make.py does in Python. */
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "crypt/hash.h"
#include "crypt/keys.h"
#include "crypt/secret.h"
#include "flt/reader.h"
#include "flt/values.h"
#include "flt/writer.h"
#include "math/q8.h"
#include "os/file.h"
#include "test.h"

/* Compare what was written to FD with a vector. */
static void
compare(int fd, const char *name)
{
    struct fl_buf want = {0};
    char path[200];
    const char *top = getenv("top");

    snprintf(path, sizeof path, "%s/tests/vectors/%s.flt", top ? top : ".", name);
    CHECK(!fl_read_file(path, 1 << 20, &want));
    size_t len = (size_t)lseek(fd, 0, SEEK_CUR);
    CHECK(len == want.len);
    unsigned char *got = fl_alloc(len, 1);
    CHECK(fl_pread_full(fd, "spool", got, len, 0) == (ssize_t)len);
    size_t at = 0;
    while (at < len && at < want.len && got[at] == want.data[at])
        at++;
    if (at < len)
        printf("# %s.flt differs at byte %zu\n", name, at);
    CHECK(at == len);
    free(got);
    fl_buf_release(&want);
    close(fd);
}

static void
sign(struct fl_writer *w, const char *kind, uint32_t signer, const char *name, unsigned first,
     int roster)
{
    struct fl_sign s = {.signer = signer};
    unsigned char seed[32], secret[64], message[10 + 64 + 1 + 32 + 4 + 32];
    size_t n = 10, len = strlen(kind) + 1;

    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (unsigned char)(first + i);
    snprintf(s.name, sizeof s.name, "%s", name);
    memset(s.roster, roster, sizeof s.roster);
    memcpy(message, "fl-sig-v1", 10);
    memcpy(message + n, kind, len);
    memcpy(message + n + len, s.roster, 32);
    fl_put32(message + n + len + 32, signer);
    fl_writer_digest(w, message + n + len + 36);
    fl_sign_pair(seed, s.key, secret);
    fl_sign(s.signature, message, n + len + 36 + 32, secret);
    CHECK(!fl_writer_sign(w, &s));
}

static void
test_empty(void)
{
    int fd = fl_spool_open();
    struct fl_writer *w = fl_writer_new(fd, "spool", 0);

    CHECK(!fl_writer_head(w, "model", NULL) && !fl_writer_done(w));
    fl_writer_free(w);
    compare(fd, "empty");
}

static void
test_signed(void)
{
    static const float values[] = {0.0f, 1.0f, -1.0f, 0.5f, 1e-3f, 65504.0f};
    int fd = fl_spool_open();
    struct fl_writer *w = fl_writer_new(fd, "spool", 0);
    struct fl_meta meta = {0};
    struct fl_tensor t;
    unsigned char base[32];

    for (size_t i = 0; i < sizeof base; i++)
        base[i] = (unsigned char)i;
    fl_writer_want_digest(w);
    CHECK(!fl_meta_set_text(&meta, "site", "aws") && !fl_meta_set_bytes(&meta, "base", base, 32));
    CHECK(!fl_writer_head(w, "update", &meta));
    fl_tensor_init(&t, "w", FL_F32, 2, (uint64_t[]){2, 3});
    CHECK(!fl_writer_tensor(w, &t) && !fl_writer_data(w, values, sizeof values));
    CHECK(!fl_writer_done(w));
    sign(w, "update", 0, "aws", 0, 0);
    sign(w, "update", 0xffffffff, "hub", 32, 'R');
    fl_writer_free(w);
    fl_meta_release(&meta);
    compare(fd, "signed");
}

/* 1, 0 and the least value of every dtype. */
static void
write_dtypes(struct fl_writer *w)
{
    static const unsigned char ones[][8] = {[FL_F64] = {0, 0, 0, 0, 0, 0, 0xf0, 0x3f},
                                            [FL_F32] = {0, 0, 0x80, 0x3f},
                                            [FL_F16] = {0, 0x3c},
                                            [FL_BF16] = {1}, /* the vector has its bits 1 */
                                            [FL_I64] = {1},
                                            [FL_I32] = {1},
                                            [FL_I16] = {1},
                                            [FL_I8] = {1},
                                            [FL_U64] = {1},
                                            [FL_U32] = {1},
                                            [FL_U16] = {1},
                                            [FL_U8] = {1}};
    struct fl_tensor t;

    for (enum fl_dtype d = FL_F64; d <= FL_U8; d++) {
        unsigned char data[3 * 8] = {0};
        size_t size = fl_dtype_size(d);
        char name[16];
        snprintf(name, sizeof name, "t.%s", fl_dtype_name(d));
        memcpy(data, ones[d], size);
        if (d >= FL_I64 && d <= FL_I8)
            data[3 * size - 1] = 0x80;
        fl_tensor_init(&t, name, d, 1, (uint64_t[]){3});
        CHECK(!fl_writer_tensor(w, &t) && !fl_writer_data(w, data, 3 * size));
    }
}

static void
test_everything(void)
{
    int fd = fl_spool_open();
    struct fl_writer *w = fl_writer_new(fd, "spool", 0);
    struct fl_meta meta = {0};
    struct fl_tensor t;
    unsigned char p[16];

    CHECK(!fl_meta_set_text_list(&meta, "tt", (const char *[]){"a", "", "\xe4\xb8\xad\xe6\x96\x87"},
                                 3));
    CHECK(!fl_meta_set_f64_list(&meta, "ff", (double[]){0.5, -1e300}, 2));
    CHECK(!fl_meta_set_i64_list(&meta, "ii", (int64_t[]){1, -2, INT64_C(1) << 62}, 3));
    CHECK(!fl_meta_set_bytes(&meta, "bytes", "\x00\xff", 2));
    CHECK(!fl_meta_set_text(&meta, "text", "h\xc3\xa9llo\n"));
    CHECK(!fl_meta_set_f64(&meta, "f", 0.1) && !fl_meta_set_i64(&meta, "i", 99));
    CHECK(!fl_meta_set_text(&meta, "empty.text", ""));
    CHECK(!fl_meta_set_bytes(&meta, "empty.bytes", "", 0));
    CHECK(!fl_meta_set_i64(&meta, "i", -7)); /* the later value counts */
    CHECK(!fl_writer_head(w, "model", &meta));
    write_dtypes(w);
    fl_tensor_init(&t, "scalar", FL_F64, 0, NULL);
    fl_put_f64(p, 3.141592653589793);
    CHECK(!fl_writer_tensor(w, &t) && !fl_writer_data(w, p, 8));
    fl_tensor_init(&t, "none", FL_F32, 3, (uint64_t[]){4, 0, 2});
    CHECK(!fl_writer_tensor(w, &t) && !fl_writer_data(w, NULL, 0));
    fl_tensor_init(&t, "rank8", FL_U8, 8, (uint64_t[]){1, 2, 1, 2, 1, 2, 1, 2});
    t.role = FL_MASKED;
    CHECK(!fl_writer_tensor(w, &t));
    for (unsigned char i = 0; i < 16; i++)
        CHECK(!fl_writer_data(w, &i, 1));
    fl_tensor_init(&t, "\xc3\xbcn\xc3\xaf", FL_I8, 1, (uint64_t[]){1});
    t.role = FL_CIPHER;
    CHECK(!fl_meta_set_f64(&t.attrs, "scale", 0.25) && !fl_meta_set_i64(&t.attrs, "lane", 3));
    CHECK(!fl_writer_tensor(w, &t) && !fl_writer_data(w, "\x80", 1));
    CHECK(!fl_writer_done(w));
    fl_writer_free(w);
    fl_meta_release(&t.attrs);
    fl_meta_release(&meta);
    compare(fd, "everything");
}

/* Compressed bytes are zstd's; the raw ones and so the digest are ours. */
/* As a model in f32 is stored so: scales of every size, and a block of zeros. */
static void
test_blocks(void)
{
    static const float d[] = {0.5f, -0.25f, 1, 0x1p-14f, -0x1p-24f, 0};
    static const uint64_t dims[] = {3, 64}, none[] = {0, 32};
    float values[6 * 32];
    unsigned char blocks[6 * FL_Q8_BYTES];
    struct fl_tensor t;
    int fd = fl_spool_open();
    struct fl_writer *w = fl_writer_new(fd, "spool", 0);

    for (int i = 0; i < 6 * 32; i++)
        values[i] = d[i / 32] * (float)(i % 32 ? i % 32 - 16 : -127);
    fl_values_from_f32(FL_Q8_0, blocks, values, 6 * 32);
    fl_tensor_init(&t, "w", FL_Q8_0, 2, dims);
    CHECK(!fl_writer_head(w, "model", NULL) && !fl_writer_tensor(w, &t) &&
          !fl_writer_data(w, blocks, sizeof blocks));
    fl_tensor_init(&t, "none", FL_Q8_0, 2, none);
    CHECK(!fl_writer_tensor(w, &t) && !fl_writer_done(w));
    fl_writer_free(w);
    compare(fd, "blocks");
}

static void
test_packed(void)
{
    char path[200], hex[65];
    const char *top = getenv("top");
    const struct fl_head *head;
    const struct fl_tensor *t;
    unsigned char digest[32];
    static float wave[(1 << 20) / 4 + 1000], got[(1 << 20) / 4 + 1000];

    for (size_t i = 0; i < sizeof wave / sizeof *wave; i++)
        wave[i] = (float)(i % 50) / 8 - 3;
    snprintf(path, sizeof path, "%s/tests/vectors/packed.flt", top ? top : ".");
    struct fl_reader *r = fl_reader_open(path);
    CHECK(r);
    if (!r)
        return;
    fl_reader_want_digest(r);
    CHECK(fl_reader_expect(r, "update", &head) == 1 && fl_reader_tensor(r, &t) == 1);
    CHECK(fl_reader_packed(r) && !fl_reader_payload(r, got, sizeof got));
    CHECK(!memcmp(wave, got, sizeof wave));
    while (fl_reader_tensor(r, &t) == 1)
        ;
    fl_reader_digest(r, digest);
    fl_hex(hex, digest, sizeof digest);
    CHECK_TEXT(hex, "d937d0d057fcb4cff7ae19eec2cf526768db659e328734494c19cf93c47695d6");
    fl_reader_free(r);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_empty);
    RUN(test_signed);
    RUN(test_everything);
    RUN(test_blocks);
    RUN(test_packed);
    return test_end();
}
