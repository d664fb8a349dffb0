/*
 * YAML by libyaml's events. Aliases, anchors and tags are refused: none of our files needs them,
 * and without them a file in memory is never larger than some constant times its bytes.
 */
#include "conf/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/choice.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/version.h"
#include "flt/sniff.h"
#include "os/file.h"

enum { MAX_BYTES = 8 << 20, MAX_DEPTH = 32 };

struct builder {
    yaml_parser_t parser;
    const char *name;
};

void
fl_yaml_free(struct fl_yaml *node)
{
    if (!node)
        return;
    for (size_t i = 0; i < node->count; i++) {
        fl_yaml_free(node->items[i]);
        if (node->keys)
            free(node->keys[i]);
    }
    free(node->items);
    free(node->keys);
    free(node->key_lines);
    free(node->text);
    free(node);
}

static int
error_at(const char *name, size_t line, const char *format, va_list ap)
{
    char what[512];

    vsnprintf(what, sizeof what, format, ap);
    if (!line)
        return fl_error(FL_USAGE, "%s: %s", name, what);
    return fl_error(FL_USAGE, "%s: line %zu: %s", name, line, what);
}

int
fl_yaml_error(const char *name, const struct fl_yaml *node, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    error_at(name, node ? node->line : 0, format, ap);
    va_end(ap);
    return -1;
}

static int FL_PRINTF(3, 4) refuse(const struct builder *b, size_t line, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    error_at(b->name, line, format, ap);
    va_end(ap);
    return -1;
}

/* The next event, to be deleted by the caller; its line from 1. */
static int
next(struct builder *b, yaml_event_t *event, size_t *line)
{
    if (yaml_parser_parse(&b->parser, event)) {
        *line = event->start_mark.line + 1;
        return 0;
    }
    const char *problem = b->parser.problem ? b->parser.problem : "it cannot be read";
    if (b->parser.error == YAML_MEMORY_ERROR)
        return fl_error_memory("%s: out of memory", b->name);
    if (b->parser.error == YAML_READER_ERROR)
        return refuse(b, 0, "not YAML in UTF-8 at byte %zu: %s", b->parser.problem_offset, problem);
    return refuse(b, b->parser.problem_mark.line + 1, "not YAML: %s", problem);
}

/* What is allowed of an event that begins a node. */
static int
check_event(const struct builder *b, const yaml_event_t *event, size_t line)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;

    if (event->type == YAML_ALIAS_EVENT)
        return refuse(b, line, "alias \"*%s\" is refused; write the value out",
                      (const char *)event->data.alias.anchor);
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        if (memchr(event->data.scalar.value, 0, event->data.scalar.length))
            return refuse(b, line, "a zero byte in text is refused");
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor)
        return refuse(b, line, "anchor \"&%s\" is refused; write the value out where it is used",
                      (const char *)anchor);
    if (tag)
        return refuse(b, line, "tag \"%s\" is refused; types follow from the key",
                      (const char *)tag);
    return 0;
}

struct keyed {
    const char *key;
    size_t index;
};

