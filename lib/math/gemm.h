/*
 * Matrix products in float32, rows first; the only caller of BLAS, and of oneDNN, where that is
 * the library at work [math/products.h].
 */
#ifndef FL_MATH_GEMM_H
#define FL_MATH_GEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

/*
 * C = A B + keep C, where A is (m,k), B is (k,n), C is (m,n).
 *   a, lda   element (i,j) of A is a[i * lda + j], or a[j * lda + i] when at
 *   b, ldb   the same for B
 *   c, ldc   does not overlap the others; not read when keep is false
 * m, n, k are at least 1 and, like the strides, below 2^31.
 */
struct fl_gemm {
    size_t m, n, k;
    const float *a, *b;
    const uint16_t *a16, *b16; /* instead of them: bf16, where fl_products()->bf16; sums are f32 */
    size_t lda, ldb;
    bool at, bt; /* stored transposed */
    bool keep;
    float *c;
    size_t ldc;
};

/*
 * The library works in the calling thread alone from now on: results then do not depend on how many
 * threads there are. Call it before the first product, when no other thread is in one, and again
 * before more than that many THREADS are in products at a time. -1 with an error when there is no
 * memory for what the library wants for each, or as of fl_products.
 */
FL_MUST int fl_gemm_start(int threads);

/* In the calling thread; threads may each be in one. One product with a vector (m 1) is one too. */
void fl_gemm(const struct fl_gemm *g);

#endif
