/*
 * Plain rounds (protection none): the hub reads every update. An upload is the site's update as it
 * is, an object of kind "update" that names its site, signed by it, which fl-mask writes; its sum
 * is fl-aggregate's exact one with the roster's weights. Nothing in an upload names a round: one
 * that comes late joins a later sum, where the roster's stale lets it, and counts less by its age
 * (fed/lineage.h).
 */
#ifndef FL_FED_PLAIN_H
#define FL_FED_PLAIN_H

#include <stdbool.h>

#include "base/must.h"
#include "fed/expected.h"
#include "fed/lineage.h"
#include "fed/sum.h"
#include "fed/turn.h"
#include "fed/weights.h"
#include "flt/reader.h"

/* ---- a site ---- */

/*
 * Would this round be refused? -1 unless the roster in force is the plan's and the key a site, and
 * what the update costs may be paid for (fl_turn_may_begin).
 */
FL_MUST int fl_plain_admit(struct fl_turn *t);

/* MODEL, which would be trained, is the plan's or one of its lineage. -1 (FL_REFUSED) otherwise. */
FL_MUST int fl_plain_check_model(const struct fl_turn *t, struct fl_object *model);

/*
 * The same, and the update: its model is the plan's or one of its lineage, its tensors are the
 * plan's, its site is the key's; it may be paid for. -1 (FL_REFUSED, FL_FAILED). Reads it once.
 */
FL_MUST int fl_plain_check(struct fl_turn *t);

/*
 * Pay for the update, then write it with the key's signature. The same update makes the same bytes.
 */
FL_MUST int fl_plain_write(const struct fl_turn *t, struct fl_output *out);

/* The most bytes that an upload of the plan has, for who makes room. 0 or -1. */
FL_MUST int fl_plain_bytes(const struct fl_plan *plan, uint64_t *bytes);

/* ---- a sum ---- */

struct fl_plain { /* what a sum of a plain round goes by; a zeroed struct is empty */
    const struct fl_plan *plan;
    struct fl_lineage lineage;
    struct fl_expected expected;
    struct fl_weighting weighting; /* the rule, for the record */
    unsigned char shapes[32];      /* of an update's tensors: fl_sum_shapes */
    unsigned char (*digests)[32];  /* (n) of the uploads that are in */
    bool *in;                      /* (n) */
};

/*
 * In P all that PLAN says; PLAN is borrowed. At least min_sum sites must be in; of a buffered round
 * that is over its deadline, one. 0 or -1.
 */
FL_MUST int fl_plain_start(struct fl_plain *p, const struct fl_plan *plan);
void fl_plain_release(struct fl_plain *p);

/* The update of FILE is of the roster's contract, where it has one. -1 (FL_REFUSED) otherwise. */
FL_MUST int fl_plain_check_contract(const struct fl_plain *p, const char *file,
                                    const struct fl_meta *update);

/* What an update of this metadata counts by the roster, before its age: above 0, at most 1. */
double fl_plain_weight(const struct fl_plain *p, const struct fl_meta *update);

/*
 * The update of SITE was read from IN to its end, and added to SUM: it must have the tensors of the
 * plan, and its site's signature. -1 (FL_REFUSED).
 */
FL_MUST int fl_plain_admit_upload(struct fl_plain *p, struct fl_reader *in, const char *site,
                                  const struct fl_sum *sum);

/* Record (FL_REFUSED) that the sum of FILE is no upload: always -1. */
FL_MUST int fl_plain_no_sum(const char *file);

/* What the mean says of its round: which, over which model, of which uploads. 0 or -1. */
FL_MUST int fl_plain_to_meta(const struct fl_plain *p, struct fl_meta *meta);

#endif
