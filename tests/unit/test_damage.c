/*
 * A small object is cut at every byte and has every single bit flipped, and each time it is refused
 * by name and place: from a pipe, from a file in one pass, and mapped. Plain and compressed.
 */
#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "crypt/secret.h"
#include "flt/object.h"
#include "flt/reader.h"
#include "flt/writer.h"
#include "os/file.h"
#include "os/watch.h"
#include "test.h"

struct sample {
    struct fl_buf data;
    size_t whole[4]; /* the lengths at which it is a stream: object, signature, object, signature */
    size_t count;
};

static void
add_object(struct sample *s, struct fl_writer *w, int fd, const char *kind, float scale)
{
    struct fl_meta meta = {0};
    struct fl_tensor t;
    struct fl_sign sign = {.name = "site", .signer = 3};
    float f[300];
    uint16_t u[7] = {1, 2, 65535};
    double d = scale;

    for (size_t i = 0; i < 300; i++)
        f[i] = scale * (float)(i % 9);
    memset(sign.signature, 0x5a, sizeof sign.signature);
    CHECK(!fl_meta_set_i64(&meta, "round", 7) && !fl_meta_set_text(&meta, "site", "aws"));
    CHECK(!fl_writer_head(w, kind, &meta));
    fl_tensor_init(&t, "weight", FL_F32, 2, (uint64_t[]){3, 100});
    CHECK(!fl_writer_tensor(w, &t) && !fl_writer_data(w, f, sizeof f));
    fl_tensor_init(&t, "ids", FL_U16, 1, (uint64_t[]){7});
    CHECK(!fl_writer_tensor(w, &t) && !fl_writer_data(w, u, sizeof u));
    fl_tensor_init(&t, "none", FL_I8, 1, (uint64_t[]){0});
    CHECK(!fl_writer_tensor(w, &t));
    fl_tensor_init(&t, "scalar", FL_F64, 0, NULL);
    CHECK(!fl_writer_tensor(w, &t) && !fl_writer_data(w, &d, sizeof d));
    CHECK(!fl_writer_done(w));
    s->whole[s->count++] = (size_t)lseek(fd, 0, SEEK_CUR);
    CHECK(!fl_writer_sign(w, &sign));
    s->whole[s->count++] = (size_t)lseek(fd, 0, SEEK_CUR);
    fl_meta_release(&meta);
}

static void
make_sample(struct sample *s, int level, int objects)
{
    int fd = fl_spool_open();
    struct fl_writer *w = fl_writer_new(fd, "sample", level);

    memset(s, 0, sizeof *s);
    for (int i = 0; i < objects; i++)
        add_object(s, w, fd, "model", 1.0f + (float)i);
    fl_writer_free(w);
    CHECK(!fl_buf_reserve(&s->data, s->whole[s->count - 1]));
    s->data.len = s->whole[s->count - 1];
    CHECK(fl_pread_full(fd, "sample", s->data.data, s->data.len, 0) == (ssize_t)s->data.len);
    close(fd);
}

/* All of a stream, every payload read. Returns 0 when it is whole. */
static int
read_all(int fd, bool digest)
{
    struct fl_reader *r = fl_reader_new(fd, "x.flt");
    const struct fl_head *head;
    const struct fl_tensor *tensor;
    const struct fl_sign *sign;
    const unsigned char *data;
    size_t len;
    int got;

    if (!r)
        return -1;
    if (digest) /* then payloads are not asked for, and must be checked all the same */
        fl_reader_want_digest(r);
    while ((got = fl_reader_object(r, &head)) == 1) {
        while ((got = fl_reader_tensor(r, &tensor)) == 1)
            while (!digest && (got = fl_reader_block(r, &data, &len)) == 1)
                ;
        while (got == 0 && (got = fl_reader_sign(r, &sign)) == 1)
            got = 0;
        if (got < 0)
            break;
    }
    fl_reader_free(r);
    return got;
}

static int
from_pipe(const unsigned char *data, size_t len)
{
    int ends[2];

    if (pipe(ends) || fl_write_full(ends[1], "pipe", data, len))
        return 0; /* counts as accepted: the test fails */
    close(ends[1]);
    int result = read_all(ends[0], false);
    close(ends[0]);
    return result;
}

/* One scratch file for all of them: a folder entry, so that it can be opened by name. */
static char scratch[] = "/tmp/fl-damage-XXXXXX";
static int scratch_fd;

static void
fill_scratch(const unsigned char *data, size_t len)
{
    CHECK(!ftruncate(scratch_fd, (off_t)len));
    CHECK(!fl_pwrite_full(scratch_fd, "scratch", data, len, 0));
}

static int
from_file(const unsigned char *data, size_t len, bool digest)
{
    fill_scratch(data, len);
    CHECK(lseek(scratch_fd, 0, SEEK_SET) == 0);
    return read_all(scratch_fd, digest);
}

static int
from_map(const unsigned char *data, size_t len)
{
    fill_scratch(data, len);
    struct fl_object *o = fl_object_open(scratch, NULL);
    int result = o ? 0 : -1;

    for (size_t i = 0; !result && i < fl_object_count(o); i++)
        if (!fl_object_data(o, i))
            result = -1;
    fl_object_free(o);
    return result;
}

