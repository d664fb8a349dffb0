/*
 * Tensors are written as the family lays them: parameters of one name follow each other, or lie
 * side by side when the map is stored turned.
 */
#include "port/hf_export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "flt/values.h"
#include "nn/model.h"
#include "os/file.h"
#include "os/output_folder.h"
#include "os/progress.h"
#include "port/hf_about.h"
#include "port/hf_folder.h"
#include "port/safetensors_write.h"

enum { SLICE = 4 << 20, NAME_SIZE = 64 };

/* A tensor of the folder: parameters FIRST to FIRST + COUNT - 1. */
struct piece {
    size_t first, count;
    bool turned;
    uint64_t bytes;
    size_t file; /* number of the file that has it */
};

struct export
{
    struct fl_object *o;
    struct fl_model *m; /* without weights */
    const struct fl_family *family;
    struct fl_output_folder out;
    struct fl_tensor *tensors; /* (count,) */
    struct piece *pieces;      /* (count,) */
    size_t count, files;
    json_t *notes;
    unsigned char *slice;
    float *wide; /* (2 SLICE / 4,): values of q8_0 */
    struct fl_progress progress;
    uint64_t done;
};

/* Index of parameter I in the object. */
static size_t
index_of(const struct export *e, size_t i)
{
    return (size_t)fl_object_find(e->o, e->m->layout.params[i].name);
}

/* What parameter I is written as: there is no q8_0 in the format, and f32 holds its values. */
static enum fl_dtype
dtype_of(const struct export *e, size_t i)
{
    enum fl_dtype dtype = fl_object_tensor(e->o, index_of(e, i))->dtype;

    return dtype == FL_Q8_0 ? FL_F32 : dtype;
}

/* Elements AT to AT + N - 1 of parameter I as they are written; V shows them. NULL: an error. */
static const void *
elements_of(struct export *e, size_t i, uint64_t at, size_t n, struct fl_view *v)
{
    size_t k = index_of(e, i);

    if (fl_view_values(e->o, k, at, n, v))
        return NULL;
    return fl_object_tensor(e->o, k)->dtype == FL_Q8_0 ? fl_view_f32(v, at, n, e->wide) : v->data;
}

/* Parameter I begins another tensor, or goes on with the one before. */
static int
add_param(struct export *e, size_t i)
{
    enum fl_dtype dtype = dtype_of(e, i);
    struct fl_place place;
    uint64_t elements;

    fl_family_place(e->family, &e->m->layout, i, &place);
    if (place.first) {
        const struct fl_tensor *t = &e->tensors[e->count - 1];
        e->pieces[e->count - 1].count++;
        return dtype == t->dtype
                   ? 0
                   : fl_error(FL_FAILED,
                              "%s: tensor \"%s\" is %s, and \"%s\", of which it is a part in %s "
                              "models, %s; one dtype would be right",
                              fl_object_name(e->o), e->m->layout.params[i].name,
                              fl_dtype_name(dtype), t->name, e->family->name,
                              fl_dtype_name(t->dtype));
    }
    struct fl_tensor *t = &e->tensors[e->count];
    struct piece *p = &e->pieces[e->count++];
    *t = place.tensor;
    t->dtype = dtype;
    fl_family_full_name(e->family, place.tensor.name, t->name, sizeof t->name);
    *p = (struct piece){.first = i, .count = 1, .turned = place.turned};
    return fl_tensor_size(t, &elements, &p->bytes);
}

/* Which tensors, and in which files of at most SHARD bytes (one tensor at least). */
static int
list_tensors(struct export *e, uint64_t shard)
{
    size_t n = e->m->layout.count;
    uint64_t in_file = 0;

    e->tensors = fl_alloc(n, sizeof *e->tensors);
    e->pieces = fl_alloc(n, sizeof *e->pieces);
    if (!e->tensors || !e->pieces)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (add_param(e, i))
            return -1;
    for (size_t k = 0; k < e->count; k++) {
        bool full = in_file && in_file + e->pieces[k].bytes > shard;
        e->files += full;
        in_file = (full ? 0 : in_file) + e->pieces[k].bytes;
        e->pieces[k].file = e->files;
    }
    e->files++;
    return 0;
}

