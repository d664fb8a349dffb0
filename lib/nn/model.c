/*
 * Numbers of a model: first ones, those of files, and how they are written. A file is matched with
 * the layout before memory is taken for its weights.
 */
#include "nn/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "flt/size.h"
#include "flt/values.h"
#include "math/random.h"
#include "math/vector.h"
#include "os/memory.h"
#include "os/progress.h"

#define TOKENIZER "tokenizer.json"

struct fl_model *
fl_model_table(const struct fl_config *c)
{
    struct fl_model *m = fl_alloc(1, sizeof *m);

    if (m && fl_layout_make(&m->layout, c)) {
        free(m);
        return NULL;
    }
    return m;
}

struct fl_model *
fl_model_new(const struct fl_config *c)
{
    struct fl_model *m = fl_model_table(c);

    if (m)
        m->weights = fl_alloc_large(m->layout.size, sizeof(float));
    if (m && !m->weights) {
        fl_model_free(m);
        return NULL;
    }
    return m;
}

void
fl_model_free(struct fl_model *m)
{
    if (!m)
        return;
    fl_layout_release(&m->layout);
    free(m->weights);
    free(m);
}

void
fl_model_init(struct fl_model *m, uint64_t seed)
{
    const double std = 0.02 * sqrt(768.0 / m->layout.config.channels);
    const size_t piece = 1 << 20; /* any gives the same */
    struct fl_progress progress;

    fl_progress_start(&progress, "making", "B", m->layout.size * sizeof *m->weights);
    for (size_t i = 0; i < m->layout.count; i++) {
        const struct fl_param *p = &m->layout.params[i];
        float *w = m->weights + p->offset;

        if (p->rank == 1) {
            for (size_t j = 0; j < p->count; j++)
                w[j] = p->bias ? 0 : 1;
            continue;
        }
        bool residual = p->kind == FL_PARAM_O || p->kind == FL_PARAM_DOWN;
        for (size_t j = 0; j < p->count; j += piece) {
            fl_random_normal(seed, i, j, w + j, p->count - j < piece ? p->count - j : piece,
                             residual ? std / sqrt(2.0 * m->layout.config.layers) : std);
            fl_progress_show(&progress, (p->offset + j) * sizeof *w, "%s", p->name);
        }
    }
    fl_progress_clear(&progress);
}

/* Whether P is among those that WHICH names. */
static bool
is_of(const struct fl_param *p, enum fl_extent which)
{
    return which == FL_WEIGHTS || !p->frozen;
}

/* How a parameter's values are written, under PREFIX. */
static struct fl_tensor
tensor_of(const struct fl_param *p, const char *prefix)
{
    struct fl_tensor t = {.dtype = FL_F32, .rank = p->rank, .dims = {p->dims[0], p->dims[1]}};

    snprintf(t.name, sizeof t.name, "%s%s", prefix, p->name);
    return t;
}

static float *
values_of(const struct fl_model_values *v, const struct fl_param *p)
{
    return v->values + (v->which == FL_TRAINED ? p->place : p->offset);
}

int
fl_model_schema(const struct fl_model *m, const char *prefix, enum fl_extent which,
                struct fl_schema *s)
{
    for (size_t i = 0; i < m->layout.count; i++) {
        struct fl_tensor t = tensor_of(&m->layout.params[i], prefix);
        if (is_of(&m->layout.params[i], which) && fl_schema_add(s, &t, true))
            return -1;
    }
    return 0;
}

/* The values of tensor I, in f32, a part at a time: they are in memory once, as OUT. */
static int
read_values(struct fl_object *o, size_t i, size_t count, float *out)
{
    struct fl_view v = {0};
    int failed = 0;

    for (size_t at = 0, n; !failed && at < count; at += n) {
        n = fl_piece(count - at, FL_FLT_BLOCK / sizeof(float));
        if ((failed = fl_view_values(o, i, at, n, &v)))
            break;
        const float *values = fl_view_f32(&v, at, n, out + at);
        if (values != out + at)
            memcpy(out + at, values, n * sizeof *out);
    }
    fl_view_release(&v);
    return failed ? -1 : 0;
}

static int
read_param(const struct fl_param *p, struct fl_object *o, const char *prefix, float *out)
{
    char name[FL_FLT_NAME_MAX + 1];

    snprintf(name, sizeof name, "%s%s", prefix, p->name);
    if (read_values(o, (size_t)fl_object_find(o, name), p->count, out))
        return -1;
    size_t bad = fl_vec_finite(out, p->count);
    if (bad < p->count)
        return fl_error(FL_FAILED,
                        "%s: tensor \"%s\": value %zu is %g; only finite values are usable",
                        fl_object_name(o), name, bad, (double)out[bad]);
    return 0;
}

