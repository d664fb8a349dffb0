/*
 * PEFT puts "base_model.model." before a model's own names, and its file says nothing of the model:
 * the family is found by the names of the maps.
 */
#include "port/peft.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/number.h"
#include "flt/values.h"
#include "nn/model.h"
#include "os/file.h"
#include "port/hf_folder.h"
#include "port/json_file.h"
#include "port/peft_names.h"

/* Keys that are read, or that say nothing about what is computed once the weights are there. */
#define KNOWN                                                                                      \
    "|peft_type|task_type|base_model_name_or_path|r|lora_alpha|target_modules|use_rslora|"         \
    "fan_in_fan_out|inference_mode|init_lora_weights|rank_pattern|revision|auto_mapping|"          \
    "peft_version|layers_to_transform|layers_pattern|exclude_modules|bias|ensure_weight_tying|"    \
    "megatron_core|runtime_config|lora_dropout|"

bool
fl_peft_is_folder(const char *dir)
{
    char path[FL_PORT_PATH];
    struct stat st;

    if (snprintf(path, sizeof path, "%s/" FL_PEFT_CONFIG, dir) >= FL_PORT_PATH || lstat(path, &st))
        return false;
    snprintf(path, sizeof path, "%s/config.json", dir); /* beside a model it is a change of that */
    return lstat(path, &st) != 0;
}

static int
wrong(const char *path, const char *key, const char *what)
{
    return fl_error(FL_FAILED, "%s: \"%s\" %s", path, key, what);
}

/* Ways to begin that leave the base as it is; others move a part of it into A and B. */
static bool
begins_beside(const json_t *init)
{
    static const char *const known[] = {"gaussian", "eva", "orthogonal"};
    const char *text = json_string_value(init);

    for (size_t i = 0; text && i < sizeof known / sizeof *known; i++)
        if (!strcmp(text, known[i]))
            return true;
    return !init || json_is_null(init) || json_is_boolean(init);
}

/* Features that would change what is computed. */
static int
check_features(const json_t *config, const char *path)
{
    static const char *const refused[] = {"use_dora",
                                          "use_qalora",
                                          "lora_bias",
                                          "alpha_pattern",
                                          "modules_to_save",
                                          "layer_replication",
                                          "target_parameters",
                                          "trainable_token_indices",
                                          "alora_invocation_tokens",
                                          "arrow_config",
                                          "megatron_config"};
    const char *type = json_string_value(json_object_get(config, "peft_type"));
    const char *bias = json_string_value(json_object_get(config, "bias"));

    if (!type || strcmp(type, "LORA"))
        return wrong(path, "peft_type", "is not \"LORA\", the one kind that is read");
    if (bias && strcmp(bias, "none"))
        return wrong(path, "bias", "is not \"none\"; trained biases are not supported");
    if (!begins_beside(json_object_get(config, "init_lora_weights")))
        return wrong(path, "init_lora_weights",
                     "is of a way to begin that changes the weights of the model, so that the "
                     "adapter is not one of the model itself; let PEFT convert it when it saves");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (!fl_json_is_unused(json_object_get(config, refused[i])))
            return wrong(path, refused[i], "is not supported");
    return 0;
}

static int
read_config(struct fl_peft *p, const char *path, const json_t *config, int64_t *rank)
{
    const json_t *r = json_object_get(config, "r"), *alpha = json_object_get(config, "lora_alpha");
    const json_t *rslora = json_object_get(config, "use_rslora");
    const json_t *dropout = json_object_get(config, "lora_dropout");

    if (check_features(config, path))
        return -1;
    if (!json_is_integer(r) || json_integer_value(r) < 1 ||
        json_integer_value(r) > FL_ADAPTER_RANK_MAX)
        return wrong(path, "r", "is not a whole number from 1 to 4096");
    if (!json_is_number(alpha) || !(json_number_value(alpha) > 0))
        return wrong(path, "lora_alpha", "is not a number above 0");
    if (rslora && !json_is_null(rslora) && !json_is_boolean(rslora))
        return wrong(path, "use_rslora", "is neither true nor false");
    *rank = fl_json_is_unused(json_object_get(config, "rank_pattern")) ? json_integer_value(r) : 0;
    p->adapter.alpha = json_number_value(alpha);
    p->adapter.rslora = json_is_true(rslora);
    if (!fl_json_is_unused(dropout) &&
        fl_buf_printf(&p->notes, "%s: \"lora_dropout\" is not taken over; there is none here\n",
                      path))
        return -1;
    return fl_json_note_others(&p->notes, path, config, KNOWN, "not known here and not applied");
}

