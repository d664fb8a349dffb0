/* The rule of sets: cases of the design, and all small cases against the definition. */
#include "sec/set.h"

#include "crypt/hash.h"
#include "random.h"
#include "test.h"

enum { MAX = 12 };

static void
put(unsigned char *sets, size_t keys, size_t set, const char *members)
{
    for (; *members; members++)
        fl_set_put(sets, keys, set, (size_t)(*members - 'a'));
}

/* SETS up to NULL. */
static int
check(size_t keys, size_t min_sum, const char *const *sets, size_t *key, size_t *size)
{
    unsigned char bits[8 * 2] = {0};
    size_t count = 0;

    for (; sets[count]; count++)
        put(bits, keys, count, sets[count]);
    return fl_set_check(bits, count, keys, min_sum, key, size);
}

static void
test_cases(void)
{
    static const struct {
        size_t keys, min_sum;
        const char *sets[5];
        int want;
        size_t size; /* of the class that is too small */
        char key;    /* in it */
    } cases[] = {
        {11, 5, {"abcdefghijk"}, 1, 0, 0},
        {11, 5, {"abcdefghijk", "abcde"}, 1, 0, 0},
        /* of two sums nothing is learnt, of three one site's update */
        {11, 5, {"abcdefghijk", "abcde", "fghij"}, 0, 1, 'k'},
        {11, 5, {"abcdefghijk", "abcdefghij"}, 0, 1, 'k'},
        {11, 5, {"abcdefghijk", "abcdef"}, 1, 0, 0},
        {11, 5, {"abcdefghijk", "abcdefg"}, 0, 4, 'h'},
        /* the same set again, any number of times */
        {11, 5, {"abcde", "abcde", "abcde", "abcde"}, 1, 0, 0},
        {11, 5, {"abcde", "fghij", "abcdefghij"}, 1, 0, 0},
        /* with n < 2 min_sum no other is */
        {6, 4, {"abcde"}, 1, 0, 0}, /* f was never in */
        {6, 4, {"abcde", "abcdef"}, 0, 1, 'f'},
        {6, 4, {"abcd", "cdef"}, 0, 2, 'a'},
        {6, 4, {"abc"}, 0, 3, 'a'},
        {6, 4, {""}, 1, 0, 0},
        {6, 3, {"abcdef", "abc"}, 1, 0, 0},
        {6, 3, {"abcdef", "abcd"}, 0, 2, 'e'},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t key = 99, size = 99;
        int got = check(cases[i].keys, cases[i].min_sum, cases[i].sets, &key, &size);
        CHECK(got == cases[i].want);
        CHECK(got == 1 ? size == 99 : size == cases[i].size && key == (size_t)(cases[i].key - 'a'));
        CHECK(check(cases[i].keys, cases[i].min_sum, cases[i].sets, NULL, NULL) == got);
    }
    CHECK(fl_set_check(NULL, 0, 0, 3, NULL, NULL) == 1);
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
put_bits(unsigned char *bits, size_t keys, size_t set, unsigned members)
{
    for (size_t k = 0; k < keys; k++)
        if (members >> k & 1)
            fl_set_put(bits, keys, set, k);
}

/*
 * After COUNT sets that keep the rule: what fl_set_fit finds of those that are HERE is as many as
 * the best of all subsets, and is allowed. Returns what is wrong.
 */
static size_t
try_fit(unsigned *sets, size_t count, size_t keys, size_t min_sum, unsigned here)
{
    unsigned char bits[5 * 2] = {0}, present[2] = {0}, fit[2];
    unsigned chosen = 0;
    size_t best = 0;

    for (unsigned s = here; s; s = (s - 1) & here) { /* all subsets but the empty one */
        sets[count] = s;
        if (slow_check(sets, count + 1, keys, min_sum) && (size_t)__builtin_popcount(s) > best)
            best = (size_t)__builtin_popcount(s);
    }
    for (size_t s = 0; s < count; s++)
        put_bits(bits, keys, s, sets[s]);
    put_bits(present, keys, 0, here);
    int64_t n = fl_set_fit(bits, count, keys, min_sum, present, fit);
    for (size_t k = 0; k < keys; k++)
        chosen |= (unsigned)fl_set_has(fit, keys, 0, k) << k;
    sets[count] = chosen;
    return (n != (int64_t)best) + ((chosen & ~here) != 0) +
           ((size_t)__builtin_popcount(chosen) != best) +
           (best && !slow_check(sets, count + 1, keys, min_sum));
}

/* All sets of up to six sites, two of them and then any that are here; every min_sum. */
static void
test_all_small(void)
{
    const size_t most = test_under_valgrind() ? 4 : 6;
    size_t wrong = 0, kept = 0, refused = 0;

    for (size_t keys = 3; keys <= most; keys++)
        for (size_t min_sum = 2; min_sum <= keys; min_sum++)
            for (unsigned one = 0; one < 1u << keys; one++)
                for (unsigned two = 0; two <= one; two++) {
                    unsigned char bits[2 * 2] = {0};
                    unsigned sets[3] = {one, two};
                    put_bits(bits, keys, 0, one);
                    put_bits(bits, keys, 1, two);
                    int want = slow_check(sets, 2, keys, min_sum);
                    wrong += fl_set_check(bits, 2, keys, min_sum, NULL, NULL) != want;
                    kept += want == 1;
                    refused += want == 0;
                    for (unsigned here = 0; want && here < 1u << keys; here++)
                        wrong += try_fit(sets, 2, keys, min_sum, here);
                }
    CHECK(wrong == 0 && kept > 100 && refused > 100);
}

/* More sites and sets, at random. */
static void
test_random(void)
{
    uint32_t seed = 7;
    size_t wrong = 0, kept = 0;

    for (int trial = 0; trial < (test_under_valgrind() ? 100 : 3000); trial++) {
        size_t keys = 3 + random_next(&seed) % (MAX - 3), min_sum = 2 + random_next(&seed) % 4;
        size_t count = random_next(&seed) % 5;
        unsigned sets[6];
        unsigned char bits[6 * 2] = {0};
        for (size_t s = 0; s < count; s++) {
            sets[s] = random_next(&seed) % (1u << keys);
            if (random_next(&seed) % 2) /* sets that are made of large blocks keep it more often */
                sets[s] = sets[s] & 1 ? (1u << keys) - 1 : (1u << keys / 2) - 1;
            put_bits(bits, keys, s, sets[s]);
        }
        int got = fl_set_check(bits, count, keys, min_sum, NULL, NULL);
        wrong += got != slow_check(sets, count, keys, min_sum);
        kept += got == 1;
        if (got == 1)
            wrong += try_fit(sets, count, keys, min_sum, random_next(&seed) % (1u << keys));
    }
    CHECK(wrong == 0);
    CHECK(kept > (test_under_valgrind() ? 10 : 300));
}

/* Of equals those that come first are chosen. */
static void
test_first_ones(void)
{
    unsigned char sets[2] = {0}, here[2] = {0}, fit[2];

    put(sets, 10, 0, "abcdefghij");
    put(here, 10, 0, "abcdefghi"); /* j is away: five of the class must stay out with it */
    CHECK(fl_set_fit(sets, 1, 10, 4, here, fit) == 6);
    for (size_t k = 0; k < 10; k++)
        CHECK(fl_set_has(fit, 10, 0, k) == (k < 6));
    CHECK(fl_set_fit(sets, 1, 10, 5, here, fit) == 5);
    CHECK(fl_set_fit(sets, 1, 10, 6, here, fit) == 0 && !fit[0] && !fit[1]);
}

/* Of "secagg.py vectors"; and each part matters. */
static void
test_digest(void)
{
    unsigned char sid[32], digests[96], set[32], other[32];
    uint32_t sites[3] = {0, 3, 70000};
    char text[65];

    memset(sid, 'S', 32);
    memset(digests, 'a', 32);
    memset(digests + 32, 'd', 32);
    memset(digests + 64, 'z', 32);
    fl_set_digest(set, sid, sites, digests, 3);
    fl_hex(text, set, 32);
    CHECK_TEXT(text, "8f0d3785b45b8378fc66734aedda857a04160f7d2867fa5887cf75373ef7d910");
    fl_set_digest(other, sid, sites, digests, 0);
    fl_hex(text, other, 32);
    CHECK_TEXT(text, "5bbacd32f7bfeedf6c1796cb3f0a2171b44a2f62858fa5ae5a7f8b8ff1b2b0e8");
    fl_set_digest(other, sid, sites, digests, 2);
    CHECK(memcmp(set, other, 32));
    sites[2]++;
    fl_set_digest(other, sid, sites, digests, 3);
    CHECK(memcmp(set, other, 32));
    sites[2]--;
    digests[95] ^= 1;
    fl_set_digest(other, sid, sites, digests, 3);
    CHECK(memcmp(set, other, 32));
    digests[95] ^= 1;
    sid[0] ^= 1;
    fl_set_digest(other, sid, sites, digests, 3);
    CHECK(memcmp(set, other, 32));
}

int
main(void)
{
    RUN(test_cases);
    RUN(test_all_small);
    RUN(test_random);
    RUN(test_first_ones);
    RUN(test_digest);
    return test_end();
}
