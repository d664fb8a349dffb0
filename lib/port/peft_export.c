/* A carried adapter_config.json goes out byte for byte; one that is made says what it must. */
#include "port/peft.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "os/file.h"
#include "os/output_folder.h"
#include "port/hf_about.h"
#include "port/peft_names.h"
#include "port/safetensors_write.h"

struct export
{
    struct fl_object *o;
    struct fl_adapter adapter;
    const struct fl_family *family;
    struct fl_tensor *tensors; /* 2 for each map */
    size_t *from;              /* indices of these in the object */
    size_t count;
    struct fl_output_folder out;
};

/* The family by its name in the metadata, or the first that has all the maps. */
static int
find_family(struct export *e)
{
    const struct fl_meta *meta = &fl_object_head(e->o)->meta;
    const char *name, *file = fl_object_name(e->o);
    char text[128];

    if (!fl_meta_find(meta, FL_PEFT_FAMILY))
        e->family = fl_family(0);
    else if (fl_meta_get_text(meta, FL_PEFT_FAMILY, &name))
        return fl_error_about(file);
    else if (!(e->family = fl_family_find(name)))
        return fl_error(FL_FAILED, "%s: its family, \"%.60s\", is not known here", file, name);
    for (size_t i = 0; i < e->adapter.count; i++) {
        const struct fl_adapter_map *m = &e->adapter.maps[i];
        if (!fl_family_module_name(e->family, m->module, m->layer, text, sizeof text))
            return fl_error(FL_FAILED,
                            "%s: adapts \"%s\", which %s models do not have as one map, so that "
                            "PEFT cannot say it; merge it into its model (fl-apply --merge)",
                            file, fl_module(m->module)->name, e->family->name);
    }
    return 0;
}

static int
list_tensors(struct export *e)
{
    struct fl_tensor own[2];

    e->count = 2 * e->adapter.count;
    e->tensors = fl_alloc(e->count, sizeof *e->tensors);
    e->from = fl_alloc(e->count, sizeof *e->from);
    if (!e->tensors || !e->from)
        return -1;
    for (size_t k = 0; k < e->count; k++) {
        const struct fl_adapter_map *m = &e->adapter.maps[k / 2];
        struct fl_tensor *t = &e->tensors[k];
        fl_adapter_tensors(&e->adapter, k / 2, &own[0], &own[1]);
        *t = own[k % 2];
        e->from[k] = (size_t)fl_object_find(e->o, t->name);
        t->dtype = fl_object_tensor(e->o, e->from[k])->dtype;
        fl_peft_name(e->family, m->module, m->layer, k % 2 ? 'B' : 'A', t->name, sizeof t->name);
    }
    return 0;
}

/* The notes of a model, and the base, so that it comes back bound to it. */
static json_t *
make_notes(const struct export *e)
{
    const struct fl_meta_item *base = fl_meta_find(&fl_object_head(e->o)->meta, "base.params");
    json_t *notes = fl_hf_origin_notes(e->o);
    char hex[2 * FL_HASH_BYTES + 1];

    if (notes && base && base->type == FL_META_BYTES && base->count == FL_HASH_BYTES) {
        fl_hex(hex, base->value.bytes, FL_HASH_BYTES);
        if (json_object_set_new(notes, FL_PEFT_NOTE_BASE, json_string(hex))) {
            fl_error_memory("the notes of a file");
            json_decref(notes);
            return NULL;
        }
    }
    return notes;
}

