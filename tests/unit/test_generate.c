/*
 * Generation: greedy text against the slow twin, also where the context overflows; whole
 * characters; the end of a text; seeds.
 */
#include "nn/generate.h"

#include "../naive/decoder.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "math/random.h"
#include "shard.h"
#include "floats.h"
#include "test.h"

enum { CTX = 8, VOCAB = FL_BYTE_VOCAB };

struct text {
    char bytes[1000];
    size_t len, calls, torn; /* calls whose text is not whole characters */
};

static int
take(void *arg, const void *data, size_t len)
{
    struct text *t = arg;

    CHECK(len && t->len + len < sizeof t->bytes);
    memcpy(t->bytes + t->len, data, len);
    t->len += len;
    t->bytes[t->len] = '\0';
    t->calls++;
    t->torn += fl_utf8_valid_prefix(data, len) != len;
    return 0;
}

static int
generate(const struct fl_bundle *b, const struct fl_sampling *how, uint64_t seed, size_t tokens,
         const char *prompt, struct text *text)
{
    uint32_t ids[100];
    size_t n = strlen(prompt);
    const struct fl_generation g =
        {.bundle = b, .how = *how, .seed = seed, .tokens = tokens, .text = take, .arg = text};

    for (size_t i = 0; i < n; i++)
        ids[i] = (unsigned char)prompt[i];
    *text = (struct text){.len = 0};
    return fl_generate(&g, ids, n);
}

static const struct fl_sampling greedy = {0, 1, 0};

/* An untied model that writes CHAIN (different bytes, an end of text after them) after "x". */
static struct fl_model *
chain_model(const char *chain)
{
    const struct fl_config c = {.vocab = VOCAB,
                                .ctx = CTX,
                                .layers = 1,
                                .channels = 64,
                                .heads = 1,
                                .kv_heads = 1,
                                .head_dim = 2,
                                .ffn = 2,
                                .norm_eps = 1e-5,
                                .rope_base = 10000,
                                .tied = false};
    struct fl_model *m = fl_model_new(&c);
    float *embed = floats(m) +
                   m->layout.params[fl_layout_find(&m->layout, "embed_tokens.weight")].offset;
    float *head = floats(m) + m->layout.params[fl_layout_find(&m->layout, "lm_head.weight")].offset;
    float *norm = floats(m) + m->layout.params[fl_layout_find(&m->layout, "norm.weight")].offset;
    uint32_t id = 'x';

    memset(floats(m), 0, m->layout.size * sizeof(float)); /* the layer adds nothing */
    for (size_t i = 0; i < 64; i++)
        norm[i] = 1;
    for (size_t i = 0; i <= strlen(chain); i++) {
        uint32_t next = chain[i] ? (unsigned char)chain[i] : 256;
        embed[id * 64 + i] = 1;
        head[next * 64 + i] = 10;
        id = next;
    }
    return m;
}

static void
writes(const char *chain, size_t tokens, const char *want)
{
    struct fl_bundle b = {NULL, chain_model(chain), fl_tokenizer_bytes(), NULL};
    struct text text;

    CHECK(!generate(&b, &greedy, 0, tokens, "x", &text));
    CHECK_TEXT(text.bytes, want);
    CHECK(text.len == strlen(want) && text.torn == 0);
    fl_bundle_release(&b);
}

static void
test_whole_characters(void)
{
    writes("abc", 100, "abc"); /* the end of text ends it */
    writes("", 100, "");
    writes("abc", 2, "ab");
    writes("a\xc3\xa9"
           "b",
           100,
           "a\xc3\xa9"
           "b");
    writes("\xf0\x9f\x98\x80!", 100, "\xf0\x9f\x98\x80!");
    writes("\xff"
           "A",
           100,
           "\xef\xbf\xbd"
           "A");
    writes("\xe2\x82"
           "B",
           100,
           "\xef\xbf\xbd"
           "B"); /* a character that breaks off */
    writes("\xe0\x80"
           "B",
           100,
           "\xef\xbf\xbd\xef\xbf\xbd"
           "B"); /* overlong: not even begun */
    writes("\xed\xa0"
           "B",
           100,
           "\xef\xbf\xbd\xef\xbf\xbd"
           "B"); /* a surrogate */
    writes("\xc3"
           "\xe9",
           100, "\xef\xbf\xbd\xef\xbf\xbd"); /* unfinished at the end */
    writes("a\xf0\x9f\x98", 100, "a\xef\xbf\xbd");
    writes("a\xc3\xa9", 2, "a\xef\xbf\xbd");
}

/* The likeliest next id by the slow twin, for the N ids that it reads. */
static uint32_t
twin_next(const struct fl_model *m, const double *w, const uint32_t *ids, size_t n)
{
    static double logits[CTX * VOCAB];
    uint32_t y[CTX] = {0}, best = 0;
    const struct naive_batch batch = {1, n, ids, y, 1};

    naive_decoder(m, w, &batch, NULL, logits, NULL);
    for (uint32_t v = 1; v < VOCAB; v++)
        best = logits[(n - 1) * VOCAB + v] > logits[(n - 1) * VOCAB + best] ? v : best;
    return best;
}

