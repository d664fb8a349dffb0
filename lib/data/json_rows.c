/*
 * Rows as jansson's trees. A line that is no object, or a field of another type than it should
 * have, is an error that names line and field: a question that was left out in silence would
 * change a score.
 */
#include "data/json_rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "os/file.h"
#include "data/records.h"

enum { TEXT_MAX = 16 << 20 }; /* bytes of a prompt */

void
fl_json_rows_release(struct fl_json_rows *r)
{
    for (size_t i = 0; i < r->count; i++)
        json_decref(r->rows[i].object);
    free(r->rows);
    *r = (struct fl_json_rows){0};
}

/* Put "FILE: line N: " before the recorded error. */
static int
fail_at(const struct fl_json_rows *r, uint64_t line)
{
    char about[40];

    snprintf(about, sizeof about, "line %llu", (unsigned long long)line);
    fl_error_about(about);
    return fl_error_about(r->name);
}

int
fl_json_rows_fail(const struct fl_json_rows *r, size_t row)
{
    return fail_at(r, r->rows[row].line);
}

static int
add_row(struct fl_json_rows *r, json_t *object, uint64_t line)
{
    struct fl_json_row *rows = fl_grow(r->rows, r->count, &r->cap, sizeof *rows);

    if (!rows)
        return -1;
    r->rows = rows;
    r->rows[r->count++] = (struct fl_json_row){object, line};
    return 0;
}

static int
take_line(struct fl_json_rows *r, const struct fl_raw_record *record)
{
    json_error_t e;
    json_t *o = json_loadb((const char *)record->data, record->len, JSON_ALLOW_NUL, &e);

    if (json_is_object(o) && !add_row(r, o, record->line))
        return 0;
    int result = !o ? fl_error(FL_FAILED, "is no JSON object at byte %d: %s", e.position, e.text)
                 : !json_is_object(o) ? fl_error(FL_FAILED, "is JSON, but no object")
                                      : -1;
    json_decref(o);
    return result;
}

int
fl_json_rows_read(struct fl_json_rows *r, const char *path)
{
    const struct fl_records_settings set = {FL_RECORDS_JSONL, TEXT_MAX, 0, false, false, NULL};
    struct fl_records *records = fl_records_open(&path, path ? 1 : 0, &set);
    struct fl_raw_record record;
    int got = records ? 1 : -1;

    r->name = fl_input_name(path);
    while (got == 1 && (got = fl_records_next(records, &record)) == 1)
        if (take_line(r, &record)) {
            fail_at(r, record.line);
            got = -1;
        }
    if (!got && fl_records_file(records, 0)->overlong)
        got = fl_error(FL_FAILED, "%s: line %llu is longer than 128 MiB", r->name,
                       (unsigned long long)fl_records_file(records, 0)->overlong_line);
    fl_records_free(records);
    if (!got && !r->count)
        got = fl_error(FL_FAILED, "%s: has no line; each would be a JSON object", r->name);
    return got;
}

static int
take_text(const json_t *value, struct fl_json_text *text)
{
    *text = (struct fl_json_text){json_string_value(value), json_string_length(value)};
    return 0;
}

int
fl_json_text(const json_t *object, const char *key, struct fl_json_text *text)
{
    const json_t *value = json_object_get(object, key);

    if (!value)
        return fl_error(FL_FAILED, "has no field \"%s\"", key);
    if (!json_is_string(value))
        return fl_error(FL_FAILED, "its field \"%s\" is not a string", key);
    return take_text(value, text);
}

int
fl_json_item(const json_t *value, const char *key, size_t i, struct fl_json_text *text)
{
    const json_t *item = json_array_get(value, i);

    if (!json_is_string(item))
        return fl_error(FL_FAILED, "item %zu of its field \"%s\" is not a string", i, key);
    return take_text(item, text);
}

int
fl_json_whole(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *value)
{
    const json_t *v = json_object_get(object, key);

    if (!v || json_is_null(v))
        return 0;
    if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
        return fl_error(FL_FAILED, "its field \"%s\" is not a whole number from %lld to %lld", key,
                        (long long)min, (long long)max);
    *value = json_integer_value(v);
    return 0;
}

int
fl_json_number(const json_t *object, const char *key, double min, double max, double *value)
{
    const json_t *v = json_object_get(object, key);

    if (!v || json_is_null(v))
        return 0;
    if (!json_is_number(v) || !(json_number_value(v) >= min && json_number_value(v) <= max))
        return fl_error(FL_FAILED, "its field \"%s\" is not a number from %g to %g", key, min, max);
    *value = json_number_value(v);
    return 0;
}
