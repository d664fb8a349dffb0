/*
 * A run is a generation: the caller publishes the work, raises GENERATION and wakes the workers
 * [start_generation]; all take indices until none is left [take_tasks], workers count themselves
 * out of BUSY [work], and the caller leaves when BUSY is 0 [fl_pool_run], so that none is in an old
 * run when a new one starts. Training runs thousands of short lists a second: both sides spin
 * before they sleep.
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "os/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

struct fl_pool {
    int threads; /* workers beside the caller */
    pthread_t *ids;
    fl_task *task;
    void *arg;
    size_t count;
    atomic_size_t next;
    atomic_uint generation;
    atomic_int busy;
    bool stop; /* under LOCK, published by GENERATION */
    pthread_mutex_t lock;
    pthread_cond_t work, done;
};

struct worker {
    struct fl_pool *pool;
    int index;
};

enum { SPINS = 4000 };

static inline void
pause_core(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

int
fl_cores(void)
{
#if defined(__linux__)
    cpu_set_t set;

    if (!sched_getaffinity(0, sizeof set, &set) && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

static void
take_tasks(struct fl_pool *pool, int worker)
{
    size_t i;

    while ((i = atomic_fetch_add(&pool->next, 1)) < pool->count)
        pool->task(pool->arg, i, worker);
}

static void *
work(void *arg)
{
    struct worker me = *(struct worker *)arg;
    struct fl_pool *pool = me.pool;
    unsigned seen = 0;

    free(arg);
    for (;;) {
        for (int i = 0; i < SPINS && atomic_load(&pool->generation) == seen; i++)
            pause_core();
        if (atomic_load(&pool->generation) == seen) {
            pthread_mutex_lock(&pool->lock);
            while (atomic_load(&pool->generation) == seen)
                pthread_cond_wait(&pool->work, &pool->lock);
            pthread_mutex_unlock(&pool->lock);
        }
        seen = atomic_load(&pool->generation);
        if (pool->stop)
            return NULL;
        take_tasks(pool, me.index);
        if (atomic_fetch_sub(&pool->busy, 1) == 1) {
            pthread_mutex_lock(&pool->lock);
            pthread_cond_signal(&pool->done);
            pthread_mutex_unlock(&pool->lock);
        }
    }
}

static void
start_generation(struct fl_pool *pool, bool stop)
{
    pthread_mutex_lock(&pool->lock);
    pool->stop = stop;
    atomic_fetch_add(&pool->generation, 1);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
}

struct fl_pool *
fl_pool_new(int threads)
{
    struct fl_pool *pool = fl_alloc(1, sizeof *pool);

    if (!pool)
        return NULL;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    int want = (threads > 0 ? threads : fl_cores()) - 1;
    pool->ids = fl_alloc((size_t)want, sizeof *pool->ids);
    while (pool->ids && pool->threads < want) {
        struct worker *w = fl_alloc(1, sizeof *w);
        if (!w)
            break;
        *w = (struct worker){pool, pool->threads + 1};
        int e = pthread_create(&pool->ids[pool->threads], NULL, work, w);
        if (e) {
            free(w);
            fl_error_errno(e, "cannot start %d threads", want + 1);
            fl_error_cure("use a smaller -j");
            break;
        }
        pool->threads++;
    }
    if (!pool->ids || pool->threads < want) {
        fl_pool_free(pool);
        return NULL;
    }
    return pool;
}

void
fl_pool_free(struct fl_pool *pool)
{
    if (!pool)
        return;
    if (pool->threads) {
        start_generation(pool, true);
        for (int i = 0; i < pool->threads; i++)
            pthread_join(pool->ids[i], NULL);
    }
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    free(pool->ids);
    free(pool);
}

int
fl_pool_threads(const struct fl_pool *pool)
{
    return pool ? pool->threads + 1 : 1;
}

void
fl_pool_run(struct fl_pool *pool, size_t count, fl_task *task, void *arg)
{
    if (!pool || !pool->threads || count < 2) {
        for (size_t i = 0; i < count; i++)
            task(arg, i, 0);
        return;
    }
    pool->task = task;
    pool->arg = arg;
    pool->count = count;
    atomic_store(&pool->next, 0);
    atomic_store(&pool->busy, pool->threads);
    start_generation(pool, false);
    take_tasks(pool, 0);
    for (int i = 0; i < SPINS && atomic_load(&pool->busy); i++)
        pause_core();
    if (atomic_load(&pool->busy)) {
        pthread_mutex_lock(&pool->lock);
        while (atomic_load(&pool->busy))
            pthread_cond_wait(&pool->done, &pool->lock);
        pthread_mutex_unlock(&pool->lock);
    }
}

struct jobs {
    const struct fl_job *first;
};

static void
job_task(void *arg, size_t index, int worker)
{
    const struct fl_job *job = ((const struct jobs *)arg)->first;

    for (; index >= job->count; job++)
        index -= job->count;
    job->task(job->arg, index, worker);
}

void
fl_pool_run_jobs(struct fl_pool *pool, const struct fl_job *jobs, size_t n)
{
    struct jobs list = {jobs};
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += jobs[i].count;
    fl_pool_run(pool, count, job_task, &list);
}