static int
by_key(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int order = strcmp(x->key, y->key);

    return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* Sorted, not pair by pair: a mebibyte has room for a quarter of a million keys. */
static int
check_unique(const struct builder *b, const struct fl_yaml *map)
{
    struct keyed *sorted = fl_alloc(map->count, sizeof *sorted);
    const struct keyed *twice = NULL;

    if (!sorted)
        return -1;
    for (size_t i = 0; i < map->count; i++)
        sorted[i] = (struct keyed){map->keys[i], i};
    qsort(sorted, map->count, sizeof *sorted, by_key);
    for (size_t i = 1; i < map->count; i++)
        if (!strcmp(sorted[i].key, sorted[i - 1].key) && (!twice || sorted[i].index < twice->index))
            twice = &sorted[i];
    int result = twice
                     ? refuse(b, map->key_lines[twice->index], "\"%s\" is there twice", twice->key)
                     : 0;
    free(sorted);
    return result;
}

static struct fl_yaml *build(struct builder *b, const yaml_event_t *event, size_t line,
                             unsigned depth);

/* Read a key's node and hand out its text. */
static char *
build_key(struct builder *b, const yaml_event_t *event, size_t line)
{
    if (event->type != YAML_SCALAR_EVENT && event->type != YAML_ALIAS_EVENT) {
        refuse(b, line, "a key must be a word, not a list or a mapping");
        return NULL;
    }
    struct fl_yaml *node = build(b, event, line, 0);
    char *text = node ? node->text : NULL;
    if (node)
        node->text = NULL;
    fl_yaml_free(node);
    return text;
}

static int
make_room(struct fl_yaml *node, size_t *cap)
{
    if (node->count < *cap)
        return 0;
    size_t more = *cap ? *cap * 2 : 8;
    void *p = fl_resize(node->items, more, sizeof *node->items);
    if (!p)
        return -1;
    node->items = p;
    if (node->type == FL_YAML_MAP) {
        if (!(p = fl_resize(node->keys, more, sizeof *node->keys)))
            return -1;
        node->keys = p;
        if (!(p = fl_resize(node->key_lines, more, sizeof *node->key_lines)))
            return -1;
        node->key_lines = p;
    }
    *cap = more;
    return 0;
}

/* One item after the others: EVENT begins a key of a mapping or an item of a list. */
static int
add_item(struct builder *b, struct fl_yaml *node, size_t *cap, const yaml_event_t *event,
         size_t line, unsigned depth)
{
    if (make_room(node, cap))
        return -1;
    if (node->type == FL_YAML_LIST) {
        node->items[node->count] = build(b, event, line, depth);
        return node->items[node->count] ? (node->count++, 0) : -1;
    }
    yaml_event_t value;
    char *key = build_key(b, event, line);
    if (!key)
        return -1;
    struct fl_yaml *item = NULL;
    size_t value_line = 0;
    if (!next(b, &value, &value_line)) {
        item = build(b, &value, value_line, depth);
        yaml_event_delete(&value);
    }
    if (!item) {
        free(key);
        return -1;
    }
    node->keys[node->count] = key;
    node->key_lines[node->count] = line;
    node->items[node->count++] = item;
    return 0;
}

static int
add_items(struct builder *b, struct fl_yaml *node, unsigned depth)
{
    yaml_event_type_t end = node->type == FL_YAML_MAP ? YAML_MAPPING_END_EVENT
                                                      : YAML_SEQUENCE_END_EVENT;
    size_t cap = 0, line = 0;
    int result = 0;
    bool more = true;

    if (depth >= MAX_DEPTH)
        return refuse(b, node->line, "nested deeper than %d", MAX_DEPTH);
    while (!result && more) {
        yaml_event_t event;
        if (next(b, &event, &line))
            return -1;
        more = event.type != end;
        if (more)
            result = add_item(b, node, &cap, &event, line, depth + 1);
        yaml_event_delete(&event);
    }
    if (!result && node->type == FL_YAML_MAP)
        result = check_unique(b, node);
    return result;
}

/* The node that EVENT begins, with all in it. DEPTH counts the lists and mappings around it. */
static struct fl_yaml *
build(struct builder *b, const yaml_event_t *event, size_t line, unsigned depth)
{
    struct fl_yaml *node = NULL;
    int result = -1;

    if (check_event(b, event, line) || !(node = fl_alloc(1, sizeof *node)))
        return NULL;
    node->line = line;
    if (event->type == YAML_SCALAR_EVENT) {
        node->type = FL_YAML_SCALAR;
        node->text = fl_strndup((const char *)event->data.scalar.value, event->data.scalar.length);
        result = node->text ? 0 : -1;
    } else {
        node->type = event->type == YAML_MAPPING_START_EVENT ? FL_YAML_MAP : FL_YAML_LIST;
        result = add_items(b, node, depth);
    }
    if (!result)
        return node;
    fl_yaml_free(node);
    return NULL;
}

/* Everything between the start and the end of the stream: one document. */
static struct fl_yaml *
build_document(struct builder *b)
{
    struct fl_yaml *root = NULL;
    bool failed = false, end = false;

    while (!failed && !end) {
        yaml_event_t event;
        size_t line = 0;
        if (next(b, &event, &line)) {
            failed = true;
            break;
        }
        end = event.type == YAML_STREAM_END_EVENT;
        if (event.type == YAML_DOCUMENT_START_EVENT && root)
            failed = refuse(b, line, "a second document; one file holds one") != 0;
        else if (event.type != YAML_STREAM_START_EVENT && event.type != YAML_DOCUMENT_START_EVENT &&
                 event.type != YAML_DOCUMENT_END_EVENT && !end)
            failed = !(root = build(b, &event, line, 0));
        yaml_event_delete(&event);
    }
    if (!failed && !root)
        failed = refuse(b, 0, "is empty; it should be a YAML mapping") != 0;
    if (!failed)
        return root;
    fl_yaml_free(root);
    return NULL;
}

/* UTF-16: by its mark, or as ASCII looks in it. */
static bool
is_wide(const unsigned char *p, size_t len)
{
    if (len > 1 && ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff)))
        return true;
    return len > 3 && len % 2 == 0 && !p[0] == !p[2] && !p[1] == !p[3] && !p[0] != !p[1];
}

