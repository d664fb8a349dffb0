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

static const double norm_eps = 1e-5, rope_base = 10000;

/*
 * Our own: feed-forward parts of 8/3 channels in whole 16s, heads of 64 channels where the size
 * allows it. Models that people have, by the names of their makers: their config.json.
 */
/* clang-format off */
#define SHAPE(T, L, C, H, K, D, F, tied_)                                                          \
    .ctx = (T), .layers = (L), .channels = (C), .heads = (H), .kv_heads = (K), .head_dim = (D),    \
    .ffn = (F), .tied = (tied_)
#define OURS(...)                                                                                  \
    SHAPE(__VA_ARGS__), .norm_eps = 1e-5, .rope_base = 10000
static const struct preset presets[] = {
    /*                     ctx layers channels heads kv_heads head_dim ffn  tied */
    {"nano",         {OURS(  256,  2,   64,  4,  2, 16,  176, true)}},
    {"micro",        {OURS(  512,  5,  128,  4,  2, 32,  352, true)}},
    {"small",        {OURS( 1024,  9,  384,  6,  3, 64, 1024, true)}},
    {"medium",       {OURS( 1024, 14,  576,  9,  3, 64, 1536, true)}},
    {"gpt2-124m",    {SHAPE(1024, 12,  768, 12, 12, 64, 3072, true), .norm_eps = 1e-5,
                      .norm = FL_NORM_LAYER, .act = FL_ACT_GELU_TANH,
                      .positions = FL_POSITIONS_LEARNED, .bias = FL_BIAS_ALL}},
    {"smollm2-135m", {SHAPE(8192, 30,  576,  9,  3, 64, 1536, true), .norm_eps = 1e-5,
                      .rope_base = 1e5}},
    {"base",         {OURS( 2048, 20,  768, 12,  4, 64, 2048, true)}},
    {"large",        {OURS( 2048, 30, 1024, 16,  8, 64, 2816, false)}},
    {"qwen2.5-0.5b", {SHAPE(32768, 24, 896, 14,  2, 64, 4864, true), .norm_eps = 1e-6,
                      .rope_base = 1e6, .bias = FL_BIAS_QKV}},
    {"llama3.2-1b",  {SHAPE(131072, 16, 2048, 32, 8, 64, 8192, true), .norm_eps = 1e-5,
                      .rope_base = 5e5, .rope_scaling = {FL_ROPE_LLAMA3, 32, 1, 4, 8192}}},
    {"xl",           {OURS( 2048, 22, 2048, 32,  8, 64, 5632, false)}},
};
/* clang-format on */

enum { PRESETS = sizeof presets / sizeof *presets };

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
            return 0;
        }
    return fl_choice_check(FL_PRESETS, name);
}

/* Values as YAML gives them; numbers are 0 and words NULL when they were not there. */
struct keys {
    char *preset, *family, *norm, *act, *positions, *rope_scaling;
    int64_t vocab, ctx, layers, channels, heads, kv_heads, head_dim, ffn;
    int64_t rope_dim, rope_ctx, bias, window;
    double norm_eps, rope_base, rope_factor, rope_low, rope_high;
    bool tied, tied_given, bias_given, window_given, qk_norm, qk_norm_given;
};

static void
release(struct keys *k)
{
    free(k->preset);
    free(k->family);
    free(k->norm);
    free(k->act);
    free(k->positions);
    free(k->rope_scaling);
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
        FL_KEY_I64("head_dim", 1, FL_HEAD_DIM_MAX, &k->head_dim),
        FL_KEY_I64("ffn", 1, FL_FFN_MAX, &k->ffn),
        FL_KEY_CHOICE("norm", FL_NORM_WORDS, &k->norm),
        FL_KEY_F64("norm_eps", 1e-12, 1, &k->norm_eps),
        FL_KEY_CHOICE("positions", FL_POSITIONS_WORDS, &k->positions),
        FL_KEY_F64("rope_base", 1, 1e12, &k->rope_base),
        FL_KEY_I64("rope_dim", 2, FL_HEAD_DIM_MAX, &k->rope_dim),
        FL_KEY_CHOICE("rope_scaling", FL_ROPE_SCALING_WORDS, &k->rope_scaling),
        FL_KEY_F64("rope_factor", 1e-6, 1e6, &k->rope_factor),
        FL_KEY_F64("rope_low", 1e-6, 1e6, &k->rope_low),
        FL_KEY_F64("rope_high", 1e-6, 1e6, &k->rope_high),
        FL_KEY_I64("rope_ctx", 1, FL_CTX_MAX, &k->rope_ctx),
        FL_KEY_CHOICE("act", FL_ACT_WORDS, &k->act),
        FL_KEY_I64("bias", 0, FL_BIAS_ALL, &k->bias, .given = &k->bias_given),
        FL_KEY_BOOL("qk_norm", &k->qk_norm, .given = &k->qk_norm_given),
        FL_KEY_I64("window", 0, FL_CTX_MAX, &k->window, .given = &k->window_given),
        FL_KEY_BOOL("tied", &k->tied, .given = &k->tied_given),
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

/* Positions, and what is said of rotary ones: what does not go together is found by the check. */
static void
apply_positions(struct fl_config *c, const struct keys *k)
{
    struct fl_rope_scaling *s = &c->rope_scaling;

    if (k->positions)
        c->positions = (enum fl_positions)fl_choice_find(FL_POSITIONS_WORDS, k->positions);
    if (k->rope_base > 0)
        c->rope_base = k->rope_base;
    else if (c->positions == FL_POSITIONS_LEARNED)
        c->rope_base = 0;
    else if (!(c->rope_base > 0))
        c->rope_base = rope_base;
    override(&c->rope_dim, k->rope_dim);
    if (k->rope_scaling)
        *s = (struct fl_rope_scaling){
            .kind = (enum fl_rope_kind)fl_choice_find(FL_ROPE_SCALING_WORDS, k->rope_scaling)};
    if (k->rope_factor > 0)
        s->factor = k->rope_factor;
    if (k->rope_low > 0)
        s->low = k->rope_low;
    if (k->rope_high > 0)
        s->high = k->rope_high;
    override(&s->ctx, k->rope_ctx);
}

static void
apply_switches(struct fl_config *c, const struct keys *k)
{
    if (k->norm)
        c->norm = (enum fl_norm_kind)fl_choice_find(FL_NORM_WORDS, k->norm);
    if (k->norm_eps > 0)
        c->norm_eps = k->norm_eps;
    if (k->act)
        c->act = (enum fl_act)fl_choice_find(FL_ACT_WORDS, k->act);
    if (k->bias_given)
        c->bias = (unsigned)k->bias;
    if (k->qk_norm_given)
        c->qk_norm = k->qk_norm;
    if (k->window_given)
        c->window = (uint32_t)k->window;
    if (k->tied_given)
        c->tied = k->tied;
}

static int
apply(struct fl_config *c, const struct keys *k)
{
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
    apply_positions(c, k);
    apply_switches(c, k);
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
