/* Each parameter of the table goes to its place in the description, by its kind alone. */
#include "nn/transformer.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "flt/values.h"
#include "math/vector.h"
#include "nn/adapter.h"

/* Make P the part number PART of a map. */
static void
put_map(struct fl_linear_params *f, const struct fl_param *p, size_t part)
{
    if (p->bias) {
        f->bias[part] = p;
        return;
    }
    f->weight[part] = p;
    f->in = (size_t)p->dims[1];
    f->out += (size_t)p->dims[0];
    f->count = part + 1;
}

/* The map of B that the parameters of this kind are a part of. */
static struct fl_linear_params *
map_of(struct fl_block *b, enum fl_param_kind kind)
{
    switch ((int)kind) {
    case FL_PARAM_O: return &b->o;
    case FL_PARAM_GATE:
    case FL_PARAM_UP: return &b->up;
    case FL_PARAM_DOWN: return &b->down;
    default: return &b->qkv;
    }
}

/* A comes first, and both after what they are beside. */
static void
put_lora(struct fl_block *b, const struct fl_param *p)
{
    const struct fl_module *module = fl_module(p->module);
    struct fl_linear_params *f = map_of(b, module->first);

    if (p->kind == FL_PARAM_LORA_B) {
        f->lora[f->loras - 1].b = p;
        return;
    }
    struct fl_lora_params *lora = &f->lora[f->loras++];
    *lora = (struct fl_lora_params){.a = p};
    for (size_t i = 0; i < f->count && f->weight[i]->kind < module->first; i++)
        lora->first += (size_t)f->weight[i]->dims[0];
    for (size_t i = 0; i + 1 < f->loras; i++)
        lora->before += (size_t)f->lora[i].a->dims[0];
}

static void
put_norm(struct fl_norm_params *f, const struct fl_param *p)
{
    if (p->bias)
        f->bias = p;
    else
        f->gain = p;
}

static void
put(struct fl_transformer *t, const struct fl_param *p, const struct fl_config *c)
{
    struct fl_block *b = &t->blocks[p->layer];

    switch (p->kind) {
    case FL_PARAM_EMBED:
        t->embed = p;
        if (c->tied)
            put_map(&t->head, p, 0);
        break;
    case FL_PARAM_POSITIONS: t->positions = p; break;
    case FL_PARAM_NORM1: put_norm(&b->norm1, p); break;
    case FL_PARAM_Q: put_map(&b->qkv, p, 0); break;
    case FL_PARAM_K: put_map(&b->qkv, p, 1); break;
    case FL_PARAM_V: put_map(&b->qkv, p, 2); break;
    case FL_PARAM_Q_NORM: put_norm(&b->q_norm, p); break;
    case FL_PARAM_K_NORM: put_norm(&b->k_norm, p); break;
    case FL_PARAM_O: put_map(&b->o, p, 0); break;
    case FL_PARAM_NORM2: put_norm(&b->norm2, p); break;
    case FL_PARAM_GATE: put_map(&b->up, p, 0); break;
    case FL_PARAM_UP: put_map(&b->up, p, c->act == FL_ACT_SWIGLU); break;
    case FL_PARAM_DOWN: put_map(&b->down, p, 0); break;
    case FL_PARAM_NORM: put_norm(&t->norm, p); break;
    case FL_PARAM_HEAD: put_map(&t->head, p, 0); break;
    case FL_PARAM_LORA_A:
    case FL_PARAM_LORA_B: put_lora(b, p); break;
    }
}

struct fl_transformer *
fl_transformer_new(const struct fl_model *m)
{
    const struct fl_layout *layout = &m->layout;
    const struct fl_config *c = &layout->config;
    struct fl_transformer *t = fl_alloc(1, sizeof *t);
    const struct fl_norm_params norm = {.kind = c->norm, .eps = (float)c->norm_eps};
    const struct fl_norm_params heads = {.kind = FL_NORM_RMS, .eps = (float)c->norm_eps};

    if (!t || !(t->blocks = fl_alloc(c->layers, sizeof *t->blocks))) {
        free(t);
        return NULL;
    }
    t->sizes = fl_sizes_of(m);
    t->norm = norm;
    for (size_t l = 0; l < c->layers; l++)
        t->blocks[l] = (struct fl_block){.sizes = &t->sizes,
                                         .act = c->act,
                                         .norm1 = norm,
                                         .norm2 = norm,
                                         .q_norm = heads,
                                         .k_norm = heads};
    for (size_t i = 0; i < layout->count; i++)
        put(t, &layout->params[i], c);
    return t;
}

void
fl_transformer_free(struct fl_transformer *t)
{
    if (!t)
        return;
    free(t->blocks);
    free(t);
}

void
fl_transformer_embed(const struct fl_transformer *t, const struct fl_stored *weights,
                     const struct fl_id_rows *in, float *x)
{
    size_t C = t->sizes.C;
    const struct fl_stored *embed = &weights[t->embed->number];
    const float *positions = t->positions ? weights[t->positions->number].data : NULL;

    for (size_t i = 0; i < in->n; i++) {
        float *to = x + i * C;
        const float *row = fl_values_f32(embed->dtype, embed->data, in->ids[i] * C, C, to);
        if (row != to)
            memcpy(to, row, C * sizeof *to);
        if (positions)
            fl_vec_add(to,
                       positions + ((in->first + i) % in->T - (in->start ? in->start[i] : 0)) * C,
                       C);
    }
}
