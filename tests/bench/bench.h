/*
 * Benchmarks print rows for tests/bench/run: what, value, unit, required, ok; tab-separated. Only
 * ratios are required, measured in one run with their parts in turns, medians of an odd number.
 */
#ifndef FL_BENCH_H
#define FL_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/error.h"
#include "os/clock.h"

enum { BENCH_TIMES = 9 };

/*
 * Processor time of this process and of those that it waited for: of work on one core it says what
 * the clock would on a machine that does nothing else.
 */
static inline double
bench_processor(void)
{
    struct rusage own, children;

    if (getrusage(RUSAGE_SELF, &own) || getrusage(RUSAGE_CHILDREN, &children))
        exit(1);
    return (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec + children.ru_utime.tv_sec +
                    children.ru_stime.tv_sec) +
           1e-6 * (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec + children.ru_utime.tv_usec +
                           children.ru_stime.tv_usec);
}

static inline int
bench_order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static inline double
bench_median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, bench_order);
    return values[n / 2];
}

/* A row that is only told. */
static inline void
bench_tell(const char *what, double value, const char *unit)
{
    printf("%s\t%.4g\t%s\t-\t-\n", what, value, unit);
    fflush(stdout);
}

/* A row with a bound: at most LIMIT, or at least it. Returns whether it is kept. */
static inline int
bench_at_most(const char *what, double value, const char *unit, double limit)
{
    printf("%s\t%.4g\t%s\t<= %g\t%s\n", what, value, unit, limit, value <= limit ? "yes" : "NO");
    fflush(stdout);
    return value <= limit;
}

static inline int
bench_at_least(const char *what, double value, const char *unit, double limit)
{
    printf("%s\t%.4g\t%s\t>= %g\t%s\n", what, value, unit, limit, value >= limit ? "yes" : "NO");
    fflush(stdout);
    return value >= limit;
}

/* For main: what cannot be set up ends the program. */
static inline void
bench_need(int result)
{
    if (!result)
        return;
    fprintf(stderr, "bench: %s\n", fl_error_text());
    exit(1);
}

#endif
