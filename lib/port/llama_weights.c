/*
 * Tensors of the Llama family: each parameter that nn/model.c lists has its tensor (flt/schema),
 * and each tensor is used, or says again what another one said. Nothing is left out for another
 * reason.
 */
#include "port/llama.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "math/half.h"
#include "os/progress.h"

enum { PART = 4096 }; /* values that are compared at a time */

/* N values of f32, f16 or bf16 to f32. Returns 0, or -1 when one is not finite (as f32). */
static int
to_f32(float *out, enum fl_dtype dtype, const unsigned char *data, size_t n)
{
    int odd = 0;

    if (dtype == FL_F16)
        fl_f16_to_f32(out, data, n);
    else if (dtype == FL_BF16)
        fl_bf16_to_f32(out, data, n);
    else
        for (size_t i = 0; i < n; i++) {
            uint32_t bits = fl_get32(data + 4 * i);
            memcpy(&out[i], &bits, sizeof bits);
        }
    for (size_t i = 0; i < n; i++)
        odd |= !isfinite(out[i]);
    return odd ? -1 : 0;
}

/* Index of the tensor for a parameter: "model." before all names but the head's; -1 if missing. */
static int64_t
find_tensor(const struct fl_safetensors *s, const char *name)
{
    char full[FL_FLT_NAME_MAX + 8];

    snprintf(full, sizeof full, "model.%s", name);
    int64_t i = fl_safetensors_find(s, full);
    return i >= 0 ? i : fl_safetensors_find(s, name);
}

/* Tensor I is what RIGHT, of the model that config.json describes, may be stored as. */
static int
check_tensor(const struct fl_schema *want, const struct fl_tensor *right,
             const struct fl_safetensors *s, size_t i)
{
    return fl_schema_match_tensor(want, right, fl_safetensors_name(s), fl_safetensors_tensor(s, i),
                                  FL_SCHEMA_ANY_FLOAT);
}

static int
take_param(struct fl_model *m, const struct fl_param *p, const struct fl_safetensors *s)
{
    size_t i = (size_t)find_tensor(s, p->name);

    if (to_f32(fl_model_floats(m, p), fl_safetensors_tensor(s, i)->dtype, fl_safetensors_data(s, i),
               p->count))
        return fl_error(FL_FAILED, "%s: tensor \"%s\" has a value that is not finite",
                        fl_safetensors_name(s), p->name);
    return 0;
}

/* Tensor I is a second one for parameter number PARAM: only an equal copy is fine. */
static int
check_copy(const struct fl_schema *want, const struct fl_safetensors *s, size_t i, int64_t param,
           const char *why)
{
    const struct fl_tensor *right = &want->items[param].tensor;
    size_t own = (size_t)find_tensor(s, right->name);
    const struct fl_tensor *t = fl_safetensors_tensor(s, i), *first = fl_safetensors_tensor(s, own);
    size_t width = fl_dtype_size(t->dtype), first_width = fl_dtype_size(first->dtype);
    const unsigned char *data = fl_safetensors_data(s, i), *own_data = fl_safetensors_data(s, own);
    float a[PART], b[PART];
    uint64_t count, bytes;

    if (check_tensor(want, right, s, i) || fl_tensor_size(right, &count, &bytes))
        return -1;
    for (size_t at = 0; at < count; at += PART) {
        size_t n = fl_min(count - at, PART), k = 0;
        int odd = to_f32(a, t->dtype, data + at * width, n) |
                  to_f32(b, first->dtype, own_data + at * first_width, n);
        while (k < n && a[k] == b[k])
            k++;
        if (!odd && k == n)
            continue;
        return fl_error(FL_FAILED, "%s: tensor \"%s\" differs from \"%s\" at value %zu; %s",
                        fl_safetensors_name(s), t->name, first->name, at + (k < n ? k : 0), why);
    }
    return 0;
}

/* "layers.N.self_attn.rotary_emb.inv_freq" of a layer that is there, or the last two alone. */
static bool
is_frequencies(const char *name, const struct fl_config *c)
{
    char want[64], *end;

    if (!strncmp(name, "layers.", 7)) {
        unsigned long layer = strtoul(name + 7, &end, 10);
        snprintf(want, sizeof want, "layers.%lu.self_attn.rotary_emb.inv_freq", layer);
        return layer < c->layers && !strcmp(name, want);
    }
    return !strcmp(name, "rotary_emb.inv_freq");
}

