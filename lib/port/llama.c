#include "port/llama.h"

#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "math/half.h"
#include "os/file.h"
#include "os/progress.h"

enum { CONFIG_MAX = 1 << 20 };

static int
wrong(const char *path, const char *key, const char *what)
{
    return fl_error(FL_FAILED, "%s: \"%s\" %s", path, key, what);
}

/* A whole number from 1; when it is absent or null, FALLBACK if that is not 0. */
static int
get_count(const json_t *config, const char *path, const char *key, uint32_t fallback,
          uint32_t *value)
{
    const json_t *v = json_object_get(config, key);

    if ((!v || json_is_null(v)) && fallback) {
        *value = fallback;
        return 0;
    }
    if (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > INT32_MAX)
        return wrong(path, key, "is not a positive whole number");
    *value = (uint32_t)json_integer_value(v);
    return 0;
}

static int
get_number(const json_t *config, const char *path, const char *key, double fallback, double *value)
{
    const json_t *v = json_object_get(config, key);

    *value = json_is_number(v) ? json_number_value(v) : fallback;
    if ((v && !json_is_null(v) && !json_is_number(v)) || !(*value > 0))
        return wrong(path, key, "is not a number above 0");
    return 0;
}

/*
 * Rotary positions are plain ones: the old keys are rope_theta and rope_scaling, the new one is
 * rope_parameters, which holds both.
 */
static int
check_rope(const json_t *config, const char *path)
{
    static const char *const keys[] = {"rope_scaling", "rope_parameters"};
    const char *turned = "partial_rotary_factor";

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const json_t *v = json_object_get(config, keys[i]);
        const char *kind = json_string_value(json_object_get(v, "rope_type"));
        if (v && !json_is_null(v) && !(kind && !strcmp(kind, "default")))
            return wrong(path, keys[i], "is not supported; only plain rotary positions are");
        const json_t *part = json_object_get(i ? v : config, turned);
        if (part && !json_is_null(part) && json_number_value(part) != 1)
            return wrong(path, turned, "is not supported; only 1 is");
    }
    return 0;
}

/* Features that would change what is computed. Absent, null and false are fine. */
static int
check_features(const json_t *config, const char *path)
{
    static const char *const refused[] = {"attention_bias",       "mlp_bias",
                                          "quantization_config",  "sliding_window",
                                          "attention_multiplier", "residual_multiplier",
                                          "embedding_multiplier", "logits_scaling"};
    const char *family = json_string_value(json_object_get(config, "model_type"));
    const json_t *act = json_object_get(config, "hidden_act");
    const json_t *tied = json_object_get(config, "tie_word_embeddings");

    if (!family || strcmp(family, "llama"))
        return fl_error(FL_FAILED, "%s: \"model_type\" is \"%s\"; only \"llama\" can be imported",
                        path, family ? family : "");
    if (act && !json_is_null(act) &&
        !(json_is_string(act) && !strcmp(json_string_value(act), "silu")))
        return wrong(path, "hidden_act", "is not \"silu\"");
    if (tied && !json_is_null(tied) && !json_is_boolean(tied))
        return wrong(path, "tie_word_embeddings", "is neither true nor false");
    if (check_rope(config, path))
        return -1;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const json_t *v = json_object_get(config, refused[i]);
        if (v && !json_is_null(v) && !json_is_false(v))
            return wrong(path, refused[i], "is not supported");
    }
    return 0;
}

static int
fill_config(struct fl_config *c, const json_t *config, const char *path)
{
    const json_t *rope = json_object_get(config, "rope_parameters");

    if (check_features(config, path) || get_count(config, path, "vocab_size", 0, &c->vocab) ||
        get_count(config, path, "max_position_embeddings", 2048, &c->ctx) ||
        get_count(config, path, "num_hidden_layers", 0, &c->layers) ||
        get_count(config, path, "hidden_size", 0, &c->channels) ||
        get_count(config, path, "num_attention_heads", 0, &c->heads) ||
        get_count(config, path, "num_key_value_heads", c->heads, &c->kv_heads) ||
        get_count(config, path, "head_dim", c->channels / c->heads ? c->channels / c->heads : 1,
                  &c->head_dim) ||
        get_count(config, path, "intermediate_size", 0, &c->ffn) ||
        get_number(config, path, "rms_norm_eps", 1e-6, &c->norm_eps) ||
        get_number(config, path, "rope_theta", 10000, &c->rope_base) ||
        get_number(rope, path, "rope_theta", c->rope_base, &c->rope_base))
        return -1;
    c->tied = json_is_true(json_object_get(config, "tie_word_embeddings"));
    if (fl_config_check(c))
        return fl_error(FL_FAILED, "%s: %s", path, fl_error_text());
    return 0;
}

