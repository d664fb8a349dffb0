/*
 * The library that multiplies matrices [math/gemm.h], of two: OpenBLAS, with which programs are
 * linked, and oneDNN, which is looked for when a program wants it, so that one file of a program
 * runs with it and without, and one that multiplies nothing does not load its forty megabytes.
 *
 * It is oneDNN where that is and the processor has AVX-512, since OpenBLAS may be forced to kernels
 * for less (OPENBLAS_CORETYPE), and else OpenBLAS. FL_GEMM=openblas or FL_GEMM=onednn in the
 * environment says otherwise. It is never a matter of time: results differ by rounding between the
 * two, and a run must not depend on how busy the machine was.
 */
#ifndef FL_MATH_PRODUCTS_H
#define FL_MATH_PRODUCTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"

/*
 * Rows first, C = alpha A B + beta C; each returns 0, or another number when there is no memory.
 * Source: oneDNN, include/oneapi/dnnl/dnnl.h (dnnl_sgemm). The second, of upper halves of floats
 * with sums in float, is in src/common/gemm.cpp of every release from 1.0 on, not in its headers.
 */
typedef int fl_onednn_f32(char at, char bt, int64_t m, int64_t n, int64_t k, float alpha,
                          const float *a, int64_t lda, const float *b, int64_t ldb, float beta,
                          float *c, int64_t ldc);
typedef int fl_onednn_bf16(char at, char bt, int64_t m, int64_t n, int64_t k, float alpha,
                           const uint16_t *a, int64_t lda, const uint16_t *b, int64_t ldb,
                           float beta, float *c, int64_t ldc);

struct fl_products {
    const char *name;  /* "openblas" or "onednn" */
    char version[160]; /* as the library tells it; of OpenBLAS also whose kernels these are */
    bool bf16;         /* the processor multiplies bf16, and so does the library */
    /* oneDNN's; F32 is NULL where OpenBLAS is at work */
    fl_onednn_f32 *f32;
    fl_onednn_bf16 *bf16_f32;
    void (*set_threads)(int n); /* of the calling thread's products; NULL: there is one always */
};

/*
 * The library at work, which the first call finds: made by one thread, before others multiply. NULL
 * with an error of FL_USAGE when FL_GEMM names what is not there, or nothing that is known.
 */
const struct fl_products *fl_products(void);

#endif
