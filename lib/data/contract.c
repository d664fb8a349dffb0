/*
 * A contract is judged once it is read, so that whatever is wrong in it is said before any text is
 * looked at: units, analytes, fields in templates, types of identifiers.
 */
#include "data/contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/choice.h"
#include "base/mem.h"
#include "flt/meta.h"
#include "os/file.h"

static const struct fl_contract_field_conf only_text = {.name = "text", .required = true};

void
fl_contract_release(struct fl_contract *contract)
{
    fl_contract_conf_release(&contract->conf);
    fl_id_rules_free(contract->identifiers);
    free(contract->names);
    *contract = (struct fl_contract){0};
}

/* Put in what a contract that says nothing of it means: of fields, the text alone. */
static int
fill_defaults(struct fl_contract_conf *conf)
{
    static const char *const roles[] = {"user", "assistant", "system"};

    if (!conf->field_count) {
        conf->fields = fl_alloc(1, sizeof *conf->fields);
        if (!conf->fields)
            return -1;
        conf->fields[0] = only_text;
        conf->field_count = 1;
    }
    if (!conf->render) {
        conf->render = fl_alloc(1, sizeof *conf->render);
        if (!conf->render)
            return -1;
        conf->render[conf->render_count++] = "{text}";
    }
    if (!conf->turn)
        conf->turn = "<|{role}|>\n{text}\n";
    if (!conf->roles) {
        conf->roles = fl_alloc(1, sizeof roles);
        if (!conf->roles)
            return -1;
        memcpy(conf->roles, roles, sizeof roles);
        conf->role_count = sizeof roles / sizeof *roles;
    }
    if (!conf->identifier_default)
        conf->identifier_default = "placeholder";
    for (size_t i = 0; i < conf->identifier_count; i++)
        if (!conf->identifiers[i].policy)
            conf->identifiers[i].policy = conf->identifier_default;
    return 0;
}

static int
check_fields(const struct fl_contract *c)
{
    const struct fl_contract_conf *conf = &c->conf;
    struct fl_rendering render = {0};
    struct fl_unit_map map;

    for (size_t i = 0; i < conf->field_count; i++) {
        const struct fl_contract_field_conf *f = &conf->fields[i];
        if (f->unit && fl_unit_map_make(&map, f->unit, f->unit, f->analyte))
            return fl_error_about(f->name);
    }
    const struct fl_names templates = {conf->render, conf->render_count};
    const struct fl_names names = {c->names, conf->field_count};
    int failed = fl_rendering_make(&render, &templates, &names);
    fl_rendering_release(&render);
    if (failed)
        return fl_error_about("render");
    for (size_t i = 0; conf->by && i < conf->field_count; i++)
        if (!strcmp(conf->by, c->names[i]))
            return 0;
    return conf->by ? fl_error(FL_USAGE, "split: by: \"%.60s\" is none of the fields", conf->by)
                    : 0;
}

static int
add_patterns(struct fl_id_rules *rules, const struct fl_identifier_conf *id)
{
    for (size_t i = 0; i < fl_yaml_items(id->pattern); i++) {
        const struct fl_yaml *item = fl_yaml_item(id->pattern, i);
        if (item->type != FL_YAML_SCALAR)
            return fl_error(FL_USAGE, "pattern: must be a text or a list of them");
        if (fl_id_rules_pattern(rules, id->type, item->text))
            return -1;
    }
    return 0;
}

static enum fl_id_policy
policy_of(const char *word)
{
    return (enum fl_id_policy)fl_choice_find(FL_IDENTIFIER_POLICIES, word);
}

static int
make_identifiers(struct fl_contract *c)
{
    const struct fl_contract_conf *conf = &c->conf;
    enum fl_id_policy all = policy_of(conf->identifier_default);

    if (!(c->identifiers = fl_id_rules_new()))
        return -1;
    for (unsigned t = 0; t < FL_ID_TYPES; t++)
        fl_id_set(c->identifiers, t, all);
    for (size_t i = 0; i < conf->identifier_count; i++) {
        const struct fl_identifier_conf *id = &conf->identifiers[i];
        if (add_patterns(c->identifiers, id))
            return fl_error_about(id->type);
        int type = fl_id_type_of(c->identifiers, id->type);
        if (type >= 0)
            fl_id_set(c->identifiers, (unsigned)type, policy_of(id->policy));
    }
    return 0;
}

/* ---- the canonical form ---- */

static int
set_fields(const struct fl_contract_conf *conf, struct fl_meta *meta)
{
    char key[128];

    for (size_t i = 0; i < conf->field_count; i++) {
        const struct fl_contract_field_conf *f = &conf->fields[i];
        const char *const form[] = {f->required ? "required" : "optional", f->unit ? f->unit : "",
                                    f->analyte ? f->analyte : "", f->date ? "date" : "",
                                    f->codes ? f->codes : ""};
        if (snprintf(key, sizeof key, "field.%s", f->name) >= (int)sizeof key)
            return fl_error(FL_USAGE, "a field's name \"%.60s...\" is too long", f->name);
        if (fl_meta_set_text_list(meta, key, form, sizeof form / sizeof *form))
            return -1;
    }
    return 0;
}

static int
set_identifiers(const struct fl_contract_conf *conf, const struct fl_id_rules *rules,
                struct fl_meta *meta)
{
    const char *patterns[256];
    char key[128], policy[16];

