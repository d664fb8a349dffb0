/*
 * Names are "layers.N.MODULE.lora_A.weight". A module of several parameters is what a family whose
 * maps are fused has (GPT-2's c_attn): one A for queries, keys and values.
 */
#include "nn/adapter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "flt/schema.h"
#include "math/random.h"

static const struct fl_module modules[] = {
    {"self_attn.q_proj", FL_PARAM_Q, 1}, {"self_attn.k_proj", FL_PARAM_K, 1},
    {"self_attn.v_proj", FL_PARAM_V, 1}, {"self_attn.qkv_proj", FL_PARAM_Q, 3},
    {"self_attn.o_proj", FL_PARAM_O, 1}, {"mlp.gate_proj", FL_PARAM_GATE, 1},
    {"mlp.up_proj", FL_PARAM_UP, 1},     {"mlp.gate_up_proj", FL_PARAM_GATE, 2},
    {"mlp.down_proj", FL_PARAM_DOWN, 1},
};
enum { MODULES = sizeof modules / sizeof *modules };

const struct fl_module *
fl_module(unsigned i)
{
    return i < MODULES ? &modules[i] : NULL;
}

int
fl_module_find(const char *name)
{
    for (int i = 0; i < MODULES; i++)
        if (!strcmp(modules[i].name, name))
            return i;
    return -1;
}

bool
fl_module_sizes(const struct fl_layout *layout, unsigned module, uint32_t layer, uint64_t *in,
                uint64_t *out)
{
    const struct fl_module *m = &modules[module];
    unsigned found = 0;

    *in = *out = 0;
    for (size_t i = 0; i < layout->count; i++) {
        const struct fl_param *p = &layout->params[i];
        if (p->bias || p->layer != layer || p->kind < m->first || p->kind >= m->first + m->count)
            continue;
        *in = p->dims[1];
        *out += p->dims[0];
        found++;
    }
    return found == m->count;
}

void
fl_adapter_release(struct fl_adapter *a)
{
    free(a->maps);
    *a = (struct fl_adapter){0};
}

double
fl_adapter_scale(const struct fl_adapter *a, uint32_t rank)
{
    return a->alpha / (a->rslora ? sqrt(rank) : rank);
}

static int
by_place(const void *a, const void *b)
{
    const struct fl_adapter_map *x = a, *y = b;

    if (x->layer != y->layer)
        return x->layer < y->layer ? -1 : 1;
    return x->module < y->module ? -1 : x->module > y->module;
}

int
fl_adapter_add(struct fl_adapter *a, const struct fl_adapter_map *map)
{
    struct fl_adapter_map *maps = fl_grow(a->maps, a->count, &a->cap, sizeof *maps);

    if (!maps)
        return -1;
    a->maps = maps;
    maps[a->count++] = *map;
    if (a->count > 1 && by_place(&maps[a->count - 2], map) > 0)
        qsort(maps, a->count, sizeof *maps, by_place);
    return 0;
}

/* No module is adapted twice: alone and within a fused one. */
static int
check_apart(const struct fl_adapter *a)
{
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = i + 1; k < a->count && a->maps[k].layer == a->maps[i].layer; k++) {
            const struct fl_module *x = &modules[a->maps[i].module];
            const struct fl_module *y = &modules[a->maps[k].module];
            if (x->first < y->first + y->count && y->first < x->first + x->count)
                return fl_error(FL_USAGE, "%s and %s are the same map twice; adapt one of them",
                                x->name, y->name);
        }
    return 0;
}

int
fl_adapter_make(struct fl_adapter *a, const struct fl_layout *layout, uint32_t rank,
                fl_module_selects *selects, const void *arg)
{
    for (uint32_t l = 0; l < layout->config.layers; l++)
        for (unsigned m = 0; m < MODULES; m++) {
            struct fl_adapter_map map = {.module = m, .layer = l, .rank = rank};
            if (selects(arg, m) && fl_module_sizes(layout, m, l, &map.in, &map.out) &&
                fl_adapter_add(a, &map))
                return -1;
        }
    if (!a->count)
        return fl_error(FL_USAGE, "no map of the model is among the targets; name others");
    return check_apart(a);
}

void
fl_adapter_tensors(const struct fl_adapter *a, size_t i, struct fl_tensor *A, struct fl_tensor *B)
{
    const struct fl_adapter_map *m = &a->maps[i];
    const char *name = modules[m->module].name;
    uint64_t first[2] = {m->rank, m->in}, second[2] = {m->out, m->rank};

    fl_tensor_init(A, "", FL_F32, 2, first);
    fl_tensor_init(B, "", FL_F32, 2, second);
    snprintf(A->name, sizeof A->name, "layers.%u.%s.lora_A.weight", (unsigned)m->layer, name);
    snprintf(B->name, sizeof B->name, "layers.%u.%s.lora_B.weight", (unsigned)m->layer, name);
}