/* The family whose name of a map tensor I's is, with the map and which of its two; 0: none. */
static char
parse_tensor(const struct fl_peft *p, const struct fl_family *f, size_t i,
             struct fl_adapter_map *map)
{
    char module[FL_FLT_NAME_MAX + 1], which;
    const char *name = fl_safetensors_tensor(p->file, i)->name;

    if (!fl_peft_parse_name(name, f, module, sizeof module, &which))
        return 0;
    int found = fl_family_module(f, module, &map->layer);
    map->module = (unsigned)found;
    return found < 0 ? 0 : which;
}

static int
wrong_tensor(const struct fl_peft *p, const struct fl_tensor *t, const char *what)
{
    char shape[96];

    return fl_error(FL_FAILED, "%s: tensor \"%s\", %s, %s", fl_safetensors_name(p->file), t->name,
                    fl_tensor_shape(t, shape, sizeof shape), what);
}

/* Tensor I is the A or the B of a map; its partner is there and of one rank with it. */
static int
read_tensor(struct fl_peft *p, size_t i, int64_t rank)
{
    const struct fl_tensor *t = fl_safetensors_tensor(p->file, i), *other;
    struct fl_adapter_map map;
    char which = parse_tensor(p, p->family, i, &map), name[FL_FLT_NAME_MAX + 1];

    if (!which)
        return wrong_tensor(p, t, "is of no map that can have an adapter here");
    if (t->rank != 2 || !fl_dtype_is_float(t->dtype) || t->dtype == FL_F64)
        return wrong_tensor(p, t, "is no matrix of f32, f16 or bf16");
    fl_peft_name(p->family, map.module, map.layer, which == 'A' ? 'B' : 'A', name, sizeof name);
    int64_t k = fl_safetensors_find(p->file, name);
    if (k < 0)
        return wrong_tensor(p, t,
                            which == 'A' ? "has no lora_B beside it" : "has no lora_A beside it");
    if (which == 'B')
        return 0;
    other = fl_safetensors_tensor(p->file, (size_t)k);
    if (!t->dims[0] || !t->dims[1] || t->dims[0] > FL_ADAPTER_RANK_MAX ||
        (rank && t->dims[0] != (uint64_t)rank))
        return wrong_tensor(p, t, "is not of the rank that " FL_PEFT_CONFIG " says");
    if (other->rank != 2 || other->dims[1] != t->dims[0] || !other->dims[0])
        return wrong_tensor(p, other, "is not of the rank of its lora_A");
    map.rank = (uint32_t)t->dims[0];
    map.in = t->dims[1];
    map.out = other->dims[0];
    return fl_adapter_add(&p->adapter, &map);
}

static int
find_family(struct fl_peft *p)
{
    struct fl_adapter_map map;
    const struct fl_family *f;

    if (!fl_safetensors_count(p->file))
        return fl_error(FL_FAILED, "%s: has no tensor", fl_safetensors_name(p->file));
    for (size_t i = 0; (f = fl_family(i)); i++)
        if (parse_tensor(p, f, 0, &map)) {
            p->family = f;
            return 0;
        }
    return wrong_tensor(p, fl_safetensors_tensor(p->file, 0),
                        "is of no map of a model that can have an adapter here");
}

int
fl_peft_open(struct fl_peft *p, const char *dir)
{
    char path[FL_PORT_PATH];
    json_t *config;
    int64_t rank = 0;

    *p = (struct fl_peft){.family = NULL};
    if (fl_port_path(path, dir, FL_PEFT_CONFIG) || fl_json_file(path, false, &config))
        return -1;
    int failed = read_config(p, path, config, &rank) ||
                 fl_read_file(path, FL_TOKENIZER_MAX, &p->config);
    json_decref(config);
    if (failed || fl_port_path(path, dir, FL_PEFT_WEIGHTS) ||
        !(p->file = fl_safetensors_open(path)) || find_family(p))
        return -1;
    for (size_t i = 0; i < fl_safetensors_count(p->file); i++)
        if (read_tensor(p, i, rank))
            return -1;
    return 0;
}

void
fl_peft_close(struct fl_peft *p)
{
    fl_adapter_release(&p->adapter);
    fl_safetensors_free(p->file);
    fl_buf_release(&p->config);
    fl_buf_release(&p->notes);
    *p = (struct fl_peft){.family = NULL};
}

