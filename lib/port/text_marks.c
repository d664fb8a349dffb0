/*
 * Four files can say what ends a text, and those of one model often say different things: the mark
 * of a document in one, those of a chat's turns in another. All of them end what a model writes;
 * the first one ends documents in a shard.
 */
#include "port/text_marks.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "port/json_file.h"
#include "text/marks.h"

struct reading {
    const struct fl_tokenizer *t;
    struct fl_ids *stops;
    struct fl_buf *notes;
    char path[FL_PORT_PATH]; /* of the file at hand */
};

static int
open_file(struct reading *r, const char *dir, const char *file, json_t **object)
{
    return fl_port_path(r->path, dir, file) || fl_json_file(r->path, true, object) ? -1 : 0;
}

static int
add(struct reading *r, uint32_t id)
{
    for (size_t i = 0; i < r->stops->len; i++)
        if (r->stops->data[i] == id)
            return 0;
    if (r->stops->len == FL_MARKS_MAX)
        return fl_error(FL_FAILED, "%s: more than %d ends of text are not supported", r->path,
                        FL_MARKS_MAX);
    return fl_ids_add(r->stops, id);
}

static int
add_id(struct reading *r, const json_t *id)
{
    uint32_t vocab = fl_tokenizer_vocab(r->t);
    size_t len;

    if (!json_is_integer(id))
        return fl_error(FL_FAILED,
                        "%s: \"eos_token_id\" is neither a token's id nor a list of them", r->path);
    long long value = json_integer_value(id);
    if (value < 0 || value >= vocab || !fl_tokenizer_piece(r->t, (uint32_t)value, &len))
        return fl_error(FL_FAILED,
                        "%s: \"eos_token_id\" is %lld, which is no token of tokenizer.json; its "
                        "ids end at %lu",
                        r->path, value, (unsigned long)vocab - 1);
    return add(r, (uint32_t)value);
}

/* "eos_token_id" of one file. */
static int
add_ids(struct reading *r, const json_t *object)
{
    const json_t *value = json_object_get(object, "eos_token_id"), *id;
    size_t i;

    if (!value || json_is_null(value))
        return 0;
    if (!json_is_array(value))
        return add_id(r, value);
    json_array_foreach(value, i, id)
    {
        if (add_id(r, id))
            return -1;
    }
    return 0;
}

/* "eos_token" of one file: a name, or an object whose "content" is it. 1 when it says one. */
static int
add_name(struct reading *r, const json_t *object)
{
    const json_t *value = json_object_get(object, "eos_token");

    if (!value || json_is_null(value))
        return 0;
    if (json_is_object(value))
        value = json_object_get(value, "content");
    if (!json_is_string(value))
        return fl_error(FL_FAILED, "%s: \"eos_token\" is neither a name nor an object with one",
                        r->path);
    const struct fl_tokenizer *t = r->t;
    int64_t id = fl_tokenizer_find(t, json_string_value(value), json_string_length(value));
    if (id < 0)
        return fl_error(FL_FAILED,
                        "%s: \"eos_token\" is \"%.60s\", which is no token of "
                        "tokenizer.json",
                        r->path, json_string_value(value));
    return add(r, (uint32_t)id) ? -1 : 1;
}

/* What transformers puts around a text of its own accord, against the template. */
static int
note_flag(struct reading *r, const json_t *object, const char *key, bool has)
{
    const json_t *flag = json_object_get(object, key);

    if (!json_is_boolean(flag) || json_is_true(flag) == has)
        return 0;
    return fl_buf_printf(r->notes,
                         "%s: \"%s\" is %s, and the template in tokenizer.json says "
                         "otherwise; the template counts\n",
                         r->path, key, has ? "false" : "true");
}

/* Tokens that transformers would add when it loads the folder, or see as special. */
static int
note_added(struct reading *r, const json_t *object)
{
    const char *key;
    json_t *item;

    json_object_foreach(json_object_get(object, "added_tokens_decoder"), key, item)
    {
        const json_t *content = json_object_get(item, "content");
        const json_t *special = json_object_get(item, "special");
        if (!json_is_string(content))
            continue;
        int64_t id = fl_tokenizer_find(r->t, json_string_value(content),
                                       json_string_length(content));
        bool same = !json_is_boolean(special) || id < 0 ||
                    json_is_true(special) == fl_tokenizer_is_special(r->t, (uint32_t)id);
        if (id < 0 || !same)
            return fl_buf_printf(r->notes,
                                 "%s: \"added_tokens_decoder\" has \"%.60s\", which %s; "
                                 "tokenizer.json counts\n",
                                 r->path, json_string_value(content),
                                 id < 0 ? "tokenizer.json does not have"
                                        : "is special in one of the two only");
    }
    return 0;
}

static int
read_generation(struct reading *r, const char *dir)
{
    json_t *object;

    if (open_file(r, dir, "generation_config.json", &object))
        return -1;
    int result =
        add_ids(r, object) ||
        fl_json_note_others(r->notes, r->path, object,
                            "|eos_token_id|bos_token_id|pad_token_id|transformers_version|"
                            "_from_model_config|max_length|max_new_tokens|use_cache|do_sample|",
                            "not taken over, as options of fl-generate say how text is drawn");
    json_decref(object);
    return result ? -1 : 0;
}

static int
read_tokenizer(struct reading *r, const char *dir)
{
    const struct fl_marks *m = fl_tokenizer_marks(r->t);
    json_t *object;

    if (open_file(r, dir, "tokenizer_config.json", &object))
        return -1;
    int got = add_name(r, object);
    if (got >= 0 &&
        (note_flag(r, object, "add_bos_token", m->begin.len > 0) ||
         note_flag(r, object, "add_eos_token", m->after.len > 0) || note_added(r, object)))
        got = -1;
    json_decref(object);
    if (got)
        return got < 0 ? -1 : 0;
    if (open_file(r, dir, "special_tokens_map.json", &object))
        return -1;
    got = add_name(r, object);
    json_decref(object);
    return got < 0 ? -1 : 0;
}

int
fl_port_stops(const char *dir, const struct fl_tokenizer *t, struct fl_ids *stops,
              struct fl_buf *notes)
{
    struct reading r = {.t = t, .stops = stops, .notes = notes};
    json_t *object;

    if (read_generation(&r, dir) || open_file(&r, dir, "config.json", &object))
        return -1;
    int result = add_ids(&r, object);
    json_decref(object);
    return result || read_tokenizer(&r, dir) ? -1 : 0;
}