/* Which map the tensor of this name is of, and whether it is its A or its B ('A', 'B'); 0: none. */
static char
parse_name(const char *name, struct fl_adapter_map *map)
{
    static const char before[] = "layers.", after[] = ".lora_?.weight";
    char module[FL_FLT_NAME_MAX + 1], *rest, which;

    if (strncmp(name, before, sizeof before - 1))
        return 0;
    unsigned long layer = strtoul(name + sizeof before - 1, &rest, 10);
    size_t len = strlen(rest), end = sizeof after - 1;
    if (*rest != '.' || len <= end + 1 || layer >= FL_LAYERS_MAX)
        return 0;
    which = rest[len - end + 6];
    snprintf(module, sizeof module, "%.*s", (int)(len - end - 1), rest + 1);
    int found = fl_module_find(module);
    if (found < 0 || (which != 'A' && which != 'B'))
        return 0;
    map->module = (unsigned)found;
    map->layer = (uint32_t)layer;
    snprintf(module, sizeof module, "layers.%lu.%s.lora_%c.weight", layer, modules[found].name,
             which);
    return strcmp(module, name) ? 0 : which;
}

static int
wrong(const struct fl_object *o, const struct fl_tensor *t, const char *what)
{
    char shape[96];

    return fl_error(FL_FAILED, "%s: tensor \"%s\", %s, %s", fl_object_name(o), t->name,
                    fl_tensor_shape(t, shape, sizeof shape), what);
}

/* The map that T is the A of; its B has the same rank. */
static int
read_map(struct fl_adapter *a, const struct fl_object *o, const struct fl_tensor *t,
         struct fl_adapter_map *map)
{
    char name[FL_FLT_NAME_MAX + 1];

    snprintf(name, sizeof name, "%.*sB.weight", (int)(strlen(t->name) - 8), t->name);
    int64_t k = fl_object_find(o, name);
    if (k < 0)
        return wrong(o, t, "has no lora_B beside it");
    const struct fl_tensor *b = fl_object_tensor(o, (size_t)k);
    if (b->rank != 2 || b->dims[1] != t->dims[0])
        return wrong(o, b, "is not of the rank of its lora_A");
    map->rank = (uint32_t)t->dims[0];
    map->in = t->dims[1];
    map->out = b->dims[0];
    return fl_adapter_add(a, map);
}

static int
read_tensor(struct fl_adapter *a, const struct fl_object *o, const struct fl_tensor *t)
{
    struct fl_adapter_map map;
    char which = parse_name(t->name, &map);
    char other[FL_FLT_NAME_MAX + 1];

    if (!which)
        return wrong(o, t, "is of no adapter that is computed here");
    if (t->rank != 2 || !fl_schema_trains(t))
        return wrong(o, t, "is no matrix of f32, f16 or bf16");
    if (which == 'A')
        return t->dims[0] < 1 || t->dims[0] > FL_ADAPTER_RANK_MAX || !t->dims[1]
                   ? wrong(o, t, "has no rank from 1 to 4096")
                   : read_map(a, o, t, &map);
    snprintf(other, sizeof other, "%.*sA.weight", (int)(strlen(t->name) - 8), t->name);
    return fl_object_find(o, other) < 0 ? wrong(o, t, "has no lora_A beside it") : 0;
}

int
fl_adapter_read(struct fl_adapter *a, const struct fl_object *o)
{
    const struct fl_meta *meta = &fl_object_head(o)->meta;
    int64_t rslora = 0;

    *a = (struct fl_adapter){0};
    if (fl_meta_get_f64(meta, "lora.alpha", &a->alpha) ||
        (fl_meta_find(meta, "lora.rslora") && fl_meta_get_i64(meta, "lora.rslora", 0, 1, &rslora)))
        return fl_error_about(fl_object_name(o));
    if (!(a->alpha > 0))
        return fl_error(FL_FAILED, "%s: lora.alpha is %g; an adapter counts by a number above 0",
                        fl_object_name(o), a->alpha);
    a->rslora = rslora == 1;
    int failed = 0;
    for (size_t i = 0; !failed && i < fl_object_count(o); i++)
        if (fl_object_tensor(o, i)->dtype != FL_U8)
            failed = read_tensor(a, o, fl_object_tensor(o, i));
    if (!failed && !a->count)
        failed = fl_error(FL_FAILED, "%s: has no lora_A", fl_object_name(o));
    if (!failed && check_apart(a))
        failed = (fl_error_as(FL_FAILED), fl_error_about(fl_object_name(o)));
    if (failed)
        fl_adapter_release(a);
    return failed ? -1 : 0;
}

