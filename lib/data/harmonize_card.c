/* What is told of a run: sentences for what its owner may not expect, and the data card. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "data/canary.h"
#include "data/contract.h"
#include "data/harmonize.h"
#include "os/file.h"

struct speaker {
    fl_note_fn *note;
    void *arg;
};

static void FL_PRINTF(2, 3) say(const struct speaker *to, const char *format, ...)
{
    char sentence[2048];
    va_list ap;

    va_start(ap, format);
    vsnprintf(sentence, sizeof sentence, format, ap);
    va_end(ap);
    to->note(to->arg, sentence);
}

static uint64_t
dropped_bytes(const struct fl_harmonize_row *row)
{
    return row->fates.bytes[FL_FATE_MALFORMED] + row->fates.bytes[FL_FATE_FIELDS] +
           row->fates.bytes[FL_FATE_NO_FIELD] + row->fates.bytes[FL_FATE_OVERLONG] +
           row->fates.bytes[FL_FATE_BAD_CODE];
}

/* Is this what most of the dropped bytes were dropped for? */
static bool
largest(const struct fl_harmonize_row *row, enum fl_fate fate)
{
    static const enum fl_fate lost[] = {FL_FATE_MALFORMED, FL_FATE_FIELDS, FL_FATE_NO_FIELD,
                                        FL_FATE_OVERLONG, FL_FATE_BAD_CODE};

    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++)
        if (row->fates.bytes[lost[i]] > row->fates.bytes[fate])
            return false;
    return true;
}

const struct fl_malformed_words *
fl_malformed_words(enum fl_records_format format)
{
    static const struct fl_malformed_words line = {"lines", "are not JSON",
                                                   "--format text reads plain text"},
                                           row = {"rows", "are no rows of a table",
                                                  "a field with a quote in it stands in quotes, "
                                                  "and that quote is doubled"},
                                           chat = {"chats", "begin without a speaker",
                                                   "format: text in the site file reads plain "
                                                   "text"};

    return format == FL_RECORDS_CSV ? &row : format == FL_RECORDS_TEXT ? &chat : &line;
}

/* What most of what was lost was, and what would help. */
int
fl_harmonize_check(const struct fl_harmonize_settings *set, const char *name,
                   const struct fl_harmonize_row *row)
{
    const struct fl_document_counts *c = &row->counts;
    uint64_t dropped = dropped_bytes(row), lost = dropped + row->fates.bytes[FL_FATE_INVALID];
    bool replaced = row->fates.bytes[FL_FATE_INVALID] > dropped;
    const struct fl_malformed_words *words = fl_malformed_words(row->format);
    char why[300];

    if ((double)lost <= set->max_dropped * (double)row->bytes_in)
        return 0;
    if (replaced)
        snprintf(why, sizeof why,
                 "%llu places are not UTF-8, the first is byte %llu; pipe it in with: iconv -f "
                 "ENCODING -t UTF-8 FILE |",
                 (unsigned long long)c->replaced, (unsigned long long)c->first_invalid);
    else if (largest(row, FL_FATE_OVERLONG))
        snprintf(why, sizeof why,
                 "%llu lines are longer than %zu bytes, the first is line %llu; --max-document "
                 "sets the limit",
                 (unsigned long long)row->overlong, FL_RECORDS_LINE(set->records.max),
                 (unsigned long long)row->overlong_line);
    else if (largest(row, FL_FATE_FIELDS))
        snprintf(
            why, sizeof why,
            "%llu rows have another number of fields than the table, the first is line %llu; a "
            "site file names its delimiter",
            (unsigned long long)c->fields, (unsigned long long)c->fields_line);
    else if (largest(row, FL_FATE_BAD_CODE))
        snprintf(why, sizeof why, "%llu records have a code that is not in its table",
                 (unsigned long long)c->bad_code);
    else if (largest(row, FL_FATE_MALFORMED))
        snprintf(why, sizeof why, "%llu %s %s, the first is line %llu; %s",
                 (unsigned long long)c->malformed, words->record, words->are,
                 (unsigned long long)c->malformed_line, words->cure);
    else
        snprintf(why, sizeof why,
                 "%llu lines have no text in a field \"%.60s\", the first is line %llu; --field "
                 "NAME names the right one",
                 (unsigned long long)c->no_field, row->field, (unsigned long long)c->no_field_line);
    return fl_error(FL_FAILED,
                    "%s: %llu of its %llu bytes would be dropped or replaced, more than "
                    "--max-dropped %g allows: %s; --max-dropped 1 takes what is left",
                    name, (unsigned long long)lost, (unsigned long long)row->bytes_in,
                    set->max_dropped, why);
}

