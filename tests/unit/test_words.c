#include "text/words.h"

#include "test.h"

static void
add(struct fl_words *w, const char *word, uint64_t count)
{
    CHECK(!fl_words_add(w, word, strlen(word), fl_words_hash(word, strlen(word)), count));
}

static uint64_t
count_of(const struct fl_words *w, const char *word)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->items[i].len == strlen(word) &&
            !memcmp(w->blob.data + w->items[i].at, word, strlen(word)))
            return w->items[i].count;
    return 0;
}

static void
test_counts(void)
{
    struct fl_words w = {0};
    char word[16];

    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 5000; i++) {
            snprintf(word, sizeof word, "w%d", i);
            add(&w, word, (uint64_t)i);
        }
    CHECK(w.count == 5000 && count_of(&w, "w0") == 0 && count_of(&w, "w4999") == 3 * 4999);
    fl_words_clear(&w);
    add(&w, "w7", 1);
    CHECK(w.count == 1 && count_of(&w, "w7") == 1);
    fl_words_release(&w);
}

static void
test_prune(void)
{
    struct fl_words w = {0};
    char word[16];

    for (int i = 1; i <= 100; i++) {
        snprintf(word, sizeof word, "w%d", i);
        add(&w, word, (uint64_t)i);
    }
    CHECK(!fl_words_prune(&w, 100, 1 << 20) && w.count == 100);
    CHECK(!fl_words_prune(&w, 90, 1 << 20)); /* up to 64 times are dropped to be at most 45 */
    CHECK(w.count == 36 && count_of(&w, "w64") == 0 && count_of(&w, "w65") == 65);
    add(&w, "w65", 1);
    add(&w, "new", 2);
    CHECK(w.count == 37 && count_of(&w, "w65") == 66 && count_of(&w, "new") == 2);
    CHECK(!fl_words_prune(&w, 100, 20) && w.count == 0); /* by bytes */
    add(&w, "new", 2);
    CHECK(w.count == 1);
    fl_words_release(&w);
}

int
main(void)
{
    RUN(test_counts);
    RUN(test_prune);
    return test_end();
}
