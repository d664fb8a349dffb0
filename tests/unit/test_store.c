/* Accumulators in memory and in files. */
#include "fed/store.h"

#include <unistd.h>

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
    for (size_t i = 0; i < PIECES; i++) /* nothing is lost, wherever it lies */
        fl_store_rest(s, words[i] + i, WORDS - 2 * i);
    for (size_t i = 0; i < PIECES; i++)
        for (size_t k = 0; k < WORDS; k += 97)
            CHECK(words[i][k] == i * WORDS + k);
    fl_store_free(s);
}

static long
resident_pages(void)
{
    long all = 0, here = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (!f || fscanf(f, "%ld %ld", &all, &here) != 2)
        here = 0;
    if (f)
        fclose(f);
    return here;
}

/* What rests in a file is not in memory. */
static void
test_rest(void)
{
    enum { WORDS = 4 << 20 };
    struct fl_store *s = fl_store_new(0);
    uint64_t *words = fl_store_words(s, WORDS);
    const long page = sysconf(_SC_PAGESIZE), before = resident_pages();

    if (!before || test_under_valgrind())
        SKIP("no /proc/self/statm here, or valgrind, whose memory counts too");
    for (size_t i = 0; i < WORDS; i++)
        words[i] = i;
    CHECK((resident_pages() - before) * page > (long)WORDS * 7);
    fl_store_rest(s, words, WORDS);
    CHECK((resident_pages() - before) * page < (long)WORDS * 4);
    CHECK(words[0] == 0 && words[WORDS - 1] == WORDS - 1);
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
    RUN(test_rest);
    RUN(test_refused);
    return test_end();
}
