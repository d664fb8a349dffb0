/*
 * The tables. What transformers has as a default of its configuration classes is here what a
 * missing key means; a default that makes sense for one size of a model alone (hidden_size and the
 * like) is none, since a file without it is cut rather than meant so.
 */
#include "port/family.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/adapter.h"

#define SIZE(key, member, missing)                                                                 \
    {                                                                                              \
        key, offsetof(struct fl_config, member), missing                                           \
    }

/* The Llama family and those that came of it. */
#define LLAMA_SIZES(ctx_, kv_heads_, head_dim_)                                                    \
    {                                                                                              \
        SIZE("vocab_size", vocab, FL_FAMILY_REQUIRED), SIZE("max_position_embeddings", ctx, ctx_), \
            SIZE("num_hidden_layers", layers, FL_FAMILY_REQUIRED),                                 \
            SIZE("hidden_size", channels, FL_FAMILY_REQUIRED),                                     \
            SIZE("num_attention_heads", heads, FL_FAMILY_REQUIRED),                                \
            SIZE("num_key_value_heads", kv_heads, kv_heads_),                                      \
            SIZE("head_dim", head_dim, head_dim_),                                                 \
            SIZE("intermediate_size", ffn, FL_FAMILY_REQUIRED), {NULL, 0, 0},                      \
    }

static const struct fl_family_size llama_sizes[] = LLAMA_SIZES(2048, FL_FAMILY_DERIVED,
                                                               FL_FAMILY_DERIVED);
static const struct fl_family_size mistral_sizes[] = LLAMA_SIZES(131072, 8, FL_FAMILY_DERIVED);
static const struct fl_family_size qwen2_sizes[] = LLAMA_SIZES(32768, 32, FL_FAMILY_DERIVED);
static const struct fl_family_size qwen3_sizes[] = LLAMA_SIZES(32768, 32, 128);

static const struct fl_family_size gpt2_sizes[] = {
    SIZE("vocab_size", vocab, FL_FAMILY_REQUIRED),
    SIZE("n_positions", ctx, 1024),
    SIZE("n_layer", layers, FL_FAMILY_REQUIRED),
    SIZE("n_embd", channels, FL_FAMILY_REQUIRED),
    SIZE("n_head", heads, FL_FAMILY_REQUIRED),
    SIZE("n_inner", ffn, FL_FAMILY_DERIVED),
    {NULL, 0, 0},
};

static const struct fl_family_tensor gpt2_tensors[] = {
    {"wte", FL_PARAM_EMBED, false},
    {"wpe", FL_PARAM_POSITIONS, false},
    {"h.%u.ln_1", FL_PARAM_NORM1, false},
    {"h.%u.attn.c_attn", FL_PARAM_Q, true},
    {"h.%u.attn.c_attn", FL_PARAM_K, true},
    {"h.%u.attn.c_attn", FL_PARAM_V, true},
    {"h.%u.attn.c_proj", FL_PARAM_O, true},
    {"h.%u.ln_2", FL_PARAM_NORM2, false},
    {"h.%u.mlp.c_fc", FL_PARAM_UP, true},
    {"h.%u.mlp.c_proj", FL_PARAM_DOWN, true},
    {"ln_f", FL_PARAM_NORM, false},
    {"lm_head", FL_PARAM_HEAD, false},
    {NULL, 0, false},
};

#define LLAMA_FAMILY(name_, architecture_, sizes_)                                                 \
    .name = (name_), .architecture = (architecture_), .sizes = (sizes_), .eps = "rms_norm_eps",    \
    .eps_missing = 1e-6, .act = "hidden_act", .acts = "silu|-|-", .prefix = "model."

static const struct fl_family families[] = {
    {LLAMA_FAMILY("llama", "LlamaForCausalLM", llama_sizes),
     .biases = {{"attention_bias", FL_BIAS_QKV | FL_BIAS_O}, {"mlp_bias", FL_BIAS_FFN}},
     .harmless = "|pretraining_tp|"},
    {LLAMA_FAMILY("mistral", "MistralForCausalLM", mistral_sizes), .window = FL_WINDOW_ALL,
     .window_missing = 4096},
    {LLAMA_FAMILY("qwen2", "Qwen2ForCausalLM", qwen2_sizes), .fixed = {.bias = FL_BIAS_QKV},
     .window = FL_WINDOW_SWITCHED, .window_missing = 4096},
    {LLAMA_FAMILY("qwen3", "Qwen3ForCausalLM", qwen3_sizes), .fixed = {.qk_norm = true},
     .biases = {{"attention_bias", FL_BIAS_QKV | FL_BIAS_O}}, .window = FL_WINDOW_SWITCHED,
     .window_missing = 4096},
    {.name = "gpt2",
     .architecture = "GPT2LMHeadModel",
     .sizes = gpt2_sizes,
     .eps = "layer_norm_epsilon",
     .eps_missing = 1e-5,
     .act = "activation_function",
     .acts = "-|gelu|gelu_new",
     .fixed = {.norm = FL_NORM_LAYER,
               .act = FL_ACT_GELU_TANH,
               .positions = FL_POSITIONS_LEARNED,
               .bias = FL_BIAS_ALL},
     .tied = true,
     .prefix = "transformer.",
     .tensors = gpt2_tensors,
     .harmless = "|n_ctx|reorder_and_upcast_attn|summary_activation|summary_first_dropout|"
                 "summary_proj_to_labels|summary_type|summary_use_proj|"},
};

