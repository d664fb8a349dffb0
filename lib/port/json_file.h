/*
 * Small JSON files of a Hugging Face folder, and notes about what in them is not taken over.
 */
#ifndef FL_PORT_JSON_FILE_H
#define FL_PORT_JSON_FILE_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/must.h"

enum { FL_PORT_PATH = 4096 };

/* "DIR/FILE" into PATH; -1 (FL_USAGE) when that is too long. */
FL_MUST int fl_port_path(char path[FL_PORT_PATH], const char *dir, const char *file);

/*
 * The object in PATH into *OBJECT: json_decref it. OPTIONAL: NULL when there is no such file. -1
 * when it cannot be read, is larger than 16 MiB, or is not one JSON object with each key once.
 */
FL_MUST int fl_json_file(const char *path, bool optional, json_t **object);

/* Absent, null, false, 0, and a list or an object of nothing: what it is about is not used. */
bool fl_json_is_unused(const json_t *value);

/*
 * A note for the user about what was read from PATH: a line in NOTES, which is "about" and the keys
 * of OBJECT that are used and not among KNOWN ("|a|b|"); none when there is no such key.
 */
FL_MUST int fl_json_note_others(struct fl_buf *notes, const char *path, const json_t *object,
                                const char *known, const char *about);

#endif
