/*
 * Rows of a parameter lie together in a file, or are columns of a map that is stored turned; then
 * the slice is gathered. Copies are compared before anything is written (port/hf_check.c).
 */
#include "port/hf_model.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "flt/values.h"
#include "os/progress.h"
#include "port/hf_check.h"
#include "port/hf_config.h"
#include "port/json_file.h"

enum { SLICE = 4 << 20 };

static int
read_config(struct fl_hf_model *m, const char *dir, struct fl_buf *notes)
{
    char path[FL_PORT_PATH];
    struct fl_config c;
    json_t *file;

    if (fl_port_path(path, dir, "config.json") || fl_json_file(path, false, &file))
        return -1;
    int result = fl_hf_config(&m->family, &c, file, path, notes);
    json_decref(file);
    return result ? -1 : fl_layout_make(&m->layout, &c);
}

int
fl_hf_model_open(struct fl_hf_model *m, const char *dir, struct fl_buf *notes)
{
    *m = (struct fl_hf_model){0};
    if (read_config(m, dir, notes) || !(m->files = fl_safetensors_open_folder(dir)) ||
        !(m->sources = fl_alloc(m->layout.count, sizeof *m->sources)))
        return -1;
    return fl_hf_check(m);
}

void
fl_hf_model_close(struct fl_hf_model *m)
{
    fl_safetensors_free(m->files);
    fl_layout_release(&m->layout);
    free(m->sources);
    *m = (struct fl_hf_model){0};
}

/* What parameter I is stored as. */
static enum fl_dtype
dtype_of(const struct fl_hf_model *m, size_t i)
{
    return fl_safetensors_tensor(m->files, m->sources[i].tensor)->dtype;
}

/* Columns FIRST to FIRST + N - 1 of the ROWS rows of a tensor that is stored turned, as rows. */
static void
turn(const struct fl_hf_model *m, const struct fl_hf_source *s, uint64_t rows, uint64_t first,
     uint64_t n, unsigned char *out)
{
    size_t width = fl_dtype_size(fl_safetensors_tensor(m->files, s->tensor)->dtype);
    uint64_t stride = s->place.tensor.dims[1] * width, band = SLICE / stride + 1;
    const unsigned char *from = fl_safetensors_data(m->files, s->tensor);

    for (uint64_t c = 0; c < rows; c++) {
        for (uint64_t r = 0; r < n; r++)
            memcpy(out + (r * rows + c) * width, from + c * stride + (first + r) * width, width);
        if ((c + 1) % band == 0 || c + 1 == rows)
            fl_safetensors_forget(m->files, s->tensor, c < band ? 0 : (c - band) * stride,
                                  (c + 1) * stride);
    }
}

/*
 * Rows FIRST to FIRST + N - 1 of parameter I, [rows,columns] or [rows], into OUT in its own dtype,
 * to the bit. -1 when a value is not finite. What was read of the file does not stay in memory.
 */
static int
read_rows(const struct fl_hf_model *m, size_t i, uint64_t first, uint64_t n, void *out)
{
    const struct fl_hf_source *s = &m->sources[i];
    const struct fl_param *p = &m->layout.params[i];
    enum fl_dtype dtype = dtype_of(m, i);
    size_t width = fl_dtype_size(dtype);
    uint64_t columns = p->rank == 2 ? p->dims[1] : 1, begin = s->place.first + first;
    const unsigned char *data = fl_safetensors_data(m->files, s->tensor);

    if (s->place.turned) {
        turn(m, s, columns, begin, n, out);
    } else {
        uint64_t from = begin * columns * width, len = n * columns * width;
        memcpy(out, data + from, len);
        fl_safetensors_forget(m->files, s->tensor, from < SLICE ? 0 : from - SLICE, from + len);
    }
    uint64_t odd = fl_values_finite(dtype, out, n * columns);
    if (odd < n * columns)
        return fl_error(FL_FAILED, "%s: tensor \"%s\" has a value that is not finite",
                        fl_safetensors_file(m->files, s->tensor), p->name);
    return 0;
}

struct writing {
    const struct fl_hf_model *m;
    enum fl_dtype dtype;             /* wanted; 0: each as it is */
    unsigned char *slice, *narrowed; /* (SLICE) both, as rows are in the file and are written */
    float *wide;                     /* (SLICE,) of values */
    struct fl_progress progress;
    uint64_t done;
    struct fl_writer *w;
};

/* N values of parameter P, which are FROM in the slice, as TO. */
static int
write_values(struct writing *g, const struct fl_param *p, enum fl_dtype from, enum fl_dtype to,
             size_t n)
{
    const void *data = g->slice;

    if (from != to) {
        fl_values_from_f32(to, g->narrowed, fl_values_f32(from, g->slice, 0, n, g->wide), n);
        data = g->narrowed;
        if (fl_values_finite(to, data, n) < n)
            return fl_error(FL_FAILED,
                            "%s: tensor \"%s\" has a value that is too large for %s; take another "
                            "--dtype",
                            fl_safetensors_name(g->m->files), p->name, fl_dtype_name(to));
    }
    return fl_writer_data(g->w, data, fl_dtype_bytes(to, n));
}

static int
write_param(struct writing *g, size_t i)
{
    const struct fl_param *p = &g->m->layout.params[i];
    const enum fl_dtype from = dtype_of(g->m, i), to = fl_param_dtype(p, g->dtype, from);
    const uint64_t columns = p->rank == 2 ? p->dims[1] : 1,
                   most = SLICE / (columns * sizeof(float));
    struct fl_tensor t;

    fl_tensor_init(&t, p->name, to, p->rank, p->dims);
    if (fl_writer_tensor(g->w, &t))
        return -1;
    for (uint64_t r = 0, n; r < p->dims[0]; r += n) {
        n = fl_min_u64(most, p->dims[0] - r);
        if (read_rows(g->m, i, r, n, g->slice) ||
            write_values(g, p, from, to, (size_t)(n * columns)))
            return -1;
        g->done += n * columns * fl_dtype_size(from);
        fl_progress_show(&g->progress, g->done, "%s", p->name);
    }
    return 0;
}

int
fl_hf_model_write(const struct fl_hf_model *m, enum fl_dtype dtype, struct fl_writer *w)
{
    struct writing g = {.m = m, .dtype = dtype, .w = w};
    uint64_t total = 0;
    int failed = !(g.slice = fl_alloc_aligned(SLICE, 1)) || /* rows: of at most FL_FFN_MAX values */
                 (dtype && (!(g.wide = fl_alloc_aligned(SLICE, 1)) ||
                            !(g.narrowed = fl_alloc_aligned(SLICE, 1))));

    for (size_t i = 0; i < m->layout.count; i++)
        total += m->layout.params[i].count * fl_dtype_size(dtype_of(m, i));
    fl_progress_start(&g.progress, "reading", "B", total);
    for (size_t i = 0; !failed && i < m->layout.count; i++)
        failed = write_param(&g, i);
    fl_progress_clear(&g.progress);
    free(g.slice);
    free(g.wide);
    free(g.narrowed);
    return failed ? -1 : 0;
}
