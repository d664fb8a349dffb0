/*
 * Every key of config.json is in one of three lists: read here, harmless, or refused. The lists are
 * of all families; what one of them lays down for itself is its row in port/family.c.
 */
#include "port/hf_config.h"

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/choice.h"
#include "base/error.h"
#include "port/json_file.h"

/* Keys that all families have and that are read here or in port/text_marks.c, */
#define READ                                                                                       \
    "|model_type|tie_word_embeddings|rope_scaling|rope_parameters|rope_theta|"                     \
    "partial_rotary_factor|eos_token_id|layer_types|sliding_window|use_sliding_window|"            \
    "max_window_layers|scale_attn_weights|"

/* and that say nothing about what is computed: dtypes, where it came from, how to run it. */
#define HARMLESS                                                                                   \
    "architectures|torch_dtype|dtype|transformers_version|_name_or_path|use_cache|"                \
    "initializer_range|bos_token_id|pad_token_id|unk_token_id|sep_token_id|attn_implementation|"   \
    "_attn_implementation|_attn_implementation_autoset|output_attentions|output_hidden_states|"    \
    "return_dict|torchscript|original_max_position_embeddings|id2label|label2id|problem_type|"     \
    "finetuning_task|task_specific_params|tokenizer_class|chunk_size_feed_forward|auto_map|"

/* A file being read. */
struct reading {
    const json_t *file;
    const char *name;
    const struct fl_family *family;
    struct fl_config *c;
};

static int
wrong(const struct reading *r, const char *key, const char *what)
{
    return fl_error(FL_FAILED, "%s: \"%s\" %s", r->name, key, what);
}

static const json_t *
get(const struct reading *r, const char *key)
{
    return json_object_get(r->file, key);
}

static bool
is_absent(const json_t *v)
{
    return !v || json_is_null(v);
}

/* A whole number from 1, or MISSING without an error when the key is absent and that is allowed. */
static int
get_size(const struct reading *r, const char *key, uint32_t missing, uint32_t *value)
{
    const json_t *v = get(r, key);

    *value = v ? FL_FAMILY_DERIVED : missing; /* null is what the others say of it */
    if (is_absent(v) && missing != FL_FAMILY_REQUIRED)
        return 0;
    if (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > INT32_MAX)
        return wrong(r, key, "is not a positive whole number");
    *value = (uint32_t)json_integer_value(v);
    return 0;
}

static int
get_number(const struct reading *r, const json_t *object, const char *key, double missing,
           double *value)
{
    const json_t *v = json_object_get(object, key);

    *value = json_is_number(v) ? json_number_value(v) : missing;
    if ((!is_absent(v) && !json_is_number(v)) || !(*value > 0))
        return wrong(r, key, "is not a number above 0");
    return 0;
}

static int
get_flag(const struct reading *r, const char *key, bool missing, bool *value)
{
    const json_t *v = get(r, key);

    *value = is_absent(v) ? missing : json_is_true(v);
    return is_absent(v) || json_is_boolean(v) ? 0 : wrong(r, key, "is neither true nor false");
}

static int
read_sizes(const struct reading *r)
{
    struct fl_config *c = r->c;

    for (const struct fl_family_size *s = r->family->sizes; s->key; s++) {
        uint32_t value;
        if (get_size(r, s->key, s->missing, &value))
            return -1;
        memcpy((char *)c + s->member, &value, sizeof value);
    }
    if (c->ctx == FL_FAMILY_DERIVED)
        return wrong(r, r->family->sizes[1].key, "is not a positive whole number");
    if (!c->kv_heads || c->kv_heads == FL_FAMILY_DERIVED)
        c->kv_heads = c->heads;
    if (!c->ffn || c->ffn == FL_FAMILY_DERIVED)
        c->ffn = c->channels <= FL_CHANNELS_MAX ? 4 * c->channels : c->channels;
    if (c->head_dim && c->head_dim != FL_FAMILY_DERIVED)
        return 0;
    c->head_dim = c->channels / c->heads;
    if (!c->head_dim || c->channels % c->heads)
        return fl_error(FL_FAILED,
                        "%s: the %lu channels are no multiple of the %lu attention heads, and no "
                        "\"head_dim\" says what is meant",
                        r->name, (unsigned long)c->channels, (unsigned long)c->heads);
    return 0;
}

