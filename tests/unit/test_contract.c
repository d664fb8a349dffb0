#include "data/contract.h"

#include <stdlib.h>
#include <unistd.h>

#include "data/held.h"
#include "os/output.h"
#include "test.h"

static char folder[] = "/tmp/fl-contract-XXXXXX";

static const char contract_text[] =
    "contract: clinic-notes-1\n"
    "rules: 1\n"
    "fields: {text: required, role: optional, age: {unit: a}, patient: optional,\n"
    "         glucose: {unit: mg/dL, analyte: glucose}, seen: date, ward: {codes: drop}}\n"
    "render: [\"{role}: \", \"{text}\", \" ({glucose} mg/dL, {seen}, {ward})\"]\n"
    "unicode: {mojibake: repair}\n"
    "identifiers: {default: placeholder, url: keep, mrn: {pattern: \"MRN-9999999\"}, person: "
    "drop}\n"
    "split: {valid: 0.25, by: patient}\n";

static int
parse(const char *text, unsigned char digest[FL_HASH_BYTES])
{
    struct fl_contract c;
    int failed = fl_contract_parse(&c, text, strlen(text), "c.yaml");

    if (!failed)
        memcpy(digest, c.digest, FL_HASH_BYTES);
    fl_contract_release(&c);
    return failed;
}

/* TEXT with the first FROM made TO. */
static const char *
with(const char *text, const char *from, const char *to)
{
    static char changed[4000];
    const char *at = strstr(text, from);

    CHECK(at != NULL);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return changed;
}

static void
test_digest(void)
{
    static const struct {
        const char *from, *to;
        int same;
    } cases[] = {
        {"rules: 1\n", "rules: 1 # the first\n", 1},
        {"contract: clinic-notes-1\nrules: 1\n", "rules: 1\ncontract: clinic-notes-1\n", 1},
        {"role: optional, age: {unit: a}", "age: {unit: a}, role: optional", 1},
        {"rules: 1\n", "rules: 1\nmax_document: 1M\npassage: 2048\n", 1},
        {"url: keep", "url: keep, email: placeholder", 1},
        {"unicode: {mojibake: repair}", "unicode: {mojibake: repair, controls: drop}", 1},
        {"clinic-notes-1", "clinic-notes-2", 0},
        {"unit: mg/dL", "unit: g/L", 0},
        {"analyte: glucose", "analyte: fructose", 0},
        {"role: optional", "role: required", 0},
        {"{role}: ", "{role}:", 0},
        {"repair", "count", 0},
        {"url: keep", "url: drop", 0},
        {"MRN-9999999", "MRN-999999", 0},
        {"person: drop", "person: keep", 0},
        {"0.25", "0.26", 0},
        {"by: patient", "by: role", 0},
        {"codes: drop", "codes: keep", 0},
        {"rules: 1\n", "rules: 1\nmax_document: 2M\n", 0},
        {"rules: 1\n", "rules: 1\nrecall: {canaries: 400}\n", 0},
        {"rules: 1\n", "rules: 1\nduplicates: {near: {}}\n", 0},
        {"rules: 1\n", "rules: 1\nchat: {roles: [a, b]}\n", 0},
    };
    unsigned char first[FL_HASH_BYTES], other[FL_HASH_BYTES];

    CHECK(!parse(contract_text, first));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(!parse(with(contract_text, cases[i].from, cases[i].to), other));
        int differs = memcmp(first, other, sizeof first) != 0;
        if (differs == cases[i].same)
            printf("# %s\n", cases[i].to);
        CHECK(differs != cases[i].same);
    }
}

static void
test_refusals(void)
{
    static const struct {
        const char *from, *to, *why;
    } cases[] = {
        {"rules: 1", "rules: 2", "this version knows rules 1, not 2"},
        {"rules: 1", "rulez: 1", "line 2: there is no key \"rulez\""},
        {"unit: mg/dL", "unit: mg/dl", "did you mean \"mg/dL\"?"},
        {"analyte: glucose", "analyte: sugar", "analyte \"sugar\""},
        {"{role}: ", "{rolle}: ", "render: names {rolle}, which is no field"},
        {"{role}: ", "{role", "a brace without its other one"},
        {"by: patient", "by: person", "\"person\" is none of the fields"},
        {"url: keep", "url: kept", "\"kept\" is not one of keep|placeholder|drop"},
        {"MRN-9999999", "9", "mrn: "},
        {"seen: date", "seen: {date: true, unit: d}", "one of unit, date and codes only"},
        {"repair", "repaired", "is not one of count|repair"},
    };
    unsigned char digest[FL_HASH_BYTES];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(parse(with(contract_text, cases[i].from, cases[i].to), digest) == -1);
        if (fl_error_status() != FL_USAGE || !strstr(fl_error_text(), cases[i].why))
            printf("# %s: %s\n", cases[i].to, fl_error_text());
        CHECK(fl_error_status() == FL_USAGE && strstr(fl_error_text(), cases[i].why) != NULL);
        CHECK(!strncmp(fl_error_text(), "c.yaml: ", 8));
    }
}

