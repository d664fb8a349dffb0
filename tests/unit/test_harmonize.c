#include "data/harmonize.h"

#include <unistd.h>

#include "os/file.h"
#include "os/output.h"
#include "random.h"
#include "test.h"

static char folder[] = "/tmp/fl-harmonize-XXXXXX";
static char paths_text[3][64];
static const char *paths[3];
static struct fl_reading plain;
static size_t first_invalid; /* in the first of them */

/* Three files: text of several chunks, lines of JSON, and a small file. */
static void
make_files(void)
{
    struct fl_buf text = {0}, lines = {0};
    uint32_t seed = 21;
    char piece[400];

    while (text.len < 900000) {
        size_t len = random_text(&seed, "word|an|other| | |\n|\n\n|\xc3\xa9|\xff|1", 60, piece);
        fl_buf_add(&text, piece, len);
    }
    first_invalid = (size_t)((unsigned char *)memchr(text.data, 0xff, text.len) - text.data);
    for (int i = 0; i < 3000; i++) {
        random_text(&seed, "word|an|other| |\\n|\\u00e9|1", 60, piece);
        fl_buf_printf(&lines, "{\"text\": \"x%s\"}\n", piece);
        if (i % 9 == 0)
            fl_buf_printf(&lines, "{\"text\": \"same again\"}\n");
    }
    for (int i = 0; i < 3; i++) {
        snprintf(paths_text[i], sizeof paths_text[i], "%s/%d.%s", folder, i,
                 i == 1 ? "jsonl" : "t");
        paths[i] = paths_text[i];
    }
    CHECK(!fl_output_write_file(paths[0], text.data, text.len, 0));
    CHECK(!fl_output_write_file(paths[1], lines.data, lines.len, 0));
    CHECK(!fl_output_write_file(paths[2], "one\n", 4, 0));
    fl_buf_release(&text);
    fl_buf_release(&lines);
}

struct result {
    struct fl_buf train, valid;
    struct fl_report card;
};

static void
read_back(int fd, struct fl_buf *content)
{
    unsigned char block[65536];
    ssize_t n;

    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    while ((n = fl_read_full(fd, "spool", block, sizeof block)) > 0)
        fl_buf_add(content, block, (size_t)n);
    close(fd);
}

static void
run(const struct fl_tokenizer *t, int threads, double valid, struct result *result)
{
    struct fl_harmonize_settings set = {.records = {FL_RECORDS_AUTO, 4096, 500, false, false, NULL},
                                        .reading = &plain,
                                        .max_dropped = 0.1,
                                        .valid = valid,
                                        .pool = fl_pool_new(threads)};
    struct fl_harmonize *h = fl_harmonize_new(paths, 3, &set);
    int train_fd = fl_spool_open(), valid_fd = fl_spool_open();
    struct fl_shard *train = fl_shard_new(train_fd, "train", 0, t, &(struct fl_shard_about){0});
    struct fl_shard *other = valid > 0 ? fl_shard_new(valid_fd, "valid", 0, t,
                                                      &(struct fl_shard_about){.valid = valid})
                                       : NULL;

    *result = (struct result){{0}, {0}, {0}};
    CHECK(h && train && !fl_harmonize_encode(h, t, train, other) && !fl_shard_done(train));
    CHECK(!other || !fl_shard_done(other));
    fl_harmonize_card(h, false, false, &result->card);
    fl_shard_free(train);
    fl_shard_free(other);
    read_back(train_fd, &result->train);
    read_back(valid_fd, &result->valid);
    fl_harmonize_free(h);
    fl_pool_free(set.pool);
}

static void
release(struct result *r)
{
    fl_buf_release(&r->train);
    fl_buf_release(&r->valid);
    fl_report_release(&r->card);
}

static int
same(const struct fl_buf *a, const struct fl_buf *b)
{
    return a->len == b->len && !memcmp(fl_buf_text(a), fl_buf_text(b), a->len);
}

static void
test_threads(void)
{
    struct fl_tokenizer *t = fl_tokenizer_bytes();
    struct result one, more;

    run(t, 1, 0.3, &one);
    CHECK(one.train.len > 500000 && one.valid.len > 200000);
    for (int threads = 2; threads < 6; threads += 3) {
        run(t, threads, 0.3, &more);
        CHECK(same(&one.train, &more.train) && same(&one.valid, &more.valid));
        CHECK(same(&one.card.out, &more.card.out));
        release(&more);
    }
    release(&one);
    fl_tokenizer_free(t);
}

static void
test_learning(void)
{
    struct fl_buf json[2] = {{0}, {0}};

    for (int k = 0; k < 2; k++) {
        struct fl_harmonize_settings set = {.records = {FL_RECORDS_AUTO, 4096, 500, false, false,
                                                        NULL},
                                            .reading = &plain,
                                            .max_dropped = 0.1,
                                            .pool = fl_pool_new(1 + 2 * k)};
        struct fl_harmonize *h = fl_harmonize_new(paths, 3, &set);
        struct fl_bpe_trained trained = {0};
        CHECK(h && !fl_harmonize_learn(h, 400, NULL, &trained));
        CHECK(trained.pieces.ids == 400);
        CHECK(!fl_tokenizer_write(&trained.pieces, trained.merges, trained.count, &json[k]));
        CHECK(fl_harmonize_row(h, 2)->documents == 1 && fl_harmonize_row(h, 2)->tokens == 0);
        fl_bpe_trained_release(&trained);
        fl_harmonize_free(h);
        fl_pool_free(set.pool);
    }
    CHECK(same(&json[0], &json[1]));
    fl_buf_release(&json[0]);
    fl_buf_release(&json[1]);
}

/* Of many errors the first in the input is told, whichever thread meets one first. */
static void
test_first_error(void)
{
    struct fl_tokenizer *t = fl_tokenizer_bytes();
    char first[60];

    snprintf(first, sizeof first, "0.t: byte %zu is not UTF-8", first_invalid);

    for (int turn = 0; turn < 6; turn++) {
        struct fl_harmonize_settings set = {.records = {FL_RECORDS_AUTO, 4096, 500, false, false,
                                                        NULL},
                                            .reading = &plain,
                                            .max_dropped = 0.1,
                                            .rules = {.refuse_invalid = true},
                                            .pool = fl_pool_new(turn ? 4 : 1)};
        struct fl_harmonize *h = fl_harmonize_new(paths, 3, &set);
        int fd = fl_spool_open();
        struct fl_shard *s = fl_shard_new(fd, "spool", 0, t, &(struct fl_shard_about){0});
        CHECK(h && s && fl_harmonize_encode(h, t, s, NULL) == -1);
        CHECK(strstr(fl_error_text(), first));
        fl_shard_free(s);
        fl_harmonize_free(h);
        fl_pool_free(set.pool);
        close(fd);
    }
    fl_tokenizer_free(t);
}

int
main(void)
{
    char command[80];

    if (!mkdtemp(folder) || fl_reading_plain(&plain, "text"))
        return 1;
    make_files();
    RUN(test_threads);
    RUN(test_learning);
    RUN(test_first_error);
    fl_reading_release(&plain);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command))
        return 1;
    return test_end();
}