static int
read_act(const struct reading *r)
{
    const json_t *v = get(r, r->family->act);
    const char *word = json_string_value(v), *acts = r->family->acts;
    char known[32], what[96];

    if (is_absent(v))
        return 0;
    if (word && !strcmp(word, "swish"))
        word = "silu";
    if (word && !strcmp(word, "gelu_pytorch_tanh"))
        word = "gelu_new";
    int act = word && strcmp(word, "-") ? fl_choice_find(acts, word) : -1;
    if (act >= 0) {
        r->c->act = (enum fl_act)act;
        return 0;
    }
    fl_choice_word(acts, (int)r->family->fixed.act, known, sizeof known);
    snprintf(what, sizeof what, "is not \"%s\", or another that %s models have here", known,
             r->family->name);
    return wrong(r, r->family->act, what);
}

/* "rope_type", or its older name "type"; NULL when they are no text, or two. */
static const char *
rope_type(const json_t *rope)
{
    const json_t *now = json_object_get(rope, "rope_type"), *old = json_object_get(rope, "type");
    const char *type = json_string_value(now ? now : old), *other = json_string_value(old);

    if (!now && !old && json_object_get(rope, "rope_theta") && !json_object_get(rope, "factor"))
        return "default"; /* what version 5 takes it for */
    return type && (!now || !old || (other && !strcmp(type, other))) ? type : NULL;
}

/* ROPE, an object under KEY, says how frequencies are scaled. */
static int
read_scaling(const struct reading *r, const char *key, const json_t *rope,
             struct fl_rope_scaling *s)
{
    const char *type = rope_type(rope), *before = "original_max_position_embeddings";
    double ctx;

    *s = (struct fl_rope_scaling){0};
    if (type && !strcmp(type, "default"))
        return 0;
    if (!type || (strcmp(type, "linear") && strcmp(type, "llama3")))
        return wrong(r, key,
                     "is not of type \"default\", \"linear\" or \"llama3\"; no other is supported");
    s->kind = !strcmp(type, "linear") ? FL_ROPE_LINEAR : FL_ROPE_LLAMA3;
    if (get_number(r, rope, "factor", 0, &s->factor))
        return -1;
    if (s->kind == FL_ROPE_LINEAR)
        return 0;
    if (get_number(r, rope, "low_freq_factor", 0, &s->low) ||
        get_number(r, rope, "high_freq_factor", 0, &s->high) ||
        get_number(r, rope, before, json_number_value(get(r, before)), &ctx))
        return -1;
    if (ctx > FL_CTX_MAX || floor(ctx) != ctx)
        return wrong(r, before, "is not a whole number up to 1048576");
    s->ctx = (uint32_t)ctx;
    return 0;
}

static bool
same_scaling(const struct fl_rope_scaling *a, const struct fl_rope_scaling *b)
{
    return a->kind == b->kind && a->factor == b->factor && a->low == b->low && a->high == b->high &&
           a->ctx == b->ctx;
}

/* How much of a head is turned: "partial_rotary_factor", in the file or within ROPE. */
static int
read_part(const struct reading *r, const json_t *rope)
{
    const char *key = "partial_rotary_factor";
    const json_t *within = json_object_get(rope, key), *without = get(r, key);
    double part, other;

    if (get_number(r, r->file, key, 1, &other) || get_number(r, rope, key, other, &part))
        return -1;
    if (!is_absent(within) && !is_absent(without) && part != other)
        return wrong(r, key, "is another number within \"rope_parameters\"; they must be the same");
    if (part > 1)
        return wrong(r, key, "is above 1");
    if (part < 1)
        r->c->rope_dim = (uint32_t)((double)r->c->head_dim * part);
    if (part < 1 && !r->c->rope_dim)
        return wrong(r, key, "leaves no channel of a head that is turned");
    return 0;
}

/*
 * The keys of version 4 are rope_theta and rope_scaling; that of version 5 is rope_parameters,
 * which holds both.
 */
static int
read_rope(const struct reading *r)
{
    const json_t *old = get(r, "rope_scaling"), *rope = get(r, "rope_parameters");
    struct fl_rope_scaling before, *now = &r->c->rope_scaling;
    double base;

    if (!is_absent(old) && read_scaling(r, "rope_scaling", old, now))
        return -1;
    before = *now;
    if (!is_absent(rope) && read_scaling(r, "rope_parameters", rope, now))
        return -1;
    if (!is_absent(old) && !is_absent(rope) && !same_scaling(&before, now))
        return wrong(r, "rope_parameters",
                     "says another thing than \"rope_scaling\"; one has to go");
    if (get_number(r, r->file, "rope_theta", 10000, &base) ||
        get_number(r, rope, "rope_theta", base, &r->c->rope_base))
        return -1;
    if (!is_absent(get(r, "rope_theta")) && r->c->rope_base != base)
        return wrong(r, "rope_theta",
                     "is another number within \"rope_parameters\"; they must be the same");
    return read_part(r, rope);
}

