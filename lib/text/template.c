/*
 * Of the template for one text, what stands before and after A is kept as ids; token names are
 * looked up in the template's own table, and their ids in the vocabulary.
 */
#include "text/template.h"

#include <string.h>

#include "text/spec.h"

/* Add the ids of one {"SpecialToken": {"id": NAME}} as the table of special tokens says. */
static int
add_special(struct fl_ids *ids, const json_t *item, const json_t *table,
            const struct fl_vocab *names)
{
    const char *what = "post_processor TemplateProcessing", *name;
    const json_t *token, *id;
    size_t i, len;

    if (fl_spec_text(item, what, "id", &name))
        return -1;
    token = json_object_get(json_object_get(table, name), "ids");
    if (!json_array_size(token))
        return fl_error(FL_FAILED, "%s: token \"%.60s\" has no ids", what, name);
    json_array_foreach(token, i, id)
    {
        if (!json_is_integer(id) || json_integer_value(id) < 0 ||
            !fl_vocab_text(names, (uint64_t)json_integer_value(id), &len))
            return fl_error(FL_FAILED, "%s: an id of token \"%.60s\" is not in the vocabulary",
                            what, name);
        if (fl_ids_add(ids, (uint32_t)json_integer_value(id)))
            return -1;
    }
    return 0;
}

static int
read_template(struct fl_marks *m, const json_t *spec, const struct fl_vocab *names)
{
    const char *what = "post_processor TemplateProcessing", *which;
    const json_t *single = json_object_get(spec, "single"), *item, *part;
    const json_t *table = json_object_get(spec, "special_tokens");
    bool after = false;
    size_t i;

    if (fl_spec_only(spec, what, "|type|single|pair|special_tokens|"))
        return -1;
    if (!json_is_array(single))
        return fl_error(FL_FAILED, "%s: \"single\" is not a list", what);
    json_array_foreach(single, i, item)
    {
        if ((part = json_object_get(item, "Sequence"))) {
            if (fl_spec_text(part, what, "id", &which))
                return -1;
            if (strcmp(which, "A") || after)
                return fl_error(FL_FAILED, "%s: \"single\" does not hold text A once", what);
            after = true;
        } else if (add_special(after ? &m->after : &m->begin, json_object_get(item, "SpecialToken"),
                               table, names)) {
            return -1;
        }
    }
    return after ? 0 : fl_error(FL_FAILED, "%s: \"single\" does not hold text A once", what);
}

static int
read_step(struct fl_marks *m, const json_t *spec, const struct fl_vocab *names, int depth)
{
    const char *type = fl_spec_type(spec);
    const json_t *list = json_object_get(spec, "processors"), *item;
    size_t i;

    if (!strcmp(type, "ByteLevel"))
        return fl_spec_only(spec, "post_processor ByteLevel",
                            "|type|add_prefix_space|trim_offsets|use_regex|");
    if (!strcmp(type, "TemplateProcessing")) {
        if (m->begin.len || m->after.len)
            return fl_error(FL_FAILED, "two templates in a post_processor are not supported");
        return read_template(m, spec, names);
    }
    if (strcmp(type, "Sequence") || depth)
        return fl_error(FL_FAILED, "post_processor \"%.60s\" is not supported", type);
    if (fl_spec_only(spec, "post_processor Sequence", "|type|processors|"))
        return -1;
    if (!json_is_array(list))
        return fl_error(FL_FAILED, "post_processor Sequence: \"processors\" is not a list");
    json_array_foreach(list, i, item)
    {
        if (read_step(m, item, names, depth + 1))
            return -1;
    }
    return 0;
}

int
fl_template_read(struct fl_marks *m, const json_t *spec, const struct fl_vocab *names)
{
    if (!spec || json_is_null(spec))
        return 0;
    if (read_step(m, spec, names, 0)) {
        fl_ids_release(&m->begin);
        fl_ids_release(&m->after);
        return -1;
    }
    if (m->begin.len <= FL_MARKS_MAX && m->after.len <= FL_MARKS_MAX)
        return 0;
    return fl_error(FL_FAILED, "post_processor: more than %d ids around a text are not supported",
                    FL_MARKS_MAX);
}
