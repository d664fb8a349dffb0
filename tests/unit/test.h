/*
 * Unit tests print TAP: one "ok"/"not ok" line a check group. A test program is
 *     static void test_sums(void) { CHECK(1 + 1 == 2); }
 *     int main(void) { RUN(test_sums); return test_end(); }
 * CHECK counts a failure, prints where, and goes on; SKIP(reason) ends a test that cannot run here.
 */
#ifndef FL_TEST_H
#define FL_TEST_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static int test_number, test_failed, test_all_failed;
static const char *test_skipped;

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            test_failed++;                                                                         \
            printf("# %s:%d: %s is false (last error: %s)\n", __FILE__, __LINE__, #cond,           \
                   fl_error_text());                                                               \
        }                                                                                          \
    } while (0)

#define CHECK_TEXT(got, want)                                                                      \
    do {                                                                                           \
        const char *got_ = (got), *want_ = (want);                                                 \
        if (strcmp(got_, want_)) {                                                                 \
            test_failed++;                                                                         \
            printf("# %s:%d: got \"%s\", want \"%s\"\n", __FILE__, __LINE__, got_, want_);         \
        }                                                                                          \
    } while (0)

/* |got - want| <= tolerance * max(1, |want|) */
#define CHECK_NEAR(got, want, tolerance)                                                           \
    do {                                                                                           \
        double got_ = (got), want_ = (want);                                                       \
        if (!(fabs(got_ - want_) <= (tolerance) * (fabs(want_) > 1 ? fabs(want_) : 1))) {          \
            test_failed++;                                                                         \
            printf("# %s:%d: got %.17g, want %.17g\n", __FILE__, __LINE__, got_, want_);           \
        }                                                                                          \
    } while (0)

#define SKIP(reason)                                                                               \
    do {                                                                                           \
        test_skipped = (reason);                                                                   \
        return;                                                                                    \
    } while (0)

#define RUN(test) test_run(test, #test)

/* Under valgrind, some fifty times slower: a test may take a smaller sample there, of every kind.
 */
static inline int
test_under_valgrind(void)
{
    const char *v = getenv("VALGRIND");

    return v && *v;
}

static inline void
test_run(void (*test)(void), const char *name)
{
    test_failed = 0;
    test_skipped = NULL;
    fl_error_clear();
    test();
    printf("%sok %d - %s%s%s\n", test_failed ? "not " : "", ++test_number, name,
           test_skipped ? " # skip " : "", test_skipped ? test_skipped : "");
    fflush(stdout);
    test_all_failed += test_failed != 0;
}

static inline int
test_end(void)
{
    printf("1..%d\n", test_number);
    return test_all_failed != 0;
}

#endif
