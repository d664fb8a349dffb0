/*
 * Products with weights. The cut of a gradient into tiles, of a wide product into outputs, and of a
 * matrix into what is widened at once [widen], is a matter of shapes alone, so that results do
 * not depend on the number of threads.
 */
#include "nn/linear.h"

#include <assert.h>

#include "base/least.h"
#include "flt/values.h"
#include "math/gemm.h"
#include "math/vector.h"

enum {
    TILE_ROWS = 256, /* of a gradient, for one task */
    TILE_COLUMNS = 512,
    BIAS_COLUMNS = 512,
    WIDE_OUTPUTS = 256, /* of a wide product, for one task */
    WIDENED = 1 << 18,  /* floats at once: a part of a core's second cache */
    WIDENED_MIN = 32,   /* outputs at once, and at most: BLAS copies X for each product */
    WIDENED_MAX = 256
};

/* Bytes of a row. Of f32 they are the compiler's, so that the twin in doubles is right too. */
static size_t
row_size(const struct fl_linear *f)
{
    return f->dtype == FL_F32 ? f->in * sizeof(float) : fl_dtype_bytes(f->dtype, f->in);
}

struct fl_linear
fl_linear_outputs(const struct fl_linear *f, size_t first, size_t n)
{
    struct fl_linear part = *f;

    part.out = n;
    part.weight = (const unsigned char *)f->weight + first * row_size(f);
    if (f->bias)
        part.bias = f->bias + first;
    return part;
}

/* Outputs that are widened at once. */
static size_t
tile_rows(size_t in)
{
    return fl_min(fl_max(WIDENED / in, WIDENED_MIN), WIDENED_MAX);
}

size_t
fl_linear_tile(size_t in)
{
    return tile_rows(in) * in;
}

/* Outputs FIRST and up of a map as a map in f32, which lies in TILE. */
static struct fl_linear
widen(const struct fl_linear *f, size_t first, float *tile)
{
    struct fl_linear part = fl_linear_outputs(f, first, fl_min(f->out - first, tile_rows(f->in)));

    assert(tile);
    part.weight = fl_values_f32(f->dtype, part.weight, 0, part.out * f->in, tile);
    part.dtype = FL_F32;
    return part;
}

static void
forward_in_tiles(const struct fl_linear *f, const struct fl_linear_rows *r)
{
    for (size_t first = 0; first < f->out; first += tile_rows(f->in)) {
        struct fl_linear part = widen(f, first, r->tile);
        struct fl_linear_rows rows = *r;
        rows.y += first;
        fl_linear_forward(&part, &rows);
    }
}

void
fl_linear_forward(const struct fl_linear *f, const struct fl_linear_rows *r)
{
    if (f->dtype != FL_F32 && !r->x16) {
        forward_in_tiles(f, r);
        return;
    }
    assert(!r->x16 || f->dtype == FL_BF16);
    fl_gemm(&(struct fl_gemm){.m = r->n,
                              .n = f->out,
                              .k = f->in,
                              .a = r->x,
                              .a16 = r->x16,
                              .lda = f->in,
                              .b = r->x16 ? NULL : f->weight,
                              .b16 = r->x16 ? f->weight : NULL,
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

/* At most WIDE_OUTPUTS of one row: the matrix is read once, in its own bits. */
static void
multiply_row(const struct fl_linear *f, const struct fl_linear_rows *r)
{
    float dots[WIDE_OUTPUTS];

    if (f->dtype == FL_F32)
        fl_vec_dots_f32(dots, f->weight, r->x, f->out, f->in);
    else if (f->dtype == FL_F16)
        fl_vec_dots_f16(dots, f->weight, r->x, f->out, f->in);
    else if (f->dtype == FL_Q8_0)
        fl_vec_dots_q8(dots, f->weight, r->x, f->out, f->in);
    else
        fl_vec_dots_bf16(dots, f->weight, r->x, f->out, f->in);
    for (size_t i = 0; i < f->out; i++)
        r->y[i] = (r->keep ? r->y[i] : 0) + dots[i];
    if (f->bias)
        fl_vec_add(r->y, f->bias, f->out);
}

static void
wide_task(void *arg, size_t index, int worker)
{
    const struct wide *w = arg;
    size_t first = index * WIDE_OUTPUTS;
    struct fl_linear part = fl_linear_outputs(w->f, first, fl_min(w->f->out - first, WIDE_OUTPUTS));
    struct fl_linear_rows rows = *w->r;

    rows.y += first;
    if (rows.n == 1) {
        multiply_row(&part, &rows);
        return;
    }
    if (rows.tile)
        rows.tile += (size_t)worker * fl_linear_tile(part.in);
    fl_linear_forward(&part, &rows);
}

void
fl_linear_forward_wide(const struct fl_linear *f, const struct fl_linear_rows *r,
                       struct fl_pool *pool)
{
    struct wide w = {f, r};

    fl_pool_run(pool, (f->out + WIDE_OUTPUTS - 1) / WIDE_OUTPUTS, wide_task, &w);
}

static void
back_in_tiles(const struct fl_linear *f, const struct fl_linear_back *r)
{
    for (size_t first = 0; first < f->out; first += tile_rows(f->in)) {
        struct fl_linear part = widen(f, first, r->tile);
        struct fl_linear_back rows = *r;
        rows.dy += first;
        rows.keep = r->keep || first;
        fl_linear_back(&part, &rows);
    }
}

void
fl_linear_back(const struct fl_linear *f, const struct fl_linear_back *r)
{
    if (f->dtype != FL_F32 && !r->dy16) {
        back_in_tiles(f, r);
        return;
    }
    assert(!r->dy16 || f->dtype == FL_BF16);
    fl_gemm(&(struct fl_gemm){.m = r->n,
                              .n = f->in,
                              .k = f->out,
                              .a = r->dy,
                              .a16 = r->dy16,
                              .lda = r->stride,
                              .b = r->dy16 ? NULL : f->weight,
                              .b16 = r->dy16 ? f->weight : NULL,
                              .ldb = f->in,
                              .keep = r->keep,
                              .c = r->dx,
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
                              .a16 = g->dy16 ? g->dy16 + i : NULL,
                              .lda = g->stride,
                              .at = true,
                              .b = g->x16 ? NULL : g->x + j,
                              .b16 = g->x16 ? g->x16 + j : NULL,
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