static int
write_slice(struct export *e, int fd, size_t len, const char *name)
{
    if (fl_write_full(fd, e->out.name, e->slice, len))
        return -1;
    fl_progress_show(&e->progress, e->done += len, "%s", name);
    return 0;
}

/* Parameter I as it is in the object. */
static int
write_straight(struct export *e, int fd, size_t i)
{
    const struct fl_param *p = &e->m->layout.params[i];
    const size_t width = fl_dtype_size(dtype_of(e, i));
    struct fl_view v = {0};
    int failed = 0;

    for (size_t at = 0, n; !failed && at < p->count; at += n) {
        n = fl_min(p->count - at, FL_FLT_BLOCK / width);
        const void *values = elements_of(e, i, at, n, &v);
        failed = !values || fl_write_full(fd, e->out.name, values, n * width);
        fl_progress_show(&e->progress, e->done += n * width, "%s", p->name);
    }
    fl_view_release(&v);
    return failed ? -1 : 0;
}

/* Columns FROM to FROM + N - 1 of parameter I, as rows at OUT, STRIDE bytes apart. */
static int
turn(struct export *e, size_t i, uint64_t from, uint64_t n, unsigned char *out, uint64_t stride)
{
    const struct fl_param *p = &e->m->layout.params[i];
    size_t width = fl_dtype_size(dtype_of(e, i));
    uint64_t row = p->dims[1] * width, band = SLICE / row + 1;
    struct fl_view v = {0};
    int failed = 0;

    for (uint64_t first = 0; !failed && first < p->dims[0]; first += band) {
        uint64_t end = fl_min_u64(first + band, p->dims[0]);
        const unsigned char *rows = elements_of(e, i, first * p->dims[1],
                                                (size_t)((end - first) * p->dims[1]), &v);
        failed = !rows;
        for (uint64_t r = first; !failed && r < end; r++)
            for (uint64_t c = 0; c < n; c++)
                memcpy(out + c * stride + r * width, rows + (r - first) * row + (from + c) * width,
                       width);
    }
    fl_view_release(&v);
    return failed ? -1 : 0;
}

/* The parameters of a piece side by side, each turned. */
static int
write_turned(struct export *e, int fd, const struct fl_tensor *t, const struct piece *p)
{
    size_t width = fl_dtype_size(t->dtype);
    uint64_t row = t->dims[1] * width, n;

    for (uint64_t c = 0; c < t->dims[0]; c += n) {
        n = fl_min_u64(SLICE / row ? SLICE / row : 1, t->dims[0] - c);
        uint64_t at = 0;
        for (size_t i = p->first; i < p->first + p->count; i++) {
            if (turn(e, i, c, n, e->slice + at, row))
                return -1;
            at += e->m->layout.params[i].dims[0] * width;
        }
        if (write_slice(e, fd, (size_t)(n * row), t->name))
            return -1;
    }
    return 0;
}

static int
write_piece(struct export *e, int fd, size_t k)
{
    const struct piece *p = &e->pieces[k];

    if (p->turned)
        return write_turned(e, fd, &e->tensors[k], p);
    for (size_t i = p->first; i < p->first + p->count; i++)
        if (write_straight(e, fd, i))
            return -1;
    return 0;
}

static const char *
file_name(const struct export *e, size_t file, char name[NAME_SIZE])
{
    if (e->files == 1)
        snprintf(name, NAME_SIZE, "model.safetensors");
    else
        snprintf(name, NAME_SIZE, "model-%05zu-of-%05zu.safetensors", file + 1, e->files);
    return name;
}