/* 1 when layer I has a window, 0 when not, -1 when "layer_types" says neither. */
static int
has_window(const json_t *types, size_t i)
{
    const char *type = json_string_value(json_array_get(types, i));

    if (type && !strcmp(type, "sliding_attention"))
        return 1;
    return type && !strcmp(type, "full_attention") ? 0 : -1;
}

/* "layer_types" against what the window's own keys say: WINDOWED of the first layer and all. */
static int
read_layers(const struct reading *r, const json_t *types, bool *windowed)
{
    if (!json_is_array(types) || json_array_size(types) != r->c->layers)
        return wrong(r, "layer_types", "is not a list with one word for each layer");
    for (size_t i = 0; i < r->c->layers; i++) {
        int has = has_window(types, i);
        if (has < 0)
            return wrong(r, "layer_types",
                         "has another word than \"full_attention\" and \"sliding_attention\", "
                         "which alone are supported");
        if (has != has_window(types, 0))
            return wrong(r, "layer_types",
                         "is not the same for all layers, which alone is supported");
        *windowed = has == 1;
    }
    return 0;
}

/* "max_window_layers": the first so many layers see everything. */
static int
read_switch(const struct reading *r, bool *windowed)
{
    const json_t *from = get(r, "max_window_layers");
    json_int_t first = json_is_integer(from) ? json_integer_value(from) : 28;

    if (get_flag(r, "use_sliding_window", false, windowed))
        return -1;
    if (!is_absent(from) && (!json_is_integer(from) || first < 0))
        return wrong(r, "max_window_layers", "is not a whole number");
    if (!*windowed || !fl_json_is_unused(get(r, "layer_types")))
        return 0;
    if (first > 0 && first < (json_int_t)r->c->layers)
        return wrong(r, "max_window_layers",
                     "gives a window to some layers and not to others; all or none are supported");
    *windowed = first == 0;
    return 0;
}

/* A window that "layer_types" has, and the key that switches it, say the same: SWITCHED is that. */
static int
check_switch(const struct reading *r, bool switched, bool windowed)
{
    if (r->family->window == FL_WINDOW_ALL && switched && !windowed)
        return wrong(r, "layer_types",
                     "has no windows, and \"sliding_window\" is one; null would be "
                     "right for none");
    if (r->family->window == FL_WINDOW_SWITCHED && windowed && !switched)
        return wrong(r, "layer_types",
                     "has windows, and \"use_sliding_window\" is not true; one of "
                     "them has to change");
    return 0;
}

static int
read_window(const struct reading *r)
{
    const json_t *types = get(r, "layer_types"), *window = get(r, "sliding_window");
    enum fl_family_window rule = r->family->window;
    bool windowed = rule == FL_WINDOW_ALL && !json_is_null(window);

    if (rule == FL_WINDOW_NONE &&
        !(fl_json_is_unused(window) && fl_json_is_unused(get(r, "use_sliding_window"))))
        return wrong(r, fl_json_is_unused(window) ? "use_sliding_window" : "sliding_window",
                     "is not supported in models of this family");
    if (rule == FL_WINDOW_SWITCHED && read_switch(r, &windowed))
        return -1;
    bool switched = windowed;
    if (!fl_json_is_unused(types) &&
        (read_layers(r, types, &windowed) || check_switch(r, switched, windowed)))
        return -1;
    if (!windowed)
        return 0;
    if (get_size(r, "sliding_window", r->family->window_missing, &r->c->window))
        return -1;
    return r->c->window == FL_FAMILY_DERIVED ? wrong(r, "sliding_window", "is null, and used") : 0;
}

