#include "os/memory.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "test.h"

/* Sizes around those at which the way changes: aligned, all of it writable, free() takes it. */
static void
test_sizes(void)
{
    static const size_t sizes[] = {0,       1,       4096,    2097151, 2097152,
                                   2097153, 4194304, 5000001, 33554432};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *p = fl_alloc_large(sizes[i], 1);
        CHECK(p && (uintptr_t)p % 64 == 0);
        memset(p, 7, sizes[i]);
        free(p);
    }
    float *x = fl_alloc_large(1 << 20, sizeof *x);
    CHECK(x);
    x[(1 << 20) - 1] = 1;
    free(x);
}

static void
test_too_large(void)
{
    CHECK(!fl_alloc_large(SIZE_MAX, 2));
    CHECK(!fl_alloc_large(SIZE_MAX - 100, 1));
    CHECK(!fl_alloc_large(SIZE_MAX / 2, 1));
}

static bool
huge_pages(void)
{
    char line[64] = "";
    FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");

    if (!f)
        return false;
    bool read = fgets(line, sizeof line, f);
    fclose(f);
    return read && !strstr(line, "[never]");
}

static long
faults(void)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    return use.ru_minflt;
}

/* 64 MiB are 16384 pages of 4 KiB. A system that is short of huge pages may give some of those. */
static void
test_faults(void)
{
    const size_t size = (size_t)64 << 20;
    const char *san = getenv("SAN");

    if (!huge_pages())
        SKIP("this system gives no huge pages");
    if ((san && *san) || test_under_valgrind())
        SKIP("a sanitizer or valgrind has pages of its own");
    unsigned char *p = fl_alloc_large(size, 1);
    CHECK(p);
    long before = faults();
    for (size_t i = 0; i < size; i += 4096)
        ((volatile unsigned char *)p)[i] = 1;
    CHECK(faults() - before < 8192);
    free(p);
}

int
main(void)
{
    RUN(test_sizes);
    RUN(test_too_large);
    RUN(test_faults);
    return test_end();
}