static void
put(const char *name, const char *text)
{
    char path[100];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    CHECK(!fl_output_write_file(path, text, strlen(text), 0));
}

static const char site_text[] = "contract: c.yaml\n"
                                "identifiers: {person: people.txt}\n"
                                "inputs:\n"
                                "  - files: [\"visits*.csv\", \"*.tsv\"]\n"
                                "    map: {text: notiz, seen: datum, glucose: bz, patient: nr}\n"
                                "    units: {glucose: mmol/L}\n"
                                "    decimal: \",\"\n"
                                "    codes: {ward: wards.tsv}\n"
                                "  - files: notes/*.jsonl\n"
                                "  - files: \"*.log\"\n"
                                "    format: chat\n"
                                "    roles: {Agent: assistant, \"*\": user, Note: \"-\"}\n";

static int
read_site(const char *text, struct fl_site *site)
{
    char path[100];

    put("site.yaml", text);
    snprintf(path, sizeof path, "%s/site.yaml", folder);
    return fl_site_read(site, path);
}

/* What RECORD of PATH becomes, or the word for why it is dropped, or the error. */
static const char *
made(struct fl_site *site, const char *path, const char *header, const char *record)
{
    static struct fl_document d;
    const char *paths[] = {path};
    struct fl_harmonize_settings set = {.records = {FL_RECORDS_AUTO, 0, 0, false, false, NULL}};
    struct fl_columns columns = {.order = FL_DATE_DMY};
    struct fl_csv_header h = {0};
    struct fl_raw_record raw = {.data = (const unsigned char *)record, .len = strlen(record)};

    free(site->of_file);
    free(site->forms);
    site->of_file = NULL;
    site->forms = NULL;
    if (fl_site_apply(site, paths, 1, &set))
        return fl_error_text();
    raw.format = header                   ? FL_RECORDS_CSV
                 : strstr(path, ".jsonl") ? FL_RECORDS_JSONL
                                          : FL_RECORDS_TEXT;
    raw.divider = ';';
    const struct fl_document_way way = {site->of_file[0], &columns, &set.rules,
                                        site->contract.identifiers};
    int got = header &&
                      (fl_csv_header_read(&h, (const unsigned char *)header, strlen(header), ';') ||
                       fl_columns_find(&columns, way.reading, &h))
                  ? -1
                  : fl_document_make(&d, &raw, &way);
    fl_csv_header_release(&h);
    fl_columns_release(&columns);
    if (got >= 0)
        CHECK(fl_fates_sum(&d.found.fates, FL_FATE_KEPT, FL_FATES - 1) == raw.len);
    return got < 0 ? fl_error_text() : got ? fl_buf_text(&d.made.text) : fl_fate_name(d.fate);
}

