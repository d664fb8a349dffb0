/*
 * How fast text becomes tokens on one core, beside what any reader of it must do: looking for the
 * line ends, and checking UTF-8; medians. And what hostile documents take, for each of their bytes,
 * beside prose; the least of several runs. Rows of tests/bench/run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/hostile.h"
#include "bench.h"
#include "os/clock.h"
#include "text/bpe_train.h"
#include "text/pretokenizer.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

enum { BYTES = 8 << 20, TURNS = 9, VOCAB = 8192, DOCUMENT = 4096, HOSTILE = 1 << 20, LIMIT = 8 };

struct bench {
    struct fl_buf content;
    char *text; /* of it */
    size_t len;
    struct fl_words words;
    struct fl_tokenizer *tokenizer;
    struct fl_encoder *encoder;
    struct fl_ids ids;
};

static void
fail(void)
{
    fprintf(stderr, "bench_text: %s\n", fl_error_text());
    exit(1);
}

static int
count_word(void *arg, const unsigned char *word, size_t len)
{
    return fl_words_add(arg, word, len, fl_words_hash(word, len), 1);
}

static void
learn(struct bench *b)
{
    struct fl_pretokenizer p = {0};
    struct fl_pretokenizer_scratch s;
    struct fl_bpe_trained trained = {0};
    struct fl_buf json = {0};

    if (fl_pretokenizer_init_gpt2(&p) || fl_pretokenizer_scratch_init(&s, &p) ||
        fl_pretokenizer_run(&p, &s, b->text, b->len, true, count_word, &b->words))
        fail();
    double start = fl_seconds();
    if (fl_bpe_train(&b->words, 1, VOCAB, NULL, &trained))
        fail();
    printf("learning %d tokens from %zu words\t%.2f\ts\t-\t-\n", VOCAB, b->words.count,
           fl_seconds() - start);
    if (fl_tokenizer_write(&trained.pieces, trained.merges, trained.count, &json) ||
        !(b->tokenizer = fl_tokenizer_parse("bench", json.data, json.len)) ||
        !(b->encoder = fl_encoder_new(b->tokenizer)))
        fail();
    fl_buf_release(&json);
    fl_bpe_trained_release(&trained);
    fl_pretokenizer_scratch_release(&s);
    fl_pretokenizer_release(&p);
}

static size_t
lines(struct bench *b)
{
    size_t n = 0;

    for (const char *p = b->text; (p = memchr(p, '\n', (size_t)(b->text + b->len - p))); p++)
        n++;
    return n;
}

static size_t
check(struct bench *b)
{
    return fl_unicode_check(b->text, b->len);
}

static size_t
encode(struct bench *b)
{
    b->ids.len = 0;
    for (size_t at = 0; at < b->len; at += DOCUMENT)
        if (fl_encode(b->encoder, b->text + at, b->len - at < DOCUMENT ? b->len - at : DOCUMENT, 0,
                      &b->ids))
            fail();
    return b->ids.len;
}

static int
by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;

    return (a > b) - (a < b);
}

/* Median seconds of WORK, and a row with its rate. */
static double
measure(struct bench *b, const char *what, size_t (*work)(struct bench *))
{
    double t[TURNS];

    work(b);
    for (int i = 0; i < TURNS; i++) {
        double start = fl_seconds();
        if (!work(b))
            fail();
        t[i] = fl_seconds() - start;
    }
    qsort(t, TURNS, sizeof *t, by_value);
    printf("%s\t%.0f\tMB/s\t-\t-\n", what, (double)b->len / t[TURNS / 2] * 1e-6);
    return t[TURNS / 2];
}

/* The slowest of all hostile documents, for the tokenizer of each maker. */
static int
hostile(void)
{
    char path[] = "/tmp/fl-bench-XXXXXX", what[160];
    struct fl_buf content = {0};
    int fd = mkstemp(path), kept = 1;
    json_t *learnt;

    hostile_prose(2 * (size_t)HOSTILE, &content);
    if (fd < 0 || fl_output_write_file(path, content.data, content.len, 0) ||
        !(learnt = hostile_learn(path, VOCAB)))
        fail();
    for (size_t m = 0; m < HOSTILE_MAKERS; m++) {
        struct fl_tokenizer *t = hostile_tokenizer(learnt, m);
        double worst = 0;
        size_t slowest = 0;
        hostile_prose(HOSTILE, &content);
        double prose = hostile_seconds(t, &content, path, false, 5) / (double)content.len;
        if (prose <= 0)
            fail();
        for (size_t k = 0; k < HOSTILE_KINDS; k++) {
            hostile_make(&hostile_kinds[k], HOSTILE, &content);
            double seconds = hostile_seconds(t, &content, path, hostile_kinds[k].jsonl, 5);
            if (seconds < 0)
                fail();
            if (seconds / (double)content.len / prose > worst) {
                worst = seconds / (double)content.len / prose;
                slowest = k;
            }
        }
        snprintf(what, sizeof what, "slowest of %d hostile documents a byte, %s: %s", HOSTILE_KINDS,
                 hostile_makers[m].name, hostile_kinds[slowest].name);
        kept &= bench_at_most(what, worst, "times prose", LIMIT);
        fl_tokenizer_free(t);
    }
    json_decref(learnt);
    fl_buf_release(&content);
    close(fd);
    unlink(path);
    return kept;
}

int
main(void)
{
    struct bench b = {0};

    hostile_prose(BYTES, &b.content);
    b.text = (char *)b.content.data;
    b.len = b.content.len;
    learn(&b);
    measure(&b, "finding line ends", lines);
    measure(&b, "checking UTF-8", check);
    measure(&b, "text to tokens, one core", encode);
    printf("bytes a token\t%.2f\t-\t-\t-\n", (double)b.len / (double)b.ids.len);
    fl_ids_release(&b.ids);
    fl_encoder_free(b.encoder);
    fl_tokenizer_free(b.tokenizer);
    fl_words_release(&b.words);
    fl_buf_release(&b.content);
    return !hostile();
}
