/* Rows own what they say, since the objects that it comes from are gone when it is reported. */
#include "fed/findings.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/visible.h"

struct fl_findings_row {
    enum fl_finding_kind kind;
    enum fl_status status;
    char *file, *party, *tensor, *reason;
    bool has_expected, has_found;
    unsigned char expected[32], found[32];
};

const char *const fl_findings_columns[] = {"status",   "file",  "party",  "tensor",
                                           "expected", "found", "reason", NULL};

static const char *const kinds[] = {"missing", "damaged", "altered", "refused",
                                    "added",   "twice",   "skipped", "good"};

void
fl_findings_release(struct fl_findings *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->rows[i].file);
        free(f->rows[i].party);
        free(f->rows[i].tensor);
        free(f->rows[i].reason);
    }
    free(f->rows);
    *f = (struct fl_findings){0};
}

/* A copy of TEXT, which may be NULL. 0 or -1. */
static int
keep(char **copy, const char *text)
{
    *copy = text ? fl_strdup(text) : NULL;
    return text && !*copy ? -1 : 0;
}

int
fl_findings_add(struct fl_findings *f, const struct fl_finding *finding)
{
    struct fl_findings_row *rows = fl_grow(f->rows, f->count, &f->cap, sizeof *rows);

    if (!rows)
        return -1;
    f->rows = rows;
    struct fl_findings_row *row = &rows[f->count++];
    *row = (struct fl_findings_row){.kind = finding->kind,
                                    .status = finding->status,
                                    .has_expected = finding->expected != NULL,
                                    .has_found = finding->found != NULL};
    if (finding->expected)
        memcpy(row->expected, finding->expected, 32);
    if (finding->found)
        memcpy(row->found, finding->found, 32);
    return keep(&row->file, finding->file) || keep(&row->party, finding->party) ||
                   keep(&row->tensor, finding->tensor) || keep(&row->reason, finding->reason)
               ? -1
               : 0;
}

int
fl_findings_blame(struct fl_findings *f, const struct fl_finding *finding)
{
    const size_t n = strlen(finding->file);
    const enum fl_status status = fl_error_status();
    struct fl_finding row = *finding;

    if (fl_error_of_machine() || status == FL_USAGE || status == FL_PIPE)
        return -1;
    row.reason = fl_error_text();
    if (!strncmp(row.reason, row.file, n) && !strncmp(row.reason + n, ": ", 2))
        row.reason += n + 2;
    row.status = row.kind == FL_FINDING_ADDED ? FL_REFUSED : status;
    if (row.kind != FL_FINDING_ADDED)
        row.kind = status == FL_REFUSED ? FL_FINDING_REFUSED : FL_FINDING_DAMAGED;
    return fl_findings_add(f, &row);
}

bool
fl_findings_about(const struct fl_findings *f, const char *file)
{
    for (size_t i = 0; i < f->count; i++)
        if (!strcmp(f->rows[i].file, file))
            return true;
    return false;
}

int
fl_findings_lines(const struct fl_findings *f, struct fl_buf *lines)
{
    for (size_t i = 0; i < f->count; i++)
        if (fl_buf_add_visible(lines, f->rows[i].file, strlen(f->rows[i].file), FL_VISIBLE_LINE) ||
            fl_buf_printf(lines, ": %s\n", f->rows[i].reason))
            return -1;
    return 0;
}

static void
put_digest(struct fl_report *report, bool known, const unsigned char digest[32])
{
    if (known)
        fl_report_hex(report, digest, 32);
    else
        fl_report_none(report);
}

void
fl_findings_report(const struct fl_findings *f, struct fl_report *report)
{
    for (size_t i = 0; i < f->count; i++) {
        const struct fl_findings_row *row = &f->rows[i];
        fl_report_text(report, kinds[row->kind]);
        fl_report_text(report, row->file);
        fl_report_text(report, row->party);
        fl_report_text(report, row->tensor);
        put_digest(report, row->has_expected, row->expected);
        put_digest(report, row->has_found, row->found);
        fl_report_text(report, row->reason);
    }
}

static enum fl_status
worst(const struct fl_findings *f)
{
    enum fl_status status = FL_NOT_YET;

    for (size_t i = 0; i < f->count; i++)
        if (f->rows[i].status == FL_REFUSED)
            status = FL_REFUSED;
        else if (f->rows[i].status == FL_FAILED && status == FL_NOT_YET)
            status = FL_FAILED;
    return status;
}

/* Of findings by themselves: how many, the last one into *ROW, all of them by NAMES. */
static int
list_all(const struct fl_findings *f, size_t *count, const struct fl_findings_row **row,
         struct fl_buf *names)
{
    *count = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (f->rows[i].kind == FL_FINDING_SKIPPED)
            continue;
        *row = &f->rows[i];
        if (fl_buf_printf(names, "%s%s (%s)", (*count)++ ? ", " : "", f->rows[i].file,
                          kinds[f->rows[i].kind]))
            return -1;
    }
    return 0;
}

int
fl_findings_judge(const struct fl_findings *f, const char *folder)
{
    const struct fl_findings_row *row = NULL;
    struct fl_buf names = {0};
    size_t count;
    int failed = list_all(f, &count, &row, &names);

    if (!failed && count == 1)
        fl_error(worst(f), "%s: %s", row->file, row->reason);
    else if (!failed && count)
        fl_error(worst(f), "%s: %zu findings: %.700s; the report says why", folder, count,
                 fl_buf_text(&names));
    fl_buf_release(&names);
    return failed || count ? -1 : 0;
}
