/* One way to read the JSON files of a folder, so that all are refused in the same words. */
#include "port/json_file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "os/file.h"

enum { FILE_MAX = 16 << 20, NAMED = 12 }; /* keys that a note names */

int
fl_port_path(char path[FL_PORT_PATH], const char *dir, const char *file)
{
    if (snprintf(path, FL_PORT_PATH, "%s/%s", dir, file) >= FL_PORT_PATH)
        return fl_error(FL_USAGE, "%.80s...: the path is too long", dir);
    return 0;
}

int
fl_json_file(const char *path, bool optional, json_t **object)
{
    struct fl_buf text = {0};
    json_error_t why;
    struct stat st;

    *object = NULL;
    if (optional && lstat(path, &st))
        return 0;
    if (fl_check_plain(path) || fl_read_file(path, FILE_MAX, &text))
        return -1;
    *object = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &why);
    fl_buf_release(&text);
    if (!*object)
        return fl_error(FL_FAILED, "%s: line %d: is not JSON: %s", path, why.line, why.text);
    if (json_is_object(*object))
        return 0;
    json_decref(*object);
    *object = NULL;
    return fl_error(FL_FAILED, "%s: is not a JSON object", path);
}

bool
fl_json_is_unused(const json_t *v)
{
    return !v || json_is_null(v) || json_is_false(v) ||
           (json_is_number(v) && json_number_value(v) == 0) ||
           (json_is_array(v) && !json_array_size(v)) || (json_is_object(v) && !json_object_size(v));
}

static bool
is_among(const char *known, const char *key)
{
    char wanted[80];
    int n = snprintf(wanted, sizeof wanted, "|%s|", key);

    return n < (int)sizeof wanted && strstr(known, wanted);
}

int
fl_json_note_others(struct fl_buf *notes, const char *path, const json_t *object, const char *known,
                    const char *about)
{
    const char *key;
    json_t *value;
    size_t count = 0;
    int result = 0;

    json_object_foreach((json_t *)object, key, value)
    {
        if (fl_json_is_unused(value) || is_among(known, key))
            continue;
        if (!count)
            result |= fl_buf_printf(notes, "%s: %s: %.60s", path, about, key);
        else if (count < NAMED)
            result |= fl_buf_printf(notes, ", %.60s", key);
        count++;
    }
    if (count > NAMED)
        result |= fl_buf_printf(notes, " and %zu more", count - NAMED);
    return result || (count && fl_buf_add_byte(notes, '\n')) ? -1 : 0;
}
