/* A carried file goes out byte for byte unless the weights changed their dtype meanwhile. */
#include "port/hf_about.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "nn/model.h"
#include "port/hf_config.h"
#include "port/hf_folder.h"
#include "text/marks.h"

/* The object that the carried file NAME is, into *FILE: NULL when there is none. */
static int
read_carried(struct fl_object *o, const char *name, json_t **file)
{
    int64_t i = fl_object_find(o, name);
    json_error_t why;

    *file = NULL;
    if (i < 0)
        return 0;
    const char *data = fl_object_data(o, (size_t)i);
    if (!data)
        return -1;
    *file = json_loadb(data, fl_object_bytes(o, (size_t)i), JSON_REJECT_DUPLICATES, &why);
    if (json_is_object(*file))
        return 0;
    json_decref(*file);
    *file = NULL;
    return fl_error(FL_FAILED, "%s: its %s is no JSON object; import the model again",
                    fl_object_name(o), name);
}

/* The carried config.json says C. */
static int
check_carried(struct fl_hf_about *a, const struct fl_config *c)
{
    struct fl_config says;
    struct fl_buf notes = {0};
    int failed = fl_hf_config(&a->family, &says, a->config, "config.json", &notes);

    fl_buf_release(&notes);
    if (failed)
        return fl_error_about(fl_object_name(a->o));
    return fl_config_same(&says, c)
               ? 0
               : fl_error(FL_FAILED,
                          "%s: its config.json says another model than its arch.* keys; import the "
                          "model again",
                          fl_object_name(a->o));
}

/* A config.json by the first family that can say C; nothing when none can. */
static void
make_config(struct fl_hf_about *a, const struct fl_config *c)
{
    const struct fl_family *f;

    a->made = true;
    for (size_t i = 0; !a->config && (f = fl_family(i)); i++)
        if ((a->config = fl_hf_config_write(f, c)))
            a->family = f;
}

static int
find_config(struct fl_hf_about *a, struct fl_object *o, const struct fl_config *c)
{
    *a = (struct fl_hf_about){.o = o, .ctx = c->ctx};
    if (read_carried(o, "config.json", &a->config))
        return -1;
    if (a->config)
        return check_carried(a, c);
    make_config(a, c);
    return 0;
}

int
fl_hf_family_of(const struct fl_family **family, struct fl_object *o, const struct fl_config *c)
{
    struct fl_hf_about a;
    int result = find_config(&a, o, c);

    *family = a.family;
    fl_hf_about_close(&a);
    return result;
}

int
fl_hf_about_open(struct fl_hf_about *a, struct fl_object *o, const struct fl_config *c)
{
    int failed = find_config(a, o, c);

    if (!failed && !a->config)
        failed = fl_error(FL_FAILED,
                          "%s: no family of models that other tools know has such a "
                          "configuration; fl-info shows its arch.* keys",
                          fl_object_name(o));
    if (!failed && (a->tokenizer = fl_tokenizer_from_object(o)))
        return 0;
    fl_hf_about_close(a);
    return -1;
}

void
fl_hf_about_close(struct fl_hf_about *a)
{
    json_decref(a->config);
    fl_tokenizer_free(a->tokenizer);
    *a = (struct fl_hf_about){0};
}

json_t *
fl_hf_origin_notes(const struct fl_object *o)
{
    const struct fl_meta_item *parent = fl_meta_find(&fl_object_head(o)->meta, "parent");
    char hex[2 * FL_HASH_BYTES + 1];
    int64_t round;

    if (fl_model_round(o, &round))
        return NULL;
    json_t *notes = json_pack("{s:s}", "format", "pt");
    int failed = !notes;
    if (round)
        failed |= json_object_set_new(notes, FL_HF_NOTE_ROUND,
                                      json_sprintf("%lld", (long long)round));
    if (parent && parent->type == FL_META_BYTES && parent->count == FL_HASH_BYTES) {
        fl_hex(hex, parent->value.bytes, FL_HASH_BYTES);
        failed |= json_object_set_new(notes, FL_HF_NOTE_PARENT, json_string(hex));
    }
    if (!failed)
        return notes;
    json_decref(notes);
    fl_error_memory("the notes of a file");
    return NULL;
}