    for (unsigned t = 0; t < fl_id_types(rules); t++) {
        snprintf(key, sizeof key, "identifier.%.100s", fl_id_name(rules, t));
        if (fl_meta_set_text(meta, key,
                             fl_choice_word(FL_IDENTIFIER_POLICIES, (int)fl_id_policy(rules, t),
                                            policy, sizeof policy)))
            return -1;
    }
    for (size_t i = 0; i < conf->identifier_count; i++) {
        const struct fl_identifier_conf *id = &conf->identifiers[i];
        size_t n = fl_yaml_items(id->pattern);
        if (n > sizeof patterns / sizeof *patterns)
            return fl_error(FL_USAGE, "identifiers: %s has more than 256 patterns", id->type);
        for (size_t k = 0; k < n; k++)
            patterns[k] = fl_yaml_item(id->pattern, k)->text;
        snprintf(key, sizeof key, "pattern.%.100s", id->type);
        if (n && fl_meta_set_text_list(meta, key, patterns, n))
            return -1;
        if (fl_id_type_of(rules, id->type) < 0) { /* a list that sites have */
            snprintf(key, sizeof key, "identifier.%.100s", id->type);
            if (fl_meta_set_text(meta, key, id->policy))
                return -1;
        }
    }
    return 0;
}

static int
set_rest(const struct fl_contract_conf *conf, struct fl_meta *meta)
{
    const int64_t unicode[] = {conf->refuse_invalid, conf->keep_controls, conf->keep_zero_width,
                               conf->repair_mojibake};
    const int64_t near[] = {conf->near, conf->shingle, conf->bands, conf->rows, conf->keep_near};

    return fl_meta_set_i64_list(meta, "unicode.rules", unicode, 4) ||
           fl_meta_set_text(meta, "unicode", fl_unicode_version()) ||
           fl_meta_set_i64(meta, "canaries", conf->canaries) ||
           fl_meta_set_f64(meta, "floor", conf->floor) ||
           fl_meta_set_i64(meta, "same", conf->keep_same) ||
           fl_meta_set_i64_list(meta, "near", near, conf->near ? 5 : 1) ||
           fl_meta_set_f64(meta, "near.agree", conf->near ? conf->agree : 0) ||
           fl_meta_set_f64(meta, "valid", conf->valid) ||
           fl_meta_set_text(meta, "by", conf->by ? conf->by : "");
}

static int
make_canonical(const struct fl_contract_conf *conf, const struct fl_id_rules *identifiers,
               struct fl_meta *meta)
{
    return fl_meta_set_text(meta, "contract", conf->name) ||
                   fl_meta_set_i64(meta, "rules", conf->rules) ||
                   fl_meta_set_i64(meta, "rules.identifiers", FL_ID_VERSION) ||
                   fl_meta_set_i64(meta, "max_document", conf->max_document) ||
                   fl_meta_set_i64(meta, "passage", conf->passage) ||
                   fl_meta_set_text_list(meta, "render", conf->render, conf->render_count) ||
                   fl_meta_set_text(meta, "chat.turn", conf->turn) ||
                   fl_meta_set_text_list(meta, "chat.roles", conf->roles, conf->role_count) ||
                   set_fields(conf, meta) || set_identifiers(conf, identifiers, meta) ||
                   set_rest(conf, meta)
               ? -1
               : 0;
}

static int
make_digest(struct fl_contract *c)
{
    struct fl_meta meta = {0};
    struct fl_buf bytes = {0};
    struct fl_hash h;
    int failed = make_canonical(&c->conf, c->identifiers, &meta) || fl_meta_encode(&meta, &bytes);

    if (!failed) {
        fl_hash_init(&h, NULL, "fl1.contract");
        fl_hash_add_sized(&h, bytes.data, bytes.len);
        fl_hash_final(&h, c->digest);
    }
    fl_buf_release(&bytes);
    fl_meta_release(&meta);
    return failed ? -1 : 0;
}

static int
judge(struct fl_contract *c)
{
    struct fl_contract_conf *conf = &c->conf;

    if (fill_defaults(conf))
        return -1;
    c->names = fl_alloc(conf->field_count, sizeof *c->names);
    if (!c->names)
        return -1;
    for (size_t i = 0; i < conf->field_count; i++)
        c->names[i] = conf->fields[i].name;
    if (conf->rules != FL_CONTRACT_RULES)
        return fl_error(FL_USAGE,
                        "rules: this version knows rules %d, not %lld; use the version "
                        "that the contract was made for",
                        FL_CONTRACT_RULES, (long long)conf->rules);
    if (conf->near && conf->keep_same)
        return fl_error(FL_USAGE, "duplicates: near ones are found among different documents; let "
                                  "exact be drop");
    return check_fields(c) || make_identifiers(c) || make_digest(c) ? -1 : 0;
}

static int
finish(struct fl_contract *c, const char *name, int failed)
{
    if (!failed && judge(c)) {
        fl_error_about(name);
        failed = -1;
    }
    if (failed)
        fl_contract_release(c);
    return failed ? -1 : 0;
}

int
fl_contract_read(struct fl_contract *contract, const char *path)
{
    *contract = (struct fl_contract){0};
    return finish(contract, fl_input_name(path), fl_contract_conf_read(&contract->conf, path));
}

int
fl_contract_parse(struct fl_contract *contract, const char *text, size_t len, const char *name)
{
    *contract = (struct fl_contract){0};
    return finish(contract, name, fl_contract_conf_parse(&contract->conf, text, len, name));
}
