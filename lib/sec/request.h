/*
 * A request: the hub asks the helpers for the streams of one set of sites, and shows them who
 * signed what: the head, the payload's digest and the signature of each upload. An object of kind
 * "request", signed by the hub:
 *     metadata  roster sid params set (32 bytes each), round, count
 *     sites     u32 (count) ascending          heads  u8: LE32 length, HEAD body, for each
 *     payloads  u8 (32 count)                  signs  u8 (64 count)
 * A helper checks all of it without a byte of the payloads: TENS bodies follow from plan and
 * roster, so digest and signature of each upload can be computed (flt/rebuild.h).
 */
#ifndef FL_SEC_REQUEST_H
#define FL_SEC_REQUEST_H

#include "base/must.h"
#include "sec/header.h"

/* An upload as a request shows it. */
struct fl_shown {
    struct fl_head head; /* owned; upload.tags points into it */
    struct fl_upload_head upload;
    unsigned char payload[32], digest[32], sign[64];
};

struct fl_request { /* a zeroed struct is empty */
    size_t count, cap;
    struct fl_shown *uploads; /* by site, ascending */
    unsigned char set[32];    /* SD; after fl_request_read or fl_request_write */
};

void fl_request_release(struct fl_request *r);

/*
 * Add an upload whose signature was checked. HEAD is copied; a site that is there already is an
 * error (FL_REFUSED). Any order. 0 or -1.
 */
FL_MUST int fl_request_add(struct fl_request *r, const struct fl_plan *plan,
                           const struct fl_head *head, const unsigned char payload[32],
                           const unsigned char digest[32], const unsigned char sign[64]);

/* Is the upload of this site in it? NULL when not. O(log count). */
const struct fl_shown *fl_request_find(const struct fl_request *r, uint32_t site);

/* Write the object, signed by the hub's KEY; sets r->set. */
FL_MUST int fl_request_write(struct fl_request *r, const struct fl_plan *plan,
                             const struct fl_key *key, int fd, const char *name, int level);

/*
 * Read PATH and check all of it: the hub's signature, that sites ascend, each upload's head,
 * session and signature, that the set is what the sites make. The error names the file; FL_REFUSED
 * for a bad signature or another session. -1 leaves R released. Cost: one signature check for each
 * site.
 */
FL_MUST int fl_request_read(struct fl_request *r, const struct fl_plan *plan, const char *path,
                            struct fl_pool *pool);

#endif
