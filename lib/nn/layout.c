/*
 * One table is the source of every list of parameters [add_all]: names, kinds and shapes, in the
 * order in which they lie in memory and in files.
 */
#include "nn/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "os/memory.h"

/* A matrix with its bias, or a gain (COLUMNS 0) with its bias. ROWS 0: the model has none such. */
struct row {
    enum fl_param_kind kind;
    const char *name;
    uint64_t rows, columns;
    bool bias;
};

enum { LAYER_PARAMS = 20, OTHER_PARAMS = 6 }; /* at most */

static void
add(struct fl_layout *t, uint32_t layer, const struct row *row, bool bias)
{
    struct fl_param *p = &t->params[t->count];
    bool matrix = row->columns && !bias;

    *p = (struct fl_param){.kind = row->kind,
                           .dtype = FL_F32,
                           .number = t->count++,
                           .bias = bias,
                           .layer = layer,
                           .rank = matrix ? 2 : 1,
                           .dims = {row->rows, matrix ? row->columns : 0},
                           .offset = t->size,
                           .count = (size_t)(row->rows * (matrix ? row->columns : 1))};
    t->size += p->count;
    snprintf(p->name, sizeof p->name, row->name, (unsigned)layer);
    size_t n = strlen(p->name);
    snprintf(p->name + n, sizeof p->name - n, bias ? ".bias" : ".weight");
}

int
fl_layout_append(struct fl_layout *t, const struct fl_param *p)
{
    struct fl_param *params = fl_resize(t->params, t->count + 1, sizeof *params);

    if (!params)
        return -1;
    t->params = params;
    params[t->count] = *p;
    params[t->count].number = t->count;
    params[t->count].offset = t->size;
    params[t->count].count = (size_t)(p->dims[0] * p->dims[1]);
    t->size += params[t->count++].count;
    return 0;
}

void
fl_layout_hold(struct fl_layout *t, enum fl_param_kind kind)
{
    for (size_t i = 0; i < t->count; i++)
        t->params[i].held |= t->params[i].kind == kind;
}

bool
fl_param_adapts(const struct fl_param *p)
{
    return p->kind == FL_PARAM_LORA_A || p->kind == FL_PARAM_LORA_B;
}

/* Rows that are one map: their matrices, then their biases. */
static void
add_group(struct fl_layout *t, uint32_t layer, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].rows)
            add(t, layer, &rows[i], false);
    for (size_t i = 0; i < n; i++)
        if (rows[i].rows && rows[i].bias)
            add(t, layer, &rows[i], true);
}

static void
add_layer(struct fl_layout *t, uint32_t l)
{
    const struct fl_config *c = &t->config;
    uint64_t C = c->channels, D = c->head_dim, HD = c->heads * D, KD = c->kv_heads * D, F = c->ffn;
    uint64_t gates = c->act == FL_ACT_SWIGLU ? F : 0, heads = c->qk_norm ? D : 0;
    bool norm = c->norm == FL_NORM_LAYER, qkv = c->bias & FL_BIAS_QKV, ffn = c->bias & FL_BIAS_FFN;
    const struct row first = {FL_PARAM_NORM1, "layers.%u.input_layernorm", C, 0, norm};
    const struct row maps[] = {{FL_PARAM_Q, "layers.%u.self_attn.q_proj", HD, C, qkv},
                               {FL_PARAM_K, "layers.%u.self_attn.k_proj", KD, C, qkv},
                               {FL_PARAM_V, "layers.%u.self_attn.v_proj", KD, C, qkv}};
    const struct row q_norm = {FL_PARAM_Q_NORM, "layers.%u.self_attn.q_norm", heads, 0, false};
    const struct row k_norm = {FL_PARAM_K_NORM, "layers.%u.self_attn.k_norm", heads, 0, false};
    const struct row out = {FL_PARAM_O, "layers.%u.self_attn.o_proj", C, HD, c->bias & FL_BIAS_O};
    const struct row second = {FL_PARAM_NORM2, "layers.%u.post_attention_layernorm", C, 0, norm};
    const struct row up[] = {{FL_PARAM_GATE, "layers.%u.mlp.gate_proj", gates, C, ffn},
                             {FL_PARAM_UP, "layers.%u.mlp.up_proj", F, C, ffn}};
    const struct row down = {FL_PARAM_DOWN, "layers.%u.mlp.down_proj", C, F, ffn};

    add_group(t, l, &first, 1);
    add_group(t, l, maps, 3);
    add_group(t, l, &q_norm, 1);
    add_group(t, l, &k_norm, 1);
    add_group(t, l, &out, 1);
    add_group(t, l, &second, 1);
    add_group(t, l, up, 2);
    add_group(t, l, &down, 1);
}

static void
add_all(struct fl_layout *t)
{
    const struct fl_config *c = &t->config;
    bool learned = c->positions == FL_POSITIONS_LEARNED;
    const struct row embed = {FL_PARAM_EMBED, "embed_tokens", c->vocab, c->channels, false};
    const struct row positions = {FL_PARAM_POSITIONS, "embed_positions", learned ? c->ctx : 0,
                                  c->channels, false};
    const struct row norm = {FL_PARAM_NORM, "norm", c->channels, 0, c->norm == FL_NORM_LAYER};
    const struct row head = {FL_PARAM_HEAD, "lm_head", c->tied ? 0 : c->vocab, c->channels, false};

    add_group(t, 0, &embed, 1);
    add_group(t, 0, &positions, 1);
    for (uint32_t l = 0; l < c->layers; l++)
        add_layer(t, l);
    add_group(t, 0, &norm, 1);
    add_group(t, 0, &head, 1);
    fl_layout_trainables(t);
}

void
fl_layout_trainables(struct fl_layout *t)
{
    t->trained = 0;
    for (size_t i = 0; i < t->count; i++) {
        struct fl_param *p = &t->params[i];
        p->place = p->frozen ? FL_UNTRAINED : t->trained;
        t->trained += p->frozen ? 0 : p->count;
    }
}

int
fl_layout_make(struct fl_layout *t, const struct fl_config *c)
{
    *t = (struct fl_layout){.config = *c};
    if (fl_config_check(c))
        return -1;
    if (fl_config_parameters(c) > SIZE_MAX / sizeof(float))
        return fl_error(FL_FAILED, "a model of %.3g parameters is too large for this machine",
                        (double)fl_config_parameters(c));
    t->params = fl_alloc(OTHER_PARAMS + LAYER_PARAMS * (size_t)c->layers, sizeof *t->params);
    if (!t->params)
        return -1;
    add_all(t);
    return 0;
}

void
fl_layout_release(struct fl_layout *t)
{
    free(t->params);
    *t = (struct fl_layout){0};
}

float *
fl_layout_array(const struct fl_layout *t)
{
    float *x = fl_alloc_large(t->trained, sizeof *x);

    if (x)
        memset(x, 0, t->trained * sizeof *x);
    return x;
}

bool
fl_param_narrows(const struct fl_param *p)
{
    return p->rank == 2 && p->kind != FL_PARAM_POSITIONS;
}

enum fl_dtype
fl_param_dtype(const struct fl_param *p, enum fl_dtype dtype, enum fl_dtype now)
{
    bool fits = dtype != FL_Q8_0 ||
                (fl_param_narrows(p) && p->dims[1] % fl_dtype_block(dtype) == 0);

    return dtype && fits ? dtype : now;
}

int64_t
fl_layout_find(const struct fl_layout *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (!strcmp(t->params[i].name, name))
            return (int64_t)i;
    return -1;
}
