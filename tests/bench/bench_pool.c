/*
 * What a run of the pool costs beside its tasks: microseconds a run and a task, for empty tasks, in
 * runs back to back and after rests in which the workers fall asleep.
 *     bench_pool [THREADS]      the most, in place of twice the cores, at least 4
 */
#include <stdio.h>
#include <stdlib.h>

#include "os/clock.h"
#include "os/pool.h"

#include "bench.h"

enum { RUNS = 2000, RESTS = 50, REST_NS = 2000000 };

static void
empty_task(void *arg, size_t i, int worker)
{
    (void)arg;
    (void)i;
    (void)worker;
}

/* Microseconds a run of COUNT empty tasks. */
static double
run_cost(struct fl_pool *pool, size_t count)
{
    double times[BENCH_TIMES];

    for (int k = 0; k < BENCH_TIMES; k++) {
        double began = fl_seconds();
        for (int i = 0; i < RUNS; i++)
            fl_pool_run(pool, count, empty_task, NULL);
        times[k] = (fl_seconds() - began) / RUNS * 1e6;
    }
    return bench_median(times, BENCH_TIMES);
}

/* The same for a run that has to wake the workers. */
static double
wake_cost(struct fl_pool *pool)
{
    double times[RESTS];

    for (int k = 0; k < RESTS; k++) {
        uint64_t rest = fl_monotonic_ns() + REST_NS;
        while (fl_monotonic_ns() < rest)
            ;
        double began = fl_seconds();
        fl_pool_run(pool, 2, empty_task, NULL);
        times[k] = (fl_seconds() - began) * 1e6;
    }
    return bench_median(times, RESTS);
}

int
main(int argc, char **argv)
{
    int most = argc > 1 ? atoi(argv[1]) : 2 * fl_cores();
    char what[80];

    for (int threads = 1; threads <= (most < 4 ? 4 : most); threads *= 2) {
        struct fl_pool *pool = fl_pool_new(threads);
        bench_need(!pool);
        double few = run_cost(pool, 2), many = run_cost(pool, 1002);
        snprintf(what, sizeof what, "pool: a run of 2 empty tasks, %d threads", threads);
        bench_tell(what, few, "us");
        snprintf(what, sizeof what, "pool: a further empty task, %d threads", threads);
        bench_tell(what, (many - few) / 1000, "us");
        snprintf(what, sizeof what, "pool: a run after a rest, %d threads", threads);
        bench_tell(what, wake_cost(pool), "us");
        fl_pool_free(pool);
    }
    return 0;
}
