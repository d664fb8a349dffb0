/*
 * Masked uploads of one round to the mean that their masks hide: the sum of the lanes, in which all
 * pairwise masks cancel when every site's upload is there, divided by the summed weight.
 *
 * Refused (FL_REFUSED): an upload of another roster, plan or base, a site that comes twice, a
 * signature that is missing or does not hold. FL_FAILED: an upload of another form, two sites whose
 * tags show that they share no key, a sum out of the range that the plan's clip and the opened
 * weight allow (then some upload was not made by the plan). FL_NOT_YET: sites that are missing.
 * Each names whom.
 *
 * What comes out is an update with the plan's base, and sum.weight, sum.sites, sum.weights,
 * sum.rule, sum.round, sum.sid; the same bytes for any order of the uploads, on every machine.
 * Memory: 8 bytes for each word of one upload, beyond a bound in $TMPDIR.
 */
#ifndef FL_FED_OPEN_H
#define FL_FED_OPEN_H

#include "flt/reader.h"
#include "flt/writer.h"
#include "os/progress.h"
#include "sec/plan.h"

struct fl_open;

/*
 * PLAN is borrowed. MEMORY: bytes for sums, as in fed/store.h. PROGRESS (may be NULL) counts bytes
 * of words. NULL with an error.
 */
struct fl_open *fl_open_new(const struct fl_plan *plan, uint64_t memory,
                            struct fl_progress *progress);
void fl_open_free(struct fl_open *o);

/* Add all uploads of IN, in one pass. After a failure only fl_open_free is left. */
int fl_open_add(struct fl_open *o, struct fl_reader *in);

/*
 * To look at uploads one by one, nothing is summed: fl_open_inspect takes the object whose HEAD
 * fl_reader_object has just returned, of a reader that computes digests. -1 with an error: it is
 * bad, and the next may be looked at. *SITE: the place in the roster that it claims, even then, or
 * -1.
 */
struct fl_open *fl_open_new_inspector(const struct fl_plan *plan, struct fl_progress *progress);
int fl_open_inspect(struct fl_open *o, struct fl_reader *in, const struct fl_head *head,
                    int64_t *site);

/* Do the uploads of two sites, if both are in, say the same of the key that the two share? */
bool fl_open_agree(const struct fl_open *o, uint32_t i, uint32_t j);

/* All sites are there, and the sums are in range; before this nothing is to be written. */
int fl_open_check(struct fl_open *o);

/* After fl_open_check: write the mean. */
int fl_open_write(struct fl_open *o, struct fl_writer *out);

#endif
