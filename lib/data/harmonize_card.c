/* What is told of a run: sentences for what its owner may not expect, and the data card. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

/* What most of what was lost was, and what would help. */
int
fl_harmonize_check(const struct fl_harmonize_settings *set, const char *name,
                   const struct fl_harmonize_row *row)
{
    const struct fl_document_counts *c = &row->counts;
    uint64_t dropped = dropped_bytes(row), lost = dropped + row->fates.bytes[FL_FATE_INVALID];
    bool replaced = row->fates.bytes[FL_FATE_INVALID] > dropped;
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
        snprintf(why, sizeof why,
                 "%llu lines are not JSON, the first is line %llu; --format text reads plain text",
                 (unsigned long long)c->malformed, (unsigned long long)c->malformed_line);
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

    if (c->replaced)
        say(to, "%s: not UTF-8: %llu times U+FFFD put in, the first at byte %llu", name,
            (unsigned long long)c->replaced, (unsigned long long)c->first_invalid);
    if (c->malformed)
        say(to, "%s: %llu lines dropped that are not JSON, the first is line %llu", name,
            (unsigned long long)c->malformed, (unsigned long long)c->malformed_line);
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

static void
report_row(struct fl_report *r, const char *name, const struct fl_harmonize_row *row,
           const char *same, bool one)
{
    const struct fl_document_counts *c = &row->counts;
    const uint64_t numbers[] = {row->bytes_in, row->documents, row->bytes_out, row->tokens,
                                row->train,    row->valid,     c->empty,       row->overlong,
                                c->malformed,  c->no_field,    c->cuts,        c->clean.crlf,
                                c->replaced};

    fl_report_text(r, name);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        fl_report_u64(r, numbers[i]);
    if (c->replaced && one)
        fl_report_u64(r, c->first_invalid);
    else
        fl_report_none(r);
    fl_report_u64(r, dropped_bytes(row));
    fl_report_u64(r, row->fates.bytes[FL_FATE_INVALID]);
    fl_report_u64(r, c->clean.nul);
    fl_report_text(r, same);
}

void
fl_harmonize_card(const struct fl_harmonize *h, bool json, struct fl_report *report)
{
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
                                          NULL};
    struct fl_harmonize_row total = {0};

    fl_report_start(report, columns, json);
    for (size_t i = 0; i < fl_harmonize_count(h); i++) {
        const struct fl_harmonize_row *row = fl_harmonize_row(h, i);
        const char *same = row->same_as == i ? NULL : fl_harmonize_name(h, row->same_as);
        report_row(report, fl_harmonize_name(h, i), row, same, true);
        fl_harmonize_row_add(&total, row);
    }
    report_row(report, "total", &total, NULL, false);
}
