/*
 * What is in a stream, as rows of a report: one for each object, metadata item, tensor, digest and
 * signature. Columns: row name type shape role bytes value object file; see fl-info(1).
 */
#ifndef FL_FLT_LISTING_H
#define FL_FLT_LISTING_H

#include "base/must.h"
#include "cli/report.h"
#include "crypt/hash.h"
#include "flt/object.h"
#include "flt/reader.h"
#include "flt/values.h"

struct fl_listing {
    struct fl_report report;
    const char *file; /* borrowed */
    int64_t object;   /* index in the file */
};

void fl_listing_start(struct fl_listing *l, bool json);

/*
 * Rows of the object that IN has just begun: its kind, metadata and tensors, the sum of them. The
 * object was checked to its end when this returns 0; on -1 the rows are not to be shown.
 */
FL_MUST int fl_listing_object(struct fl_listing *l, struct fl_reader *in,
                              const struct fl_head *head);

/*
 * Whether a signature holds: 0, or -1 with an error that does not name the file. flt/ carries
 * signatures and does not judge them; who knows keys does.
 */
typedef int fl_sign_check(void *arg, const struct fl_sign *sign);

/*
 * The row of its digest, and then those of its signatures, each of which CHECK (may
 * be NULL) accepts. L NULL: no rows.
 */
void fl_listing_digest(struct fl_listing *l, const unsigned char digest[FL_HASH_BYTES]);
FL_MUST int fl_listing_signs(struct fl_listing *l, struct fl_reader *in, fl_sign_check *check,
                             void *arg);

/*
 * COUNT values alone: of the metadata KEYS, or the kind for "kind". -1 (FL_FAILED) when the object
 * has not one of them.
 */
FL_MUST int fl_listing_get(struct fl_listing *l, const struct fl_head *head,
                           const char *const *keys, size_t count);

/* A record of statistics, in another report that is begun here. */
void fl_listing_stats(struct fl_report *r, const struct fl_stats *s, bool json);

/*
 * Rows for those values of T that V shows, up to number COUNT of all, in a report of "index" and
 * "value", which drains to FD, called FILE.
 */
FL_MUST int fl_listing_values(struct fl_report *r, const struct fl_tensor *t,
                              const struct fl_view *v, uint64_t count, int fd, const char *file);

#endif
