/*
 * A record is taken apart by its format, values are mapped one by one, and a template puts them
 * together. Of a template that is one field alone nothing is copied.
 */
#include "data/fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "data/fields_parts.h"

void
fl_field_counts_add(struct fl_field_counts *to, const struct fl_field_counts *more)
{
    to->units += more->units;
    to->dates += more->dates;
    to->codes += more->codes;
    to->units_kept += more->units_kept;
    to->dates_kept += more->dates_kept;
    to->codes_kept += more->codes_kept;
    to->ambiguous += more->ambiguous;
    to->twice += more->twice;
}

void
fl_fields_release(struct fl_fields *f)
{
    for (size_t i = 0; f->values && i < FL_JSONL_FIELDS; i++)
        fl_jsonl_value_release(&f->values[i]);
    free(f->values);
    free(f->cells);
    fl_buf_release(&f->mapped);
    fl_edits_release(&f->edits);
    *f = (struct fl_fields){0};
}

static int
reserve(struct fl_fields *f)
{
    if (!f->values)
        f->values = fl_alloc(FL_JSONL_FIELDS, sizeof *f->values);
    if (!f->cells)
        f->cells = fl_alloc(FL_JSONL_FIELDS, sizeof *f->cells);
    return f->values && f->cells ? 0 : -1;
}

/* LEN bytes of the record from AT on are the value. */
static int
take_run(struct fl_jsonl_value *v, const char *text, size_t at, size_t len)
{
    const struct fl_piece kept = {(uint32_t)at, (uint32_t)len, (uint32_t)len, FL_FATE_KEPT};

    fl_buf_clear(&v->text);
    fl_trace_clear(&v->trace);
    v->surrogates = 0;
    v->twice = false;
    v->result = FL_JSONL_FOUND;
    return fl_buf_add(&v->text, text + at, len) || fl_trace_add(&v->trace, kept) ? -1 : 0;
}

/* A cell of a table, "" in it one quote. */
static int
take_cell(struct fl_jsonl_value *v, const char *text, const struct fl_csv_field *cell)
{
    const char *p = text + cell->at, *end = p + cell->len;

    if (!cell->escapes)
        return take_run(v, text, cell->at, cell->len);
    if (take_run(v, text, cell->at, 0))
        return -1;
    while (p < end) {
        const char *quote = memchr(p, '"', (size_t)(end - p));
        size_t run = (size_t)((quote ? quote : end) - p);
        struct fl_piece kept = {(uint32_t)(p - text), (uint32_t)run, (uint32_t)run, FL_FATE_KEPT};
        struct fl_piece two = {(uint32_t)(p - text + (ptrdiff_t)run), 2, 1, FL_FATE_ESCAPE};
        if (fl_buf_add(&v->text, p, run) || fl_trace_add(&v->trace, kept) ||
            (quote && (fl_buf_add_byte(&v->text, '"') || fl_trace_add(&v->trace, two))))
            return -1;
        p = quote ? quote + 2 : end;
    }
    return 0;
}

static int
parse_row(struct fl_fields *f, const struct fl_record_text *record, const struct fl_reading *r,
          const struct fl_columns *columns)
{
    bool column[FL_JSONL_FIELDS] = {false};
    int got = fl_csv_fields((const unsigned char *)record->text, record->len, record->divider,
                            columns->slots, columns->count, f->cells);

    if (got == FL_CSV_MALFORMED)
        return FL_FATE_MALFORMED;
    if ((size_t)got != columns->count)
        return FL_FATE_FIELDS;
    for (size_t i = 0; i < columns->count; i++)
        if (columns->slots[i] >= 0)
            column[columns->slots[i]] = true;
    for (size_t i = 0; i < r->count; i++) {
        f->values[i].result = FL_JSONL_MISSING;
        if (column[i] && take_cell(&f->values[i], record->text, &f->cells[i]))
            return -1;
    }
    return FL_FATE_KEPT;
}

static int
parse_line(struct fl_fields *f, const struct fl_record_text *record, const struct fl_reading *r,
           struct fl_field_counts *counts)
{
    const char *paths[FL_JSONL_FIELDS];
    const struct fl_jsonl_wanted wanted = {paths, r->count, r->scalars, NULL, NULL, NULL};
    size_t offset;

