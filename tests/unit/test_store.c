/* Accumulators in memory and in files. */
#include "fed/store.h"

#include "test.h"

static void
test_memory(void)
{
    struct fl_store *s = fl_store_new((uint64_t)1 << 30);
    uint64_t *last = NULL;

    CHECK(s != NULL);
    for (size_t n = 1; n < 400000; n = n * 3 + 1) {
        uint64_t *words = fl_store_words(s, n), any = 0;
        CHECK(words && (uintptr_t)words % 64 == 0);
        for (size_t i = 0; i < n; i++)
            any |= words[i];
        CHECK(any == 0);
        memset(words, 0xff, n * sizeof *words);
        CHECK(!last || last[0] == UINT64_MAX);
        last = words;
    }
    CHECK(fl_store_spooled(s) == 0);
    fl_store_free(s);
    fl_store_free(NULL);
}

/* Two segments in memory, the rest in files; what is in them stays what it is. */
static void
test_files(void)
{
    enum { PIECES = 40, WORDS = 1 << 17 };
    struct fl_store *s = fl_store_new((uint64_t)17 << 20);
    uint64_t *words[PIECES];

    CHECK(s != NULL);
    for (size_t i = 0; i < PIECES; i++) {
        words[i] = fl_store_words(s, WORDS);
        CHECK(words[i] != NULL);
        for (size_t k = 0; k < WORDS; k += 97) {
            CHECK(words[i][k] == 0);
            words[i][k] = i * WORDS + k;
        }
    }
    CHECK(fl_store_spooled(s) == (uint64_t)24 << 20);
    for (size_t i = 0; i < PIECES; i++)
        for (size_t k = 0; k < WORDS; k += 97)
            CHECK(words[i][k] == i * WORDS + k);
    fl_store_free(s);
}

static void
test_refused(void)
{
    struct fl_store *s = fl_store_new(0);

    CHECK(fl_store_words(s, SIZE_MAX / 8) == NULL);
    CHECK(fl_store_words(s, SIZE_MAX) == NULL);
    setenv("TMPDIR", "/nonexistent", 1);
    CHECK(fl_store_words(s, 10) == NULL);
    CHECK(strstr(fl_error_text(), "TMPDIR") != NULL);
    unsetenv("TMPDIR");
    CHECK(fl_store_words(s, 10) != NULL);
    fl_store_free(s);
}

int
main(void)
{
    RUN(test_memory);
    RUN(test_files);
    RUN(test_refused);
    return test_end();
}
