/*
 * One table is the source of every list of parameters [add_layer]: names, kinds and shapes, in the
 * order in which they lie in memory and in files. A file is matched with it before memory is taken
 * for its weights.
 */
#include "nn/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "flt/size.h"
#include "flt/values.h"
#include "math/random.h"
#include "math/vector.h"
#include "os/memory.h"
#include "os/progress.h"

#define TOKENIZER "tokenizer.json"

static void
add(struct fl_model *m, enum fl_param_kind kind, const char *name, uint64_t rows, uint64_t columns)
{
    struct fl_param *p = &m->params[m->param_count++];

    p->kind = kind;
    p->rank = columns ? 2 : 1;
    p->dims[0] = rows;
    p->dims[1] = columns;
    p->offset = m->size;
    p->count = (size_t)(rows * (columns ? columns : 1));
    m->size += p->count;
    snprintf(p->name, sizeof p->name, "%s.weight", name);
}

static void
add_layer(struct fl_model *m, uint32_t layer)
{
    const struct fl_config *c = &m->config;
    uint64_t C = c->channels, HD = (uint64_t)c->heads * c->head_dim;
    uint64_t KD = (uint64_t)c->kv_heads * c->head_dim, F = c->ffn;
    const struct {
        enum fl_param_kind kind;
        const char *name;
        uint64_t rows, columns;
    } table[] = {
        {FL_PARAM_NORM1, "input_layernorm", C, 0},
        {FL_PARAM_Q, "self_attn.q_proj", HD, C},
        {FL_PARAM_K, "self_attn.k_proj", KD, C},
        {FL_PARAM_V, "self_attn.v_proj", KD, C},
        {FL_PARAM_O, "self_attn.o_proj", C, HD},
        {FL_PARAM_NORM2, "post_attention_layernorm", C, 0},
        {FL_PARAM_GATE, "mlp.gate_proj", F, C},
        {FL_PARAM_UP, "mlp.up_proj", F, C},
        {FL_PARAM_DOWN, "mlp.down_proj", C, F},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char name[48];
        snprintf(name, sizeof name, "layers.%u.%s", (unsigned)layer, table[i].name);
        m->params[m->param_count].layer = layer;
        add(m, table[i].kind, name, table[i].rows, table[i].columns);
    }
}

struct fl_model *
fl_model_table(const struct fl_config *c)
{
    if (fl_config_check(c))
        return NULL;
    if (fl_config_parameters(c) > SIZE_MAX / sizeof(float)) {
        fl_error(FL_FAILED, "a model of %.3g parameters is too large for this machine",
                 (double)fl_config_parameters(c));
        return NULL;
    }
    struct fl_model *m = fl_alloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->config = *c;
    m->params = fl_alloc(3 + 9 * (size_t)c->layers, sizeof *m->params);
    if (!m->params) {
        free(m);
        return NULL;
    }
    add(m, FL_PARAM_EMBED, "embed_tokens", c->vocab, c->channels);
    for (uint32_t l = 0; l < c->layers; l++)
        add_layer(m, l);
    add(m, FL_PARAM_NORM, "norm", c->channels, 0);
    if (!c->tied)
        add(m, FL_PARAM_HEAD, "lm_head", c->vocab, c->channels);
    return m;
}

struct fl_model *
fl_model_new(const struct fl_config *c)
{
    struct fl_model *m = fl_model_table(c);

    if (m)
        m->weights = fl_alloc_large(m->size, sizeof(float));
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
    free(m->params);
    free(m->weights);
    free(m);
}

float *
fl_model_array(const struct fl_model *m)
{
    float *x = fl_alloc_large(m->size, sizeof *x);

    if (x)
        memset(x, 0, m->size * sizeof *x);
    return x;
}

int64_t
fl_model_find(const struct fl_model *m, const char *name)
{
    for (size_t i = 0; i < m->param_count; i++)
        if (!strcmp(m->params[i].name, name))
            return (int64_t)i;
    return -1;
}

