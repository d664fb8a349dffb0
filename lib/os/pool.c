/*
 * A run is a count of tasks that nobody has taken yet [LEFT]: whoever lowers it has taken one
 * [take_tasks]. A worker that took some counts them out of UNDONE at the end, and the caller leaves
 * when that is 0 [fl_pool_run]; so it waits for tasks, not for workers, and where the processors
 * are wanted by others, one that comes late costs nothing. Inference runs thousands of short lists
 * a second: both sides look for some microseconds before they sleep [await].
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "os/pool.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "os/clock.h"

/*
 * Longer than what a worker waits for between the runs of a token; then a sleeper leaves its
 * processor, on which the system lets a worker go on that another program has driven off its own.
 */
enum { LOOK_NS = 30000 };

enum { LINE = 64 }; /* bytes of a line of cache: what one thread writes is not beside another's */

/* Who waits, and is woken at most once for each sleep. */
struct sleeper {
    sem_t wake;
    atomic_bool asleep;
};

struct worker {
    struct fl_pool *pool;
    int index;
    pthread_t id;
    _Alignas(LINE) struct sleeper sleeper;
};

struct fl_pool {
    int threads; /* workers beside the caller */
    struct worker *workers;
    struct sleeper caller;
    fl_task *task; /* of the run: these three are written while LEFT is 0 */
    void *arg;
    size_t count;
    _Alignas(LINE) atomic_size_t left; /* tasks that nobody has taken, or STOP */
    _Alignas(LINE) atomic_size_t undone;
};

#define STOP SIZE_MAX

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

/* Wait until *VALUE is zero (ZERO), or is not: look for LOOK_NS, then sleep until woken. */
static void
await(struct sleeper *s, atomic_size_t *value, bool zero)
{
    uint64_t now = 0, began = 0;

    for (; now - began < LOOK_NS; now = fl_monotonic_ns(), began = began ? began : now) {
        for (int i = 0; i < 32; i++) {
            if ((atomic_load(value) == 0) == zero)
                return;
            pause_core();
        }
    }
    while ((atomic_load(value) == 0) != zero) {
        atomic_store(&s->asleep, true);
        if ((atomic_load(value) == 0) == zero && atomic_exchange(&s->asleep, false))
            return; /* nobody has seen it */
        while (sem_wait(&s->wake))
            ; /* a signal */
    }
}

/* After a change of what S waits for. */
static void
wake(struct sleeper *s)
{
    if (atomic_load(&s->asleep) && atomic_exchange(&s->asleep, false))
        sem_post(&s->wake);
}

static void
take_tasks(struct fl_pool *pool, int worker)
{
    size_t left = atomic_load(&pool->left), done = 0;

    while (left && left != STOP) {
        if (!atomic_compare_exchange_weak(&pool->left, &left, left - 1))
            continue;
        pool->task(pool->arg, pool->count - left, worker); /* the run waits for it: all is there */
        done++;
        left = atomic_load(&pool->left);
    }
    if (done && atomic_fetch_sub(&pool->undone, done) == done)
        wake(&pool->caller);
}

static void *
work(void *arg)
{
    struct worker *me = arg;

    for (;;) {
        await(&me->sleeper, &me->pool->left, false);
        if (atomic_load(&me->pool->left) == STOP)
            return NULL;
        take_tasks(me->pool, me->index);
    }
}

/* Let LEFT tasks be taken, by the caller and as many workers as there are further tasks. */
static void
publish(struct fl_pool *pool, size_t left)
{
    atomic_store(&pool->left, left);
    for (int i = 0; i < pool->threads && (size_t)i + 1 < left; i++)
        wake(&pool->workers[i].sleeper);
}

static int
start_worker(struct fl_pool *pool, int index)
{
    struct worker *w = &pool->workers[index - 1];

    *w = (struct worker){.pool = pool, .index = index};
    sem_init(&w->sleeper.wake, 0, 0);
    int e = pthread_create(&w->id, NULL, work, w);
    if (!e)
        return 0;
    sem_destroy(&w->sleeper.wake);
    fl_error_errno(e, "cannot start thread number %d", index + 1);
    fl_error_cure("use a smaller -j");
    return -1;
}

struct fl_pool *
fl_pool_new(int threads)
{
    struct fl_pool *pool = fl_alloc_aligned(1, sizeof *pool);
    int want = (threads > 0 ? threads : fl_cores()) - 1;

    if (!pool)
        return NULL;
    *pool = (struct fl_pool){.workers = fl_alloc_aligned((size_t)want, sizeof *pool->workers)};
    sem_init(&pool->caller.wake, 0, 0);
    while (pool->workers && pool->threads < want && !start_worker(pool, pool->threads + 1))
        pool->threads++;
    if (pool->workers && pool->threads == want)
        return pool;
    fl_pool_free(pool);
    return NULL;
}

void
fl_pool_free(struct fl_pool *pool)
{
    if (!pool)
        return;
    publish(pool, STOP);
    for (int i = 0; i < pool->threads; i++) {
        pthread_join(pool->workers[i].id, NULL);
        sem_destroy(&pool->workers[i].sleeper.wake);
    }
    sem_destroy(&pool->caller.wake);
    free(pool->workers);
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
    atomic_store(&pool->undone, count);
    publish(pool, count);
    take_tasks(pool, 0);
    await(&pool->caller, &pool->undone, true);
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
