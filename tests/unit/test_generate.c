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
#include "merging.h"
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

/* After the ids of PROMPT's bytes, with a generator of its own. */
static int
generate_with(const struct fl_bundle *b, struct fl_generation g, const char *prompt,
              struct text *text, struct fl_generated *done)
{
    struct fl_generator *generator = fl_generator_new(b, NULL);
    uint32_t ids[100];
    size_t n = strlen(prompt);

    for (size_t i = 0; i < n; i++)
        ids[i] = (unsigned char)prompt[i];
    *text = (struct text){.len = 0};
    g.text = take;
    g.arg = text;
    int result = generator ? fl_generate(generator, &g, ids, n, done) : -1;
    fl_generator_free(generator);
    return result;
}

static int
generate(const struct fl_bundle *b, const struct fl_sampling *how, uint64_t seed, size_t tokens,
         const char *prompt, struct text *text)
{
    const struct fl_generation g = {.how = *how, .seed = seed, .tokens = tokens};

    return generate_with(b, g, prompt, text, NULL);
}

static const struct fl_sampling greedy = FL_SAMPLING_GREEDY;

/* An untied model of VOCAB ids that writes N different IDS and an end of text after "x". */
static struct fl_model *
chain_of(const uint32_t *ids, size_t n, uint32_t vocab)
{
    const struct fl_config c = {.vocab = vocab,
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
    for (size_t i = 0; i <= n; i++) {
        uint32_t next = i < n ? ids[i] : 256;
        embed[id * 64 + i] = 1;
        head[next * 64 + i] = 10;
        id = next;
    }
    return m;
}

/* The same of bytes. */
static struct fl_model *
chain_model(const char *chain)
{
    uint32_t ids[64];
    size_t n = strlen(chain);

    for (size_t i = 0; i < n; i++)
        ids[i] = (unsigned char)chain[i];
    return chain_of(ids, n, VOCAB);
}

static void
writes(const char *chain, size_t tokens, const char *want)
{
    struct fl_bundle b = {.model = chain_model(chain), .tokenizer = fl_tokenizer_bytes()};
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

/*
 * The likeliest next id by the slow twin, which reads N ids from FROM on; all of them have been
 * seen, for the penalty.
 */
static uint32_t
twin_next(const struct fl_model *m, const double *w, const uint32_t *ids, size_t from, size_t n,
          double penalty)
{
    static double logits[CTX * VOCAB];
    uint32_t y[CTX] = {0}, best = 0;
    const struct naive_batch batch = {1, n - from, ids + from, y, 1};
    double *last = logits + (n - from - 1) * VOCAB;

    naive_decoder(m, w, &batch, NULL, logits, NULL);
    for (uint32_t v = 0; v < VOCAB; v++)
        for (size_t i = 0; i < n; i++)
            if (ids[i] == v) {
                last[v] = last[v] > 0 ? last[v] / penalty : last[v] * penalty;
                break;
            }
    for (uint32_t v = 1; v < VOCAB; v++)
        best = last[v] > last[best] ? v : best;
    return best;
}

/* What greedy generation after N ids should write, byte by byte; ids of bytes below 128 only. */
static size_t
twin_text(const struct fl_model *m, uint32_t *ids, size_t n, size_t tokens, double penalty)
{
    double *w = fl_alloc(m->layout.size, sizeof *w);
    size_t from = n > CTX ? n - CTX / 2 : 0;

    for (size_t i = 0; i < m->layout.size; i++)
        w[i] = (double)floats(m)[i];
    for (; tokens; tokens--) {
        if (n - from > CTX)
            from = n - CTX / 2;
        ids[n] = twin_next(m, w, ids, from, n, penalty);
        n++;
    }
    free(w);
    return n;
}

static void
compare_with_the_twin(double penalty)
{
    static const char *const prompts[] = {"a", "abc", "abcdefgh", "abcdefghi",
                                          "a long prompt, yes"};
    struct fl_bundle b = {.model = shard_model(3, VOCAB), .tokenizer = fl_tokenizer_bytes()};
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
        struct fl_sampling how = greedy;
        how.repetition_penalty = penalty;
        size_t end = twin_text(b.model, ids, n, 40, penalty);
        CHECK(!generate(&b, &how, 0, 40, prompts[p], &text));
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
test_against_the_twin(void)
{
    compare_with_the_twin(1);
    compare_with_the_twin(1.2);
    compare_with_the_twin(3);
}

static void
test_seeds(void)
{
    struct fl_bundle b = {.model = shard_model(3, VOCAB), .tokenizer = fl_tokenizer_bytes()};
    struct fl_sampling free_choice = FL_SAMPLING_PLAIN;
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
    struct fl_bundle b = {.model = shard_model(3, VOCAB), .tokenizer = fl_tokenizer_bytes()};
    uint32_t id = 'a', none = VOCAB;
    struct fl_generation g = {.how = FL_SAMPLING_PLAIN, .tokens = 50, .text = full};
    struct fl_generator *generator = fl_generator_new(&b, NULL);
    struct text text;

    CHECK(fl_generate(generator, &g, &id, 1, NULL) == -1);
    CHECK_TEXT(fl_error_text(), "the disk is full");
    CHECK(fl_generate(generator, &g, &none, 1, NULL) == -1);
    fl_generator_free(generator);
    floats(b.model)[7] = NAN;
    CHECK(generate(&b, &greedy, 0, 5, "a", &text) == -1 && fl_error_status() == FL_FAILED);
    fl_bundle_release(&b);
}

/* Ids that the tokenizer does not have are never chosen, however likely. */
static void
test_ids_without_tokens(void)
{
    struct fl_bundle b = {.model = shard_model(3, VOCAB + 20), .tokenizer = fl_tokenizer_bytes()};
    size_t channels = b.model->layout.config.channels;
    struct text text;

    for (size_t v = VOCAB; v < VOCAB + 20; v++)
        for (size_t i = 0; i < channels; i++)
            floats(b.model)[v * channels + i] *= 50;
    CHECK(!generate(&b, &(struct fl_sampling)FL_SAMPLING_PLAIN, 1, 60, "hello", &text));
    CHECK(text.len > 20);
    fl_bundle_release(&b);
}

/*
 * Stop strings. The chain "a" "\xc3" "\xa9" "b" ... is one byte a token, so that every string spans
 * tokens; what is handed out at which token is checked by letting the text end early.
 */
static void
stops(const char *chain, size_t tokens, const char *const *strings, const char *want, int which)
{
    struct fl_bundle b = {.model = chain_model(chain), .tokenizer = fl_tokenizer_bytes()};
    struct fl_generation g = {.how = FL_SAMPLING_GREEDY, .tokens = tokens};
    struct fl_generated done = {.end = FL_GENERATED_EOS};
    struct text text;

    while (*strings)
        CHECK(!fl_stop_strings_add(&g.stops, *strings, strlen(*strings)) && ++strings);
    CHECK(!generate_with(&b, g, "x", &text, &done));
    CHECK_TEXT(text.bytes, want);
    CHECK(text.torn == 0);
    CHECK(which < 0 ? done.end != FL_GENERATED_STOP
                    : done.end == FL_GENERATED_STOP && done.stop == (size_t)which);
    fl_stop_strings_release(&g.stops);
    fl_bundle_release(&b);
}
#define STOPS(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

static void
test_stop_strings(void)
{
    stops("abcdef", 100, STOPS("cd"), "ab", 0);
    stops("abcdef", 100, STOPS("a"), "", 0);
    stops("abcdef", 100, STOPS("f"), "abcde", 0);
    stops("abcdef", 100, STOPS("xa"), "abcdef", -1);          /* x is of the prompt */
    stops("abcdef", 100, STOPS("cde", "b", "d"), "a", 1);     /* the first that is complete */
    stops("abcdef", 100, STOPS("cd", "bcd", "d"), "a", 1);    /* of those the longest */
    stops("abcdef", 100, STOPS("bcdx", "efg"), "abcdef", -1); /* begun, and not completed */
    stops("abcdef", 3, STOPS("bcd"), "abc", -1);              /* held back, and then not */
    stops("ab\xc3\xa9"
          "cd",
          100, STOPS("\xc3\xa9"), "ab", 0); /* within a character there is nothing to see */
    stops("ab\xc3\xa9"
          "cd",
          100, STOPS("b\xc3\xa9z", "\xc3\xa8"),
          "ab\xc3\xa9"
          "cd",
          -1);
    stops("a\xc3"
          "bc",
          100, STOPS("bc"), "a\xef\xbf\xbd", 0); /* a broken character before it */
    stops("a\xf0\x9f\x98\x80z", 100, STOPS("\xf0\x9f\x98\x80"), "a", 0);
    stops("a\xf0\x9f\x98\x80z", 4, STOPS("\xf0\x9f\x98\x80"), "a\xef\xbf\xbd", -1);
}

/* A token of several bytes: the stop string ends, begins or both within it. */
static void
test_stop_within_a_token(void)
{
    for (size_t i = 0; i < 8; i++) {
        static const uint32_t ids[] = {'y', 258, 'e', 257, 'f'}; /* y abc e ab f */
        static const char *const stop[] = {"ya", "b", "ce", "bce", "ea", "cx", "bf", "abc"};
        static const char *const want[] = {"",     "ya",       "yab",    "ya",
                                           "yabc", "yabceabf", "yabcea", "y"};
        struct fl_bundle b = {.model = chain_of(ids, 5, MERGING_VOCAB),
                              .tokenizer = merging_tokenizer()};
        struct fl_generation g = {.how = FL_SAMPLING_GREEDY, .tokens = 100};
        struct fl_generated done;
        struct text got;

        CHECK(!fl_stop_strings_add(&g.stops, stop[i], strlen(stop[i])));
        CHECK(!generate_with(&b, g, "x", &got, &done));
        CHECK_TEXT(got.bytes, want[i]);
        CHECK(done.end == (i == 5 ? FL_GENERATED_EOS : FL_GENERATED_STOP));
        fl_stop_strings_release(&g.stops);
        fl_bundle_release(&b);
    }
}

struct step {
    struct fl_generator *generator;
    char bytes[64];
    size_t len;
};

/* What is handed out, with a bar between calls. */
static int
take_step(void *arg, const void *data, size_t len)
{
    struct step *s = arg;

    memcpy(s->bytes + s->len, data, len);
    s->bytes[s->len + len] = '|';
    s->len += len + 1;
    return 0;
}

/* Text comes as soon as it is decided, not later. */
static void
test_what_is_held_back(void)
{
    struct fl_bundle b = {.model = chain_model("abcdefg"), .tokenizer = fl_tokenizer_bytes()};
    struct step s = {.generator = fl_generator_new(&b, NULL)};
    struct fl_generation g = {.how = FL_SAMPLING_GREEDY,
                              .tokens = 100,
                              .text = take_step,
                              .arg = &s};
    uint32_t x = 'x';

    CHECK(!fl_stop_strings_add(&g.stops, "bcdx", 4) && !fl_stop_strings_add(&g.stops, "fgh", 3));
    CHECK(!fl_generate(s.generator, &g, &x, 1, NULL));
    CHECK_TEXT(s.bytes, "a|bcde|fg|");
    fl_stop_strings_release(&g.stops);
    fl_generator_free(s.generator);
    fl_bundle_release(&b);
}

/* What a text ended with, how many tokens it took and what was not read of its prompt. */
static void
test_what_is_told(void)
{
    struct fl_bundle b = {.model = chain_model("abc"), .tokenizer = fl_tokenizer_bytes()};
    struct fl_generation g = {.how = FL_SAMPLING_GREEDY, .tokens = 100};
    struct fl_generated done;
    struct text text;

    CHECK(!generate_with(&b, g, "x", &text, &done));
    CHECK(done.end == FL_GENERATED_EOS && done.tokens == 3 && done.dropped == 0);
    g.tokens = 3;
    CHECK(!generate_with(&b, g, "x", &text, &done));
    CHECK(done.end == FL_GENERATED_LENGTH && done.tokens == 3);
    g.tokens = 0;
    CHECK(!generate_with(&b, g, "x", &text, &done));
    CHECK(done.end == FL_GENERATED_LENGTH && done.tokens == 0 && text.calls == 0);
    g.tokens = 2;
    CHECK(!generate_with(&b, g, "yyyyyyyx", &text, &done)); /* all of the context */
    CHECK(done.dropped == 0 && done.tokens == 2 && !strcmp(text.bytes, "ab"));
    CHECK(!generate_with(&b, g, "yyyyyyyyx", &text, &done));
    CHECK(done.dropped == 9 - CTX / 2 && !strcmp(text.bytes, "ab"));
    CHECK_TEXT(fl_generated_reason(FL_GENERATED_EOS), "eos_token");
    CHECK_TEXT(fl_generated_reason(FL_GENERATED_STOP), "stop_sequence");
    CHECK_TEXT(fl_generated_reason(FL_GENERATED_LENGTH), "length");
    fl_bundle_release(&b);
}

/* Texts of one generator, in whatever order, are those that each has alone. */
static void
test_one_after_another(void)
{
    static const char *const prompts[] = {"a", "a long prompt, yes", "abc", "hello", "a"};
    struct fl_bundle b = {.model = shard_model(3, VOCAB), .tokenizer = fl_tokenizer_bytes()};
    struct fl_generator *generator = fl_generator_new(&b, NULL);

    for (size_t p = 0; p < 5; p++) {
        struct fl_generation g = {.how = {1, 0.9, 0, 0.01, 1.1},
                                  .seed = p % 4,
                                  .tokens = 3 + 7 * p};
        struct text alone, got = {.len = 0};
        uint32_t ids[100];
        size_t n = strlen(prompts[p]);
        for (size_t i = 0; i < n; i++)
            ids[i] = (unsigned char)prompts[p][i];
        CHECK(!generate_with(&b, g, prompts[p], &alone, NULL));
        g.text = take;
        g.arg = &got;
        CHECK(!fl_generate(generator, &g, ids, n, NULL));
        CHECK(got.len && !memcmp(&got, &alone, sizeof got));
    }
    fl_generator_free(generator);
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
    RUN(test_stop_strings);
    RUN(test_stop_within_a_token);
    RUN(test_what_is_held_back);
    RUN(test_what_is_told);
    RUN(test_one_after_another);
    return test_end();
}
