/*
 * The models of the last rounds, for sums of updates that do not all begin at one: buffered
 * rounds, where an update that came late joins a later sum, and overlapping ones, where all began
 * a round before. The age of an update is the number of models that came after its base.
 *
 * Source: Nguyen et al. 2022, Federated Learning with Buffered Asynchronous Aggregation
 * (FedBuff), section 5, whose weights (1 + age)^-0.5 these are.
 */
#ifndef FL_FED_LINEAGE_H
#define FL_FED_LINEAGE_H

#include <stddef.h>

#include "base/must.h"
#include "crypt/hash.h"
#include "flt/meta.h"

enum { FL_LINEAGE_AGES = 64 }; /* ages are below this */

struct fl_lineage {                         /* zeroed: none */
    unsigned char (*models)[FL_HASH_BYTES]; /* digests, oldest first */
    size_t count;
    size_t stale; /* the greatest age that is added */
};

/*
 * Read digests from FILE, 64 hexadecimal digits a line, oldest first; the last is the model that
 * the sum is for. One that is there twice, a line that is none, and a file without any are errors
 * (2). Fill STALE; fl_lineage_release LINEAGE. 0 or -1.
 */
FL_MUST int fl_lineage_read(struct fl_lineage *lineage, const char *file, size_t stale);
void fl_lineage_release(struct fl_lineage *lineage);

/* The model that the sum is for. */
const unsigned char *fl_lineage_newest(const struct fl_lineage *lineage);

/*
 * The age of an update of FILE that begins at BASE: 0 to STALE. -1 with an error (FL_REFUSED)
 * when the base is too old, or none of the lineage.
 */
FL_MUST int fl_lineage_age(const struct fl_lineage *lineage, const char *file,
                           const unsigned char base[FL_HASH_BYTES]);

/*
 * What an update of this age and WEIGHT counts: WEIGHT (1 + age)^-0.5, rounded to a multiple of
 * 2^-40 as weights are, at least 2^-40. Of age 0 it is WEIGHT itself.
 */
double fl_lineage_weight(double weight, int age);

#endif
