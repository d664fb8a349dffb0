/*
 * How fast text becomes tokens on one core, beside what any reader of it must do: looking for the
 * line ends, and checking UTF-8; medians of processor time. Normal form C of prose beside wc -c of
 * as much through a pipe, and of decomposed Vietnamese beside ICU's uconv, file to file. And what
 * hostile documents take, for each of their bytes, beside prose; the least of several runs. Rows of
 * tests/bench/run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "../unit/hostile.h"
#include "bench.h"
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
    double start = bench_processor();
    if (fl_bpe_train(&b->words, 1, VOCAB, NULL, &trained))
        fail();
    printf("learning %d tokens from %zu words\t%.2f\ts\t-\t-\n", VOCAB, b->words.count,
           bench_processor() - start);
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
        double start = bench_processor();
        if (!work(b))
            fail();
        t[i] = bench_processor() - start;
    }
    qsort(t, TURNS, sizeof *t, by_value);
    printf("%s\t%.0f\tMB/s\t-\t-\n", what, (double)b->len / t[TURNS / 2] * 1e-6);
    return t[TURNS / 2];
}

static size_t
nfc(struct bench *b)
{
    static struct fl_unicode_scratch scratch;

    if (fl_unicode_nfc(&b->content, &scratch))
        fail();
    return b->content.len;
}

/* Median seconds of a command, or -1. */
static double
seconds_of(const char *command)
{
    double t[TURNS];

    for (int i = 0; i < TURNS; i++) {
        double start = bench_processor();
        if (system(command))
            return -1;
        t[i] = bench_processor() - start;
    }
    qsort(t, TURNS, sizeof *t, by_value);
    return t[TURNS / 2];
}

/* Normal form C of prose, which has it; and beside wc -c, which looks at nothing. */
static int
nfc_of_prose(struct bench *b, const char *path)
{
    enum { FILES = 16 };
    char command[1000];
    double ours = measure(b, "normal form C of prose", nfc);
    int n = snprintf(command, sizeof command, "cat");

    if (fl_output_write_file(path, b->text, b->len, 0))
        fail();
    for (int i = 0; i < FILES; i++)
        n += snprintf(command + n, sizeof command - (size_t)n, " %s", path);
    snprintf(command + n, sizeof command - (size_t)n, " | wc -c >/dev/null");
    double wc = seconds_of(command) / FILES;
    return wc < 0 || bench_at_least("  against wc -c of a pipe", wc / ours, "times", 0.5);
}

/* A file of decomposed Vietnamese to one of normal form C. */
static double
compose(const char *from, const char *to, size_t len)
{
    struct fl_unicode_scratch scratch = {0};
    struct fl_buf text = {0};
    double start = bench_processor();
    int fd = fl_open_input(from, false);

    if (fd < 0 || fl_buf_reserve(&text, len) ||
        fl_read_full(fd, from, text.data, len) != (ssize_t)len)
        fail();
    text.len = len;
    if (fl_unicode_nfc(&text, &scratch) || fl_output_write_file(to, text.data, text.len, 0))
        fail();
    fl_close_input(fd);
    fl_buf_release(&text);
    fl_unicode_scratch_release(&scratch);
    return bench_processor() - start;
}

static int
nfc_of_vietnamese(const char *path)
{
    static const char line[] = "Táº¥t cáº£ má»i ngÆ°á»i sinh ra "
                               "Äá»u ÄÆ°á»£"
                               "c tá»± do vÃ  bÃ¬nh "
                               "Äáº³ng vá» nhÃ¢n pháº©m.\n";
    char command[200], to[80];
    unsigned char *nfd = utf8proc_NFD((const unsigned char *)line);
    struct fl_buf text = {0};
    double t[TURNS];

    while (nfd && text.len < BYTES)
        if (fl_buf_add_text(&text, (const char *)nfd))
            fail();
    snprintf(to, sizeof to, "%s.nfc", path);
    if (!nfd || fl_output_write_file(path, text.data, text.len, 0))
        fail();
    for (int i = 0; i < TURNS; i++)
        t[i] = compose(path, to, text.len);
    qsort(t, TURNS, sizeof *t, by_value);
    printf("normal form C of decomposed Vietnamese\t%.0f\tMB/s\t-\t-\n",
           (double)text.len / t[TURNS / 2] * 1e-6);
    snprintf(command, sizeof command,
             "uconv -f utf-8 -t utf-8 -x any-nfc %s 2>/dev/null | cmp -s - %s", path, to);
    bool same = !system(command);
    if (!same && !system("command -v uconv >/dev/null")) {
        fprintf(stderr, "bench_text: uconv has another normal form\n");
        exit(1);
    }
    snprintf(command, sizeof command, "uconv -f utf-8 -t utf-8 -x any-nfc -o %s.icu %s 2>/dev/null",
             path, path);
    double uconv = same ? seconds_of(command) : -1;
    snprintf(command, sizeof command, "rm -f %s.icu %s.nfc", path, path);
    free(nfd);
    fl_buf_release(&text);
    return system(command) || uconv < 0 ||
           bench_at_least("  against uconv -x any-nfc", uconv / t[TURNS / 2], "times", 2);
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
    char path[] = "/tmp/fl-bench-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0)
        fail();
    close(fd);
    int kept = nfc_of_prose(&b, path) & nfc_of_vietnamese(path);
    unlink(path);
    measure(&b, "text to tokens, one core", encode);
    printf("bytes a token\t%.2f\t-\t-\t-\n", (double)b.len / (double)b.ids.len);
    fl_ids_release(&b.ids);
    fl_encoder_free(b.encoder);
    fl_tokenizer_free(b.tokenizer);
    fl_words_release(&b.words);
    fl_buf_release(&b.content);
    return !(hostile() & kept);
}
