/*
 * Any bytes as a row of a table, a line of JSON or a conversation, through all that a contract asks
 * for: fields, units, dates, codes, templates, cleaning, identifiers. Every byte has one fate, and
 * the text is UTF-8. The first byte says what it is: c, j, l (a list of messages), t or s
 * (speakers).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/contract.h"
#include "os/output.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char contract[] =
    "contract: fuzz\nrules: 1\n"
    "fields: {text: required, v: {unit: mg/dL, analyte: glucose}, d: date, k: {codes: drop}, g: "
    "optional}\n"
    "render: [\"{d} \", \"{text}\", \" ({v} {k})\"]\nunicode: {mojibake: repair}\n"
    "identifiers: {own: {pattern: \"A*3-9*4\"}}\nsplit: {by: g}\n";
static const char site_text[] =
    "contract: c.yaml\ninputs:\n"
    "  - {files: t.csv, format: csv, units: {v: mmol/L}, decimal: \",\", date_order: dmy}\n"
    "  - {files: t.jsonl, map: {text: a.b}}\n"
    "  - {files: l.jsonl, messages: m, roles: {x: user}}\n"
    "  - {files: t.txt}\n"
    "  - {files: t.log, format: chat, roles: {\"*\": user, N: \"-\"}}\n";
static const char *const paths[] = {"t.csv", "t.jsonl", "l.jsonl", "t.txt", "t.log"};

static struct fl_site site;
static struct fl_harmonize_settings set;
static struct fl_document document;

static void
must(int holds)
{
    if (!holds)
        abort();
}

static void
start(void)
{
    char folder[] = "/tmp/fl-fuzz-XXXXXX", path[64], other[64];

    must(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/c.yaml", folder);
    must(!fl_output_write_file(path, contract, sizeof contract - 1, 0));
    snprintf(other, sizeof other, "%s/s.yaml", folder);
    must(!fl_output_write_file(other, site_text, sizeof site_text - 1, 0));
    must(!fl_site_read(&site, other) && !fl_site_apply(&site, paths, 5, &set));
    remove(path);
    remove(other);
    remove(folder);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char kinds[] = "cjlts";
    const char *kind = size > 1 ? memchr(kinds, data[0], 5) : NULL;

    if (!kind)
        return 0;
    if (!site.readings)
        start();
    size_t i = (size_t)(kind - kinds);
    int slots[] = {0, 1, 2, 3, 4};
    const struct fl_columns columns = {slots, 5, FL_DATE_DMY, 0};
    const struct fl_document_way way = {site.of_file[i], &columns, &set.rules,
                                        site.contract.identifiers};
    const struct fl_raw_record record = {.data = data + 1,
                                         .len = size - 1,
                                         .line = 1,
                                         .format = i == 0  ? FL_RECORDS_CSV
                                                   : i < 3 ? FL_RECORDS_JSONL
                                                           : FL_RECORDS_TEXT,
                                         .divider = ','};
    int got = fl_document_make(&document, &record, &way);
    const struct fl_buf *text = &document.made.text;

    must(got >= 0 || *fl_error_text()); /* a role that nobody named */
    if (got >= 0)
        must(fl_fates_sum(&document.found.fates, FL_FATE_KEPT, FL_FATES - 1) == record.len);
    if (got == 1)
        must(text->len && fl_unicode_check(text->data, text->len) == text->len);
    return 0;
}