int
fl_model_read(const struct fl_model_values *v, struct fl_object *o)
{
    const struct fl_model *m = v->m;
    struct fl_progress progress;
    int result = 0;

    fl_progress_start(&progress, "reading", "B", m->layout.size * sizeof *v->values);
    for (size_t i = 0; !result && i < m->layout.count; i++) {
        const struct fl_param *p = &m->layout.params[i];
        if (is_of(p, v->which))
            result = read_param(p, o, v->prefix, values_of(v, p));
        fl_progress_show(&progress, p->offset * sizeof *v->values, "%s", fl_object_name(o));
    }
    fl_progress_clear(&progress);
    return result;
}

/* O has the parameters, and besides them at most a tokenizer. */
static int
check_tensors(const struct fl_model *m, const struct fl_object *o)
{
    struct fl_schema want;
    int64_t tokenizer = fl_object_find(o, TOKENIZER);
    int failed = fl_schema_start(&want, "its configuration") ||
                 fl_model_schema(m, "", FL_WEIGHTS, &want);

    if (!failed && tokenizer >= 0)
        failed = fl_schema_add(&want, fl_object_tensor(o, (size_t)tokenizer), false);
    if (!failed)
        failed = fl_schema_match(&want, o, FL_SCHEMA_ANY_FLOAT);
    fl_schema_release(&want);
    return failed ? -1 : 0;
}

struct fl_model *
fl_model_load(struct fl_object *o)
{
    struct fl_config c;
    struct fl_model *m = NULL;

    if (fl_config_from_meta(&c, &fl_object_head(o)->meta) || !(m = fl_model_table(&c))) {
        fl_error_about(fl_object_name(o));
        return NULL;
    }
    if (!check_tensors(m, o) && (m->weights = fl_alloc_large(m->layout.size, sizeof(float))) &&
        !fl_model_read(&(struct fl_model_values){m, "", FL_WEIGHTS, m->weights}, o))
        return m;
    fl_model_free(m);
    return NULL;
}

int
fl_model_round(const struct fl_object *o, int64_t *round)
{
    const struct fl_meta *meta = &fl_object_head(o)->meta;

    *round = 0;
    if (fl_meta_find(meta, "round") && fl_meta_get_i64(meta, "round", 0, INT64_MAX, round))
        return fl_error_about(fl_object_name(o));
    return 0;
}

int
fl_model_write_values(const struct fl_model_values *v, struct fl_writer *w)
{
    for (size_t i = 0; i < v->m->layout.count; i++) {
        const struct fl_param *p = &v->m->layout.params[i];
        const struct fl_tensor t = tensor_of(p, v->prefix);

        if (!is_of(p, v->which))
            continue;
        if (fl_writer_tensor(w, &t) ||
            fl_writer_data(w, values_of(v, p), p->count * sizeof *v->values))
            return -1;
    }
    return 0;
}

int
fl_model_size_values(const struct fl_model_values *v, uint64_t *bytes)
{
    for (size_t i = 0; i < v->m->layout.count; i++) {
        const struct fl_tensor t = tensor_of(&v->m->layout.params[i], v->prefix);

        if (is_of(&v->m->layout.params[i], v->which) && fl_size_tensor(&t, bytes))
            return -1;
    }
    return 0;
}

static int
write_tokenizer(struct fl_writer *w, const void *tokenizer, size_t len)
{
    struct fl_tensor t = {.name = TOKENIZER, .dtype = FL_U8, .rank = 1, .dims = {len}};

    return fl_writer_tensor(w, &t) || fl_writer_data(w, tokenizer, len) ? -1 : 0;
}

int
fl_model_write(const struct fl_model *m, struct fl_writer *w, const struct fl_meta *meta,
               const void *tokenizer, size_t len)
{
    struct fl_meta all = {0};
    int result = 0;

    if (meta)
        result = fl_meta_copy(&all, meta);
    if (result || fl_config_to_meta(&m->layout.config, &all) ||
        fl_writer_head(w, FL_KIND_MODEL, &all) ||
        fl_model_write_values(&(struct fl_model_values){m, "", FL_WEIGHTS, m->weights}, w) ||
        (len && write_tokenizer(w, tokenizer, len)) || fl_writer_done(w))
        result = -1;
    fl_meta_release(&all);
    return result;
}
