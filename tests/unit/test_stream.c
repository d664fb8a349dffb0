/* The stream's reader, writer and object against each other, raw and compressed, file and pipe. */
#include "test.h"

#include <pthread.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypt/hash.h"
#include "crypt/secret.h"
#include "flt/object.h"
#include "flt/reader.h"
#include "flt/writer.h"
#include "os/file.h"

enum { COUNT = 5300001 }; /* 21 blocks */

static float *values;

static void
fill(void)
{
    values = fl_alloc(COUNT, sizeof *values);
    for (size_t i = 0; i < COUNT; i++)
        values[i] = sinf((float)i) * 0.02f;
}

/* An object with metadata of every type, a long, an empty and a rank-0 tensor, and a signature. */
static void
write_object(int fd, int level, unsigned char digest[32])
{
    struct fl_writer *w = fl_writer_new(fd, "test", level);
    struct fl_meta meta = {0};
    struct fl_tensor t;
    struct fl_sign sign = {.name = "alice", .signer = 3};
    const char *const texts[] = {"eins", "zwei"};
    const int64_t list[] = {3, -4};
    const double floats[] = {0.5};

    CHECK(!fl_meta_set_i64(&meta, "n", -7) && !fl_meta_set_f64(&meta, "f", 0.25));
    CHECK(!fl_meta_set_text(&meta, "t", "Grüße") && !fl_meta_set_bytes(&meta, "b", "\0\1", 2));
    CHECK(!fl_meta_set_i64_list(&meta, "nl", list, 2));
    CHECK(!fl_meta_set_f64_list(&meta, "fl", floats, 1));
    CHECK(!fl_meta_set_text_list(&meta, "tl", texts, 2));
    fl_writer_want_digest(w);
    CHECK(!fl_writer_head(w, "model", &meta));
    fl_tensor_init(&t, "long", FL_F32, 2, (uint64_t[]){COUNT, 1});
    CHECK(!fl_writer_tensor(w, &t));
    for (size_t at = 0, n, i = 0; at < COUNT; at += n, i++) { /* parts of blocks, and many blocks */
        n = i % 30 == 29 ? 2500000 : 12345;
        n = COUNT - at < n ? COUNT - at : n;
        CHECK(!fl_writer_data(w, values + at, n * sizeof *values));
    }
    fl_tensor_init(&t, "empty", FL_U8, 1, (uint64_t[]){0});
    CHECK(!fl_writer_tensor(w, &t));
    fl_tensor_init(&t, "one", FL_I16, 0, NULL);
    CHECK(!fl_writer_tensor(w, &t) && !fl_writer_data(w, "ab", 2));
    CHECK(!fl_writer_done(w) && !fl_writer_sign(w, &sign));
    fl_writer_digest(w, digest);
    fl_writer_free(w);
    fl_meta_release(&meta);
}

struct job {
    int fd, level, copies;
    unsigned char digest[32];
};

static void *
write_to_pipe(void *arg)
{
    struct job *job = arg;

    for (int i = 0; i < job->copies; i++)
        write_object(job->fd, job->level, job->digest);
    close(job->fd);
    return NULL;
}

/* The digest of the payloads by flt(5): of the leaves one after the other. */
static void
payload_digest(unsigned char out[32])
{
    const size_t bytes = COUNT * sizeof *values, block = 1 << 20;
    unsigned char leaf[32];
    struct fl_hash h;

    fl_hash_init(&h, NULL, "fl1.payload");
    for (size_t at = 0; at < bytes; at += block) {
        size_t n = bytes - at < block ? bytes - at : block;
        fl_hash_once(leaf, NULL, "fl1.leaf", (char *)values + at, n);
        fl_hash_add(&h, leaf, 32);
    }
    fl_hash_once(leaf, NULL, "fl1.leaf", "ab", 2);
    fl_hash_add(&h, leaf, 32);
    fl_hash_final(&h, out);
}

