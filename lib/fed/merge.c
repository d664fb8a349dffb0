/* Products are summed in doubles, in the order of the rank. */
#include "fed/merge.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "fed/rows.h"
#include "flt/values.h"
#include "math/q8.h"
#include "nn/adapter.h"
#include "nn/model.h"
#include "os/kernel.h"

struct merge {
    struct fl_object *model, *adapter;
    struct fl_layout layout;
    struct fl_adapter maps;
    struct fl_rows *rows;
};

/* A map's matrices, and the parameter that rows FIRST and following of it are. */
struct part {
    const void *w;
    enum fl_dtype dtype;
    const float *a, *b; /* (rank,in), (out,rank) */
    size_t rank, in, first;
    double scale;
};

/* out[k] += scale * sum over r of b[r] a[r][from + k] */
FL_KERNEL static void
add_product(const struct part *p, const float *b, size_t from, size_t n, float *out)
{
    enum { MOST = 512 };
    double sum[MOST];

    for (size_t k = 0; k < n; k += MOST) {
        size_t m = fl_min(n - k, MOST);
        memset(sum, 0, m * sizeof *sum);
        for (size_t r = 0; r < p->rank; r++)
            for (size_t j = 0; j < m; j++)
                sum[j] += (double)b[r] * (double)p->a[r * p->in + from + k + j];
        for (size_t j = 0; j < m; j++)
            out[k + j] = (float)((double)out[k + j] + p->scale * sum[j]);
    }
}

static void
merge_row(const void *arg, uint64_t at, size_t n, float *out)
{
    const struct part *p = arg;
    float wide[FL_ROWS_ROW];

    memcpy(out, fl_values_f32(p->dtype, p->w, at, n, wide), n * sizeof *out);
    for (size_t k = 0, m; k < n; k += m) {
        size_t row = (size_t)((at + k) / p->in), from = (size_t)((at + k) % p->in);
        m = fl_min(n - k, p->in - from);
        add_product(p, p->b + (p->first + row) * p->rank, from, m, out + k);
    }
}

/* The map that parameter I of the model is a part of, and its first row there; NULL: none. */
static const struct fl_adapter_map *
find_map(const struct merge *g, size_t i, size_t *first)
{
    const struct fl_param *p = &g->layout.params[i];

    for (size_t k = 0; k < g->maps.count && !p->bias; k++) {
        const struct fl_module *m = fl_module(g->maps.maps[k].module);
        if (g->maps.maps[k].layer != p->layer || p->kind < m->first ||
            p->kind >= m->first + m->count)
            continue;
        *first = 0;
        for (size_t j = i; j-- && g->layout.params[j].kind >= m->first &&
                           g->layout.params[j].layer == p->layer && !g->layout.params[j].bias;)
            *first += g->layout.params[j].dims[0];
        return &g->maps.maps[k];
    }
    return NULL;
}

/* Tensor NAME of the adapter as f32; free() it. NULL with an error. */
static float *
widen(const struct merge *g, const struct fl_tensor *t)
{
    size_t i = (size_t)fl_object_find(g->adapter, t->name);
    size_t n = (size_t)(t->dims[0] * t->dims[1]);
    enum fl_dtype dtype = fl_object_tensor(g->adapter, i)->dtype;
    const void *data = fl_object_data(g->adapter, i);
    float *out = data ? fl_alloc(n, sizeof *out) : NULL;

    if (!out)
        return NULL;
    uint64_t odd = fl_values_finite(dtype, data, n);
    if (odd < n) {
        fl_error(FL_FAILED, "%s: tensor \"%s\" has a value that is not finite",
                 fl_object_name(g->adapter), t->name);
        free(out);
        return NULL;
    }
    const float *values = fl_values_f32(dtype, data, 0, n, out);
    if (values != out)
        memcpy(out, values, n * sizeof *out);
    return out;
}

/* What tensor T of the model is written as. */
static struct fl_tensor
widened(const struct fl_tensor *t)
{
    struct fl_tensor to = *t;

    to.dtype = t->dtype == FL_Q8_0 ? FL_F32 : t->dtype;
    return to;
}

static void
widen_row(const void *arg, uint64_t at, size_t n, float *out)
{
    fl_q8_to_f32(out, arg, at, n);
}

