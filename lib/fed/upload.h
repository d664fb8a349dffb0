/*
 * A site's masked upload: an object of kind "masked" whose tensors are words of lanes, the update
 * encoded (fed/encode.h) and masked (sec/mask.h). Its metadata is public and says nothing about the
 * update; the keys are in fl-protocol(7).
 */
#ifndef FL_FED_UPLOAD_H
#define FL_FED_UPLOAD_H

#include "flt/object.h"
#include "os/pool.h"
#include "os/progress.h"
#include "sec/mask.h"
#include "sec/plan.h"

struct fl_upload {
    const struct fl_plan *plan;
    uint32_t index;              /* of the site */
    const struct fl_key *key;    /* that signs */
    uint64_t ctr;                /* number of this upload among the key's, from 1 */
    const unsigned char *prev;   /* (32) digest of the one before */
    const unsigned char *tags;   /* (n - 1, 32) of the other sites, by index */
    const struct fl_mask *masks; /* (n - 1) */
    struct fl_object *update;
    double weight;                /* by the plan's rule */
    struct fl_pool *pool;         /* may be NULL */
    int level;                    /* of compression */
    struct fl_progress *progress; /* in bytes of words; or NULL */
    uint64_t clipped;             /* out: values beyond the clip */
    unsigned char root[32];       /* out: the digest of what was written */
};

/*
 * Write the object and its signature to FD. A value of the update that is not finite is an error
 * that names its tensor. The same upload gives the same bytes, for any number of threads. Reads the
 * update once; memory: some MiB for each thread.
 */
int fl_upload_write(struct fl_upload *u, int fd, const char *name);

/*
 * The most bytes that an upload of a site of PLAN takes, uncompressed: those of the site with the
 * longest name, and at most some hundred more than any writes. 0 or -1.
 */
int fl_upload_bytes(const struct fl_plan *plan, uint64_t *bytes);

#endif
