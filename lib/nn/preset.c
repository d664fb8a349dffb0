/*
 * Shapes are rows of one table. A YAML file changes them key by key; a key that is absent reads as
 * 0, which no size may be.
 */
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

/*
 * Feed-forward parts of 8/3 channels in whole 16s, heads of 64 channels where the size allows it.
 */
/* clang-format off */
#define SHAPE(name_, T, L, C, H, K, D, F, tied_)                                                   \
    {.name = (name_), .config = {.ctx = (T), .layers = (L), .channels = (C), .heads = (H),         \
                                 .kv_heads = (K), .head_dim = (D), .ffn = (F), .tied = (tied_)}}
static const struct preset presets[] = {
    /*             ctx  layers channels heads kv_heads head_dim ffn  tied */
    SHAPE("nano",    256,  2,      64,     4,   2,       16,       176, true),
    SHAPE("micro",   512,  5,     128,     4,   2,       32,       352, true),
    SHAPE("small",  1024,  9,     384,     6,   3,       64,      1024, true),
    SHAPE("medium", 1024, 14,     576,     9,   3,       64,      1536, true),
    SHAPE("base",   2048, 20,     768,    12,   4,       64,      2048, true),
    SHAPE("large",  2048, 30,    1024,    16,   8,       64,      2816, false),
    SHAPE("xl",     2048, 22,    2048,    32,   8,       64,      5632, false),
};
/* clang-format on */

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
    const struct fl_yaml_key keys[] = {
        FL_KEY_CHOICE("preset", FL_PRESETS, &k->preset),
        FL_KEY_CHOICE("family", "llama", &k->family),
        FL_KEY_I64("vocab", 1, FL_MODEL_VOCAB_MAX, &k->vocab),
        FL_KEY_I64("ctx", 1, FL_CTX_MAX, &k->ctx),
        FL_KEY_I64("layers", 1, FL_LAYERS_MAX, &k->layers),
        FL_KEY_I64("channels", 1, FL_CHANNELS_MAX, &k->channels),
        FL_KEY_I64("heads", 1, FL_HEADS_MAX, &k->heads),
        FL_KEY_I64("kv_heads", 1, FL_HEADS_MAX, &k->kv_heads),
        FL_KEY_I64("head_dim", 2, FL_HEAD_DIM_MAX, &k->head_dim),
        FL_KEY_I64("ffn", 1, FL_FFN_MAX, &k->ffn),
        FL_KEY_CHOICE("norm", "rmsnorm", &k->norm),
        FL_KEY_F64("norm_eps", 1e-12, 1, &k->norm_eps),
        FL_KEY_F64("rope_base", 1, 1e9, &k->rope_base),
        FL_KEY_CHOICE("act", "silu", &k->act),
        FL_KEY_BOOL("tied", &k->tied, .given = &k->tied_given),
        FL_KEY_BOOL("bias", &k->bias),
        FL_KEY_END,
    };

    return fl_yaml_fill(name, map, keys);
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
