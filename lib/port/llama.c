/*
 * config.json of the Llama family. A key is read, or known to change nothing that is computed here,
 * or refused because it would; what is none of these is noted, so that it does not vanish silently.
 */
#include "port/llama.h"

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "port/json_file.h"

/* Keys that are read here or in port/text_marks.c, */
#define READ                                                                                       \
    "|model_type|hidden_act|tie_word_embeddings|rope_scaling|rope_parameters|rope_theta|"          \
    "partial_rotary_factor|vocab_size|max_position_embeddings|num_hidden_layers|hidden_size|"      \
    "num_attention_heads|num_key_value_heads|head_dim|intermediate_size|rms_norm_eps|eos_token_"   \
    "id|"                                                                                          \
    "layer_types|"

/* and that say nothing about what is computed: dtypes, where it came from, how to run it. */
#define HARMLESS                                                                                   \
    "architectures|torch_dtype|dtype|transformers_version|_name_or_path|use_cache|pretraining_tp|" \
    "initializer_range|bos_token_id|pad_token_id|unk_token_id|sep_token_id|attn_implementation|"   \
    "_attn_implementation|_attn_implementation_autoset|output_attentions|output_hidden_states|"    \
    "return_dict|torchscript|original_max_position_embeddings|id2label|label2id|problem_type|"     \
    "finetuning_task|task_specific_params|tokenizer_class|chunk_size_feed_forward|"

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

/* Of type "default", under either name of that key. */
static bool
is_plain(const json_t *rope)
{
    static const char *const names[] = {"rope_type", "type"};
    size_t plain = 0;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const json_t *kind = json_object_get(rope, names[i]);
        const char *text = json_string_value(kind);
        if (kind && !(text && !strcmp(text, "default")))
            return false;
        plain += kind != NULL;
    }
    return plain > 0;
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
        if (v && !json_is_null(v) && !is_plain(v))
            return wrong(path, keys[i], "is not supported; only plain rotary positions are");
        const json_t *part = json_object_get(i ? v : config, turned);
        if (part && !json_is_null(part) && json_number_value(part) != 1)
            return wrong(path, turned, "is not supported; only 1 is");
    }
    return 0;
}

static int
check_layers(const json_t *config, const char *path)
{
    const json_t *types = json_object_get(config, "layer_types"), *type;
    size_t i;

    if (fl_json_is_unused(types))
        return 0;
    if (!json_is_array(types))
        return wrong(path, "layer_types", "is not a list");
    json_array_foreach(types, i, type)
    {
        const char *text = json_string_value(type);
        if (!text || strcmp(text, "full_attention"))
            return wrong(path, "layer_types",
                         "is not \"full_attention\" for all layers, which "
                         "alone is supported");
    }
    return 0;
}

/* Features that would change what is computed. */
static int
check_features(const json_t *config, const char *path)
{
    static const char *const refused[] = {"attention_bias",
                                          "mlp_bias",
                                          "use_bias",
                                          "qkv_bias",
                                          "quantization_config",
                                          "compression_config",
                                          "sliding_window",
                                          "use_sliding_window",
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
                                          "add_cross_attention"};
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
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (!fl_json_is_unused(json_object_get(config, refused[i])))
            return wrong(path, refused[i], "is not supported");
    return check_rope(config, path) || check_layers(config, path) ? -1 : 0;
}

static int
fill_config(struct fl_config *c, const json_t *config, const char *path)
{
    const json_t *rope = json_object_get(config, "rope_parameters");
    double base;

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
        get_number(config, path, "rope_theta", 10000, &base) ||
        get_number(rope, path, "rope_theta", base, &c->rope_base))
        return -1;
    if (json_object_get(config, "rope_theta") && c->rope_base != base)
        return wrong(path, "rope_theta",
                     "is another number within \"rope_parameters\"; they must "
                     "be the same");
    c->tied = json_is_true(json_object_get(config, "tie_word_embeddings"));
    if (fl_config_check(c)) {
        fl_error_as(FL_FAILED); /* not a matter of the command line */
        return fl_error_about(path);
    }
    return 0;
}

int
fl_llama_config(struct fl_config *c, const char *path, struct fl_buf *notes)
{
    json_t *config;

    memset(c, 0, sizeof *c);
    if (fl_json_file(path, false, &config))
        return -1;
    int result = fill_config(c, config, path) ||
                 fl_json_note_others(notes, path, config, READ HARMLESS,
                                     "not known here and not applied");
    json_decref(config);
    return result ? -1 : 0;
}
