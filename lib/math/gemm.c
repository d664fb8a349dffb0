#include "math/gemm.h"

#include <cblas.h>

void
fl_gemm_start(void)
{
    openblas_set_num_threads(1);
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
