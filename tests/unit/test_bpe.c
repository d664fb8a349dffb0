#include "text/bpe.h"

#include "../naive/bpe.h"
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

/* Merges of two letters and what was merged, in an order in which no text would have taught them.
 */
static void
random_merges(struct naive_bpe *naive, struct fl_bpe *bpe, size_t count, uint32_t *seed)
{
    uint32_t order[NAIVE_TOKENS];

    memset(naive, 0, sizeof *naive);
    memset(bpe, 0, sizeof *bpe);
    bpe->byte_level = true;
    for (uint32_t c = 0; c < 256; c++)
        bpe->byte_id[c] = c;
    for (uint32_t m = 0; m < count; m++) {
        uint32_t from = (uint32_t)random_next(seed) % (m / 2 + 2);
        naive->left[m] = from < 2 ? 'a' + from : 255 + from;
        from = (uint32_t)random_next(seed) % (m + 2);
        naive->right[m] = from < 2 ? 'a' + from : 255 + from;
        naive->to[m] = 257 + m;
        order[m] = m;
    }
    for (uint32_t m = (uint32_t)count; m-- > 1;) {
        uint32_t other = (uint32_t)random_next(seed) % (m + 1), moved = order[m];
        order[m] = order[other];
        order[other] = moved;
    }
    CHECK(!fl_bpe_reserve(bpe, count));
    for (uint32_t m = 0; m < count; m++) { /* a pair that is there twice keeps its first rank */
        uint32_t k = order[m];
        for (uint32_t i = 0; i < m; i++)
            if (naive->left[order[i]] == naive->left[k] &&
                naive->right[order[i]] == naive->right[k])
                naive->left[k] = 256;
    }
    struct naive_bpe sorted = *naive;
    for (uint32_t m = 0; m < count; m++) {
        uint32_t k = order[m];
        sorted.left[m] = naive->left[k];
        sorted.right[m] = naive->right[k];
        sorted.to[m] = naive->to[k];
        fl_bpe_add(bpe, naive->left[k], naive->right[k], m, naive->to[k]);
    }
    sorted.merges = count;
    *naive = sorted;
}

/* Long words, merged stretch by stretch, against all pairs at once; with merges of every order. */
static void
test_stretches(void)
{
    struct naive_bpe *naive = malloc(sizeof *naive);
    struct fl_bpe_scratch *scratch = fl_bpe_scratch_new();
    int rounds = test_under_valgrind() ? 20 : 600;
    static uint32_t want[1000];
    static char text[1000];
    uint32_t seed = 5;

    for (int round = 0; round < rounds; round++) {
        struct fl_ids ids = {0};
        struct fl_bpe bpe;
        random_merges(naive, &bpe, 2 + random_next(&seed) % 60, &seed);
        size_t len = 65 + random_next(&seed) % 900, period = 1 + random_next(&seed) % 40;
        for (size_t i = 0; i < len; i++) /* random, or the same again with a fault here and there */
            text[i] = i < period || round % 3 == 0 || random_next(&seed) % 50 == 0
                          ? (char)('a' + random_next(&seed) % 2)
                          : text[i - period];
        size_t n = naive_bpe_encode(naive, text, len, want);
        CHECK(!fl_bpe_encode(&bpe, scratch, (unsigned char *)text, len, &ids));
        CHECK(ids.len == n && !memcmp(ids.data, want, n * sizeof *want));
        fl_ids_release(&ids);
        fl_bpe_release(&bpe);
    }
    fl_bpe_scratch_free(scratch);
    free(naive);
}

/*
 * Letters in a row, of which each two have a merge, that further right first: where the row ends
 * decides about its very start, which is more than a stretch away.
 */
static void
test_chain(void)
{
    struct fl_bpe_scratch *scratch = fl_bpe_scratch_new();
    unsigned char text[3 * 250];

    for (size_t len = 2; len <= 250; len++) {
        struct fl_bpe bpe = {.byte_level = true};
        struct fl_ids ids = {0};
        bool right = true;
        for (uint32_t c = 0; c < 256; c++)
            bpe.byte_id[c] = c;
        CHECK(!fl_bpe_reserve(&bpe, len - 1));
        for (uint32_t c = 0; c + 1 < len; c++)
            fl_bpe_add(&bpe, c, c + 1, (uint32_t)len - c, 1000 + c);
        for (size_t i = 0; i < 3 * len; i++)
            text[i] = (unsigned char)(i % len);
        CHECK(!fl_bpe_encode(&bpe, scratch, text, 3 * len, &ids));
        for (size_t i = 0, at = 0; i < ids.len;
             i++) { /* pairs, and of an odd row the first alone */
            bool alone = len % 2 && at % len == 0;
            right = right && ids.data[i] == at % len + (alone ? 0 : 1000);
            at += alone ? 1 : 2;
        }
        CHECK(right && ids.len == 3 * ((len + 1) / 2));
        fl_ids_release(&ids);
        fl_bpe_release(&bpe);
        fl_bpe_scratch_free(scratch); /* its cache is that of one tokenizer */
        scratch = fl_bpe_scratch_new();
    }
    fl_bpe_scratch_free(scratch);
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
    RUN(test_stretches);
    RUN(test_chain);
    RUN(test_full_cache);
    return test_end();
}