static void
test_records(void)
{
    static const char header[] = "nr;datum;notiz;bz;ward;role";
    static const struct {
        const char *path, *header, *record, *want;
    } cases[] = {
        {"visits-1.csv", header, "7;03.04.2021;sleeps well;7,0;A1;doctor",
         "doctor: sleeps well (126 mg/dL, 2021-04-03, cardiology)"},
        {"x/visits.csv.gz", header, "7;03.04.2021;\"says \"\"no\"\"\";high;A1;",
         "says \"no\" (high mg/dL, 2021-04-03, cardiology)"},
        {"a.tsv.zst", header, "7;;only text;;;", "only text"},
        {"visits-1.csv", header, "7;;x;;Z9;", "bad_code"},
        {"visits-1.csv", header, "7;;x;;A1", "fields"},
        {"visits-1.csv", header, "7;;x\"y;;A1;", "malformed"},
        {"visits-1.csv", header, "7;; ;;A1;", "empty"},
        {"visits-1.csv", "nr;datum", "7;",
         "has no column \"notiz\"; its columns are \"nr\", \"datum\""},
        {"visits-1.csv", header, "7;;mail a.b@example.org, MRN-1234567.;;A1;",
         "mail [EMAIL_1], [MRN_1]. ( mg/dL, , cardiology)"},
        {"visits-1.csv", header, "7;;seen by Maria Lopez today;;A1;", "private"},
        {"visits-1.csv", header,
         "7;;caf\xc3\x83\xc2\xa9 a\xe2\x80\x8b"
         "b\x01;;;",
         "caf\xc3\xa9 ab"},
        {"notes/j.jsonl", NULL, "{\"text\": \"t\", \"glucose\": 126, \"role\": null}",
         "t (126 mg/dL, , )"},
        {"notes/j.jsonl", NULL, "{\"text\": 5}", "5"},
        {"notes/j.jsonl", NULL, "{\"glucose\": 5}", "no_field"},
        {"j.jsonl", NULL, "{}",
         "j.jsonl: no input of the site file has a pattern for it; add it "
         "there, like - {files: \"j.jsonl\"}"},
        {"c.log", NULL, "Tom: hello\nNote: he is late\nAgent: yes?\r\n",
         "<|user|>\nhello\nNote: he is late\n<|assistant|>\nyes?"},
        {"c.log", NULL, "hello\nTom: hello\n", "malformed"},
    };
    struct fl_site site;

    put("c.yaml", contract_text);
    put("people.txt", "Maria Lopez\n");
    put("wards.tsv", "A1\tcardiology\n");
    CHECK(!read_site(site_text, &site));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = made(&site, cases[i].path, cases[i].header, cases[i].record);
        if (strcmp(got, cases[i].want))
            printf("# %s\n", cases[i].record);
        CHECK_TEXT(got, cases[i].want);
    }
    fl_site_release(&site);
    CHECK(!read_site(with(site_text, "\"*\": user, ", ""), &site));
    CHECK(strstr(made(&site, "c.log", NULL, "Tom: hello\n"), "\"Tom\" is no role") != NULL);
    fl_site_release(&site);
}

static void
test_site_refusals(void)
{
    static const struct {
        const char *from, *to, *why;
    } cases[] = {
        {"text: notiz", "texte: notiz", "did you mean \"text\"?"},
        {"units: {glucose", "units: {text", "\"text\" has no unit in the contract"},
        {"codes: {ward", "codes: {role", "\"role\" has no codes in the contract"},
        {"mmol/L", "mmol", "glucose: mmol does not become mg/dL"},
        {"patient: nr", "patient: bz", "\"bz\" is the source of two fields"},
        {"assistant", "robot", "\"robot\" is no role of the contract"},
        {"{person:", "{place:", "\"place\" is no type of the contract"},
        {"format: chat", "format: cat", "\"cat\" is not one of"},
        {"decimal: \",\"", "decimal: \";\"", "decimal: must be"},
        {"files: \"*.log\"\n    ", "", "lacks \"files\""},
    };
    struct fl_site site;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(read_site(with(site_text, cases[i].from, cases[i].to), &site) == -1);
        if (fl_error_status() != FL_USAGE || !strstr(fl_error_text(), cases[i].why))
            printf("# %s: %s\n", cases[i].to, fl_error_text());
        CHECK(fl_error_status() == FL_USAGE && strstr(fl_error_text(), cases[i].why) != NULL);
    }
}

/* What was put aside comes back, in order, whatever its size. */
static void
test_held(void)
{
    struct fl_held *h = fl_held_new();
    struct fl_held_document d;
    unsigned char *text = malloc(700000);

    memset(text, 'x', 700000);
    for (size_t i = 0; i < 500; i++) {
        d = (struct fl_held_document){text, i % 50 == 9 ? 700000 : i, i % 7, i % 3 == 0, {{0}}};
        d.fates.bytes[FL_FATE_KEPT] = i;
        d.fates.bytes[FL_FATE_NEAR] = 2 * i;
        CHECK(h && !fl_held_add(h, &d));
    }
    for (size_t i = 0; i < 500; i++) {
        CHECK(fl_held_next(h, &d) == 1);
        CHECK(d.len == (i % 50 == 9 ? 700000 : i) && d.file == i % 7 && d.valid == (i % 3 == 0));
        CHECK(d.fates.bytes[FL_FATE_KEPT] == i && d.fates.bytes[FL_FATE_NEAR] == 2 * i);
        CHECK(!memcmp(d.text, text, d.len));
    }
    CHECK(fl_held_next(h, &d) == 0);
    fl_held_free(h);
    free(text);
}

int
main(void)
{
    char command[80];

    if (!mkdtemp(folder))
        return 1;
    RUN(test_digest);
    RUN(test_refusals);
    RUN(test_records);
    RUN(test_site_refusals);
    RUN(test_held);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) ? 1 : test_end();
}
