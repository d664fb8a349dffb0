/*
 * What has arrived: each input by itself, good or bad and why, and who is missing; one bad input
 * does not hide the state of the others. Nothing is summed up.
 *
 * Good is what a sum would take: masked uploads by the plan and their signatures, plain updates and
 * partial sums by themselves. Where inputs do not go together, those are bad that most others speak
 * against: of another model, tensors or rule of weights, or with tags that others' do not confirm.
 * Of two inputs of one site the later one is bad.
 */
#ifndef FL_FED_INSPECT_H
#define FL_FED_INSPECT_H

#include "base/must.h"
#include "cli/report.h"
#include "fed/aggregate.h"
#include "os/output.h"
#include "sec/plan.h"

struct fl_inspect;

struct fl_inspect_settings {
    const struct fl_plan *plan; /* of masked uploads; borrowed; NULL: plain updates and sums */
    struct fl_aggregate_settings plain;
    struct fl_progress *progress; /* of bytes of tensors; may be NULL */
};

/* NULL with an error; SETTINGS are copied. */
struct fl_inspect *fl_inspect_new(const struct fl_inspect_settings *settings);
void fl_inspect_free(struct fl_inspect *i);

/*
 * Look at all objects of PATH (NULL or "-": standard input). 0 whatever is in it; -1 when this
 * machine fails, or PATH is a terminal (FL_USAGE). Cost: that of adding it to a sum.
 */
FL_MUST int fl_inspect_add(struct fl_inspect *i, const char *path);

/*
 * Instead of an end and a report: the only object so far is good, and SITE's (a site, or a helper
 * of an answer). 0, or -1 with its reason, FL_REFUSED for safety's sake.
 */
FL_MUST int fl_inspect_one(const struct fl_inspect *i, const char *site);

/* After the last input: compare them with each other, and find who is missing. 0, or -1. */
FL_MUST int fl_inspect_end(struct fl_inspect *i);

/*
 * After fl_inspect_end: write the report to OUT and commit it, one row an object in the order of
 * inputs, and one for each site or file that is missing: file, site, status (good, bad, missing),
 * reason. 0 when all are good and in; -1: FL_REFUSED when any was refused for safety, else
 * FL_FAILED when any is bad, else FL_NOT_YET.
 */
FL_MUST int fl_inspect_write(const struct fl_inspect *i, bool json, struct fl_output *out);

#endif
