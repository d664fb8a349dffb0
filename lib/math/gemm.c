/*
 * A product runs in the thread that asks for it: OpenBLAS would cut it by the number of threads,
 * and the cut decides the order of additions. One row goes to sgemv, which reads the matrix once,
 * while sgemm copies it first.
 */
#include "math/gemm.h"

#include <cblas.h>

#include "base/error.h"
#include "os/file.h"

/* What OpenBLAS maps for every thread that is in a product (BUFFER_SIZE of its common_x86_64.h). */
static const size_t buffer = (size_t)128 << 20;

/*
 * OpenBLAS starts a thread for each further core when it is loaded, before main, and has no call
 * that ends them. We give them no work, and an idle one yields its processor in a loop for the
 * first 2^26 ticks (tens of milliseconds: half of the processor time of a short training). This is
 * what it calls before a fork (blas_server.c); a build without threads does not have it.
 */
int blas_thread_shutdown_(void) __attribute__((weak));

int
fl_gemm_start(int threads)
{
    size_t wanted = (size_t)(threads + openblas_get_num_procs()) * buffer; /* its own threads too */

    if (!fl_can_map(wanted))
        return fl_error(FL_FAILED,
                        "out of memory: OpenBLAS wants %zu MiB of addresses for %d threads; allow "
                        "more, or fewer threads with -j",
                        wanted >> 20, threads);
    if (openblas_get_num_threads() != 1) /* it would start them anew */
        openblas_set_num_threads(1);
    if (blas_thread_shutdown_)
        blas_thread_shutdown_();
    return 0;
}

static CBLAS_TRANSPOSE
order(bool transposed)
{
    return transposed ? CblasTrans : CblasNoTrans;
}

void
fl_gemm(const struct fl_gemm *g)
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
