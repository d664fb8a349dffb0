/*
 * A pool of threads that takes tasks from one fixed list.
 *
 * The cut of the work into tasks is the caller's and must depend on shapes only, never on the
 * number of threads; then results do not depend on it either. Which worker runs which task is not
 * fixed.
 */
#ifndef FL_OS_POOL_H
#define FL_OS_POOL_H

#include <stddef.h>

#include "base/must.h"

struct fl_pool;

/* Cores that this process may use, at least 1. */
FL_MUST int fl_cores(void);

/*
 * A pool of THREADS workers (0: all cores), the caller being one of them; NULL with an error.
 * fl_pool_free waits for none: call it between runs. free(NULL) is fine.
 */
struct fl_pool *fl_pool_new(int threads);
void fl_pool_free(struct fl_pool *pool);

/* Number of workers, the caller included; a NULL pool has one. */
FL_MUST int fl_pool_threads(const struct fl_pool *pool);

typedef void fl_task(void *arg, size_t index, int worker);

/*
 * Run TASK(ARG, i, worker) for every i below COUNT and wait for all of them; worker is below
 * fl_pool_threads. A NULL pool runs them in the caller. One run at a time; tasks do not fail (they
 * note failures in ARG) and do not start runs.
 */
void fl_pool_run(struct fl_pool *pool, size_t count, fl_task *task, void *arg);

/*
 * Run all tasks of N jobs, in no order but that those of earlier jobs begin first: list the largest
 * tasks first, so that threads end together. A job of 0 tasks is passed over.
 */
struct fl_job {
    fl_task *task;
    void *arg;
    size_t count;
};
void fl_pool_run_jobs(struct fl_pool *pool, const struct fl_job *jobs, size_t n);

#endif
