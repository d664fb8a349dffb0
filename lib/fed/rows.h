/*
 * Writing a tensor of floats whose values a function computes in f32, on all threads, a piece at a
 * time.
 */
#ifndef FL_FED_ROWS_H
#define FL_FED_ROWS_H

#include "base/must.h"
#include "flt/writer.h"
#include "os/pool.h"
#include "os/progress.h"

enum {
    FL_ROWS_BLOCK = FL_FLT_BLOCK / sizeof(float), /* values in a block of the stream */
    FL_ROWS_ROW = 8192                            /* values of one task; it stays in a block */
};

/* Put values AT to AT + N - 1 of a tensor into OUT. Runs in any thread; does not fail. */
typedef void fl_row(const void *arg, uint64_t at, size_t n, float *out);

struct fl_rows; /* a block of memory, and who works on it */

/* POOL and PROGRESS (of bytes written) are borrowed and may be NULL. NULL with an error. */
struct fl_rows *fl_rows_new(struct fl_pool *pool, struct fl_progress *progress);
void fl_rows_free(struct fl_rows *rows);

/*
 * Called with what fl_rows_write was given, in its thread, before values AT to AT + N - 1 are
 * computed, N at most FL_ROWS_BLOCK: it puts at hand what they are computed from. 0, or -1, with
 * which fl_rows_write ends.
 */
typedef int fl_row_prepare(const void *arg, uint64_t at, size_t n);
void fl_rows_before(struct fl_rows *rows, fl_row_prepare *prepare);

/*
 * Write tensor T, f32, f16 or bf16 (its description too). Returns 0; -1 with an error; or 1, with
 * no error recorded and *BAD the index, at the first value that is not finite in that dtype: it and
 * what follows is not written.
 */
FL_MUST int fl_rows_write(struct fl_rows *rows, struct fl_writer *out, const struct fl_tensor *t,
                          fl_row *row, const void *arg, uint64_t *bad);

#endif