/*
 * The text as the parser takes it best: without a byte order mark, which it counts as a column, and
 * with LF for every line end, CR LF and CR. Lines keep their numbers.
 */
static int
unify(const unsigned char *p, size_t len, struct fl_buf *out)
{
    size_t at = 0;

    while (len - at >= 3 && !memcmp(p + at, "\xef\xbb\xbf", 3))
        at += 3;
    while (at < len) {
        const unsigned char *cr = memchr(p + at, '\r', len - at);
        size_t run = cr ? (size_t)(cr - p) - at : len - at;
        if (fl_buf_add(out, p + at, run) || (cr && fl_buf_add_byte(out, '\n')))
            return -1;
        at += cr ? run + 1 : run;
        if (cr && at < len && p[at] == '\n')
            at++;
    }
    return 0;
}

static struct fl_yaml *
parse(struct builder *b, const struct fl_buf *text)
{
    if (!yaml_parser_initialize(&b->parser)) {
        fl_error_memory("%s: out of memory", b->name);
        return NULL;
    }
    yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b->parser, (const unsigned char *)fl_buf_text(text), text->len);
    struct fl_yaml *root = build_document(b);
    yaml_parser_delete(&b->parser);
    return root;
}

struct fl_yaml *
fl_yaml_parse(const char *text, size_t len, const char *name)
{
    const unsigned char *p = (const unsigned char *)text;
    struct builder b = {.name = name};
    struct fl_buf unified = {0};
    struct fl_yaml *root = NULL;

    if (len > MAX_BYTES)
        refuse(&b, 0, "has %zu bytes; at most %d are allowed", len, MAX_BYTES);
    else if (is_wide(p, len))
        refuse(&b, 0, "is UTF-16, not UTF-8; make it so with: iconv -f UTF-16 -t UTF-8 FILE");
    else if (!unify(p, len, &unified))
        root = parse(&b, &unified);
    fl_buf_release(&unified);
    return root;
}

/* Is it another file, named by mistake? That is then the error, whatever libyaml made of it. */
static bool
is_foreign(const struct fl_buf *content, const char *name)
{
    char what[FL_SNIFF_TEXT];

    fl_sniff(content->data, content->len, what);
    if (is_wide(content->data, content->len) || !strcmp(what, "text") ||
        !strcmp(what, "JSON text") || !strcmp(what, "empty"))
        return false;
    fl_error(FL_USAGE, "%s: is %s; a YAML file is expected", name, what);
    return true;
}

struct fl_yaml *
fl_yaml_read(const char *path)
{
    struct fl_buf content = {0};
    struct fl_yaml *root = NULL;

    if (!fl_read_file(path, MAX_BYTES, &content))
        root = fl_yaml_parse(fl_buf_text(&content), content.len, fl_input_name(path));
    if ((!root || root->type == FL_YAML_SCALAR) && content.len &&
        is_foreign(&content, fl_input_name(path))) {
        fl_yaml_free(root);
        root = NULL;
    }
    fl_buf_release(&content);
    return root;
}

const struct fl_yaml *
fl_yaml_get(const struct fl_yaml *map, const char *key)
{
    for (size_t i = 0; map->type == FL_YAML_MAP && i < map->count; i++)
        if (!strcmp(map->keys[i], key))
            return map->items[i];
    return NULL;
}

static int
set_number(const struct fl_yaml_key *f, const char *text)
{
    bool any = f->min == 0 && f->max == 0;
    double d;

    if (f->type == FL_KEY_I64_TYPE)
        return fl_parse_i64(text, any ? INT64_MIN : (int64_t)f->min,
                            any ? INT64_MAX : (int64_t)f->max, f->value.i64);
    if (fl_parse_f64(text, any ? -1.7e308 : f->min, any ? 1.7e308 : f->max, &d))
        return any ? fl_error(FL_USAGE, "\"%s\" is not a number", text) : -1;
    *f->value.f64 = d;
    return 0;
}

static int
set_bool(const struct fl_yaml_key *f, const char *text)
{
    if (fl_choice_check("true|false", text))
        return -1;
    *f->value.flag = !strcmp(text, "true");
    return 0;
}

