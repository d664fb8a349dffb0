/*
 * Reading the parts of a tokenizer.json strictly: a setting that is not known here, or has a value
 * that is not supported, is an error that names it. WHAT names the part: "pre_tokenizer Split".
 */
#ifndef FL_TEXT_SPEC_H
#define FL_TEXT_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/must.h"

/* Every key of the object O is one of KEYS ("|type|pattern|"). */
FL_MUST int fl_spec_only(const json_t *o, const char *what, const char *keys);

/* true or false; FALLBACK when it is absent or null. */
FL_MUST int fl_spec_bool(const json_t *o, const char *what, const char *key, bool fallback,
                         bool *value);

/* A string, borrowed; required. No zero byte is in it. */
FL_MUST int fl_spec_text(const json_t *o, const char *what, const char *key, const char **value);

/* A whole number from 0 to MAX; required. */
FL_MUST int fl_spec_count(const json_t *o, const char *what, const char *key, long long max,
                          long long *value);

/* The value is absent, null, 0, false or "": a setting that is not supported is not used. */
FL_MUST int fl_spec_unused(const json_t *o, const char *what, const char *key);

/* The part's "type"; "" when it is no object or has none. */
const char *fl_spec_type(const json_t *o);

#endif
