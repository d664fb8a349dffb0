/* Shards as one sequence: from files, pipes, compressed and concatenated, against a plain array. */
#include "nn/data.h"

#include <unistd.h>

#include "base/mem.h"
#include "crypt/secret.h"
#include "flt/writer.h"
#include "nn/engine.h"
#include "test.h"

enum { VOCAB = 300, EOT = 256 };

static const unsigned char digest[FL_HASH_BYTES] = "a tokenizer";

struct shard {
    unsigned seed, width, level;
    size_t tensors, each; /* ids */
};

static uint32_t
id_of(unsigned seed, size_t i)
{
    uint32_t x = (uint32_t)i * 2654435761u + seed * 40503u;

    x = (x ^ x >> 15) * 2246822519u;
    return (x ^ x >> 13) % 37 == 0 ? EOT : (x >> 16) % 256;
}

static int
put_shard(int fd, const struct shard *s, uint32_t change)
{
    struct fl_writer *w = fl_writer_new(fd, "shard", (int)s->level);
    struct fl_meta meta = {0};
    int result = !w || fl_meta_set_bytes(&meta, "tokenizer", digest, sizeof digest) ||
                 fl_meta_set_i64(&meta, "vocab", VOCAB) || fl_meta_set_i64(&meta, "eot", EOT) ||
                 fl_writer_head(w, FL_KIND_TOKENS, &meta);

    for (size_t n = 0; !result && n < s->tensors; n++) {
        struct fl_tensor t;
        char name[32];
        uint64_t dim = s->each;
        snprintf(name, sizeof name, "tokens/%06zu", n);
        fl_tensor_init(&t, name, s->width == 2 ? FL_U16 : FL_U32, 1, &dim);
        result = fl_writer_tensor(w, &t);
        for (size_t i = 0; !result && i < s->each; i++) {
            uint32_t id = change && i + 1 == s->each ? change : id_of(s->seed, n * s->each + i);
            unsigned char raw[4] = {(unsigned char)id, (unsigned char)(id >> 8),
                                    (unsigned char)(id >> 16), 0};
            result = fl_writer_data(w, raw, s->width);
        }
    }
    result = result || fl_writer_done(w);
    fl_writer_free(w);
    fl_meta_release(&meta);
    return result ? -1 : 0;
}

static char *
make_file(char *path, const struct shard *shards, size_t count, uint32_t change)
{
    strcpy(path, "/tmp/test_data.XXXXXX");
    int fd = mkstemp(path);

    for (size_t i = 0; i < count; i++)
        CHECK(fd >= 0 && !put_shard(fd, &shards[i], change));
    close(fd);
    return path;
}

/* The ids of shards one after the other, as they were made. */
static size_t
plain(const struct shard *shards, size_t count, uint32_t *ids)
{
    size_t n = 0;

    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < shards[s].tensors * shards[s].each; i++)
            ids[n++] = id_of(shards[s].seed, i);
    return n;
}

static void
compare(const struct fl_data *d, const uint32_t *want, size_t n)
{
    uint32_t got[64];
    size_t wrong = 0;

    CHECK(fl_data_tokens(d) == n);
    for (size_t place = 0; place < n; place++) {
        size_t len = 1 + place % 63;
        CHECK(!fl_data_read(d, place, len, got));
        for (size_t i = 0; i < len; i++)
            wrong += got[i] != want[(place + i) % n];
    }
    CHECK(wrong == 0);
}

static const struct shard four[] = {{1, 2, 0, 3, 101},
                                    {2, 4, 0, 1, 77},
                                    {3, 2, 3, 2, 55},
                                    {4, 4, 3, 5, 9}};

static void
test_files_of_every_form(void)
{
    char path[64];
    uint32_t want[2000];

    for (size_t count = 1; count <= 4; count++) {
        struct fl_data *d = fl_data_new(digest, VOCAB, NULL);
        CHECK(!fl_data_add(d, make_file(path, four, count, 0)));
        unlink(path); /* the map stays */
        CHECK(fl_data_count(d) == count);
        compare(d, want, plain(four, count, want));
        fl_data_free(d);
    }
}