void
fl_model_init(struct fl_model *m, uint64_t seed)
{
    const double std = 0.02 * sqrt(768.0 / m->config.channels);
    const size_t piece = 1 << 20; /* any gives the same */
    struct fl_progress progress;

    fl_progress_start(&progress, "making", "B", m->size * sizeof *m->weights);
    for (size_t i = 0; i < m->param_count; i++) {
        const struct fl_param *p = &m->params[i];
        float *w = m->weights + p->offset;

        if (p->rank == 1) {
            for (size_t j = 0; j < p->count; j++)
                w[j] = 1;
            continue;
        }
        bool residual = p->kind == FL_PARAM_O || p->kind == FL_PARAM_DOWN;
        for (size_t j = 0; j < p->count; j += piece) {
            fl_random_normal(seed, i, j, w + j, p->count - j < piece ? p->count - j : piece,
                             residual ? std / sqrt(2.0 * m->config.layers) : std);
            fl_progress_show(&progress, (p->offset + j) * sizeof *w, "%s", p->name);
        }
    }
    fl_progress_clear(&progress);
}

int
fl_model_schema(const struct fl_model *m, const char *prefix, struct fl_schema *s)
{
    for (size_t i = 0; i < m->param_count; i++) {
        const struct fl_param *p = &m->params[i];
        struct fl_tensor t = {.dtype = FL_F32, .rank = p->rank, .dims = {p->dims[0], p->dims[1]}};
        snprintf(t.name, sizeof t.name, "%s%s", prefix, p->name);
        if (fl_schema_add(s, &t, true))
            return -1;
    }
    return 0;
}

static int
read_param(const struct fl_param *p, struct fl_object *o, const char *prefix, float *out)
{
    char name[FL_FLT_NAME_MAX + 1];

    snprintf(name, sizeof name, "%s%s", prefix, p->name);
    size_t i = (size_t)fl_object_find(o, name);
    const void *data = fl_object_data(o, i);
    if (!data)
        return -1;
    const float *values = fl_values_f32(fl_object_tensor(o, i)->dtype, data, 0, p->count, out);
    if (values != out)
        memcpy(out, values, p->count * sizeof *out);
    fl_object_forget(o, i); /* it is in memory once, as OUT */
    size_t bad = fl_vec_finite(out, p->count);
    if (bad < p->count)
        return fl_error(FL_FAILED,
                        "%s: tensor \"%s\": value %zu is %g; only finite values are usable",
                        fl_object_name(o), name, bad, (double)out[bad]);
    return 0;
}

int
fl_model_read(const struct fl_model *m, struct fl_object *o, const char *prefix, float *values)
{
    struct fl_progress progress;
    int result = 0;

    fl_progress_start(&progress, "reading", "B", m->size * sizeof *values);
    for (size_t i = 0; !result && i < m->param_count; i++) {
        result = read_param(&m->params[i], o, prefix, values + m->params[i].offset);
        fl_progress_show(&progress, m->params[i].offset * sizeof *values, "%s", fl_object_name(o));
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
    int failed = fl_schema_start(&want, "its configuration") || fl_model_schema(m, "", &want);

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
    if (!check_tensors(m, o) && (m->weights = fl_alloc_large(m->size, sizeof(float))) &&
        !fl_model_read(m, o, "", m->weights))
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

/* How a parameter's values are written, under PREFIX. */
static struct fl_tensor
tensor_of(const struct fl_param *p, const char *prefix)
{
    struct fl_tensor t = {.dtype = FL_F32, .rank = p->rank, .dims = {p->dims[0], p->dims[1]}};

    snprintf(t.name, sizeof t.name, "%s%s", prefix, p->name);
    return t;
}

int
fl_model_write_values(const struct fl_model *m, struct fl_writer *w, const char *prefix,
                      const float *values, bool trained)
{
    for (size_t i = 0; i < m->param_count; i++) {
        const struct fl_param *p = &m->params[i];
        const struct fl_tensor t = tensor_of(p, prefix);

        if (trained && p->frozen)
            continue;
        if (fl_writer_tensor(w, &t) ||
            fl_writer_data(w, values + p->offset, p->count * sizeof *values))
            return -1;
    }
    return 0;
}

int
fl_model_size_values(const struct fl_model *m, const char *prefix, bool trained, uint64_t *bytes)
{
    for (size_t i = 0; i < m->param_count; i++) {
        const struct fl_tensor t = tensor_of(&m->params[i], prefix);

        if (trained && m->params[i].frozen)
            continue;
        if (fl_size_tensor(&t, bytes))
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
    if (result || fl_config_to_meta(&m->config, &all) || fl_writer_head(w, FL_KIND_MODEL, &all) ||
        fl_model_write_values(m, w, "", m->weights, false) ||
        (len && write_tokenizer(w, tokenizer, len)) || fl_writer_done(w))
        result = -1;
    fl_meta_release(&all);
    return result;
}
