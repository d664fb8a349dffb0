/*
 * Tasks are rows of fixed length, not shares of the threads: what is written does not depend on
 * how many threads there are. While one block goes to the writer no other is computed, which is no
 * loss: writing is bound by the disk or the check values.
 */
#include "fed/rows.h"

#include <stdlib.h>

#include "base/least.h"
#include "base/mem.h"
#include "flt/values.h"
#include "math/exact.h"

struct fl_rows {
    struct fl_pool *pool;
    struct fl_progress *progress;
    fl_row_prepare *prepare; /* or NULL */
    uint64_t written;
    unsigned char *block; /* FL_ROWS_BLOCK values */
};

struct fl_rows *
fl_rows_new(struct fl_pool *pool, struct fl_progress *progress)
{
    struct fl_rows *rows = fl_alloc(1, sizeof *rows);

    if (!rows)
        return NULL;
    rows->pool = pool;
    rows->progress = progress;
    rows->block = fl_alloc_aligned(FL_ROWS_BLOCK, sizeof(float));
    if (!rows->block) {
        fl_rows_free(rows);
        return NULL;
    }
    return rows;
}

void
fl_rows_free(struct fl_rows *rows)
{
    if (!rows)
        return;
    free(rows->block);
    free(rows);
}

void
fl_rows_before(struct fl_rows *rows, fl_row_prepare *prepare)
{
    rows->prepare = prepare;
}

/* One block on its way out. */
struct filling {
    fl_row *row;
    const void *arg;
    uint64_t at;
    size_t n;
    enum fl_dtype dtype;
    unsigned char *out;
    bool finite[FL_ROWS_BLOCK / FL_ROWS_ROW];
};

static bool
is_finite(const float *x, size_t n)
{
    struct fl_exact_span span;

    fl_exact_span(x, n, &span);
    return fl_exact_reach(&span, 0x1p-40) != FL_EXACT_NOT_FINITE;
}

static void
fill_row(void *arg, size_t row, int worker)
{
    struct filling *f = arg;
    size_t at = row * FL_ROWS_ROW, n = f->n - at < FL_ROWS_ROW ? f->n - at : FL_ROWS_ROW;
    float wide[FL_ROWS_ROW];
    float *values = f->dtype == FL_F32 ? (float *)(void *)f->out + at : wide;

    (void)worker;
    f->row(f->arg, f->at + at, n, values);
    f->finite[row] = is_finite(values, n);
    if (f->dtype == FL_F32)
        return;
    unsigned char *out = f->out + at * fl_dtype_size(f->dtype);
    fl_values_from_f32(f->dtype, out, values, n);
    f->finite[row] = fl_values_finite(f->dtype, out, n) == n; /* f16 holds less than f32 */
}

int
fl_rows_write(struct fl_rows *rows, struct fl_writer *out, const struct fl_tensor *t, fl_row *row,
              const void *arg, uint64_t *bad)
{
    uint64_t count = 0, bytes;

    if (fl_tensor_size(t, &count, &bytes) || fl_writer_tensor(out, t))
        return -1;
    for (uint64_t at = 0; at < count; at += FL_ROWS_BLOCK) {
        size_t n = fl_piece(count - at, FL_ROWS_BLOCK);
        size_t tasks = (n + FL_ROWS_ROW - 1) / FL_ROWS_ROW;
        struct filling f =
            {.row = row, .arg = arg, .at = at, .n = n, .dtype = t->dtype, .out = rows->block};
        if (rows->prepare && rows->prepare(arg, at, n))
            return -1;
        fl_pool_run(rows->pool, tasks, fill_row, &f);
        for (size_t i = 0; i < tasks; i++) {
            if (f.finite[i])
                continue;
            *bad = at + fl_values_finite(t->dtype, rows->block, n);
            return 1;
        }
        if (fl_writer_data(out, rows->block, n * fl_dtype_size(t->dtype)))
            return -1;
        rows->written += n * fl_dtype_size(t->dtype);
        if (rows->progress)
            fl_progress_show(rows->progress, rows->written, "%s", "");
    }
    return 0;
}