static void
test_pipe(void)
{
    uint32_t want[2000];
    int ends[2], keep = dup(0);
    struct fl_data *d = fl_data_new(digest, VOCAB, NULL);

    CHECK(!pipe(ends));
    for (int i = 0; i < 4; i++)
        CHECK(!put_shard(ends[1], &four[i], 0)); /* fits into a pipe */
    close(ends[1]);
    dup2(ends[0], 0);
    close(ends[0]);
    CHECK(!fl_data_add(d, NULL));
    dup2(keep, 0);
    close(keep);
    compare(d, want, plain(four, 4, want));
    fl_data_free(d);
}

static void
test_documents(void)
{
    static const struct shard one = {1, 2, 0, 3, 101};
    char path[64];
    uint32_t want[400];
    struct fl_data *d = fl_data_new(digest, VOCAB, NULL);
    size_t n = plain(&one, 1, want), documents = want[n - 1] != EOT;

    for (size_t i = 0; i < n; i++)
        documents += want[i] == EOT;
    CHECK(!fl_data_add(d, make_file(path, &one, 1, 0)));
    unlink(path);
    CHECK(documents > 3 && fl_data_documents(d) == documents);
    CHECK(fl_data_shard(d, 0)->documents == documents && fl_data_shard(d, 0)->tokens == n);
    fl_data_free(d);
}

static void
test_order_of_files_does_not_matter(void)
{
    char path[4][64];
    uint32_t first[500], other[500];
    struct fl_data *d;

    for (size_t i = 0; i < 4; i++)
        make_file(path[i], &four[i], 1, 0);
    for (size_t turn = 0; turn < 4; turn++) {
        d = fl_data_new(digest, VOCAB, NULL);
        for (size_t i = 0; i < 4; i++)
            CHECK(!fl_data_add(d, path[(i + turn) % 4]));
        CHECK(!fl_data_sort(d));
        size_t n = (size_t)fl_data_tokens(d);
        CHECK(n == 303 + 77 + 110 + 45 && n > 500);
        CHECK(!fl_data_read(d, 35, 500, turn ? other : first));
        CHECK(!turn || !memcmp(first, other, sizeof first));
        for (size_t i = 1; i < 4; i++)
            CHECK(fl_data_shard(d, i)->first ==
                  fl_data_shard(d, i - 1)->first + fl_data_shard(d, i - 1)->tokens);
        for (size_t i = 0; i < 4; i++) { /* each is whole, wherever it is now */
            const struct fl_data_shard *s = fl_data_shard(d, i);
            const struct shard *made = &four[(s->number + turn) % 4];
            uint32_t want[500], got[500];
            n = plain(made, 1, want);
            CHECK(n == s->tokens && !fl_data_read(d, s->first, n, got));
            CHECK(!memcmp(want, got, n * sizeof *got));
        }
        fl_data_free(d);
    }
    d = fl_data_new(digest, VOCAB, NULL);
    CHECK(!fl_data_add(d, path[0]) && !fl_data_add(d, path[1]) && !fl_data_add(d, path[0]));
    CHECK(fl_data_sort(d) == -1 && strstr(fl_error_text(), "is the same shard as"));
    fl_data_free(d);
    for (size_t i = 0; i < 4; i++)
        unlink(path[i]);
}

