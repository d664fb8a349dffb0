#include "base/mem.h"

#include "test.h"

static void
test_multiply(void)
{
    size_t s = 5;
    uint64_t u = 5;

    CHECK(!fl_mul_size(3, 7, &s) && s == 21);
    CHECK(!fl_mul_size(0, SIZE_MAX, &s) && s == 0);
    CHECK(!fl_mul_size(SIZE_MAX, 1, &s) && s == SIZE_MAX);
    CHECK(fl_mul_size(SIZE_MAX / 2 + 1, 2, &s) == -1 && s == SIZE_MAX);
    CHECK(strstr(fl_error_text(), "does not fit"));
    CHECK(!fl_mul_u64(UINT64_MAX, 1, &u) && u == UINT64_MAX);
    CHECK(!fl_mul_u64(UINT64_C(1) << 32, (UINT64_C(1) << 32) - 1, &u) && u == UINT64_MAX << 32);
    CHECK(fl_mul_u64(UINT64_C(1) << 32, UINT64_C(1) << 32, &u) == -1);
}

static void
test_alloc(void)
{
    unsigned char *p = fl_alloc(100, 3), any = 0;

    for (size_t i = 0; i < 300; i++)
        any |= p[i];
    CHECK(any == 0);
    free(p);
    p = fl_alloc(0, 8);
    CHECK(p); /* no memory is still a pointer */
    free(p);
    CHECK(!fl_alloc(SIZE_MAX, 2));
    CHECK(fl_error_status() == FL_FAILED);
    CHECK(!fl_alloc(SIZE_MAX / 4, 2));
    CHECK(strstr(fl_error_text(), "out of memory"));
}

static void
test_aligned(void)
{
    static const size_t sizes[] = {0, 1, 63, 64, 65, 4097};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *p = fl_alloc_aligned(sizes[i], 1);
        CHECK(p && (uintptr_t)p % 64 == 0);
        memset(p, 7, sizes[i]);
        free(p);
    }
    CHECK(!fl_alloc_aligned(SIZE_MAX - 3, 1));
    CHECK(!fl_alloc_aligned(SIZE_MAX / 2, 4));
}

static void
test_grow(void)
{
    int *items = NULL;
    size_t cap = 0, moves = 0;

    for (size_t i = 0; i < 10000; i++) {
        size_t before = cap;
        int *more = fl_grow(items, i, &cap, sizeof *items);
        CHECK(more && cap > i);
        items = more;
        items[i] = (int)i;
        moves += cap != before;
    }
    CHECK(moves <= 12); /* it doubles */
    for (int i = 0; i < 10000; i++)
        CHECK(items[i] == i);
    CHECK(fl_grow(items, 3, &cap, sizeof *items) == items);
    size_t old = cap;
    CHECK(!fl_grow(items, SIZE_MAX / 32, &cap, sizeof *items) && cap == old);
    CHECK(items[9999] == 9999); /* a failure leaves it as it was */
    int *fewer = fl_resize(items, 2, sizeof *items);
    CHECK(fewer && fewer[1] == 1);
    CHECK(!fl_resize(fewer, SIZE_MAX, 2));
    free(fewer);
}

static void
test_text(void)
{
    char *a = fl_strdup("text"), *b = fl_strndup("text and more", 4), *c = fl_strdup("");

    CHECK_TEXT(a, "text");
    CHECK_TEXT(b, "text");
    CHECK_TEXT(c, "");
    free(a);
    free(b);
    free(c);
}

int
main(void)
{
    RUN(test_multiply);
    RUN(test_alloc);
    RUN(test_aligned);
    RUN(test_grow);
    RUN(test_text);
    return test_end();
}