int
fl_hf_write_json(struct fl_output_folder *out, const char *name, const json_t *file)
{
    char *text = NULL;

    for (size_t digits = 6; !text && digits <= 17; digits++) {
        text = json_dumps(file, JSON_INDENT(2) | JSON_REAL_PRECISION(digits));
        json_t *again = text ? json_loads(text, 0, NULL) : NULL;
        bool exact = digits == 17 || json_equal(file, again);
        json_decref(again);
        if (!exact) {
            free(text);
            text = NULL;
        }
    }
    if (!text)
        return fl_error_memory("%s", name);
    size_t len = strlen(text);
    text[len] = '\n'; /* in place of its zero */
    int result = fl_output_folder_write(out, name, text, len + 1);
    free(text);
    return result;
}

/* A made config.json: the tokens that a reader looks for there. */
static int
add_tokens(struct fl_hf_about *a)
{
    const struct fl_marks *marks = fl_tokenizer_marks(a->tokenizer);
    json_t *stops = json_array();
    int failed = !stops;

    for (size_t i = 0; i < marks->stops.len; i++)
        failed |= json_array_append_new(stops, json_integer(marks->stops.data[i]));
    if (marks->begin.len)
        failed |= json_object_set_new(a->config, "bos_token_id",
                                      json_integer(marks->begin.data[0]));
    if (marks->stops.len == 1)
        failed |= json_object_set(a->config, "eos_token_id", json_array_get(stops, 0));
    else if (marks->stops.len)
        failed |= json_object_set(a->config, "eos_token_id", stops);
    json_decref(stops);
    return failed ? fl_error_memory("config.json") : 0;
}

/* config.json, which names the dtype of the weights. */
static int
write_config(struct fl_hf_about *a, enum fl_dtype dtype, struct fl_output_folder *out)
{
    const char *name = fl_hf_dtype_name(dtype);
    const char *key = json_object_get(a->config, "dtype") ? "dtype" : "torch_dtype";
    const char *says = json_string_value(json_object_get(a->config, key));
    int64_t carried = fl_object_find(a->o, "config.json");

    if (!a->made && (!name || !says || !strcmp(says, name)))
        return fl_output_folder_write(out, "config.json", fl_object_data(a->o, (size_t)carried),
                                      fl_object_bytes(a->o, (size_t)carried));
    if (name && json_object_set_new(a->config, key, json_string(name)))
        return fl_error_memory("config.json");
    return (a->made && add_tokens(a)) || fl_hf_write_json(out, "config.json", a->config) ? -1 : 0;
}

/* NAME: the piece of token ID. */
static int
put_piece(json_t *file, const char *name, const struct fl_tokenizer *t, uint32_t id)
{
    size_t len;
    const unsigned char *piece = fl_tokenizer_piece(t, id, &len);
    json_t *text = piece ? json_stringn((const char *)piece, len) : NULL;

    return text && json_object_set_new(file, name, text) ? fl_error_memory("tokenizer_config.json")
                                                         : 0;
}

/* What a tokenizer.json alone does not tell transformers: which class reads it, and its marks. */
static int
make_tokenizer_config(struct fl_hf_about *a, struct fl_output_folder *out)
{
    const struct fl_marks *marks = fl_tokenizer_marks(a->tokenizer);
    json_t *file = json_pack("{s:s,s:I}", "tokenizer_class", "PreTrainedTokenizerFast",
                             "model_max_length", (json_int_t)a->ctx);
    int failed = !file ? fl_error_memory("tokenizer_config.json") : 0;

    if (!failed && marks->begin.len)
        failed = put_piece(file, "bos_token", a->tokenizer, marks->begin.data[0]);
    if (!failed && marks->stops.len)
        failed = put_piece(file, "eos_token", a->tokenizer, marks->stops.data[0]);
    if (!failed)
        failed = fl_hf_write_json(out, "tokenizer_config.json", file);
    json_decref(file);
    return failed ? -1 : 0;
}

int
fl_hf_about_write(struct fl_hf_about *a, enum fl_dtype dtype, struct fl_output_folder *out)
{
    for (size_t k = 0; fl_model_files[k]; k++) {
        int64_t i = fl_object_find(a->o, fl_model_files[k]);
        if (i < 0 || !strcmp(fl_model_files[k], "config.json"))
            continue;
        const void *data = fl_object_data(a->o, (size_t)i);
        if (!data ||
            fl_output_folder_write(out, fl_model_files[k], data, fl_object_bytes(a->o, (size_t)i)))
            return -1;
    }
    if (fl_object_find(a->o, "tokenizer_config.json") < 0 && a->made &&
        make_tokenizer_config(a, out))
        return -1;
    return write_config(a, dtype, out);
}