/* The base that an export noted into PARAMS: 1; 0 when none did; -1 when it is no digest. */
static int
noted_base(const struct fl_peft *p, unsigned char params[FL_HASH_BYTES])
{
    const char *noted = fl_safetensors_note(p->file, FL_PEFT_NOTE_BASE);

    if (!noted)
        return 0;
    if (!fl_unhex(params, FL_HASH_BYTES, noted))
        return 1;
    fl_error_as(FL_FAILED);
    return fl_error_about(fl_safetensors_name(p->file));
}

/* The numbers of BASE into PARAMS: it has the adapter's maps, and is the noted one, if any is. */
static int
check_base(const struct fl_peft *p, struct fl_object *base, unsigned char params[FL_HASH_BYTES])
{
    const char *file = fl_safetensors_name(p->file), *model = fl_object_name(base);
    unsigned char noted[FL_HASH_BYTES];
    struct fl_config c;
    struct fl_layout layout;

    if (fl_config_from_meta(&c, &fl_object_head(base)->meta))
        return fl_error_about(model);
    int known = noted_base(p, noted);
    if (known < 0 || fl_object_params(base, NULL, params))
        return -1;
    if (known && memcmp(params, noted, sizeof noted))
        return fl_error(FL_REFUSED,
                        "%s: is an adapter of another model than %s; take the model that it was "
                        "made for",
                        file, model);
    if (fl_layout_make(&layout, &c))
        return -1;
    int failed = fl_adapter_fits(&p->adapter, file, &layout, model);
    fl_layout_release(&layout);
    return failed;
}

/* The base: BASE itself, or what an export noted. */
static int
name_base(const struct fl_peft *p, struct fl_object *base, struct fl_meta *meta)
{
    unsigned char params[FL_HASH_BYTES];
    int known = !base ? noted_base(p, params) : check_base(p, base, params) ? -1 : 1;

    return known < 0 || (known && fl_meta_set_bytes(meta, "base.params", params, sizeof params))
               ? -1
               : 0;
}

/* A tensor's payload in memory of its own: in a file it may begin at any byte. */
static int
write_one(const struct fl_peft *p, const struct fl_tensor *own, const char *name,
          struct fl_writer *w)
{
    size_t i = (size_t)fl_safetensors_find(p->file, name);
    struct fl_tensor t = *own;
    uint64_t count, bytes;

    t.dtype = fl_safetensors_tensor(p->file, i)->dtype;
    if (fl_tensor_size(&t, &count, &bytes))
        return -1;
    void *data = fl_alloc((size_t)bytes, 1);
    if (!data)
        return -1;
    memcpy(data, fl_safetensors_data(p->file, i), (size_t)bytes);
    int failed = fl_values_finite(t.dtype, data, count) < count
                     ? wrong_tensor(p, fl_safetensors_tensor(p->file, i),
                                    "has a value that is not finite")
                     : fl_writer_tensor(w, &t) || fl_writer_data(w, data, (size_t)bytes);
    free(data);
    return failed ? -1 : 0;
}

static int
write_all(const struct fl_peft *p, struct fl_writer *w)
{
    char name[FL_FLT_NAME_MAX + 1];
    struct fl_tensor A, B;

    for (size_t i = 0; i < p->adapter.count; i++) {
        const struct fl_adapter_map *m = &p->adapter.maps[i];
        fl_adapter_tensors(&p->adapter, i, &A, &B);
        if (write_one(p, &A, fl_peft_name(p->family, m->module, m->layer, 'A', name, sizeof name),
                      w) ||
            write_one(p, &B, fl_peft_name(p->family, m->module, m->layer, 'B', name, sizeof name),
                      w))
            return -1;
    }
    uint64_t len = p->config.len;
    fl_tensor_init(&A, FL_PEFT_CONFIG, FL_U8, 1, &len);
    return fl_writer_tensor(w, &A) || fl_writer_data(w, p->config.data, len) ? -1 : 0;
}

int
fl_peft_write(const struct fl_peft *p, struct fl_object *base, struct fl_writer *w)
{
    struct fl_meta meta = {0};
    int failed = fl_hf_read_origin(p->file, &meta) || name_base(p, base, &meta) ||
                 fl_meta_set_text(&meta, FL_PEFT_FAMILY, p->family->name) ||
                 fl_adapter_to_meta(&p->adapter, &meta) ||
                 fl_writer_head(w, FL_KIND_ADAPTER, &meta) || write_all(p, w) || fl_writer_done(w);

    fl_meta_release(&meta);
    return failed ? -1 : 0;
}
