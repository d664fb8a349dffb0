#include "os/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

#include "os/clock.h"
#include "test.h"

enum { MANY = 1000 };

struct tally {
    atomic_int seen[MANY];
    atomic_int bad_worker;
    int threads;
    uint64_t results[MANY];
};

static void
count_task(void *arg, size_t i, int worker)
{
    struct tally *t = arg;
    uint64_t x = i;

    atomic_fetch_add(&t->seen[i], 1);
    if (worker < 0 || worker >= t->threads)
        atomic_fetch_add(&t->bad_worker, 1);
    for (size_t k = 0; k < i % 50; k++)
        x = x * 6364136223846793005u + 1442695040888963407u;
    t->results[i] = x;
}

/* Every task of a run is run once, whatever the number of threads and of tasks. */
static void
test_once(void)
{
    static const size_t counts[] = {0, 1, 2, 3, 17, MANY};
    static struct tally t;
    uint64_t want[MANY];

    for (int threads = 1; threads <= 9; threads++) {
        struct fl_pool *pool = fl_pool_new(threads);
        CHECK(pool && fl_pool_threads(pool) == threads);
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            memset(&t, 0, sizeof t);
            t.threads = threads;
            fl_pool_run(pool, counts[c], count_task, &t);
            for (size_t i = 0; i < MANY; i++)
                CHECK(t.seen[i] == (i < counts[c]));
            CHECK(t.bad_worker == 0);
        }
        if (threads == 1)
            memcpy(want, t.results, sizeof want);
        CHECK(!memcmp(want, t.results, sizeof want));
        fl_pool_free(pool);
    }
}

static void
test_none(void)
{
    static struct tally t = {.threads = 1};

    CHECK(fl_pool_threads(NULL) == 1);
    fl_pool_run(NULL, 5, count_task, &t);
    CHECK(t.seen[0] == 1 && t.seen[4] == 1 && t.seen[5] == 0 && t.bad_worker == 0);
    fl_pool_free(NULL);
    CHECK(fl_cores() >= 1);
    struct fl_pool *pool = fl_pool_new(0);
    CHECK(pool && fl_pool_threads(pool) == fl_cores());
    fl_pool_free(pool);
}

static void
add_task(void *arg, size_t i, int worker)
{
    (void)worker;
    atomic_fetch_add((atomic_size_t *)arg, i);
}

/* Thousands of short runs, back to back and with rests that let the workers fall asleep. */
static void
test_many_runs(void)
{
    struct fl_pool *pool = fl_pool_new(4);
    atomic_size_t sum = 0;

    for (int run = 0; run < 5000; run++) {
        fl_pool_run(pool, 5, add_task, &sum);
        if (run % 1000 == 0)
            for (volatile int i = 0; i < 1000000; i++)
                ;
    }
    CHECK(sum == 5000 * 10);
    fl_pool_free(pool);
}

/* Pools come and go without having run anything. */
static void
test_start_and_stop(void)
{
    for (int i = 0; i < 200; i++) {
        struct fl_pool *pool = fl_pool_new(3);
        CHECK(pool);
        fl_pool_free(pool);
    }
}

/* Each task of each job once, with its own argument and its own number; empty jobs anywhere. */
static void
test_jobs(void)
{
    for (int threads = 1; threads <= 3; threads += 2) {
        struct fl_pool *pool = fl_pool_new(threads);
        atomic_size_t a = 0, b = 0, c = 0;
        const struct fl_job jobs[] = {
            {add_task, &c, 0}, {add_task, &a, 5}, {add_task, &c, 0},
            {add_task, &b, 3}, {add_task, &c, 0},
        };
        fl_pool_run_jobs(pool, jobs, 5);
        CHECK(a == 0 + 1 + 2 + 3 + 4 && b == 0 + 1 + 2 && c == 0);
        fl_pool_run_jobs(pool, jobs, 1);
        CHECK(a == 10 && b == 3 && c == 0);
        fl_pool_free(pool);
    }
}

static atomic_int held, release;

static void
hold(int signal)
{
    (void)signal;
    atomic_store(&held, 1);
    while (!atomic_load(&release))
        ;
}

struct meeting {
    atomic_int both;
    pthread_t worker;
};

/* Returns when both tasks have been begun, so that the worker is in one of them. */
static void
meet_task(void *arg, size_t i, int worker)
{
    struct meeting *m = arg;

    (void)i;
    if (worker == 1)
        m->worker = pthread_self();
    atomic_fetch_add(&m->both, 1);
    while (atomic_load(&m->both) < 2)
        ;
}

/* A worker that sleeps or is kept from its processor holds up no run that it has no part in. */
static void
test_late_worker(void)
{
    struct fl_pool *pool = fl_pool_new(2);
    struct sigaction action = {.sa_handler = hold}, old;
    struct meeting m = {0};
    atomic_size_t sum = 0;

    fl_pool_run(pool, 2, meet_task, &m);
    sigaction(SIGUSR1, &action, &old);
    for (uint64_t end = fl_monotonic_ns() + 50000000; fl_monotonic_ns() < end;)
        usleep(1000); /* until it sleeps */
    pthread_kill(m.worker, SIGUSR1);
    while (!atomic_load(&held))
        ;
    alarm(20); /* for a pool that waits for it */
    for (int run = 0; run < 100; run++)
        fl_pool_run(pool, 5, add_task, &sum);
    alarm(0);
    CHECK(sum == 100 * 10);
    atomic_store(&release, 1);
    atomic_store(&m.both, 0);
    fl_pool_run(pool, 2, meet_task, &m); /* and it is back */
    fl_pool_free(pool);
    sigaction(SIGUSR1, &old, NULL);
}

int
main(void)
{
    RUN(test_once);
    RUN(test_none);
    RUN(test_many_runs);
    RUN(test_start_and_stop);
    RUN(test_jobs);
    RUN(test_late_worker);
    return test_end();
}
