/*
 * A site's masked upload: an object of kind "masked" whose tensors are words of lanes, the update
 * encoded (fed/encode.h) and masked (fed/lane_words.h). Its metadata is public and says nothing
 * about the update (sec/header.h).
 */
#ifndef FL_FED_UPLOAD_H
#define FL_FED_UPLOAD_H

#include "base/must.h"
#include "fed/bounded.h"
#include "fed/encode.h"
#include "fed/lane_words.h"
#include "flt/object.h"
#include "sec/header.h"

struct fl_upload {
    const struct fl_plan *plan;
    const struct fl_upload_head *head;
    const struct fl_key *key;    /* that signs */
    const struct fl_mask *masks; /* (mask_count) in secret memory */
    size_t mask_count;
    struct fl_object *update;         /* NULL: zeros */
    const struct fl_bounded *bounded; /* with noise of helpers: its whole numbers; else NULL */
    uint64_t q;                       /* what it counts, times 2^40 */
    const unsigned char *seed;        /* (32) of its ciphertexts, where it has some; secret */
    struct fl_pool *pool;             /* may be NULL */
    int level;                        /* of compression */
    struct fl_progress *progress;     /* in bytes of words; or NULL */
    struct fl_encoded counts;         /* out */
    unsigned char root[32];           /* out: the digest of what was written */
};

/*
 * Write the object and its signature to FD, where tensors are encrypted the one of kind "cipher"
 * before it (fed/cipher.h). The same upload gives the same bytes, for any number of
 * threads. Reads the update once; memory: some MiB for each thread.
 */
FL_MUST int fl_upload_write(struct fl_upload *u, int fd, const char *name);

/*
 * The most bytes that an upload of a site of PLAN takes, uncompressed: those of the site with the
 * longest name, and at most some hundred more than any writes. 0 or -1.
 */
FL_MUST int fl_upload_bytes(const struct fl_plan *plan, uint64_t *bytes);

#endif