/* Features that would change what is computed. */
static int
check_features(const struct reading *r)
{
    static const char *const refused[] = {"attention_bias",
                                          "mlp_bias",
                                          "use_bias",
                                          "qkv_bias",
                                          "quantization_config",
                                          "compression_config",
                                          "attention_chunk_size",
                                          "no_rope_layers",
                                          "attention_multiplier",
                                          "residual_multiplier",
                                          "embedding_multiplier",
                                          "logits_scaling",
                                          "logit_scale",
                                          "attn_logit_softcapping",
                                          "query_pre_attn_scalar",
                                          "final_logit_softcapping",
                                          "clip_qkv",
                                          "qk_norm",
                                          "use_qk_norm",
                                          "qk_layernorm",
                                          "use_parallel_residual",
                                          "alibi",
                                          "num_experts",
                                          "num_local_experts",
                                          "n_routed_experts",
                                          "num_experts_per_tok",
                                          "kv_lora_rank",
                                          "rope_interleave",
                                          "pruned_heads",
                                          "is_encoder_decoder",
                                          "scale_attn_by_inverse_layer_idx",
                                          "add_cross_attention"};
    bool scaled;

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        bool own = false;
        for (size_t k = 0; k < 2; k++)
            own |= r->family->biases[k].key && !strcmp(r->family->biases[k].key, refused[i]);
        if (!own && !fl_json_is_unused(get(r, refused[i])))
            return wrong(r, refused[i], "is not supported");
    }
    if (get_flag(r, "scale_attn_weights", true, &scaled))
        return -1;
    return scaled ? 0 : wrong(r, "scale_attn_weights", "is false, which is not supported");
}

static int
read_biases(const struct reading *r)
{
    for (size_t i = 0; i < 2 && r->family->biases[i].key; i++) {
        bool has;
        if (get_flag(r, r->family->biases[i].key, false, &has))
            return -1;
        r->c->bias |= has ? r->family->biases[i].bias : 0;
    }
    return 0;
}

static int
find_family(struct reading *r)
{
    const json_t *v = get(r, "model_type");
    const struct fl_family *f;
    char known[160] = "";
    size_t n = 0;

    if (json_is_string(v) && (r->family = fl_family_find(json_string_value(v))))
        return 0;
    for (size_t i = 0; (f = fl_family(i)) && n < sizeof known; i++)
        n += (size_t)snprintf(known + n, sizeof known - n, "%s\"%s\"",
                              !i                 ? ""
                              : fl_family(i + 1) ? ", "
                                                 : " and ",
                              f->name);
    return fl_error(FL_FAILED, "%s: \"model_type\" is %s%.60s%s; only %s can be imported", r->name,
                    json_is_string(v) ? "\"" : "",
                    json_is_string(v) ? json_string_value(v)
                    : v               ? "no text"
                                      : "missing",
                    json_is_string(v) ? "\"" : "", known);
}

static int
read_all(struct reading *r)
{
    const struct fl_family *f;

    if (find_family(r))
        return -1;
    f = r->family;
    *r->c = f->fixed;
    return check_features(r) || read_sizes(r) || read_act(r) || read_biases(r) ||
                   get_number(r, r->file, f->eps, f->eps_missing, &r->c->norm_eps) ||
                   get_flag(r, "tie_word_embeddings", f->tied, &r->c->tied) ||
                   (f->fixed.positions == FL_POSITIONS_ROTARY && read_rope(r)) || read_window(r)
               ? -1
               : 0;
}

/* Notes of keys that are in no list. */
static int
note_others(const struct reading *r, struct fl_buf *notes)
{
    const struct fl_family *f = r->family;
    struct fl_buf known = {0};
    int result = fl_buf_add_text(&known, READ HARMLESS) ||
                 fl_buf_printf(&known, "%s|%s|", f->eps, f->act) ||
                 (f->harmless && fl_buf_add_text(&known, f->harmless));

    for (const struct fl_family_size *s = f->sizes; !result && s->key; s++)
        result = fl_buf_printf(&known, "%s|", s->key);
    for (size_t i = 0; !result && i < 2 && f->biases[i].key; i++)
        result = fl_buf_printf(&known, "%s|", f->biases[i].key);
    if (!result)
        result = fl_json_note_others(notes, r->name, r->file, fl_buf_text(&known),
                                     "not known here and not applied");
    fl_buf_release(&known);
    return result ? -1 : 0;
}

int
fl_hf_config(const struct fl_family **family, struct fl_config *c, const json_t *file,
             const char *name, struct fl_buf *notes)
{
    struct reading r = {.file = file, .name = name, .c = c};

    memset(c, 0, sizeof *c);
    if (read_all(&r))
        return -1;
    if (fl_config_check(c)) {
        fl_error_as(FL_FAILED); /* not a matter of the command line */
        return fl_error_about(name);
    }
    *family = r.family;
    return note_others(&r, notes);
}
