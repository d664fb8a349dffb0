/* base/search.h and base/least.h. */
#include "base/search.h"

#include "base/least.h"
#include "test.h"

static bool
is_below(const void *item, const void *key)
{
    return *(const int *)item < *(const int *)key;
}

static bool
is_at_most(const void *item, const void *key)
{
    return *(const int *)item <= *(const int *)key;
}

/* Every key around every item of arrays of every length up to 9. */
static void
test_places(void)
{
    int items[9], key;

    for (size_t n = 0; n <= 9; n++) {
        for (size_t i = 0; i < n; i++)
            items[i] = 2 * (int)i + 1; /* 1 3 5 ... */
        for (key = 0; key <= 2 * (int)n + 1; key++) {
            size_t below = (size_t)key / 2, at_most = (size_t)(key + 1) / 2;
            CHECK(fl_search(items, n, sizeof *items, &key, is_below) == fl_min(below, n));
            CHECK(fl_search(items, n, sizeof *items, &key, is_at_most) == fl_min(at_most, n));
        }
    }
}

/* Of equal items the first, or what follows the last. */
static void
test_equal(void)
{
    const int items[] = {1, 4, 4, 4, 9};
    int key = 4;

    CHECK(fl_search(items, 5, sizeof *items, &key, is_below) == 1);
    CHECK(fl_search(items, 5, sizeof *items, &key, is_at_most) == 4);
}

static void
test_least(void)
{
    CHECK(fl_min(2, 3) == 2 && fl_min(3, 2) == 2 && fl_max(2, 3) == 3 && fl_max(3, 2) == 3);
    CHECK(fl_min_u64(UINT64_MAX, 7) == 7 && fl_max_u32(UINT32_MAX, 7) == UINT32_MAX);
    CHECK(fl_piece(UINT64_MAX, 5) == 5 && fl_piece(4, 5) == 4 && fl_piece(0, 5) == 0);
}

int
main(void)
{
    RUN(test_places);
    RUN(test_equal);
    RUN(test_least);
    return test_end();
}