/* Tensor I of the model, which no map is beside. */
static int
write_other(const struct merge *g, size_t i, struct fl_writer *out)
{
    const struct fl_tensor *t = fl_object_tensor(g->model, i), to = widened(t);
    uint64_t bad;

    if (t->dtype != FL_Q8_0)
        return fl_object_copy(g->model, i, out);
    const void *blocks = fl_object_data(g->model, i);
    int result = blocks ? fl_rows_write(g->rows, out, &to, widen_row, blocks, &bad) : -1;
    if (result == 1)
        result = fl_error(FL_FAILED, "%s: tensor \"%s\": value %llu is not finite",
                          fl_object_name(g->model), t->name, (unsigned long long)bad);
    fl_object_forget(g->model, i);
    return result;
}

/* Tensor I of the model, which is a part of MAP from its row FIRST on. */
static int
write_merged(const struct merge *g, size_t i, const struct fl_adapter_map *map, size_t first,
             struct fl_writer *out)
{
    const struct fl_tensor *t = fl_object_tensor(g->model, i);
    struct fl_tensor A, B;
    uint64_t bad;
    int result = -1;

    fl_adapter_tensors(&g->maps, (size_t)(map - g->maps.maps), &A, &B);
    float *a = widen(g, &A), *b = a ? widen(g, &B) : NULL;
    struct part p =
        {fl_object_data(g->model, i),          t->dtype, a, b, map->rank, map->in, first,
         fl_adapter_scale(&g->maps, map->rank)};
    const struct fl_tensor to = widened(t);
    if (b && p.w)
        result = fl_rows_write(g->rows, out, &to, merge_row, &p, &bad);
    if (result == 1)
        result = fl_error(FL_FAILED, "%s: tensor \"%s\": value %llu is not finite once merged",
                          fl_object_name(g->model), t->name, (unsigned long long)bad);
    free(a);
    free(b);
    fl_object_forget(g->model, i);
    return result;
}

static int
write_tensor(const struct merge *g, size_t i, struct fl_writer *out)
{
    const struct fl_tensor *t = fl_object_tensor(g->model, i);
    int64_t param = fl_layout_find(&g->layout, t->name);
    size_t first;
    const struct fl_adapter_map *map = param < 0 ? NULL : find_map(g, (size_t)param, &first);

    if (map)
        return write_merged(g, i, map, first, out);
    return write_other(g, i, out);
}

/* Both are read and belong together; the metadata of the result. */
static int
prepare(struct merge *g, struct fl_pool *pool, struct fl_meta *meta)
{
    unsigned char params[FL_HASH_BYTES], digest[FL_HASH_BYTES];
    const char *name = fl_object_name(g->model);
    struct fl_config c;
    int64_t round;

    if (fl_config_from_meta(&c, &fl_object_head(g->model)->meta))
        return fl_error_about(name);
    return fl_layout_make(&g->layout, &c) || fl_adapter_read(&g->maps, g->adapter) ||
                   fl_object_digest(g->model, pool, digest) ||
                   fl_object_params(g->model, pool, params) ||
                   fl_adapter_check_base(g->adapter, params, name) ||
                   fl_adapter_fits(&g->maps, fl_object_name(g->adapter), &g->layout, name) ||
                   fl_model_round(g->adapter, &round) ||
                   fl_meta_copy(meta, &fl_object_head(g->model)->meta) ||
                   fl_meta_set_i64(meta, "round", round) ||
                   fl_meta_set_bytes(meta, "parent", digest, sizeof digest)
               ? -1
               : 0;
}

int
fl_merge(struct fl_object *model, struct fl_object *adapter, struct fl_pool *pool,
         struct fl_progress *progress, struct fl_writer *out)
{
    struct merge g = {.model = model, .adapter = adapter};
    struct fl_meta meta = {0};
    int failed = prepare(&g, pool, &meta) || !(g.rows = fl_rows_new(pool, progress)) ||
                 fl_writer_head(out, FL_KIND_MODEL, &meta);

    for (size_t i = 0; !failed && i < fl_object_count(model); i++)
        failed = write_tensor(&g, i, out);
    fl_rows_free(g.rows);
    fl_meta_release(&meta);
    fl_adapter_release(&g.maps);
    fl_layout_release(&g.layout);
    return failed || fl_writer_done(out) ? -1 : 0;
}
