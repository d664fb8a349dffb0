/*
 * Products with weights. The cut of a gradient into tiles, and of a wide product into outputs, is a
 * matter of shapes alone, so that results do not depend on the number of threads.
 */
#include "nn/linear.h"

#include <assert.h>

#include "base/least.h"
#include "math/gemm.h"
#include "math/vector.h"

enum {
    TILE_ROWS = 256, /* of a gradient, for one task */
    TILE_COLUMNS = 512,
    BIAS_COLUMNS = 512,
    WIDE_OUTPUTS = 256 /* of a wide product, for one task */
};

struct fl_linear
fl_linear_outputs(const struct fl_linear *f, size_t first, size_t n)
{
    struct fl_linear part = *f;

    part.out = n;
    part.weight = (const float *)f->weight + first * f->in;
    if (f->bias)
        part.bias = f->bias + first;
    return part;
}

void
fl_linear_forward(const struct fl_linear *f, const struct fl_linear_rows *r)
{
    assert(f->dtype == FL_F32);
    fl_gemm(&(struct fl_gemm){.m = r->n,
                              .n = f->out,
                              .k = f->in,
                              .a = r->x,
                              .lda = f->in,
                              .b = f->weight,
                              .ldb = f->in,
                              .bt = true,
                              .keep = r->keep,
                              .c = r->y,
                              .ldc = r->stride});
    for (size_t i = 0; f->bias && i < r->n; i++)
        fl_vec_add(r->y + i * r->stride, f->bias, f->out);
}

struct wide {
    const struct fl_linear *f;
    const struct fl_linear_rows *r;
};

static void
wide_task(void *arg, size_t index, int worker)
{
    const struct wide *w = arg;
    size_t first = index * WIDE_OUTPUTS;
    struct fl_linear part = fl_linear_outputs(w->f, first, fl_min(w->f->out - first, WIDE_OUTPUTS));
    struct fl_linear_rows rows = *w->r;

    (void)worker;
    rows.y += first;
    fl_linear_forward(&part, &rows);
}

void
fl_linear_forward_wide(const struct fl_linear *f, const struct fl_linear_rows *r,
                       struct fl_pool *pool)
{
    struct wide w = {f, r};

    fl_pool_run(pool, (f->out + WIDE_OUTPUTS - 1) / WIDE_OUTPUTS, wide_task, &w);
}

void
fl_linear_back(const struct fl_linear *f, float *dx, const float *dy, size_t n)
{
    assert(f->dtype == FL_F32);
    fl_gemm(&(struct fl_gemm){.m = n,
                              .n = f->in,
                              .k = f->out,
                              .a = dy,
                              .lda = f->out,
                              .b = f->weight,
                              .ldb = f->in,
                              .c = dx,
                              .ldc = f->in});
}

static size_t
tiles_of(const struct fl_linear_grad *g)
{
    if (!g->dweight)
        return 0;
    return (g->out + TILE_ROWS - 1) / TILE_ROWS * ((g->in + TILE_COLUMNS - 1) / TILE_COLUMNS);
}

size_t
fl_linear_grad_tasks(const struct fl_linear_grad *g)
{
    return tiles_of(g) + (g->dbias ? (g->out + BIAS_COLUMNS - 1) / BIAS_COLUMNS : 0);
}

static void
multiply_tile(const struct fl_linear_grad *g, size_t tile)
{
    size_t across = (g->in + TILE_COLUMNS - 1) / TILE_COLUMNS;
    size_t i = tile / across * TILE_ROWS, j = tile % across * TILE_COLUMNS;

    fl_gemm(&(struct fl_gemm){.m = fl_min(g->out - i, TILE_ROWS),
                              .n = fl_min(g->in - j, TILE_COLUMNS),
                              .k = g->n,
                              .a = g->dy + i,
                              .lda = g->stride,
                              .at = true,
                              .b = g->x + j,
                              .ldb = g->in,
                              .keep = true,
                              .c = g->dweight + i * g->in + j,
                              .ldc = g->in});
}

void
fl_linear_grad_task(void *arg, size_t index, int worker)
{
    const struct fl_linear_grad *g = arg;
    size_t tiles = tiles_of(g);

    (void)worker;
    if (index < tiles) {
        multiply_tile(g, index);
        return;
    }
    size_t first = (index - tiles) * BIAS_COLUMNS, n = fl_min(g->out - first, BIAS_COLUMNS);
    for (size_t i = 0; i < g->n; i++)
        fl_vec_add(g->dbias + first, g->dy + i * g->stride + first, n);
}
