/* Pairs come out in order, each once, with any memory; the file is gone from the folder. */
#include "data/spill.h"

#include "math/random.h"
#include "test.h"

struct pair {
    uint64_t key, value;
};

static int
order(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

static void
sort(size_t n, size_t mem, uint64_t keys)
{
    struct fl_spill *s = fl_spill_new(mem);
    struct pair *want = calloc(n + 1, sizeof *want);
    struct fl_random r = {5, 0, 0};
    struct fl_spill_pair got;
    size_t count = 0, wrong = 0;

    for (size_t i = 0; i < n; i++) {
        want[i] = (struct pair){fl_random_below(&r, keys), fl_random_u64(&r)};
        CHECK(!fl_spill_add(s, want[i].key, want[i].value));
    }
    qsort(want, n, sizeof *want, order);
    while (fl_spill_next(s, &got) == 1 && count < n) {
        wrong += got.key != want[count].key || got.value != want[count].value;
        count++;
    }
    CHECK(count == n && !wrong);
    CHECK(fl_spill_next(s, &got) == 0);
    free(want);
    fl_spill_free(s);
}

static void
test_sorts(void)
{
    static const size_t sizes[] = {0, 1, 2, 4095, 4096, 4097, 12288, 100003};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        sort(sizes[i], 0, UINT64_MAX);        /* 4,096 pairs in memory */
        sort(sizes[i], 0, 7);                 /* keys many times */
        sort(sizes[i], 64 << 20, UINT64_MAX); /* no file */
    }
    fl_spill_free(NULL);
}

/* No folder for the file: an error with its name, and no crash. */
static void
test_no_folder(void)
{
    struct fl_spill *s = fl_spill_new(0);
    int result = 0;

    setenv("TMPDIR", "/no/such/folder", 1);
    for (size_t i = 0; i < 5000 && !result; i++)
        result = fl_spill_add(s, i, i);
    CHECK(result == -1 && strstr(fl_error_text(), "/no/such/folder"));
    unsetenv("TMPDIR");
    fl_spill_free(s);
}

int
main(void)
{
    RUN(test_sorts);
    RUN(test_no_folder);
    return test_end();
}
