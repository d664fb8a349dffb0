/*
 * How fast text becomes tokens on one core, beside what any reader of it must do: looking for the
 * line ends, and checking UTF-8. Rows of tests/bench/run; medians.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/clock.h"
#include "text/bpe_train.h"
#include "text/pretokenizer.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

enum { BYTES = 8 << 20, STEMS = 30000, TURNS = 9, VOCAB = 8192, DOCUMENT = 4096 };

struct bench {
    char *text;
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

static uint32_t
next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* Words of a made-up language whose frequencies fall as Zipf's law says, and punctuation. */
static void
make_text(struct bench *b)
{
    static char stems[STEMS][16];
    static const char *const ends[] = {" ", " ", " ", " ", " ", ", ", ".\n", "'s ", " 12 ", "\n\n"};
    uint64_t state = 1;

    for (size_t s = 0; s < STEMS; s++) {
        size_t len = 2 + next(&state) % 9;
        for (size_t i = 0; i < len; i++)
            stems[s][i] = "etaoinshrdlucmfwyp"[next(&state) % (s % 7 ? 18 : 8)];
    }
    b->text = malloc(BYTES + 64);
    if (!b->text)
        exit(1);
    while (b->len < BYTES) {
        uint32_t most = 1 + next(&state) % STEMS; /* a uniform choice below a uniform one */
        const char *end = ends[next(&state) % (sizeof ends / sizeof *ends)];
        b->len += (size_t)sprintf(b->text + b->len, "%s%s", stems[next(&state) % most], end);
    }
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

int
main(void)
{
    struct bench b = {0};

    make_text(&b);
    learn(&b);
    measure(&b, "finding line ends", lines);
    measure(&b, "checking UTF-8", check);
    measure(&b, "text to tokens, one core", encode);
    printf("bytes a token\t%.2f\t-\t-\t-\n", (double)b.len / (double)b.ids.len);
    fl_ids_release(&b.ids);
    fl_encoder_free(b.encoder);
    fl_tokenizer_free(b.tokenizer);
    fl_words_release(&b.words);
    free(b.text);
    return 0;
}