/* Tensors FIRST to END - 1 are those of a file. */
static int
write_file(struct export *e, size_t first, size_t end)
{
    struct fl_buf header = {0};
    char name[NAME_SIZE];
    int fd = fl_output_folder_file(&e->out, file_name(e, e->pieces[first].file, name));
    int failed = fd < 0 ||
                 fl_safetensors_header(&header, e->tensors + first, end - first, e->notes) ||
                 fl_write_full(fd, e->out.name, header.data, header.len);

    for (size_t k = first; !failed && k < end; k++)
        failed = write_piece(e, fd, k);
    fl_buf_release(&header);
    if (!failed)
        return fl_output_folder_end(&e->out, fd, name);
    if (fd >= 0)
        close(fd);
    return -1;
}

/* "model.safetensors.index.json": which file has which tensor. */
static int
write_index(struct export *e)
{
    json_t *map = json_object(), *index = json_object();
    uint64_t total = 0;
    char name[NAME_SIZE];
    int failed = 0;

    for (size_t k = 0; k < e->count; k++) {
        total += e->pieces[k].bytes;
        failed |= json_object_set_new(map, e->tensors[k].name,
                                      json_string(file_name(e, e->pieces[k].file, name)));
    }
    failed |= json_object_set_new(index, "metadata",
                                  json_pack("{s:I}", "total_size", (json_int_t)total));
    failed |= json_object_set_new(index, "weight_map", map);
    if (failed)
        failed = fl_error_memory("an index");
    else
        failed = fl_hf_write_json(&e->out, "model.safetensors.index.json", index);
    json_decref(index);
    return failed ? -1 : 0;
}

static int
write_weights(struct export *e)
{
    uint64_t total = 0;
    int failed = !(e->slice = fl_alloc_aligned(SLICE, 1)) ||
                 !(e->wide = fl_alloc_aligned(2 * SLICE, 1)); /* a band of turned rows, at most */

    for (size_t k = 0; k < e->count; k++)
        total += e->pieces[k].bytes;
    fl_progress_start(&e->progress, "writing", "B", total);
    for (size_t k = 0, end; !failed && k < e->count; k = end) {
        for (end = k + 1; end < e->count && e->pieces[end].file == e->pieces[k].file;)
            end++;
        failed = write_file(e, k, end);
    }
    fl_progress_clear(&e->progress);
    return failed || (e->files > 1 && write_index(e)) ? -1 : 0;
}

/* The dtype of all weights, or 0. */
static enum fl_dtype
common_dtype(const struct export *e)
{
    for (size_t k = 1; k < e->count; k++)
        if (e->tensors[k].dtype != e->tensors[0].dtype)
            return 0;
    return e->tensors[0].dtype;
}

static int
open_model(struct export *e)
{
    struct fl_config c;

    if (fl_config_from_meta(&c, &fl_object_head(e->o)->meta) || !(e->m = fl_model_table(&c))) {
        fl_error_about(fl_object_name(e->o));
        return -1;
    }
    return fl_model_match(e->m, e->o);
}

int
fl_hf_export(struct fl_object *o, const char *dir, uint64_t shard)
{
    struct export e = {.o = o, .out = {.fd = -1}};
    struct fl_hf_about about;
    int failed = open_model(&e) || fl_hf_about_open(&about, o, &e.m->layout.config);

    if (!failed) {
        e.family = about.family;
        failed = list_tensors(&e, shard) || !(e.notes = fl_hf_origin_notes(o)) ||
                 fl_output_folder_open(&e.out, dir) || write_weights(&e) ||
                 fl_hf_about_write(&about, common_dtype(&e), &e.out) ||
                 fl_output_folder_commit(&e.out);
        fl_output_folder_abort(&e.out);
        fl_hf_about_close(&about);
    }
    json_decref(e.notes);
    free(e.slice);
    free(e.wide);
    free(e.pieces);
    free(e.tensors);
    fl_model_free(e.m);
    return failed ? -1 : 0;
}