/* A sentence for everything in a file that its owner may not expect. */
static void
note_file(const struct fl_harmonize_settings *set, const char *name,
          const struct fl_harmonize_row *row, const struct speaker *to)
{
    const struct fl_document_counts *c = &row->counts;
    const struct fl_malformed_words *words = fl_malformed_words(row->format);

    if (c->replaced)
        say(to, "%s: not UTF-8: %llu times U+FFFD put in, the first at byte %llu", name,
            (unsigned long long)c->replaced, (unsigned long long)c->first_invalid);
    if (c->malformed)
        say(to, "%s: %llu %s dropped that %s, the first is line %llu", name,
            (unsigned long long)c->malformed, words->record, words->are,
            (unsigned long long)c->malformed_line);
    if (c->no_field)
        say(to, "%s: %llu lines dropped without a text \"%s\", the first is line %llu", name,
            (unsigned long long)c->no_field, row->field, (unsigned long long)c->no_field_line);
    if (c->fields)
        say(to,
            "%s: %llu rows dropped with another number of fields than the table, the first is line "
            "%llu",
            name, (unsigned long long)c->fields, (unsigned long long)c->fields_line);
    if (row->overlong)
        say(to,
            "%s: %llu lines dropped that are longer than %zu bytes, the first is line %llu; "
            "--max-document sets the limit",
            name, (unsigned long long)row->overlong, FL_RECORDS_LINE(set->records.max),
            (unsigned long long)row->overlong_line);
    if (c->clean.nul)
        say(to, "%s: has %llu NUL characters, which are kept; tr -d '\\000' takes them out", name,
            (unsigned long long)c->clean.nul);
}

void
fl_harmonize_notes(const struct fl_harmonize *h, fl_note_fn *note, void *arg)
{
    const struct speaker to = {note, arg};

    for (size_t i = 0; i < fl_harmonize_count(h); i++) {
        const struct fl_harmonize_row *row = fl_harmonize_row(h, i);
        const char *name = fl_harmonize_name(h, i), *same = fl_harmonize_name(h, row->same_as);
        note_file(fl_harmonize_set(h), name, row, &to);
        if (row->same_as != i && !fl_same_file(name, same)) /* of one file it was said before */
            say(&to, "%s: has the same content as %s, and counts twice", name, same);
    }
}

void
fl_harmonize_note_twice(const char *const *paths, const struct fl_records_found *found,
                        fl_note_fn *note, void *arg)
{
    const struct speaker to = {note, arg};

    if (found->again)
        say(&to, "%s: is the same file as %s, and counts twice%s", paths[found->twice],
            paths[found->twice_as],
            found->again > 1 ? "; so do others (column same_as of --card)" : "");
}

struct table { /* how the card is written */
    struct fl_report *report;
    const struct fl_harmonize *run;
    bool pub;
};

/* A number of documents, bytes or places; small ones could say who. */
static void
put(const struct table *t, uint64_t n)
{
    if (t->pub && n < 5)
        fl_report_text(t->report, "<5");
    else
        fl_report_u64(t->report, n);
}

/* The fates of bytes: columns that add up to bytes_in. */
static void
put_bytes(const struct table *t, const struct fl_harmonize_row *row)
{
    put(t, row->fates.bytes[FL_FATE_KEPT]);
    put(t, fl_fates_sum(&row->fates, FL_FATE_ESCAPE, FL_FATE_ROLE));
    put(t, row->fates.bytes[FL_FATE_IDENTIFIER]);
    for (size_t i = FL_FATE_SPACE; i < FL_FATES; i++)
        put(t, row->fates.bytes[i]);
}

static void
put_counts(const struct table *t, const struct fl_harmonize_row *row)
{
    const struct fl_document_counts *c = &row->counts;
    const struct fl_field_counts *v = &c->values;
    const uint64_t numbers[] = {c->fields,     c->bad_code,       c->withheld,  row->same,
                                row->near,     c->clean.mojibake, v->units,     v->units_kept,
                                v->dates,      v->dates_kept,     v->ambiguous, v->codes,
                                v->codes_kept, v->twice};

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        put(t, numbers[i]);
    for (size_t i = 0; i < FL_ID_COLUMNS; i++)
        put(t, c->ids[i]);
}

