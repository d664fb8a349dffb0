/*
 * A site file: how the files of one site become what a contract says. Nobody else sees it.
 * fl-contract(5) describes each key.
 *
 *     contract: FILE
 *     inputs: [{files: PATTERN or [PATTERN, ...], format: auto|text|jsonl|csv|tsv|chat (auto),
 *               encoding: NAME (auto), delimiter: CHARACTER, columns: [NAME, ...],
 *               map: {FIELD: COLUMN, ...}, units: {FIELD: UCUM, ...}, decimal: POINT (.),
 *               date_order: dmy|mdy|ymd, codes: {FIELD: FILE, ...}, messages: PATH, role: NAME
 *               (role), content: NAME (content), roles: {NAME: ROLE, ...}}, ...]
 *     identifiers: {TYPE: FILE, ...}
 *
 * Files that a site file names are found from its own folder. Texts are the tree's own.
 */
#ifndef FL_CONF_SITE_FILE_H
#define FL_CONF_SITE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"
#include "conf/yaml.h"

/* In the orders of enum fl_records_format, with chat after them, and of enum fl_date_order. */
#define FL_INPUT_FORMATS "auto|text|jsonl|csv|tsv|chat"
#define FL_DATE_ORDERS   "dmy|mdy|ymd"

struct fl_pairs_conf { /* of names, as they stand in a mapping */
    const char **keys, **values;
    size_t count;
};

struct fl_input_conf {
    const char **files; /* patterns */
    size_t file_count;
    const char *format, *encoding, *delimiter, *decimal, *date_order; /* NULL: not given */
    const char **columns;
    size_t column_count; /* 0: not given */
    struct fl_pairs_conf map, units, codes, roles;
    const char *messages, *role, *content; /* NULL: not given */
    size_t line;
};

struct fl_site_conf { /* a zeroed struct is empty */
    struct fl_yaml *root;
    const char *contract;
    char *folder; /* of the file, with a slash at its end, or "" */
    struct fl_input_conf *inputs;
    size_t input_count;
    struct fl_pairs_conf identifiers;
};

/* -1 (FL_USAGE for what is wrong in it) leaves CONF released. */
FL_MUST int fl_site_conf_read(struct fl_site_conf *conf, const char *path);
FL_MUST int fl_site_conf_parse(struct fl_site_conf *conf, const char *text, size_t len,
                               const char *name);
void fl_site_conf_release(struct fl_site_conf *conf);

/* FILE from the folder of the site file: free() it. NULL with an error. */
char *fl_site_path(const struct fl_site_conf *conf, const char *file);

/*
 * The input whose pattern matches PATH first, or NULL: all of it, or its last part when the pattern
 * has no slash; also without .gz, .zst or .xz. "-" is standard input.
 */
const struct fl_input_conf *fl_site_input(const struct fl_site_conf *conf, const char *path);

#endif
