/*
 * A reading is compiled for each input of a site file; files find theirs by pattern. Lists of names
 * that only this site has become own patterns of identifiers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/choice.h"
#include "base/mem.h"
#include "data/contract.h"
#include "os/file.h"

enum { LIST_MAX = 64 << 20, SAMPLE = 400 /* records, to put canaries into */ };

void
fl_site_release(struct fl_site *site)
{
    for (size_t i = 0; site->readings && i < site->conf.input_count; i++)
        fl_reading_release(&site->readings[i]);
    free(site->readings);
    free(site->of_file);
    free(site->forms);
    fl_contract_release(&site->contract);
    fl_site_conf_release(&site->conf);
    *site = (struct fl_site){0};
}

static const char *
find(const struct fl_pairs_conf *pairs, const char *key)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (!strcmp(pairs->keys[i], key))
            return pairs->values[i];
    return NULL;
}

/* Every name on the left is a field of the contract. */
static int
check_keys(const struct fl_contract *c, const struct fl_pairs_conf *pairs, const char *what)
{
    for (size_t i = 0; i < pairs->count; i++) {
        struct fl_nearest nearest;
        char hint[80];
        size_t k = 0;
        fl_nearest_start(&nearest, pairs->keys[i], strlen(pairs->keys[i]));
        for (; k < c->conf.field_count && strcmp(c->names[k], pairs->keys[i]); k++)
            fl_nearest_try(&nearest, c->names[k], strlen(c->names[k]));
        if (k == c->conf.field_count)
            return fl_error(FL_USAGE, "%s: \"%.60s\" is no field of the contract%s", what,
                            pairs->keys[i], fl_nearest_hint(&nearest, "", hint, sizeof hint));
    }
    return 0;
}

/* One source is one field: the bytes of a record have one fate each. */
static int
check_sources(const struct fl_reading *r)
{
    for (size_t i = 0; i < r->count; i++)
        for (size_t k = 0; k < i; k++)
            if (!strcmp(r->fields[i].source, r->fields[k].source))
                return fl_error(FL_USAGE, "map: \"%.60s\" is the source of two fields",
                                r->fields[i].source);
    return 0;
}

static int
make_field(const struct fl_site *site, const struct fl_input_conf *in,
           const struct fl_contract_field_conf *conf, struct fl_field *f)
{
    const char *source = find(&in->map, conf->name), *unit = find(&in->units, conf->name);
    const char *codes = find(&in->codes, conf->name);

    *f = (struct fl_field){.name = conf->name,
                           .source = source ? source : conf->name,
                           .required = conf->required};
    if (unit && !conf->unit)
        return fl_error(FL_USAGE, "units: \"%.60s\" has no unit in the contract", conf->name);
    if (codes && !conf->codes)
        return fl_error(FL_USAGE, "codes: \"%.60s\" has no codes in the contract", conf->name);
    f->kind = conf->unit    ? FL_VALUE_UNIT
              : conf->date  ? FL_VALUE_DATE
              : conf->codes ? FL_VALUE_CODE
                            : FL_VALUE_TEXT;
    if (conf->unit &&
        fl_unit_map_make(&f->unit, unit ? unit : conf->unit, conf->unit, conf->analyte))
        return fl_error_about(conf->name);
    if (conf->codes)
        f->policy = (enum fl_code_policy)fl_choice_find(FL_CODE_POLICIES, conf->codes);
    if (!codes)
        return 0;
    char *path = fl_site_path(&site->conf, codes);
    f->codes = path ? fl_codes_read(path) : NULL;
    free(path);
    return f->codes ? 0 : -1;
}

/* The site's names of roles, and those of the contract, which stand for themselves. */
static int
make_roles(const struct fl_contract *c, const struct fl_input_conf *in, struct fl_reading *r)
{
    const char *const *roles = c->conf.roles;
    size_t count = c->conf.role_count;

    r->roles.names = fl_alloc(count + in->roles.count, sizeof *r->roles.names);
    r->roles.roles = fl_alloc(count + in->roles.count, sizeof *r->roles.roles);
    if (!r->roles.names || !r->roles.roles)
        return -1;
    for (size_t i = 0; i < in->roles.count; i++) {
        size_t k = 0;
        while (k < count && strcmp(roles[k], in->roles.values[i]))
            k++;
        if (k == count && strcmp(in->roles.values[i], "-"))
            return fl_error(FL_USAGE, "roles: \"%.60s\" is no role of the contract",
                            in->roles.values[i]);
        r->roles.names[r->roles.count] = in->roles.keys[i];
        r->roles.roles[r->roles.count++] = in->roles.values[i];
    }
    for (size_t i = 0; i < count; i++)
        r->roles.names[r->roles.count] = r->roles.roles[r->roles.count] = roles[i],
        r->roles.count++;
    return 0;
}

