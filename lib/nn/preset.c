#include "nn/preset.h"

#include <stdlib.h>
#include <string.h>

#include "base/choice.h"
#include "base/error.h"
#include "conf/yaml.h"
#include "os/file.h"

struct preset {
    const char *name;
    struct fl_config config;
};

/* Feed-forward parts of 8/3 channels in whole 16s, heads of 64 channels where the size allows it.
 */
static const struct preset presets[] = {
    {"nano",
     {.ctx = 256,
      .layers = 2,
      .channels = 64,
      .heads = 4,
      .kv_heads = 2,
      .head_dim = 16,
      .ffn = 176,
      .tied = true}},
    {"micro",
     {.ctx = 512,
      .layers = 5,
      .channels = 128,
      .heads = 4,
      .kv_heads = 2,
      .head_dim = 32,
      .ffn = 352,
      .tied = true}},
    {"small",
     {.ctx = 1024,
      .layers = 9,
      .channels = 384,
      .heads = 6,
      .kv_heads = 3,
      .head_dim = 64,
      .ffn = 1024,
      .tied = true}},
    {"medium",
     {.ctx = 1024,
      .layers = 14,
      .channels = 576,
      .heads = 9,
      .kv_heads = 3,
      .head_dim = 64,
      .ffn = 1536,
      .tied = true}},
    {"base",
     {.ctx = 2048,
      .layers = 20,
      .channels = 768,
      .heads = 12,
      .kv_heads = 4,
      .head_dim = 64,
      .ffn = 2048,
      .tied = true}},
    {"large",
     {.ctx = 2048,
      .layers = 30,
      .channels = 1024,
      .heads = 16,
      .kv_heads = 8,
      .head_dim = 64,
      .ffn = 2816,
      .tied = false}},
    {"xl",
     {.ctx = 2048,
      .layers = 22,
      .channels = 2048,
      .heads = 32,
      .kv_heads = 8,
      .head_dim = 64,
      .ffn = 5632,
      .tied = false}},
};

enum { PRESETS = sizeof presets / sizeof *presets };

static const double norm_eps = 1e-5, rope_base = 10000;

const char *
fl_preset_name(unsigned i)
{
    return i < PRESETS ? presets[i].name : NULL;
}

int
fl_config_preset(struct fl_config *c, const char *name)
{
    uint32_t vocab = c->vocab;

    for (size_t i = 0; i < PRESETS; i++)
        if (!strcmp(presets[i].name, name)) {
            *c = presets[i].config;
            c->vocab = vocab;
            c->norm_eps = norm_eps;
            c->rope_base = rope_base;
            return 0;
        }
    return fl_choice_check(FL_PRESETS, name);
}

/* Values as YAML gives them; numbers are 0 when they were not there. */
struct keys {
    char *preset, *family, *norm, *act;
    int64_t vocab, ctx, layers, channels, heads, kv_heads, head_dim, ffn;
    double norm_eps, rope_base;
    bool tied, tied_given, bias;
};

static void
release(struct keys *k)
{
    free(k->preset);
    free(k->family);
    free(k->norm);
    free(k->act);
}

static int
fill(const char *name, const struct fl_yaml *map, struct keys *k)
{
    const struct fl_field fields[] = {
        {"preset", FL_FIELD_CHOICE, &k->preset, 0, 0, FL_PRESETS, NULL},
        {"family", FL_FIELD_CHOICE, &k->family, 0, 0, "llama", NULL},
        {"vocab", FL_FIELD_I64, &k->vocab, 1, FL_MODEL_VOCAB_MAX, NULL, NULL},
        {"ctx", FL_FIELD_I64, &k->ctx, 1, FL_CTX_MAX, NULL, NULL},
        {"layers", FL_FIELD_I64, &k->layers, 1, FL_LAYERS_MAX, NULL, NULL},
        {"channels", FL_FIELD_I64, &k->channels, 1, FL_CHANNELS_MAX, NULL, NULL},
        {"heads", FL_FIELD_I64, &k->heads, 1, FL_HEADS_MAX, NULL, NULL},
        {"kv_heads", FL_FIELD_I64, &k->kv_heads, 1, FL_HEADS_MAX, NULL, NULL},
        {"head_dim", FL_FIELD_I64, &k->head_dim, 2, FL_HEAD_DIM_MAX, NULL, NULL},
        {"ffn", FL_FIELD_I64, &k->ffn, 1, FL_FFN_MAX, NULL, NULL},
        {"norm", FL_FIELD_CHOICE, &k->norm, 0, 0, "rmsnorm", NULL},
        {"norm_eps", FL_FIELD_F64, &k->norm_eps, 1e-12, 1, NULL, NULL},
        {"rope_base", FL_FIELD_F64, &k->rope_base, 1, 1e9, NULL, NULL},
        {"act", FL_FIELD_CHOICE, &k->act, 0, 0, "silu", NULL},
        {"tied", FL_FIELD_BOOL, &k->tied, 0, 0, NULL, &k->tied_given},
        {"bias", FL_FIELD_BOOL, &k->bias, 0, 0, NULL, NULL},
        {.type = FL_FIELD_END},
    };

    return fl_yaml_fill(name, map, fields);
}

static void
override(uint32_t *to, int64_t value)
{
    if (value)
        *to = (uint32_t)value;
}

static int
apply(struct fl_config *c, const struct keys *k)
{
    if (k->bias)
        return fl_error(FL_USAGE, "bias: must be false; layers of this family have none");
    *c = (struct fl_config){.norm_eps = norm_eps, .rope_base = rope_base, .tied = true};
    if (k->preset) {
        if (fl_config_preset(c, k->preset))
            return -1;
    } else {
        if (!k->layers || !k->channels || !k->heads)
            return fl_error(FL_USAGE, "needs layers, channels and heads, or a preset");
        c->ctx = 1024;
        c->kv_heads = (uint32_t)k->heads;
        c->head_dim = (uint32_t)(k->channels / k->heads);
        c->ffn = (uint32_t)((k->channels * 8 / 3 + 31) / 32 * 32);
    }
    override(&c->vocab, k->vocab);
    override(&c->ctx, k->ctx);
    override(&c->layers, k->layers);
    override(&c->channels, k->channels);
    override(&c->heads, k->heads);
    override(&c->kv_heads, k->kv_heads);
    override(&c->head_dim, k->head_dim);
    override(&c->ffn, k->ffn);
    if (k->norm_eps > 0)
        c->norm_eps = k->norm_eps;
    if (k->rope_base > 0)
        c->rope_base = k->rope_base;
    if (k->tied_given)
        c->tied = k->tied;
    return 0;
}

int
fl_config_read(struct fl_config *c, const char *path, uint32_t vocab)
{
    const char *name = fl_input_name(path);
    struct fl_yaml *map = fl_yaml_read(path);
    struct keys k = {0};
    int result = -1;

    if (map && !fill(name, map, &k)) {
        if (!k.vocab)
            k.vocab = vocab;
        if (k.vocab < vocab)
            fl_yaml_error(name, fl_yaml_get(map, "vocab"),
                          "vocab: is smaller than the tokenizer's %lu ids", (unsigned long)vocab);
        else if (apply(c, &k) || fl_config_check(c))
            fl_error_about(name);
        else
            result = 0;
    }
    release(&k);
    fl_yaml_free(map);
    return result;
}