int
fl_llama_config(struct fl_config *c, const char *path)
{
    struct fl_buf text = {0};
    json_error_t why;
    int result = -1;

    memset(c, 0, sizeof *c);
    if (fl_read_file(path, CONFIG_MAX, &text))
        return -1;
    json_t *config = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &why);
    if (!config)
        fl_error(FL_FAILED, "%s: line %d: is not JSON: %s", path, why.line, why.text);
    else
        result = fill_config(c, config, path);
    json_decref(config);
    fl_buf_release(&text);
    return result;
}

/* N values of a dtype to f32. Returns 0, or -1 when one is not finite (as f32). */
static int
to_f32(float *out, enum fl_dtype dtype, const unsigned char *data, size_t n)
{
    int odd = 0;

    if (dtype == FL_F16)
        fl_f16_to_f32(out, data, n);
    else if (dtype == FL_BF16)
        fl_bf16_to_f32(out, data, n);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = dtype == FL_F32 ? fl_get32(data + 4 * i) : 0;
        if (dtype == FL_F32)
            memcpy(&out[i], &bits, sizeof bits);
        odd |= !isfinite(out[i]);
    }
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

static int
check_param(const struct fl_param *p, const struct fl_safetensors *s)
{
    int64_t i = find_tensor(s, p->name);
    char have[80], want[80];

    if (i < 0)
        return fl_error(FL_FAILED, "%s: tensor \"%s\" is missing; does config.json belong to it?",
                        fl_safetensors_name(s), p->name);
    const struct fl_tensor *t = fl_safetensors_tensor(s, (size_t)i);
    struct fl_tensor expected;
    fl_tensor_init(&expected, p->name, t->dtype, p->rank, p->dims);
    if (!fl_tensor_same_shape(t, &expected))
        return fl_error(FL_FAILED, "%s: tensor \"%s\" is %s; config.json asks for %s",
                        fl_safetensors_name(s), p->name, fl_tensor_shape(t, have, sizeof have),
                        fl_tensor_shape(&expected, want, sizeof want));
    if (t->dtype != FL_F32 && t->dtype != FL_F16 && t->dtype != FL_BF16)
        return fl_error(FL_FAILED, "%s: tensor \"%s\" is %s; F32, F16 and BF16 are read",
                        fl_safetensors_name(s), p->name, fl_dtype_name(t->dtype));
    return 0;
}

static int
take_param(struct fl_model *m, const struct fl_param *p, const struct fl_safetensors *s)
{
    size_t i = (size_t)find_tensor(s, p->name);

    if (to_f32(m->weights + p->offset, fl_safetensors_tensor(s, i)->dtype,
               fl_safetensors_data(s, i), p->count))
        return fl_error(FL_FAILED, "%s: tensor \"%s\" has a value that is not finite",
                        fl_safetensors_name(s), p->name);
    return 0;
}

static int
ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), k = strlen(end);

    return n >= k && !strcmp(text + n - k, end);
}

/* Every parameter has its tensor, and every tensor its place in the model. */
static int
check_tensors(const struct fl_model *m, const struct fl_safetensors *s)
{
    for (size_t i = 0; i < m->param_count; i++)
        if (check_param(&m->params[i], s))
            return -1;
    for (size_t i = 0; i < fl_safetensors_count(s); i++) {
        const char *name = fl_safetensors_tensor(s, i)->name;
        const char *own = strncmp(name, "model.", 6) ? name : name + 6;
        if (fl_model_find(m, own) < 0 && !ends_with(name, "rotary_emb.inv_freq") &&
            !(m->config.tied && !strcmp(name, "lm_head.weight")))
            return fl_error(FL_FAILED, "%s: tensor \"%s\" has no place in a Llama model",
                            fl_safetensors_name(s), name);
    }
    return 0;
}

struct fl_model *
fl_llama_model(const struct fl_config *config, const struct fl_safetensors *s)
{
    struct fl_model *m = fl_model_table(config);
    struct fl_progress progress;
    int bad = !m || check_tensors(m, s);

    if (!bad) {
        m->weights = fl_alloc_aligned(m->size, sizeof *m->weights);
        bad = !m->weights;
    }
    fl_progress_start(&progress, "reading", "B", bad ? 0 : m->size * sizeof *m->weights);
    for (size_t i = 0; !bad && i < m->param_count; i++) {
        bad = take_param(m, &m->params[i], s);
        fl_progress_show(&progress, m->params[i].offset * sizeof *m->weights, "%s",
                         fl_safetensors_name(s));
    }
    fl_progress_clear(&progress);
    if (bad) {
        fl_model_free(m);
        return NULL;
    }
    return m;
}
