/*
 * Numbers of a model: first ones, those of files, and how they are written. A file is matched with
 * the layout before memory is taken for its weights. In memory a parameter begins where the one
 * before it ends if both have one dtype, so that those of q, k and v are one matrix
 * [fl_model_take_memory].
 */
#include "nn/model.h"

#include <assert.h>
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
#include "os/memory.h"
#include "os/progress.h"

const char *const fl_model_files[] = {"tokenizer.json",
                                      "tokenizer_config.json",
                                      "special_tokens_map.json",
                                      "chat_template.jinja",
                                      "config.json",
                                      "generation_config.json",
                                      NULL};

enum {
    ALIGN = 64,
    PIECE = 1 << 16 /* values that are rounded at a time */
};

struct fl_model *
fl_model_table(const struct fl_config *c)
{
    struct fl_model *m = fl_alloc(1, sizeof *m);

    if (m && fl_layout_make(&m->layout, c)) {
        free(m);
        return NULL;
    }
    if (m && !(m->stored = fl_alloc(m->layout.count, sizeof *m->stored))) {
        fl_model_free(m);
        return NULL;
    }
    for (size_t i = 0; m && i < m->layout.count; i++)
        m->stored[i] = (struct fl_stored){NULL, FL_F32};
    return m;
}

/* Lay numbers out, each parameter at MEMORY and up (NULL: only count). Returns the bytes. */
static size_t
lay_out(struct fl_stored *stored, const struct fl_layout *t, unsigned char *memory)
{
    size_t at = 0;

    for (size_t i = 0; i < t->count; i++) {
        if (i && stored[i].dtype != stored[i - 1].dtype)
            at = (at + ALIGN - 1) / ALIGN * ALIGN;
        if (memory)
            stored[i].data = memory + at;
        at += (size_t)fl_dtype_bytes(stored[i].dtype, t->params[i].count);
    }
    return at;
}

size_t
fl_model_bytes(const struct fl_model *m)
{
    return lay_out(m->stored, &m->layout, NULL);
}

int
fl_model_take_memory(struct fl_model *m)
{
    if (!m->memory && (m->memory = fl_alloc_large(fl_model_bytes(m), 1)))
        lay_out(m->stored, &m->layout, m->memory);
    return m->memory ? 0 : -1;
}