static int
make_chat(const struct fl_contract *c, const struct fl_input_conf *in, struct fl_reading *r)
{
    static const char *const fields[] = {"role", "text"};
    const struct fl_names turn = {&c->conf.turn, 1}, names = {fields, FL_CHAT_FIELDS};

    r->chat = in->messages || (in->format && !strcmp(in->format, "chat"));
    r->messages = in->messages ? in->messages : "messages";
    r->role = in->role ? in->role : "role";
    r->content = in->content ? in->content : "content";
    r->form.lines = r->chat;
    if (fl_rendering_make(&r->turn, &turn, &names))
        return fl_error_about("chat: turn");
    return make_roles(c, in, r);
}

static int
make_reading(const struct fl_site *site, const struct fl_input_conf *in, struct fl_reading *r)
{
    const struct fl_names templates = {site->contract.conf.render,
                                       site->contract.conf.render_count};
    const struct fl_names names = {site->contract.names, site->contract.conf.field_count};
    const struct fl_contract *c = &site->contract;
    int format = in->format ? fl_choice_find(FL_INPUT_FORMATS, in->format) : 0;

    if (check_keys(c, &in->map, "map") || check_keys(c, &in->units, "units") ||
        check_keys(c, &in->codes, "codes"))
        return -1;
    *r = (struct fl_reading){.text = -1,
                             .group = -1,
                             .decimal = in->decimal ? *in->decimal : '.',
                             .columns = in->columns,
                             .column_count = in->column_count,
                             .scalars = true};
    r->form.format = format > FL_RECORDS_TSV ? FL_RECORDS_TEXT : (enum fl_records_format)format;
    r->form.encoding = in->encoding && strcmp(in->encoding, "auto") ? in->encoding : NULL;
    r->form.divider = in->delimiter ? *in->delimiter : 0;
    r->form.headless = in->column_count > 0;
    r->form.proved = !r->form.encoding;
    if (in->date_order)
        r->order = (enum fl_date_order)(1 + fl_choice_find(FL_DATE_ORDERS, in->date_order));
    r->fields = fl_alloc(c->conf.field_count, sizeof *r->fields);
    if (!r->fields)
        return -1;
    for (; r->count < c->conf.field_count; r->count++) {
        if (make_field(site, in, &c->conf.fields[r->count], &r->fields[r->count]))
            return -1;
        if (!strcmp(c->names[r->count], "text"))
            r->text = (int)r->count;
        if (c->conf.by && !strcmp(c->conf.by, c->names[r->count]))
            r->group = (int)r->count;
    }
    return check_sources(r) || fl_rendering_make(&r->render, &templates, &names) ||
                   make_chat(c, in, r)
               ? -1
               : 0;
}

/* The lines of a file of names, each found as it stands. */
static int
add_list(const struct fl_site *site, const char *type, const char *file)
{
    char *path = fl_site_path(&site->conf, file);
    struct fl_buf text = {0};
    int failed = !path || fl_read_file(path, LIST_MAX, &text);

    for (char *line = (char *)text.data; !failed && line && *line;) {
        size_t len = strcspn(line, "\r\n"), end = len + strspn(line + len, "\r\n");
        if (len)
            failed = fl_id_rules_literal(site->contract.identifiers, type, line, len);
        line += end;
    }
    if (failed && path)
        fl_error_about(path);
    fl_buf_release(&text);
    free(path);
    return failed ? -1 : 0;
}

static int
add_lists(const struct fl_site *site)
{
    const struct fl_pairs_conf *lists = &site->conf.identifiers;
    const struct fl_contract_conf *c = &site->contract.conf;

    for (size_t i = 0; i < lists->count; i++) {
        size_t k = 0;
        while (k < c->identifier_count && strcmp(c->identifiers[k].type, lists->keys[i]))
            k++;
        if (k == c->identifier_count)
            return fl_error(FL_USAGE, "identifiers: \"%.60s\" is no type of the contract",
                            lists->keys[i]);
        if (add_list(site, lists->keys[i], lists->values[i]))
            return -1;
        int type = fl_id_type_of(site->contract.identifiers, lists->keys[i]);
        if (type >= 0)
            fl_id_set(site->contract.identifiers, (unsigned)type,
                      (enum fl_id_policy)fl_choice_find(FL_IDENTIFIER_POLICIES,
                                                        c->identifiers[k].policy));
    }
    return 0;
}

