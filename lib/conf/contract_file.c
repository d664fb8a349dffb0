/*
 * Fixed keys are filled from tables; fields and identifiers, whose keys are names that people
 * choose, are read from their nodes one by one.
 */
#include "conf/contract_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/choice.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/number.h"
#include "os/file.h"

void
fl_contract_conf_release(struct fl_contract_conf *conf)
{
    free(conf->fields);
    free(conf->roles);
    free(conf->render);
    free(conf->identifiers);
    fl_yaml_free(conf->root);
    *conf = (struct fl_contract_conf){0};
}

/* Of one of two words, the second of which is true. */
static int
take_flag(const char *file, const struct fl_yaml *node, const char *choices, bool *to)
{
    const char *word = NULL;

    if (fl_yaml_text(file, node, choices, &word))
        return -1;
    if (word)
        *to = fl_choice_find(choices, word) == 1;
    return 0;
}

static int
take_size(const char *file, const struct fl_yaml *node, uint64_t min, uint64_t max, int64_t *to)
{
    const char *text = NULL;
    uint64_t value;

    if (fl_yaml_text(file, node, NULL, &text))
        return -1;
    if (!text)
        return 0;
    if (fl_parse_size(text, min, max, &value))
        return fl_yaml_error(file, node, "\"%.40s\" is no size from %llu to %llu bytes", text,
                             (unsigned long long)min, (unsigned long long)max);
    *to = (int64_t)value;
    return 0;
}

static int
need_map(const char *file, const struct fl_yaml *node, const char *what)
{
    if (!node || node->type == FL_YAML_MAP)
        return 0;
    return fl_yaml_error(file, node, "%s: must be a mapping", what);
}

static int
read_field(struct fl_contract_field_conf *field, const char *file, const char *name,
           const struct fl_yaml *node)
{
    const struct fl_yaml *unit = NULL, *analyte = NULL, *codes = NULL;
    const struct fl_yaml_key keys[] = {
        FL_KEY_BOOL("required", &field->required),
        FL_KEY_NODE("unit", &unit),
        FL_KEY_NODE("analyte", &analyte),
        FL_KEY_BOOL("date", &field->date),
        FL_KEY_NODE("codes", &codes),
        FL_KEY_END,
    };
    const char *word = NULL;

    field->name = name;
    if (node->type == FL_YAML_SCALAR) {
        if (fl_yaml_text(file, node, "required|optional|date", &word))
            return -1;
        field->required = !strcmp(word, "required");
        field->date = !strcmp(word, "date");
        return 0;
    }
    if (need_map(file, node, "fields") || fl_yaml_fill(file, node, keys) ||
        fl_yaml_text(file, unit, NULL, &field->unit) ||
        fl_yaml_text(file, analyte, NULL, &field->analyte) ||
        fl_yaml_text(file, codes, FL_CODE_POLICIES, &field->codes))
        return -1;
    if ((field->unit != NULL) + field->date + (field->codes != NULL) > 1)
        return fl_yaml_error(file, node, "fields: \"%.60s\" is one of unit, date and codes only",
                             name);
    if (field->analyte && !field->unit)
        return fl_yaml_error(file, node, "fields: \"%.60s\" has an analyte and no unit", name);
    return 0;
}

static int
read_fields(struct fl_contract_conf *conf, const char *file, const struct fl_yaml *node)
{
    if (!node)
        return 0;
    if (need_map(file, node, "fields"))
        return -1;
    if (!node->count || node->count > 64)
        return fl_yaml_error(file, node, "fields: must be 1 to 64, not %zu", node->count);
    conf->fields = fl_alloc(node->count, sizeof *conf->fields);
    if (!conf->fields)
        return -1;
    for (size_t i = 0; i < node->count; i++)
        if (read_field(&conf->fields[conf->field_count++], file, node->keys[i], node->items[i]))
            return -1;
    return 0;
}