    for (size_t i = 0; i < r->count; i++)
        paths[i] = r->fields[i].source;
    enum fl_jsonl_result result = fl_jsonl_fields(record->text, record->len, &wanted, f->values,
                                                  &offset);
    if (result == FL_JSONL_NO_MEMORY)
        return -1;
    if (result == FL_JSONL_MALFORMED)
        return FL_FATE_MALFORMED;
    for (size_t i = 0; i < r->count; i++)
        counts->twice += f->values[i].twice;
    return FL_FATE_KEPT;
}

static int
parse(struct fl_fields *f, const struct fl_record_text *record, const struct fl_reading *r,
      const struct fl_columns *columns, struct fl_field_counts *counts)
{
    switch (record->format) {
    case FL_RECORDS_CSV: return parse_row(f, record, r, columns);
    case FL_RECORDS_JSONL: return parse_line(f, record, r, counts);
    default: break;
    }
    for (size_t i = 0; i < r->count; i++)
        f->values[i].result = FL_JSONL_MISSING;
    return take_run(&f->values[r->text], record->text, 0, record->len) ? -1 : FL_FATE_KEPT;
}

/* The mapped text takes the place of the value's own. */
static int
replace_value(struct fl_fields *f, struct fl_jsonl_value *v, enum fl_fate fate)
{
    struct fl_buf swap = v->text;

    f->edits.count = 0;
    if (fl_edits_add(&f->edits, 0, v->text.len, f->mapped.len, fate) ||
        fl_trace_edit(&v->trace, &f->edits))
        return -1;
    v->text = f->mapped;
    f->mapped = swap;
    return FL_FATE_KEPT;
}

static int
map_code(struct fl_fields *f, const struct fl_field *field, struct fl_jsonl_value *v,
         struct fl_field_counts *counts)
{
    const char *text = fl_buf_text(&v->text);
    const char *to = field->codes ? fl_codes_find(field->codes, text, v->text.len) : NULL;

    if (to) {
        if (strlen(to) == v->text.len && !memcmp(to, text, v->text.len))
            return FL_FATE_KEPT;
        fl_buf_clear(&f->mapped);
        counts->codes++;
        return fl_buf_add_text(&f->mapped, to) ? -1 : replace_value(f, v, FL_FATE_CODE);
    }
    if (!v->text.len || field->policy == FL_CODE_KEEP) {
        counts->codes_kept += v->text.len > 0;
        return FL_FATE_KEPT;
    }
    if (field->policy == FL_CODE_DROP)
        return FL_FATE_BAD_CODE;
    return fl_error(FL_FAILED,
                    "field \"%s\" has a code that is not in its table (codes: in the site file); "
                    "--explain shows records",
                    field->name);
}

static int
map_value(struct fl_fields *f, const struct fl_field *field, const struct fl_reading *r,
          const struct fl_columns *columns, struct fl_field_counts *counts)
{
    struct fl_jsonl_value *v = &f->values[field - r->fields];
    const char *text = fl_buf_text(&v->text);
    bool date = field->kind == FL_VALUE_DATE;
    enum fl_mapped got;

    if (field->kind == FL_VALUE_TEXT || !v->text.len)
        return FL_FATE_KEPT;
    if (field->kind == FL_VALUE_CODE)
        return map_code(f, field, v, counts);
    got = date ? fl_date_convert(columns->order, text, v->text.len, &f->mapped)
               : fl_unit_convert(&field->unit, text, v->text.len, r->decimal, &f->mapped);
    switch (got) {
    case FL_MAPPED_NO_MEMORY: return -1;
    case FL_MAPPED_SAME: return FL_FATE_KEPT;
    case FL_MAPPED_CHANGED:
        ++*(date ? &counts->dates : &counts->units);
        return replace_value(f, v, date ? FL_FATE_DATE : FL_FATE_UNIT);
    case FL_MAPPED_UNKNOWN: ++*(date ? &counts->dates_kept : &counts->units_kept); break;
    case FL_MAPPED_AMBIGUOUS: counts->ambiguous++; break;
    }
    return FL_FATE_KEPT;
}

static bool
is_blank(const struct fl_buf *text)
{
    for (size_t i = 0; i < text->len; i++)
        if (!strchr(" \t\r\n", text->data[i]) || !text->data[i])
            return false;
    return true;
}

void
fl_fields_note(struct fl_fields *f, const struct fl_jsonl_value *value)
{
    if (!value->surrogates)
        return;
    if (!f->surrogate_count || value->first < f->surrogate)
        f->surrogate = value->first;
    f->surrogate_count += value->surrogates;
}