/* What the canaries showed, of the whole run: found, placed, and the interval of the share. */
static void
put_recall(const struct table *t, bool total)
{
    double low, high;

    for (unsigned type = 0; type < FL_ID_TYPES; type++) {
        const struct fl_recall *r = total ? fl_harmonize_recalled(t->run, type) : NULL;
        if (!r) {
            fl_report_none(t->report);
            continue;
        }
        fl_wilson(r->found, r->placed, &low, &high);
        fl_report_list(t->report);
        fl_report_u64(t->report, r->found);
        fl_report_u64(t->report, r->placed);
        fl_report_f64(t->report, low, 4);
        fl_report_f64(t->report, high, 4);
        fl_report_list_end(t->report);
    }
}

static void
report_row(const struct table *t, const char *name, const struct fl_harmonize_row *row,
           const char *same, bool total)
{
    const struct fl_document_counts *c = &row->counts;
    const struct fl_contract *contract = fl_harmonize_set(t->run)->contract;
    struct fl_report *r = t->report;
    const uint64_t numbers[] = {row->bytes_in, row->documents, row->bytes_out, row->tokens,
                                row->train,    row->valid,     c->empty,       row->overlong,
                                c->malformed,  c->no_field,    c->cuts,        c->clean.crlf,
                                c->replaced};

    fl_report_text(r, name);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        put(t, numbers[i]);
    if (c->replaced && !total)
        fl_report_u64(r, c->first_invalid);
    else
        fl_report_none(r);
    put(t, dropped_bytes(row));
    put(t, row->fates.bytes[FL_FATE_INVALID]);
    put(t, c->clean.nul);
    fl_report_text(r, same);
    put(t, row->taken);
    fl_report_text(r, row->packing);
    fl_report_text(r, row->encoding);
    put_bytes(t, row);
    put_counts(t, row);
    fl_report_text(r, row->date_order);
    put(t, row->date_proof);
    put_recall(t, total);
    if (contract) {
        fl_report_hex(r, contract->digest, FL_HASH_BYTES);
        fl_report_i64(r, contract->conf.rules);
    } else {
        fl_report_none(r);
        fl_report_none(r);
    }
}

static const char *const columns[] = {"file",
                                      "bytes_in",
                                      "documents",
                                      "bytes_out",
                                      "tokens",
                                      "train",
                                      "valid",
                                      "dropped_empty",
                                      "dropped_overlong",
                                      "dropped_malformed",
                                      "dropped_no_field",
                                      "cuts",
                                      "crlf",
                                      "replaced",
                                      "first_invalid",
                                      "dropped_bytes",
                                      "replaced_bytes",
                                      "nul",
                                      "same_as",
                                      "file_bytes",
                                      "compression",
                                      "encoding",
                                      "kept_bytes",
                                      "mapped_bytes",
                                      "identifier_bytes",
                                      "space_bytes",
                                      "control_bytes",
                                      "zero_width_bytes",
                                      "mark_bytes",
                                      "unused_bytes",
                                      "empty_bytes",
                                      "malformed_bytes",
                                      "fields_bytes",
                                      "no_field_bytes",
                                      "overlong_bytes",
                                      "bad_code_bytes",
                                      "withheld_bytes",
                                      "same_bytes",
                                      "near_bytes",
                                      "dropped_fields",
                                      "dropped_bad_code",
                                      "dropped_identifier",
                                      "dropped_same",
                                      "dropped_near",
                                      "mojibake",
                                      "units",
                                      "units_kept",
                                      "dates",
                                      "dates_kept",
                                      "dates_ambiguous",
                                      "codes",
                                      "codes_kept",
                                      "keys_twice",
                                      "found_email",
                                      "found_url",
                                      "found_ip",
                                      "found_mac",
                                      "found_iban",
                                      "found_card",
                                      "found_national",
                                      "found_phone",
                                      "found_date",
                                      "found_age",
                                      "found_own",
                                      "date_order",
                                      "date_proof",
                                      "recall_email",
                                      "recall_url",
                                      "recall_ip",
                                      "recall_mac",
                                      "recall_iban",
                                      "recall_card",
                                      "recall_national",
                                      "recall_phone",
                                      "recall_date",
                                      "recall_age",
                                      "contract",
                                      "rules",
                                      NULL};

void
fl_harmonize_card(const struct fl_harmonize *h, bool json, bool pub, struct fl_report *report)
{
    const struct table t = {report, h, pub};
    struct fl_harmonize_row total = {0};

    fl_report_start(report, columns, json);
    for (size_t i = 0; i < fl_harmonize_count(h); i++) {
        const struct fl_harmonize_row *row = fl_harmonize_row(h, i);
        const char *same = row->same_as == i ? NULL : fl_harmonize_name(h, row->same_as);
        if (!pub)
            report_row(&t, fl_harmonize_name(h, i), row, same, false);
        fl_harmonize_row_add(&total, row);
    }
    report_row(&t, "total", &total, NULL, true);
}
