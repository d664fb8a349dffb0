/* Templates and columns: names are looked up once, so that records are worked on by numbers. */
#include "data/reading.h"

#include <stdint.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"

void
fl_rendering_release(struct fl_rendering *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->parts[i].text);
    free(r->parts);
    *r = (struct fl_rendering){0};
}

static int
add_part(struct fl_rendering *r, size_t *cap, struct fl_part part)
{
    struct fl_part *parts = fl_grow(r->parts, r->count, cap, sizeof *parts);

    if (!parts) {
        free(part.text);
        return -1;
    }
    r->parts = parts;
    parts[r->count++] = part;
    return 0;
}

static int
add_literal(struct fl_rendering *r, size_t *cap, struct fl_buf *literal, size_t section)
{
    struct fl_part part = {.len = literal->len, .field = -1, .section = section};

    if (!literal->len)
        return 0;
    part.text = fl_strndup(fl_buf_text(literal), literal->len);
    fl_buf_clear(literal);
    return part.text ? add_part(r, cap, part) : -1;
}

static int
add_field(struct fl_rendering *r, size_t *cap, struct fl_part name, const struct fl_names *names)
{
    size_t i = 0;

    while (i < names->count &&
           (strncmp(names->items[i], name.text, name.len) || names->items[i][name.len]))
        i++;
    if (i == names->count)
        return fl_error(FL_USAGE, "names {%.*s}, which is no field",
                        (int)(name.len < 60 ? name.len : 60), name.text);
    for (size_t k = 0; k < r->count; k++)
        if (!r->parts[k].text && r->parts[k].field == (int)i)
            return fl_error(FL_USAGE, "has {%s} twice", names->items[i]);
    return add_part(r, cap, (struct fl_part){.field = (int)i, .section = name.section});
}

static int
parse(struct fl_rendering *r, size_t *cap, const char *p, struct fl_buf *literal, size_t section,
      const struct fl_names *names)
{
    while (*p) {
        const char *end = *p == '{' && p[1] != '{' ? strchr(p, '}') : NULL;
        if (end) {
            struct fl_part name = {(char *)(uintptr_t)(p + 1), (size_t)(end - p) - 1, 0, section};
            if (add_literal(r, cap, literal, section) || add_field(r, cap, name, names))
                return -1;
            p = end + 1;
            continue;
        }
        bool brace = *p == '{' || *p == '}';
        if (brace && p[1] != *p)
            return fl_error(FL_USAGE, "has a brace without its other one; {{ is a brace");
        if (fl_buf_add_byte(literal, (unsigned char)*p))
            return -1;
        p += brace ? 2 : 1;
    }
    return add_literal(r, cap, literal, section);
}

int
fl_rendering_make(struct fl_rendering *r, const struct fl_names *templates,
                  const struct fl_names *names)
{
    struct fl_buf literal = {0};
    bool field = false;
    size_t cap = 0;
    int failed = 0;

    *r = (struct fl_rendering){0};
    for (size_t i = 0; i < templates->count && !failed; i++)
        failed = parse(r, &cap, templates->items[i], &literal, i, names);
    fl_buf_release(&literal);
    for (size_t i = 0; i < r->count; i++)
        field |= !r->parts[i].text;
    if (!failed && !field)
        failed = fl_error(FL_USAGE, "has no field, like {%s}", names->items[0]);
    if (!failed)
        return 0;
    fl_rendering_release(r);
    return -1;
}

void
fl_reading_release(struct fl_reading *r)
{
    for (size_t i = 0; r->fields && i < r->count; i++)
        fl_codes_free(r->fields[i].codes);
    free(r->fields);
    fl_rendering_release(&r->render);
    fl_rendering_release(&r->turn);
    free(r->roles.names);
    free(r->roles.roles);
    *r = (struct fl_reading){0};
}

int
fl_reading_plain(struct fl_reading *r, const char *field)
{
    const char *const name = "text", *const template = "{text}";
    const struct fl_names names = {&name, 1}, templates = {&template, 1};

    *r = (struct fl_reading){.group = -1, .decimal = '.', .count = 1};
    r->fields = fl_alloc(1, sizeof *r->fields);
    if (!r->fields)
        return -1;
    r->fields[0] = (struct fl_field){.name = name, .source = field, .required = true};
    return fl_rendering_make(&r->render, &templates, &names);
}

void
fl_columns_release(struct fl_columns *c)
{
    free(c->slots);
    *c = (struct fl_columns){0};
}

static int
no_column(const struct fl_field *field, const struct fl_csv_header *header)
{
    struct fl_buf list = {0};

    for (size_t i = 0; i < header->count && list.len < 300; i++)
        if (fl_buf_printf(&list, "%s\"%.40s\"", i ? ", " : "", header->names[i]))
            break;
    fl_error(FL_USAGE, "has no column \"%.60s\"%s%.300s", field->source,
             header->count ? "; its columns are " : "", fl_buf_text(&list));
    fl_buf_release(&list);
    return -1;
}

int
fl_columns_find(struct fl_columns *c, const struct fl_reading *r,
                const struct fl_csv_header *header)
{
    const struct fl_csv_header given = {(char **)(uintptr_t)r->columns, r->column_count};

    if (!header)
        header = &given;
    c->count = header->count;
    c->slots = fl_alloc(c->count, sizeof *c->slots);
    if (!c->slots)
        return -1;
    for (size_t i = 0; i < c->count; i++)
        c->slots[i] = -1;
    for (size_t i = 0; i < r->count; i++) {
        int column = fl_csv_header_find(header, r->fields[i].source);
        if (column >= 0)
            c->slots[column] = (int)i;
        else if (r->fields[i].required)
            return no_column(&r->fields[i], header);
    }
    return 0;
}
