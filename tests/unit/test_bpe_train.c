#include "text/bpe_train.h"

#include "../naive/bpe.h"
#include "test.h"
#include "text/tokenizer.h"

static uint32_t
next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

enum { WORDS = 300 };

/* Random words of few letters, so that pairs overlap and counts tie. */
static void
make_words(uint32_t *seed, char words[WORDS][24], uint64_t *count, unsigned letters)
{
    for (size_t w = 0; w < WORDS; w++) {
        size_t len = 1 + next(seed) % 20;
        for (size_t i = 0; i < len; i++)
            words[w][i] = (char)("abcdefghij\xc3\xa9"[next(seed) % letters]);
        words[w][len] = '\0';
        count[w] = 1 + next(seed) % 9;
    }
}

static int
same_encoding(struct fl_encoder *e, const struct naive_bpe *naive, const char *word)
{
    static uint32_t want[4096];
    struct fl_ids ids = {0};
    size_t n = naive_bpe_encode(naive, word, strlen(word), want);
    int same = !fl_encode(e, word, strlen(word), 0, &ids) && ids.len == n &&
               !memcmp(ids.data, want, n * sizeof *want);

    fl_ids_release(&ids);
    return same;
}

/* Training and encoding agree with the naive twins, merge for merge. */
static void
test_twin(void)
{
    static char words[WORDS][24];
    static uint64_t count[WORDS];
    static struct naive_bpe naive;
    uint32_t seed = 5;

    for (int round = 0; round < 6; round++) {
        const char *list[WORDS];
        struct fl_words tables[3] = {{{0}, NULL, 0, 0, NULL, 0}};
        struct fl_bpe_trained got = {0};
        size_t size = 257 + 40 * (size_t)round;
        make_words(&seed, words, count, 2 + (unsigned)round);
        for (size_t w = 0; w < WORDS; w++) {
            list[w] = words[w];
            CHECK(!fl_words_add(&tables[w % 3], words[w], strlen(words[w]),
                                fl_words_hash(words[w], strlen(words[w])), count[w]));
        }
        naive_bpe_train(&naive, list, count, WORDS, size);
        CHECK(!fl_bpe_train(tables, 3, size, NULL, &got));
        CHECK(got.count == naive.merges && got.pieces.ids == naive.ids);
        for (size_t i = 0; i < got.count && i < naive.merges; i++)
            if (got.merges[i].left != naive.left[i] || got.merges[i].right != naive.right[i]) {
                printf("# round %d: merge %zu differs\n", round, i);
                CHECK(!"same merges");
                break;
            }
        struct fl_buf json = {0};
        CHECK(!fl_tokenizer_write(&got.pieces, got.merges, got.count, &json));
        struct fl_tokenizer *t = fl_tokenizer_parse("trained", json.data, json.len);
        struct fl_encoder *e = fl_encoder_new(t);
        CHECK(t && e && fl_tokenizer_vocab(t) == naive.ids);
        for (int k = 0; k < 300; k++) { /* short and long words: both ways of merging */
            char word[400];
            size_t len = 1 + next(&seed) % (k % 10 ? 60 : 390);
            for (size_t i = 0; i < len; i++)
                word[i] = "abcdefghij"[next(&seed) % (2 + (unsigned)round)];
            word[len] = '\0';
            if (!same_encoding(e, &naive, word)) {
                printf("# round %d: %s\n", round, word);
                CHECK(!"same ids");
            }
        }
        fl_encoder_free(e);
        fl_tokenizer_free(t);
        fl_buf_release(&json);
        fl_bpe_trained_release(&got);
        for (int i = 0; i < 3; i++)
            fl_words_release(&tables[i]);
    }
}

static void
test_nothing_to_learn(void)
{
    struct fl_words table = {0};
    struct fl_bpe_trained got = {0};

    CHECK(!fl_bpe_train(&table, 1, 300, NULL, &got) && got.count == 0 && got.pieces.ids == 257);
    fl_bpe_trained_release(&got);
    fl_words_add(&table, "abc", 3, fl_words_hash("abc", 3), 1);
    CHECK(!fl_bpe_train(&table, 1, 300, NULL, &got) && got.count == 0);
    fl_bpe_trained_release(&got);
    fl_words_release(&table);
}

int
main(void)
{
    RUN(test_twin);
    RUN(test_nothing_to_learn);
    return test_end();
}