/* A shard is known by its digest: other names, other compression. */
static void
test_split(void)
{
    static const struct shard plain_2 = {2, 2, 0, 1, 77}, packed_2 = {2, 2, 3, 1, 77};
    char path[3][64];
    struct fl_data *train = fl_data_new(digest, VOCAB, NULL),
                   *valid = fl_data_new(digest, VOCAB, NULL);

    CHECK(!fl_data_add(train, make_file(path[0], four, 4, 0)));
    CHECK(!fl_data_sort(train) && !fl_data_check_split(train, NULL));
    CHECK(!fl_data_add(valid, make_file(path[1], &plain_2, 1, 0)));
    CHECK(!fl_data_sort(valid) && !fl_data_check_split(train, valid));
    CHECK(!fl_data_check_split(valid, train));
    CHECK(!fl_data_add(train, make_file(path[2], &packed_2, 1, 0)) && !fl_data_sort(train));
    CHECK(fl_data_check_split(train, valid) == -1 && strstr(fl_error_text(), path[1]) &&
          strstr(fl_error_text(), path[2]));
    CHECK(fl_data_check_split(valid, train) == -1);
    fl_data_free(train);
    fl_data_free(valid);
    for (int i = 0; i < 3; i++)
        unlink(path[i]);
}

static void
refused(const char *path, const unsigned char *tokenizer, uint32_t vocab, const char *why)
{
    struct fl_data *d = fl_data_new(tokenizer, vocab, NULL);

    CHECK(fl_data_add(d, path) == -1 && fl_error_status() == FL_FAILED);
    if (!strstr(fl_error_text(), why) || !strstr(fl_error_text(), path))
        CHECK_TEXT(fl_error_text(), why);
    fl_data_free(d);
}

static void
test_refusals(void)
{
    static const unsigned char other[FL_HASH_BYTES] = "another tokenizer";
    char path[64];

    make_file(path, four, 4, 0);
    refused(path, other, VOCAB, "another tokenizer");
    refused(path, digest, 256, "has the id 256, and the model's ids end at 255");
    CHECK(!truncate(path, 1000));
    refused(path, digest, VOCAB, "");
    CHECK(!truncate(path, 0));
    refused(path, digest, VOCAB, "empty");
    unlink(path);
    make_file(path, four, 1, VOCAB);
    refused(path, digest, VOCAB, "has the id 300");
    unlink(path);
    make_file(path, four + 1, 1, 0xffffff);
    refused(path, digest, VOCAB, "has the id 16777215");
    unlink(path);
}

/* A file of these ids, in tensors of 10; each says BYTES if that is not negative. */
static char *
make_ids(char *path, const uint32_t *ids, size_t n, int64_t bytes)
{
    strcpy(path, "/tmp/test_data.XXXXXX");
    int fd = mkstemp(path);
    struct fl_writer *w = fl_writer_new(fd, "shard", 0);
    struct fl_meta meta = {0};

    CHECK(!fl_meta_set_bytes(&meta, "tokenizer", digest, sizeof digest) &&
          !fl_meta_set_i64(&meta, "vocab", VOCAB) && !fl_meta_set_i64(&meta, "eot", EOT) &&
          !fl_writer_head(w, FL_KIND_TOKENS, &meta));
    for (size_t at = 0; at < n; at += 10) {
        struct fl_tensor t;
        char name[32];
        uint64_t dim = n - at < 10 ? n - at : 10;
        snprintf(name, sizeof name, "tokens/%06zu", at / 10);
        fl_tensor_init(&t, name, FL_U32, 1, &dim);
        CHECK(bytes < 0 || !fl_meta_set_i64(&t.attrs, "bytes", bytes));
        CHECK(!fl_writer_tensor(w, &t) && !fl_writer_data(w, ids + at, 4 * (size_t)dim));
        fl_meta_release(&t.attrs);
    }
    CHECK(!fl_writer_done(w));
    fl_writer_free(w);
    fl_meta_release(&meta);
    close(fd);
    return path;
}

/*
 * Documents of 0 to 6 ids (of 1 to 7 when the end is a begin too: in a row of ends nobody could
 * tell which is which), among them those that texts begin with; which ids are begins, and where the
 * document of each begins. */