int
fl_adapter_check_base(const struct fl_object *o, const unsigned char params[32], const char *model)
{
    const struct fl_meta *meta = &fl_object_head(o)->meta;
    const unsigned char *base;

    if (!fl_meta_find(meta, "base.params"))
        return 0;
    if (fl_meta_get_bytes(meta, "base.params", 32, &base))
        return fl_error_about(fl_object_name(o));
    return memcmp(base, params, 32)
               ? fl_error(FL_REFUSED,
                          "%s: is an adapter of another model than %s; take the model that it was "
                          "made for",
                          fl_object_name(o), model)
               : 0;
}

int
fl_adapter_fits(const struct fl_adapter *a, const char *file, const struct fl_layout *layout,
                const char *model)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct fl_adapter_map *m = &a->maps[i];
        uint64_t in, out;
        if (m->layer >= layout->config.layers ||
            !fl_module_sizes(layout, m->module, m->layer, &in, &out) || in != m->in ||
            out != m->out)
            return fl_error(FL_FAILED,
                            "%s: its map layers.%u.%s, %llu to %llu, is none of %s; take the model "
                            "that it was made for",
                            file, (unsigned)m->layer, modules[m->module].name,
                            (unsigned long long)m->in, (unsigned long long)m->out, model);
    }
    return 0;
}

static int
append(const struct fl_tensor *t, enum fl_param_kind kind, const struct fl_adapter *a, size_t i,
       struct fl_layout *layout)
{
    const struct fl_adapter_map *map = &a->maps[i];
    struct fl_param p = {.kind = kind,
                         .layer = map->layer,
                         .rank = 2,
                         .dims = {t->dims[0], t->dims[1]},
                         .dtype = FL_F32,
                         .module = map->module,
                         .scale = fl_adapter_scale(a, map->rank)};

    snprintf(p.name, sizeof p.name, "%.63s", t->name);
    return fl_layout_append(layout, &p);
}

int
fl_adapter_extend(const struct fl_adapter *a, struct fl_layout *layout)
{
    struct fl_tensor A, B;

    for (size_t i = 0; i < layout->count; i++)
        layout->params[i].frozen = true;
    for (size_t i = 0; i < a->count; i++) {
        fl_adapter_tensors(a, i, &A, &B);
        if (append(&A, FL_PARAM_LORA_A, a, i, layout) || append(&B, FL_PARAM_LORA_B, a, i, layout))
            return -1;
    }
    fl_layout_trainables(layout);
    return 0;
}

int
fl_adapter_to_meta(const struct fl_adapter *a, struct fl_meta *meta)
{
    return fl_meta_set_f64(meta, "lora.alpha", a->alpha) ||
                   (a->rslora && fl_meta_set_i64(meta, "lora.rslora", 1))
               ? -1
               : 0;
}

/* N numbers from number FIRST on of sequence I, uniform in (-1, 1) * BOUND; of 0 none is -0. */
static void
uniform(uint64_t seed, uint64_t i, uint64_t first, double bound, float *out, size_t n)
{
    struct fl_random r = {seed, i, first};

    for (size_t k = 0; k < n; k++)
        out[k] = (float)((2 * fl_random_unit(&r) - 1) * bound) + 0.0f;
}

enum { PIECE = 4096 };

static int
write_tensor(const struct fl_tensor *t, uint64_t seed, uint64_t sequence, double bound,
             struct fl_writer *w)
{
    float piece[PIECE];
    uint64_t count, bytes;

    if (fl_tensor_size(t, &count, &bytes) || fl_writer_tensor(w, t))
        return -1;
    for (uint64_t at = 0; at < count; at += PIECE) {
        size_t n = fl_piece(count - at, PIECE);
        uniform(seed, sequence, at, bound, piece, n);
        if (fl_writer_data(w, piece, n * sizeof *piece))
            return -1;
    }
    return 0;
}

int
fl_adapter_write_new(const struct fl_adapter *a, const struct fl_meta *meta, uint64_t seed,
                     struct fl_writer *w)
{
    struct fl_meta all = {0};
    struct fl_tensor A, B;
    int failed = fl_meta_copy(&all, meta) || fl_adapter_to_meta(a, &all) ||
                 fl_writer_head(w, FL_KIND_ADAPTER, &all);

    for (size_t i = 0; !failed && i < a->count; i++) {
        fl_adapter_tensors(a, i, &A, &B);
        failed = write_tensor(&A, seed, i, 1 / sqrt((double)a->maps[i].in), w) ||
                 write_tensor(&B, seed, i, 0, w);
    }
    fl_meta_release(&all);
    return failed || fl_writer_done(w) ? -1 : 0;
}