/*
 * Stored rotary frequencies, base^(-2i/D), are computed here: they may be there, rounded to a half
 * float too (within a hundredth, and a half's step near 0). Others would be another model.
 */
static int
check_frequencies(const struct fl_schema *want, const struct fl_safetensors *s, size_t i,
                  const struct fl_config *c)
{
    uint64_t dims[1] = {c->head_dim / 2};
    struct fl_tensor right;
    const struct fl_tensor *t = fl_safetensors_tensor(s, i);
    const unsigned char *data = fl_safetensors_data(s, i);

    fl_tensor_init(&right, t->name, FL_F32, 1, dims);
    if (check_tensor(want, &right, s, i))
        return -1;
    for (size_t k = 0; k < dims[0]; k++) {
        double right_value = pow(c->rope_base, -2.0 * (double)k / c->head_dim);
        float got;
        if (to_f32(&got, t->dtype, data + k * fl_dtype_size(t->dtype), 1) ||
            fabs((double)got - right_value) > right_value / 100 + 1e-7)
            return fl_error(FL_FAILED,
                            "%s: tensor \"%s\" has other frequencies than \"rope_theta\" in "
                            "config.json gives: value %zu is not %.6g",
                            fl_safetensors_name(s), t->name, k, right_value);
    }
    return 0;
}

/* Tensor I has its place in the model; WANT has the parameters of M in their order. */
static int
check_place(const struct fl_model *m, const struct fl_schema *want, const struct fl_safetensors *s,
            size_t i)
{
    const char *name = fl_safetensors_tensor(s, i)->name;
    const char *own = strncmp(name, "model.", 6) ? name : name + 6;
    int64_t param = fl_layout_find(&m->layout, own);

    if (param >= 0)
        return find_tensor(s, own) == (int64_t)i
                   ? 0
                   : check_copy(want, s, i, param,
                                "they are two spellings of one tensor, of which one has to go");
    if (is_frequencies(own, &m->layout.config))
        return check_frequencies(want, s, i, &m->layout.config);
    if (m->layout.config.tied && !strcmp(own, "lm_head.weight"))
        return check_copy(want, s, i, fl_layout_find(&m->layout, "embed_tokens.weight"),
                          "\"tie_word_embeddings\" in config.json says that they are one; false "
                          "would be right for two");
    return fl_schema_match_tensor(want, NULL, fl_safetensors_name(s), fl_safetensors_tensor(s, i),
                                  0);
}

/* Every parameter has its tensor, of a float dtype and its shape. */
static int
check_params(const struct fl_schema *want, const struct fl_safetensors *s)
{
    for (size_t i = 0; i < want->count; i++) {
        const struct fl_tensor *right = &want->items[i].tensor;
        int64_t k = find_tensor(s, right->name);
        if (k < 0)
            return fl_schema_match_tensor(want, right, fl_safetensors_name(s), NULL, 0);
        if (check_tensor(want, right, s, (size_t)k))
            return -1;
    }
    return 0;
}

/* Every parameter has its tensor, and every tensor its place in the model. */
static int
check_tensors(const struct fl_model *m, const struct fl_safetensors *s)
{
    struct fl_schema want;
    int failed = fl_schema_start(&want, "the model of its config.json") ||
                 fl_model_schema(m, "", FL_WEIGHTS, &want) || check_params(&want, s);

    for (size_t i = 0; !failed && i < fl_safetensors_count(s); i++)
        failed = check_place(m, &want, s, i);
    fl_schema_release(&want);
    return failed ? -1 : 0;
}

struct fl_model *
fl_llama_model(const struct fl_config *config, const struct fl_safetensors *s)
{
    struct fl_model *m = fl_model_table(config);
    struct fl_progress progress;
    int bad = !m || check_tensors(m, s);

    if (!bad)
        bad = fl_model_take_memory(m);
    fl_progress_start(&progress, "reading", "B", bad ? 0 : m->layout.size * sizeof(float));
    for (size_t i = 0; !bad && i < m->layout.count; i++) {
        bad = take_param(m, &m->layout.params[i], s);
        fl_progress_show(&progress, m->layout.params[i].offset * sizeof(float), "%s",
                         fl_safetensors_name(s));
    }
    fl_progress_clear(&progress);
    if (bad) {
        fl_model_free(m);
        return NULL;
    }
    return m;
}