/* Is the section of part I left out? It has fields, and all of them are empty. */
static bool
left_out(const struct fl_rendering *r, size_t i, const struct fl_jsonl_value *values)
{
    bool fields = false;

    for (size_t k = i; k < r->count && r->parts[k].section == r->parts[i].section; k++) {
        const struct fl_part *part = &r->parts[k];
        if (part->text)
            continue;
        fields = true;
        if (values[part->field].result == FL_JSONL_FOUND && values[part->field].text.len)
            return false;
    }
    return fields;
}

int
fl_fields_put(struct fl_traced *out, const struct fl_rendering *r,
              const struct fl_jsonl_value *values)
{
    bool skip = false;

    for (size_t i = 0; i < r->count; i++) {
        const struct fl_part *part = &r->parts[i];
        if (!i || part->section != r->parts[i - 1].section)
            skip = left_out(r, i, values);
        if (skip)
            continue;
        const struct fl_piece literal = {0, 0, (uint32_t)part->len, FL_FATE_ADDED};
        if (part->text) {
            if (fl_buf_add(&out->text, part->text, part->len) || fl_trace_add(&out->trace, literal))
                return -1;
            continue;
        }
        const struct fl_jsonl_value *v = &values[part->field];
        if (v->result == FL_JSONL_FOUND &&
            (fl_buf_add(&out->text, fl_buf_text(&v->text), v->text.len) ||
             fl_trace_append(&out->trace, &v->trace)))
            return -1;
    }
    return 0;
}

/* As above for a template of one field: the value itself is the text. */
static void
put_alone(struct fl_traced *out, struct fl_jsonl_value *v)
{
    struct fl_buf text = out->text;
    struct fl_trace trace = out->trace;

    out->text = v->text;
    out->trace = v->trace;
    v->text = text;
    v->trace = trace;
}

static int
render(struct fl_fields *f, const struct fl_reading *r, const struct fl_columns *columns,
       struct fl_field_counts *counts, struct fl_traced *out)
{
    for (size_t i = 0; i < r->count; i++) {
        struct fl_jsonl_value *v = &f->values[i];
        bool found = v->result == FL_JSONL_FOUND;
        if (r->fields[i].required && !found)
            return FL_FATE_NO_FIELD;
        if (!found)
            fl_buf_clear(&v->text);
        if (r->count > 1 && r->fields[i].required && is_blank(&v->text))
            return FL_FATE_EMPTY;
        int fate = found ? map_value(f, &r->fields[i], r, columns, counts) : FL_FATE_KEPT;
        if (fate != FL_FATE_KEPT)
            return fate;
    }
    for (size_t i = 0; i < r->render.count; i++)
        if (!r->render.parts[i].text)
            fl_fields_note(f, &f->values[r->render.parts[i].field]);
    if (r->render.count > 1)
        return fl_fields_put(out, &r->render, f->values) ? -1 : FL_FATE_KEPT;
    put_alone(out, &f->values[r->render.parts[0].field]);
    return FL_FATE_KEPT;
}

int
fl_fields_render(struct fl_fields *f, const struct fl_record_text *record,
                 const struct fl_reading *reading, const struct fl_columns *columns,
                 struct fl_field_counts *counts, struct fl_traced *out, struct fl_buf *group)
{
    fl_traced_clear(out);
    fl_buf_clear(group);
    f->surrogate_count = 0;
    if (reserve(f))
        return -1;
    if (reading->chat)
        return fl_chat_render(f, record, reading, out);
    int fate = parse(f, record, reading, columns, counts);
    if (fate == FL_FATE_KEPT && reading->group >= 0 &&
        f->values[reading->group].result == FL_JSONL_FOUND &&
        fl_buf_add(group, fl_buf_text(&f->values[reading->group].text),
                   f->values[reading->group].text.len))
        return -1;
    return fate == FL_FATE_KEPT ? render(f, reading, columns, counts, out) : fate;
}

int
fl_fields_dates(struct fl_fields *f, const struct fl_record_text *record,
                const struct fl_reading *reading, const struct fl_columns *columns,
                struct fl_date_proof *proof)
{
    struct fl_field_counts counts = {0};
    int fate = reserve(f) ? -1 : parse(f, record, reading, columns, &counts);

    for (size_t i = 0; fate == FL_FATE_KEPT && i < reading->count; i++)
        if (reading->fields[i].kind == FL_VALUE_DATE && f->values[i].result == FL_JSONL_FOUND)
            fl_date_note(proof, fl_buf_text(&f->values[i].text), f->values[i].text.len);
    return fate < 0 ? -1 : 0;
}
