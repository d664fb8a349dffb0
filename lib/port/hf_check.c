/*
 * Each parameter has its tensor (flt/schema), and each tensor is used, or says again what another
 * one or the configuration said. Nothing is left out for another reason.
 */
#include "port/hf_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "flt/schema.h"
#include "flt/values.h"
#include "nn/rope.h"

enum { PART = 4096 }; /* values that are compared at a time */

/* A folder and the tensors of the family that its configuration wants, by bare names. */
struct check {
    struct fl_hf_model *m;
    struct fl_schema *want;
    const struct fl_safetensors *files;
};

/* Index of a tensor by its bare name, with or without the family's prefix; -1 if missing. */
static int64_t
find_tensor(const struct check *c, const char *name)
{
    char full[2 * FL_FLT_NAME_MAX];

    snprintf(full, sizeof full, "%s%s", c->m->family->prefix, name);
    int64_t i = fl_safetensors_find(c->files, full);
    return i >= 0 ? i : fl_safetensors_find(c->files, name);
}

/* Tensor I is what RIGHT, of the model that config.json describes, may be stored as. */
static int
check_tensor(const struct check *c, const struct fl_tensor *right, size_t i)
{
    return fl_schema_match_tensor(c->want, right, fl_safetensors_file(c->files, i),
                                  fl_safetensors_tensor(c->files, i), FL_SCHEMA_ANY_FLOAT);
}

static const float *
values(const struct check *c, size_t i, uint64_t at, size_t n, float *row)
{
    return fl_values_f32(fl_safetensors_tensor(c->files, i)->dtype,
                         fl_safetensors_data(c->files, i), at, n, row);
}

static void
forget(const struct check *c, size_t i, uint64_t to)
{
    size_t width = fl_dtype_size(fl_safetensors_tensor(c->files, i)->dtype);

    if (to % (256 * PART) == 0)
        fl_safetensors_forget(c->files, i, 0, to * width);
}

/* Tensor I is a second one of the parameter called NAME: only an equal copy is fine. */
static int
check_copy(const struct check *c, size_t i, const char *name, const char *why)
{
    const struct fl_schema_tensor *right = fl_schema_find(c->want, name);
    size_t own = (size_t)find_tensor(c, name);
    float a[PART], b[PART];
    uint64_t count, bytes;

    if (check_tensor(c, &right->tensor, i) || fl_tensor_size(&right->tensor, &count, &bytes))
        return -1;
    for (uint64_t at = 0; at < count; at += PART) {
        size_t n = fl_min(count - at, PART), k = 0;
        const float *x = values(c, i, at, n, a), *y = values(c, own, at, n, b);
        while (k < n && x[k] == y[k])
            k++;
        if (k < n)
            return fl_error(FL_FAILED, "%s: tensor \"%s\" differs from \"%s\" at value %llu; %s",
                            fl_safetensors_file(c->files, i),
                            fl_safetensors_tensor(c->files, i)->name,
                            fl_safetensors_tensor(c->files, own)->name,
                            (unsigned long long)(at + k), why);
        forget(c, i, at + n);
        forget(c, own, at + n);
    }
    return 0;
}

/* Does NAME end with END, and what is before it begin with the number of a layer after BEFORE? */
static bool
is_of_layer(const char *name, const char *before, const char *end, uint32_t layers)
{
    char want[96], *rest;
    size_t n = strlen(before);

    if (strncmp(name, before, n))
        return false;
    unsigned long layer = strtoul(name + n, &rest, 10);
    snprintf(want, sizeof want, "%s%lu%s", before, layer, end);
    return layer < layers && !strcmp(name, want);
}

static bool
is_frequencies(const char *name, const struct fl_config *c)
{
    const char *own = "rotary_emb.inv_freq";

    return c->positions == FL_POSITIONS_ROTARY &&
           (!strcmp(name, own) ||
            is_of_layer(name, "layers.", ".self_attn.rotary_emb.inv_freq", c->layers));
}

/*
 * Stored rotary frequencies are computed here: they may be there, rounded to a half float too
 * (within a hundredth, and a half's step near 0). Others would be another model.
 */
static int
check_frequencies(const struct check *c, size_t i)
{
    const struct fl_config *config = &c->m->layout.config;
    uint64_t dims[1] = {fl_config_rotated(config) / 2};
    struct fl_tensor right;
    const struct fl_tensor *t = fl_safetensors_tensor(c->files, i);
    float row;

    fl_tensor_init(&right, t->name, FL_F32, 1, dims);
    if (check_tensor(c, &right, i))
        return -1;
    for (size_t k = 0; k < dims[0]; k++) {
        double right_value = fl_rope_frequency(config, k);
        double got = (double)*values(c, i, k, 1, &row);
        if (!(fabs(got - right_value) <= right_value / 100 + 1e-7))
            return fl_error(FL_FAILED,
                            "%s: tensor \"%s\" has other frequencies than \"rope_theta\" in "
                            "config.json gives: value %zu is not %.6g",
                            fl_safetensors_file(c->files, i), t->name, k, right_value);
    }
    return 0;
}