static int
read_chat(struct fl_contract_conf *conf, const char *file, const struct fl_yaml *node)
{
    const struct fl_yaml *roles = NULL, *turn = NULL;
    const struct fl_yaml_key keys[] = {
        FL_KEY_NODE("roles", &roles),
        FL_KEY_NODE("turn", &turn),
        FL_KEY_END,
    };

    if (!node)
        return 0;
    if (need_map(file, node, "chat") || fl_yaml_fill(file, node, keys) ||
        fl_yaml_text(file, turn, NULL, &conf->turn))
        return -1;
    static const char wrong[] = "roles: must be a list of names";
    if (roles && roles->type != FL_YAML_LIST)
        return fl_yaml_error(file, roles, "%s", wrong);
    return fl_yaml_texts(file, roles, wrong, &conf->roles, &conf->role_count);
}

static int
read_unicode(struct fl_contract_conf *conf, const char *file, const struct fl_yaml *node)
{
    const struct fl_yaml *form = NULL, *invalid = NULL, *controls = NULL, *zero = NULL,
                         *mojibake = NULL;
    const struct fl_yaml_key keys[] = {
        FL_KEY_NODE("form", &form),         FL_KEY_NODE("invalid", &invalid),
        FL_KEY_NODE("controls", &controls), FL_KEY_NODE("zero_width", &zero),
        FL_KEY_NODE("mojibake", &mojibake), FL_KEY_END,
    };
    const char *word = NULL;

    if (!node)
        return 0;
    return need_map(file, node, "unicode") || fl_yaml_fill(file, node, keys) ||
                   fl_yaml_text(file, form, "nfc", &word) ||
                   take_flag(file, invalid, "replace|refuse", &conf->refuse_invalid) ||
                   take_flag(file, controls, "drop|keep", &conf->keep_controls) ||
                   take_flag(file, zero, "drop|keep", &conf->keep_zero_width) ||
                   take_flag(file, mojibake, "count|repair", &conf->repair_mojibake)
               ? -1
               : 0;
}

static int
read_identifier(struct fl_identifier_conf *id, const char *file, const char *type,
                const struct fl_yaml *node)
{
    const struct fl_yaml *policy = NULL;
    const struct fl_yaml_key keys[] = {
        FL_KEY_NODE("policy", &policy),
        FL_KEY_NODE("pattern", &id->pattern),
        FL_KEY_END,
    };

    id->type = type;
    if (node->type == FL_YAML_MAP && fl_yaml_fill(file, node, keys))
        return -1;
    return fl_yaml_text(file, node->type == FL_YAML_MAP ? policy : node, FL_IDENTIFIER_POLICIES,
                        &id->policy);
}

static int
read_identifiers(struct fl_contract_conf *conf, const char *file, const struct fl_yaml *node)
{
    if (!node)
        return 0;
    if (need_map(file, node, "identifiers"))
        return -1;
    conf->identifiers = fl_alloc(node->count, sizeof *conf->identifiers);
    if (!conf->identifiers)
        return -1;
    for (size_t i = 0; i < node->count; i++) {
        int failed = !strcmp(node->keys[i], "default")
                         ? fl_yaml_text(file, node->items[i], FL_IDENTIFIER_POLICIES,
                                        &conf->identifier_default)
                         : read_identifier(&conf->identifiers[conf->identifier_count++], file,
                                           node->keys[i], node->items[i]);
        if (failed)
            return -1;
    }
    return 0;
}

static int
read_near(struct fl_contract_conf *conf, const char *file, const struct fl_yaml *node)
{
    const struct fl_yaml *policy = NULL;
    const struct fl_yaml_key keys[] = {
        FL_KEY_I64("shingle", 1, 64, &conf->shingle),
        FL_KEY_I64("bands", 1, 120, &conf->bands),
        FL_KEY_I64("rows", 1, 120, &conf->rows),
        FL_KEY_F64("agree", 0.01, 1, &conf->agree),
        FL_KEY_NODE("policy", &policy),
        FL_KEY_END,
    };

    if (!node)
        return 0;
    conf->near = true;
    if (need_map(file, node, "near") || fl_yaml_fill(file, node, keys) ||
        take_flag(file, policy, "drop|keep", &conf->keep_near))
        return -1;
    if (conf->bands * conf->rows > 120)
        return fl_yaml_error(file, node, "near: bands times rows is %lld; at most 120 lanes exist",
                             (long long)(conf->bands * conf->rows));
    return 0;
}