static int
make(struct fl_site *site)
{
    char *path = fl_site_path(&site->conf, site->conf.contract);
    int failed = !path || fl_contract_read(&site->contract, path);

    free(path);
    if (failed)
        return -1;
    site->readings = fl_alloc(site->conf.input_count, sizeof *site->readings);
    if (!site->readings)
        return -1;
    for (size_t i = 0; i < site->conf.input_count; i++)
        if (make_reading(site, &site->conf.inputs[i], &site->readings[i])) {
            char about[40];
            snprintf(about, sizeof about, "line %zu", site->conf.inputs[i].line);
            return fl_error_about(about);
        }
    return add_lists(site);
}

int
fl_site_read(struct fl_site *site, const char *path)
{
    *site = (struct fl_site){0};
    if (fl_site_conf_read(&site->conf, path))
        return -1;
    if (!make(site))
        return 0;
    if (fl_error_status() == FL_USAGE)
        fl_error_about(fl_input_name(path));
    fl_site_release(site);
    return -1;
}

int
fl_site_apply(struct fl_site *site, const char *const *paths, size_t count,
              struct fl_harmonize_settings *set)
{
    const struct fl_contract_conf *c = &site->contract.conf;
    size_t files = count ? count : 1;

    site->of_file = fl_alloc(files, sizeof *site->of_file);
    site->forms = fl_alloc(files, sizeof *site->forms);
    if (!site->of_file || !site->forms)
        return -1;
    for (size_t i = 0; i < files; i++) {
        const char *path = count ? paths[i] : "-";
        const struct fl_input_conf *in = fl_site_input(&site->conf, path);
        if (!in)
            return fl_error(
                FL_USAGE,
                "%s: no input of the site file has a pattern for it; add it there, like "
                "- {files: \"%s\"}",
                fl_input_name(path), path);
        site->of_file[i] = &site->readings[in - site->conf.inputs];
        if (site->of_file[i]->text < 0 && !site->of_file[i]->chat)
            return fl_error(
                FL_USAGE, "the contract has no field \"text\"; records are text, so it needs one");
        site->forms[i] = &site->of_file[i]->form;
    }
    set->readings = site->of_file;
    set->records.forms = site->forms;
    set->records.max = (size_t)c->max_document;
    set->records.passage = (size_t)c->passage;
    set->rules = (struct fl_clean_rules){.refuse_invalid = c->refuse_invalid,
                                         .drop_controls = !c->keep_controls,
                                         .drop_zero_width = !c->keep_zero_width,
                                         .find_mojibake = true,
                                         .repair_mojibake = c->repair_mojibake};
    set->proved = true;
    set->valid = c->valid;
    set->contract = &site->contract;
    set->seed = fl_get64(site->contract.digest);
    if (!set->sample && c->canaries)
        set->sample = SAMPLE;
    return 0;
}

static int
differs(const char *option, const char *where, const char *is)
{
    return fl_error(FL_USAGE,
                    "%s differs from the %s, which says %s; leave it out, or change it there",
                    option, where, is);
}

int
fl_site_agree(const struct fl_site *site, const struct fl_short_ways *given,
              const struct fl_harmonize_settings *set, const char *field)
{
    const struct fl_contract_conf *c = &site->contract.conf;
    const char *invalid = c->refuse_invalid ? "refuse" : "replace";
    char is[64];

    snprintf(is, sizeof is, "%lld", (long long)c->passage);
    if (given->passage && set->records.passage != (uint64_t)c->passage)
        return differs("--passage", "contract", is);
    snprintf(is, sizeof is, "%lld", (long long)c->max_document);
    if (given->max && set->records.max != (uint64_t)c->max_document)
        return differs("--max-document", "contract", is);
    snprintf(is, sizeof is, "%g", c->valid);
    if (given->valid && set->valid != c->valid)
        return differs("--valid", "contract", is);
    if (given->invalid && set->rules.refuse_invalid != c->refuse_invalid)
        return differs("--invalid", "contract", invalid);
    for (size_t i = 0; i < site->conf.input_count; i++) {
        const struct fl_input_conf *in = &site->conf.inputs[i];
        const char *text = find(&in->map, "text");
        if (given->format && set->records.format != site->readings[i].form.format)
            return differs("--format", "site file", in->format ? in->format : "auto");
        if (given->field && strcmp(field, text ? text : "text"))
            return differs("--field", "site file", text ? text : "text");
    }
    return 0;
}
