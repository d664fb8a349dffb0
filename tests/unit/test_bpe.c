#include "text/bpe.h"

#include "random.h"
#include "test.h"

/* A vocabulary of characters: ids in the order of NAMES, then merges given as "left right". */
struct toy {
    struct fl_vocab names;
    struct fl_bpe bpe;
    struct fl_bpe_scratch *scratch;
};

static void
toy_init(struct toy *t, const char *const *names, const char *const *merges)
{
    size_t n = 0;

    memset(t, 0, sizeof *t);
    for (; names[n]; n++)
        CHECK(!fl_vocab_add(&t->names, names[n], strlen(names[n]), n, 1000));
    t->bpe.names = &t->names;
    t->bpe.unknown = 0;
    for (n = 0; merges[n]; n++)
        ;
    CHECK(!fl_bpe_reserve(&t->bpe, n));
    for (uint32_t rank = 0; rank < n; rank++) {
        const char *space = strchr(merges[rank], ' ');
        size_t left = (size_t)(space - merges[rank]), right = strlen(space + 1);
        char whole[64];
        snprintf(whole, sizeof whole, "%.*s%s", (int)left, merges[rank], space + 1);
        fl_bpe_add(&t->bpe, (uint32_t)fl_vocab_find(&t->names, merges[rank], left),
                   (uint32_t)fl_vocab_find(&t->names, space + 1, right), rank,
                   (uint32_t)fl_vocab_find(&t->names, whole, left + right));
    }
    fl_bpe_finish(&t->bpe);
    t->scratch = fl_bpe_scratch_new();
    CHECK(t->scratch);
}

static void
toy_release(struct toy *t)
{
    fl_bpe_scratch_free(t->scratch);
    fl_bpe_release(&t->bpe);
    fl_vocab_release(&t->names);
}

static const char *
encode(struct toy *t, const char *word)
{
    static char out[200];
    struct fl_ids ids = {0};
    size_t n = 0;

    for (int again = 0; again < 2; again++) { /* the second time out of the cache */
        ids.len = n = 0;
        CHECK(!fl_bpe_encode(&t->bpe, t->scratch, (const unsigned char *)word, strlen(word), &ids));
        out[0] = '\0';
        for (size_t i = 0; i < ids.len; i++)
            n += (size_t)snprintf(out + n, sizeof out - n, i ? " %u" : "%u", (unsigned)ids.data[i]);
    }
    fl_ids_release(&ids);
    return out;
}

static void
test_unknown(void)
{
    static const char *const names[] = {"<unk>", "a", "b", "ab", "\xc3\xa9", NULL};
    static const char *const merges[] = {"a b", NULL};
    struct toy t;

    toy_init(&t, names, merges);
    CHECK_TEXT(encode(&t, "ab\xc3\xa9"), "3 4");
    CHECK_TEXT(encode(&t, "axyb"), "1 0 0 2");
    CHECK_TEXT(encode(&t, ""), "");
    t.bpe.fuse_unknown = true;
    fl_bpe_scratch_free(t.scratch);
    t.scratch = fl_bpe_scratch_new();
    CHECK_TEXT(encode(&t, "axyb\xe4\xb8\xad"), "1 0 2 0");
    toy_release(&t);
}

static void
test_order(void)
{
    /* the merge that was learnt first goes first, wherever it stands; of equals the leftmost */
    static const char *const names[] = {"<unk>", "a", "b", "c", "bc", "ab", "aa", "abc", NULL};
    static const char *const merges[] = {"b c", "a b", "a a", "ab c", NULL};
    struct toy t;

    toy_init(&t, names, merges);
    CHECK_TEXT(encode(&t, "abc"), "1 4");
    CHECK_TEXT(encode(&t, "abab"), "5 5");
    CHECK_TEXT(encode(&t, "aaa"), "6 1");
    CHECK_TEXT(encode(&t, "aaabc"), "6 1 4");
    t.bpe.ignore_merges = true;
    fl_bpe_scratch_free(t.scratch);
    t.scratch = fl_bpe_scratch_new();
    CHECK_TEXT(encode(&t, "abc"), "7");
    toy_release(&t);
}