static size_t
make_documents(const struct fl_marks *m, uint32_t *ids, bool *begins, size_t *documents)
{
    size_t n = 0;

    for (unsigned d = 0; d < 40; d++) {
        size_t first = n;
        for (size_t i = 0; i < m->begin.len; i++, n++) {
            ids[n] = m->begin.data[i];
            begins[n] = true;
        }
        for (unsigned i = 0; i < d % 7 + (m->begin.data[0] == EOT); i++, n++) {
            ids[n] = id_of(d, i) % 3 + 7; /* 7, 8 and 9 */
            begins[n] = false;
        }
        begins[n] = false;
        ids[n++] = EOT;
        for (size_t i = first; i < n; i++)
            documents[i] = first;
    }
    return n;
}

/* Begin ids are no targets, wherever a window lies; the same ids within a text are. */
static void
test_windows(void)
{
    static const uint32_t lists[][3] = {{7}, {7, 9}, {9, 9, 7}, {EOT}, {EOT, 7}};
    static const size_t lengths[] = {1, 2, 3, 1, 2};
    static uint32_t ids[1000], x[40], y[40], apart[40], start[40];
    static bool begins[1000];
    static size_t documents[1000];
    char path[64];

    for (size_t k = 0; k < 5; k++) {
        struct fl_marks m = {.end = EOT};
        for (size_t i = 0; i < lengths[k]; i++)
            CHECK(!fl_ids_add(&m.begin, lists[k][i]));
        size_t n = make_documents(&m, ids, begins, documents), wrong = 0;
        struct fl_data *d = fl_data_new(digest, VOCAB, &m);
        CHECK(!fl_data_add(d, make_ids(path, ids, n, -1)));
        unlink(path);
        for (size_t place = 0; place < n; place++) {
            size_t len = 1 + place % 40;
            uint64_t counted = 5, want = 5;
            const struct fl_window w = {x, y, NULL}, v = {x, apart, start};
            uint64_t counted_apart = 0, want_apart = 0, begin = place;
            CHECK(!fl_data_window(d, place, len, &v, &counted_apart));
            CHECK(!fl_data_window(d, place, len, &w, &counted));
            for (size_t i = 0; i < len; i++) {
                size_t next = (place + i + 1) % n;
                wrong += x[i] != ids[(place + i) % n];
                wrong += y[i] != (begins[next] ? FL_IGNORE : ids[next]);
                want += !begins[next];
                begin = documents[(place + i) % n] == (place + i) % n && i ? place + i : begin;
                wrong += start[i] != begin - place;
                bool last = documents[next] == next;
                wrong += apart[i] != (last ? FL_IGNORE : y[i]);
                want_apart += !last && !begins[next];
            }
            wrong += counted != want || counted_apart != want_apart;
        }
        CHECK(wrong == 0);
        CHECK(fl_data_documents(d) == 40 + (lists[k][0] == EOT ? 40 : 0));
        fl_data_free(d);
        fl_marks_release(&m);
    }
}

static void
test_bytes(void)
{
    uint32_t ids[25] = {0};
    char path[64];
    struct fl_data *d = fl_data_new(digest, VOCAB, NULL);

    CHECK(!fl_data_add(d, make_ids(path, ids, 25, 77)) && fl_data_shard(d, 0)->counted);
    CHECK(fl_data_shard(d, 0)->bytes == 3 * 77);
    unlink(path);
    CHECK(!fl_data_add(d, make_ids(path, ids, 25, -1)) && !fl_data_shard(d, 1)->counted);
    unlink(path);
    fl_data_free(d);
    struct fl_marks m = {.end = 3}; /* not what the shard says */
    d = fl_data_new(digest, VOCAB, &m);
    CHECK(fl_data_add(d, make_ids(path, ids, 25, -1)) == -1);
    CHECK(strstr(fl_error_text(), "end with token 256, and the model's with 3") != NULL);
    unlink(path);
    fl_data_free(d);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_windows);
    RUN(test_bytes);
    RUN(test_files_of_every_form);
    RUN(test_pipe);
    RUN(test_documents);
    RUN(test_order_of_files_does_not_matter);
    RUN(test_split);
    RUN(test_refusals);
    return test_end();
}