static bool
is_mask(const char *name, const struct fl_config *c)
{
    return c->positions == FL_POSITIONS_LEARNED &&
           (is_of_layer(name, "h.", ".attn.bias", c->layers) ||
            is_of_layer(name, "h.", ".attn.masked_bias", c->layers));
}

/*
 * What older versions of GPT-2 stored beside attention's weights: [1,1,ctx,ctx] with 1 where a
 * token sees another and 0 elsewhere, and the large negative number that stands where it does not.
 */
static int
check_mask(const struct check *c, size_t i)
{
    const struct fl_tensor *t = fl_safetensors_tensor(c->files, i);
    uint64_t ctx = c->m->layout.config.ctx;
    const void *data = fl_safetensors_data(c->files, i);
    bool right = t->rank == 4 && t->dims[0] == 1 && t->dims[1] == 1 && t->dims[2] == ctx &&
                 t->dims[3] == ctx;

    if (!t->rank || (t->rank == 1 && t->dims[0] == 1))
        right = fl_value(t->dtype, data, 0) <= -1e4;
    for (uint64_t at = 0; right && t->rank == 4 && at < ctx * ctx; at++) {
        right = fl_value(t->dtype, data, at) == (at % ctx <= at / ctx ? 1 : 0);
        forget(c, i, at + 1);
    }
    if (right)
        return 0;
    return fl_error(FL_FAILED,
                    "%s: tensor \"%s\" is not the causal mask of the %llu positions that "
                    "config.json says; remove it, since it is no weight",
                    fl_safetensors_file(c->files, i), t->name, (unsigned long long)ctx);
}

/* Tensor I has its place in the model. */
static int
check_place(const struct check *c, size_t i)
{
    const char *bare = fl_family_bare_name(c->m->family, fl_safetensors_tensor(c->files, i)->name);
    const struct fl_config *config = &c->m->layout.config;
    struct fl_place embedding;

    if (fl_schema_find(c->want, bare))
        return find_tensor(c, bare) == (int64_t)i
                   ? 0
                   : check_copy(c, i, bare,
                                "they are two spellings of one tensor, of which one has to go");
    if (is_frequencies(bare, config))
        return check_frequencies(c, i);
    if (is_mask(bare, config))
        return check_mask(c, i);
    fl_family_place(c->m->family, &c->m->layout, 0, &embedding);
    if (config->tied && !strcmp(bare, "lm_head.weight"))
        return check_copy(c, i, embedding.tensor.name,
                          "\"tie_word_embeddings\" in config.json says that they are one; false "
                          "would be right for two");
    return fl_schema_match_tensor(c->want, NULL, fl_safetensors_file(c->files, i),
                                  fl_safetensors_tensor(c->files, i), 0);
}

/* Parameter I has its tensor, of a float dtype and its shape. */
static int
find_source(struct check *c, size_t i)
{
    struct fl_hf_source *s = &c->m->sources[i];

    fl_family_place(c->m->family, &c->m->layout, i, &s->place);
    int64_t k = find_tensor(c, s->place.tensor.name);
    if (k < 0)
        return fl_schema_match_tensor(c->want, &s->place.tensor, fl_safetensors_name(c->files),
                                      NULL, 0);
    s->tensor = (size_t)k;
    return check_tensor(c, &s->place.tensor, s->tensor);
}

static int
want_all(struct check *c)
{
    struct fl_place place;

    if (fl_schema_start(c->want, "the model of its config.json"))
        return -1;
    for (size_t i = 0; i < c->m->layout.count; i++) {
        fl_family_place(c->m->family, &c->m->layout, i, &place);
        if (!place.first && fl_schema_add(c->want, &place.tensor, true))
            return -1;
    }
    return 0;
}

int
fl_hf_check(struct fl_hf_model *m)
{
    struct fl_schema want;
    struct check c = {m, &want, m->files};
    int failed = want_all(&c);

    for (size_t i = 0; !failed && i < m->layout.count; i++)
        failed = find_source(&c, i);
    for (size_t i = 0; !failed && i < fl_safetensors_count(m->files); i++)
        failed = check_place(&c, i);
    fl_schema_release(&want);
    return failed ? -1 : 0;
}