static int
from_digest(const unsigned char *data, size_t len)
{
    unsigned char digest[32];

    fill_scratch(data, len);
    struct fl_object *o = fl_object_open(scratch, NULL);
    int result = o ? fl_object_digest(o, NULL, digest) : -1;
    fl_object_free(o);
    return result;
}

enum way { PIPE, FILE_BLOCKS, FILE_DIGEST, MAP, DIGEST, WAYS };

static int
by_way(enum way way, const unsigned char *data, size_t len)
{
    switch (way) {
    case PIPE: return from_pipe(data, len);
    case FILE_BLOCKS: return from_file(data, len, false);
    case FILE_DIGEST: return from_file(data, len, true);
    case MAP: return from_map(data, len);
    default: return from_digest(data, len);
    }
}

/* True when DATA is refused with status 1 by a sentence that names the file and a place in it. */
static bool
is_refused(enum way way, const unsigned char *data, size_t len)
{
    const char *name = way < MAP ? "x.flt: " : scratch;

    fl_error_clear();
    if (by_way(way, data, len) != -1)
        return false;
    const char *text = fl_error_text();
    return fl_error_status() == FL_FAILED && !strncmp(text, name, strlen(name)) &&
           (strstr(text, "offset ") || strstr(text, ", not an FLT stream") ||
            (!len && strstr(text, "is empty")));
}

static bool
is_whole(const struct sample *s, size_t len)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->whole[i] == len)
            return true;
    return false;
}

/*
 * Every position; under valgrind and the sanitizers, which are ten to fifty times slower, every
 * 17th: over the bytes all eight bits then still have their turn.
 */
static size_t
stride(void)
{
    const char *valgrind = getenv("VALGRIND"), *san = getenv("SAN");

    return (valgrind && *valgrind) || (san && *san) ? 17 : 1;
}

static void
cut_everywhere(const struct sample *s, enum way last)
{
    size_t bad = 0;

    for (enum way way = 0; way <= last; way++)
        for (size_t len = 0; len <= s->data.len; len += stride()) {
            bool good = is_whole(s, len) ? by_way(way, s->data.data, len) == 0
                                         : is_refused(way, s->data.data, len);
            if (!good && !bad++)
                printf("# way %d, cut at %zu of %zu: %s\n", way, len, s->data.len, fl_error_text());
        }
    CHECK(bad == 0);
}

static void
flip_everywhere(const struct sample *s, enum way last)
{
    size_t bad = 0;

    for (enum way way = 0; way <= last; way++)
        for (size_t bit = 0; bit < 8 * s->data.len; bit += stride()) {
            s->data.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
            if (!is_refused(way, s->data.data, s->data.len) && bad++ < 20)
                printf("# way %d, bit %zu of byte %zu of %zu: %s\n", way, bit % 8, bit / 8,
                       s->data.len, fl_error_text());
            s->data.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
    CHECK(bad == 0);
}

static void
test_plain(void)
{
    struct sample s;

    make_sample(&s, 0, 1);
    for (enum way way = 0; way < WAYS; way++)
        CHECK(by_way(way, s.data.data, s.data.len) == 0);
    cut_everywhere(&s, DIGEST);
    flip_everywhere(&s, DIGEST);
    fl_buf_release(&s.data);
}

static void
test_compressed(void)
{
    struct sample s;

    make_sample(&s, 3, 1);
    for (enum way way = 0; way < WAYS; way++)
        CHECK(by_way(way, s.data.data, s.data.len) == 0);
    cut_everywhere(&s, MAP);
    flip_everywhere(&s, MAP);
    fl_buf_release(&s.data);
}

static void
test_two_objects(void)
{
    struct sample s;

    make_sample(&s, 0, 2);
    cut_everywhere(&s, FILE_DIGEST);
    flip_everywhere(&s, PIPE);
    fl_buf_release(&s.data);
}

/* The beginning of one object and the rest of another, as a copy in place leaves them. */
static void
test_torn(void)
{
    struct sample s;
    unsigned char torn[8192];
    size_t refused = 0;

    make_sample(&s, 0, 2);
    size_t half = s.data.len / 2;
    const unsigned char *a = s.data.data, *b = a + half;
    CHECK(s.whole[1] == half && half < sizeof torn);
    for (size_t at = 0; at <= half; at += 64) {
        memcpy(torn, a, at);
        memcpy(torn + at, b + at, half - at);
        bool whole = !memcmp(torn, a, half) || !memcmp(torn, b, half);
        CHECK(whole ? by_way(PIPE, torn, half) == 0 : is_refused(PIPE, torn, half));
        refused += !whole;
    }
    CHECK(refused > 10);
    fl_buf_release(&s.data);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    scratch_fd = mkstemp(scratch);
    fl_watch_hurry();
    RUN(test_plain);
    RUN(test_compressed);
    RUN(test_two_objects);
    RUN(test_torn);
    close(scratch_fd);
    unlink(scratch);
    return test_end();
}
