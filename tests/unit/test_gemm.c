#include "test.h"

#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "math/gemm.h"
#include "math/half.h"
#include "math/products.h"
#include "math/random.h"
#include "os/pool.h"

enum { SIZE = 64 * 1024 };

static float a[SIZE], b[SIZE], c[SIZE], first[SIZE];

/* One product, by the contract's own words. */
static double
element(const struct fl_gemm *g, const float *c0, size_t i, size_t j)
{
    double sum = g->keep ? c0[i * g->ldc + j] : 0;

    for (size_t l = 0; l < g->k; l++)
        sum += (double)(g->at ? g->a[l * g->lda + i] : g->a[i * g->lda + l]) *
               (g->bt ? g->b[j * g->ldb + l] : g->b[l * g->ldb + j]);
    return sum;
}

/* All forms, with strides wider than rows: right inside, and nothing written between rows. */
static void
test_forms(void)
{
    static const size_t sizes[][3] = {{1, 1, 1},   {1, 7, 5},   {7, 1, 5},    {5, 7, 1},
                                      {1, 64, 64}, {3, 17, 33}, {64, 64, 64}, {65, 40, 70}};

    CHECK(!fl_gemm_start(1));
    fl_random_normal(1, 1, 0, a, SIZE, 1);
    fl_random_normal(1, 2, 0, b, SIZE, 1);
    fl_random_normal(1, 3, 0, first, SIZE, 1);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int form = 0; form < 8; form++) {
            size_t m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
            struct fl_gemm g = {.m = m,
                                .n = n,
                                .k = k,
                                .a = a,
                                .b = b,
                                .c = c,
                                .at = form & 1,
                                .bt = form & 2,
                                .keep = form & 4,
                                .lda = (form & 1 ? m : k) + 3,
                                .ldb = (form & 2 ? k : n) + 5,
                                .ldc = n + 2};
            memcpy(c, first, sizeof c);
            fl_gemm(&g);
            for (size_t i = 0; i < m; i++) {
                for (size_t j = 0; j < n; j++)
                    CHECK_NEAR(c[i * g.ldc + j], element(&g, first, i, j), 2e-5);
                CHECK(!memcmp(c + i * g.ldc + n, first + i * g.ldc + n, 2 * sizeof *c));
            }
        }
}

/* Products of bf16 numbers are exact in f32, so the sums alone round: all forms again. */
static void
test_bf16(void)
{
    enum { M = 33, N = 70, K = 129 };
    static uint16_t a16[SIZE], b16[SIZE];

    if (!fl_products()->bf16)
        SKIP("this machine multiplies no bf16");
    fl_random_normal(1, 1, 0, a, SIZE, 1);
    fl_random_normal(1, 2, 0, b, SIZE, 1);
    fl_f32_to_bf16(a16, a, SIZE);
    fl_f32_to_bf16(b16, b, SIZE);
    fl_bf16_to_f32(a, a16, SIZE);
    fl_bf16_to_f32(b, b16, SIZE);
    for (int form = 0; form < 8; form++) {
        struct fl_gemm g = {.m = M,
                            .n = N,
                            .k = K,
                            .a = a,
                            .b = b,
                            .c = c,
                            .at = form & 1,
                            .bt = form & 2,
                            .keep = form & 4,
                            .lda = (form & 1 ? M : K) + 3,
                            .ldb = (form & 2 ? K : N) + 5,
                            .ldc = N + 2},
                       half = g;
        half.a = half.b = NULL;
        half.a16 = a16, half.b16 = b16;
        memcpy(c, first, sizeof c);
        fl_gemm(&half);
        for (size_t i = 0; i < M; i++) {
            for (size_t j = 0; j < N; j++)
                CHECK_NEAR(c[i * g.ldc + j], element(&g, first, i, j), 2e-5);
            CHECK(!memcmp(c + i * g.ldc + N, first + i * g.ldc + N, 2 * sizeof *c));
        }
    }
}

/* C is not read unless it is kept: it may hold anything, NaN too. */
static void
test_not_read(void)
{
    for (size_t m = 1; m < 40; m += 13) {
        for (size_t i = 0; i < SIZE; i++)
            c[i] = NAN;
        struct fl_gemm g =
            {.m = m, .n = 9, .k = 8, .a = a, .lda = 8, .b = b, .ldb = 9, .c = c, .ldc = 9};
        fl_gemm(&g);
        for (size_t i = 0; i < m * 9; i++)
            CHECK(isfinite(c[i]));
    }
}

