/*
 * Many updates, or partial sums of them, to one weighted mean or one larger partial sum: the sum of
 * the tensors (fed/sum.h) together with what their metadata must agree on.
 *
 * Refused: another base model, or a site that is in the sum already (FL_REFUSED); an update without
 * a site when there is more than one; other tensors; partial sums made by another rule of weights;
 * a mean (its rounding would be in the next one: partial sums are for that).
 *
 * What comes out has the keys that all inputs share with one value, and:
 *     examples, tokens         totals, when all inputs have them
 *     loss.first, loss.last    means with the weights of the sum, when all have them (exact until
 *                              the end like any coordinate, so of f32 precision)
 *     sum.sites                names of all sites, sorted by bytes
 *     sum.weight               summed weight, rounded to f64
 *     sum.weights, sum.alpha   rule of the weights
 *     sum.rule                 "mean", in a mean
 *     sum.total                summed weight times 2^40 as 16 bytes, little-endian, and
 *     sum.loss.first, .last    the losses' sums as 32 bytes: in a partial sum
 */
#ifndef FL_FED_AGGREGATE_H
#define FL_FED_AGGREGATE_H

#include "cli/report.h"
#include "fed/weights.h"
#include "flt/reader.h"
#include "flt/writer.h"
#include "os/pool.h"
#include "os/progress.h"

struct fl_aggregate;

struct fl_aggregate_settings {
    const struct fl_weighting *weighting; /* borrowed */
    bool weighting_given;                 /* by the user: partial sums must then be of this rule */
    bool partial;                         /* write a sum, not its mean */
    uint64_t memory;                      /* for accumulators, in bytes; beyond it $TMPDIR */
    struct fl_pool *pool;                 /* borrowed; may be NULL */
    struct fl_progress *progress;         /* of bytes added; the same */
};

/* NULL with an error; SETTINGS are copied. */
struct fl_aggregate *fl_aggregate_new(const struct fl_aggregate_settings *settings);
void fl_aggregate_free(struct fl_aggregate *a);

/* Add all objects of IN, in one pass. After a failure only fl_aggregate_free is left. */
int fl_aggregate_add(struct fl_aggregate *a, struct fl_reader *in);

/* Bytes of tensors that were added so far, for the progress. */
uint64_t fl_aggregate_bytes(const struct fl_aggregate *a);

/* Write the one object that is the result. At least one input was added. */
int fl_aggregate_write(struct fl_aggregate *a, struct fl_writer *out);

/*
 * One row an input, sorted by site, into REPORT, which was started with these columns: its sites,
 * weight as it was used, share of the total, examples, tokens, loss, bandwidth. 0, or -1 with an
 * error of memory.
 */
extern const char *const fl_aggregate_columns[];
int fl_aggregate_explain(const struct fl_aggregate *a, struct fl_report *report);

#endif
