/*
 * What somebody who recomputes a round found: file by file what is missing, altered or added, with
 * the evidence, for people to show to others.
 */
#ifndef FL_FED_FINDINGS_H
#define FL_FED_FINDINGS_H

#include "base/buf.h"
#include "base/error.h"
#include "base/must.h"
#include "cli/report.h"

enum fl_finding_kind {
    FL_FINDING_MISSING, /* a file that the round needs is not there */
    FL_FINDING_DAMAGED, /* it cannot be read, or has not the form of its kind */
    FL_FINDING_ALTERED, /* it is not what the other files lead to or what was signed */
    FL_FINDING_REFUSED, /* a bad signature, or a message of another roster, plan, round or set */
    FL_FINDING_ADDED,   /* it is no message of this round, or one of somebody who has one already */
    FL_FINDING_TWICE,   /* there are two that are signed where there may be one */
    FL_FINDING_SKIPPED, /* it could not be compared, for what another row says */
    FL_FINDING_GOOD     /* nothing was found: of whoever keeps a list of such */
};

struct fl_finding {
    enum fl_finding_kind kind;
    enum fl_status status;                 /* FL_FAILED, FL_REFUSED or FL_NOT_YET */
    const char *file, *party;              /* the party may be NULL: not known */
    const char *tensor;                    /* or NULL: the whole object */
    const unsigned char *expected, *found; /* digests (32), or NULL: not known */
    const char *reason;
};

struct fl_findings { /* a zeroed struct is empty */
    size_t count, cap;
    struct fl_findings_row *rows;
};

void fl_findings_release(struct fl_findings *f);

/* Add a copy of FINDING. 0, or -1 when there is no memory. */
FL_MUST int fl_findings_add(struct fl_findings *f, const struct fl_finding *finding);

/*
 * The same of the recorded error, whose sentence is the reason, its subject left out where that is
 * the file, and whose status says the kind, unless it is ADDED: REFUSED or DAMAGED. -1 when it was
 * the machine that failed, or the command line was wrong, and the error stays.
 */
FL_MUST int fl_findings_blame(struct fl_findings *f, const struct fl_finding *finding);

/* Is there one about this file? */
bool fl_findings_about(const struct fl_findings *f, const char *file);

/* "FILE: REASON", a line each, for a list of what is good. 0 or -1. */
FL_MUST int fl_findings_lines(const struct fl_findings *f, struct fl_buf *lines);

/* The columns of the report, and a row for each of them. */
extern const char *const fl_findings_columns[];
void fl_findings_report(const struct fl_findings *f, struct fl_report *report);

/*
 * 0 when there are none. Else -1 with an error that names what was found in FOLDER, but for what
 * was skipped: FL_REFUSED when
 * one of them is, else FL_FAILED, else FL_NOT_YET.
 */
FL_MUST int fl_findings_judge(const struct fl_findings *f, const char *folder);

#endif
