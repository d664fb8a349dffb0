/*
 * Who is in a sum of a masked round: sites, and the counts and digests of their uploads; then, once
 * it is open, those of the helpers' answers. What a sum carries to whoever opens it, and a mean to
 * the next plan.
 */
#ifndef FL_FED_MEMBERS_H
#define FL_FED_MEMBERS_H

#include "base/must.h"
#include "flt/meta.h"
#include "sec/plan.h"

struct fl_members { /* a zeroed struct is empty */
    size_t count, cap;
    uint32_t *sites;            /* ascending */
    struct fl_counted *uploads; /* of each */
    size_t answer_count;        /* 0, or all m */
    struct fl_counted answers[FL_HELPERS_MAX];
};

void fl_members_release(struct fl_members *m);

/* Add a site; one that is there already is an error (FL_REFUSED) that names no file. */
FL_MUST int fl_members_add(struct fl_members *m, const struct fl_plan *plan, uint32_t site,
                           const struct fl_counted *upload);

bool fl_members_has(const struct fl_members *m, uint32_t site);

/* SD of the set (sec/set.h). 0, or -1 when there is no memory. */
FL_MUST int fl_members_set(const struct fl_members *m, const struct fl_plan *plan,
                           unsigned char set[32]);

/*
 * Into metadata, under "sum.parties", "sum.uploads", "sum.uploads.ctr", where there are ledgers
 * "sum.uploads.spent" and, when there are answers, "sum.answers", "sum.answers.ctr"; and back,
 * checked. Errors name no file.
 */
FL_MUST int fl_members_to_meta(const struct fl_members *m, struct fl_meta *meta);
FL_MUST int fl_members_from_meta(struct fl_members *m, const struct fl_meta *meta, size_t n,
                                 size_t helpers);

#endif
