/* Keys that are the same for every input are filled from a table; mappings of names are copied. */
#include "conf/site_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/choice.h"
#include "base/error.h"
#include "base/glob.h"
#include "base/mem.h"
#include "os/file.h"

static void
release_pairs(struct fl_pairs_conf *p)
{
    free(p->keys);
    free(p->values);
}

void
fl_site_conf_release(struct fl_site_conf *conf)
{
    for (size_t i = 0; i < conf->input_count; i++) {
        struct fl_input_conf *in = &conf->inputs[i];
        free(in->files);
        free(in->columns);
        release_pairs(&in->map);
        release_pairs(&in->units);
        release_pairs(&in->codes);
        release_pairs(&in->roles);
    }
    free(conf->inputs);
    release_pairs(&conf->identifiers);
    free(conf->folder);
    fl_yaml_free(conf->root);
    *conf = (struct fl_site_conf){0};
}

static int
take_pairs(const char *file, const struct fl_yaml *node, struct fl_pairs_conf *to)
{
    if (!node)
        return 0;
    if (node->type != FL_YAML_MAP)
        return fl_yaml_error(file, node, "must be a mapping");
    to->keys = fl_alloc(node->count, sizeof *to->keys);
    to->values = fl_alloc(node->count, sizeof *to->values);
    if (!to->keys || !to->values)
        return -1;
    for (; to->count < node->count; to->count++) {
        to->keys[to->count] = node->keys[to->count];
        if (fl_yaml_text(file, node->items[to->count], NULL, &to->values[to->count]))
            return -1;
    }
    return 0;
}

static int
check_input(const struct fl_input_conf *in, const char *file, const struct fl_yaml *node)
{
    if (!in->file_count)
        return fl_yaml_error(file, node, "inputs: lacks \"files\", a pattern of names");
    if (in->delimiter && strlen(in->delimiter) != 1)
        return fl_yaml_error(file, node, "delimiter: must be one ASCII character");
    if (in->delimiter && strchr("\"\r\n", *in->delimiter))
        return fl_yaml_error(file, node, "delimiter: can be neither a quote nor a line end");
    if (in->decimal && strcmp(in->decimal, ".") && strcmp(in->decimal, ","))
        return fl_yaml_error(file, node, "decimal: must be \".\" or \",\"");
    return 0;
}

static int
read_input(struct fl_input_conf *in, const char *file, const struct fl_yaml *node)
{
    static const char empty[] = "must be a list with something in it";
    const struct fl_yaml *files = NULL, *format = NULL, *encoding = NULL, *delimiter = NULL;
    const struct fl_yaml *columns = NULL, *map = NULL, *units = NULL, *decimal = NULL;
    const struct fl_yaml *order = NULL, *codes = NULL, *messages = NULL, *role = NULL;
    const struct fl_yaml *content = NULL, *roles = NULL;
    const struct fl_yaml_key keys[] = {
        FL_KEY_NODE("files", &files),
        FL_KEY_NODE("format", &format),
        FL_KEY_NODE("encoding", &encoding),
        FL_KEY_NODE("delimiter", &delimiter),
        FL_KEY_NODE("columns", &columns),
        FL_KEY_NODE("map", &map),
        FL_KEY_NODE("units", &units),
        FL_KEY_NODE("decimal", &decimal),
        FL_KEY_NODE("date_order", &order),
        FL_KEY_NODE("codes", &codes),
        FL_KEY_NODE("messages", &messages),
        FL_KEY_NODE("role", &role),
        FL_KEY_NODE("content", &content),
        FL_KEY_NODE("roles", &roles),
        FL_KEY_END,
    };

    in->line = node->line;
    if (node->type != FL_YAML_MAP)
        return fl_yaml_error(file, node, "inputs: must be a list of mappings");
    if (fl_yaml_fill(file, node, keys) ||
        fl_yaml_texts(file, files, empty, &in->files, &in->file_count) ||
        fl_yaml_texts(file, columns, empty, &in->columns, &in->column_count) ||
        fl_yaml_text(file, format, FL_INPUT_FORMATS, &in->format) ||
        fl_yaml_text(file, encoding, NULL, &in->encoding) ||
        fl_yaml_text(file, delimiter, NULL, &in->delimiter) ||
        fl_yaml_text(file, decimal, NULL, &in->decimal) ||
        fl_yaml_text(file, order, FL_DATE_ORDERS, &in->date_order) ||
        fl_yaml_text(file, messages, NULL, &in->messages) ||
        fl_yaml_text(file, role, NULL, &in->role) ||
        fl_yaml_text(file, content, NULL, &in->content))
        return -1;
    if (take_pairs(file, map, &in->map) || take_pairs(file, units, &in->units) ||
        take_pairs(file, codes, &in->codes) || take_pairs(file, roles, &in->roles))
        return -1;
    return check_input(in, file, node);
}

