/* Known keys are a text with bars around each, "|a|b|", so that none is found within another. */
#include "text/spec.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

int
fl_spec_only(const json_t *o, const char *what, const char *keys)
{
    const char *key;
    json_t *value;

    if (!json_is_object(o))
        return fl_error(FL_FAILED, "%s is not an object", what);
    json_object_foreach((json_t *)o, key, value)
    {
        char wanted[80];
        int n = snprintf(wanted, sizeof wanted, "|%s|", key);
        if (n >= (int)sizeof wanted || !strstr(keys, wanted))
            return fl_error(FL_FAILED, "%s: the setting \"%.60s\" is not supported", what, key);
    }
    return 0;
}

int
fl_spec_bool(const json_t *o, const char *what, const char *key, bool fallback, bool *value)
{
    const json_t *v = json_object_get(o, key);

    *value = v && !json_is_null(v) ? json_is_true(v) : fallback;
    if (v && !json_is_null(v) && !json_is_boolean(v))
        return fl_error(FL_FAILED, "%s: \"%s\" is neither true nor false", what, key);
    return 0;
}

int
fl_spec_text(const json_t *o, const char *what, const char *key, const char **value)
{
    const json_t *v = json_object_get(o, key);

    *value = json_string_value(v);
    if (!*value)
        return fl_error(FL_FAILED, "%s: \"%s\" is missing or no string", what, key);
    if (strlen(*value) != json_string_length(v))
        return fl_error(FL_FAILED, "%s: a zero byte in \"%s\" is not supported", what, key);
    return 0;
}

int
fl_spec_count(const json_t *o, const char *what, const char *key, long long max, long long *value)
{
    const json_t *v = json_object_get(o, key);

    *value = json_integer_value(v);
    if (!json_is_integer(v) || *value < 0 || *value > max)
        return fl_error(FL_FAILED, "%s: \"%s\" is not a whole number from 0 to %lld", what, key,
                        max);
    return 0;
}

int
fl_spec_unused(const json_t *o, const char *what, const char *key)
{
    const json_t *v = json_object_get(o, key);

    if (!v || json_is_null(v) || json_is_false(v) ||
        (json_is_number(v) && json_number_value(v) == 0) ||
        (json_is_string(v) && !json_string_length(v)))
        return 0;
    return fl_error(FL_FAILED, "%s: \"%s\" is not supported; it would have to be null", what, key);
}

const char *
fl_spec_type(const json_t *o)
{
    const char *type = json_string_value(json_object_get(o, "type"));

    return type ? type : "";
}