/* What greedy generation after N ids should write, byte by byte; ids of bytes below 128 only. */
static size_t
twin_text(const struct fl_model *m, uint32_t *ids, size_t n, size_t tokens)
{
    double *w = fl_alloc(m->layout.size, sizeof *w);
    size_t from = n > CTX ? n - CTX / 2 : 0;

    for (size_t i = 0; i < m->layout.size; i++)
        w[i] = (double)floats(m)[i];
    for (; tokens; tokens--) {
        if (n - from > CTX)
            from = n - CTX / 2;
        ids[n] = twin_next(m, w, ids + from, n - from);
        n++;
    }
    free(w);
    return n;
}

static void
test_against_the_twin(void)
{
    static const char *const prompts[] = {"a", "abc", "abcdefgh", "abcdefghi",
                                          "a long prompt, yes"};
    struct fl_bundle b = {NULL, shard_model(3, VOCAB), fl_tokenizer_bytes(), NULL};
    float *embed = floats(b.model);
    size_t channels = b.model->layout.config.channels;

    fl_random_normal(5, 0, 0, embed, b.model->layout.size,
                     0.5);               /* wild enough not to repeat itself */
    for (size_t v = 128; v < VOCAB; v++) /* only ASCII is ever likely */
        for (size_t i = 0; i < channels; i++)
            embed[v * channels + i] *= 0.01f;
    CHECK(b.model->layout.config.ctx == CTX);
    for (size_t p = 0; p < sizeof prompts / sizeof *prompts; p++) {
        uint32_t ids[100];
        size_t n = strlen(prompts[p]);
        struct text text;
        for (size_t i = 0; i < n; i++)
            ids[i] = (unsigned char)prompts[p][i];
        size_t end = twin_text(b.model, ids, n, 40);
        CHECK(!generate(&b, &greedy, 0, 40, prompts[p], &text));
        CHECK(text.len == end - n);
        size_t changes = 0;
        for (size_t i = 1; i < text.len; i++)
            changes += text.bytes[i] != text.bytes[i - 1];
        CHECK(changes > 20);
        for (size_t i = n; i < end && i - n < text.len; i++)
            CHECK(ids[i] == (unsigned char)text.bytes[i - n]);
    }
    fl_bundle_release(&b);
}

static void
test_seeds(void)
{
    struct fl_bundle b = {NULL, shard_model(3, VOCAB), fl_tokenizer_bytes(), NULL};
    struct fl_sampling free_choice = {1, 1, 0};
    struct text a, c, d;

    CHECK(!generate(&b, &free_choice, 1, 60, "hello", &a));
    CHECK(!generate(&b, &free_choice, 1, 60, "hello", &c));
    CHECK(!generate(&b, &free_choice, 2, 60, "hello", &d));
    CHECK(a.len && a.torn == 0 && d.torn == 0);
    CHECK(!memcmp(&a, &c, sizeof a));
    CHECK(strcmp(a.bytes, d.bytes));
    CHECK(!generate(&b, &free_choice, 1, 0, "hello", &a) && a.calls == 0);
    fl_bundle_release(&b);
}

static int
full(void *arg, const void *data, size_t len)
{
    (void)arg, (void)data, (void)len;
    return fl_error(FL_FAILED, "the disk is full");
}

static void
test_failures(void)
{
    struct fl_bundle b = {NULL, shard_model(3, VOCAB), fl_tokenizer_bytes(), NULL};
    uint32_t id = 'a', none = VOCAB;
    struct fl_generation g = {.bundle = &b, .how = {1, 1, 0}, .tokens = 50, .text = full};
    struct text text;

    CHECK(fl_generate(&g, &id, 1) == -1 && !strcmp(fl_error_text(), "the disk is full"));
    CHECK(fl_generate(&g, &none, 1) == -1);
    floats(b.model)[7] = NAN;
    CHECK(generate(&b, &greedy, 0, 5, "a", &text) == -1 && fl_error_status() == FL_FAILED);
    fl_bundle_release(&b);
}

/* Ids that the tokenizer does not have are never chosen, however likely. */
static void
test_ids_without_tokens(void)
{
    struct fl_bundle b = {NULL, shard_model(3, VOCAB + 20), fl_tokenizer_bytes(), NULL};
    size_t channels = b.model->layout.config.channels;
    struct text text;

    for (size_t v = VOCAB; v < VOCAB + 20; v++)
        for (size_t i = 0; i < channels; i++)
            floats(b.model)[v * channels + i] *= 50;
    CHECK(!generate(&b, &(struct fl_sampling){1, 1, 0}, 1, 60, "hello", &text) && text.len > 20);
    fl_bundle_release(&b);
}

int
main(void)
{
    RUN(test_whole_characters);
    RUN(test_against_the_twin);
    RUN(test_seeds);
    RUN(test_failures);
    RUN(test_ids_without_tokens);
    return test_end();
}
