/*
 * The parser of command lines. The program's own table is searched before the shared one
 * (cli/program.c). Only -z has an optional argument, which must be glued to it: in "-z FILE" nobody
 * could tell whether FILE is a level or an input.
 */
#include "cli/option.h"

#include <stdio.h>
#include <string.h>

#include "base/choice.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/number.h"

bool
fl_option_is_path(const struct fl_option *o)
{
    return o->type == FL_OPTION_INPUT || o->type == FL_OPTION_INPUTS ||
           o->type == FL_OPTION_OUTPUT || o->type == FL_OPTION_KEY || o->type == FL_OPTION_FOLDER;
}

bool
fl_option_is_list(const struct fl_option *o)
{
    return o->type == FL_OPTION_LIST || o->type == FL_OPTION_INPUTS;
}

/* The option with this letter or this long name of LEN characters; NULL when there is none. */
static const struct fl_option *
find(const struct fl_options *p, char letter, const char *name, size_t len)
{
    const struct fl_option *tables[] = {p->own, p->common};

    for (int t = 0; t < 2; t++)
        for (const struct fl_option *o = tables[t]; o->type != FL_OPTION_END; o++)
            if (name ? strlen(o->name) == len && !strncmp(o->name, name, len)
                     : letter && o->letter == letter)
                return o;
    return NULL;
}

static int
refuse_long(const struct fl_options *p, const char *name, size_t len)
{
    const struct fl_option *tables[] = {p->own, p->common};
    struct fl_nearest nearest;
    char hint[100];

    fl_nearest_start(&nearest, name, len);
    for (int t = 0; t < 2; t++)
        for (const struct fl_option *o = tables[t]; o->type != FL_OPTION_END; o++)
            fl_nearest_try(&nearest, o->name, strlen(o->name));
    if (!*fl_nearest_hint(&nearest, "--", hint, sizeof hint))
        snprintf(hint, sizeof hint, "; see --help");
    return fl_error(FL_USAGE, "there is no option \"--%.*s\"%s", (int)len, name, hint);
}

static int
add_item(struct fl_option_list *list, const char *text)
{
    const char **items = fl_grow(list->items, list->count, &list->cap, sizeof *items);

    if (!items)
        return -1;
    list->items = items;
    list->items[list->count++] = text;
    return 0;
}

static int
set_number(const struct fl_option *o, const char *text)
{
    bool any = o->min == 0 && o->max == 0;
    double max = any ? 9.2e18 : o->max, min = any ? -9.2e18 : o->min;

    if (o->type == FL_OPTION_I64)
        return fl_parse_i64(text, (int64_t)min, (int64_t)max, o->value.i64);
    if (o->type == FL_OPTION_F64)
        return fl_parse_f64(text, min, max, o->value.f64);
    return fl_parse_size(text, (uint64_t)o->min, (uint64_t)max, o->value.size);
}

static int
set_value(const struct fl_option *o, const char *text)
{
    int result = 0;

    switch (o->type) {
    case FL_OPTION_FLAG: *o->value.flag = true; break;
    case FL_OPTION_CHOICE:
        result = fl_choice_check(o->choices, text);
        *o->value.text = text;
        break;
    case FL_OPTION_TEXT:
    case FL_OPTION_INPUT:
    case FL_OPTION_OUTPUT:
    case FL_OPTION_KEY:
    case FL_OPTION_FOLDER: *o->value.text = text; break;
    case FL_OPTION_I64:
    case FL_OPTION_F64:
    case FL_OPTION_SIZE: result = set_number(o, text); break;
    case FL_OPTION_LIST:
    case FL_OPTION_INPUTS: return add_item(o->value.list, text);
    case FL_OPTION_END: break;
    }
    if (o->given)
        *o->given = true;
    if (result) {
        char about[80];
        snprintf(about, sizeof about, "--%s", o->name);
        return fl_error_about(about);
    }
    return 0;
}

static int
parse_long(struct fl_options *p, char **argv, int argc, int *i)
{
    const char *name = argv[*i] + 2;
    const char *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct fl_option *o = find(p, 0, name, len);
    const char *text = equals ? equals + 1 : NULL;

    if (len == 10 && !strncmp(name, "completion", 10) && (text || *i + 1 < argc)) {
        p->completion = text ? text : argv[++*i];
        return 0;
    }
    if (!o)
        return refuse_long(p, name, len);
    if (!o->arg && text)
        return fl_error(FL_USAGE, "--%s takes no argument", o->name);
    if (o->arg && !text && o->letter != 'z') {
        if (*i + 1 >= argc)
            return fl_error(FL_USAGE, "--%s needs an argument (%s)", o->name, o->arg);
        text = argv[++*i];
    }
    return set_value(o, text ? text : "3");
}

static int
parse_short(const struct fl_options *p, char **argv, int argc, int *i)
{
    for (const char *c = argv[*i] + 1; *c; c++) {
        const struct fl_option *o = find(p, *c, NULL, 0);
        if (!o)
            return fl_error(FL_USAGE, "there is no option \"-%c\"; see --help", *c);
        if (!o->arg) {
            if (set_value(o, NULL))
                return -1;
            continue;
        }
        const char *text = c[1] ? c + 1 : NULL;
        if (!text && o->letter == 'z')
            text = "3";
        if (!text && *i + 1 >= argc)
            return fl_error(FL_USAGE, "-%c needs an argument (%s)", *c, o->arg);
        return set_value(o, text ? text : argv[++*i]);
    }
    return 0;
}

int
fl_options_parse(struct fl_options *options, int argc, char **argv)
{
    bool no_more = false;

    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        int result = 0;
        if (no_more || a[0] != '-' || !a[1])
            options->operands[options->operand_count++] = a;
        else if (!strcmp(a, "--"))
            no_more = true;
        else if (a[1] == '-')
            result = parse_long(options, argv, argc, &i);
        else
            result = parse_short(options, argv, argc, &i);
        if (result)
            return -1;
    }
    return 0;
}
