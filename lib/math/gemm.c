/*
 * A product runs in the thread that asks for it: a library would cut it by the number of threads,
 * and the cut decides the order of additions. With OpenBLAS one row goes to sgemv, which reads the
 * matrix once, while its sgemm copies it first; oneDNN sees to that by itself.
 */
#include "math/gemm.h"

#include <assert.h>
#include <cblas.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "math/half.h"
#include "math/products.h"
#include "os/file.h"
#include "os/memory.h"

/* What OpenBLAS maps for every thread that is in a product (BUFFER_SIZE of its common_x86_64.h). */
static const size_t buffer = (size_t)128 << 20;

/* And what oneDNN allocates for one: blocks of both operands (gemm_driver.cpp). */
static const size_t blocks = (size_t)32 << 20;

/*
 * OpenBLAS calls this when it is loaded, before main, to start a thread for each further core
 * (blas_server.c). Each would ask for its buffer for ever where there is no memory, and yield its
 * processor in a loop for the first 2^26 ticks: half of the processor time of a short training. We
 * give them no work, so the program's own function takes the library's place and starts none. It is
 * weak for a static program, which has OpenBLAS's.
 */
int blas_thread_init(void);

__attribute__((weak)) int
blas_thread_init(void)
{
    return 0;
}

static int
check_memory(bool blas, int threads)
{
    size_t wanted = (size_t)threads * (blas ? buffer : blocks);

    if (fl_can_map(wanted))
        return 0;
    return fl_error(FL_FAILED,
                    "out of memory: %s wants %zu MiB of addresses for %d threads; allow more, or "
                    "fewer threads with -j",
                    blas ? "OpenBLAS" : "oneDNN", wanted >> 20, threads);
}

static CBLAS_TRANSPOSE
order(bool transposed)
{
    return transposed ? CblasTrans : CblasNoTrans;
}

static void
multiply_openblas(const struct fl_gemm *g)
{
    float beta = g->keep ? 1 : 0;

    if (g->m == 1 && !g->at) {
        blasint rows = (blasint)(g->bt ? g->n : g->k), columns = (blasint)(g->bt ? g->k : g->n);
        cblas_sgemv(CblasRowMajor, order(!g->bt), rows, columns, 1, g->b, (blasint)g->ldb, g->a, 1,
                    beta, g->c, 1);
        return;
    }
    cblas_sgemm(CblasRowMajor, order(g->at), order(g->bt), (blasint)g->m, (blasint)g->n,
                (blasint)g->k, 1, g->a, (blasint)g->lda, g->b, (blasint)g->ldb, beta, g->c,
                (blasint)g->ldc);
}

static float
value_of(const uint16_t *half)
{
    return fl_bf16_value((const unsigned char *)half);
}

/* By the definition, where a library finds no memory: whoever began a training gets its end. */
static void
multiply_plainly(const struct fl_gemm *g)
{
    for (size_t i = 0; i < g->m; i++)
        for (size_t j = 0; j < g->n; j++) {
            float sum = g->keep ? g->c[i * g->ldc + j] : 0;
            for (size_t l = 0; l < g->k; l++) {
                size_t a = g->at ? l * g->lda + i : i * g->lda + l;
                size_t b = g->bt ? j * g->ldb + l : l * g->ldb + j;
                sum += g->a16 ? value_of(g->a16 + a) * value_of(g->b16 + b) : g->a[a] * g->b[b];
            }
            g->c[i * g->ldc + j] = sum;
        }
}

/*
 * Kernels of oneDNN use the stack pointer as one more register, for blocks on the heap (seen in
 * 2.6.3, f32, from 256 rows on): a signal's frame would be written over them. So signals wait, but
 * those that a wrong access raises: they end the program.
 */
static void
hold_signals(sigset_t *before)
{
    static const int raised[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    sigset_t held;

    sigfillset(&held);
    for (size_t i = 0; i < sizeof raised / sizeof *raised; i++)
        sigdelset(&held, raised[i]);
    pthread_sigmask(SIG_BLOCK, &held, before);
}

static void
multiply_onednn(const struct fl_products *p, const struct fl_gemm *g)
{
    const char at = g->at ? 'T' : 'N', bt = g->bt ? 'T' : 'N';
    const int64_t m = (int64_t)g->m, n = (int64_t)g->n, k = (int64_t)g->k, lda = (int64_t)g->lda,
                  ldb = (int64_t)g->ldb, ldc = (int64_t)g->ldc;
    const float beta = g->keep ? 1 : 0;
    sigset_t before;
    int failed;

    if (p->set_threads)
        p->set_threads(1);
    hold_signals(&before);
    if (g->a16)
        failed = p->bf16_f32(at, bt, m, n, k, 1, g->a16, lda, g->b16, ldb, beta, g->c, ldc);
    else
        failed = p->f32(at, bt, m, n, k, 1, g->a, lda, g->b, ldb, beta, g->c, ldc);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        multiply_plainly(g);
}

/*
 * oneDNN writes the machine code of its kernels at the first product of each type, and ends the
 * program where it finds no memory for them. So that product is made while what check_memory found
 * is still free.
 */
static void
make_kernels(const struct fl_products *p)
{
    enum { N = 16 };
    static const float a[N * N];
    static const uint16_t a16[N * N];
    static float c[N * N];
    struct fl_gemm g =
        {.m = N, .n = N, .k = N, .a = a, .b = a, .lda = N, .ldb = N, .c = c, .ldc = N};

    multiply_onednn(p, &g);
    g.a16 = g.b16 = a16;
    if (p->bf16)
        multiply_onednn(p, &g);
}

int
fl_gemm_start(int threads)
{
    const struct fl_products *p = fl_products();

    if (!p || check_memory(!p->f32, threads))
        return -1;
    openblas_set_num_threads(1);
    if (p->f32) {
        fl_memory_keep_freed(); /* a product takes its blocks and frees them */
        make_kernels(p);
    }
    return 0;
}

void
fl_gemm(const struct fl_gemm *g)
{
    const struct fl_products *p = fl_products();

    assert(!g->a16 || p->bf16);
    if (p->f32)
        multiply_onednn(p, g);
    else
        multiply_openblas(g);
}