static int
write_weights(struct export *e)
{
    json_t *notes = make_notes(e);
    struct fl_buf header = {0};
    int fd = notes ? fl_output_folder_file(&e->out, FL_PEFT_WEIGHTS) : -1;
    int failed = fd < 0 || fl_safetensors_header(&header, e->tensors, e->count, notes) ||
                 fl_write_full(fd, FL_PEFT_WEIGHTS, header.data, header.len);

    for (size_t k = 0; !failed && k < e->count; k++) {
        const void *data = fl_object_data(e->o, e->from[k]);
        failed = !data ||
                 fl_write_full(fd, FL_PEFT_WEIGHTS, data, fl_object_bytes(e->o, e->from[k]));
    }
    json_decref(notes);
    fl_buf_release(&header);
    if (!failed)
        return fl_output_folder_end(&e->out, fd, FL_PEFT_WEIGHTS);
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool
is_adapted(const struct export *e, unsigned module)
{
    for (size_t i = 0; i < e->adapter.count; i++)
        if (e->adapter.maps[i].module == module)
            return true;
    return false;
}

/*
 * Where PEFT's word for MODULE, whose name is NAME, begins: at its last one, unless a map that is
 * not adapted ends in that too (GPT-2 has attn.c_proj and mlp.c_proj).
 */
static const char *
target_word(const struct export *e, unsigned module, const char *name)
{
    const char *word = strrchr(name, '.') + 1, *longer = word - 1;
    char other[128];

    for (unsigned m = 0; fl_module(m); m++)
        if (m != module && !is_adapted(e, m) &&
            fl_family_module_name(e->family, m, 0, other, sizeof other) &&
            !strcmp(strrchr(other, '.') + 1, word)) {
            while (longer > name && longer[-1] != '.')
                longer--;
            return longer;
        }
    return word;
}

/* The words of the adapted maps, each once. */
static json_t *
words(const struct export *e)
{
    json_t *list = json_array(), *seen = json_object();
    char text[128];

    for (size_t i = 0; i < e->adapter.count; i++) {
        const struct fl_adapter_map *m = &e->adapter.maps[i];
        if (!fl_family_module_name(e->family, m->module, m->layer, text, sizeof text))
            continue;
        const char *word = target_word(e, m->module, text);
        if (!json_object_get(seen, word) && !json_object_set_new(seen, word, json_true()))
            (void)!json_array_append_new(list, json_string(word));
    }
    json_decref(seen);
    return list;
}

/* The layers that have an adapted map; they are sorted. */
static json_t *
layers(const struct export *e)
{
    json_t *list = json_array();

    for (size_t i = 0; i < e->adapter.count; i++)
        if (!i || e->adapter.maps[i].layer != e->adapter.maps[i - 1].layer)
            (void)!json_array_append_new(list, json_integer(e->adapter.maps[i].layer));
    return list;
}

/* Whether all those layers have the same adapted maps. */
static bool
is_even(const struct export *e, size_t layers)
{
    const struct fl_adapter_map *maps = e->adapter.maps;
    size_t each = e->adapter.count / layers;

    for (size_t i = 0; i < e->adapter.count; i++)
        if (maps[i].module != maps[i % each].module || maps[i].layer != maps[i - i % each].layer)
            return false;
    return e->adapter.count % layers == 0;
}

/* Every adapted map by its whole name, as one regular expression. */
static char *
expression(const struct export *e)
{
    struct fl_buf text = {0};
    char name[128], *out;
    int failed = 0;

    for (size_t i = 0; i < e->adapter.count; i++) {
        const struct fl_adapter_map *m = &e->adapter.maps[i];
        (void)fl_family_module_name(e->family, m->module, m->layer, name, sizeof name);
        failed |= fl_buf_add_text(&text, i ? "|" : "(.*[.])?(");
        for (const char *c = name; *c; c++)
            failed |= *c == '.' ? fl_buf_add_text(&text, "[.]") : fl_buf_add(&text, c, 1);
    }
    out = failed || fl_buf_add_text(&text, ")") ? NULL : fl_strdup(fl_buf_text(&text));
    fl_buf_release(&text);
    return out;
}

/*
 * What PEFT finds the adapted maps by: their words in a list of layers (what it cannot know is how
 * many the model has), or a regular expression where the layers are unlike. Source:
 * check_target_module_exists in peft/tuners/tuners_utils.py.
 */
static int
add_targets(const struct export *e, json_t *file)
{
    json_t *list = layers(e);
    char pattern[128], *all;
    int failed;

    if (is_even(e, json_array_size(list))) {
        (void)fl_family_module_name(e->family, e->adapter.maps[0].module, 0, pattern,
                                    sizeof pattern);
        pattern[strcspn(pattern, ".")] = '\0';
        failed = json_object_set_new(file, "target_modules", words(e)) ||
                 json_object_set(file, "layers_to_transform", list) ||
                 json_object_set_new(file, "layers_pattern", json_string(pattern));
    } else {
        all = expression(e);
        failed = !all || json_object_set_new(file, "target_modules", json_string(all));
        free(all);
    }
    json_decref(list);
    return failed ? fl_error_memory(FL_PEFT_CONFIG) : 0;
}

/* Ranks that are not the first map's, by names of maps; NULL when there are none. */
static json_t *
other_ranks(const struct export *e)
{
    json_t *ranks = json_object();
    char text[128];

    for (size_t i = 0; i < e->adapter.count; i++) {
        const struct fl_adapter_map *m = &e->adapter.maps[i];
        if (m->rank != e->adapter.maps[0].rank &&
            fl_family_module_name(e->family, m->module, m->layer, text, sizeof text))
            (void)!json_object_set_new(ranks, text, json_integer(m->rank));
    }
    return ranks;
}

/* Weights that the family stores turned: PEFT looks at it when it merges. */
static bool
has_turned(const struct fl_family *f)
{
    bool turned = false;

    for (const struct fl_family_tensor *t = f->tensors; t && t->name; t++)
        turned |= t->turned;
    return turned;
}

static int
write_config(struct export *e)
{
    int64_t i = fl_object_find(e->o, FL_PEFT_CONFIG);
    const char *none = "";

    if (i >= 0) {
        const void *data = fl_object_data(e->o, (size_t)i);
        return data ? fl_output_folder_write(&e->out, FL_PEFT_CONFIG, data,
                                             fl_object_bytes(e->o, (size_t)i))
                    : -1;
    }
    json_t *file = json_pack("{s:s,s:s,s:s,s:i,s:f,s:f,s:s,s:o,s:b,s:b,s:b}", "peft_type", "LORA",
                             "task_type", "CAUSAL_LM", "base_model_name_or_path", none, "r",
                             (int)e->adapter.maps[0].rank, "lora_alpha", e->adapter.alpha,
                             "lora_dropout", 0.0, "bias", "none", "rank_pattern", other_ranks(e),
                             "use_rslora", (int)e->adapter.rslora, "fan_in_fan_out",
                             (int)has_turned(e->family), "inference_mode", 1);
    int failed = !file ? fl_error_memory(FL_PEFT_CONFIG)
                       : add_targets(e, file) || fl_hf_write_json(&e->out, FL_PEFT_CONFIG, file);
    json_decref(file);
    return failed ? -1 : 0;
}

int
fl_peft_export(struct fl_object *o, const char *dir)
{
    struct export e = {.o = o, .out = {.fd = -1}};
    int failed = fl_adapter_read(&e.adapter, o) || find_family(&e) || list_tensors(&e) ||
                 fl_output_folder_open(&e.out, dir) || write_weights(&e) || write_config(&e) ||
                 fl_output_folder_commit(&e.out);

    fl_output_folder_abort(&e.out);
    fl_adapter_release(&e.adapter);
    free(e.tensors);
    free(e.from);
    return failed ? -1 : 0;
}