static int
set_text(const struct fl_yaml_key *f, const char *text)
{
    if (f->type == FL_KEY_CHOICE_TYPE && fl_choice_check(f->choices, text))
        return -1;
    char *copy = fl_strdup(text);
    if (!copy)
        return -1;
    free(*f->value.text);
    *f->value.text = copy;
    return 0;
}

static int
set_field(const char *name, const struct fl_yaml_key *f, const struct fl_yaml *node)
{
    int result;

    if (f->type == FL_KEY_NODE_TYPE) {
        *f->value.node = node;
        result = 0;
    } else if (node->type != FL_YAML_SCALAR) {
        return fl_yaml_error(name, node, "%s: must be one value, not a %s", f->key,
                             node->type == FL_YAML_MAP ? "mapping" : "list");
    } else if (f->type == FL_KEY_TEXT_TYPE || f->type == FL_KEY_CHOICE_TYPE) {
        result = set_text(f, node->text);
    } else {
        result = f->type == FL_KEY_BOOL_TYPE ? set_bool(f, node->text) : set_number(f, node->text);
    }
    if (result) {
        char place[600];
        snprintf(place, sizeof place, "%s: line %zu: %s", name, node->line, f->key);
        return fl_error_about(place);
    }
    if (f->given)
        *f->given = true;
    return 0;
}

/*
 * Say what is known: the key was mistyped, when one of these is near; or else the file is another
 * one, or of another version.
 */
static int
refuse_key(const char *name, const struct fl_yaml *map, size_t i, const struct fl_yaml_key *fields)
{
    const struct fl_yaml key = {.line = map->key_lines[i]};
    char known[190] = "", hint[100];
    struct fl_nearest nearest;
    size_t at = 0;

    fl_nearest_start(&nearest, map->keys[i], strlen(map->keys[i]));
    for (const struct fl_yaml_key *f = fields; f->type != FL_KEY_END_TYPE; f++) {
        fl_nearest_try(&nearest, f->key, strlen(f->key));
        if (at < sizeof known)
            at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", at ? ", " : "", f->key);
    }
    fl_yaml_error(name, &key, "there is no key \"%.80s\"", map->keys[i]);
    if (!*fl_nearest_hint(&nearest, "", hint, sizeof hint))
        snprintf(hint, sizeof hint, "; another version of fl than " FL_VERSION " may have it");
    return fl_error_cure("known are %s%s", known, hint);
}

int
fl_yaml_fill(const char *name, const struct fl_yaml *map, const struct fl_yaml_key *fields)
{
    if (map->type != FL_YAML_MAP)
        return fl_yaml_error(name, map, "must be a mapping (key: value)");
    for (size_t i = 0; i < map->count; i++) {
        const struct fl_yaml_key *f = fields;
        while (f->type != FL_KEY_END_TYPE && strcmp(f->key, map->keys[i]))
            f++;
        if (f->type == FL_KEY_END_TYPE)
            return refuse_key(name, map, i, fields);
        if (set_field(name, f, map->items[i]))
            return -1;
    }
    return 0;
}

int
fl_yaml_text(const char *file, const struct fl_yaml *node, const char *choices, const char **to)
{
    if (!node)
        return 0;
    if (node->type != FL_YAML_SCALAR)
        return fl_yaml_error(file, node, "must be a word or a text, not a list or a mapping");
    *to = node->text;
    if (!choices || !fl_choice_check(choices, node->text))
        return 0;
    return fl_yaml_error(file, node, "\"%.60s\" is not one of %s", node->text, choices);
}

size_t
fl_yaml_items(const struct fl_yaml *node)
{
    return !node ? 0 : node->type == FL_YAML_LIST ? node->count : 1;
}

const struct fl_yaml *
fl_yaml_item(const struct fl_yaml *node, size_t i)
{
    return node->type == FL_YAML_LIST ? node->items[i] : node;
}

int
fl_yaml_texts(const char *file, const struct fl_yaml *node, const char *wrong, const char ***texts,
              size_t *count)
{
    size_t n = fl_yaml_items(node);

    if (!node)
        return 0;
    if (!n)
        return fl_yaml_error(file, node, "%s", wrong);
    *texts = fl_alloc(n, sizeof **texts);
    if (!*texts)
        return -1;
    for (*count = 0; *count < n; ++*count)
        if (fl_yaml_text(file, fl_yaml_item(node, *count), NULL, &(*texts)[*count]))
            return -1;
    return 0;
}