const struct fl_family *
fl_family(size_t i)
{
    return i < sizeof families / sizeof *families ? &families[i] : NULL;
}

const struct fl_family *
fl_family_find(const char *name)
{
    const struct fl_family *f;

    for (size_t i = 0; (f = fl_family(i)); i++)
        if (!strcmp(f->name, name))
            return f;
    return NULL;
}

/* The family's row for a kind of parameter, or NULL where it has the layout's own names. */
static const struct fl_family_tensor *
row_of(const struct fl_family *f, enum fl_param_kind kind)
{
    const struct fl_family_tensor *row = f->tensors;

    while (row && row->name && row->kind != kind)
        row++;
    return row && row->name ? row : NULL;
}

static void
name_of(const struct fl_family *f, const struct fl_param *p, char *text, size_t size)
{
    const struct fl_family_tensor *row = row_of(f, p->kind);

    if (!row) {
        snprintf(text, size, "%s", p->name);
        return;
    }
    snprintf(text, size, row->name, (unsigned)p->layer);
    size_t n = strlen(text);
    snprintf(text + n, size - n, p->bias ? ".bias" : ".weight");
}

void
fl_family_place(const struct fl_family *f, const struct fl_layout *layout, size_t i,
                struct fl_place *place)
{
    const struct fl_param *p = &layout->params[i];
    const struct fl_family_tensor *row = row_of(f, p->kind);
    char name[FL_FLT_NAME_MAX + 1], other[FL_FLT_NAME_MAX + 1];
    uint64_t rows = 0, dims[2];
    size_t k = i;

    *place = (struct fl_place){.turned = row && row->turned && p->rank == 2};
    name_of(f, p, name, sizeof name);
    while (k && (name_of(f, &layout->params[k - 1], other, sizeof other), !strcmp(name, other)))
        k--; /* those of one tensor are neighbours */
    for (; k < layout->count; k++) {
        name_of(f, &layout->params[k], other, sizeof other);
        if (strcmp(name, other))
            break;
        if (k == i)
            place->first = rows;
        rows += layout->params[k].dims[0];
    }
    dims[0] = place->turned ? p->dims[1] : rows;
    dims[1] = place->turned ? rows : p->dims[1];
    fl_tensor_init(&place->tensor, name, FL_F32, p->rank, dims);
}

bool
fl_family_module_name(const struct fl_family *f, unsigned module, uint32_t layer, char *text,
                      size_t size)
{
    const struct fl_module *m = fl_module(module);
    const struct fl_family_tensor *row = row_of(f, m->first);
    unsigned parts = 0, own = 0;

    if (!f->tensors) {
        snprintf(text, size, "layers.%u.%s", (unsigned)layer, m->name);
        return m->count == 1;
    }
    for (const struct fl_family_tensor *r = f->tensors; row && r->name; r++)
        if (!strcmp(r->name, row->name)) {
            parts++;
            own += r->kind >= m->first && r->kind < m->first + m->count;
        }
    if (row)
        snprintf(text, size, row->name, (unsigned)layer);
    return row && parts == own && own == m->count;
}

int
fl_family_module(const struct fl_family *f, const char *name, uint32_t *layer)
{
    char text[FL_FLT_NAME_MAX + 1];
    const char *digits = strchr(name, '.');

    if (!digits || !isdigit((unsigned char)digits[1]))
        return -1;
    unsigned long l = strtoul(digits + 1, NULL, 10);
    for (unsigned m = 0; l < FL_LAYERS_MAX && fl_module(m); m++)
        if (fl_family_module_name(f, m, (uint32_t)l, text, sizeof text) && !strcmp(text, name)) {
            *layer = (uint32_t)l;
            return (int)m;
        }
    return -1;
}

const char *
fl_family_full_name(const struct fl_family *f, const char *name, char *text, size_t size)
{
    snprintf(text, size, "%s%s", strncmp(name, "lm_head.", 8) ? f->prefix : "", name);
    return text;
}

const char *
fl_family_bare_name(const struct fl_family *f, const char *name)
{
    size_t n = strlen(f->prefix);

    return strncmp(name, f->prefix, n) ? name : name + n;
}