static void
task(void *arg, size_t index, int worker)
{
    float(*out)[80 * 96] = arg;

    (void)worker;
    fl_gemm(&(struct fl_gemm){.m = 80,
                              .n = 96,
                              .k = 300,
                              .a = a,
                              .lda = 300,
                              .b = b,
                              .ldb = 96,
                              .c = out[index],
                              .ldc = 96});
}

/* The same bytes whoever else is multiplying. */
static void
test_many_threads(void)
{
    enum { TASKS = 24 };
    float(*out)[80 * 96] = malloc(TASKS * sizeof *out);
    struct fl_pool *pool = fl_pool_new(4);

    fl_pool_run(pool, TASKS, task, out);
    for (int i = 1; i < TASKS; i++)
        CHECK(!memcmp(out[0], out[i], sizeof *out));
    task(out + 1, 0, 0);
    CHECK(!memcmp(out[0], out[1], sizeof *out));
    fl_pool_free(pool);
    free(out);
}

static volatile sig_atomic_t signals;

static void
note_signal(int sig)
{
    (void)sig;
    signals++;
}

/* A signal that arrives within a product writes over nothing: neither its blocks nor the heap. */
static void
test_signals(void)
{
    enum { M = 256, N = 512, K = 1024 };
    const struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    float *x = malloc(sizeof(float) * M * K), *y = malloc(sizeof(float) * K * N);
    float *want = malloc(sizeof(float) * M * N), *got = malloc(sizeof(float) * M * N);
    struct fl_gemm g = {.m = M, .n = N, .k = K, .a = x, .b = y, .c = want, .ldc = N};

    signal(SIGPROF, note_signal);
    fl_random_normal(1, 4, 0, x, (size_t)M * K, 1);
    fl_random_normal(1, 5, 0, y, (size_t)K * N, 1);
    for (int form = 0; form < 4; form++) {
        g.at = form & 1, g.lda = g.at ? M : K;
        g.bt = form & 2, g.ldb = g.bt ? K : N;
        g.c = want;
        fl_gemm(&g);
        signals = 0;
        CHECK(!setitimer(ITIMER_PROF, &often, NULL));
        g.c = got;
        for (int i = 0; i < 20; i++) {
            fl_gemm(&g);
            CHECK(!memcmp(want, got, sizeof(float) * M * N));
        }
        while (!signals)
            ;
        CHECK(!setitimer(ITIMER_PROF, &never, NULL));
    }
    free(x);
    free(y);
    free(want);
    free(got);
}

/* OpenBLAS keeps no thread of its own that waits in a loop, also when it is told twice. */
static void
test_no_threads(void)
{
    const char *san = getenv("SAN");
    int count = 0;

    if (san && strstr(san, "thread"))
        SKIP("the thread sanitizer has a thread of its own");
    CHECK(!fl_gemm_start(4) && !fl_gemm_start(2));
    DIR *tasks = opendir("/proc/self/task");
    if (!tasks)
        SKIP("this system does not list threads in /proc");
    for (struct dirent *entry; (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    CHECK(count == 1);
}

/* The library of products is chosen once in a process: the tests with the other are another one. */
static void
test_other_library(void)
{
    const struct fl_products *p = fl_products();
    bool blas = p && !strcmp(p->name, "openblas");
    int status;

    if (getenv("FL_GEMM"))
        SKIP("the library was asked for");
    pid_t child = fork();
    if (!child) {
        setenv("FL_GEMM", blas ? "onednn" : "openblas", 1);
        if (!freopen("/dev/null", "w", stdout))
            _exit(3);
        execl("/proc/self/exe", "test_gemm", (char *)NULL);
        _exit(3);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    if (WEXITSTATUS(status) == 2)
        SKIP("there is one library of products here");
    CHECK(WEXITSTATUS(status) == 0);
}

int
main(void)
{
    if (!fl_products())
        return 2;
    RUN(test_other_library);
    RUN(test_no_threads);
    RUN(test_forms);
    RUN(test_bf16);
    RUN(test_not_read);
    RUN(test_many_threads);
    RUN(test_signals);
    return test_end();
}