/* With POOL the long tensor is read in part, and passed over from there on by all threads. */
static void
read_objects(int fd, int copies, const unsigned char digest[32], struct fl_pool *pool)
{
    struct fl_reader *r = fl_reader_new(fd, "test");
    const struct fl_head *head;
    const struct fl_tensor *t;
    const struct fl_sign *sign;
    const unsigned char *data;
    unsigned char got[32], payload[32];
    size_t len, at;
    const char *text;

    payload_digest(payload);
    fl_reader_want_digest(r);
    if (pool)
        fl_reader_use_pool(r, pool);
    for (int i = 0; i < copies; i++) {
        CHECK(fl_reader_expect(r, "model", &head) == 1);
        CHECK(!fl_meta_get_text(&head->meta, "t", &text));
        CHECK_TEXT(text, "Grüße");
        CHECK(head->meta.count == 7);
        CHECK(fl_reader_tensor(r, &t) == 1 && t->dims[0] == COUNT);
        for (at = 0; (!pool || at < 3 << 20) && fl_reader_block(r, &data, &len) == 1; at += len)
            CHECK(!memcmp(data, (char *)values + at, len));
        CHECK(pool || at == COUNT * sizeof *values);
        CHECK(fl_reader_tensor(r, &t) == 1);
        CHECK_TEXT(t->name, "empty");
        CHECK(fl_reader_tensor(r, &t) == 1 && t->rank == 0);
        CHECK(fl_reader_tensor(r, &t) == 0);
        fl_reader_digest(r, got);
        CHECK(!memcmp(got, digest, 32));
        fl_reader_payload_digest(r, got);
        CHECK(!memcmp(got, payload, 32));
        CHECK(fl_reader_sign(r, &sign) == 1 && sign->signer == 3);
        CHECK(fl_reader_sign(r, &sign) == 0);
    }
    CHECK(fl_reader_object(r, &head) == 0);
    fl_reader_free(r);
}

static void
through_pipe(int level)
{
    int ends[2];
    pthread_t thread;
    struct job job = {.level = level, .copies = 2};
    unsigned char digest[32];
    int null = fl_spool_open();

    write_object(null, 0, digest);
    close(null);
    CHECK(!pipe(ends));
    job.fd = ends[1];
    CHECK(!pthread_create(&thread, NULL, write_to_pipe, &job));
    read_objects(ends[0], 2, digest, NULL);
    pthread_join(thread, NULL);
    CHECK(!memcmp(digest, job.digest, 32)); /* the digest does not know compression */
    close(ends[0]);
}

static void
test_pipe(void)
{
    through_pipe(0);
    through_pipe(3);
}

static void
as_object(int level)
{
    char path[] = "/tmp/fl-test-XXXXXX";
    int fd = mkstemp(path);
    unsigned char digest[32], got[32];
    struct fl_pool *pool = fl_pool_new(3);

    write_object(fd, level, digest);
    lseek(fd, 0, SEEK_SET);
    read_objects(fd, 1, digest, NULL);
    lseek(fd, 0, SEEK_SET);
    read_objects(fd, 1, digest, pool);
    close(fd);
    struct fl_object *o = fl_object_open(path, "model");
    CHECK(o != NULL);
    if (o) {
        int64_t i = fl_object_find(o, "long");
        CHECK(i == 0 && fl_object_find(o, "other") == -1 && fl_object_count(o) == 3);
        CHECK(!memcmp(fl_object_data(o, (size_t)i), values, COUNT * sizeof *values));
        CHECK(!fl_object_digest(o, pool, got) && !memcmp(got, digest, 32));
        CHECK(fl_object_sign_count(o) == 1);
    }
    fl_object_free(o);
    fl_pool_free(pool);
    CHECK(!fl_object_open(path, "update") && strstr(fl_error_text(), "kind"));
    unlink(path);
}

static void
test_object(void)
{
    as_object(0);
    as_object(1);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    fill();
    RUN(test_pipe);
    RUN(test_object);
    free(values);
    return test_end();
}