/* Long text is cut before marks when no merge crosses them; that changes nothing. */
static void
test_cut_at_mark(void)
{
    static const char *const names[] = {"<unk>",
                                        "\xe2\x96\x81",
                                        "a",
                                        "b",
                                        "\xe2\x96\x81"
                                        "a",
                                        "ab",
                                        "\xe2\x96\x81\xe2\x96\x81",
                                        "\xe2\x96\x81"
                                        "ab",
                                        "a\xe2\x96\x81",
                                        NULL};
    static const char *const merges[] = {"a b", "\xe2\x96\x81 \xe2\x96\x81", "\xe2\x96\x81 a",
                                         "\xe2\x96\x81 ab", NULL};
    static const char *const crossing[] = {"a b", "a \xe2\x96\x81", NULL};
    uint32_t seed = 9;
    char text[700];
    struct toy t;

    toy_init(&t, names, crossing);
    CHECK(!t.bpe.cut_at_mark);
    toy_release(&t);
    toy_init(&t, names, merges);
    CHECK(t.bpe.cut_at_mark);
    for (int round = 0; round < 3000; round++) {
        struct fl_ids cut = {0}, whole = {0};
        size_t len = random_text(&seed, "a|b|\xe2\x96\x81|z", round % 2 ? 12 : 200, text);
        const unsigned char *word = (const unsigned char *)text;
        t.bpe.cut_at_mark = true;
        CHECK(!fl_bpe_encode(&t.bpe, t.scratch, word, len, &cut));
        t.bpe.cut_at_mark = false;
        CHECK(!fl_bpe_encode(&t.bpe, t.scratch, word, len, &whole));
        CHECK(cut.len == whole.len &&
              (!cut.len || !memcmp(cut.data, whole.data, cut.len * sizeof *cut.data)));
        fl_ids_release(&cut);
        fl_ids_release(&whole);
    }
    toy_release(&t);
}

/* One word of a megabyte costs about what a megabyte of words costs, not its square. */
static void
test_long_word(void)
{
    static const char *const names[] = {"<unk>", "a", "b", "ab", "abab", NULL};
    static const char *const merges[] = {"a b", "ab ab", NULL};
    size_t len = 1 << 20;
    char *text = malloc(len);
    struct fl_ids ids = {0};
    struct toy t;

    for (size_t i = 0; i < len; i++)
        text[i] = i % 2 ? 'b' : 'a';
    toy_init(&t, names, merges);
    CHECK(!fl_bpe_encode(&t.bpe, t.scratch, (unsigned char *)text, len, &ids));
    CHECK(ids.len == len / 4);
    for (size_t i = 0; i < ids.len; i++)
        if (ids.data[i] != 4)
            CHECK(!"abab everywhere");
    fl_ids_release(&ids);
    toy_release(&t);
    free(text);
}

/* More words than the cache holds: it starts again, and results stay. */
static void
test_full_cache(void)
{
    static const char *const names[] = {"<unk>", "0", "1", "01", NULL};
    static const char *const merges[] = {"0 1", NULL};
    struct fl_ids ids = {0};
    char word[24];
    struct toy t;

    toy_init(&t, names, merges);
    for (unsigned i = 0; i < 150000; i++) {
        size_t want = 0;
        for (unsigned k = 0; k < 18; k++)
            word[k] = (char)('0' + (i >> k) % 2);
        for (unsigned k = 0; k < 18; k++, want++)
            k += k < 17 && word[k] == '0' && word[k + 1] == '1';
        ids.len = 0;
        if (fl_bpe_encode(&t.bpe, t.scratch, (unsigned char *)word, 18, &ids) || ids.len != want) {
            CHECK(!"right length");
            break;
        }
    }
    fl_ids_release(&ids);
    toy_release(&t);
}

int
main(void)
{
    RUN(test_unknown);
    RUN(test_order);
    RUN(test_cut_at_mark);
    RUN(test_long_word);
    RUN(test_full_cache);
    return test_end();
}