static int
read_root(struct fl_site_conf *conf, const char *file)
{
    const struct fl_yaml *contract = NULL, *inputs = NULL, *identifiers = NULL;
    const struct fl_yaml_key keys[] = {
        FL_KEY_NODE("contract", &contract),
        FL_KEY_NODE("inputs", &inputs),
        FL_KEY_NODE("identifiers", &identifiers),
        FL_KEY_END,
    };

    if (conf->root->type != FL_YAML_MAP)
        return fl_yaml_error(file, conf->root, "must be a mapping");
    if (fl_yaml_fill(file, conf->root, keys))
        return -1;
    if (!contract || !inputs)
        return fl_yaml_error(file, conf->root, "lacks \"%s\"", contract ? "inputs" : "contract");
    if (inputs->type != FL_YAML_LIST || !inputs->count)
        return fl_yaml_error(file, inputs, "inputs: must be a list like [{files: \"*.txt\"}]");
    conf->inputs = fl_alloc(inputs->count, sizeof *conf->inputs);
    if (!conf->inputs || fl_yaml_text(file, contract, NULL, &conf->contract) ||
        take_pairs(file, identifiers, &conf->identifiers))
        return -1;
    for (size_t i = 0; i < inputs->count; i++)
        if (read_input(&conf->inputs[conf->input_count++], file, inputs->items[i]))
            return -1;
    return 0;
}

static int
read_tree(struct fl_site_conf *conf, struct fl_yaml *root, const char *file)
{
    const char *slash = strrchr(file, '/');

    *conf = (struct fl_site_conf){.root = root};
    conf->folder = fl_strndup(file, slash ? (size_t)(slash - file) + 1 : 0);
    if (root && conf->folder && !read_root(conf, file))
        return 0;
    fl_site_conf_release(conf);
    return -1;
}

int
fl_site_conf_read(struct fl_site_conf *conf, const char *path)
{
    return read_tree(conf, fl_yaml_read(path), fl_input_name(path));
}

int
fl_site_conf_parse(struct fl_site_conf *conf, const char *text, size_t len, const char *name)
{
    return read_tree(conf, fl_yaml_parse(text, len, name), name);
}

char *
fl_site_path(const struct fl_site_conf *conf, const char *file)
{
    size_t size = strlen(conf->folder) + strlen(file) + 1;
    char *path = fl_alloc(size, 1);

    if (path)
        snprintf(path, size, "%s%s", *file == '/' ? "" : conf->folder, file);
    return path;
}

static bool
matches(const char *pattern, const char *path)
{
    const char *slash = strrchr(path, '/');

    return fl_glob(pattern, strchr(pattern, '/') || !slash ? path : slash + 1);
}

const struct fl_input_conf *
fl_site_input(const struct fl_site_conf *conf, const char *path)
{
    size_t len = fl_name_unpacked(path);
    char plain[4096];

    if (len >= sizeof plain)
        return NULL;
    snprintf(plain, sizeof plain, "%.*s", (int)len, path);
    for (size_t i = 0; i < conf->input_count; i++)
        for (size_t k = 0; k < conf->inputs[i].file_count; k++)
            if (matches(conf->inputs[i].files[k], path) || matches(conf->inputs[i].files[k], plain))
                return &conf->inputs[i];
    return NULL;
}