struct fl_model *
fl_model_new(const struct fl_config *c)
{
    struct fl_model *m = fl_model_table(c);

    if (m && fl_model_take_memory(m)) {
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
    free(m->stored);
    free(m->memory);
    free(m);
}

float *
fl_model_floats(const struct fl_model *m, const struct fl_param *p)
{
    assert(m->stored[p->number].dtype == FL_F32);
    return m->stored[p->number].data;
}

void
fl_model_init(struct fl_model *m, uint64_t seed)
{
    const double std = 0.02 * sqrt(768.0 / m->layout.config.channels);
    const size_t piece = 1 << 20; /* any gives the same */
    struct fl_progress progress;

    fl_progress_start(&progress, "making", "B", m->layout.size * sizeof(float));
    for (size_t i = 0; i < m->layout.count; i++) {
        const struct fl_param *p = &m->layout.params[i];
        float *w = fl_model_floats(m, p);

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
    return which == FL_TRAINED ? !p->frozen : fl_param_adapts(p) == (which == FL_ADAPTER);
}

/* How a parameter's values are written, under PREFIX. */
static struct fl_tensor
tensor_of(const struct fl_param *p, const char *prefix, enum fl_extent which)
{
    struct fl_tensor t = {.dtype = which == FL_TRAINED ? FL_F32 : p->dtype,
                          .rank = p->rank,
                          .dims = {p->dims[0], p->dims[1]}};

    snprintf(t.name, sizeof t.name, "%s%s", prefix, p->name);
    return t;
}

/* Where the numbers of P are. */
static struct fl_stored
place_of(const struct fl_model_values *v, const struct fl_param *p)
{
    if (!v->values)
        return v->m->stored[p->number];
    assert(v->which == FL_TRAINED);
    return (struct fl_stored){v->values + p->place, FL_F32};
}

int
fl_model_schema(const struct fl_model *m, const char *prefix, enum fl_extent which,
                struct fl_schema *s)
{
    for (size_t i = 0; i < m->layout.count; i++) {
        struct fl_tensor t = tensor_of(&m->layout.params[i], prefix, which);
        if (is_of(&m->layout.params[i], which) && fl_schema_add(s, &t, true))
            return -1;
    }
    return 0;
}

/* The values of tensor I as they are, or in f32, a part at a time: in memory once, as TO. */
static int
read_values(struct fl_object *o, size_t i, size_t count, const struct fl_stored *to)
{
    const enum fl_dtype dtype = fl_object_tensor(o, i)->dtype;
    const enum fl_dtype kept = to->dtype;
    struct fl_view v = {0};
    int failed = 0;

    assert(kept == dtype || kept == FL_F32);
    for (size_t at = 0, n; !failed && at < count; at += n) {
        unsigned char *out = (unsigned char *)to->data + fl_dtype_bytes(kept, at);
        n = fl_piece(count - at, FL_FLT_BLOCK / sizeof(float));
        if ((failed = fl_view_values(o, i, at, n, &v)))
            break;
        const void *values = kept == dtype ? v.data : fl_view_f32(&v, at, n, (float *)(void *)out);
        if (values != (void *)out)
            memcpy(out, values, fl_dtype_bytes(kept, n));
    }
    fl_view_release(&v);
    return failed ? -1 : 0;
}

static int
read_param(const struct fl_param *p, struct fl_object *o, const char *prefix,
           const struct fl_stored *to)
{
    char name[FL_FLT_NAME_MAX + 1];

    snprintf(name, sizeof name, "%s%s", prefix, p->name);
    if (read_values(o, (size_t)fl_object_find(o, name), p->count, to))
        return -1;
    size_t bad = (size_t)fl_values_finite(to->dtype, to->data, p->count);
    if (bad < p->count)
        return fl_error(FL_FAILED,
                        "%s: tensor \"%s\": value %zu is %g; only finite values are usable",
                        fl_object_name(o), name, bad, fl_value(to->dtype, to->data, bad));
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
        const struct fl_stored to = place_of(v, p);
        if (is_of(p, v->which))
            result = read_param(p, o, v->prefix, &to);
        fl_progress_show(&progress, p->offset * sizeof *v->values, "%s", fl_object_name(o));
    }
    fl_progress_clear(&progress);
    return result;
}

int
fl_model_match(const struct fl_model *m, const struct fl_object *o)
{
    struct fl_schema want;
    int failed = fl_schema_start(&want, "its configuration");

    for (size_t i = 0; !failed && i < m->layout.count; i++) {
        const struct fl_param *p = &m->layout.params[i];
        int64_t k = fl_object_find(o, p->name);
        struct fl_tensor t = tensor_of(p, "", FL_WEIGHTS);
        if (k >= 0 && fl_object_tensor(o, (size_t)k)->dtype == FL_Q8_0 && fl_param_narrows(p))
            t.dtype = FL_Q8_0;
        failed = is_of(p, FL_WEIGHTS) && fl_schema_add(&want, &t, true);
    }
    for (size_t k = 0; !failed && fl_model_files[k]; k++) {
        int64_t i = fl_object_find(o, fl_model_files[k]);
        if (i >= 0)
            failed = fl_schema_add(&want, fl_object_tensor(o, (size_t)i), false);
    }
    if (!failed)
        failed = fl_schema_match(&want, o, FL_SCHEMA_ANY_FLOAT);
    fl_schema_release(&want);
    return failed ? -1 : 0;
}

struct fl_model *
fl_model_open(const struct fl_object *o)
{
    struct fl_config c;
    struct fl_model *m = NULL;

    if (fl_config_from_meta(&c, &fl_object_head(o)->meta) || !(m = fl_model_table(&c))) {
        fl_error_about(fl_object_name(o));
        return NULL;
    }
    if (fl_model_match(m, o)) {
        fl_model_free(m);
        return NULL;
    }
    for (size_t i = 0; i < m->layout.count; i++) {
        struct fl_param *p = &m->layout.params[i];
        p->dtype = fl_object_tensor(o, (size_t)fl_object_find(o, p->name))->dtype;
        m->stored[i].dtype = fl_param_narrows(p) ? p->dtype : FL_F32;
    }
    return m;
}

int
fl_model_adapt(struct fl_model *m, const struct fl_adapter *a, const struct fl_object *o)
{
    size_t before = m->layout.count;

    assert(!m->memory);
    if (fl_adapter_extend(a, &m->layout))
        return -1;
    struct fl_stored *stored = fl_resize(m->stored, m->layout.count, sizeof *stored);
    if (!stored)
        return -1;
    m->stored = stored;
    for (size_t i = before; i < m->layout.count; i++) {
        struct fl_param *p = &m->layout.params[i];
        p->dtype = fl_object_tensor(o, (size_t)fl_object_find(o, p->name))->dtype;
        stored[i] = (struct fl_stored){NULL, FL_F32};
    }
    return 0;
}

int
fl_model_to_train(struct fl_model *m)
{
    assert(!m->memory);
    for (size_t i = 0; i < m->layout.count; i++) {
        const struct fl_param *p = &m->layout.params[i];
        if (p->frozen)
            continue;
        if (p->dtype == FL_Q8_0)
            return fl_error(FL_FAILED,
                            "the model's matrices are in blocks of 8 bits, q8_0, which are not "
                            "trained; train an adapter of it (--lora, or -a ADAPTER), or import "
                            "the model again without --dtype q8_0");
        m->stored[i].dtype = FL_F32;
    }
    return 0;
}

int
fl_model_fill(struct fl_model *m, struct fl_object *o)
{
    return fl_model_take_memory(m) ||
                   fl_model_read(&(struct fl_model_values){m, "", FL_WEIGHTS, NULL}, o)
               ? -1
               : 0;
}

struct fl_model *
fl_model_load(struct fl_object *o)
{
    struct fl_model *m = fl_model_open(o);

    if (m && fl_model_fill(m, o)) {
        fl_model_free(m);
        return NULL;
    }
    return m;
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

/* COUNT floats in fewer bits. */
static int
write_rounded(struct fl_writer *w, enum fl_dtype dtype, const float *values, size_t count)
{
    unsigned char *piece = fl_alloc(fl_dtype_bytes(dtype, PIECE), 1);
    int failed = !piece;

    for (size_t at = 0; !failed && at < count; at += PIECE) {
        size_t n = fl_min(count - at, PIECE);
        fl_values_from_f32(dtype, piece, values + at, n);
        failed = fl_writer_data(w, piece, fl_dtype_bytes(dtype, n));
    }
    free(piece);
    return failed ? -1 : 0;
}

static int
write_param(const struct fl_model_values *v, const struct fl_param *p, struct fl_writer *w)
{
    const struct fl_tensor t = tensor_of(p, v->prefix, v->which);
    const struct fl_stored from = place_of(v, p);

    if (fl_writer_tensor(w, &t))
        return -1;
    if (from.dtype == t.dtype)
        return fl_writer_data(w, from.data, fl_dtype_bytes(t.dtype, p->count));
    assert(from.dtype == FL_F32);
    return write_rounded(w, t.dtype, from.data, p->count);
}

int
fl_model_write_values(const struct fl_model_values *v, struct fl_writer *w)
{
    for (size_t i = 0; i < v->m->layout.count; i++)
        if (is_of(&v->m->layout.params[i], v->which) && write_param(v, &v->m->layout.params[i], w))
            return -1;
    return 0;
}

int
fl_model_size_values(const struct fl_model_values *v, uint64_t *bytes)
{
    for (size_t i = 0; i < v->m->layout.count; i++) {
        const struct fl_tensor t = tensor_of(&v->m->layout.params[i], v->prefix, v->which);

        if (is_of(&v->m->layout.params[i], v->which) && fl_size_tensor(&t, bytes))
            return -1;
    }
    return 0;
}

static int
write_tokenizer(struct fl_writer *w, const void *tokenizer, size_t len)
{
    struct fl_tensor t = {.name = "tokenizer.json", .dtype = FL_U8, .rank = 1, .dims = {len}};

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
        fl_model_write_values(&(struct fl_model_values){m, "", FL_WEIGHTS, NULL}, w) ||
        (len && write_tokenizer(w, tokenizer, len)) || fl_writer_done(w))
        result = -1;
    fl_meta_release(&all);
    return result;
}
