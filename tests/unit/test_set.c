/* The rule of sets: cases of the design, and all small cases against the definition. */
#include "sec/set.h"

#include "random.h"
#include "test.h"

enum { MAX = 12 };

static void
put(unsigned char *sets, size_t keys, size_t set, const char *members)
{
    for (; *members; members++)
        fl_set_put(sets, keys, set, (size_t)(*members - 'a'));
}

static int
check(size_t keys, size_t min_sum, const char *const *members, size_t count, size_t *size)
{
    unsigned char sets[8 * 2] = {0};
    size_t key;

    for (size_t s = 0; s < count; s++)
        put(sets, keys, s, members[s]);
    return fl_set_check(sets, count, keys, min_sum, &key, size);
}

static void
test_cases(void)
{
    size_t size = 0;

    CHECK(check(11, 5, (const char *[]){"abcdefghijk"}, 1, &size) == 1);
    CHECK(check(11, 5, (const char *[]){"abcdefghijk", "abcde"}, 2, &size) == 1);
    CHECK(check(11, 5, (const char *[]){"abcdefghijk", "abcde", "fghij"}, 3, &size) == 0);
    CHECK(size == 1); /* k alone */
    CHECK(check(11, 5, (const char *[]){"abcde", "abcde", "abcde"}, 3, &size) == 1);
    CHECK(check(11, 5, (const char *[]){"abcdefghijk", "abcdefghij"}, 2, &size) == 0);
    CHECK(check(6, 4, (const char *[]){"abcde"}, 1, &size) == 1); /* f was never in */
    CHECK(check(6, 4, (const char *[]){"abcde", "abcdef"}, 2, &size) == 0 && size == 1);
    CHECK(check(6, 4, (const char *[]){"abc"}, 1, &size) == 0 && size == 3);
    CHECK(check(6, 4, (const char *[]){""}, 1, &size) == 1);
}

/* By the definition: keys with the same memberships, counted one against all. */
static int
slow_check(const unsigned *sets, size_t count, size_t keys, size_t min_sum)
{
    for (size_t a = 0; a < keys; a++) {
        size_t same = 0;
        bool in = false;
        for (size_t b = 0; b < keys; b++) {
            bool equal = true;
            for (size_t s = 0; s < count; s++)
                equal &= (sets[s] >> a & 1) == (sets[s] >> b & 1);
            same += equal;
        }
        for (size_t s = 0; s < count; s++)
            in |= sets[s] >> a & 1;
        if (in && same < min_sum)
            return 0;
    }
    return 1;
}

static void
test_random(void)
{
    uint32_t seed = 7;
    size_t wrong = 0, kept = 0, fits = 0;

    for (int trial = 0; trial < 3000; trial++) {
        size_t keys = 3 + (random_next(&seed) % (MAX - 3)),
               min_sum = 2 + (random_next(&seed) % (4));
        size_t count = (random_next(&seed) % (4));
        unsigned sets[5];
        unsigned char bits[5 * 2] = {0}, here[2] = {0}, fit[2];
        for (size_t s = 0; s <= count; s++) {
            sets[s] = (unsigned)(random_next(&seed) % (1u << keys));
            for (size_t k = 0; k < keys && s < count; k++)
                if (sets[s] >> k & 1)
                    fl_set_put(bits, keys, s, k);
        }
        int got = fl_set_check(bits, count, keys, min_sum, NULL, NULL);
        wrong += got != slow_check(sets, count, keys, min_sum);
        kept += got == 1;
        if (got != 1)
            continue;
        /* the largest set of those that are here, by trying all */
        unsigned present = sets[count];
        size_t best = 0;
        for (unsigned s = 1; s < 1u << keys; s++) {
            sets[count] = s;
            if (!(s & ~present) && slow_check(sets, count + 1, keys, min_sum) &&
                (size_t)__builtin_popcount(s) > best)
                best = (size_t)__builtin_popcount(s);
        }
        for (size_t k = 0; k < keys; k++)
            if (present >> k & 1)
                fl_set_put(here, keys, 0, k);
        int64_t n = fl_set_fit(bits, count, keys, min_sum, here, fit);
        unsigned chosen = 0;
        for (size_t k = 0; k < keys; k++)
            chosen |= (unsigned)fl_set_has(fit, keys, 0, k) << k;
        sets[count] = chosen;
        wrong += n != (int64_t)best || (chosen & ~present) ||
                 (best && !slow_check(sets, count + 1, keys, min_sum));
        fits += best > 0;
    }
    CHECK(wrong == 0);
    CHECK(kept > 300 && fits > 100);
}

static void
test_digest(void)
{
    unsigned char sid[32] = {1}, digests[64] = {2}, a[32], b[32];
    uint32_t sites[2] = {3, 5};

    fl_set_digest(a, sid, sites, digests, 2);
    fl_set_digest(b, sid, sites, digests, 2);
    CHECK(!memcmp(a, b, 32));
    sites[1] = 6;
    fl_set_digest(b, sid, sites, digests, 2);
    CHECK(memcmp(a, b, 32));
    sites[1] = 5;
    digests[63] = 1;
    fl_set_digest(b, sid, sites, digests, 2);
    CHECK(memcmp(a, b, 32));
}

int
main(void)
{
    RUN(test_cases);
    RUN(test_random);
    RUN(test_digest);
    return test_end();
}
