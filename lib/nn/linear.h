/*
 * Linear maps of rows, y = x W' + b: every product of a model with its weights is one of these.
 *
 * A map is a view: it borrows its numbers, says of which dtype the matrix is, and any run of its
 * outputs is a map again [fl_linear_outputs]. So training cuts rows, inference cuts outputs, and
 * what is stored in fewer bits, or has an adapter beside it (y += s (x A') B'), is computed in one
 * place.
 *
 * A matrix of f16, bf16 or q8_0 is widened a tile at a time, some outputs with all their inputs,
 * just before the product with it. A row is computed as from the matrix in f32, but BLAS may add in
 * another order where a product has fewer outputs. One row alone is multiplied as it is read.
 *
 * Where rows are given in bf16 too (X16, DY16), the product is of these and of a matrix that is
 * bf16, with sums in f32.
 */
#ifndef FL_NN_LINEAR_H
#define FL_NN_LINEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flt/format.h"
#include "os/pool.h"

struct fl_linear {
    size_t in, out;
    enum fl_dtype dtype; /* of the matrix: f32, f16, bf16 or q8_0 */
    const void *weight;  /* (out,in) */
    const float *bias;   /* (out,), or NULL */
};

/* The map to outputs FIRST .. FIRST + N - 1 alone. */
struct fl_linear fl_linear_outputs(const struct fl_linear *f, size_t first, size_t n);

/* Floats of a tile of a matrix with so many inputs; nothing of it is used where that is f32. */
size_t fl_linear_tile(size_t in);

/* N rows: x (n,in), and y, whose rows are STRIDE >= out apart. */
struct fl_linear_rows {
    size_t n, stride;
    const float *x;
    const uint16_t *x16; /* (n,in), or NULL */
    float *y;
    bool keep;   /* y += x W' + b: a residual stream */
    float *tile; /* fl_linear_tile(in) floats, if the matrix is not f32 */
};
void fl_linear_forward(const struct fl_linear *f, const struct fl_linear_rows *r);

/*
 * The same with outputs as tasks of POOL: few rows, which one task would compute alone. A tile for
 * each of its threads.
 */
void fl_linear_forward_wide(const struct fl_linear *f, const struct fl_linear_rows *r,
                            struct fl_pool *pool);

/* dx (n,in) = dy W, where rows of dy are STRIDE >= out apart. */
struct fl_linear_back {
    size_t n, stride;
    const float *dy;
    const uint16_t *dy16; /* rows STRIDE apart too, or NULL */
    float *dx;
    bool keep;   /* dx += dy W */
    float *tile; /* as above */
};
void fl_linear_back(const struct fl_linear *f, const struct fl_linear_back *r);

/*
 * Gradients of a map's weights over all N rows: dweight (out,in) += dy' x, dbias (out,) += the sum
 * of dy's rows in their order. They are fl_linear_grad_tasks(g) tasks for fl_linear_grad_task,
 * whose ARG is G, each of which writes numbers of its own: nothing is summed across tasks.
 */
struct fl_linear_grad {
    size_t in, out, n;
    bool weight, bias;      /* which of the two is trained: what norms.c goes by */
    float *dweight, *dbias; /* either may be NULL: it is not wanted, or not there */
    const float *dy;        /* rows STRIDE >= out apart */
    size_t stride;
    const float *x;             /* (n,in) */
    const uint16_t *dy16, *x16; /* both, of the same shapes, or NULL */
};
size_t fl_linear_grad_tasks(const struct fl_linear_grad *g);
void fl_linear_grad_task(void *arg, size_t index, int worker);

#endif
