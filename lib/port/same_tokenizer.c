/*
 * Both files are brought into one form and compared as JSON. Source: huggingface/tokenizers, whose
 * serialization writes every member, in newer versions merges as pairs.
 */
#include "port/same_tokenizer.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"
#include "os/file.h"
#include "port/json_file.h"
#include "text/tokenizer.h"

/* A member that says what its absence says. */
static bool
says_nothing(const char *key, const json_t *value)
{
    return json_is_null(value) || json_is_false(value) ||
           (!strcmp(key, "use_regex") && json_is_true(value));
}

/* Drop such members, at all depths: the parser bounds these. */
static void
drop_defaults(json_t *value)
{
    const char *key;
    json_t *item;
    void *next;
    size_t i;

    json_object_foreach_safe(value, next, key, item)
    {
        if (says_nothing(key, item))
            json_object_del(value, key);
        else
            drop_defaults(item);
    }
    json_array_foreach(value, i, item)
    {
        drop_defaults(item);
    }
}

/* Merges as pairs become the older "A B". 0 or -1. */
static int
join_merges(json_t *merges)
{
    struct fl_buf text = {0};
    json_t *item;
    size_t i;
    int failed = 0;

    json_array_foreach(merges, i, item)
    {
        const char *a = json_string_value(json_array_get(item, 0));
        const char *b = json_string_value(json_array_get(item, 1));
        if (!a || !b || json_array_size(item) != 2)
            continue;
        fl_buf_clear(&text);
        failed = fl_buf_printf(&text, "%s %s", a, b) ||
                 (json_array_set_new(merges, i, json_string(fl_buf_text(&text))) &&
                  fl_error_memory("the merges of a tokenizer"));
        if (failed)
            break;
    }
    fl_buf_release(&text);
    return failed ? -1 : 0;
}

/* LEN bytes of the tokenizer.json called NAME in that form: json_decref it. NULL with an error. */
static json_t *
read_form(const char *name, const void *data, size_t len)
{
    json_error_t why;
    json_t *file = json_loadb(data, len, 0, &why);

    if (!json_is_object(file)) {
        json_decref(file);
        fl_error(FL_FAILED, "%s: is no JSON object", name);
        return NULL;
    }
    json_object_del(file, "truncation");
    json_object_del(file, "padding");
    drop_defaults(file);
    if (join_merges(json_object_get(json_object_get(file, "model"), "merges"))) {
        json_decref(file);
        return NULL;
    }
    return file;
}

static int
compare(const char *path, const struct fl_buf *own, struct fl_object *base, size_t i)
{
    const void *data = fl_object_data(base, i);
    size_t len = (size_t)fl_object_bytes(base, i);

    if (!data)
        return -1;
    if (len == own->len && !memcmp(data, own->data, len))
        return 0;
    json_t *a = read_form(fl_object_name(base), data, len);
    json_t *b = a ? read_form(path, own->data, own->len) : NULL;
    bool same = b && json_equal(a, b);
    int result = same ? 0
                 : b  ? fl_error(FL_FAILED,
                                 "%s: is another tokenizer than that of %s; train with that one",
                                 path, fl_object_name(base))
                      : -1;
    json_decref(a);
    json_decref(b);
    return result;
}

int
fl_same_tokenizer(struct fl_object *base, const char *dir)
{
    int64_t i = fl_object_find(base, FL_TOKENIZER_TENSOR);
    char path[FL_PORT_PATH];
    struct fl_buf own = {0};
    struct stat st;

    if (fl_port_path(path, dir, FL_TOKENIZER_TENSOR))
        return -1;
    if (i < 0 || lstat(path, &st))
        return 0;
    int failed = fl_read_file(path, FL_TOKENIZER_MAX, &own) || compare(path, &own, base, (size_t)i);
    fl_buf_release(&own);
    return failed ? -1 : 0;
}
