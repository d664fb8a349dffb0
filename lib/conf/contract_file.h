/*
 * A contract, as people write it: what must be equal at all sites so that their texts are one
 * corpus. fl-contract(5) describes each key.
 *
 *     contract: NAME      rules: 1     max_document: SIZE (1M)      passage: SIZE (2k)
 *     fields: {NAME: required|optional|date, NAME: {required: BOOL, unit: UCUM, analyte: NAME,
 *              date: BOOL, codes: keep|drop|refuse}, ...}         ({text: required})
 *     render: TEMPLATE or [TEMPLATE, ...] ("{text}")
 *     chat: {roles: [NAME, ...], turn: TEMPLATE}
 *     unicode: {form: nfc, invalid: replace|refuse (replace), controls: drop|keep (drop),
 *               zero_width: drop|keep (drop), mojibake: count|repair (count)}
 *     identifiers: {default: keep|placeholder|drop (placeholder), TYPE: the same, TYPE: {pattern:
 *                   TEXT or [TEXT, ...], policy: the same}, ...}
 *     recall: {canaries: N (0), floor: X}
 *     duplicates: {exact: drop|keep (drop), near: {shingle: N (5), bands: N (20), rows: N (6),
 *                  agree: X (0.8), policy: drop|keep (drop)}}
 *     split: {valid: X (0), by: FIELD}
 *
 * Here are the YAML's types and ranges only; what the values mean together is judged in
 * data/contract.h. Texts are the tree's own.
 */
#ifndef FL_CONF_CONTRACT_FILE_H
#define FL_CONF_CONTRACT_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"
#include "conf/yaml.h"

#define FL_IDENTIFIER_POLICIES "keep|placeholder|drop" /* in the order of enum fl_id_policy */
#define FL_CODE_POLICIES       "keep|drop|refuse"      /* in that of enum fl_code_policy */

struct fl_contract_field_conf {
    const char *name, *unit, *analyte, *codes; /* but the name NULL when not given */
    bool required, date;
};

struct fl_identifier_conf {
    const char *type, *policy;     /* NULL: not given */
    const struct fl_yaml *pattern; /* a scalar or a list of them; NULL */
};

struct fl_contract_conf { /* a zeroed struct is empty */
    struct fl_yaml *root;
    const char *name, *turn; /* NULL when not given */
    const char **render;     /* (render_count,) templates; NULL: not given */
    size_t render_count;
    int64_t rules, max_document, passage;
    struct fl_contract_field_conf *fields;
    size_t field_count;
    const char **roles; /* NULL: not given */
    size_t role_count;
    bool refuse_invalid, keep_controls, keep_zero_width, repair_mojibake;
    const char *identifier_default; /* NULL when not given */
    struct fl_identifier_conf *identifiers;
    size_t identifier_count;
    int64_t canaries;
    double floor; /* negative: that of each type */
    bool keep_same, near, keep_near;
    int64_t shingle, bands, rows;
    double agree, valid;
    const char *by; /* a field, or NULL */
};

/* -1 (FL_USAGE for what is wrong in it) leaves CONF released. */
FL_MUST int fl_contract_conf_read(struct fl_contract_conf *conf, const char *path);
FL_MUST int fl_contract_conf_parse(struct fl_contract_conf *conf, const char *text, size_t len,
                                   const char *name);
void fl_contract_conf_release(struct fl_contract_conf *conf);

#endif