/* What is left: three mappings of a few keys each. */
static int
read_rest(struct fl_contract_conf *conf, const char *file, const struct fl_yaml *recall,
          const struct fl_yaml *duplicates, const struct fl_yaml *split)
{
    const struct fl_yaml *exact = NULL, *near = NULL, *by = NULL;
    const struct fl_yaml_key recall_keys[] = {
        FL_KEY_I64("canaries", 0, 100000, &conf->canaries),
        FL_KEY_F64("floor", 0, 1, &conf->floor),
        FL_KEY_END,
    };
    const struct fl_yaml_key duplicate_keys[] = {
        FL_KEY_NODE("exact", &exact),
        FL_KEY_NODE("near", &near),
        FL_KEY_END,
    };
    const struct fl_yaml_key split_keys[] = {
        FL_KEY_F64("valid", 0, 0.999999, &conf->valid),
        FL_KEY_NODE("by", &by),
        FL_KEY_END,
    };

    if (need_map(file, recall, "recall") || (recall && fl_yaml_fill(file, recall, recall_keys)) ||
        need_map(file, duplicates, "duplicates") ||
        (duplicates && fl_yaml_fill(file, duplicates, duplicate_keys)) ||
        need_map(file, split, "split") || (split && fl_yaml_fill(file, split, split_keys)))
        return -1;
    return take_flag(file, exact, "drop|keep", &conf->keep_same) || read_near(conf, file, near) ||
                   fl_yaml_text(file, by, NULL, &conf->by)
               ? -1
               : 0;
}

static int
read_root(struct fl_contract_conf *conf, const char *file)
{
    const struct fl_yaml *name = NULL, *fields = NULL, *render = NULL, *chat = NULL;
    const struct fl_yaml *unicode = NULL, *identifiers = NULL, *recall = NULL;
    const struct fl_yaml *duplicates = NULL, *split = NULL, *max = NULL, *passage = NULL;
    const struct fl_yaml_key keys[] = {
        FL_KEY_NODE("contract", &name),
        FL_KEY_I64("rules", 1, 1000, &conf->rules),
        FL_KEY_NODE("max_document", &max),
        FL_KEY_NODE("passage", &passage),
        FL_KEY_NODE("fields", &fields),
        FL_KEY_NODE("render", &render),
        FL_KEY_NODE("chat", &chat),
        FL_KEY_NODE("unicode", &unicode),
        FL_KEY_NODE("identifiers", &identifiers),
        FL_KEY_NODE("recall", &recall),
        FL_KEY_NODE("duplicates", &duplicates),
        FL_KEY_NODE("split", &split),
        FL_KEY_END,
    };

    if (need_map(file, conf->root, "a contract") || fl_yaml_fill(file, conf->root, keys))
        return -1;
    if (!name || !conf->rules)
        return fl_yaml_error(file, conf->root, "lacks \"%s\"", name ? "rules" : "contract");
    return fl_yaml_text(file, name, NULL, &conf->name) ||
                   fl_yaml_texts(file, render, "render: must be a template or a list of them",
                                 &conf->render, &conf->render_count) ||
                   take_size(file, max, 1024, 1 << 28, &conf->max_document) ||
                   take_size(file, passage, 0, 1 << 30, &conf->passage) ||
                   read_fields(conf, file, fields) || read_chat(conf, file, chat) ||
                   read_unicode(conf, file, unicode) || read_identifiers(conf, file, identifiers) ||
                   read_rest(conf, file, recall, duplicates, split)
               ? -1
               : 0;
}

static int
read_tree(struct fl_contract_conf *conf, struct fl_yaml *root, const char *file)
{
    *conf = (struct fl_contract_conf){.root = root,
                                      .max_document = 1 << 20,
                                      .passage = 2048,
                                      .floor = -1,
                                      .shingle = 5,
                                      .bands = 20,
                                      .rows = 6,
                                      .agree = 0.8};
    if (root && !read_root(conf, file))
        return 0;
    fl_contract_conf_release(conf);
    return -1;
}

int
fl_contract_conf_read(struct fl_contract_conf *conf, const char *path)
{
    return read_tree(conf, fl_yaml_read(path), fl_input_name(path));
}

int
fl_contract_conf_parse(struct fl_contract_conf *conf, const char *text, size_t len,
                       const char *name)
{
    return read_tree(conf, fl_yaml_parse(text, len, name), name);
}
