/*
 * Many updates, or partial sums of them, to one weighted mean or one larger partial sum: the sum of
 * the tensors (fed/sum.h) together with what their metadata must agree on.
 *
 * Refused: another base model, a site that is in the sum already or not expected (FL_REFUSED); an
 * update without a site when there is more than one; other tensors; partial sums made by another
 * rule of weights; a mean (its rounding would be in the next one: partial sums are for that).
 *
 * With a lineage (fed/lineage.h) the base is the newest model, inputs may begin at it or at one of
 * those before, and count less the older they are; a site may be in once for each age.
 *
 * What comes out has the keys that all inputs share with one value, and:
 *     examples, tokens         totals, when all inputs have them
 *     loss.first, loss.last    means with the weights of the sum, when all have them (exact until
 *                              the end like any coordinate, so of f32 precision)
 *     sum.sites                names of all sites, sorted by bytes
 *     sum.weight               summed weight, rounded to f64
 *     sum.weights, sum.alpha   rule of the weights
 *     sum.rule                 "mean", in a mean
 *     sum.stale                the greatest age of an update that is in, where one is above 0
 *     sum.round, sum.set, base.round   of a plain round: which it is, and of which uploads
 *     sum.total                summed weight times 2^40 as 16 bytes, little-endian, and
 *     sum.loss.first, .last    the losses' sums as 32 bytes: in a partial sum
 */
#ifndef FL_FED_AGGREGATE_H
#define FL_FED_AGGREGATE_H

#include "base/must.h"
#include "cli/report.h"
#include "crypt/hash.h"
#include "fed/expected.h"
#include "fed/lineage.h"
#include "fed/plain.h"
#include "fed/weights.h"
#include "flt/reader.h"
#include "flt/writer.h"
#include "os/pool.h"
#include "os/progress.h"

struct fl_aggregate;

struct fl_aggregate_settings {
    const struct fl_weighting *weighting; /* borrowed */
    bool weighting_given;                 /* by the user: partial sums must then be of this rule */
    const struct fl_lineage *lineage;     /* borrowed; NULL: one base */
    const struct fl_expected *expected;   /* who must be in; borrowed; NULL: anybody */
    struct fl_plain *plain;       /* a plain round, whose are those above; borrowed; or NULL */
    bool partial;                 /* write a sum, not its mean */
    uint64_t memory;              /* for accumulators, in bytes; beyond it $TMPDIR */
    struct fl_pool *pool;         /* borrowed; may be NULL */
    struct fl_progress *progress; /* of bytes added; the same */
};

/* NULL with an error; SETTINGS are copied. */
struct fl_aggregate *fl_aggregate_new(const struct fl_aggregate_settings *settings);
void fl_aggregate_free(struct fl_aggregate *a);

/* Add all objects of IN, in one pass. After a failure only fl_aggregate_free is left. */
FL_MUST int fl_aggregate_add(struct fl_aggregate *a, struct fl_reader *in);

/* The same for the one object whose HEAD fl_reader_object has just returned. */
FL_MUST int fl_aggregate_add_object(struct fl_aggregate *a, struct fl_reader *in,
                                    const struct fl_head *head);

/* Everybody who is expected is in (FL_NOT_YET otherwise); before this nothing is to be written. */
FL_MUST int fl_aggregate_check(const struct fl_aggregate *a);

/* So far: bytes of tensors, for the progress; updates; names of their sites, sorted, borrowed. */
uint64_t fl_aggregate_bytes(const struct fl_aggregate *a);
uint64_t fl_aggregate_updates(const struct fl_aggregate *a);
const char *const *fl_aggregate_sites(const struct fl_aggregate *a, size_t *count);

/* What inputs must have in common to be added; at least one was. */
struct fl_aggregate_form {
    unsigned char base[FL_HASH_BYTES];    /* digest of the model */
    unsigned char tensors[FL_HASH_BYTES]; /* of their names and shapes */
    enum fl_weight_rule rule;
    double alpha; /* of dynamic weights */
};
FL_MUST int fl_aggregate_form(const struct fl_aggregate *a, struct fl_aggregate_form *form);

/* Write the one object that is the result. At least one input was added. */
FL_MUST int fl_aggregate_write(struct fl_aggregate *a, struct fl_writer *out);

/*
 * One row an input, sorted by site, into REPORT, which was started with these columns: its sites,
 * weight as it was used, share of the total, examples, tokens, loss, bandwidth, age.
 */
extern const char *const fl_aggregate_columns[];
void fl_aggregate_explain(const struct fl_aggregate *a, struct fl_report *report);

#endif
